package keeper

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.org/interlude/status"
)

// EndSeries ends a recurring maintenance: it announces nothing more. Occurrences that are planned already stay, for
// they were promised; cancelPlanned calls them off too, each with an update that says so. Those that have begun go on.
//
// It returns the series as it then is, and what was called off. Ending a series that has ended changes nothing but, with
// cancelPlanned, what is still planned of it.
func (k *Keeper) EndSeries(
	ctx context.Context, ref string, cancelPlanned bool, say status.Post, ask Request,
) (status.Series, []status.Maintenance, error) {
	var ended status.Series
	var canceled []status.Maintenance
	err := k.change(ctx, []string{ref}, func(b *status.Book, now time.Time) (err error) {
		s, ok := b.FindSeries(ref)
		switch {
		case !ok:
			return fmt.Errorf("series %s: %w", ref, status.ErrNotFound)
		case ask.Version != 0 && ask.Version != s.Version:
			return fmt.Errorf("series %s: %w", ref, status.ErrConflict)
		}
		if !s.Ended {
			s.Ended = true
			b.PutSeries(s)
			b.Say(status.Event{Kind: status.SeriesChanged, Subject: s.Subject(), At: now, By: ask.By})
		}
		if cancelPlanned {
			if canceled, err = cancelPlannedOf(b, s.ID, say, now, ask.By); err != nil {
				return err
			}
		}
		ended, _ = b.FindSeries(s.ID)
		return nil
	})
	return ended, canceled, err
}

func byStart(a, b status.Maintenance) int { return a.Window.Start.Compare(b.Window.Start) }

// cancelPlannedOf calls off the occurrences of a series that have not begun. Their days are not skipped: a series that is
// taken up again announces them anew.
func cancelPlannedOf(b *status.Book, seriesID string, say status.Post, now time.Time, by status.Actor) ([]status.Maintenance, error) {
	var canceled []status.Maintenance
	say.Zone = b.Page.Zone()
	for _, m := range slices.SortedFunc(slices.Values(b.Maintenances), byStart) {
		if m.Series != seriesID || m.State != status.Scheduled {
			continue
		}
		words := say
		var err error
		if words.Body, err = b.Expand(say.Body, m); err != nil {
			return nil, err
		}
		next, e, err := m.Cancel(now, by, words)
		if err != nil {
			return nil, err
		}
		b.PutMaintenance(next)
		b.Say(e)
		stored, _ := b.Maintenance(m.ID)
		canceled = append(canceled, stored)
	}
	return canceled, nil
}
