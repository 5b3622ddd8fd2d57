package spool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// warn tells of entries that are late until ctx ends, also while the flow is held.
func (f *flow) warn(ctx context.Context) {
	for ctx.Err() == nil {
		pause, err := f.tellLate(ctx, time.Now())
		if err != nil {
			pause = catchUpPause
			if ctx.Err() == nil {
				f.spool.log.Error("what is late could not be told", "flow", f.name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// tellLate tells of those that are late now, and says when the next one may be.
func (f *flow) tellLate(ctx context.Context, now time.Time) (time.Duration, error) {
	late, err := f.spool.index.late(ctx, f.name, now.Add(-f.Warn), pageEntries)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup // they share a write
	var told atomic.Int64
	errs := make([]error, len(late))
	for i, r := range late {
		all.Go(func() {
			var done bool
			if done, errs[i] = f.tell(ctx, r.ID); done {
				told.Add(1)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil || told.Load() == pageEntries {
		return 0, err
	}
	oldest, err := f.spool.index.oldest(ctx, f.name, false)
	if err != nil || oldest.IsZero() {
		return f.Warn, err // what is accepted now is not late before
	}
	return min(max(oldest.Add(f.Warn).Sub(now), catchUpPause), f.Warn), nil
}

// tell tells of one entry. That it did is written first: it is better told of never than twice.
func (f *flow) tell(ctx context.Context, id string) (done bool, err error) {
	if f.claim(id) != nil {
		return false, nil // it is being handed over; if that fails it is told of next time
	}
	defer f.letGo(id, "")
	r, err := f.spool.index.find(ctx, id)
	if err != nil || r.State != Waiting || r.warned {
		return false, err
	}
	to := r.standing()
	to.warned = true
	if err := f.spool.order(ctx, record{tag: tagStanding, entry: Entry{ID: id}, standing: to}); err != nil {
		return false, err
	}
	defer f.guard("warned", id, func(any) {})
	f.Warned(f.spool.item(f, r))
	return true, nil
}
