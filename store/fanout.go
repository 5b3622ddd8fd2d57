package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// Progress tells how far notices about the page have come, the newest first: at most limit of those before the notice with
// number before, or of all when it is 0; of one maintenance or incident when subject is not empty. Personal notices are left out.
func (s *Store) Progress(ctx context.Context, subject string, before int64, limit int) ([]notify.Progress, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	c := &chosen{}
	where := `n < ` + c.place(before) + ` AND kind NOT IN (` + c.place(notify.Confirm) + `, ` + c.place(notify.Link) + `, ` + c.place(notify.Stopped) + `)`
	if subject != "" {
		where += ` AND subject = ` + c.place(subject)
	}
	type row struct {
		n notify.Progress
		f notify.Fanout
	}
	rows, err := collect(ctx, s.read, func(r *row) []any {
		return []any{
			&r.n.Notice, &r.n.Kind, &r.n.Subject.Kind, &r.n.Subject.ID,
			at{&r.n.At},
			&r.n.Title,
			&r.f.Channel, &r.f.Total, &r.f.Sent, &r.f.Failed, &r.f.Dropped, &r.f.Retrying,
			at{&r.f.Began},
			at{&r.f.Latest},
		}
	}, `SELECT newest.n, newest.kind, newest.subject_kind, newest.subject, newest.at,
			COALESCE(maintenance.title, incident.title, component.name, ''),
			COALESCE(f.channel, ''), COALESCE(f.total, 0), COALESCE(f.sent, 0), COALESCE(f.failed, 0), COALESCE(f.dropped, 0),
			COALESCE(f.retrying, 0), f.began, f.latest
		FROM (SELECT n, kind, subject_kind, subject, at FROM notice WHERE `+where+` ORDER BY n DESC LIMIT `+c.place(limit)+`) AS newest
		LEFT JOIN fanout AS f ON f.notice = newest.n LEFT JOIN maintenance ON maintenance.id = newest.subject
		LEFT JOIN incident ON incident.id = newest.subject LEFT JOIN component ON component.id = newest.subject
		ORDER BY newest.n DESC, f.channel`, c.args...)
	if err != nil {
		return nil, s.wrap("read progress", err)
	}
	var all []notify.Progress
	for _, r := range rows {
		if len(all) == 0 || all[len(all)-1].Notice != r.n.Notice {
			all = append(all, r.n)
		}
		if r.f.Channel != "" {
			last := &all[len(all)-1]
			last.Fanouts = append(last.Fanouts, r.f)
		}
	}
	return all, nil
}

// Deliveries lists those of a notice that have a fate, or all when it is empty, in the order of subscribers: at most limit of
// those after the subscriber with number after.
func (s *Store) Deliveries(ctx context.Context, notice int64, fate notify.Fate, after int64, limit int) ([]notify.Delivered, error) {
	all, err := collect(ctx, s.read, deliveredFields, `SELECT `+deliveredColumns+`
		WHERE d.notice = $1 AND (d.fate = $2 OR $2 = '') AND d.subscriber > $3 ORDER BY d.subscriber LIMIT $4`, notice, fate, after, limit)
	if err != nil {
		return nil, s.wrap("list deliveries", err)
	}
	return all, nil
}

// History lists what a subscriber was told, the newest first.
func (s *Store) History(ctx context.Context, id string, limit int) ([]notify.Delivered, error) {
	n, err := oneSubscriber(ctx, s.read, id)
	if err != nil {
		return nil, s.wrap("read history of "+id, err)
	}
	// From the notices to the deliveries: the deliveries have no index by subscriber, which would cost every fan-out.
	all, err := collect(ctx, s.read, deliveredFields, `SELECT `+deliveredColumns+`
		WHERE d.subscriber = $1 ORDER BY notice.n DESC LIMIT $2`, n.N, limit)
	if err != nil {
		return nil, s.wrap("read history of "+id, err)
	}
	return all, nil
}

const deliveredColumns = `d.notice, notice.kind, notice.subject_kind, notice.subject, notice.at, d.subscriber, COALESCE(s.id, ''),
	COALESCE(s.address, ''), d.channel, d.fate, d.attempts, d.at, d.answer,
	(SELECT MIN(due) FROM parcel WHERE d.fate = 'waiting' AND parcel.notice = d.notice AND parcel.low = d.subscriber AND parcel.high = d.subscriber)
	FROM notice JOIN delivery AS d ON d.notice = notice.n LEFT JOIN subscriber AS s ON s.n = d.subscriber`

func deliveredFields(d *notify.Delivered) []any {
	return []any{
		&d.Notice, &d.Kind, &d.Subject.Kind, &d.Subject.ID,
		at{&d.Noticed},
		&d.N, &d.Subscriber, &d.Address, &d.Channel, &d.Fate, &d.Attempts,
		at{&d.At},
		&d.Answer,
		at{&d.Due},
	}
}

