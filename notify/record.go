package notify

import (
	"context"
	"time"
)

// record writes down outcomes until there are no more, many in one transaction. Once running ends, a store that does not
// answer is waited for no longer than a farewell.
func (r *round) record(running, ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(running, func() {
		pause(ctx, farewell)
		stop()
	})()
	for {
		items, more := r.gather()
		if len(items) > 0 {
			r.settle(ctx, items)
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
// twice. Meanwhile nothing new is handed over, because the window is full.
func (r *round) settle(ctx context.Context, items []item) {
	outcomes := make([]Outcome, 0, len(items))
	r.mu.Lock()
	var done []int64
	for _, i := range items {
		if i.Fate != "" {
			outcomes = append(outcomes, i.Outcome)
			i.of.left--
		}
		if i.of.left == 0 {
			done = append(done, i.of.id)
		}
	}
	r.mu.Unlock()
	failing := false
	for {
		err := r.Outbox.Settle(ctx, r.Clock.Now(), outcomes, done)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			r.Log.Error("what was delivered last could not be recorded; it may go out twice", "channel", r.channel, "deliveries", len(outcomes), "error", err)
			break
		}
		if !failing {
			r.Log.Error("what was delivered cannot be recorded; trying again", "channel", r.channel, "deliveries", len(outcomes), "error", err)
		}
		failing = true
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
		now := r.Clock.Now()
		ids := r.held(now)
		until := now.Add(lease)
		if err := r.Outbox.Hold(ctx, ids, until); err != nil {
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
		if now.Before(l.until) {
			ids = append(ids, id)
		}
	}
	return ids
}

// giveBack makes what was taken and not settled due at once, for other nodes or the next start.
func (r *round) giveBack(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, farewell)
	defer stop()
	now := r.Clock.Now()
	if err := r.Outbox.Hold(ctx, r.held(now), now); err != nil {
		r.Log.Warn("deliveries could not be given back; they are due again when their lease has run out", "channel", r.channel, "error", err)
	}
}
