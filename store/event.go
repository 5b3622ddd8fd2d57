package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"example.org/interlude/status"
)

// Entry is an event with its place in the feed.
type Entry struct {
	// Seq is the number of the transaction that it happened in, and N its place there, from 0.
	Seq int64
	N   int
	status.Event
}

// Events reads the events after a point of the feed, oldest first: about as many as limit. The events of one transaction are
// never torn apart, so that the Seq of the last entry is where the next reading goes on.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]Entry, error) {
	fields := func(e *Entry) []any { return []any{&e.Seq, &e.N, asJSON(&e.Event)} }
	entries, err := collect(ctx, s.read, fields, `
		SELECT seq, n, payload FROM event
		WHERE seq > $1 AND seq <= (SELECT MAX(seq) FROM (SELECT seq FROM event WHERE seq > $1 ORDER BY seq, n LIMIT $2) AS head)
		ORDER BY seq, n`, after, limit)
	if err != nil {
		return nil, s.wrap("read events", err)
	}
	return entries, nil
}

func saveEvent(ctx context.Context, q querier, seq stamp, n int, e status.Event) error {
	settle(&e.At, &e.Due, &e.Was.Start, &e.Was.End)
	_, err := q.ExecContext(ctx, `
		INSERT INTO event (seq, n, kind, subject_kind, subject, at, told, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		seq, n, e.Kind, e.Subject.Kind, e.Subject.ID, at{&e.At}, e.Told, asJSON(&e))
	if err != nil {
		return fmt.Errorf("save event %s of %s %s: %w", e.Kind, e.Subject.Kind, e.Subject.ID, err)
	}
	return nil
}

// lock takes the writers' lock, and returns the number of the last transaction that wrote anything.
func (s *Store) lock(ctx context.Context, tx *sql.Tx) (stamp, error) {
	var seq int64
	if err := tx.QueryRowContext(ctx, `SELECT seq FROM feed`+s.dialect.forUpdate).Scan(&seq); err != nil {
		return 0, fmt.Errorf("lock feed: %w", err)
	}
	return stamp(seq), nil
}

// advance makes seq the number of the last transaction that wrote anything.
func advance(ctx context.Context, q querier, seq stamp, now time.Time) error {
	if _, err := q.ExecContext(ctx, `UPDATE feed SET seq = $1, changed = $2`, seq, at{&now}); err != nil {
		return fmt.Errorf("advance feed: %w", err)
	}
	return nil
}
