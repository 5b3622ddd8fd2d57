package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// interruptCommands are about flows that gates hold or refuse for a while.
type interruptCommands struct {
	Open   interruptOpenCommand   `cmd:"" default:"withargs" help:"Interrupt flows; the word open may be left out."`
	Extend interruptExtendCommand `cmd:"" help:"Let an interruption last longer."`
	End    interruptEndCommand    `cmd:"" help:"End an interruption, or all that are open."`
	List   interruptListCommand   `cmd:"" help:"List the interruptions of a maintenance, open and closed."`
}

// Help explains the family.
func (interruptCommands) Help() string {
	return `While an interruption is open, the gates do with its flows what they were told to do then: hold, refuse, or answer from what they
keep. A maintenance has to be under way for it, and cannot be completed before its end.

  interlude interrupt database-upgrade --flow messenger --flow api --at-most 2m --wait 10s
  interlude interrupt end database-upgrade`
}

type interruptOpenCommand struct {
	Ref      string   `arg:"" name:"id" help:"Id or key of the maintenance."`
	Flow     []string `required:"" sep:"none" placeholder:"NAME" help:"Interrupt this flow. May be given several times."`
	AtMost   string   `placeholder:"DURATION" help:"How long it may last unless it is extended, such as 2m; 5m without it. Gates end it by themselves then."`
	Expected string   `placeholder:"DURATION" help:"How long it is expected to last, for what clients are told."`
	Reason   string   `placeholder:"TEXT" help:"Why, for those who look at it later."`
	Wait     string   `placeholder:"DURATION" help:"Return when every gate has it in force and no request of these flows is under way any more; fail when that takes longer."`
}

// Help explains open.
func (interruptOpenCommand) Help() string {
	return `Its id goes to standard output. With --wait, the command ends when nothing reaches the product by these flows any more: every gate
that was heard in the last 30 seconds has it in force, and what was under way before has been answered. When that takes
longer, it names the gates that are not quiet and ends with exit code 1; the interruption stays open.

  interlude interrupt database-upgrade --flow messenger --at-most 2m --expected 30s --reason "switch to the new database"
  interlude interrupt database-upgrade --flow messenger --wait 10s && systemctl restart postgresql`
}

// Run opens it and, where that is asked for, waits until the gates are quiet.
func (c *interruptOpenCommand) Run(ctx context.Context, s *session) error {
	atMost, err := spanOf("--at-most", c.AtMost)
	if err != nil {
		return err
	}
	expected, err := spanOf("--expected", c.Expected)
	if err != nil {
		return err
	}
	wait, err := spanOf("--wait", c.Wait)
	if err != nil {
		return err
	}
	i, err := s.client().Interrupt(ctx, c.Ref, api.InterruptionRequest{Flows: c.Flow, AtMost: atMost, Expected: expected, Reason: c.Reason})
	if err != nil {
		return err
	}
	opened := time.Now()
	zone := s.zone(ctx)
	if err := s.print(i, func(w io.Writer) {
		fmt.Fprintf(s.stderr, "Interrupted %s, until %s at the latest:\n", strings.Join(i.Flows, ", "), precise(i.Lapses, zone))
		fmt.Fprintln(w, i.ID)
	}); err != nil || wait == 0 {
		return err
	}
	return s.awaitQuiet(ctx, c.Ref, i, opened, time.Duration(wait))
}

// spanOf reads a duration of the command line; an empty one is 0.
func spanOf(flag, text string) (status.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := status.ParseDuration(text)
	if err != nil {
		return 0, usage("%s %w", flag, err)
	}
	return d, nil
}

const (
	// quietEvery is how often the gates are looked at while they are waited for.
	quietEvery = 200 * time.Millisecond
	// alive is how long ago a gate may have been heard to be waited for.
	alive = 30 * time.Second
)

// awaitQuiet returns when no request reaches the product by the flows of an interruption, or says who is not quiet.
// opened is when it was opened by this machine's clock, which need not agree with the server's.
func (s *session) awaitQuiet(ctx context.Context, ref string, i status.Interruption, opened time.Time, most time.Duration) error {
	limited, stop := context.WithTimeout(ctx, most)
	defer stop()
	tick := time.NewTicker(quietEvery)
	defer tick.Stop()
	loud := []string{"the server has not said what the gates do"}
	for {
		gates, err := s.client().Gates(limited)
		switch {
		case err == nil:
			if loud = notQuiet(i, gates, i.Opened.Add(time.Since(opened))); len(loud) == 0 {
				return nil
			}
		case limited.Err() == nil:
			return fmt.Errorf("the interruption %s stays open: %w", i.ID, err)
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("not quiet after %s:\n  %s\nThe interruption stays open; interlude interrupt end %s %s ends it",
				status.Duration(most), strings.Join(loud, "\n  "), ref, i.ID)
		}
	}
}

