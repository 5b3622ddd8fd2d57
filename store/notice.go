package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// parcelSize is how many deliveries are taken together: enough that taking them costs little, few enough that nodes share
// the work evenly.
const parcelSize = 250

// tell saves what is to be told of what was written into a book, in the transaction of the change. The writers' lock is held.
func tell(ctx context.Context, tx *sql.Tx, now time.Time, was notify.Before, b *status.Book) error {
	if err := overtake(ctx, tx, b.Written.Events); err != nil {
		return err
	}
	for _, n := range was.Notices(b) {
		if err := addNotice(ctx, tx, now, n); err != nil {
			return err
		}
	}
	return nil
}

// Tell saves notices that no change of the book gives, such as a confirmation that is sent again.
func (s *Store) Tell(ctx context.Context, now time.Time, notices ...notify.Notice) error {
	return s.transact(ctx, "tell", now, func(tx *sql.Tx) ([]status.Subject, error) {
		for _, n := range notices {
			if err := addNotice(ctx, tx, now, n); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// addNotice saves a notice, and a delivery for each subscriber in its audience. When nobody is told, it is kept if it is about an
// event, so that operators see that nobody was; one for each component of each maintenance would be too many.
func addNotice(ctx context.Context, tx *sql.Tx, now time.Time, n notify.Notice) error {
	if err := checkText(n); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) + 1 FROM notice`).Scan(&n.N); err != nil {
		return fmt.Errorf("number notice: %w", err)
	}
	who := choose(n.Audience)
	by := `s.channel`
	if n.Audience.Only != "" && n.Audience.Channel != "" {
		by = who.place(n.Audience.Channel)
	}
	number := who.place(n.N)
	result, err := tx.ExecContext(ctx, `INSERT INTO delivery (notice, subscriber, channel, fate, attempts, answer)
		SELECT `+number+`, s.n, `+by+`, 'waiting', 0, '' FROM subscriber AS s WHERE `+who.where+` ORDER BY s.n`, who.args...)
	if err != nil {
		return fmt.Errorf("write deliveries of %s: %w", n.Kind, err)
	}
	if told, err := result.RowsAffected(); err != nil || told == 0 && (n.Kind == notify.ComponentChanged || n.Kind.Personal()) {
		return err
	}
	subject := n.Subject()
	if _, err := tx.ExecContext(ctx, `INSERT INTO notice (n, kind, subject_kind, subject, at, payload) VALUES ($1, $2, $3, $4, $5, $6)`,
		n.N, n.Kind, subject.Kind, subject.ID, at{&n.At}, asJSON(&n)); err != nil {
		return fmt.Errorf("write notice %s: %w", n.Kind, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO fanout (notice, channel, total, sent, failed, dropped, retrying)
		SELECT $1, channel, COUNT(*), 0, 0, 0, 0 FROM delivery WHERE notice = $1 GROUP BY channel`, n.N); err != nil {
		return fmt.Errorf("count deliveries of %s: %w", n.Kind, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO parcel (notice, channel, urgent, granted, low, high, size, due)
		SELECT CAST($1 AS BIGINT), channel, CAST($2 AS BOOLEAN), FALSE, MIN(subscriber), MAX(subscriber), COUNT(*), CAST($3 AS BIGINT)
		FROM (SELECT channel, subscriber, (ROW_NUMBER() OVER (PARTITION BY channel ORDER BY subscriber) - 1) / $4 AS part
			FROM delivery WHERE notice = $1) AS numbered
		GROUP BY channel, part ORDER BY part, channel`, n.N, n.Kind.Personal(), at{&now}, parcelSize)
	return during("queue deliveries of "+string(n.Kind), err)
}

// chosen is an audience as SQL: a condition over subscriber s, with the arguments.
type chosen struct {
	where string
	args  []any
}

// place adds an argument and returns its placeholder.
func (c *chosen) place(arg any) string {
	c.args = append(c.args, arg)
	return fmt.Sprintf(`$%d`, len(c.args))
}

// choose writes an audience as SQL. Who asked about the event alone, and is told of the page as well, is told once.
func choose(a notify.Audience) *chosen {
	c := &chosen{}
	if a.Only != "" {
		c.where = `s.id = ` + c.place(a.Only)
		return c
	}
	active := c.place(notify.Active)
	var subjects []string
	if !a.Everyone {
		for _, id := range append(append([]string{}, a.Components...), a.Groups...) {
			subjects = append(subjects, c.place(id))
		}
	}
	ofPage := func(s string) string {
		if a.Everyone {
			return s + `.event = ''`
		}
		chose := `NOT ` + s + `.chosen`
		if len(subjects) > 0 {
			chose += ` OR EXISTS (SELECT 1 FROM choice WHERE choice.subscriber = ` + s + `.n AND choice.subject IN (` + strings.Join(subjects, `, `) + `))`
		}
		return s + `.event = '' AND (` + chose + `)`
	}
	who := ofPage(`s`)
	if a.Event != "" {
		who += ` OR s.event = ` + c.place(a.Event) + ` AND NOT EXISTS (SELECT 1 FROM subscriber AS o
			WHERE o.channel = s.channel AND o.address = s.address AND o.state = ` + active + ` AND (` + ofPage(`o`) + `))`
	}
	c.where = `s.state = ` + active + ` AND (` + who + `)`
	if a.Channel != "" {
		c.where += ` AND s.channel = ` + c.place(a.Channel)
	}
	return c
}

// overtake drops waiting deliveries that events make pointless, in the order in which settling locks them, so that the two cannot
// wait for each other.
func overtake(ctx context.Context, tx *sql.Tx, events []status.Event) error {
	why := make(map[way]status.EventKind)
	for _, e := range events {
		kinds := notify.Overtaken(e.Kind)
		if len(kinds) == 0 {
			continue
		}
		c := &chosen{}
		subject := c.place(e.Subject.ID)
		places := make([]string, len(kinds))
		for i, kind := range kinds {
			places[i] = c.place(kind)
		}
		open, err := collect(ctx, tx, func(w *way) []any { return []any{&w.notice, &w.channel} }, `
			SELECT f.notice, f.channel FROM fanout AS f JOIN notice ON notice.n = f.notice
			WHERE notice.subject = `+subject+` AND notice.kind IN (`+strings.Join(places, `, `)+`) AND f.sent + f.failed + f.dropped < f.total`,
			c.args...)
		if err != nil {
			return fmt.Errorf("look for what %s overtakes: %w", e.Kind, err)
		}
		for _, w := range open {
			why[w] = e.Kind
		}
	}
	for _, w := range slices.SortedFunc(maps.Keys(why), way.compare) {
		if err := w.drop(ctx, tx, "overtaken: "+string(why[w])); err != nil {
			return fmt.Errorf("drop what %s overtakes: %w", why[w], err)
		}
	}
	return nil
}

// drop ends the waiting deliveries of a way. Its row of the fan-out is written first, so that whoever settles the same
// deliveries waits for the end of this transaction.
func (w way) drop(ctx context.Context, tx *sql.Tx, why string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE fanout SET retrying = 0 WHERE notice = $1 AND channel = $2`, w.notice, w.channel); err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `UPDATE delivery SET fate = 'dropped', answer = $3 WHERE notice = $1 AND channel = $2 AND fate = 'waiting'`,
		w.notice, w.channel, why)
	if err != nil {
		return err
	}
	dropped, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE fanout SET dropped = dropped + $3 WHERE notice = $1 AND channel = $2`,
		w.notice, w.channel, dropped); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM parcel WHERE notice = $1 AND channel = $2`, w.notice, w.channel)
	return err
}
