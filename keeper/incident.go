package keeper

import (
	"context"
	"fmt"
	"time"

	"example.org/interlude/status"
)

// OpenIncident puts an unplanned event on the page, and tells of it.
func (k *Keeper) OpenIncident(ctx context.Context, d status.IncidentDraft, ask Request) (status.Incident, error) {
	var opened status.Incident
	err := k.change(ctx, nil, func(b *status.Book, now time.Time) error {
		i, err := b.OpenIncident(d, now, ask.By)
		opened = i
		return err
	})
	return opened, err
}

// PostIncident posts an update of an incident, and moves it when to is not empty.
func (k *Keeper) PostIncident(ctx context.Context, ref string, to status.State, say status.NamedPost, ask Request) (status.Incident, error) {
	var after status.Incident
	err := k.change(ctx, []string{ref}, func(b *status.Book, now time.Time) error {
		i, ok := b.Incident(ref)
		switch {
		case !ok || !i.Removed.IsZero():
			return fmt.Errorf("incident %s: %w", ref, status.ErrNotFound)
		case ask.Version != 0 && ask.Version != i.Version:
			return fmt.Errorf("incident %s: %w", ref, status.ErrConflict)
		}
		moved, err := b.PostIncident(i, to, say, now, ask.By)
		after = moved
		return err
	})
	return after, err
}
