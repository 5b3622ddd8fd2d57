package notify

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Verdict is how an attempt went.
type Verdict int

// The verdicts.
const (
	// Accepted: the other side has it.
	Accepted Verdict = iota
	// Passing: it did not work, and may work later.
	Passing
	// Refused: it was not taken and never will be; this may be the fault of what was sent.
	Refused
	// Dead: nothing will ever be taken there.
	Dead
	// Postponed: it was not tried, for no fault of the destination, and is to be tried after a while.
	Postponed
	// Granted: it was not tried, because of a limit on what its destination gets; it has its turn after a while.
	Granted
)

// Result is what an attempt to deliver came to.
type Result struct {
	Verdict Verdict
	// Answer is what the other side said, in one line.
	Answer string
	// After is the least time until the next attempt.
	After time.Duration
	// Blameless says that the failure tells nothing of the destination.
	Blameless bool
}

// A delivery is tried for patience, and leastTries times at least: one that waited for a relay, or that an operator had tried
// again, has its chance too.
const (
	patience   = 24 * time.Hour
	leastTries = 10
)

// backoff is how long to wait after so many attempts: from a quarter of a minute, twice as long each time, up to an hour, and half of
// it left to chance, so that those who failed together do not come back together.
func backoff(tries int) time.Duration {
	const shortest, longest = 15 * time.Second, time.Hour
	wait := longest
	if tries < 9 {
		wait = min(longest, shortest<<(max(1, tries)-1))
	}
	return wait/2 + rand.N(wait)
}

// outcome is what a result means for a delivery at now.
func (r Result) outcome(d Delivery, n *Notice, now time.Time) Outcome {
	o := Outcome{Delivery: d, Fate: Waiting, Tries: d.Attempts, At: now, Answer: r.Answer}
	switch r.Verdict {
	case Postponed, Granted:
		o.Due, o.Granted = now.Add(max(r.After, time.Second)), r.Verdict == Granted
		return o
	case Accepted:
		o.Fate = Sent
		o.Mark = accepted(d, n, now)
	case Passing:
		o.Due = now.Add(max(r.After, backoff(d.Attempts+1)))
		if o.Due.Sub(n.At) > patience && d.Attempts+1 >= leastTries {
			o.Fate, o.Mark = Failed, r.strike(n, now)
		}
	case Refused:
		o.Fate, o.Mark = Failed, r.strike(n, now)
	case Dead:
		o.Fate = Failed
		o.Mark = marked(n, now, func(s *Subscriber) { s.Quarantine(now, r.Answer) })
	}
	o.Tries, o.Granted = d.Attempts+1, false
	return o
}

// accepted is what it means for a subscriber that it took a delivery: an endpoint that was asked to confirm has done so, and
// what it did not take before is forgiven. A relay that took a mail says nothing of the mailbox.
func accepted(d Delivery, n *Notice, now time.Time) func(*Subscriber) []Notice {
	if d.By == Email || n.Kind != Confirm && d.To.Strikes == 0 {
		return nil
	}
	return func(s *Subscriber) []Notice {
		s.Confirm(now)
		s.Strikes = 0
		return nil
	}
}

// strike counts a failure against the subscriber, unless it is not theirs.
func (r Result) strike(n *Notice, now time.Time) func(*Subscriber) []Notice {
	if r.Blameless {
		return nil
	}
	return marked(n, now, func(s *Subscriber) { s.Strike(now, r.Answer) })
}

// marked changes a subscriber for the worse. When an endpoint is told no more because of that, its contact is told.
func marked(n *Notice, now time.Time, change func(*Subscriber)) func(*Subscriber) []Notice {
	return func(s *Subscriber) []Notice {
		was := s.State
		change(s)
		if s.State == was || s.Channel == Email || s.Contact == "" {
			return nil
		}
		return []Notice{{
			Kind: Stopped, At: now, Page: n.Page, Reason: verdictOf(s.Reason), Audience: Audience{Only: s.ID, Channel: Email},
		}}
	}
}

// verdictOf is the beginning of an answer: its code, or the kind of failure. What else an endpoint said stays with operators, for
// a stranger may have put it there to have it sent in our name.
func verdictOf(answer string) string {
	answer, _, _ = strings.Cut(answer, ":")
	return answer
}

// pointless says why a delivery is not worth making at now, or nothing.
func (n *Notice) pointless(d Delivery, now time.Time) string {
	switch expires := n.Expires(); {
	case !n.Reaches(d.To.State):
		return "not told any more: " + string(d.To.State)
	case !expires.IsZero() && !now.Before(expires):
		return "too late"
	}
	return ""
}
