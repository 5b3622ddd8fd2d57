package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// versionTable is where goose keeps what it has applied. It has a name of its own, for a PostgreSQL database may be
// shared with a program that uses goose too.
const versionTable = "interlude_schema"

// Schema is the version of the tables that the database has.
func (s *Store) Schema(ctx context.Context) (int64, error) {
	var version int64
	err := s.read.QueryRowContext(ctx, `SELECT MAX(version_id) FROM `+versionTable).Scan(&version)
	if err != nil {
		return 0, s.wrap("read schema version of "+s.name, err)
	}
	return version, nil
}

// migrate brings the tables up to date.
//
// The whole way is one transaction: it arrives or it has not begun, and other processes wait at its door and then find nothing
// to do. Both engines have transactional DDL.
func (s *Store) migrate(ctx context.Context) error {
	names, err := s.tableNames(ctx)
	if err != nil {
		return s.wrap("open "+s.name, err)
	}
	if slices.Contains(names, versionTable) {
		have, err := s.known(ctx)
		if err != nil || have == s.newest() {
			return err
		}
	} else if s.dialect.ownedAlone && len(names) > 0 {
		return fmt.Errorf("open %s: this is the database of another program (it has the tables %s): name another file",
			s.name, strings.Join(names, ", "))
	}
	if err := s.migrateTo(ctx, s.newest()); err != nil {
		return s.wrap("migrate "+s.name, err)
	}
	// A newer program may have been quicker.
	_, err = s.known(ctx)
	return err
}

// known is the version of the tables, unless it is one that this program does not know.
func (s *Store) known(ctx context.Context) (int64, error) {
	have, err := s.Schema(ctx)
	if err != nil {
		return 0, err
	}
	if newest := s.newest(); have > newest {
		return 0, fmt.Errorf("open %s: its tables are of version %d and this program knows version %d: run the newer program, "+
			"or restore the backup that was made before it ran", s.name, have, newest)
	}
	return have, nil
}

// newest is the version that this program knows: the number before the name of its last migration.
func (s *Store) newest() int64 {
	files, err := fs.Glob(migrations, s.dialect.folder+"/*.sql")
	if err != nil || len(files) == 0 {
		return 0
	}
	version, err := goose.NumericComponent(slices.Max(files))
	if err != nil {
		return 0
	}
	return version
}

// migrateTo applies what is missing up to a version, in one transaction.
func (s *Store) migrateTo(ctx context.Context, version int64) error {
	folder, err := fs.Sub(migrations, s.dialect.folder)
	if err != nil {
		return err
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if s.dialect.migrating != "" {
		if _, err := tx.ExecContext(ctx, s.dialect.migrating); err != nil {
			return err
		}
	}
	err = conn.Raw(func(raw any) error {
		inside, ok := raw.(driverConn)
		if !ok {
			return fmt.Errorf("the driver's %T lacks a method", raw)
		}
		db := sql.OpenDB(nested{inside})
		defer db.Close()
		db.SetMaxOpenConns(1)
		provider, err := goose.NewProvider(s.dialect.goose, db, folder,
			goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return err
		}
		_, err = provider.UpTo(ctx, version)
		return err
	})
	if err != nil {
		return err
	}
	return s.commit(tx)
}

// driverConn is what goose needs of a connection, and both drivers have.
type driverConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

// nested is a connection on which a transaction is open. The transactions that goose begins on it are savepoints
// inside that one.
type nested struct{ driverConn }

// Connect returns the connection itself.
func (n nested) Connect(context.Context) (driver.Conn, error) { return n, nil }

// Driver is not asked for by those who have a connection already.
func (n nested) Driver() driver.Driver { return nil }

// Close leaves the connection to its owner.
func (n nested) Close() error { return nil }

// BeginTx sets a savepoint.
func (n nested) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	if _, err := n.ExecContext(ctx, `SAVEPOINT migration`, nil); err != nil {
		return nil, err
	}
	return savepoint{ctx, n}, nil
}

// savepoint is a transaction within a transaction.
type savepoint struct {
	ctx context.Context //nolint:containedctx // driver.Tx has no context of its own.
	on  nested
}

// Commit keeps what was done since the savepoint.
func (s savepoint) Commit() error {
	_, err := s.on.ExecContext(s.ctx, `RELEASE SAVEPOINT migration`, nil)
	return err
}

// Rollback undoes what was done since the savepoint.
func (s savepoint) Rollback() error {
	ctx := context.WithoutCancel(s.ctx)
	_, err := s.on.ExecContext(ctx, `ROLLBACK TO SAVEPOINT migration`, nil)
	_, released := s.on.ExecContext(ctx, `RELEASE SAVEPOINT migration`, nil)
	return errors.Join(err, released)
}
