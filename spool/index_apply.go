package spool

import (
	"context"
	"database/sql"
	"errors"
)

// placed is a record and where it stands in the journal.
type placed struct {
	record
	at Position
}

// apply makes the index tell what the records do, all or none of them. They are those that follow the last one applied; sum is
// the checksum of the last one's bytes.
func (x *index) apply(ctx context.Context, page []placed, sum uint32) error {
	tx, err := x.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	c := &changing{index: x, ctx: ctx, flows: map[string]total{}}
	for i := range page {
		if err := c.change(&page[i]); err != nil {
			return err
		}
	}
	applied := page[len(page)-1].at
	if _, err := c.exec(`UPDATE meta SET applied = $1, sum = $2`, applied, sum); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.applied, x.remembered = applied, x.remembered+c.remembered
	for flow, more := range c.flows {
		t := x.flows[flow]
		x.flows[flow] = total{t.waiting + more.waiting, t.shelved + more.shelved, t.bytes + more.bytes}
	}
	return nil
}

// changing is one transaction on the index, and what it adds to the sums. The statements are those of the connection that is
// in the transaction.
type changing struct {
	index *index
	ctx   context.Context
	flows map[string]total
	// remembered is what is added to those that have ended and are needed.
	remembered int64
}

func (c *changing) exec(query string, args ...any) (int64, error) {
	stmt, err := c.index.writing.get(c.ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(c.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *changing) change(p *placed) error {
	switch p.tag {
	case tagEntry:
		return c.insert(p)
	case tagStanding:
		return c.stand(p.entry.ID, &p.standing)
	default:
		return c.pause(p)
	}
}

// insert adds an entry. One that is there already was carried forward, and only stands elsewhere.
func (c *changing) insert(p *placed) error {
	e, s := &p.entry, &p.standing
	head := s.state == Waiting && e.Lane == ""
	n, err := c.exec(`INSERT INTO entries (id, pos, flow, kind, lane, key, about, bytes, accepted, due, expires, attempts, next, state,
		reason, settled, warned, head) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT DO NOTHING`,
		e.ID, p.at, e.Flow, string(e.Kind), e.Lane, e.Key, e.About, p.bytes, micros(e.Accepted), micros(e.Due), micros(s.expires),
		s.attempts, micros(s.next), s.state.number(), s.reason, micros(s.settled), s.warned, head)
	if err != nil {
		return err
	}
	if n == 0 {
		if _, err := c.exec(`UPDATE entries SET pos = $1 WHERE id = $2`, p.at, e.ID); err != nil {
			return err
		}
		return c.stand(e.ID, s)
	}
	c.count(e.Flow, s.state, 1, p.bytes, e.Key)
	if s.state == Waiting {
		return c.reseat(e.Flow, e.Lane)
	}
	return nil
}

// stand changes where an entry stands. One that is forgotten has nothing to change.
func (c *changing) stand(id string, s *standing) error {
	var flow, lane, key string
	var was int
	var head bool
	var bytes int64
	look, err := c.index.writing.get(c.ctx, `SELECT flow, lane, key, state, head, bytes FROM entries WHERE id = $1`)
	if err != nil {
		return err
	}
	err = look.QueryRowContext(c.ctx, id).Scan(&flow, &lane, &key, &was, &head, &bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	head = s.state == Waiting && (lane == "" || head)
	if _, err := c.exec(`UPDATE entries SET state = $1, attempts = $2, next = $3, settled = $4,
		expires = CASE $5 WHEN 0 THEN expires ELSE $5 END, warned = max(warned, $6), reason = $7, head = $8 WHERE id = $9`, s.state.number(), s.attempts, micros(s.next), micros(s.settled),
		micros(s.expires), s.warned, s.reason, head, id); err != nil {
		return err
	}
	c.count(flow, states[was], -1, -bytes, key)
	c.count(flow, s.state, 1, bytes, key)
	if states[was] != s.state {
		return c.reseat(flow, lane)
	}
	return nil
}

// reseat makes the first of those that wait in a lane its head. Before the change that it follows the head was the first, so
// the head is now one of the first two, if there is one.
func (c *changing) reseat(flow, lane string) error {
	if lane == "" {
		return nil
	}
	look, err := c.index.writing.get(c.ctx, `SELECT id, head FROM entries WHERE flow = $1 AND lane = $2 AND lane <> '' AND state = 0 ORDER BY due, id LIMIT 2`)
	if err != nil {
		return err
	}
	rows, err := look.QueryContext(c.ctx, flow, lane)
	if err != nil {
		return err
	}
	defer rows.Close()
	var wrong []string
	for first := true; rows.Next(); first = false {
		var id string
		var head bool
		if err := rows.Scan(&id, &head); err != nil {
			return err
		}
		if head != first {
			wrong = append(wrong, id)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range wrong {
		if _, err := c.exec(`UPDATE entries SET head = 1 - head WHERE id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}

func (c *changing) pause(p *placed) error {
	query := `DELETE FROM paused WHERE flow = $1 AND pos < $2`
	if p.paused {
		query = `INSERT INTO paused (flow, pos) VALUES ($1, $2) ON CONFLICT (flow) DO UPDATE SET pos = $2`
	}
	_, err := c.exec(query, p.flow, p.at)
	return err
}

// count adds to the sums.
func (c *changing) count(flow string, state State, n, bytes int64, key string) {
	if state.Ended() {
		if key != "" {
			c.remembered += n
		}
		return
	}
	t := c.flows[flow]
	t.add(state, n, bytes)
	c.flows[flow] = t
}
