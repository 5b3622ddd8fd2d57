package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// Bounced records what came back of a mail at now, with its consequences for the subscriber, in one transaction. A delivery or a
// subscriber that is there no more is passed over. A failure counts once: afterwards the delivery is not sent, but failed.
// While it waits for its outcome, the error is notify.ErrUnsettled.
func (s *Store) Bounced(ctx context.Context, now time.Time, r notify.Returned) error {
	return s.transact(ctx, "record what came back", now, func(tx *sql.Tx) ([]status.Subject, error) {
		to, err := oneSubscriber(ctx, tx, r.Subscriber)
		if errors.Is(err, status.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		marks, err := way{r.Notice, notify.Email}.bounced(ctx, tx, to.N, r)
		if err != nil || !marks || r.Mark == nil {
			return nil, err
		}
		return []status.Subject{{Kind: KindSubscriber, ID: to.ID}}, changeSubscriber(ctx, tx, to.ID, func(n *notify.Subscriber) error {
			r.Mark(n)
			return nil
		})
	})
}

// bounced records what came back from the subscriber with a number, and reports whether it has consequences.
func (w way) bounced(ctx context.Context, tx *sql.Tx, subscriber int64, r notify.Returned) (marks bool, err error) {
	// Its row of the fan-out is written first, for the reason that drop gives.
	if _, err := tx.ExecContext(ctx, `UPDATE fanout SET failed = failed WHERE notice = $1 AND channel = $2`, w.notice, w.channel); err != nil {
		return false, err
	}
	fates, err := collect(ctx, tx, func(f *notify.Fate) []any { return []any{f} },
		`SELECT fate FROM delivery WHERE notice = $1 AND subscriber = $2 AND channel = $3`, w.notice, subscriber, w.channel)
	if err != nil || len(fates) == 0 {
		return false, err
	}
	switch fate := fates[0]; {
	case fate == notify.Waiting:
		return false, notify.ErrUnsettled
	case fate != notify.Sent:
		// A complaint counts nevertheless: the mail arrived, whatever was recorded.
		return !r.Failed, nil
	}
	fate, failed := notify.Sent, int64(0)
	if r.Failed {
		fate, failed = notify.Failed, 1
	}
	if _, err := tx.ExecContext(ctx, `UPDATE delivery SET fate = $4, answer = $5 WHERE notice = $1 AND subscriber = $2 AND channel = $3`,
		w.notice, subscriber, w.channel, fate, r.Answer); err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE fanout SET sent = sent - $3, failed = failed + $3 WHERE notice = $1 AND channel = $2`,
		w.notice, w.channel, failed)
	return true, err
}