// Reach counts who would be told, by channel, without telling anybody.
func (s *Store) Reach(ctx context.Context, a notify.Audience) (map[notify.Channel]int, error) {
	type row struct {
		channel notify.Channel
		n       int
	}
	who := choose(a)
	rows, err := collect(ctx, s.read, func(r *row) []any { return []any{&r.channel, &r.n} },
		`SELECT s.channel, COUNT(*) FROM subscriber AS s WHERE `+who.where+` GROUP BY s.channel`, who.args...)
	if err != nil {
		return nil, s.wrap("count who would be told", err)
	}
	reach := make(map[notify.Channel]int, len(rows))
	for _, r := range rows {
		reach[r.channel] = r.n
	}
	return reach, nil
}

// Recipients lists who would be told, without telling anybody: at most limit of those after the subscriber with number after.
func (s *Store) Recipients(ctx context.Context, a notify.Audience, after int64, limit int) ([]notify.Recipient, error) {
	who := choose(a)
	where := `(` + who.where + `) AND s.n > ` + who.place(after)
	all, err := collect(ctx, s.read, func(r *notify.Recipient) []any {
		return []any{&r.N, &r.ID, &r.Channel, &r.Address, &r.Contact, &r.Zone, &r.Event, &r.Chosen, &r.State, &r.Strikes}
	}, `SELECT s.n, s.id, s.channel, s.address, s.contact, s.zone, s.event, s.chosen, s.state, s.strikes FROM subscriber AS s
		WHERE `+where+` ORDER BY s.n LIMIT `+who.place(limit), who.args...)
	if err != nil {
		return nil, s.wrap("list who would be told", err)
	}
	return all, nil
}

// Backlog counts the deliveries that are in the queue by channel, and tells since when the longest waiting one is due.
func (s *Store) Backlog(ctx context.Context) (map[notify.Channel]notify.Backlog, error) {
	type row struct {
		channel notify.Channel
		notify.Backlog
	}
	rows, err := collect(ctx, s.read, func(r *row) []any { return []any{&r.channel, &r.Waiting, at{&r.Due}} },
		`SELECT channel, CAST(SUM(size) AS BIGINT), MIN(due) FROM parcel GROUP BY channel`)
	if err != nil {
		return nil, s.wrap("measure the queue", err)
	}
	backlog := make(map[notify.Channel]notify.Backlog, len(rows))
	for _, r := range rows {
		backlog[r.channel] = r.Backlog
	}
	return backlog, nil
}

// How long things are remembered.
const (
	unconfirmedKept = 7 * 24 * time.Hour
	noticesKept     = 90 * 24 * time.Hour
	// forgottenAtOnce bounds the deliveries that one transaction forgets.
	forgottenAtOnce = 20_000
)

// Forget removes subscribers who did not confirm within a week, quarantined ones whose time is over, and what was told more
// than 90 days ago, some at a time. It reports whether there is more to forget. The newest notice stays, so that no number is
// given twice.
func (s *Store) Forget(ctx context.Context, now time.Time) (more bool, err error) {
	err = s.transact(ctx, "forget", now, func(tx *sql.Tx) ([]status.Subject, error) {
		unconfirmed, old := now.Add(-unconfirmedKept), now.Add(-noticesKept)
		if _, err := tx.ExecContext(ctx, `DELETE FROM subscriber WHERE state = $1 AND created < $2 AND COALESCE(asked, 0) < $2 OR state = $3 AND purge < $4`,
			notify.Unconfirmed, at{&unconfirmed}, notify.Quarantined, at{&now}); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber NOT IN (SELECT n FROM subscriber)`); err != nil {
			return nil, err
		}
		oldest, err := collect(ctx, tx, func(n *int64) []any { return []any{n} },
			`SELECT n FROM notice WHERE at < $1 AND n < (SELECT MAX(n) FROM notice) ORDER BY n LIMIT 1`, at{&old})
		if err != nil || len(oldest) == 0 {
			return nil, err
		}
		more = true
		return nil, forget(ctx, tx, oldest[0])
	})
	if err == nil && !more && s.dialect.tidy != "" {
		if _, err := s.write.ExecContext(ctx, s.dialect.tidy); err != nil {
			return false, s.wrap("tidy", err)
		}
	}
	return more && err == nil, err
}

// forget removes deliveries of a notice and, with the last of them, the notice.
func forget(ctx context.Context, tx *sql.Tx, n int64) error {
	result, err := tx.ExecContext(ctx, `DELETE FROM delivery WHERE notice = $1 AND subscriber IN
		(SELECT subscriber FROM delivery WHERE notice = $1 ORDER BY subscriber LIMIT $2)`, n, forgottenAtOnce)
	if err != nil {
		return err
	}
	if gone, err := result.RowsAffected(); err != nil || gone == forgottenAtOnce {
		return err
	}
	for _, table := range []string{"parcel", "fanout"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE notice = $1`, n); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM notice WHERE n = $1`, n)
	return during(fmt.Sprintf("notice %d", n), err)
}
