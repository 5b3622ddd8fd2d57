// Package store keeps everything that Interlude knows in tables, and tells what changed since when.
//
// Begin with [Open], which takes the name of a database, brings its tables up to date and returns a [Store]. The
// keeper writes through [Store.Change]: one transaction that hands out a [status.Book], lets a function change it, and
// saves what was put, with its events. Boards read through [Store.Since]: everything that was saved after a point of
// the feed, each thing in its last form. [Leader] lets one node among several move the clock. Tokens are kept here too.
//
// # One text for two engines
//
// SQLite (a file, the default) and PostgreSQL (when several nodes run) are reached through database/sql with the same
// statements; placeholders are $1, $2, …. What must differ is in dialect.go, and how each is opened in sqlite.go and
// postgres.go. Times are integers in both: microseconds since 1970 in UTC, NULL for the zero time. So they sort, compare
// and come back the same; what is finer than a microsecond is lost. Durations are microseconds as well.
//
// # The tables
//
// Whatever a query asks for, and each scalar, is a column. Updates are rows of their own (post), because they make up
// most of the data and one more of them must not rewrite the others. Lists that belong to one row and that no query looks into are JSON
// in that row: affected components, promises, reminders, blackouts. A join table for them would cost a query for each
// list with every read, and would answer a question that nobody asks here: boards hold the whole picture and look
// there. Past maintenances and removed components stay; nothing but a token's secret is ever forgotten.
//
// # Order
//
// The single row of table feed holds seq, the number of the last transaction that wrote anything. Each writing
// transaction locks that row first and stamps its rows with the next number: writers follow one another, numbers have no
// gaps and appear in order, and what changed since a number is a range of an index. Events are facts, appended and never
// changed.
//
// # What is promised
//
// A change is saved whole or not at all, and once Change has returned without error it survives the loss of power
// (synchronous=FULL; synchronous_commit is left as the server has it). An error after which nobody can know whether
// the change was saved is [ErrUnknown]; nothing is repeated then. Text that one of the engines could not keep (NUL, broken
// UTF-8) is refused as [status.Invalid] before the database is touched. The database is never older than the program:
// Open migrates it, in one transaction, safely from many processes at once; a newer one is refused. The promise ends at
// meaning: whether a maintenance may begin is package status's and the keeper's affair.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Store is an open database. It is safe for use by many goroutines.
type Store struct {
	dialect dialect
	// name is the database as errors call it, without its password.
	name string
	// write serves transactions that change something, read all others. They may be the same.
	write, read *sql.DB
	closing     func() error
	// refused is why the last write was refused, nil after one that succeeded.
	refused atomic.Pointer[refusal]
}

// ErrUnknown says that the connection broke while a transaction was being committed, so that it may or may not have
// been saved. Reading it again tells.
var ErrUnknown = errors.New("the connection broke during the commit, so the change may or may not have been saved; read it again")

// The facts for which a database that answers takes no changes. Errors wrap them and say what would help; nothing was
// changed then, and reading goes on.
var (
	// ErrFull says that its disk, or the quota on it, is full.
	ErrFull = errors.New("the disk of the database is full")
	// ErrReadOnly says that it may not be written: a file without permission, a disk mounted read-only, a standby.
	ErrReadOnly = errors.New("the database may only be read")
)

