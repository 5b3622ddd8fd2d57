package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/document"
	"example.org/interlude/status"
)

// maintenanceCommands are what people do with planned work.
type maintenanceCommands struct {
	List     maintenanceListCommand   `cmd:"" help:"List maintenances: the next one first, and after those that are planned the past ones."`
	Show     maintenanceShowCommand   `cmd:"" help:"Show one, as a summary or as its document."`
	Create   maintenanceCreateCommand `cmd:"" help:"Announce those in documents; a key that is taken is refused."`
	Post     postCommand              `cmd:"" help:"Tell readers something."`
	Begin    beginCommand             `cmd:"" help:"Say that it has begun."`
	Extend   extendCommand            `cmd:"" help:"Move the announced end."`
	Estimate estimateCommand          `cmd:"" help:"Say when the end is expected, without moving the announced one."`
	Verify   verifyCommand            `cmd:"" help:"Say that the work is done and being checked."`
	Complete completedCommand         `cmd:"" help:"Say that it is completed."`
	Cancel   cancelCommand            `cmd:"" help:"Call it off."`
	Reopen   reopenCommand            `cmd:"" help:"Go back to work after it was completed or verified."`
}

// Help explains the family.
func (maintenanceCommands) Help() string {
	return `A maintenance is named by its id or its key, both of which list shows.

  interlude maintenance list --state scheduled
  interlude maintenance begin ID
  interlude maintenance extend ID --until 2027-01-15T07:30:00Z
  interlude maintenance complete ID --body "Everything answers again."`
}

type maintenanceListCommand struct {
	State []status.State `placeholder:"STATE" help:"Only those in these states: scheduled, in_progress, verifying, completed, canceled."`
	Limit int            `default:"50" help:"How many at most."`
}

// Run prints a table.
func (c *maintenanceListCommand) Run(ctx context.Context, s *session) error {
	if err := eachOneOf("--state", c.State, status.MaintenanceStates); err != nil {
		return err
	}
	list, err := all(c.Limit, func(limit int, cursor string) (api.List[api.Maintenance], error) {
		return s.client().Maintenances(ctx, api.MaintenanceFilter{State: c.State, Limit: limit, Cursor: cursor})
	})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No maintenances.")
			return
		}
		rows := make([][]string, len(list))
		for i, m := range list {
			rows[i] = []string{m.ID, string(m.State), status.WindowText(m.Window, zone), m.Title, m.Key}
		}
		table(w, "ID STATE WINDOW TITLE KEY", rows)
	})
}

// all reads the pages of a list until there are enough.
func all[T any](limit int, next func(limit int, cursor string) (api.List[T], error)) ([]T, error) {
	if limit < 1 {
		return nil, usage("--limit must be at least 1")
	}
	list, cursor := []T{}, ""
	for len(list) < limit {
		part, err := next(min(limit-len(list), api.LargestLimit), cursor)
		if err != nil {
			return nil, err
		}
		list = append(list, part.Items...)
		if part.Next == "" {
			break
		}
		cursor = part.Next
	}
	return list, nil
}

type maintenanceShowCommand struct {
	Ref    string `arg:"" name:"id" help:"Id or key."`
	Output string `short:"o" default:"text" enum:"text,yaml,json" help:"text, json, or yaml: the document, to edit and apply."`
}

// Run prints one.
func (c *maintenanceShowCommand) Run(ctx context.Context, s *session) error {
	m, err := s.client().Maintenance(ctx, c.Ref)
	if err != nil {
		return err
	}
	switch {
	case c.Output == "yaml":
		d, err := s.documentOf(ctx, m)
		if err != nil {
			return err
		}
		return s.printDocument(status.Document{Maintenance: d})
	case c.Output == "json" || s.json:
		return s.printJSON(m)
	}
	printMaintenance(s.stdout, m, s.zone(ctx))
	return nil
}

func (s *session) printDocument(d status.Document) error {
	text, err := document.Marshal(d)
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(text)
	return err
}

