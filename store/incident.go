package store

import (
	"context"
	"fmt"

	"example.org/interlude/status"
)

const (
	incidentColumns = `id, version, seq, open, key, title, state, impact, affects, began, ended, backfilled, ` +
		`created, changed, impact_said, releases, metadata, draft, draft_at, removed`
	incidentValues = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20`
)

func incidentFields(i *status.Incident, seq stamp) []any {
	return []any{
		&i.ID, &i.Version, seq, derived(i.Open()), &i.Key, &i.Title, &i.State, &i.Impact, asJSON(&i.Affects),
		at{&i.Began},
		at{&i.Ended},
		&i.Backfilled,
		at{&i.Created},
		at{&i.Changed},
		&i.ImpactSaid, &i.Releases, asJSON(&i.Metadata), &i.Draft,
		at{&i.DraftAt},
		at{&i.Removed},
	}
}

// incidents reads the incidents for which a condition over the table's columns holds, with their updates.
func incidents(ctx context.Context, q querier, where string, args ...any) ([]status.Incident, error) {
	all, err := collect(ctx, q, func(i *status.Incident) []any { return incidentFields(i, 0) },
		`SELECT `+incidentColumns+` FROM incident WHERE `+where+` ORDER BY seq, id`, args...)
	if err != nil || len(all) == 0 {
		return all, during("read incidents", err)
	}
	posts, err := posts(ctx, q, status.KindIncident, `SELECT id FROM incident WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	for i := range all {
		all[i].Updates = posts[all[i].ID]
	}
	return all, nil
}

// saveIncident saves an incident and its updates; said are those that are stored already.
func saveIncident(ctx context.Context, q querier, seq stamp, i status.Incident, said []status.Update) error {
	err := save(ctx, q,
		`INSERT INTO incident (`+incidentColumns+`) VALUES (`+incidentValues+`) ON CONFLICT DO NOTHING`,
		`UPDATE incident SET (`+incidentColumns+`) = (`+incidentValues+`) WHERE id = $1 AND version + 1 = $2`,
		i.Version, incidentFields(&i, seq))
	if err == nil {
		err = savePosts(ctx, q, i.Subject(), said, i.Updates)
	}
	return during("save incident "+i.ID, err)
}
