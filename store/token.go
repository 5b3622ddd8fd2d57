package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

const (
	tokenColumns = `id, name, hash, scope, created, last_used, revoked, by_name`
	insertToken  = `INSERT INTO token (` + tokenColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

func tokenFields(t *access.Token) []any {
	return []any{&t.ID, &t.Name, &t.Hash, &t.Scope, at{&t.Created}, at{&t.LastUsed}, at{&t.Revoked}, &t.By}
}

// AddToken saves a new token.
func (s *Store) AddToken(ctx context.Context, t access.Token) error {
	if err := checkText(t); err != nil {
		return fmt.Errorf("add token: %w", err)
	}
	return s.transact(ctx, "add token "+t.ID, t.Created, func(tx *sql.Tx) ([]status.Subject, error) {
		_, err := tx.ExecContext(ctx, insertToken, tokenFields(&t)...)
		return []status.Subject{{Kind: kindToken, ID: t.ID}}, err
	})
}

// kindToken is a token's in the audit log.
const kindToken status.Kind = "token"

// AddFirstToken saves a token when there is none at all, and reports whether it did. Of several processes that start
// on one empty database, exactly one adds its token.
//
// keep is called in between: when there is none, and before the token counts. So whoever adds it can put its secret
// where it will be found, and when that fails nobody is locked out: an error of keep undoes the addition.
func (s *Store) AddFirstToken(ctx context.Context, t access.Token, keep func() error) (added bool, err error) {
	if err := checkText(t); err != nil {
		return false, fmt.Errorf("add first token: %w", err)
	}
	tx, err := s.beginWrite(ctx)
	if err != nil {
		return false, s.wrap("add first token", err)
	}
	defer tx.Rollback()
	if _, err := s.lock(ctx, tx); err != nil { // the others wait here until this one has committed
		return false, s.wrap("add first token", err)
	}
	known, err := collect(ctx, tx, tokenFields, `SELECT `+tokenColumns+` FROM token LIMIT 1`)
	if err != nil {
		return false, s.wrap("add first token", err)
	}
	if len(known) > 0 {
		return false, nil
	}
	if _, err := tx.ExecContext(ctx, insertToken, tokenFields(&t)...); err != nil {
		return false, s.wrap("add first token", err)
	}
	if err := keep(); err != nil {
		return false, err
	}
	if err := s.commit(tx); err != nil {
		return false, s.wrap("add first token", err)
	}
	return true, nil
}

// TokenByHash returns the token with that hash, revoked ones too, or status.ErrNotFound. What it allows is for
// [access.Token.Allows] to say.
func (s *Store) TokenByHash(ctx context.Context, hash string) (access.Token, error) {
	tokens, err := collect(ctx, s.read, tokenFields, `SELECT `+tokenColumns+` FROM token WHERE hash = $1`, hash)
	switch {
	case err != nil:
		return access.Token{}, s.wrap("find token", err)
	case len(tokens) == 0:
		return access.Token{}, fmt.Errorf("find token: %w", status.ErrNotFound)
	}
	return tokens[0], nil
}

// Tokens returns all tokens, revoked ones too, in the order in which they were made.
func (s *Store) Tokens(ctx context.Context) ([]access.Token, error) {
	tokens, err := collect(ctx, s.read, tokenFields, `SELECT `+tokenColumns+` FROM token ORDER BY created, id`)
	if err != nil {
		return nil, s.wrap("list tokens", err)
	}
	return tokens, nil
}

// RevokeToken takes a token back at now. One that was taken back before keeps its time.
func (s *Store) RevokeToken(ctx context.Context, id string, now time.Time) error {
	return s.transact(ctx, "revoke token "+id, now, func(tx *sql.Tx) ([]status.Subject, error) {
		err := updateToken(ctx, tx, `UPDATE token SET revoked = COALESCE(revoked, $2) WHERE id = $1`, id, now)
		return []status.Subject{{Kind: kindToken, ID: id}}, err
	})
}

// TouchToken notes that a token was used at now. Times that come late do not go back. Each touch is a transaction: touch
// a token once a minute, not with each request.
func (s *Store) TouchToken(ctx context.Context, id string, now time.Time) error {
	err := updateToken(ctx, s.write,
		`UPDATE token SET last_used = CASE WHEN last_used > $2 THEN last_used ELSE $2 END WHERE id = $1`, id, now)
	if err != nil {
		return s.wrap("touch token "+id, err)
	}
	s.wrote()
	return nil
}

func updateToken(ctx context.Context, q querier, statement, id string, now time.Time) error {
	result, err := q.ExecContext(ctx, statement, id, at{&now})
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return status.ErrNotFound
	}
	return nil
}
