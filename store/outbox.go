package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// parcelsAtOnce bounds what one taking looks at: deliveries that are tried again are parcels of one.
const parcelsAtOnce = 256

// parcel is a row of the queue.
type parcel struct {
	id, notice      int64
	urgent, granted bool
	low, high, size int64
}

// Take takes parcels of a channel that are due at now until a time at which they are due again: about as many as hold most
// deliveries. The urgent ones come first, then those that are due longest. What other nodes are taking is passed over.
func (s *Store) Take(ctx context.Context, now, until time.Time, channel notify.Channel, most int) ([]notify.Parcel, error) {
	// Most of the time there is nothing, which asks for no lock.
	due, err := collect(ctx, s.read, func(n *int64) []any { return []any{n} },
		`SELECT COUNT(*) FROM (SELECT id FROM parcel WHERE channel = $1 AND urgent IN (TRUE, FALSE) AND due <= $2 LIMIT 1) AS one`, channel, at{&now})
	if err != nil || due[0] == 0 {
		return nil, during("take deliveries", err)
	}
	tx, err := s.beginWrite(ctx)
	if err != nil {
		return nil, s.wrap("take deliveries", err)
	}
	defer tx.Rollback()
	var taken []parcel
	for _, urgent := range []bool{true, false} {
		found, err := collect(ctx, tx, func(p *parcel) []any { return []any{&p.id, &p.notice, &p.urgent, &p.granted, &p.low, &p.high, &p.size} }, `
			SELECT id, notice, urgent, granted, low, high, size FROM parcel WHERE channel = $1 AND urgent = $2 AND due <= $3
			ORDER BY due, id LIMIT $4`+s.dialect.skipLocked, channel, urgent, at{&now}, parcelsAtOnce)
		if err != nil {
			return nil, s.wrap("take deliveries", err)
		}
		for _, p := range found {
			if most <= 0 {
				break
			}
			taken, most = append(taken, p), most-int(p.size)
		}
	}
	if len(taken) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(taken))
	all := make([]notify.Parcel, len(taken))
	for i, p := range taken {
		ids[i] = p.id
		all[i] = notify.Parcel{ID: p.id, Notice: p.notice, Channel: channel}
		if all[i].Deliveries, err = contents(ctx, tx, p, channel); err != nil {
			return nil, s.wrap("take deliveries", err)
		}
	}
	if err := s.hold(ctx, tx, ids, until); err != nil {
		return nil, s.wrap("take deliveries", err)
	}
	if err := s.commit(tx); err != nil {
		return nil, s.wrap("take deliveries", err)
	}
	return all, nil
}

// contents are the waiting deliveries of a parcel. One that has a parcel of its own, because it is tried again, is left to that
// one. A subscriber who was forgotten meanwhile counts as one who left.
func contents(ctx context.Context, tx *sql.Tx, p parcel, channel notify.Channel) ([]notify.Delivery, error) {
	return collect(ctx, tx, func(d *notify.Delivery) []any {
		d.Notice, d.By, d.Urgent, d.Granted = p.notice, channel, p.urgent, p.granted
		to := &d.To
		return []any{
			&to.N, &d.Attempts, &to.ID, &to.Channel, &to.Address, &to.Contact, &to.Zone, &to.Event, &to.Chosen, &to.State, &to.Strikes,
		}
	}, `SELECT d.subscriber, d.attempts, COALESCE(s.id, ''), COALESCE(s.channel, ''), COALESCE(s.address, ''), COALESCE(s.contact, ''),
			COALESCE(s.zone, ''), COALESCE(s.event, ''), COALESCE(s.chosen, FALSE), COALESCE(s.state, 'unsubscribed'), COALESCE(s.strikes, 0)
		FROM delivery AS d LEFT JOIN subscriber AS s ON s.n = d.subscriber
		WHERE d.notice = $1 AND d.subscriber >= $2 AND d.subscriber <= $3 AND d.channel = $4 AND d.fate = 'waiting'
			AND ($2 = $3 OR NOT EXISTS (SELECT 1 FROM parcel AS own WHERE own.notice = d.notice AND own.low = d.subscriber AND own.high = d.subscriber))
		ORDER BY d.subscriber`,
		p.notice, p.low, p.high, channel)
}

// Hold changes until when parcels are taken; a time that has come gives them back.
func (s *Store) Hold(ctx context.Context, parcels []int64, until time.Time) error {
	if len(parcels) == 0 {
		return nil
	}
	if err := s.hold(ctx, s.write, parcels, until); err != nil {
		return s.wrap("hold deliveries", err)
	}
	return nil
}