// documentOf is the document that would make the maintenance. A group of which every component is affected stands in it
// by its name, as people write it.
func (s *session) documentOf(ctx context.Context, m api.Maintenance) (*status.MaintenanceDocument, error) {
	page, err := s.client().Components(ctx)
	if err != nil {
		return nil, err
	}
	d := &status.MaintenanceDocument{
		Key: m.Key, Title: m.Title, Window: m.Window, Summary: m.Summary, Why: m.Why, Affects: gathered(m.Components, page),
		Begin: m.Begins, Complete: m.Completes, Reminders: m.Reminders, OverrunEvery: m.OverrunEvery, RemindEvery: m.RemindEvery,
		ShortNotice: m.ShortNotice, DespiteBlackout: m.DespiteBlackout, Promises: m.Promises,
	}
	if m.Backfilled {
		for _, u := range m.Updates {
			d.Updates = append(d.Updates, status.UpdateDocument{Status: u.State, At: u.At, Body: u.Body})
		}
	}
	return d, nil
}

// gathered puts a group's name in place of its components where all of them are named. A group that has the name of a
// component is left alone: that name would mean either.
func gathered(names []string, page []api.Component) []string {
	members := make(map[string][]string)
	for _, c := range page {
		if c.Group != "" {
			members[c.Group] = append(members[c.Group], c.FullName)
		}
	}
	group := make(map[string]string)
	for name, all := range members {
		whole := !slices.ContainsFunc(all, func(member string) bool { return !slices.Contains(names, member) })
		taken := slices.ContainsFunc(page, func(c api.Component) bool { return c.FullName == name })
		for _, member := range all {
			if whole && !taken {
				group[member] = name
			}
		}
	}
	var short []string
	for _, name := range names {
		if name = cmp.Or(group[name], name); !slices.Contains(short, name) {
			short = append(short, name)
		}
	}
	return short
}

func printMaintenance(w io.Writer, m api.Maintenance, zone *time.Location) {
	fmt.Fprintf(w, "%s\n", m.Title)
	rows := [][2]string{
		{"id", m.ID},
		{"key", m.Key},
		{"state", m.State.Label()},
		{"window", status.WindowText(m.Window, zone)},
		{"began", instant(m.Began, zone)},
		{"expected", instant(m.Estimate, zone)},
		{"ended", instant(m.Ended, zone)},
		{"affects", strings.Join(m.Components, ", ")},
		{"series", m.Series},
	}
	for _, p := range m.Promises {
		rows = append(rows, [2]string{"promise", p.Audience + ": " + p.Words()})
	}
	for _, open := range m.Pending() {
		rows = append(rows, [2]string{"open", open.What + " " + open.Name + " since " + instant(open.Since, zone)})
	}
	printRows(w, rows)
	printUpdates(w, m.Updates, zone)
}

// printRows prints names and values, without those that are empty.
func printRows(w io.Writer, rows [][2]string) {
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(w, "  %-10s %s\n", row[0], row[1])
		}
	}
}

func printUpdates(w io.Writer, updates []status.Update, zone *time.Location) {
	var previous status.State
	for _, u := range updates {
		fmt.Fprintf(w, "  %s  %s: %s\n", instant(u.At, zone), u.Heading(previous), short(u.Body))
		previous = u.State
	}
}

type maintenanceCreateCommand struct {
	File []string `short:"f" required:"" sep:"none" placeholder:"FILE" help:"Document, folder of documents, or - for standard input."`
}

// Help explains create.
func (maintenanceCreateCommand) Help() string {
	return `Other than apply, create never changes a maintenance that exists: a key that is taken is refused. Of several documents,
all are announced or, when one is refused, none.

  interlude maintenance create -f maintenance.yaml
  interlude maintenance create -f one.yaml -f another.yaml`
}

// Run announces the maintenances of the documents, all or none.
func (c *maintenanceCreateCommand) Run(ctx context.Context, s *session) error {
	sheaf, err := s.gather(c.File)
	if err != nil {
		return err
	}
	for _, d := range sheaf.documents {
		if d.Maintenance == nil {
			return usage("%s is not a maintenance; interlude apply takes every kind of document", d.Source)
		}
	}
	s.task = counted(len(sheaf.documents), "document")
	made, err := s.client().Apply(ctx, api.ApplyRequest{Documents: sheaf.documents, CreateOnly: true})
	if err != nil {
		return sheaf.locate(err)
	}
	s.warn(made.Warnings)
	return s.print(made, func(w io.Writer) {
		for _, c := range made.Changes {
			s.printChanges(w, []status.Change{c})
			fmt.Fprintf(w, "    id: %s\n", c.Subject.ID)
		}
	})
}
