package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// sweep is how far the journal is being cleared. What is live where it begins is carried forward, to its end, so that the
// beginning can be forgotten.
type sweep struct {
	// slack is how much of what is not needed is always put up with.
	slack int64
	// until is where the sweep under way ends; 0 is none.
	until Position
	// rest is what was not needed and could not be forgotten after the last sweep.
	rest int64
	// forgotten is where the journal begins since it was last cleared.
	forgotten Position
}

const (
	// tidyPause is how long after something has ended it is tidied up.
	tidyPause = 10 * time.Second
	// purgeEntries is how many rows are deleted at once, and carryEntries and carryBytes how much is carried forward.
	purgeEntries = 500
	carryEntries = 200
	carryBytes   = 4 << 20
	// sweepSlack is some segments of a journal.
	sweepSlack = 128 << 20
)

// tidy forgets a part of what is not needed any more, and says when to go on. It is called between two commits.
func (s *Spool) tidy(ctx context.Context) time.Duration {
	if s.behind.Load() {
		return tidyPause
	}
	lasting := context.WithoutCancel(ctx)
	next, err := s.purge(lasting)
	if err == nil {
		var more bool
		if more, err = s.clear(lasting); more {
			next = 0
		}
	}
	if s.behind.Load() {
		s.recover(ctx, &parcel{})
	}
	if err != nil {
		s.log.Error("the spool could not forget what is gone", "error", err)
		return tidyPause
	}
	return next
}

// purge deletes some of the rows that have been remembered for long enough, and says when there will be more.
func (s *Spool) purge(ctx context.Context) (time.Duration, error) {
	now := time.Now()
	n, err := s.index.purge(ctx, now.Add(-s.limits.Remember), purgeEntries)
	if err != nil || n == purgeEntries {
		return 0, err
	}
	first, err := s.index.firstEnded(ctx)
	if err != nil || first.IsZero() {
		return time.Hour, err
	}
	return max(first.Add(s.limits.Remember).Sub(now), tidyPause), nil
}

// clear carries some of what is needed forward if more than half of the journal is not, and has the journal forget what is before
// the first that is needed. More says that there is more to carry.
func (s *Spool) clear(ctx context.Context) (more bool, err error) {
	sum := s.index.all()
	needed := sum.bytes + overhead*(sum.waiting+sum.shelved+s.index.remembered)
	waste := max(s.journal.Usage().Bytes-needed, 0)
	s.sweep.rest = min(s.sweep.rest, waste)
	if s.sweep.until == 0 && waste-s.sweep.rest > max(needed, s.sweep.slack) {
		s.sweep.until = s.index.applied + 1
	}
	if s.sweep.until > 0 {
		if more, err = s.carryForward(ctx); err != nil {
			return false, err
		}
	}
	if err := s.forget(ctx); err != nil {
		return false, err
	}
	if s.sweep.until > 0 && !more {
		s.sweep.until = 0
		s.sweep.rest = max(s.journal.Usage().Bytes-needed, 0)
	}
	return more, nil
}

// carryForward appends once more some of what stands before the end of the sweep and is needed, and reports whether there was any.
//
// The copies say where the entries stand now; all that was written of them before may be forgotten then, and nothing is until
// then. A crash in between leaves entries that are in the journal twice, which are one in the index.
func (s *Spool) carryForward(ctx context.Context) (more bool, err error) {
	rows, err := s.index.neededBefore(ctx, s.sweep.until, carryEntries)
	if err != nil {
		return false, err
	}
	var page []placed
	var data [][]byte
	add := func(r record) int {
		data = append(data, r.encode())
		r.entry.Head, r.entry.Body = nil, nil
		page = append(page, placed{record: r})
		return len(data[len(data)-1])
	}
	pauses, err := s.index.pausedBefore(ctx, s.sweep.until)
	if err != nil {
		return false, err
	}
	for _, flow := range pauses {
		add(record{tag: tagPause, flow: flow, paused: true})
	}
	for bytes, i := 0, 0; i < len(rows) && bytes < carryBytes; i++ {
		r, err := s.copyOf(ctx, rows[i])
		if err != nil {
			return false, err
		}
		bytes += add(r)
	}
	if len(page) == 0 {
		return false, nil
	}
	at, err := s.journal.Append(ctx, data)
	if err != nil {
		return false, fmt.Errorf("carry entries forward: %w", err)
	}
	for i := range page {
		page[i].at = at[i]
	}
	if err := s.index.apply(ctx, page, checksum(data[len(data)-1])); err != nil {
		s.behind.Store(true)
		return false, err
	}
	return true, nil
}

