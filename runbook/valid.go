package runbook

import (
	"fmt"
	"strings"

	"example.org/interlude/status"
)

// checker collects what is wrong with a book.
type checker struct {
	faults []*status.Invalid
}

func (c *checker) refuse(field, format string, args ...any) {
	c.faults = append(c.faults, &status.Invalid{Field: field, Rule: fmt.Sprintf(format, args...)})
}

// need refuses an empty value.
func (c *checker) need(empty bool, field, why string) {
	if empty {
		c.refuse(field, "is needed: %s", why)
	}
}

// surroundings are what a step stands in.
type surroundings struct {
	interrupted, undoing, repeated bool
}

// check finds what no reader of YAML can: steps that do nothing or two things, values that are needed, pauses without a bound.
func (b *Book) check() []*status.Invalid {
	c := &checker{}
	if !isOneOf(b.OnFailure, failurePolicies) {
		c.refuse("runbook.on_failure", "must be %s, not %q", strings.Join(failurePolicies, ", "), b.OnFailure)
	}
	for i := range b.Checks {
		at := fmt.Sprintf("runbook.checks[%d]", i)
		b.Checks[i].refuse(c, at)
		c.plain(b.Checks[i].common(), at)
	}
	c.need(len(b.Steps) == 0, "runbook.steps", "a runbook is its steps")
	c.steps(b.Steps, "runbook.steps", surroundings{})
	return c.faults
}

// steps checks a list of steps.
func (c *checker) steps(all []Step, path string, in surroundings) {
	for i, s := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		kind, do, more := s.act()
		switch {
		case do == nil:
			c.refuse(at, "says nothing to do: a step has one key, and that is one of %s", strings.Join(Kinds(), ", "))
			continue
		case len(more) > 0:
			c.refuse(at, "is %s and %s at once: a step has one key, so begin another one with \"- \"", kind, strings.Join(more, " and "))
			continue
		}
		at += "." + kind
		if !in.repeated && hostMark.Match(withoutNested(s)) {
			c.refuse(at, "says {{ .Host }}, which only a step inside of repeat has: repeat: {over: [HOST, …], steps: […]}")
		}
		do.refuse(c, at)
		c.common(do.common(), at, in)
		c.within(do, at, in)
	}
}

// withoutNested is a step as text, without the steps in it.
func withoutNested(s Step) []byte {
	_, do, _ := s.act()
	return written(do)
}

// within checks what depends on where a step stands, and the steps that it holds.
func (c *checker) within(do act, at string, in surroundings) {
	switch do := do.(type) {
	case *Interrupt:
		if in.interrupted {
			c.refuse(at, "stands in another interrupt: one interruption has all of its flows, so name them there")
		}
		in.interrupted = true
		c.steps(do.Steps, at+".steps", in)
	case *Parallel:
		c.steps(do.Steps, at+".steps", in)
	case *Repeat:
		in.repeated = true
		c.steps(do.Steps, at+".steps", in)
	case *Pause, *Kill:
		if !in.interrupted {
			c.refuse(at, "must stand in the steps of an interrupt, whose at_most bounds it: a pooler that is paused stays so until somebody resumes it")
		}
	}
}

// common checks what every step has.
func (c *checker) common(s *Common, at string, in surroundings) {
	if !isOneOf(s.OnFailure, failurePolicies) {
		c.refuse(at+".on_failure", "must be %s, not %q", strings.Join(failurePolicies, ", "), s.OnFailure)
	}
	if s.Retries < 0 || s.Retries > 100 {
		c.refuse(at+".retries", "must be from 0 to 100, not %d", s.Retries)
	}
	if s.DoneIf != nil {
		s.DoneIf.refuse(c, at+".done_if")
	}
	if in.undoing {
		c.plain(s, at)
		return
	}
	in.undoing = true
	c.steps(s.Undo, at+".undo", in)
}

// plain refuses what makes no sense where nothing is undone any more, or nothing has been done yet.
func (c *checker) plain(s *Common, at string) {
	if len(s.Undo) > 0 {
		c.refuse(at+".undo", "cannot stand here: there is nothing that it could take back")
	}
	if s.OnFailure != "" {
		c.refuse(at+".on_failure", "cannot stand here: a check or a step of undo that fails stops the run")
	}
}

func (a *Interrupt) refuse(c *checker, at string) {
	c.need(len(a.Flows) == 0, at+".flows", "the names of the flows that gates hold or refuse")
	c.need(a.AtMost == 0, at+".at_most", "how long it may last, such as 2m; when that passes, on_failure says what follows")
	c.need(len(a.Steps) == 0, at+".steps", "what is done while the flows are interrupted")
}

func (a *Parallel) refuse(c *checker, at string) {
	c.need(len(a.Steps) == 0, at+".steps", "what is done at the same time")
}

func (a *Repeat) refuse(c *checker, at string) {
	c.need(len(a.Over) == 0, at+".over", "the hosts, one after the other")
	c.need(len(a.Steps) == 0, at+".steps", "what is done for each host")
}

func (a *Ask) refuse(c *checker, at string) {
	c.need(a.Question == "", at+".question", "what a person is to confirm")
}
