package store

import (
	"context"
	"fmt"

	"example.org/interlude/status"
)

const (
	pageColumns = `id, version, seq, name, url, description, time_zone, least_notice, blackouts, maintenance_counts, created, changed`
	pageValues  = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12`
)

func pageFields(p *status.Page, seq stamp) []any {
	return []any{
		&p.ID, &p.Version, seq, &p.Name, &p.URL, &p.Description, &p.TimeZone,
		span{&p.LeastNotice},
		asJSON(&p.Blackouts),
		&p.MaintenanceCounts,
		at{&p.Created},
		at{&p.Changed},
	}
}

// page reads the page if it was written after seq; nil when it was not.
func page(ctx context.Context, q querier, after int64) (*status.Page, error) {
	pages, err := collect(ctx, q, func(p *status.Page) []any { return pageFields(p, 0) },
		`SELECT `+pageColumns+` FROM page WHERE seq > $1`, after)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	if len(pages) == 0 {
		return nil, nil
	}
	return &pages[0], nil
}

func savePage(ctx context.Context, q querier, seq stamp, p status.Page) error {
	err := save(ctx, q,
		`INSERT INTO page (`+pageColumns+`) VALUES (`+pageValues+`) ON CONFLICT DO NOTHING`,
		`UPDATE page SET (`+pageColumns+`) = (`+pageValues+`) WHERE id = $1 AND version + 1 = $2`,
		p.Version, pageFields(&p, seq))
	if err != nil {
		return fmt.Errorf("save page: %w", err)
	}
	return nil
}
