package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Records returns the JSON documents of a kind, in the order in which they were first put. What is in them is their
// owner's affair.
func (s *Store) Records(ctx context.Context, kind string) ([][]byte, error) {
	all, err := collect(ctx, s.read, func(p *string) []any { return []any{p} },
		`SELECT payload FROM record WHERE kind = $1 ORDER BY created, id`, kind)
	if err != nil {
		return nil, s.wrap("read records", err)
	}
	payloads := make([][]byte, len(all))
	for i, p := range all {
		payloads[i] = []byte(p)
	}
	return payloads, nil
}

// ChangeRecord lets f make the document of a kind and an id what it returns: nil takes it away. was is nil when there is
// none. Changes follow one another, so that none is lost. An id that could not be kept is nothing's: status.ErrNotFound.
func (s *Store) ChangeRecord(ctx context.Context, now time.Time, kind, id string, f func(was []byte) ([]byte, error)) error {
	if checkText(id) != nil {
		return fmt.Errorf("change %s: %w", kind, status.ErrNotFound)
	}
	var refused error
	err := s.transact(ctx, "change "+kind+" "+id, now, func(tx *sql.Tx) ([]status.Subject, error) {
		had, err := collect(ctx, tx, func(p *string) []any { return []any{p} },
			`SELECT payload FROM record WHERE kind = $1 AND id = $2`, kind, id)
		if err != nil {
			return nil, err
		}
		var was []byte
		if len(had) > 0 {
			was = []byte(had[0])
		}
		is, err := f(was)
		if err != nil {
			refused = err
			return nil, err
		}
		if is == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM record WHERE kind = $1 AND id = $2`, kind, id)
		} else if err = checkText(string(is)); err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO record (kind, id, created, payload) VALUES ($1, $2, $3, $4)
				ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload`, kind, id, at{&now}, string(is))
		}
		return []status.Subject{{Kind: status.Kind(kind), ID: id}}, err
	})
	if refused != nil {
		return refused
	}
	return err
}

// AddPoints keeps measured values of metrics, by the metric's id. A value for a moment that has one replaces it.
// Points before keepFrom are forgotten.
func (s *Store) AddPoints(ctx context.Context, now, keepFrom time.Time, points map[string][]status.Point) error {
	return s.transact(ctx, "add points", now, func(tx *sql.Tx) ([]status.Subject, error) {
		var subjects []status.Subject
		if _, err := tx.ExecContext(ctx, `DELETE FROM metric_point WHERE at < $1`, at{&keepFrom}); err != nil {
			return nil, err
		}
		for metric, values := range points {
			for some := range slices.Chunk(values, pointsAtOnce) {
				if err := insertPoints(ctx, tx, metric, some); err != nil {
					return nil, fmt.Errorf("add points of %s: %w", metric, err)
				}
			}
			subjects = append(subjects, status.Subject{Kind: "metric_data", ID: metric})
		}
		return subjects, nil
	})
}

// pointsAtOnce bounds the rows of one statement.
const pointsAtOnce = 250

// insertPoints saves values in one statement. Of several for one moment the last counts: neither engine takes two in one
// statement.
func insertPoints(ctx context.Context, tx *sql.Tx, metric string, values []status.Point) error {
	latest := make(map[int64]float64, len(values))
	for _, p := range values {
		latest[p.At.UnixMicro()] = p.Value
	}
	args, rows := []any{metric}, make([]string, 0, len(latest))
	for at, value := range latest {
		args = append(args, at, value)
		rows = append(rows, fmt.Sprintf("($1, $%d, $%d)", len(args)-1, len(args)))
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO metric_point (metric, at, value) VALUES `+strings.Join(rows, ", ")+`
		ON CONFLICT (metric, at) DO UPDATE SET value = excluded.value`, args...)
	return err
}

// Points returns the values of a metric from one moment up to another, oldest first, at most limit: the newest of them.
func (s *Store) Points(ctx context.Context, metric string, from, to time.Time, limit int) ([]status.Point, error) {
	points, err := collect(ctx, s.read, func(p *status.Point) []any { return []any{at{&p.At}, &p.Value} }, `
		SELECT at, value FROM (SELECT at, value FROM metric_point WHERE metric = $1 AND at >= $2 AND at < $3
			ORDER BY at DESC LIMIT $4) AS newest ORDER BY at`, metric, at{&from}, at{&to}, limit)
	if err != nil {
		return nil, s.wrap("read points", err)
	}
	return points, nil
}

// DropPoints forgets all values of a metric.
func (s *Store) DropPoints(ctx context.Context, now time.Time, metric string) error {
	return s.transact(ctx, "drop points", now, func(tx *sql.Tx) ([]status.Subject, error) {
		_, err := tx.ExecContext(ctx, `DELETE FROM metric_point WHERE metric = $1`, metric)
		return []status.Subject{{Kind: "metric_data", ID: metric}}, err
	})
}
