package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
)

// batchesKept is how long it is remembered which batches of a gate were counted, from its last one on. A gate whose disk
// is new with each start has a new memory each time.
const batchesKept = 366 * 24 * time.Hour

// sum is what one gate measured of one flow during one maintenance.
type sum struct {
	gate string
	api.Outcome
}

const (
	// countNames are those of the columns, and of the wire.
	countNames = `requests, passed, held, stale, queued, rejected, evicted, expired, failed, gone, bypassed, retried, wait_us, took_us, ` +
		`delivered, shelved, delay_us, longest_us, longest_delay_us`
	outcomeColumns = `maintenance, gate, flow, since, until, ` + countNames + `, waits, took, delays`
	outcomeValues  = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27`
)

func outcomeFields(t *sum) []any {
	fields := []any{&t.Maintenance, &t.gate, &t.Flow, at{&t.From}, at{&t.To}}
	for _, n := range sums(&t.Counts) {
		fields = append(fields, n)
	}
	return append(fields, &t.LongestMicros, &t.LongestDelayMicros, asJSON(&t.Waits), asJSON(&t.Took), asJSON(&t.Delays))
}

// sums are the numbers that add up, in the order of countNames.
func sums(c *api.Counts) []*int64 {
	return []*int64{
		&c.Requests, &c.Passed, &c.Held, &c.Stale, &c.Queued, &c.Rejected, &c.Evicted, &c.Expired, &c.Failed, &c.Gone,
		&c.Bypassed, &c.Retried, &c.WaitMicros, &c.TookMicros, &c.Delivered, &c.Shelved, &c.DelayMicros,
	}
}

// add adds what was measured in another stretch of time, or at another gate.
func (t *sum) add(o api.Outcome) {
	if t.From.IsZero() || o.From.Before(t.From) {
		t.From = o.From
	}
	if o.To.After(t.To) {
		t.To = o.To
	}
	for i, n := range sums(&o.Counts) {
		*sums(&t.Counts)[i] += *n
	}
	t.LongestMicros = max(t.LongestMicros, o.LongestMicros)
	t.LongestDelayMicros = max(t.LongestDelayMicros, o.LongestDelayMicros)
	t.Waits, t.Took, t.Delays = addEach(t.Waits, o.Waits), addEach(t.Took, o.Took), addEach(t.Delays, o.Delays)
}

// addEach adds the numbers of two histograms.
func addEach(a, b []int64) []int64 {
	if len(a) < len(b) {
		a, b = b, a
	}
	total := slices.Clone(a)
	for i, n := range b {
		total[i] += n
	}
	return total
}

const (
	spanColumns = `gate, id, maintenance, flow, interruption, cause, opened, quiet, closed, drained`
	spanValues  = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10`
)

func spanFields(g *api.GateSpan) []any {
	return []any{
		&g.Gate, &g.ID, &g.Maintenance, &g.Flow, &g.Interruption, &g.Cause,
		at{&g.Opened},
		at{&g.Quiet},
		at{&g.Closed},
		at{&g.Drained},
	}
}

// CountOutcomes adds what a gate measured to what is known, and reports whether it did: a batch that was counted
// before, or that an earlier one of the same memory should have come after, counts no more. The numbers of batches may have
// gaps.
//
// What concerns a maintenance that is not known is left out, for the gate may have its plan from a database that is gone.
// Numbers below zero, sums that no reader could keep, and names that are too long are a *status.Invalid, and nothing of
// the batch is counted. Of a span that is told again, the times that it has by now are kept; none is taken away.
func (s *Store) CountOutcomes(ctx context.Context, gate string, batch api.OutcomeBatch, now time.Time) (counted bool, err error) {
	if err := cmp.Or(checkGateName("gate", gate), checkBatch(batch)); err != nil {
		return false, fmt.Errorf("count outcomes: %w", err)
	}
	act := fmt.Sprintf("count batch %d of gate %s", batch.Number, gate)
	tx, err := s.beginWrite(ctx)
	if err != nil {
		return false, s.wrap(act, err)
	}
	defer tx.Rollback()
	// Two processes may have the name of one gate. Sums are read and written, so they follow one another.
	if _, err := s.lock(ctx, tx); err != nil {
		return false, s.wrap(act, err)
	}
	counted, err = countBatch(ctx, tx, gate, batch, now)
	if err == nil && counted {
		err = s.commit(tx)
	}
	if err != nil {
		return false, s.wrap(act, err)
	}
	return counted, nil
}

