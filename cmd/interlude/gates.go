package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/api"
)

// gatesCommand shows what is in force at the gates.
type gatesCommand struct{}

// Help explains gates.
func (gatesCommand) Help() string {
	return `A gate says of itself what is in force there whenever that changes, and every few seconds. One that was not heard for a week is
forgotten.

  interlude gates`
}

// Run prints a table, with a line for each flow of each gate.
func (gatesCommand) Run(ctx context.Context, s *session) error {
	list, err := s.client().Gates(ctx)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No gate was heard.")
			return
		}
		var rows [][]string
		for _, g := range list {
			seen := precise(g.Seen, zone)
			if len(g.State.Flows) == 0 {
				rows = append(rows, []string{g.Name, seen, "", "", "", "", "", "", ""})
			}
			for _, f := range g.State.Flows {
				rows = append(rows, []string{
					g.Name, seen, f.Flow, f.State, f.Does, counts(f.InFlight), counts(f.Held), spooled(f.Spool), strings.Join(f.Interruptions, " "),
				})
			}
		}
		table(w, "GATE SEEN FLOW STATE DOES UNDERWAY HELD SPOOL INTERRUPTIONS", rows)
	})
}

// spooled says in a few words what a gate has accepted and not handed over yet, and how long that will take.
func spooled(s *api.SpoolState) string {
	if s == nil {
		return ""
	}
	text := counts(s.Waiting)
	switch {
	case s.Paused:
		text += ", paused"
	case s.Waiting > s.Later && !s.Held && s.LeftSeconds > 0:
		text += ", " + brief(time.Duration(s.LeftSeconds*float64(time.Second))) + " left"
	}
	if s.Shelved > 0 {
		text += ", " + counts(s.Shelved) + " shelved"
	}
	return text
}

// measuredCommand shows what the gates measured.
type measuredCommand struct {
	Ref string `arg:"" name:"id" help:"Id or key of the maintenance."`
}

// Help explains measured.
func (measuredCommand) Help() string {
	return `Each request is counted where it ended: passed on at once, held and then passed on, rejected, answered from what was stored, queued,
failed, gone because its client gave up, or bypassed. Where mail, posts or messages were accepted for later, a second table says how many of
them have been handed over since, how many nobody takes, and how late they came. Below, each stretch in which a flow was not normal at a gate: when it
opened, and how long after that the last request of before was answered (quiet), new ones were let through (closed), and the
last that had waited was let go (drained).

  interlude measured database-upgrade`
}

// Run prints two tables.
func (c *measuredCommand) Run(ctx context.Context, s *session) error {
	found, err := s.client().Measured(ctx, c.Ref)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(found, func(w io.Writer) {
		if len(found.Flows)+len(found.Spans) == 0 {
			fmt.Fprintln(w, "No gate has told anything of it.")
			return
		}
		var flows, later, spans [][]string
		for _, f := range found.Flows {
			flows = append(flows, []string{
				f.Flow, counts(f.Requests), counts(f.Passed), counts(f.Held), counts(f.Rejected), counts(f.Stale), counts(f.Queued),
				counts(f.Failed), counts(f.Gone), counts(f.Bypassed), brief(time.Duration(f.LongestMicros) * time.Microsecond),
			})
		}
		for _, f := range found.Flows {
			if f.Queued+f.Delivered+f.Shelved > 0 {
				later = append(later, []string{
					f.Flow, counts(f.Queued), counts(f.Delivered), counts(f.Shelved), brief(mean(f.DelayMicros, f.Delivered)),
					brief(time.Duration(f.LongestDelayMicros) * time.Microsecond),
				})
			}
		}
		for _, span := range found.Spans {
			spans = append(spans, []string{
				span.Flow, span.Gate, precise(span.Opened, zone), after(span.Opened, span.Quiet), after(span.Opened, span.Closed),
				after(span.Opened, span.Drained), cause(span),
			})
		}
		table(w, "FLOW REQUESTS PASSED HELD REJECTED STALE QUEUED FAILED GONE BYPASSED LONGEST", flows)
		if len(later) > 0 {
			fmt.Fprintln(w)
			table(w, "FLOW QUEUED DELIVERED SHELVED DELAY LONGEST", later)
		}
		if len(spans) > 0 {
			fmt.Fprintln(w)
			table(w, "FLOW GATE OPENED QUIET CLOSED DRAINED CAUSE", spans)
		}
	})
}

// mean is the average of n durations.
func mean(micros, n int64) time.Duration {
	if n == 0 {
		return 0
	}
	return time.Duration(micros/n) * time.Microsecond
}

// cause is why a span was opened.
func cause(s api.GateSpan) string {
	switch {
	case s.Interruption == "":
		return s.Cause
	case s.Cause == "":
		return "interruption " + s.Interruption
	}
	return "interruption " + s.Interruption + ": " + s.Cause
}

// after is how long after its beginning something happened, empty while it has not.
func after(from, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return "+" + brief(at.Sub(from))
}

// brief is a duration as people compare it: in milliseconds below a second, and to a tenth of a second above.
func brief(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	return d.Round(100 * time.Millisecond).String()
}