// notQuiet tells why requests may still reach the product by the flows of an interruption, gate by gate. A flow that no
// gate has is not quiet: nobody holds it.
func notQuiet(i status.Interruption, gates []api.Gate, now time.Time) []string {
	var loud []string
	found := map[string]bool{}
	for _, g := range gates {
		if now.Sub(g.Seen) > alive {
			continue
		}
		for _, f := range g.State.Flows {
			switch {
			case !slices.Contains(i.Flows, f.Flow):
				continue
			case !slices.Contains(f.Interruptions, i.ID):
				loud = append(loud, fmt.Sprintf("%s: %s is not interrupted yet", g.Name, f.Flow))
			case f.InFlight > 0:
				loud = append(loud, fmt.Sprintf("%s: %s has %s under way", g.Name, f.Flow, counted(int(f.InFlight), "request")))
			}
			found[f.Flow] = true
		}
	}
	for _, flow := range i.Flows {
		if !found[flow] {
			loud = append(loud, fmt.Sprintf("no gate that was heard in the last %s has the flow %s", status.Duration(alive), flow))
		}
	}
	return loud
}

// chosen names interruptions of a maintenance: one, or all that are open.
type chosen struct {
	Ref string `arg:"" name:"id" help:"Id or key of the maintenance."`
	ID  string `arg:"" optional:"" name:"interruption" help:"Id of the interruption; without it, all that are open."`
}

// each does something to those that are chosen, and prints what they became.
func (c chosen) each(ctx context.Context, s *session, do func(id string) (status.Interruption, error), say func(status.Interruption) string) error {
	ids := []string{c.ID}
	if c.ID == "" {
		all, err := s.client().Interruptions(ctx, c.Ref)
		if err != nil {
			return err
		}
		ids = nil
		for _, i := range all {
			if i.Closed.IsZero() {
				ids = append(ids, i.ID)
			}
		}
	}
	done := []status.Interruption{}
	for _, id := range ids {
		i, err := do(id)
		if err != nil {
			return err
		}
		done = append(done, i)
	}
	return s.print(done, func(w io.Writer) {
		if len(done) == 0 {
			fmt.Fprintln(w, "None is open.")
		}
		for _, i := range done {
			fmt.Fprintln(w, say(i))
		}
	})
}

type interruptEndCommand struct{ chosen }

// Help explains end.
func (interruptEndCommand) Help() string {
	return `The gates let what they held go, in the order in which it came. Ending what has ended is no error.

  interlude interrupt end database-upgrade
  interlude interrupt end database-upgrade k3v9x2m4q8t1`
}

// Run ends them.
func (c *interruptEndCommand) Run(ctx context.Context, s *session) error {
	return c.each(ctx, s, func(id string) (status.Interruption, error) { return s.client().EndInterruption(ctx, c.Ref, id) },
		func(i status.Interruption) string {
			return fmt.Sprintf("%s: %s ended after %s.", i.ID, strings.Join(i.Flows, ", "), brief(i.Closed.Sub(i.Opened)))
		})
}

type interruptExtendCommand struct {
	chosen
	AtMost   string `required:"" placeholder:"DURATION" help:"How long it may last from now on, such as 2m."`
	Expected string `placeholder:"DURATION" help:"How long it is expected to last from now on."`
}

// Run extends them.
func (c *interruptExtendCommand) Run(ctx context.Context, s *session) error {
	atMost, err := spanOf("--at-most", c.AtMost)
	if err != nil {
		return err
	}
	expected, err := spanOf("--expected", c.Expected)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return c.each(ctx, s, func(id string) (status.Interruption, error) {
		return s.client().ExtendInterruption(ctx, c.Ref, id, api.InterruptionExtension{AtMost: atMost, Expected: expected})
	}, func(i status.Interruption) string {
		return fmt.Sprintf("%s: %s until %s at the latest.", i.ID, strings.Join(i.Flows, ", "), precise(i.Lapses, zone))
	})
}

type interruptListCommand struct {
	Ref string `arg:"" name:"id" help:"Id or key of the maintenance."`
}

// Run prints a table.
func (c *interruptListCommand) Run(ctx context.Context, s *session) error {
	list, err := s.client().Interruptions(ctx, c.Ref)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No interruptions.")
			return
		}
		rows := make([][]string, len(list))
		for n, i := range list {
			state := "open until " + precise(i.Lapses, zone)
			switch {
			case i.Lapsed:
				state = "lapsed after " + brief(i.Closed.Sub(i.Opened))
			case !i.Closed.IsZero():
				state = "ended after " + brief(i.Closed.Sub(i.Opened))
			}
			rows[n] = []string{i.ID, precise(i.Opened, zone), state, strings.Join(i.Flows, ", "), i.By.Name, i.Reason}
		}
		table(w, "ID OPENED STATE FLOWS BY REASON", rows)
	})
}
