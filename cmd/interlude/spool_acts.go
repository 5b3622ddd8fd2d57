package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.org/interlude/spool/desk"
)

// chosenEntries are entries by their ids, or all that nobody took.
type chosenEntries struct {
	IDs  []string `arg:"" optional:"" name:"id" help:"Their ids."`
	All  bool     `help:"All that are on the shelf."`
	Flow string   `placeholder:"NAME" help:"With --all: only those of this flow."`
}

// each does something with those that were chosen, and says with how many.
func (c *chosenEntries) each(s *session, one func(id string) error, all func(flow string) (int, error), did string) error {
	n := 0
	switch {
	case c.All == (len(c.IDs) > 0):
		return errors.New("name the ids of entries, or say --all for everything on the shelf")
	case c.Flow != "" && !c.All:
		return errors.New("--flow goes with --all")
	case c.All:
		var err error
		if n, err = all(c.Flow); err != nil {
			return err
		}
	}
	for _, id := range c.IDs {
		if err := one(id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		n++
	}
	return s.print(desk.Done{Done: n}, func(w io.Writer) { fmt.Fprintf(w, "%d %s.\n", n, did) })
}

type spoolRetryCommand struct {
	chosenEntries `embed:""`
}

// Run has them handed over.
func (c *spoolRetryCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	return c.each(s, func(id string) error { return d.Retry(ctx, id) },
		func(flow string) (int, error) { return d.RetryAll(ctx, flow) }, "to be handed over again")
}

type spoolShelveCommand struct {
	IDs []string `arg:"" name:"id" help:"Their ids."`
}

// Run puts them onto the shelf.
func (c *spoolShelveCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	chosen := chosenEntries{IDs: c.IDs}
	return chosen.each(s, func(id string) error { return d.Shelve(ctx, id) }, nil, "shelved")
}

type spoolRemoveCommand struct {
	chosenEntries `embed:""`
}

// Run removes them.
func (c *spoolRemoveCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	return c.each(s, func(id string) error { return d.Remove(ctx, id) },
		func(flow string) (int, error) { return d.RemoveShelved(ctx, flow) }, "removed")
}

type spoolPauseCommand struct {
	Flow string `arg:"" help:"Name of the flow."`
}

// Help says how to go on.
func (spoolPauseCommand) Help() string {
	return `What comes is still accepted. It stays so when the gate is started anew, until somebody says drain.

  interlude spool pause hooks --config gate.yaml`
}

// Run stops a flow.
func (c *spoolPauseCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	return d.Pause(ctx, c.Flow)
}

type spoolDrainCommand struct {
	Flow string        `arg:"" help:"Name of the flow."`
	Wait time.Duration `default:"10m" placeholder:"DURATION" help:"Give up waiting after so long; 0 does not wait. The gate goes on all the same."`
}

// drainEvery is how often the gate is asked how far it is.
const drainEvery = 500 * time.Millisecond

// Run goes on with a flow, and tells how far it is.
func (c *spoolDrainCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	if err := d.Resume(ctx, c.Flow); err != nil || c.Wait == 0 {
		return err
	}
	waiting, stop := context.WithTimeoutCause(ctx, c.Wait, fmt.Errorf("%s is not drained after %s; the gate goes on", c.Flow, c.Wait))
	defer stop()
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	told := ""
	for {
		f, err := flowOf(waiting, d, c.Flow)
		switch {
		case waiting.Err() != nil:
			return context.Cause(waiting)
		case err != nil:
			return err
		}
		if line := drainLine(f); line != told && !s.json {
			fmt.Fprintln(s.stdout, line)
			told = line
		}
		if f.Waiting == f.Later {
			if s.json {
				return s.printJSON(f)
			}
			return nil
		}
		select {
		case <-tick.C:
		case <-waiting.Done():
		}
	}
}

// flowOf is how much there is of one flow.
func flowOf(ctx context.Context, d desk.Client, name string) (desk.Flow, error) {
	is, err := d.Overview(ctx)
	if err != nil {
		return desk.Flow{}, err
	}
	for _, f := range is.Flows {
		if f.Flow == name {
			return f, nil
		}
	}
	return desk.Flow{}, fmt.Errorf("the gate has no flow %q with a spool", name)
}

// drainLine is how far a flow is, in one line.
func drainLine(f desk.Flow) string {
	due := f.Waiting - f.Later
	switch {
	case due == 0:
		return f.Flow + ": nothing waits" + laterWords(f)
	case f.Held:
		return fmt.Sprintf("%s: %d wait for the product", f.Flow, due)
	case leftWords(f) == "unknown":
		return fmt.Sprintf("%s: %d wait", f.Flow, due)
	}
	return fmt.Sprintf("%s: %d wait, %.0f a second, %s left", f.Flow, due, f.Rate, leftWords(f))
}

func laterWords(f desk.Flow) string {
	text := ""
	if f.Later > 0 {
		text += fmt.Sprintf(", %d are due later", f.Later)
	}
	if f.Shelved > 0 {
		text += fmt.Sprintf(", %d on the shelf", f.Shelved)
	}
	return text
}
