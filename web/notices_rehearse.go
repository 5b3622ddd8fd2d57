package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// rehearsal lets something happen in a book that nobody saves.
type rehearsal struct {
	book *status.Book
	ask  api.NoticeQuestion
	kind status.EventKind
	now  time.Time
	by   status.Actor
}

// bookOf is what a change of an event would read.
func bookOf(p *board.Picture, of board.Event) *status.Book {
	b := &status.Book{Page: p.Page, Groups: slices.Clone(p.Groups), Components: slices.Clone(p.Components), NewID: keeper.NewID}
	for _, m := range p.Maintenances {
		b.Maintenances = append(b.Maintenances, *m)
	}
	for _, i := range p.Incidents {
		b.Incidents = append(b.Incidents, *i)
	}
	for _, s := range p.Series {
		b.Series = append(b.Series, *s)
	}
	switch {
	case of.Open():
	case of.Maintenance != nil:
		b.Maintenances = append(b.Maintenances, *of.Maintenance)
	default:
		b.Incidents = append(b.Incidents, *of.Incident)
	}
	return b
}

// What subscribers are told of, in the order of a life.
var (
	toldOfMaintenances = []status.EventKind{
		status.Announced, status.Changed, status.Reminded, status.Delayed, status.Begun, status.Running, status.Updated, status.Overran,
		status.Extended, status.Estimated, status.Verified, status.Finished, status.CalledOff, status.Reopened,
	}
	toldOfIncidents = []status.EventKind{status.Opened, status.Moved, status.Ended, status.PostmortemOut}
	// toldByTheClock are those that no person causes.
	toldByTheClock = []status.EventKind{status.Reminded, status.Delayed, status.Running, status.Overran}
)

// check refuses a kind that is none of those, and what has no meaning with it.
func (r rehearsal) check(kinds []status.EventKind) error {
	if !slices.Contains(kinds, r.kind) {
		words := make([]string, len(kinds))
		for i, k := range kinds {
			words[i] = string(k)
		}
		return &status.Invalid{Field: "kind", Rule: fmt.Sprintf("must be one of %s, not %q", strings.Join(words, ", "), r.kind)}
	}
	moves := r.kind == status.Extended || r.kind == status.Estimated
	switch {
	case r.ask.Until != nil && !moves:
		return &status.Invalid{Field: "until", Rule: "has no meaning here: extended and estimated take it"}
	case r.ask.Body != "" && slices.Contains(toldByTheClock, r.kind):
		return &status.Invalid{Field: "body", Rule: "has no meaning here: the clock tells this in its own words"}
	}
	return nil
}

// replay says again what was said, and reports whether there is such a thing. Words or a time that are given ask for another one.
func (r rehearsal) replay(of status.Subject, updates []status.Update, was status.Window) bool {
	if r.ask.Body != "" || r.ask.Until != nil {
		return false
	}
	for _, u := range slices.Backward(updates) {
		if u.Event == r.kind {
			r.book.Say(status.Event{Kind: r.kind, Subject: of, At: u.At, Due: u.Due, By: u.By, Was: was, Told: true})
			return true
		}
	}
	return false
}

// movesOf are the transitions that say something.
var movesOf = map[status.EventKind]status.Transition{
	status.Begun: status.Maintenance.Begin, status.Updated: status.Maintenance.Say, status.Verified: status.Maintenance.Verify,
	status.Finished: status.Maintenance.Complete, status.CalledOff: status.Maintenance.Cancel, status.Reopened: status.Maintenance.Reopen,
}

// maintenance makes of a maintenance what is asked about.
func (r rehearsal) maintenance(m status.Maintenance) error {
	if err := r.check(toldOfMaintenances); err != nil {
		return err
	}
	var was status.Window
	if (r.kind == status.Changed || r.kind == status.Extended) && m.Announced != m.Window {
		was = m.Announced
	}
	if r.replay(m.Subject(), m.Updates, was) {
		return nil
	}
	move, known := movesOf[r.kind]
	switch {
	case known:
	case slices.Contains(toldByTheClock, r.kind):
		return r.foresee(m)
	case r.kind == status.Announced || r.kind == status.Changed:
		return &status.Invalid{Field: "kind", Rule: "follows from a document, and none has said it yet: interlude apply --dry-run shows what one changes"}
	case r.ask.Until == nil:
		return &status.Invalid{Field: "until", Rule: "is required: the new end, for example 2027-01-15T07:30:00Z"}
	default:
		move = func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
			if r.kind == status.Extended {
				return m.Extend(*r.ask.Until, now, by, say)
			}
			return m.Reestimate(*r.ask.Until, now, by, say)
		}
	}
	_, err := r.book.Transit(m, move, status.Post{Body: r.ask.Body}, r.now, r.by)
	return err
}

// foresee goes through what the clock will do until it tells what is asked about.
func (r rehearsal) foresee(m status.Maintenance) error {
	const most = 500 // an overrun is repeated for ever
	for range most {
		due, ok := m.Next()
		if !ok {
			break
		}
		next, events := m.Advance(due.At, r.book.Page.Zone())
		for _, e := range events {
			if e.Kind == r.kind {
				r.book.PutMaintenance(next)
				r.book.Say(e)
				return nil
			}
		}
		m = next
	}
	return &status.Invalid{Field: "kind", Rule: fmt.Sprintf("will not be told by the clock as the maintenance stands: %s", r.kind)}
}

// statesOf are the states that an incident moves to, and empty for what leaves it where it is.
var statesOf = map[status.EventKind]status.State{status.Moved: "", status.Ended: status.Resolved, status.PostmortemOut: status.Postmortem}

// incident makes of an incident what is asked about.
func (r rehearsal) incident(i status.Incident) error {
	if err := r.check(toldOfIncidents); err != nil {
		return err
	}
	if r.kind == status.Opened {
		if r.ask.Body != "" || len(i.Updates) == 0 {
			return &status.Invalid{Field: "kind", Rule: "has happened already, in its own words"}
		}
		first := i.Updates[0]
		r.book.Say(status.Event{Kind: r.kind, Subject: i.Subject(), At: first.At, By: first.By, Told: true})
		return nil
	}
	if r.replay(i.Subject(), i.Updates, status.Window{}) {
		return nil
	}
	_, err := r.book.PostIncident(i, statesOf[r.kind], status.NamedPost{Body: r.ask.Body}, r.now, r.by)
	return err
}
