package spool

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Filter says which entries are asked for. Zero fields ask for all.
type Filter struct {
	Flow  string
	State State
	Lane  string
	// Before leaves only those due before.
	Before time.Time
	// After is the id to go on after: the last one of the page before.
	After string
	// Most is how many; 0 is 100.
	Most int
}

// Items lists entries by id, those that have ended among them as long as they are remembered.
func (s *Spool) Items(ctx context.Context, by Filter) ([]Item, error) {
	by.Most = cmp.Or(by.Most, 100)
	if by.State != "" && by.State.number() < 0 {
		return nil, fmt.Errorf("list entries: no state is called %q; they are %q", by.State, states)
	}
	rows, err := s.index.list(ctx, by)
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	items := make([]Item, 0, len(rows))
	for _, r := range rows {
		items = append(items, s.item(s.flows[r.Flow], r))
	}
	return items, nil
}

// Item tells of one entry, also of one that has ended, as long as it is remembered; otherwise it is [ErrNotFound].
func (s *Spool) Item(ctx context.Context, id string) (Item, error) {
	r, err := s.index.find(ctx, id)
	if err != nil {
		return Item{}, fmt.Errorf("entry %s: %w", id, err)
	}
	return s.item(s.flows[r.Flow], r), nil
}

// item is a row as others see it.
func (s *Spool) item(f *flow, r row) Item {
	i := r.Item
	i.Expires = s.expires(i)
	if f != nil && i.State == Waiting {
		f.mu.Lock()
		i.Moving = f.moving[i.ID] != nil
		if f.pace.until.After(i.Next) { // the whole flow waits
			i.Next = f.pace.until
		}
		f.mu.Unlock()
	}
	return i
}

// Entry gives one with its content. That of one that has ended is not kept: [ErrEnded].
func (s *Spool) Entry(ctx context.Context, id string) (Entry, error) {
	r, err := s.index.find(ctx, id)
	if err == nil && r.State.Ended() {
		err = ErrEnded
	}
	if err != nil {
		return Entry{}, fmt.Errorf("entry %s: %w", id, err)
	}
	return s.content(ctx, r)
}

// Retry lets an entry that is shelved wait again, for as long as [Limits.Age], and one that waits be tried now, but not before it is
// due. It ends a pause of the flow, but not that of [Spool.Hold] or [Spool.Pause].
func (s *Spool) Retry(ctx context.Context, id string) error {
	return s.change(ctx, "retry", id, func(f *flow, r row, now time.Time) (standing, bool) {
		f.let(func() bool { f.pace.hurry(); return false })
		to := r.standing()
		to.state, to.settled, to.next = Waiting, time.Time{}, now
		if r.Due.After(now) {
			to.next = r.Due
		}
		if r.State == Shelved {
			to.expires = to.next.Add(s.limits.Age) // one that a person shelved may not be due yet
			return to, true
		}
		return to, r.Next.After(to.next)
	})
}

// byPerson is the reason of what [Spool.Shelve] shelves.
const byPerson = "shelved by a person"

// Shelve puts an entry that waits onto the shelf, because a person gives it up for now; those behind it in its lane go on. One
// that is shelved already stays as it is, with the reason that it has.
func (s *Spool) Shelve(ctx context.Context, id string) error {
	return s.change(ctx, "shelve", id, func(_ *flow, r row, now time.Time) (standing, bool) {
		to := r.standing()
		to.state, to.settled, to.next, to.reason = Shelved, now, time.Time{}, byPerson
		return to, r.State != Shelved
	})
}

// Remove ends an entry that waits or is shelved: it is not handed over.
func (s *Spool) Remove(ctx context.Context, id string) error {
	return s.change(ctx, "remove", id, func(_ *flow, r row, now time.Time) (standing, bool) {
		to := r.standing()
		to.state, to.settled, to.next = Removed, now, time.Time{}
		return to, true
	})
}

// change changes where an entry stands, if to says so, while nobody else has it in hand.
func (s *Spool) change(ctx context.Context, act, id string, to func(f *flow, r row, now time.Time) (standing, bool)) error {
	f, err := s.seize(ctx, id)
	if err != nil {
		return fmt.Errorf("%s entry %s: %w", act, id, err)
	}
	defer f.letGo(id, "")
	r, err := s.index.find(ctx, id) // as it is now that nobody else changes it
	if err == nil && r.State.Ended() {
		err = ErrEnded
	}
	if err != nil {
		return fmt.Errorf("%s entry %s: %w", act, id, err)
	}
	next, needed := to(f, r, time.Now())
	if !needed {
		return nil
	}
	if err := s.order(ctx, record{tag: tagStanding, entry: Entry{ID: id}, standing: next}); err != nil {
		return fmt.Errorf("%s entry %s: %w", act, id, err)
	}
	if next.state == Removed {
		f.counts.removed.Add(1)
	}
	return nil
}

// seize takes an entry that has not ended into a person's hands, and gives its flow.
func (s *Spool) seize(ctx context.Context, id string) (*flow, error) {
	for {
		r, err := s.index.find(ctx, id)
		if err != nil {
			return nil, err
		}
		if r.State.Ended() {
			return nil, ErrEnded
		}
		f := s.flows[r.Flow]
		taken := f.claim(id)
		if taken == nil {
			return f, nil
		}
		if r.State == Waiting {
			return nil, ErrMoving
		}
		select { // what became of it is written already
		case <-taken:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Pause stops handing over a flow until [Spool.Resume], also after a restart. What couriers have in hand they keep.
func (s *Spool) Pause(ctx context.Context, flow string) error { return s.pause(ctx, flow, true) }

// Resume ends what [Spool.Pause] began.
func (s *Spool) Resume(ctx context.Context, flow string) error { return s.pause(ctx, flow, false) }

func (s *Spool) pause(ctx context.Context, name string, on bool) error {
	f := s.flows[name]
	if f == nil {
		return fmt.Errorf("pause or resume %q: %w", name, ErrUnknownFlow)
	}
	if err := s.order(ctx, record{tag: tagPause, flow: name, paused: on}); err != nil {
		return fmt.Errorf("pause or resume %s: %w", name, err)
	}
	f.let(func() bool {
		was := f.paused
		f.paused = on
		return was && !on
	})
	return nil
}
