package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	lite "modernc.org/sqlite/lib"
)

// dialect is everything in which the two engines differ once they are open.
type dialect struct {
	// engine is the name that people know, and folder that of its migrations.
	engine, folder string
	goose          goose.Dialect
	// limits bounds, for one writing transaction, how long it waits for a lock and how long it may lie idle.
	limits string
	// forUpdate locks the rows that a SELECT in a writing transaction returns, where the engine does not lock all anyway.
	forUpdate string
	// skipLocked does the same, and leaves out rows that another transaction has locked.
	skipLocked string
	// each is a table of the elements of the JSON array in $1, in a column value.
	each string
	// tidy lets the planner learn how full the tables are, where nothing else does.
	tidy string
	// migrating makes the migrations of other processes wait until the transaction ends.
	migrating string
	// snapshot are the options of a transaction whose statements all see the same moment.
	snapshot *sql.TxOptions
	// tables lists the names of the tables there are.
	tables string
	// ownedAlone says that a database with foreign tables in it is somebody else's.
	ownedAlone bool
	// hint says what would help against an error, or nothing.
	hint func(error) string
	// fact is ErrFull or ErrReadOnly where an error means one of them, or nothing.
	fact func(error) error
	// lost reports whether an error came from the connection rather than from what was asked.
	lost func(error) bool
}

// sqliteDialect: transactions of the writing connection are immediate, so that they hold the only write lock from
// their beginning; readers see the moment of their first statement.
var sqliteDialect = dialect{
	engine:     "SQLite",
	folder:     "migrations/sqlite",
	goose:      goose.DialectSQLite3,
	snapshot:   &sql.TxOptions{ReadOnly: true},
	each:       `json_each($1)`,
	tidy:       `PRAGMA optimize`,
	tables:     `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`,
	ownedAlone: true,
	hint:       sqliteHint,
	fact:       sqliteFact,
	lost:       func(error) bool { return false },
}

// postgresDialect: a node that hangs with the lock in its hands must not stop the others for ever, so transactions are bounded.
// The limits are set in each transaction, because poolers refuse them when a connection starts. The advisory lock's number is
// arbitrary; it belongs to the transaction, for the same reason.
var postgresDialect = dialect{
	engine:     "PostgreSQL",
	folder:     "migrations/postgres",
	goose:      goose.DialectPostgres,
	limits:     `SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '30s'`,
	forUpdate:  ` FOR UPDATE`,
	skipLocked: ` FOR UPDATE SKIP LOCKED`,
	each:       `json_array_elements(CAST($1 AS JSON)) AS each (value)`,
	migrating:  `SELECT pg_advisory_xact_lock(7595437347021418028)`,
	snapshot:   &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	tables:     `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`,
	hint:       postgresHint,
	fact:       postgresFact,
	lost:       postgresLost,
}

// sqliteHint goes by the primary result code, https://www.sqlite.org/rescode.html.
func sqliteHint(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff {
	case lite.SQLITE_FULL:
		return "the disk or the quota is full: make room; nothing was changed"
	case lite.SQLITE_READONLY:
		return "the file, or its directory, may not be written by this user, or its disk is mounted read-only; nothing was changed"
	case lite.SQLITE_CANTOPEN:
		return "the file, or the -wal and -shm files beside it, cannot be opened: this user must be able to write their directory"
	case lite.SQLITE_BUSY:
		return "another process kept the database locked for 10 seconds: find it, for example with fuser; nothing was changed"
	case lite.SQLITE_NOTADB:
		return "the file is not a SQLite database: name another one, or move this one away"
	case lite.SQLITE_CORRUPT:
		return "the file is damaged: stop, keep a copy, and restore a backup or try sqlite3's .recover"
	case lite.SQLITE_IOERR:
		return "the disk reported an error: see the system's log"
	}
	return ""
}

// sqliteFact: the index of the write-ahead log is a file too, and grows.
func sqliteFact(err error) error {
	var e *sqlite.Error
	switch {
	case !errors.As(err, &e):
		return nil
	case e.Code()&0xff == lite.SQLITE_FULL, e.Code() == lite.SQLITE_IOERR_SHMSIZE:
		return ErrFull
	case e.Code()&0xff == lite.SQLITE_READONLY:
		return ErrReadOnly
	}
	return nil
}

// postgresFact: disk_full, and read_only_sql_transaction of a standby.
func postgresFact(err error) error {
	var e *pgconn.PgError
	switch {
	case !errors.As(err, &e):
		return nil
	case e.Code == "53100":
		return ErrFull
	case e.Code == "25006":
		return ErrReadOnly
	}
	return nil
}

// postgresHint goes by the error code, https://www.postgresql.org/docs/current/errcodes-appendix.html.
func postgresHint(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case "28P01", "28000":
		return "the server refused the user or the password: check both in the URL, in PGPASSWORD or in ~/.pgpass, and pg_hba.conf on the server"
	case "3D000":
		return "create the database with createdb, or name another one in the URL"
	case "42501":
		return "the user may not do this: GRANT CREATE, USAGE ON SCHEMA public to it, or make it the owner of the database"
	case "25006":
		return "the server takes no changes, it is a standby: connect to the primary, or add target_session_attrs=read-write to the URL"
	case "53100":
		return "the server's disk is full: make room; nothing was changed"
	case "53300":
		return "the server has no connection left: raise max_connections, or lower pool_max_conns in the URL"
	case "55P03":
		return "another node kept the feed locked for 10 seconds; nothing was changed"
	case "57P03":
		return "the server is starting or stopping: try again in a moment"
	}
	return ""
}

// postgresLost: an answer of the server is an answer, unless it says that the connection ends. A cancelled context
// breaks the connection too.
func postgresLost(err error) bool {
	var refused *pgconn.ConnectError
	var answer *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return false
	case errors.As(err, &answer):
		return answer.Code[:2] == "08" || answer.Code[:3] == "57P"
	}
	return true
}

// tableNames lists the tables there are.
func (s *Store) tableNames(ctx context.Context) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, s.dialect.tables)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read table name: %w", err)
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
