package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"example.org/interlude/runbook"
	"example.org/interlude/status"
)

// printPlan writes a plan as people read it: numbered steps with their minutes, and the sum against the window.
func printPlan(w io.Writer, p *runbook.Plan) {
	fmt.Fprintf(w, "%s\n", p.Title)
	rows := [][]string{}
	for _, it := range p.Checks {
		rows = append(rows, []string{it.Number, "", "", it.Name})
	}
	var walk func(all []*runbook.Item, indent string)
	walk = func(all []*runbook.Item, indent string) {
		for _, it := range all {
			name := indent + it.Name
			if it.Name != it.Does {
				name += ": " + it.Does
			}
			if it.Host != "" {
				name += " [" + it.Host + "]"
			}
			if it.Irreversible {
				name += "  <- point of no return"
			}
			rows = append(rows, []string{it.Number, orDash(it.Expected), orDash(it.Rollback), name})
			walk(it.Steps, indent+"  ")
			for _, undo := range it.Undo {
				rows = append(rows, []string{undo.Number, "", "", indent + "  undo: " + undo.Name})
			}
		}
	}
	walk(p.Steps, "")
	table(w, "STEP EXPECTED ROLL-BACK WHAT", rows)
	fmt.Fprintf(w, "Expected %s, and %s to roll back", p.Expected, p.Rollback)
	if length := status.Duration(p.Window.End.Sub(p.Window.Start)); length > 0 {
		fit := fmt.Sprintf("%s to spare", p.Spare)
		if p.Spare < 0 {
			fit = fmt.Sprintf("%s too long", -p.Spare)
		}
		fmt.Fprintf(w, "; the window is %s: %s", length, fit)
	}
	fmt.Fprintln(w, ".")
	if p.Unknown > 0 {
		fmt.Fprintf(w, "Not in it, because they do not say how long they take: %s.\n", counted(p.Unknown, "step"))
	}
	if p.NoReturn != "" {
		fmt.Fprintf(w, "After step %s nothing is undone any more.\n", p.NoReturn)
	}
}

func orDash(d status.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.String()
}

// screen shows a run: a line for each event, and, on a terminal, a last line that lives, with what is under way and how much of an
// interruption's bound has passed.
type screen struct {
	s    *session
	live bool

	mutex   sync.Mutex
	under   string
	begun   time.Time
	opened  time.Time
	until   time.Time
	resting bool
	closed  bool
	quit    chan struct{}
	ticking sync.WaitGroup
}

func newScreen(s *session) *screen {
	c := &screen{s: s, live: !s.json && isTerminal(s.stdout) && s.env("TERM") != "dumb", quit: make(chan struct{})}
	if c.live {
		c.ticking.Go(c.tick)
	}
	return c
}

// tick draws the last line anew until the screen is closed.
func (c *screen) tick() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-c.quit:
			return
		case <-t.C:
			c.mutex.Lock()
			c.draw()
			c.mutex.Unlock()
		}
	}
}

// draw writes the last line; the caller has the mutex.
func (c *screen) draw() {
	if c.resting || c.closed {
		return
	}
	line := ""
	if c.under != "" {
		line = fmt.Sprintf("%s  %s", c.under, brief(time.Since(c.begun).Truncate(time.Second)))
	}
	if !c.until.IsZero() {
		clock := fmt.Sprintf("interrupted for %s of %s", brief(time.Since(c.opened).Truncate(time.Second)), brief(c.until.Sub(c.opened).Round(time.Second)))
		if time.Now().After(c.until) {
			clock = c.s.paint(c.s.stdout, red, clock)
		}
		line += "   " + clock
	}
	fmt.Fprint(c.s.stdout, clearLine+line)
}

// hear shows an event.
func (c *screen) hear(e runbook.Event) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.s.json {
		asLine(c.s.stdout, e)
		return
	}
	switch e.What {
	case runbook.Begun:
		c.under, c.begun = e.Step+" "+e.Name, e.At
	case runbook.Done, runbook.Failed, runbook.Untouched:
		c.under = ""
	case runbook.EventInterrupted:
		c.opened, c.until = e.At, e.Until
	case runbook.EventEnded:
		c.until = time.Time{}
	}
	if c.live {
		fmt.Fprint(c.s.stdout, clearLine)
	}
	fmt.Fprintln(c.s.stdout, strings.TrimRight(fmt.Sprintf("%s  %-6s %s", e.At.UTC().Format("15:04:05"), e.Step, c.words(e)), " "))
	if c.live {
		c.draw()
	}
}

// words says an event on a line.
func (c *screen) words(e runbook.Event) string {
	with := func(text, more string) string {
		if more == "" || more == e.Name {
			return text
		}
		return text + ": " + more
	}
	switch e.What {
	case runbook.Begun:
		return "begins " + with(e.Name, e.Text)
	case runbook.Done:
		took := ""
		if e.Took > 0 {
			took = fmt.Sprintf(" in %s", e.Took.Round(time.Millisecond))
		}
		return c.s.paint(c.s.stdout, green, "done") + with(took, e.Text)
	case runbook.Failed, runbook.Untouched:
		return c.s.paint(c.s.stdout, red, "failed") + with(fmt.Sprintf(" after %s", e.Took.Round(time.Millisecond)), e.Text)
	case runbook.EventOutput:
		return "| " + e.Text
	case runbook.EventSkipped:
		return "done before: " + e.Name
	case runbook.EventInterrupted:
		return fmt.Sprintf("interrupts %s, until %s UTC at the latest", e.Text, e.Until.UTC().Format("15:04:05"))
	case runbook.EventEnded:
		return fmt.Sprintf("ends the interruption of %s after %s", e.Text, e.Took.Round(time.Millisecond))
	case runbook.EventWarning:
		return c.s.paint(c.s.stdout, yellow, "warning") + ": " + e.Text
	case runbook.Rolling:
		return "rolls back " + e.Name
	}
	return e.Text
}

// rest keeps the last line away while somebody is asked.
func (c *screen) rest(resting bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.resting = resting; resting && c.live {
		fmt.Fprint(c.s.stdout, clearLine)
	}
}

// close takes the last line away. Closing twice does nothing.
func (c *screen) close() {
	c.mutex.Lock()
	if c.closed {
		c.mutex.Unlock()
		return
	}
	if c.closed = true; c.live {
		fmt.Fprint(c.s.stdout, clearLine)
	}
	close(c.quit)
	c.mutex.Unlock()
	c.ticking.Wait()
}
