package keeper

import (
	"context"
	"sync"
	"time"

	"example.org/interlude/status"
)

// glance is how often the leader looks at the store although nothing told it to: another node may have changed
// something. It is also well below half the length of a lease, so that a lease is renewed before it runs out.
const glance = 2 * time.Second

// Run does what is due on time until ctx ends: it begins and completes maintenances, says overruns and reminders, and
// announces the occurrences of series. Only the node that leads does so; the others wait to take over.
//
// A store that is away is waited for: everything that fell due meanwhile is then done in order.
func (k *Keeper) Run(ctx context.Context) error {
	defer func() {
		leave, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer stop()
		if err := k.Leader.Leave(leave, k.Clock.Now()); err != nil {
			k.Log.Warn("lease not given up; another node takes over when it has run out", "error", err)
		}
	}()
	failing := false
	for ctx.Err() == nil {
		next, err := k.Tick(ctx)
		k.health.set(k.Clock.Now(), err)
		switch {
		case err != nil && ctx.Err() == nil:
			if !failing {
				k.Log.Error("what is due cannot be done now; trying again", "error", err)
			}
			failing, next = true, k.Clock.Now().Add(time.Second)
		case failing && err == nil:
			k.Log.Info("what was due has been done")
			failing = false
		}
		k.wait(ctx, next)
	}
	return nil
}

// wait returns at the time, on a change made here, or when ctx ends.
func (k *Keeper) wait(ctx context.Context, until time.Time) {
	waiting, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-waiting.Done():
		case <-k.wake:
			stop()
		}
	})
	k.Clock.Wait(until, waiting.Done())
	stop()
	watch.Wait()
}

// Tick does all that is due now, when this node leads, and returns when to look again.
func (k *Keeper) Tick(ctx context.Context) (time.Time, error) {
	now := k.Clock.Now()
	again := now.Add(time.Duration(float64(glance) * max(1, k.Clock.Speed())))
	leads, err := k.Leader.Lead(ctx, now)
	if err != nil || !leads {
		return again, err
	}
	var done []status.Event
	var warnings []status.Warning
	wrote, err := k.transact(ctx, nil, func(b *status.Book, now time.Time) error {
		warnings = b.Tick(now)
		done = b.Written.Events
		if due, ok := b.NextDue(now); ok && due.Before(again) {
			again = due
		}
		return nil
	})
	if err != nil {
		return again, err
	}
	if wrote {
		k.tell()
	}
	k.note(done, warnings)
	return again, nil
}

// note logs what was done and, once each, what could not be.
func (k *Keeper) note(done []status.Event, warnings []status.Warning) {
	for _, e := range done {
		line := k.Log.With("event", e.Kind, "subject", e.Subject.Kind, "id", e.Subject.ID)
		if !e.Due.IsZero() {
			line = line.With("due", e.Due)
		}
		line.Info("on time")
	}
	k.noting.Lock()
	defer k.noting.Unlock()
	known := k.warned
	k.warned = make(map[status.Warning]bool, len(warnings))
	for _, w := range warnings {
		if k.warned[w] = true; !known[w] {
			k.Log.Warn("series", "key", w.Field, "warning", w.Text)
		}
	}
}

// health is what Run last came to.
type health struct {
	mu     sync.Mutex
	at     time.Time
	failed error
}

// Health is when what was due was last done or found to be done, on this node or, when another one leads, by it; and
// why not since, if it fails. The time is zero before Run has looked.
func (k *Keeper) Health() (at time.Time, failed error) {
	k.health.mu.Lock()
	defer k.health.mu.Unlock()
	return k.health.at, k.health.failed
}

func (h *health) set(at time.Time, failed error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed = failed; failed == nil {
		h.at = at
	}
}
