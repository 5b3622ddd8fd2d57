package keeper

import (
	"context"
	"fmt"
	"time"

	"example.org/interlude/status"
)

// Schedule announces a planned maintenance, or enters a past or recurring one, from its document. A key that is taken
// is refused.
func (k *Keeper) Schedule(ctx context.Context, d status.MaintenanceDocument, ask Request) (Result, error) {
	return k.Create(ctx, []status.Document{{Maintenance: &d}}, false, ask)
}

// Revise makes one maintenance what the document says. An occurrence of a series that is revised no longer follows it.
func (k *Keeper) Revise(ctx context.Context, ref string, d status.MaintenanceDocument, say status.Post, ask Request) (status.Maintenance, []status.Warning, error) {
	var warnings []status.Warning
	m, err := k.maintenance(ctx, ref, ask, func(b *status.Book, m status.Maintenance, now time.Time) error {
		d.Key = m.Key
		want, err := b.Plan(d)
		if err != nil {
			return err
		}
		_, _, warnings, err = b.Revise(m, want, now, ask.By, say)
		return err
	})
	return m, warnings, err
}

// Begin moves a scheduled maintenance to in progress.
func (k *Keeper) Begin(ctx context.Context, ref string, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, status.Maintenance.Begin)
}

// Verify says that the work is done and is being checked.
func (k *Keeper) Verify(ctx context.Context, ref string, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, status.Maintenance.Verify)
}

// Complete ends a maintenance, when its completion is earned.
func (k *Keeper) Complete(ctx context.Context, ref string, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, status.Maintenance.Complete)
}

// Cancel calls a maintenance off.
func (k *Keeper) Cancel(ctx context.Context, ref string, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, status.Maintenance.Cancel)
}

// Reopen goes back to work.
func (k *Keeper) Reopen(ctx context.Context, ref string, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, status.Maintenance.Reopen)
}

// Post tells readers something without moving the maintenance.
func (k *Keeper) Post(ctx context.Context, ref string, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, status.Maintenance.Say)
}

// Extend moves the announced end of a maintenance that is under way.
func (k *Keeper) Extend(ctx context.Context, ref string, until time.Time, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		return m.Extend(until, now, by, say)
	})
}

// Estimate tells when the end is now expected, without moving the announced one.
func (k *Keeper) Estimate(ctx context.Context, ref string, until time.Time, say status.Post, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, say, ask, func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		return m.Reestimate(until, now, by, say)
	})
}

// OpenWork notes an interruption, a step or a hold that keeps the maintenance from being complete.
func (k *Keeper) OpenWork(ctx context.Context, ref string, work status.Unfinished, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, status.Post{}, ask, func(m status.Maintenance, now time.Time, by status.Actor, _ status.Post) (status.Maintenance, status.Event, error) {
		return m.OpenWork(work, now, by)
	})
}

// CloseWork notes that such a thing is done.
func (k *Keeper) CloseWork(ctx context.Context, ref string, work status.Unfinished, ask Request) (status.Maintenance, error) {
	return k.move(ctx, ref, status.Post{}, ask, func(m status.Maintenance, now time.Time, by status.Actor, _ status.Post) (status.Maintenance, status.Event, error) {
		return m.CloseWork(work, now, by)
	})
}

func (k *Keeper) move(ctx context.Context, ref string, say status.Post, ask Request, to status.Transition) (status.Maintenance, error) {
	return k.maintenance(ctx, ref, ask, func(b *status.Book, m status.Maintenance, now time.Time) error {
		_, err := b.Transit(m, to, say, now, ask.By)
		return err
	})
}

// maintenance finds one, checks its version, lets f change it, and returns it as it then is.
func (k *Keeper) maintenance(ctx context.Context, ref string, ask Request, f func(*status.Book, status.Maintenance, time.Time) error) (status.Maintenance, error) {
	var after status.Maintenance
	err := k.change(ctx, []string{ref}, func(b *status.Book, now time.Time) error {
		m, ok := b.Maintenance(ref)
		switch {
		case !ok || !m.Removed.IsZero():
			return fmt.Errorf("maintenance %s: %w", ref, status.ErrNotFound)
		case ask.Version != 0 && ask.Version != m.Version:
			return fmt.Errorf("maintenance %s: %w", ref, status.ErrConflict)
		}
		if err := f(b, m, now); err != nil {
			return err
		}
		after, _ = b.Maintenance(m.ID)
		return nil
	})
	return after, err
}
