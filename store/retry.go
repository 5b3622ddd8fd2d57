package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// KindNotice is a notice's in the audit log.
const KindNotice status.Kind = "notice"

// Retry makes the failed deliveries of a notice to active subscribers wait again, as if none had been tried, and returns how
// many there were. Those in a run of the queue that is still being worked through are left out, because they would be delivered
// twice; they can be retried when it is done. A notice that is not there is status.ErrNotFound.
func (s *Store) Retry(ctx context.Context, now time.Time, n int64) (retried int64, err error) {
	err = s.transact(ctx, fmt.Sprintf("retry notice %d", n), now, func(tx *sql.Tx) ([]status.Subject, error) {
		there, err := collect(ctx, tx, func(n *int64) []any { return []any{n} }, `SELECT n FROM notice WHERE n = $1`, n)
		if err != nil {
			return nil, err
		}
		if len(there) == 0 {
			return nil, status.ErrNotFound
		}
		// The order is the one in which settling locks them, as in overtake.
		channels, err := collect(ctx, tx, func(c *notify.Channel) []any { return []any{c} },
			`SELECT channel FROM fanout WHERE notice = $1 AND failed > 0 ORDER BY channel`, n)
		if err != nil {
			return nil, err
		}
		retried = 0
		for _, channel := range channels {
			again, err := way{n, channel}.retry(ctx, tx, now)
			if err != nil {
				return nil, fmt.Errorf("by %s: %w", channel, err)
			}
			retried += again
		}
		return []status.Subject{{Kind: KindNotice, ID: strconv.FormatInt(n, 10)}}, nil
	})
	return retried, err
}

// retry makes failed deliveries wait again. While they are marked as retried, they can be told from those that wait already and
// lie between them: a parcel holds whatever waits in its run, so that theirs must reach over none of the others.
func (w way) retry(ctx context.Context, tx *sql.Tx, now time.Time) (int64, error) {
	// Its row of the fan-out is written first, for the reason that drop gives.
	if _, err := tx.ExecContext(ctx, `UPDATE fanout SET failed = failed WHERE notice = $1 AND channel = $2`, w.notice, w.channel); err != nil {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, `
		WITH run AS MATERIALIZED (SELECT low, high FROM parcel WHERE notice = $1 AND channel = $2 AND low < high)
		UPDATE delivery SET fate = 'retried', attempts = 0, at = NULL, answer = ''
		WHERE notice = $1 AND channel = $2 AND fate = 'failed'
			AND EXISTS (SELECT 1 FROM subscriber AS s WHERE s.n = delivery.subscriber AND s.state = $3)
			AND NOT EXISTS (SELECT 1 FROM run WHERE run.low <= delivery.subscriber AND run.high >= delivery.subscriber)`,
		w.notice, w.channel, notify.Active)
	if err != nil {
		return 0, err
	}
	retried, err := result.RowsAffected()
	if err != nil || retried == 0 {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO parcel (notice, channel, urgent, granted, low, high, size, due)
		SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), FALSE, FALSE, MIN(subscriber), MAX(subscriber), COUNT(*), CAST($3 AS BIGINT)
		FROM (SELECT subscriber, before, (ROW_NUMBER() OVER (PARTITION BY before ORDER BY subscriber) - 1) / $4 AS part
			FROM (SELECT subscriber, fate, SUM(CASE WHEN fate = 'waiting' THEN 1 ELSE 0 END) OVER (ORDER BY subscriber) AS before
				FROM delivery WHERE notice = $1 AND channel = $2 AND fate IN ('waiting', 'retried')) AS counted
			WHERE fate = 'retried') AS numbered
		GROUP BY before, part ORDER BY MIN(subscriber)
		ON CONFLICT (notice, low) WHERE low = high DO UPDATE SET due = excluded.due`, w.notice, w.channel, at{&now}, parcelSize); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE delivery SET fate = 'waiting' WHERE notice = $1 AND channel = $2 AND fate = 'retried'`,
		w.notice, w.channel); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE fanout SET failed = failed - $3 WHERE notice = $1 AND channel = $2`, w.notice, w.channel, retried)
	return retried, err
}

// TellSubscriber lets f change a subscriber at now, and saves what f returns to be told, in one transaction: a confirmation that
// is asked for again is noted where it is sent. One that is not there is status.ErrNotFound; when f fails, nothing is changed.
func (s *Store) TellSubscriber(ctx context.Context, now time.Time, id string, f func(*notify.Subscriber) ([]notify.Notice, error)) error {
	return s.transact(ctx, "tell subscriber", now, func(tx *sql.Tx) ([]status.Subject, error) {
		var tell []notify.Notice
		err := changeSubscriber(ctx, tx, id, func(n *notify.Subscriber) (err error) {
			tell, err = f(n)
			return err
		})
		for _, notice := range tell {
			if err == nil {
				err = addNotice(ctx, tx, now, notice)
			}
		}
		return []status.Subject{{Kind: KindSubscriber, ID: id}}, err
	})
}
