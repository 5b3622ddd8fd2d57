package mail

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// How long a relay is left alone that could not be used: twice as long each time, more or less, so that the machines of a
// site do not come back to it all at once.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// Condition is how a relay fares, for operators.
type Condition struct {
	// Relay is its address.
	Relay string
	// State is whether it can be used, Since is from when on, and Why tells of one that is down.
	State State
	Since time.Time
	Why   string
	// Open is the number of connections, and Accepted that of messages since the start.
	Open     int
	Accepted int64
	// Next is when a connection is tried again; zero when nothing keeps it from being tried.
	Next time.Time
}

// State is whether a relay can be used.
type State string

// The states. An untried relay has not been needed yet.
const (
	Untried State = "untried"
	Up      State = "up"
	Down    State = "down"
)

// route is a relay and what is known of it. The pool's lock guards it.
type route struct {
	Relay
	slow     atomic.Bool // it did not answer commands that were sent together, and gets one at a time
	accepted atomic.Int64

	sessions map[*session]struct{}
	open     int // of the sessions, those that were greeted
	down     bool
	since    time.Time // of down or up; zero before it was tried
	why      string
	failures int       // since a message was last answered
	next     time.Time // no connection is opened before
}

// Condition says how each relay fares, in the order of preference.
func (p *Pool) Condition() []Condition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Condition
	for _, r := range p.routes {
		c := Condition{
			Relay: r.Address, State: Up, Since: r.since, Why: r.why, Open: r.open, Accepted: r.accepted.Load(), Next: r.next,
		}
		switch {
		case r.since.IsZero():
			c.State = Untried
		case r.down:
			c.State = Down
		}
		all = append(all, c)
	}
	return all
}

// Ready reports whether a message has a chance: a relay is up or was not tried yet.
func (p *Pool) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.routes {
		if !r.down {
			return true
		}
	}
	return false
}

// session adds a connection that is to be opened.
func (r *route) session(p *Pool) *session {
	s := &session{pool: p, route: r, leave: make(chan struct{})}
	s.free.Store(true)
	r.sessions[s] = struct{}{}
	return s
}

// free counts the connections that have no job yet, or soon, because they are being opened.
func (r *route) free() int {
	n := 0
	for s := range r.sessions {
		if s.free.Load() {
			n++
		}
	}
	return n
}

// dismiss makes the connections finish what they have begun and close.
func (r *route) dismiss() {
	for s := range r.sessions {
		if !s.dismissed {
			s.dismissed = true
			close(s.leave)
		}
	}
}

// opened notes that a relay was reached.
func (p *Pool) opened(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.poke()
	r := s.route
	if s.wire.pipelining {
		s.wire.pipelining = !r.slow.Load()
	}
	s.open = true
	r.open++
	p.dark = time.Time{}
	if r.down || r.since.IsZero() {
		p.log.Info("relay is up", "relay", r.Address)
		r.down, r.since, r.why = false, time.Now(), ""
	}
}

// proven notes that a relay has answered a message. Before, it may still be one that greets and then leaves.
func (p *Pool) proven(r *route) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.failures, r.next, r.why = 0, time.Time{}, ""
}

// closed notes that a connection is no more. When the relay is at fault, it gets a pause, and when no other connection to
// it is open, it is down. A connection that broke after it had served is not a fault: it is opened anew.
func (p *Pool) closed(s *session, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.poke()
	r, now := s.route, time.Now()
	delete(r.sessions, s)
	if s.open {
		r.open--
	}
	if p.stopping {
		return
	}
	var leaves *leaving
	if fault := err != nil && (!s.answered || errors.As(err, &leaves)); fault && !now.Before(r.next) {
		pause := min(firstPause<<min(r.failures, 10), longestPause)
		r.next = now.Add(pause - pause/4 + rand.N(pause/2))
		r.failures++
		r.why = clean([]byte(err.Error()))
		p.log.Warn("relay cannot be used for now", "relay", r.Address, "error", r.why, "again", r.next)
	}
	if r.open == 0 && now.Before(r.next) && !r.down {
		r.down, r.since = true, now
		p.log.Warn("relay is down", "relay", r.Address, "error", cmp.Or(r.why, "every connection is closed"))
	}
}
