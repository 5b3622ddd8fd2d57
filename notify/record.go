package notify

import (
	"context"
	"time"
)

// record writes down outcomes until there are no more, many in one transaction. running ends when the dispatcher is told to stop.
func (r *round) record(running, ctx context.Context) {
	for {
		items, more := r.gather()
		if len(items) > 0 {
			r.settle(running, ctx, items)
		}
		if !more {
			return
		}
	}
}

// gather waits for an outcome, and for those that follow it closely. It reports whether there may be more.
func (r *round) gather() (items []item, more bool) {
	first, ok := <-r.settled
	if !ok {
		return nil, false
	}
	items = append(items, first)
	timer := time.NewTimer(recordAge)
	defer timer.Stop()
	for len(items) < recordSize {
		select {
		case next, ok := <-r.settled:
			if !ok {
				return items, false
			}
			items = append(items, next)
		case <-timer.C:
			return items, true
		}
	}
	return items, true
}

// settle records outcomes, again and again until the store takes them: what was sent and is not recorded would be sent
// twice. Meanwhile nothing new is handed over. A dispatcher that is told to stop gives up after a farewell.
func (r *round) settle(running, ctx context.Context, items []item) {
	outcomes, done := r.reckon(items)
	var last time.Time // when to give up
	for {
		err := r.within(ctx, func(ctx context.Context) error { return r.Outbox.Settle(ctx, r.now(), outcomes, done) })
		r.mark(err != nil)
		if err == nil {
			break
		}
		if last.IsZero() {
			r.Log.Error("what was delivered cannot be recorded; trying again", "channel", r.channel, "deliveries", len(outcomes), "error", err)
			last = r.now().Add(farewell)
		}
		if running.Err() == nil {
			last = r.now().Add(farewell)
		} else if r.now().After(last) {
			r.Log.Error("what was delivered last is not recorded; it may go out twice", "channel", r.channel, "deliveries", len(outcomes), "error", err)
			break
		}
		pause(ctx, time.Second)
	}
	r.mu.Lock()
	for _, id := range done {
		delete(r.open, id)
	}
	r.mu.Unlock()
	for _, o := range outcomes {
		if r.Settled != nil {
			r.Settled(r.channel, o.Fate)
		}
		<-r.window
	}
}

// reckon counts outcomes off their parcels, and lists the parcels that are done.
func (r *round) reckon(items []item) (outcomes []Outcome, done []int64) {
	outcomes = make([]Outcome, 0, len(items))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range items {
		if i.Fate != "" {
			outcomes = append(outcomes, i.Outcome)
			i.of.left--
			i.of.under--
		}
		switch {
		case i.of.left == 0:
			done = append(done, i.of.id)
		case i.of.givenUp && i.of.under == 0:
			delete(r.open, i.of.id)
		}
	}
	return outcomes, done
}

// mark notes whether outcomes can be recorded.
func (r *round) mark(failing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = failing
}

// within lets f ask the store for no longer than a lease allows.
func (r *round) within(ctx context.Context, f func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, lease/3)
	defer stop()
	return f(ctx)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// renew holds what this node has taken for as long as it works on it.
func (r *round) renew(ctx context.Context) {
	for {
		pause(ctx, lease/3)
		if ctx.Err() != nil {
			return
		}
		now := r.now()
		ids := r.held(now)
		until := now.Add(lease)
		if err := r.within(ctx, func(ctx context.Context) error { return r.Outbox.Hold(ctx, ids, until) }); err != nil {
			r.Log.Warn("parcels could not be held; another node may take them", "channel", r.channel, "error", err)
			continue
		}
		r.mu.Lock()
		for _, id := range ids {
			if l, there := r.open[id]; there {
				l.until = until
			}
		}
		r.mu.Unlock()
	}
}

// held are the parcels that this node has at a time.
func (r *round) held(now time.Time) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]int64, 0, len(r.open))
	for id, l := range r.open {
		if now.Before(l.until) && !l.givenUp {
			ids = append(ids, id)
		}
	}
	return ids
}

// giveBack makes what was taken and not settled due at once, for other nodes or the next start.
func (r *round) giveBack(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, farewell)
	defer stop()
	now := r.now()
	if err := r.Outbox.Hold(ctx, r.held(now), now); err != nil {
		r.Log.Warn("deliveries could not be given back; they are due again when their lease has run out", "channel", r.channel, "error", err)
	}
}