// copyOf is the entry record of an entry as it stands now.
func (s *Spool) copyOf(ctx context.Context, r row) (record, error) {
	e := Entry{
		ID: r.ID, Flow: r.Flow, Kind: r.Kind, Lane: r.Lane, Key: r.Key, About: r.About, Accepted: r.Accepted, Due: r.Due,
	}
	if !r.State.Ended() {
		is, err := s.content(ctx, r)
		if err != nil {
			return record{}, err
		}
		e.Head, e.Body = is.Head, is.Body
	}
	return record{tag: tagEntry, entry: e, bytes: r.Bytes, standing: r.standing()}, nil
}

// forget has the journal forget what is before the first record that is needed. The last record that is applied always stays:
// by it the index is known to belong to the journal.
func (s *Spool) forget(ctx context.Context) error {
	before, err := s.index.firstNeeded(ctx)
	if err != nil {
		return err
	}
	if before == 0 || before > s.index.applied {
		before = s.index.applied
	}
	if before <= s.sweep.forgotten {
		return nil
	}
	// Were the index on the disk older than what is forgotten, it would have to be made anew after a failure of the power.
	if done, err := s.index.checkpoint(ctx); err != nil || !done {
		return err
	}
	if err := s.journal.Forget(ctx, before); err != nil {
		return fmt.Errorf("forget the journal before %d: %w", before, err)
	}
	s.sweep.forgotten = before
	return nil
}

// purge deletes up to n rows of entries that ended before then, and counts them.
func (x *index) purge(ctx context.Context, before time.Time, n int) (gone int, err error) {
	rows, err := x.write.QueryContext(ctx, `DELETE FROM entries WHERE id IN (
		SELECT id FROM entries WHERE state > 1 AND settled < $1 ORDER BY settled LIMIT $2) RETURNING key <> ''`, micros(before), n)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	keys := int64(0)
	for ; rows.Next(); gone++ {
		var keyed int64
		if err := rows.Scan(&keyed); err != nil {
			return 0, err
		}
		keys += keyed
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remembered -= keys
	return gone, errors.Join(rows.Err(), rows.Close())
}

// firstEnded is when the first of those ended that are remembered; zero is that there are none.
func (x *index) firstEnded(ctx context.Context) (time.Time, error) {
	us, err := x.value(ctx, `SELECT min(settled) FROM entries WHERE state > 1`)
	return moment(us), err
}

// firstNeeded is the position of the first record that is needed, or 0.
func (x *index) firstNeeded(ctx context.Context) (Position, error) {
	n, err := x.value(ctx, `SELECT min(pos) FROM (
		SELECT min(pos) AS pos FROM entries WHERE (state < 2 OR key <> '') UNION ALL SELECT min(pos) FROM paused)`)
	return Position(n), err
}

// neededBefore gives up to n entries whose records stand before a position and are needed.
func (x *index) neededBefore(ctx context.Context, at Position, n int) ([]row, error) {
	return x.rows(ctx, `SELECT `+rowColumns+` FROM entries WHERE (state < 2 OR key <> '') AND pos < $1 ORDER BY pos LIMIT $2`, at, n)
}

// paused gives the flows that are paused.
func (x *index) paused(ctx context.Context) ([]string, error) { return x.pausedBefore(ctx, 1<<62) }

// pausedBefore gives those whose records stand before a position.
func (x *index) pausedBefore(ctx context.Context, at Position) (flows []string, err error) {
	rows, err := x.read.QueryContext(ctx, `SELECT flow FROM paused WHERE pos < $1`, at)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var flow sql.NullString
		if err := rows.Scan(&flow); err != nil {
			return nil, err
		}
		flows = append(flows, flow.String)
	}
	return flows, errors.Join(rows.Err(), rows.Close())
}
