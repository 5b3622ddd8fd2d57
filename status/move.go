package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Transition is a method of a maintenance that moves it, such as [Maintenance.Begin].
type Transition func(Maintenance, time.Time, Actor, Post) (Maintenance, Event, error)

// Transit moves a maintenance by a transition, with the placeholders in what is said filled in.
func (b *Book) Transit(m Maintenance, to Transition, say Post, now time.Time, by Actor) (Maintenance, error) {
	say.Zone = b.Page.Zone()
	body, err := b.expandPost(say, say.Body, m)
	if err != nil {
		return m, err
	}
	say.Body = body
	next, e, err := to(m, now, by, say)
	if err != nil || e.Kind == "" && slices.Equal(m.Unfinished, next.Unfinished) {
		return m, err // nothing happened, and nothing was renewed
	}
	next.Affects = PageOrder(next.Affects, b.Groups, b.Components)
	b.PutMaintenance(next)
	b.Skip(next)
	if e.Kind != WorkClosed && e.Kind != InterruptionClosed {
		b.Say(endings(m, next, now, by)...)
	}
	if e.Kind != "" {
		b.Say(e)
	}
	stored, _ := b.Maintenance(m.ID)
	return stored, nil
}

// expandPost fills in the placeholders of a body, unless the post is literal.
func (b *Book) expandPost(say Post, body string, m Maintenance) (string, error) {
	if say.Literal && body == say.Body {
		return body, nil
	}
	return b.Expand(body, m)
}

// MoveMaintenance takes a maintenance to a state by the transitions that lead there. The state that it has, or none, is
// an update without a move.
//
// States in between are passed through with the standard words, quietly. Completing what has not begun is calling it
// off, unless its window has opened and it waited for a person: then it was done, and nobody said that it began.
func (b *Book) MoveMaintenance(m Maintenance, to State, say Post, now time.Time, by Actor) (Maintenance, error) {
	if to == "" || to == m.State {
		return b.Transit(m, Maintenance.Say, say, now, by)
	}
	if m.State == Scheduled && to == Completed && now.Before(m.Window.Start) {
		to = Canceled
	}
	if m.State == Scheduled && (to == Verifying || to == Completed) {
		begun, err := b.Transit(m, Maintenance.Begin, Post{Quiet: true}, now, by)
		if err != nil {
			return m, err
		}
		m = begun
	}
	transitions := map[State]Transition{
		InProgress: Maintenance.Begin, Verifying: Maintenance.Verify, Completed: Maintenance.Complete, Canceled: Maintenance.Cancel,
	}
	transition, known := transitions[to]
	switch {
	case !known:
		return m, m.illegal(to, by, "")
	case to == InProgress && m.State != Scheduled:
		transition = Maintenance.Reopen
	}
	return b.Transit(m, transition, say, now, by)
}

// Withdraw takes a maintenance or an incident from the page altogether, as if it had never been there: for what was
// entered by mistake. Nobody is told, and what is withdrawn stays in the store for those who look into the past. A
// maintenance with something open is refused, for its work would go on unseen.
func (b *Book) Withdraw(of Subject, now time.Time, by Actor) error {
	switch of.Kind {
	case KindMaintenance:
		m, found := b.Maintenance(of.ID)
		if !found || !m.Removed.IsZero() {
			return fmt.Errorf("maintenance %s: %w", of.ID, ErrNotFound)
		}
		was, m := m, m.lapsed(now)
		if why := unearned(m.Pending()); m.Underway() && why != "" {
			return m.illegal(m.State, by, strings.Replace(why, "completion is not earned yet", "it cannot be withdrawn yet", 1))
		}
		m.Removed, m.Changed, m.Key = now, now, "" // the key is free for another
		b.PutMaintenance(m)
		b.Say(endings(was, m, now, by)...)
	case KindIncident:
		i, found := b.Incident(of.ID)
		if !found || !i.Removed.IsZero() {
			return fmt.Errorf("incident %s: %w", of.ID, ErrNotFound)
		}
		i.Removed, i.Changed, i.Key = now, now, ""
		b.PutIncident(i)
	default:
		return fmt.Errorf("%s %s: %w", of.Kind, of.ID, ErrNotFound)
	}
	b.Say(Event{Kind: Withdrawn, Subject: of, At: now, By: by})
	return nil
}

// Correction is what a person changes of an update that stands; nil stays as it is.
type Correction struct {
	Body  *string
	At    *time.Time
	Quiet *bool
}

// Correct changes the words or the time of an update that stands. Its time stays between those of its neighbours,
// because the order of updates is the story.
func (b *Book) Correct(of Subject, updateID string, c Correction, now time.Time, by Actor) error {
	var updates []Update
	m, isMaintenance := b.Maintenance(of.ID)
	i, isIncident := b.Incident(of.ID)
	switch {
	case of.Kind == KindMaintenance && isMaintenance && m.Removed.IsZero():
		updates = slices.Clone(m.Updates)
	case of.Kind == KindIncident && isIncident && i.Removed.IsZero():
		updates = slices.Clone(i.Updates)
	default:
		return fmt.Errorf("%s %s: %w", of.Kind, of.ID, ErrNotFound)
	}
	n := slices.IndexFunc(updates, func(u Update) bool { return u.ID == updateID })
	if n < 0 {
		return fmt.Errorf("update %s: %w", updateID, ErrNotFound)
	}
	was := updates[n].At
	if err := correct(updates, n, c, now); err != nil {
		return err
	}
	if isMaintenance {
		m.Updates, m.Changed = updates, now
		if m.Began.Equal(was) {
			m.Began = updates[n].At // what was measured otherwise stays
		}
		if m.Ended.Equal(was) {
			m.Ended = updates[n].At
		}
		b.PutMaintenance(m)
	} else {
		i.Updates, i.Changed = updates, now
		if n == 0 {
			i.Began = updates[0].At
		}
		if i.Ended.Equal(was) && updates[n].State.Ended() {
			i.Ended = updates[n].At
		}
		b.PutIncident(i)
	}
	b.Say(Event{Kind: Corrected, Subject: of, At: now, By: by})
	return nil
}

// sameMoment reports whether two times are the same to the millisecond, which is as fine as they are shown.
func sameMoment(a, b time.Time) bool {
	return a.Truncate(time.Millisecond).Equal(b.Truncate(time.Millisecond))
}

func correct(updates []Update, n int, c Correction, now time.Time) error {
	u := &updates[n]
	if c.Body != nil {
		if strings.TrimSpace(*c.Body) == "" {
			return &Invalid{Field: "body", Rule: "is required: what readers should know"}
		}
		if err := checkBody(*c.Body); err != nil {
			return err
		}
		u.Body = *c.Body
	}
	if c.At != nil && !sameMoment(*c.At, u.At) {
		switch {
		case CheckYear("at", *c.At) != nil:
			return CheckYear("at", *c.At)
		case c.At.After(now):
			return &Invalid{Field: "at", Rule: "is in the future: an update is a record of what was said"}
		case n > 0 && c.At.Before(updates[n-1].At), n < len(updates)-1 && c.At.After(updates[n+1].At):
			return &Invalid{Field: "at", Rule: "must lie between the times of the updates before and after it, because their order is the story"}
		}
		if u.First.IsZero() {
			u.First = u.At
		}
		u.At = *c.At
	}
	if c.Quiet != nil {
		u.Quiet = *c.Quiet
	}
	u.Edited = now
	return nil
}
