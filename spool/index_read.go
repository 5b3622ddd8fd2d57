package spool

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// row is an entry in the index. Its Expires is zero where nothing else was said than [Limits.Age].
type row struct {
	Item
	at     Position
	warned bool
}

// standing is where it stands now, to be changed.
func (r *row) standing() standing {
	return standing{
		state: r.State, attempts: r.Attempts, next: r.Next, settled: r.Settled, expires: r.Expires, warned: r.warned, reason: r.Reason,
	}
}

const rowColumns = `id, pos, flow, kind, lane, key, about, bytes, accepted, due, expires, attempts, next, state, reason, settled, warned`

// rows gives the rows that a query of rowColumns finds.
func (x *index) rows(ctx context.Context, query string, args ...any) ([]row, error) {
	stmt, err := x.reading.get(ctx, query)
	if err != nil {
		return nil, err
	}
	found, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []row
	for found.Next() {
		var r row
		var state int
		var accepted, due, expires, next, settled int64
		if err := found.Scan(&r.ID, &r.at, &r.Flow, &r.Kind, &r.Lane, &r.Key, &r.About, &r.Bytes, &accepted, &due, &expires, &r.Attempts,
			&next, &state, &r.Reason, &settled, &r.warned); err != nil {
			return nil, err
		}
		r.State = states[state]
		r.Accepted, r.Due, r.Expires, r.Next, r.Settled = moment(accepted), moment(due), moment(expires), moment(next), moment(settled)
		all = append(all, r)
	}
	return all, found.Err()
}

// value gives the number that a query finds, or 0.
func (x *index) value(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := x.reading.get(ctx, query)
	if err != nil {
		return 0, err
	}
	var n sql.NullInt64
	err = stmt.QueryRowContext(ctx, args...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n.Int64, err
}

// find gives one entry, or [ErrNotFound].
func (x *index) find(ctx context.Context, id string) (row, error) {
	all, err := x.rows(ctx, `SELECT `+rowColumns+` FROM entries WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return row{}, err
	}
	return all[0], nil
}

// known gives the id of the last entry with a key, or nothing.
func (x *index) known(ctx context.Context, flow, key string) (id string, err error) {
	stmt, err := x.reading.get(ctx, `SELECT id FROM entries WHERE flow = $1 AND key = $2 AND key <> '' ORDER BY id DESC LIMIT 1`)
	if err != nil {
		return "", err
	}
	err = stmt.QueryRowContext(ctx, flow, key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// lastID is the highest id, or nothing.
func (x *index) lastID(ctx context.Context) (string, error) {
	var id sql.NullString
	err := x.read.QueryRowContext(ctx, `SELECT max(id) FROM entries`).Scan(&id)
	return id.String, err
}

// ready gives up to n entries that can be handed over now, the one that has waited for longest first.
func (x *index) ready(ctx context.Context, flow string, now time.Time, n int) ([]row, error) {
	return x.rows(ctx, `SELECT `+rowColumns+` FROM entries WHERE flow = $1 AND head = 1 AND next <= $2 ORDER BY next, id LIMIT $3`,
		flow, micros(now), n)
}

// readyAfter is when the next one can be handed over that cannot be now; zero is never.
func (x *index) readyAfter(ctx context.Context, flow string, now time.Time) (time.Time, error) {
	us, err := x.value(ctx, `SELECT min(next) FROM entries WHERE flow = $1 AND head = 1 AND next > $2`, flow, micros(now))
	return moment(us), err
}

// late gives up to n of those that wait and were due by then, and that were not told of.
func (x *index) late(ctx context.Context, flow string, by time.Time, n int) ([]row, error) {
	return x.rows(ctx, `SELECT * FROM (SELECT `+rowColumns+` FROM entries
			WHERE flow = $1 AND state = 0 AND attempts = 0 AND warned = 0 AND due <= $2 ORDER BY due LIMIT $3)
		UNION ALL SELECT * FROM (SELECT `+rowColumns+` FROM entries
			WHERE flow = $1 AND state = 0 AND attempts > 0 AND warned = 0 AND due <= $2 ORDER BY due LIMIT $3) LIMIT $3`,
		flow, micros(by), n)
}

// oldest is when the first of those that wait was due, or will be; told says whether those count that were told of. Zero is that
// none waits.
func (x *index) oldest(ctx context.Context, flow string, told bool) (time.Time, error) {
	us, err := x.value(ctx, `SELECT min(due) FROM (
		SELECT min(due) AS due FROM entries WHERE flow = $1 AND state = 0 AND attempts = 0 AND warned = 0 UNION ALL
		SELECT min(due) FROM entries WHERE flow = $1 AND state = 0 AND attempts > 0 AND warned = 0 UNION ALL
		SELECT min(due) FROM entries WHERE flow = $1 AND state = 0 AND attempts = 0 AND warned = 1 AND $2 UNION ALL
		SELECT min(due) FROM entries WHERE flow = $1 AND state = 0 AND attempts > 0 AND warned = 1 AND $2)`, flow, told)
	return moment(us), err
}

// later counts those that wait and are not due.
func (x *index) later(ctx context.Context, flow string, now time.Time) (int64, error) {
	return x.value(ctx, `SELECT count(*) FROM entries WHERE flow = $1 AND state = 0 AND attempts = 0 AND warned = 0 AND due > $2`, flow, micros(now))
}

// untried reports whether something could be handed over that was never tried. What stands behind one that failed does not count: it
// waits as long as that one does.
func (x *index) untried(ctx context.Context, flow string, now time.Time) (bool, error) {
	n, err := x.value(ctx, `SELECT EXISTS (SELECT 1 FROM entries WHERE flow = $1 AND head = 1 AND next <= $2 AND attempts = 0)`, flow, micros(now))
	return n > 0, err
}

// inLane reports whether something waits in a lane.
func (x *index) inLane(ctx context.Context, flow, lane string) (bool, error) {
	n, err := x.value(ctx, `SELECT EXISTS (SELECT 1 FROM entries WHERE flow = $1 AND lane = $2 AND lane <> '' AND state = 0)`, flow, lane)
	return n > 0, err
}

// list gives the entries that a filter leaves, by id.
func (x *index) list(ctx context.Context, f Filter) ([]row, error) {
	var where strings.Builder
	args := []any{f.After}
	and := func(condition string, arg any) {
		where.WriteString(" AND " + condition)
		args = append(args, arg)
	}
	if f.Flow != "" {
		and("flow = ?", f.Flow)
	}
	if f.Lane != "" {
		and("lane = ?", f.Lane)
	}
	if !f.Before.IsZero() {
		and("due < ?", micros(f.Before))
	}
	switch {
	case f.State == "":
	case f.State.Ended():
		and("state = ?", f.State.number())
	default:
		and("state < 2 AND state = ?", f.State.number()) // as the index live has it
	}
	args = append(args, f.Most)
	return x.rows(ctx, `SELECT `+rowColumns+` FROM entries WHERE id > ?`+where.String()+` ORDER BY id LIMIT ?`, args...)
}
