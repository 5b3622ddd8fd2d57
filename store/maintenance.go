package store

import (
	"context"
	"fmt"
	"slices"

	"example.org/interlude/status"
)

const (
	maintenanceColumns = `id, version, seq, open, key, title, state, window_start, window_end, announced_start, ` +
		`announced_end, began, ended, estimate, begins, completes, summary, why, affects, promises, reminders, reminded, ` +
		`overrun_every, overrun_said, short_notice, despite_blackout, series, occurrence, detached, unfinished, backfilled, ` +
		`created, changed, impact, marks, releases, quiet_begin, quiet_end, metadata, removed, ` +
		`remind_every, running_said, interruptions`
	maintenanceValues = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, ` +
		`$22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43`
)

func maintenanceFields(m *status.Maintenance, seq stamp) []any {
	return []any{
		&m.ID, &m.Version, seq, derived(m.Open()), &m.Key, &m.Title, &m.State,
		at{&m.Window.Start},
		at{&m.Window.End},
		at{&m.Announced.Start},
		at{&m.Announced.End},
		at{&m.Began},
		at{&m.Ended},
		at{&m.Estimate},
		&m.Begins, &m.Completes,
		&m.Summary, &m.Why, asJSON(&m.Affects), asJSON(&m.Promises), asJSON(&m.Reminders), asJSON(&m.Reminded),
		span{&m.OverrunEvery},
		at{&m.OverrunSaid},
		&m.ShortNotice, &m.DespiteBlackout,
		ref{&m.Series},
		at{&m.Occurrence},
		&m.Detached, asJSON(&m.Unfinished), &m.Backfilled,
		at{&m.Created},
		at{&m.Changed},
		&m.Impact, &m.Marks, &m.Releases, &m.QuietBegin, &m.QuietEnd, asJSON(&m.Metadata),
		at{&m.Removed},
		span{&m.RemindEvery},
		at{&m.RunningSaid},
		asJSON(&m.Interruptions),
	}
}

// maintenances reads the maintenances for which a condition over the table's columns holds, with their updates: two
// queries, however many there are.
func maintenances(ctx context.Context, q querier, where string, args ...any) ([]status.Maintenance, error) {
	all, err := collect(ctx, q, func(m *status.Maintenance) []any { return maintenanceFields(m, 0) },
		`SELECT `+maintenanceColumns+` FROM maintenance WHERE `+where+` ORDER BY seq, id`, args...)
	if err != nil || len(all) == 0 {
		return all, during("read maintenances", err)
	}
	posts, err := posts(ctx, q, status.KindMaintenance, `SELECT id FROM maintenance WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read maintenances: %w", err)
	}
	for i := range all {
		all[i].Updates = posts[all[i].ID]
	}
	return all, nil
}

// saveMaintenance saves a maintenance and its updates; said are those that are stored already.
func saveMaintenance(ctx context.Context, q querier, seq stamp, m status.Maintenance, said []status.Update) error {
	m.Unfinished = slices.Clone(m.Unfinished)
	for i := range m.Unfinished {
		settle(&m.Unfinished[i].Since, &m.Unfinished[i].Lapses)
	}
	m.Interruptions = slices.Clone(m.Interruptions)
	for i := range m.Interruptions {
		n := &m.Interruptions[i]
		settle(&n.Opened, &n.Lapses, &n.Expected, &n.Closed)
	}
	err := save(ctx, q,
		`INSERT INTO maintenance (`+maintenanceColumns+`) VALUES (`+maintenanceValues+`) ON CONFLICT DO NOTHING`,
		`UPDATE maintenance SET (`+maintenanceColumns+`) = (`+maintenanceValues+`) WHERE id = $1 AND version + 1 = $2`,
		m.Version, maintenanceFields(&m, seq))
	if err == nil {
		err = savePosts(ctx, q, m.Subject(), said, m.Updates)
	}
	return during("save maintenance "+m.ID, err)
}
