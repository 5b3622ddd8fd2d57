package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// KindSubscriber is a subscriber's in the audit log.
const KindSubscriber status.Kind = "subscriber"

const (
	subscriberColumns = `id, version, channel, address, contact, event, components, access_user, state, skip_confirmation, ` +
		`created, quarantined, purge`
	subscriberValues = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13`
)

func subscriberFields(s *notify.Subscriber) []any {
	return []any{
		&s.ID, &s.Version, &s.Channel, &s.Address, &s.Contact, &s.Event, asJSON(&s.Components), &s.AccessUser, &s.State,
		&s.SkipConfirmation,
		at{&s.Created},
		at{&s.Quarantined},
		at{&s.Purge},
	}
}

// AddSubscriber saves a new subscriber at now. An address that subscribed to the same thing is a *status.Invalid, unless
// it has unsubscribed since: then it begins anew in place of the former one.
func (s *Store) AddSubscriber(ctx context.Context, now time.Time, n notify.Subscriber) error {
	return s.transact(ctx, "add subscriber", now, func(tx *sql.Tx) ([]status.Subject, error) {
		if err := checkText(n); err != nil {
			return nil, err
		}
		n.Version = 1
		if _, err := tx.ExecContext(ctx,
			`DELETE FROM subscriber WHERE channel = $1 AND address = $2 AND event = $3 AND state = $4`,
			n.Channel, n.Address, n.Event, notify.Unsubscribed); err != nil {
			return nil, err
		}
		err := save(ctx, tx, `INSERT INTO subscriber (`+subscriberColumns+`) VALUES (`+subscriberValues+`) ON CONFLICT DO NOTHING`,
			"", 1, subscriberFields(&n))
		if errors.Is(err, status.ErrConflict) {
			field := map[notify.Channel]string{notify.Email: "email", notify.Webhook: "endpoint"}[n.Channel]
			return nil, &status.Invalid{Field: field, Rule: fmt.Sprintf("has subscribed already: %q", n.Address)}
		}
		return []status.Subject{{Kind: KindSubscriber, ID: n.ID}}, err
	})
}

// ChangeSubscriber lets f change a subscriber at now; an error of f changes nothing. One that is not there is
// status.ErrNotFound.
func (s *Store) ChangeSubscriber(ctx context.Context, now time.Time, id string, f func(*notify.Subscriber) error) error {
	return s.transact(ctx, "change subscriber", now, func(tx *sql.Tx) ([]status.Subject, error) {
		found, err := collect(ctx, tx, subscriberFields, `SELECT `+subscriberColumns+` FROM subscriber WHERE id = $1`, id)
		switch {
		case err != nil:
			return nil, err
		case len(found) == 0:
			return nil, status.ErrNotFound
		}
		n := found[0]
		if err := f(&n); err != nil {
			return nil, err
		}
		if err := checkText(n); err != nil {
			return nil, err
		}
		n.Version++
		err = save(ctx, tx, "", `UPDATE subscriber SET (`+subscriberColumns+`) = (`+subscriberValues+`) WHERE id = $1 AND version + 1 = $2`,
			n.Version, subscriberFields(&n))
		return []status.Subject{{Kind: KindSubscriber, ID: id}}, err
	})
}

// Subscriber returns one subscriber, or status.ErrNotFound.
func (s *Store) Subscriber(ctx context.Context, id string) (notify.Subscriber, error) {
	found, err := collect(ctx, s.read, subscriberFields, `SELECT `+subscriberColumns+` FROM subscriber WHERE id = $1`, id)
	switch {
	case err != nil:
		return notify.Subscriber{}, s.wrap("read subscriber", err)
	case len(found) == 0:
		return notify.Subscriber{}, fmt.Errorf("read subscriber %s: %w", id, status.ErrNotFound)
	}
	return found[0], nil
}

// Subscribers lists those that a query chooses, the oldest first unless it says otherwise.
func (s *Store) Subscribers(ctx context.Context, q notify.Query) ([]notify.Subscriber, error) {
	var where []string
	var args []any
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if q.Text != "" {
		add(`LOWER(address) LIKE $%d ESCAPE '\'`, "%"+likeEscape.Replace(strings.ToLower(q.Text))+"%")
	}
	if q.Channel != "" {
		add(`channel = $%d`, q.Channel)
	}
	if q.State != "" {
		add(`state = $%d`, q.State)
	}
	if !q.AnyEvent {
		add(`event = $%d`, q.Event)
	}
	query := `SELECT ` + subscriberColumns + ` FROM subscriber`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	query += ` ORDER BY created, id`
	if q.Newest {
		query = strings.Replace(query, `created, id`, `created DESC, id DESC`, 1)
	}
	if q.Limit > 0 {
		args = append(args, q.Limit, q.Skip)
		query += fmt.Sprintf(` LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	}
	all, err := collect(ctx, s.read, subscriberFields, query, args...)
	if err != nil {
		return nil, s.wrap("list subscribers", err)
	}
	return all, nil
}

// likeEscape makes text mean itself in a LIKE pattern.
var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// CountSubscribers counts the page's subscribers by channel and state.
func (s *Store) CountSubscribers(ctx context.Context) (notify.Tally, error) {
	type row struct {
		channel notify.Channel
		state   notify.State
		n       int
	}
	rows, err := collect(ctx, s.read, func(r *row) []any { return []any{&r.channel, &r.state, &r.n} },
		`SELECT channel, state, COUNT(*) FROM subscriber WHERE event = '' GROUP BY channel, state`)
	if err != nil {
		return nil, s.wrap("count subscribers", err)
	}
	tally := notify.Tally{}
	for _, r := range rows {
		if tally[r.channel] == nil {
			tally[r.channel] = map[notify.State]int{}
		}
		tally[r.channel][r.state] = r.n
	}
	return tally, nil
}
