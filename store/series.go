package store

import (
	"context"
	"fmt"

	"example.org/interlude/status"
)

const (
	seriesColumns = `id, version, seq, open, ended, key, template, rule, time_zone, exceptions, skipped, announced`
	seriesValues  = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12`
)

func seriesFields(s *status.Series, seq stamp) []any {
	return []any{
		&s.ID, &s.Version, seq, derived(!s.Ended), &s.Ended, &s.Key, asJSON(&s.Template), &s.Recurrence.Rule,
		&s.Recurrence.TimeZone, asJSON(&s.Recurrence.Except), asJSON(&s.Skipped),
		at{&s.Announced},
	}
}

// series reads the series for which a condition over the table's columns holds.
func series(ctx context.Context, q querier, where string, args ...any) ([]status.Series, error) {
	all, err := collect(ctx, q, func(s *status.Series) []any { return seriesFields(s, 0) },
		`SELECT `+seriesColumns+` FROM series WHERE `+where+` ORDER BY seq, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	return all, nil
}

func saveSeries(ctx context.Context, q querier, seq stamp, s status.Series) error {
	t := &s.Template
	settle(&t.Window.Start, &t.Window.End, &t.Announced.Start, &t.Announced.End, &t.Occurrence, &t.Created, &t.Changed)
	err := save(ctx, q,
		`INSERT INTO series (`+seriesColumns+`) VALUES (`+seriesValues+`) ON CONFLICT DO NOTHING`,
		`UPDATE series SET (`+seriesColumns+`) = (`+seriesValues+`) WHERE id = $1 AND version + 1 = $2`,
		s.Version, seriesFields(&s, seq))
	if err != nil {
		return fmt.Errorf("save series %s: %w", s.ID, err)
	}
	return nil
}
