package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// KindSubscriber is a subscriber's in the audit log.
const KindSubscriber status.Kind = "subscriber"

const (
	subscriberColumns = `id, version, channel, address, contact, event, components, access_user, state, skip_confirmation, ` +
		`created, quarantined, purge, n, chosen, group_ids, zone, confirmed, asked, asked_times, strikes, struck, reason`
	subscriberValues = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23`
)

func subscriberFields(s *notify.Subscriber) []any {
	return []any{
		&s.ID, &s.Version, &s.Channel, &s.Address, &s.Contact, &s.Event, asJSON(&s.Components), &s.AccessUser, &s.State,
		&s.SkipConfirmation,
		at{&s.Created},
		at{&s.Quarantined},
		at{&s.Purge},
		&s.N, derived(len(s.Components)+len(s.Groups) > 0), asJSON(&s.Groups), &s.Zone,
		at{&s.Confirmed},
		at{&s.Asked},
		&s.AskedTimes, &s.Strikes,
		at{&s.Struck},
		&s.Reason,
	}
}

// AddSubscriber saves a new subscriber at now, and what it is to be told. An address that subscribed to the same thing is a
// *status.Invalid, unless it has unsubscribed since: then it begins anew in place of the former one.
func (s *Store) AddSubscriber(ctx context.Context, now time.Time, n notify.Subscriber, tell ...notify.Notice) error {
	refused, err := s.AddSubscribers(ctx, now, []notify.Subscriber{n}, tell...)
	if err == nil {
		err = refused[0]
	}
	return err
}

// AddSubscribers saves several in one transaction, and what is told because of that. It returns for each of those that were
// refused why, as [Store.AddSubscriber] does; nothing is told when all were.
func (s *Store) AddSubscribers(ctx context.Context, now time.Time, all []notify.Subscriber, tell ...notify.Notice) (refused map[int]error, err error) {
	refused = make(map[int]error)
	errAll := errors.New("all were refused")
	err = s.transact(ctx, "add subscriber", now, func(tx *sql.Tx) ([]status.Subject, error) {
		var subjects []status.Subject
		for i, n := range all {
			if err := addSubscriber(ctx, tx, n); err != nil {
				if !errors.As(err, new(*status.Invalid)) {
					return nil, err
				}
				refused[i] = err
				continue
			}
			subjects = append(subjects, status.Subject{Kind: KindSubscriber, ID: n.ID})
		}
		if len(subjects) == 0 {
			return nil, errAll
		}
		for _, n := range tell {
			if err := addNotice(ctx, tx, now, n); err != nil {
				return nil, err
			}
		}
		return subjects, nil
	})
	if errors.Is(err, errAll) {
		err = nil
	}
	return refused, err
}

// addSubscriber saves one, unless its address has subscribed to the same thing.
func addSubscriber(ctx context.Context, tx *sql.Tx, n notify.Subscriber) error {
	if err := checkText(n); err != nil {
		return err
	}
	n.Version = 1
	if _, err := tx.ExecContext(ctx, `DELETE FROM subscriber WHERE channel = $1 AND address = $2 AND event = $3 AND state = $4`,
		n.Channel, n.Address, n.Event, notify.Unsubscribed); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `UPDATE feed SET subscribers = subscribers + 1 RETURNING subscribers`).Scan(&n.N); err != nil {
		return err
	}
	err := save(ctx, tx, `INSERT INTO subscriber (`+subscriberColumns+`) VALUES (`+subscriberValues+`) ON CONFLICT DO NOTHING`,
		"", 1, subscriberFields(&n))
	if errors.Is(err, status.ErrConflict) {
		field := "endpoint"
		if n.Channel == notify.Email {
			field = "email"
		}
		return &status.Invalid{Field: field, Rule: fmt.Sprintf("has subscribed already: %q", n.Address)}
	}
	if err != nil {
		return err
	}
	return saveChoices(ctx, tx, n)
}

// ChangeSubscribers lets f change several subscribers at now, one after the other: all of them or, when f fails for one
// or one is not there, none. One that is not there is status.ErrNotFound.
func (s *Store) ChangeSubscribers(ctx context.Context, now time.Time, ids []string, f func(*notify.Subscriber) error) error {
	return s.transact(ctx, "change subscriber", now, func(tx *sql.Tx) ([]status.Subject, error) {
		subjects := make([]status.Subject, len(ids))
		for i, id := range ids {
			if err := changeSubscriber(ctx, tx, id, f); err != nil {
				return nil, err
			}
			subjects[i] = status.Subject{Kind: KindSubscriber, ID: id}
		}
		return subjects, nil
	})
}

func changeSubscriber(ctx context.Context, tx *sql.Tx, id string, f func(*notify.Subscriber) error) error {
	n, err := oneSubscriber(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := f(&n); err != nil {
		return err
	}
	if err := checkText(n); err != nil {
		return err
	}
	n.Version++
	err = save(ctx, tx, "", `UPDATE subscriber SET (`+subscriberColumns+`) = (`+subscriberValues+`) WHERE id = $1 AND version + 1 = $2`,
		n.Version, subscriberFields(&n))
	if err != nil {
		return err
	}
	return saveChoices(ctx, tx, n)
}

// saveChoices keeps what a subscriber chose where audiences are looked for.
func saveChoices(ctx context.Context, tx *sql.Tx, n notify.Subscriber) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber = $1`, n.N); err != nil {
		return fmt.Errorf("save what subscriber %s chose: %w", n.ID, err)
	}
	for _, id := range slices.Concat(n.Components, n.Groups) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO choice (subscriber, subject) VALUES ($1, $2) ON CONFLICT DO NOTHING`, n.N, id); err != nil {
			return fmt.Errorf("save what subscriber %s chose: %w", n.ID, err)
		}
	}
	return nil
}

// oneSubscriber reads the subscriber with an id, or status.ErrNotFound. An id that no column could hold is nobody's.
func oneSubscriber(ctx context.Context, q querier, id string) (notify.Subscriber, error) {
	if checkText(id) != nil {
		return notify.Subscriber{}, status.ErrNotFound
	}
	found, err := collect(ctx, q, subscriberFields, `SELECT `+subscriberColumns+` FROM subscriber WHERE id = $1`, id)
	switch {
	case err != nil:
		return notify.Subscriber{}, err
	case len(found) == 0:
		return notify.Subscriber{}, status.ErrNotFound
	}
	return found[0], nil
}

// Subscriber returns one subscriber, or status.ErrNotFound.
func (s *Store) Subscriber(ctx context.Context, id string) (notify.Subscriber, error) {
	n, err := oneSubscriber(ctx, s.read, id)
	if err != nil {
		return n, s.wrap("read subscriber "+id, err)
	}
	return n, nil
}

// Subscribers lists those that a query chooses, the oldest first unless it says otherwise.
func (s *Store) Subscribers(ctx context.Context, q notify.Query) ([]notify.Subscriber, error) {
	if err := checkText(q); err != nil {
		return nil, err
	}
	conditions, args := subscriberConditions(q)
	query := `SELECT ` + subscriberColumns + ` FROM subscriber`
	if len(conditions) > 0 {
		query += ` WHERE ` + strings.Join(conditions, ` AND `)
	}
	direction := ``
	if q.Newest {
		direction = ` DESC`
	}
	query += ` ORDER BY ` + subscriberOrder(q.Order) + direction + `, id` + direction
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

// subscriberConditions are what a query asks of a subscriber, as SQL, with the arguments.
func subscriberConditions(q notify.Query) (conditions []string, args []any) {
	place := func(arg any) string {
		args = append(args, arg)
		return fmt.Sprintf(`$%d`, len(args))
	}
	if len(q.IDs) > 0 {
		places := make([]string, len(q.IDs))
		for i, id := range q.IDs {
			places[i] = place(id)
		}
		conditions = append(conditions, `id IN (`+strings.Join(places, `, `)+`)`)
	}
	if q.Text != "" {
		pattern := place("%" + likeEscape.Replace(strings.ToLower(q.Text)) + "%")
		conditions = append(conditions, `(LOWER(address) LIKE `+pattern+` ESCAPE '\' OR LOWER(contact) LIKE `+pattern+` ESCAPE '\')`)
	}
	if q.Address != "" {
		conditions = append(conditions, `address = `+place(q.Address))
	}
	if q.Channel != "" {
		conditions = append(conditions, `channel = `+place(q.Channel))
	}
	if q.State != "" {
		conditions = append(conditions, `state = `+place(q.State))
	}
	if q.Subscribed {
		conditions = append(conditions, `state <> `+place(notify.Unsubscribed))
	}
	if !q.AnyEvent {
		conditions = append(conditions, `event = `+place(q.Event))
	}
	return conditions, args
}

// subscriberOrder is what a list is sorted by. The engines differ in where they put NULL, so there is none.
func subscriberOrder(by notify.Order) string {
	switch by {
	case notify.ByAddress:
		return `LOWER(address)`
	case notify.ByQuarantine:
		return `COALESCE(quarantined, 0)`
	}
	return `created`
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
