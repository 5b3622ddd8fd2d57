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
	return s.print(m, func(w io.Writer) { printMoved(w, string(m.State), m.Title, m.Updates) })
}

// printMoved says where something stands now, and what readers were told of it.
func printMoved(w io.Writer, state, title string, updates []status.Update) {
	fmt.Fprintf(w, "%s: %s\n", title, strings.ReplaceAll(state, "_", " "))
	if n := len(updates); n > 0 {
		fmt.Fprintf(w, "  %s  %s\n", instant(updates[n-1].At), short(updates[n-1].Body))
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

// postCommand tells readers something.
type postCommand struct {
	Ref   string `arg:"" name:"id" help:"Id or key."`
	Text  string `arg:"" help:"What readers are told, in Markdown; - reads standard input."`
	Quiet bool   `help:"Put it on the page, and notify nobody."`
}

// Run posts it.
func (c *postCommand) Run(ctx context.Context, s *session) error {
	return saying{c.Ref, c.Text, c.Quiet}.do(ctx, s, s.client().PostMaintenance)
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
