package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// incidentCommands are what people do about unplanned events.
type incidentCommands struct {
	List    incidentListCommand    `cmd:"" help:"List incidents, latest first."`
	Show    incidentShowCommand    `cmd:"" help:"Show one."`
	Create  incidentCreateCommand  `cmd:"" help:"Put one on the page."`
	Post    incidentPostCommand    `cmd:"" help:"Post an update, and move it with --status."`
	Resolve incidentResolveCommand `cmd:"" help:"Say that it is over."`
}

// Help explains the family.
func (incidentCommands) Help() string {
	return `An incident is named by its id or its key, both of which list shows.

  interlude incident create "Push is slow" --affects "Message delivery / Mobile Push" --body "We are looking into it."
  interlude incident post ID "A certificate expired." --status identified
  interlude incident resolve ID --body "Everything is delivered."

Past incidents are entered with interlude apply, from a document with updates.`
}

type incidentListCommand struct {
	State []status.State `placeholder:"STATE" help:"Only those in these states: investigating, identified, monitoring, resolved, postmortem."`
	Limit int            `default:"50" help:"How many at most."`
}

// Run prints a table.
func (c *incidentListCommand) Run(ctx context.Context, s *session) error {
	if err := eachOneOf("--state", c.State, status.IncidentStates); err != nil {
		return err
	}
	list, err := all(c.Limit, func(limit int, cursor string) (api.List[api.Incident], error) {
		return s.client().Incidents(ctx, api.IncidentFilter{State: c.State, Limit: limit, Cursor: cursor})
	})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No incidents.")
			return
		}
		rows := make([][]string, len(list))
		for i, e := range list {
			rows[i] = []string{e.ID, string(e.State), instant(e.Began, zone), e.Title, e.Key}
		}
		table(w, "ID STATE BEGAN TITLE KEY", rows)
	})
}

type incidentShowCommand struct {
	Ref string `arg:"" name:"id" help:"Id or key."`
}

// Run prints one.
func (c *incidentShowCommand) Run(ctx context.Context, s *session) error {
	i, err := s.client().Incident(ctx, c.Ref)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(i, func(w io.Writer) {
		fmt.Fprintln(w, i.Title)
		printRows(w, [][2]string{
			{"id", i.ID},
			{"key", i.Key},
			{"state", i.State.Label()},
			{"impact", i.Impact.Label()},
			{"began", instant(i.Began, zone)},
			{"ended", instant(i.Ended, zone)},
			{"affects", strings.Join(i.Components, ", ")},
		})
		printUpdates(w, i.Updates, zone)
	})
}

// claims are the statuses that an update gives components.
type claims struct {
	Component map[string]status.Condition `short:"c" placeholder:"NAME=STATUS" help:"Status of a component from now on, such as \"APIs=partial_outage\". May be given several times."`
}

// check refuses what is no status.
func (c claims) check() error {
	for name, condition := range c.Component {
		if err := oneOf("-c "+name, condition, status.Conditions); err != nil {
			return err
		}
	}
	return nil
}

type incidentCreateCommand struct {
	Title   string           `arg:"" help:"What readers see first."`
	Affects []string         `sep:"none" placeholder:"NAME" help:"Group or component that is affected. May be given several times."`
	Status  status.State     `default:"investigating" help:"investigating, identified or monitoring."`
	Impact  status.Condition `placeholder:"STATUS" help:"How bad it is: degraded_performance, partial_outage or major_outage. Without it, the worst of its components."`
	Body    string           `short:"b" placeholder:"TEXT" help:"What readers are told, in Markdown; - reads standard input."`
	Key     string           `placeholder:"KEY" help:"Name by which other commands find it; made from the title otherwise."`
	Quiet   bool             `help:"Put it on the page, and notify nobody."`
	claims
}

// Run puts it on the page.
func (c *incidentCreateCommand) Run(ctx context.Context, s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := cmp.Or(oneOf("--status", c.Status, status.IncidentStates[:3]), oneOf("--impact", c.Impact, status.Conditions)); err != nil {
		return err
	}
	body, err := s.textOf(c.Body)
	if err != nil {
		return err
	}
	i, err := s.client().CreateIncident(ctx, status.IncidentDraft{
		Key: c.Key, Title: c.Title, Affects: c.Affects, Status: c.Status, Impact: c.Impact,
		NamedPost: status.NamedPost{Body: body, Quiet: c.Quiet, Components: c.Component},
	})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(i, func(w io.Writer) {
		printMoved(w, string(i.State), i.Title, i.Updates, zone)
		fmt.Fprintf(w, "  id: %s\n", i.ID)
	})
}

type incidentPostCommand struct {
	Ref    string       `arg:"" name:"id" help:"Id or key."`
	Status status.State `placeholder:"STATE" help:"Move it: investigating, identified, monitoring, resolved or postmortem."`
	message
	claims
}

// Run posts the update.
func (c *incidentPostCommand) Run(ctx context.Context, s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	if err := oneOf("--status", c.Status, status.IncidentStates); err != nil {
		return err
	}
	body, err := c.text(s)
	if err != nil {
		return err
	}
	return s.postIncident(ctx, c.Ref, api.IncidentPost{
		Status: c.Status, NamedPost: status.NamedPost{Body: body, Quiet: c.Quiet, Components: c.Component},
	})
}

type incidentResolveCommand struct {
	saying
}

// Run resolves it.
func (c *incidentResolveCommand) Run(ctx context.Context, s *session) error {
	body, err := s.textOf(cmp.Or(c.Body, "This incident has been resolved."))
	if err != nil {
		return err
	}
	return s.postIncident(ctx, c.Ref, api.IncidentPost{
		Status: status.Resolved, NamedPost: status.NamedPost{Body: body, Quiet: c.Quiet},
	})
}

func (s *session) postIncident(ctx context.Context, ref string, say api.IncidentPost) error {
	i, err := s.client().PostIncident(ctx, ref, say)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(i, func(w io.Writer) { printMoved(w, string(i.State), i.Title, i.Updates, zone) })
}
