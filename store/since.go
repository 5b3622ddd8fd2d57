package store

import (
	"context"
	"fmt"

	"example.org/interlude/status"
)

// Since returns what was saved after a point of the feed, each thing in its last form, as of one moment. Since 0 is
// everything.
//
// The number of queries does not depend on how much there is, and is one when nothing changed. A point that lies ahead of the feed
// returns an empty delta whose Seq is smaller than what was asked for: the database was restored from a backup, and
// whoever asked should begin again from 0.
func (s *Store) Since(ctx context.Context, seq int64) (status.Delta, error) {
	d, err := s.since(ctx, seq)
	if err != nil {
		return status.Delta{}, s.wrap(fmt.Sprintf("read changes since %d", seq), err)
	}
	return d, nil
}

func (s *Store) since(ctx context.Context, seq int64) (d status.Delta, err error) {
	tx, err := s.begin(ctx, s.read, s.dialect.snapshot)
	if err != nil {
		return d, err
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, `SELECT seq FROM feed`).Scan(&d.Seq); err != nil {
		return d, fmt.Errorf("read feed: %w", err)
	}
	if d.Seq <= seq {
		return d, nil
	}
	if d.Page, err = page(ctx, tx, seq); err != nil {
		return d, err
	}
	if d.Groups, err = groups(ctx, tx, seq); err != nil {
		return d, err
	}
	if d.Components, err = components(ctx, tx, seq); err != nil {
		return d, err
	}
	if d.Settings, err = settings(ctx, tx, seq); err != nil {
		return d, err
	}
	const after = `seq > $1`
	if d.Maintenances, err = maintenances(ctx, tx, after, seq); err != nil {
		return d, err
	}
	if d.Incidents, err = incidents(ctx, tx, after, seq); err != nil {
		return d, err
	}
	d.Series, err = series(ctx, tx, after, seq)
	return d, err
}