// hold locks parcels in the order of their numbers, as everybody does.
func (s *Store) hold(ctx context.Context, q querier, parcels []int64, until time.Time) error {
	for some := range slices.Chunk(parcels, refsAtOnce) {
		c := &chosen{}
		due := c.place(at{&until})
		if _, err := q.ExecContext(ctx, `UPDATE parcel SET due = `+due+` WHERE id IN
			(SELECT id FROM parcel WHERE id IN (`+c.list(some)+`) ORDER BY id`+s.dialect.forUpdate+`)`, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// list adds arguments and returns their placeholders.
func (c *chosen) list(ids []int64) string {
	places := make([]string, len(ids))
	for i, id := range ids {
		places[i] = c.place(id)
	}
	return strings.Join(places, `, `)
}

// Settle records what deliveries came to, and that parcels are done, in one transaction. Waiting outcomes become parcels of
// their own. What was overtaken or settled by another node meanwhile stays as it is, except that what was sent was sent.
func (s *Store) Settle(ctx context.Context, now time.Time, outcomes []notify.Outcome, done []int64) error {
	tx, err := s.beginWrite(ctx)
	if err != nil {
		return s.wrap("settle deliveries", err)
	}
	defer tx.Rollback()
	// The writers' lock comes before all others, as everywhere.
	if slices.ContainsFunc(outcomes, func(o notify.Outcome) bool { return o.Mark != nil }) {
		if _, err := s.lock(ctx, tx); err != nil {
			return s.wrap("settle deliveries", err)
		}
	}
	// What is done goes first, so that what is tried again can take its place.
	for some := range slices.Chunk(done, refsAtOnce) {
		c := &chosen{}
		if _, err := tx.ExecContext(ctx, `DELETE FROM parcel WHERE id IN (`+c.list(some)+`)`, c.args...); err != nil {
			return s.wrap("settle deliveries", err)
		}
	}
	if err := s.settleAll(ctx, tx, now, outcomes); err != nil {
		return s.wrap("settle deliveries", err)
	}
	if err := s.commit(tx); err != nil {
		return s.wrap("settle deliveries", err)
	}
	return nil
}

func (s *Store) settleAll(ctx context.Context, tx *sql.Tx, now time.Time, outcomes []notify.Outcome) error {
	ways := make(map[way][]notify.Outcome)
	for _, o := range outcomes {
		w := way{o.Notice, o.By}
		ways[w] = append(ways[w], o)
	}
	for _, w := range slices.SortedFunc(maps.Keys(ways), way.compare) {
		// Its row of the fan-out is written first, for the reason that drop gives.
		if _, err := tx.ExecContext(ctx, `UPDATE fanout SET began = COALESCE(began, $3), latest = $3 WHERE notice = $1 AND channel = $2`,
			w.notice, w.channel, at{&now}); err != nil {
			return err
		}
		settled, err := s.settleWay(ctx, tx, w, ways[w])
		if err != nil {
			return fmt.Errorf("notice %d by %s: %w", w.notice, w.channel, err)
		}
		for _, o := range settled {
			if err := mark(ctx, tx, now, o); err != nil {
				return fmt.Errorf("mark subscriber %s: %w", o.To.ID, err)
			}
		}
	}
	return nil
}

// mark changes the subscriber of an outcome as a consequence of it. One that was forgotten meanwhile has no consequences.
func mark(ctx context.Context, tx *sql.Tx, now time.Time, o notify.Outcome) error {
	if o.Mark == nil {
		return nil
	}
	var tell []notify.Notice
	err := changeSubscriber(ctx, tx, o.To.ID, func(n *notify.Subscriber) error {
		tell = o.Mark(n)
		return nil
	})
	if errors.Is(err, status.ErrNotFound) {
		return nil
	}
	for _, n := range tell {
		err = errors.Join(err, addNotice(ctx, tx, now, n))
	}
	return err
}

// way is a notice by a channel.
type way struct {
	notice  int64
	channel notify.Channel
}

// compare is the order in which ways are locked.
func (w way) compare(other way) int {
	return cmp.Or(cmp.Compare(w.notice, other.notice), cmp.Compare(w.channel, other.channel))
}

// tally is what settling changes in a row of the fan-out.
type tally struct{ sent, failed, dropped, retrying int64 }

// settleWay records the outcomes of one way, and returns those that were news.
func (s *Store) settleWay(ctx context.Context, tx *sql.Tx, w way, outcomes []notify.Outcome) (news []notify.Outcome, err error) {
	var t tally
	var again []notify.Outcome
	for _, some := range alike(outcomes) {
		// Of a delivery that another attempt was counted for meanwhile, this is old news, unless it was sent.
		rule := `delivery.fate = 'waiting' AND delivery.attempts = excluded.attempts`
		switch {
		case some[0].Fate == notify.Sent:
			rule = `delivery.fate = 'waiting'`
		case some[0].Tries > some[0].Attempts:
			rule += ` - 1`
		}
		settled, err := s.writeFates(ctx, tx, w, some, rule)
		if err != nil {
			return nil, err
		}
		var late []notify.Outcome
		for _, o := range some {
			switch {
			case settled[o.To.N]:
				t.count(o)
				news = append(news, o)
				if o.Fate == notify.Waiting {
					again = append(again, o)
				}
			case o.Fate == notify.Sent:
				late = append(late, o)
			}
		}
		if len(late) > 0 {
			corrected, err := s.writeFates(ctx, tx, w, late, `delivery.fate = 'dropped'`)
			if err != nil {
				return nil, err
			}
			t.sent, t.dropped = t.sent+int64(len(corrected)), t.dropped-int64(len(corrected))
		}
	}
	if len(again) > 0 {
		if err := s.queueAgain(ctx, tx, w, again); err != nil {
			return nil, err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE fanout SET sent = sent + $3, failed = failed + $4, dropped = dropped + $5, retrying = retrying + $6
		WHERE notice = $1 AND channel = $2`, w.notice, w.channel, t.sent, t.failed, t.dropped, t.retrying)
	return news, err
}

// alike divides outcomes into those that were sent, those that were tried, and those that were not; each delivery once, for no
// statement takes two rows of it.
func alike(outcomes []notify.Outcome) [][]notify.Outcome {
	var sent, tried, postponed []notify.Outcome
	seen := make(map[int64]bool, len(outcomes))
	for _, isSent := range []bool{true, false} { // what was sent counts before all else that is said of it
		for _, o := range outcomes {
			if seen[o.To.N] || isSent != (o.Fate == notify.Sent) {
				continue
			}
			seen[o.To.N] = true
			switch {
			case isSent:
				sent = append(sent, o)
			case o.Tries > o.Attempts:
				tried = append(tried, o)
			default:
				postponed = append(postponed, o)
			}
		}
	}
	return slices.DeleteFunc([][]notify.Outcome{sent, tried, postponed}, func(some []notify.Outcome) bool { return len(some) == 0 })
}

// count adds an outcome of a delivery that was waiting.
func (t *tally) count(o notify.Outcome) {
	tried, before := int64(0), int64(0)
	if o.Tries > 0 {
		tried = 1
	}
	if o.Attempts > 0 {
		before = 1
	}
	switch o.Fate {
	case notify.Sent:
		t.sent++
	case notify.Failed:
		t.failed++
	case notify.Dropped:
		t.dropped++
	case notify.Waiting:
		t.retrying += tried
	}
	t.retrying -= before
}

// writeFates records outcomes of deliveries for which a rule holds, and returns the numbers of the subscribers whose it does. The rows
// go in as one JSON array: the text of the statement stays the same, however many there are.
func (s *Store) writeFates(ctx context.Context, tx *sql.Tx, w way, outcomes []notify.Outcome, rule string) (map[int64]bool, error) {
	rows := make([][5]any, len(outcomes))
	for i, o := range outcomes {
		// One strange answer must not keep the others from being recorded.
		answer := strings.ReplaceAll(o.Answer, "\x00", "")
		rows[i] = [5]any{o.To.N, o.Fate, o.Tries, o.At.UnixMicro(), answer}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("write outcomes: %w", err)
	}
	// An upsert of rows that are all there: it goes from the outcomes to their deliveries, where the planner of an UPDATE may
	// choose to go through all deliveries of the notice.
	written, err := collect(ctx, tx, func(n *int64) []any { return []any{n} }, `
		INSERT INTO delivery (notice, subscriber, channel, fate, attempts, at, answer)
		SELECT CAST($2 AS BIGINT), CAST(value ->> 0 AS BIGINT), $3, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), value ->> 4
		FROM `+s.dialect.each+` WHERE TRUE
		ON CONFLICT (notice, subscriber) DO UPDATE SET fate = excluded.fate, attempts = excluded.attempts, at = excluded.at, answer = excluded.answer
		WHERE `+rule+`
		RETURNING subscriber`, string(text), w.notice, w.channel)
	if err != nil {
		return nil, err
	}
	set := make(map[int64]bool, len(written))
	for _, n := range written {
		set[n] = true
	}
	return set, nil
}

// queueAgain puts deliveries back that are tried again, each for itself. One that waits for that already waits until then.
func (s *Store) queueAgain(ctx context.Context, tx *sql.Tx, w way, outcomes []notify.Outcome) error {
	rows := make([][4]any, len(outcomes))
	for i, o := range outcomes {
		rows[i] = [4]any{o.To.N, o.Granted, o.Due.UnixMicro(), o.Urgent}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write what is tried again: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO parcel (notice, channel, urgent, granted, low, high, size, due)
		SELECT CAST($2 AS BIGINT), $3, CAST(value ->> 3 AS BOOLEAN), CAST(value ->> 1 AS BOOLEAN), CAST(value ->> 0 AS BIGINT), CAST(value ->> 0 AS BIGINT), 1,
			CAST(value ->> 2 AS BIGINT)
		FROM `+s.dialect.each+` WHERE TRUE
		ON CONFLICT (notice, low) WHERE low = high DO UPDATE SET due = excluded.due, granted = excluded.granted`, string(text), w.notice, w.channel)
	return err
}

// Notice is a notice by its number, or status.ErrNotFound.
func (s *Store) Notice(ctx context.Context, n int64) (notify.Notice, error) {
	found, err := collect(ctx, s.read, func(one *notify.Notice) []any { return []any{&one.N, asJSON(one)} },
		`SELECT n, payload FROM notice WHERE n = $1`, n)
	switch {
	case err != nil:
		return notify.Notice{}, s.wrap("read notice", err)
	case len(found) == 0:
		return notify.Notice{}, fmt.Errorf("notice %d: %w", n, status.ErrNotFound)
	}
	return found[0], nil
}