// countBatch counts a batch, unless it was counted before.
func countBatch(ctx context.Context, tx *sql.Tx, gate string, batch api.OutcomeBatch, now time.Time) (bool, error) {
	old := now.Add(-batchesKept)
	if _, err := tx.ExecContext(ctx, `DELETE FROM gate_batch WHERE counted < $1`, at{&old}); err != nil {
		return false, err
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO gate_batch (gate, epoch, last, counted) VALUES ($1, $2, $3, $4)
		ON CONFLICT (gate, epoch) DO UPDATE SET last = excluded.last, counted = excluded.counted WHERE gate_batch.last < excluded.last`,
		gate, batch.Epoch, batch.Number, at{&now})
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	known, err := knownMaintenances(ctx, tx, batch)
	if err != nil {
		return false, err
	}
	if err := addOutcomes(ctx, tx, gate, batch.Outcomes, known); err != nil {
		return false, err
	}
	for _, span := range batch.Spans {
		if known[span.Maintenance] {
			if err := saveSpan(ctx, tx, api.GateSpan{Gate: gate, Span: span}); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// knownMaintenances are those that a batch names and that there are.
func knownMaintenances(ctx context.Context, tx *sql.Tx, batch api.OutcomeBatch) (map[string]bool, error) {
	var named []string
	for _, o := range batch.Outcomes {
		named = append(named, o.Maintenance)
	}
	for _, span := range batch.Spans {
		named = append(named, span.Maintenance)
	}
	slices.Sort(named)
	known := make(map[string]bool)
	for some := range slices.Chunk(slices.Compact(named), refsAtOnce) {
		c := &chosen{}
		places := make([]string, len(some))
		for i, id := range some {
			places[i] = c.place(id)
		}
		ids, err := collect(ctx, tx, func(id *string) []any { return []any{id} },
			`SELECT id FROM maintenance WHERE id IN (`+strings.Join(places, ", ")+`)`, c.args...)
		if err != nil {
			return nil, fmt.Errorf("look up maintenances: %w", err)
		}
		for _, id := range ids {
			known[id] = true
		}
	}
	return known, nil
}

// addOutcomes adds outcomes to the stored sums: each sum is read and written once, however many stretches a batch has.
func addOutcomes(ctx context.Context, tx *sql.Tx, gate string, outcomes []api.Outcome, known map[string]bool) error {
	type key struct{ maintenance, flow string }
	all := make(map[key]*sum)
	for i, o := range outcomes {
		if !known[o.Maintenance] {
			continue
		}
		t := all[key{o.Maintenance, o.Flow}]
		if t == nil {
			had, err := collect(ctx, tx, outcomeFields,
				`SELECT `+outcomeColumns+` FROM outcome WHERE maintenance = $1 AND gate = $2 AND flow = $3`, o.Maintenance, gate, o.Flow)
			if err != nil {
				return fmt.Errorf("read sums of %s: %w", o.Flow, err)
			}
			t = &sum{gate, api.Outcome{Maintenance: o.Maintenance, Flow: o.Flow}}
			if len(had) > 0 {
				t = &had[0]
			}
			all[key{o.Maintenance, o.Flow}] = t
		}
		t.add(o)
		if wrong := checkCounts(t.Counts); wrong != nil {
			return wrong.In(fmt.Sprintf("outcomes[%d]", i))
		}
	}
	for _, t := range all {
		if _, err := tx.ExecContext(ctx, `INSERT INTO outcome (`+outcomeColumns+`) VALUES (`+outcomeValues+`)
			ON CONFLICT (maintenance, gate, flow) DO UPDATE SET (`+outcomeColumns+`) = (`+outcomeValues+`)`, outcomeFields(t)...); err != nil {
			return fmt.Errorf("save sums of %s: %w", t.Flow, err)
		}
	}
	return nil
}

func saveSpan(ctx context.Context, tx *sql.Tx, g api.GateSpan) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO span (`+spanColumns+`) VALUES (`+spanValues+`)
		ON CONFLICT (gate, id) DO UPDATE SET quiet = COALESCE(excluded.quiet, span.quiet),
			closed = COALESCE(excluded.closed, span.closed), drained = COALESCE(excluded.drained, span.drained)`, spanFields(&g)...)
	return during("save span "+g.ID, err)
}

// Measured returns what all gates measured of a maintenance: the sums of each flow, by its name, and the spans in the order in
// which they opened. Of a maintenance that is not known, nothing was measured.
func (s *Store) Measured(ctx context.Context, maintenanceID string) (api.Measured, error) {
	m, err := s.measured(ctx, maintenanceID)
	if err != nil {
		return api.Measured{}, s.wrap("read what was measured of "+maintenanceID, err)
	}
	return m, nil
}

func (s *Store) measured(ctx context.Context, maintenance string) (api.Measured, error) {
	m := api.Measured{Flows: []api.MeasuredFlow{}, Spans: []api.GateSpan{}}
	tx, err := s.begin(ctx, s.read, s.dialect.snapshot)
	if err != nil {
		return m, err
	}
	defer tx.Rollback()
	all, err := collect(ctx, tx, outcomeFields, `SELECT `+outcomeColumns+` FROM outcome WHERE maintenance = $1`, maintenance)
	if err != nil {
		return m, err
	}
	slices.SortFunc(all, func(a, b sum) int { return cmp.Or(strings.Compare(a.Flow, b.Flow), strings.Compare(a.gate, b.gate)) })
	for _, one := range all {
		last := len(m.Flows) - 1
		if last < 0 || m.Flows[last].Flow != one.Flow {
			m.Flows = append(m.Flows, api.MeasuredFlow{Flow: one.Flow})
			last++
		}
		flow := &m.Flows[last]
		together := sum{Outcome: api.Outcome{From: flow.From, To: flow.To, Counts: flow.Counts}}
		together.add(one.Outcome)
		flow.Gates, flow.From, flow.To, flow.Counts = append(flow.Gates, one.gate), together.From, together.To, together.Counts
	}
	spans, err := collect(ctx, tx, spanFields, `SELECT `+spanColumns+` FROM span WHERE maintenance = $1`, maintenance)
	slices.SortFunc(spans, func(a, b api.GateSpan) int {
		return cmp.Or(a.Opened.Compare(b.Opened), strings.Compare(a.Gate, b.Gate), strings.Compare(a.ID, b.ID))
	})
	m.Spans = append(m.Spans, spans...)
	return m, err
}