// Open opens the database and brings its tables up to date.
//
// The name is one of: a path, or sqlite:PATH, for a file that is created when it does not exist (readable by its owner
// alone) in a directory that must; sqlite::memory: for a database that lives until it is closed; or a URL
// postgres://user@host/database, with the parameters and environment variables that libpq has.
func Open(ctx context.Context, name string) (*Store, error) {
	s, err := connect(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect opens the database as it is.
func connect(ctx context.Context, name string) (*Store, error) {
	path, lite := strings.CutPrefix(name, "sqlite:")
	switch {
	case strings.HasPrefix(name, "postgres://"), strings.HasPrefix(name, "postgresql://"):
		return openPostgres(ctx, name)
	case lite:
		// sqlite:///srv/x.db is what other programs call sqlite:/srv/x.db.
		return openSQLite(ctx, strings.TrimPrefix(path, "//"))
	case strings.Contains(name, "://"):
		scheme, _, _ := strings.Cut(name, "://")
		return nil, fmt.Errorf("open database: %q is not known; give a path, sqlite:PATH or postgres://user@host/database", scheme+"://…")
	}
	return openSQLite(ctx, name)
}

// Close ends all connections. Transactions that are under way are waited for.
func (s *Store) Close() error {
	if err := s.closing(); err != nil {
		return fmt.Errorf("close %s: %w", s.name, err)
	}
	return nil
}

// Name is the database as people may see it in logs: the path, or the URL without its password.
func (s *Store) Name() string { return s.name }

// Ping reports whether the database answers, and has our tables.
func (s *Store) Ping(ctx context.Context) error {
	var seq int64
	if err := s.read.QueryRowContext(ctx, `SELECT seq FROM feed`).Scan(&seq); err != nil {
		return s.wrap("ping "+s.name, err)
	}
	return nil
}

// Writable reports why the database took no change the last time that one was made: an error that wraps [ErrFull] or
// [ErrReadOnly], or nothing. It costs no query. The node that leads renews its lease every few seconds, which is a change
// too; on another node, which may not write for hours, a refusal is forgotten after a minute. A database that is away
// altogether is for [Store.Ping] to find.
func (s *Store) Writable() error {
	refused := s.refused.Load()
	if refused == nil || time.Since(refused.at) > refusalLife {
		return nil
	}
	return refused
}

// refusalLife is how long a refused write counts when no other follows.
const refusalLife = time.Minute

// wrote remembers that a write was saved.
func (s *Store) wrote() { s.refused.Store(nil) }

// begin opens a transaction on db.
//
// A connection that the server closed while it lay idle, as after a restart, shows only now. Beginning anew on another
// one is safe, for nothing has been done yet; every idle connection may be such a one.
func (s *Store) begin(ctx context.Context, db *sql.DB, opts *sql.TxOptions) (*sql.Tx, error) {
	for attempt := 0; ; attempt++ {
		tx, err := db.BeginTx(ctx, opts)
		if err == nil {
			return tx, nil
		}
		if attempt == maxIdle || ctx.Err() != nil || !s.dialect.lost(err) {
			return nil, err
		}
	}
}

// beginWrite opens a transaction that may change something.
func (s *Store) beginWrite(ctx context.Context) (*sql.Tx, error) {
	tx, err := s.begin(ctx, s.write, nil)
	if err != nil || s.dialect.limits == "" {
		return tx, err
	}
	if _, err := tx.ExecContext(ctx, s.dialect.limits); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// commit ends a transaction, and tells what is unknown from what has failed.
func (s *Store) commit(tx *sql.Tx) error {
	err := tx.Commit()
	if err == nil {
		s.wrote()
	}
	if err != nil && s.dialect.lost(err) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// wrap gives an error its act and, where the engine's words need it, what would help.
func (s *Store) wrap(act string, err error) error {
	if fact := s.dialect.fact(err); fact != nil && !errors.Is(err, fact) {
		refused := &refusal{fact, err, time.Now()}
		s.refused.Store(refused)
		err = refused
	}
	if hint := s.dialect.hint(err); hint != "" {
		return fmt.Errorf("%s: %w (%s)", act, err, hint)
	}
	return fmt.Errorf("%s: %w", act, err)
}

// refusal is an engine's error in its own words, the fact that it means, and when it came.
type refusal struct {
	fact, err error
	at        time.Time
}

func (r *refusal) Error() string   { return r.err.Error() }
func (r *refusal) Unwrap() []error { return []error{r.fact, r.err} }

// maxIdle is how many connections may lie idle.
const maxIdle = 4
