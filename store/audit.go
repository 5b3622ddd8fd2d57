package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

// AuditEntry is one write that a request made.
type AuditEntry struct {
	// N counts the entries from 1, without gaps.
	N  int64
	At time.Time
	access.Act
	// Subjects are what was written, each once.
	Subjects []status.Subject
}

// keysKept is how long an idempotency key is remembered.
const keysKept = 24 * time.Hour

const (
	auditColumns = `n, at, token, token_name, operation, request, client, subjects`
	auditValues  = `$1, $2, $3, $4, $5, $6, $7, $8`
)

func auditFields(e *AuditEntry) []any {
	return []any{&e.N, at{&e.At}, &e.Token, &e.Name, &e.Operation, &e.Request, &e.Client, asJSON(&e.Subjects)}
}

// Audit returns entries of the audit log, the newest first: at most limit of those before the entry with number before,
// or of all when it is 0.
func (s *Store) Audit(ctx context.Context, before int64, limit int) ([]AuditEntry, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	entries, err := collect(ctx, s.read, auditFields,
		`SELECT `+auditColumns+` FROM audit WHERE n < $1 ORDER BY n DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, s.wrap("read audit log", err)
	}
	return entries, nil
}

// transact makes a change outside of the book's, on behalf of the act in ctx: f writes, and names what it wrote.
func (s *Store) transact(ctx context.Context, act string, now time.Time, f func(tx *sql.Tx) ([]status.Subject, error)) error {
	tx, err := s.beginWrite(ctx)
	if err != nil {
		return s.wrap(act, err)
	}
	defer tx.Rollback()
	if _, err := s.lock(ctx, tx); err != nil {
		return s.wrap(act, err)
	}
	subjects, err := f(tx)
	if err != nil {
		return s.wrap(act, err)
	}
	if err := record(ctx, tx, now, subjects); err != nil {
		return s.wrap(act, err)
	}
	if err := s.commit(tx); err != nil {
		return s.wrap(act, err)
	}
	return nil
}

// record notes in the audit log what a transaction wrote, and its idempotency key, when a request asked for it. The
// writers' lock is held, so numbers have no gaps.
func record(ctx context.Context, tx *sql.Tx, now time.Time, subjects []status.Subject) error {
	act, asked := access.ActOf(ctx)
	if !asked {
		return nil
	}
	if act.Repeat != nil {
		if err := takeKey(ctx, tx, now, *act.Repeat); err != nil {
			return err
		}
	}
	entry := AuditEntry{At: now, Act: act, Subjects: subjects}
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) + 1 FROM audit`).Scan(&entry.N); err != nil {
		return fmt.Errorf("number audit entry: %w", err)
	}
	if err := checkText(entry); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO audit (`+auditColumns+`) VALUES (`+auditValues+`)`, auditFields(&entry)...)
	return during("write audit entry", err)
}

// takeKey remembers a key, or refuses one that was taken. Old ones are forgotten on the way.
func takeKey(ctx context.Context, tx *sql.Tx, now time.Time, r access.Repeat) error {
	old := now.Add(-keysKept)
	if _, err := tx.ExecContext(ctx, `DELETE FROM request_key WHERE at < $1`, at{&old}); err != nil {
		return fmt.Errorf("forget old keys: %w", err)
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO request_key (key, fingerprint, at, status, header, body)
		VALUES ($1, $2, $3, 0, '{}', '') ON CONFLICT DO NOTHING`, r.Key, r.Fingerprint, at{&now})
	if err != nil {
		return fmt.Errorf("remember key: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, access.ErrRepeated)
	}
	return nil
}

// subjectsOf are what a change wrote, each once: also what changed without an event, such as a group's place.
func subjectsOf(w status.Written) []status.Subject {
	var all []status.Subject
	seen := make(map[status.Subject]bool)
	add := func(one status.Subject) {
		if !seen[one] {
			seen[one], all = true, append(all, one)
		}
	}
	if w.Page != nil {
		add(status.Subject{Kind: status.KindPage, ID: w.Page.ID})
	}
	for _, g := range w.Groups {
		add(status.Subject{Kind: status.KindGroup, ID: g.ID})
	}
	for _, c := range w.Components {
		add(status.Subject{Kind: status.KindComponent, ID: c.ID})
	}
	for _, s := range w.Series {
		add(s.Subject())
	}
	for _, m := range w.Maintenances {
		add(m.Subject())
	}
	for _, i := range w.Incidents {
		add(i.Subject())
	}
	for _, e := range w.Events {
		add(e.Subject)
	}
	return all
}

// Answer is what a request with an idempotency key was answered.
type Answer struct {
	Fingerprint string
	// Status is 0 while the request is being answered, or when its answer was lost.
	Status int
	Header map[string][]string
	Body   string
}

// AnswerTo returns the answer to the request that carried a key, or status.ErrNotFound.
func (s *Store) AnswerTo(ctx context.Context, key string) (Answer, error) {
	found, err := collect(ctx, s.read, func(a *Answer) []any { return []any{&a.Fingerprint, &a.Status, asJSON(&a.Header), &a.Body} },
		`SELECT fingerprint, status, header, body FROM request_key WHERE key = $1`, key)
	switch {
	case err != nil:
		return Answer{}, s.wrap("look up key", err)
	case len(found) == 0:
		return Answer{}, fmt.Errorf("look up key: %w", status.ErrNotFound)
	}
	return found[0], nil
}

// KeepAnswer keeps what the request that took a key was answered. A key that no change took is not kept.
func (s *Store) KeepAnswer(ctx context.Context, key string, a Answer) error {
	_, err := s.write.ExecContext(ctx, `UPDATE request_key SET status = $2, header = $3, body = $4 WHERE key = $1`,
		key, a.Status, asJSON(&a.Header), a.Body)
	if err != nil {
		return s.wrap("keep answer", err)
	}
	s.wrote()
	return nil
}
