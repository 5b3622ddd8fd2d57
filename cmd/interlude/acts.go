package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/document"
	"example.org/interlude/status"
)

// saying is what goes with most acts: what readers are told.
type saying struct {
	Ref   string `arg:"" name:"id" help:"Id or key."`
	Body  string `short:"b" placeholder:"TEXT" help:"What readers are told, in Markdown; - reads standard input. Without it, the usual words."`
	Quiet bool   `help:"Put it on the page, and notify nobody."`
}

// act makes the body of the request.
func (c saying) act(s *session) (api.Act, error) {
	body, err := s.textOf(c.Body)
	return api.Act{Body: body, Quiet: c.Quiet}, err
}

// textOf is the text itself, or standard input for "-".
func (s *session) textOf(text string) (string, error) {
	if text != "-" {
		return text, nil
	}
	data, _, err := s.read("-")
	return strings.TrimSpace(string(data)), err
}

// do acts on a maintenance and prints what it became.
func (c saying) do(ctx context.Context, s *session, act func(context.Context, string, api.Act) (api.Maintenance, error)) error {
	how, err := c.act(s)
	if err != nil {
		return err
	}
	m, err := act(ctx, c.Ref, how)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(m, func(w io.Writer) { printMoved(w, string(m.State), m.Title, m.Updates, zone) })
}

// printMoved says where something stands now, and what readers were told of it.
func printMoved(w io.Writer, state, title string, updates []status.Update, zone *time.Location) {
	fmt.Fprintf(w, "%s: %s\n", title, strings.ReplaceAll(state, "_", " "))
	if n := len(updates); n > 0 {
		fmt.Fprintf(w, "  %s  %s\n", instant(updates[n-1].At, zone), short(updates[n-1].Body))
	}
}

type beginCommand struct{ saying }

// Run begins it.
func (c *beginCommand) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, s.client().BeginMaintenance)
}

type verifyCommand struct{ saying }

// Run moves it to verifying.
func (c *verifyCommand) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, s.client().VerifyMaintenance)
}

type completedCommand struct{ saying }

// Run completes it.
func (c *completedCommand) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, s.client().CompleteMaintenance)
}

type cancelCommand struct{ saying }

// Run calls it off.
func (c *cancelCommand) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, s.client().CancelMaintenance)
}

type reopenCommand struct{ saying }

// Run goes back to work.
func (c *reopenCommand) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, s.client().ReopenMaintenance)
}

// message is what readers are told, given as an argument or, as with the other acts, with --body.
type message struct {
	Text  string `arg:"" optional:"" help:"What readers are told, in Markdown; - reads standard input."`
	Body  string `short:"b" placeholder:"TEXT" help:"The same, as a flag."`
	Quiet bool   `help:"Put it on the page, and notify nobody."`
}

// text is the one of the two that was given.
func (m message) text(s *session) (string, error) {
	switch {
	case m.Text != "" && m.Body != "":
		return "", usage("the text is given twice: as an argument and with --body")
	case m.Text == "" && m.Body == "":
		return "", usage("what should readers be told? Give the text as an argument or with --body; - reads standard input")
	}
	return s.textOf(m.Text + m.Body)
}

// postCommand tells readers something, and may move the maintenance with it.
type postCommand struct {
	Ref    string       `arg:"" name:"id" help:"Id or key."`
	Status status.State `placeholder:"STATE" help:"Move it with the same words: in_progress, verifying, completed or canceled."`
	message
}

// Run posts it.
func (c *postCommand) Run(ctx context.Context, s *session) error {
	if err := oneOf("--status", c.Status, status.MaintenanceStates[1:]); err != nil {
		return err
	}
	body, err := c.text(s)
	if err != nil {
		return err
	}
	act, err := c.move(ctx, s)
	if err != nil {
		return err
	}
	return saying{c.Ref, body, c.Quiet}.do(ctx, s, act)
}

// move is the act that leads to the asked state.
func (c *postCommand) move(ctx context.Context, s *session) (func(context.Context, string, api.Act) (api.Maintenance, error), error) {
	client := s.client()
	switch c.Status {
	case "":
		return client.PostMaintenance, nil
	case status.Verifying:
		return client.VerifyMaintenance, nil
	case status.Completed:
		return client.CompleteMaintenance, nil
	case status.Canceled:
		return client.CancelMaintenance, nil
	}
	m, err := client.Maintenance(ctx, c.Ref) // in_progress means what leads there from where it stands
	switch {
	case err != nil:
		return nil, err
	case m.State == status.Scheduled:
		return client.BeginMaintenance, nil
	case m.State == status.InProgress:
		return client.PostMaintenance, nil
	}
	return client.ReopenMaintenance, nil
}

// later is a new end.
type later struct {
	Until string `placeholder:"TIME" xor:"end" required:"" help:"The new end, such as 2027-01-15T07:30:00Z."`
	By    string `placeholder:"DURATION" xor:"end" required:"" help:"How much later than the announced end, such as 30m."`
}

// end is the new end of a maintenance.
func (c later) end(ctx context.Context, s *session, ref string) (*time.Time, error) {
	if c.Until != "" {
		until, err := document.ParseTime(c.Until)
		if err != nil {
			return nil, usage("--until %w", err)
		}
		return &until, nil
	}
	more, err := status.ParseDuration(c.By)
	if err != nil {
		return nil, usage("--by %w", err)
	}
	m, err := s.client().Maintenance(ctx, ref)
	if err != nil {
		return nil, err
	}
	until := m.Window.End.Add(time.Duration(more))
	return &until, nil
}

type extendCommand struct {
	saying
	later
}

// Help explains extend.
func (extendCommand) Help() string {
	return `The end of the window moves, on the page and in the calendar, and readers are told.

  interlude maintenance extend ID --until 2027-01-15T07:30:00Z
  interlude maintenance extend ID --by 30m`
}

// Run moves the end.
func (c *extendCommand) Run(ctx context.Context, s *session) error {
	return c.move(ctx, s, c.later, s.client().ExtendMaintenance)
}

type estimateCommand struct {
	saying
	later
}

// Run tells the estimate.
func (c *estimateCommand) Run(ctx context.Context, s *session) error {
	return c.move(ctx, s, c.later, s.client().EstimateMaintenance)
}

// move acts on a maintenance with a new end.
func (c saying) move(ctx context.Context, s *session, to later, act func(context.Context, string, api.Act) (api.Maintenance, error)) error {
	until, err := to.end(ctx, s, c.Ref)
	if err != nil {
		return err
	}
	return c.do(ctx, s, func(ctx context.Context, ref string, how api.Act) (api.Maintenance, error) {
		how.Until = until
		return act(ctx, ref, how)
	})
}
