package keeper

import (
	"context"
	"time"

	"example.org/interlude/status"
)

// Interrupt opens an interruption of a maintenance that is under way, and returns both.
func (k *Keeper) Interrupt(ctx context.Context, ref string, d status.InterruptionDraft, ask Request) (status.Maintenance, status.Interruption, error) {
	return k.interruption(ctx, ref, ask, func(m status.Maintenance, now time.Time, by status.Actor) (status.Maintenance, status.Interruption, status.Event, error) {
		return m.Interrupt(NewID(), d, now, by)
	})
}

// EndInterruption ends an interruption. Ending one that has ended changes nothing.
func (k *Keeper) EndInterruption(ctx context.Context, ref, id string, ask Request) (status.Maintenance, status.Interruption, error) {
	return k.interruption(ctx, ref, ask, func(m status.Maintenance, now time.Time, by status.Actor) (status.Maintenance, status.Interruption, status.Event, error) {
		return m.EndInterruption(id, now, by)
	})
}

// ExtendInterruption lets an open interruption last longer, or shorter, from now.
func (k *Keeper) ExtendInterruption(ctx context.Context, ref, id string, atMost, expected status.Duration, ask Request) (status.Maintenance, status.Interruption, error) {
	return k.interruption(ctx, ref, ask, func(m status.Maintenance, now time.Time, by status.Actor) (status.Maintenance, status.Interruption, status.Event, error) {
		return m.ExtendInterruption(id, atMost, expected, now, by)
	})
}

// interruption changes an interruption of a maintenance, and returns it as it then is.
func (k *Keeper) interruption(
	ctx context.Context, ref string, ask Request,
	to func(status.Maintenance, time.Time, status.Actor) (status.Maintenance, status.Interruption, status.Event, error),
) (status.Maintenance, status.Interruption, error) {
	var after status.Interruption
	m, err := k.move(ctx, ref, status.Post{}, ask, func(m status.Maintenance, now time.Time, by status.Actor, _ status.Post) (status.Maintenance, status.Event, error) {
		next, i, e, err := to(m, now, by)
		after = i
		return next, e, err
	})
	return m, after, err
}
