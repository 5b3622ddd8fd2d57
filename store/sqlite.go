package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"modernc.org/sqlite"
	lite "modernc.org/sqlite/lib"
)

// memory is the path of a database without a file.
const memory = ":memory:"

// The settings of every connection. FULL makes a commit wait for the disk also in WAL mode, where SQLite's own default
// would lose the last transactions with the power.
const sqliteSettings = `_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)`

// openSQLite opens a file, or a database in memory.
//
// One connection writes, so that writers queue up here in order rather than in SQLite, which would make them poll. Readers
// have connections of their own, and in WAL mode do not wait for the writer. A database in memory belongs to one
// connection, which then does both.
func openSQLite(ctx context.Context, path string) (*Store, error) {
	if path == memory {
		db, err := sql.Open("sqlite", "file::memory:?_txlock=immediate&"+sqliteSettings)
		if err != nil {
			return nil, fmt.Errorf("open sqlite::memory:: %w", err)
		}
		db.SetMaxOpenConns(1)
		return &Store{dialect: sqliteDialect, name: "sqlite:" + memory, write: db, read: db, closing: db.Close}, nil
	}
	if err := prepareFile(path); err != nil {
		return nil, fmt.Errorf("open sqlite:%s: %w", path, err)
	}
	uri := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + sqliteSettings
	write, err := sql.Open("sqlite", uri+"&_txlock=immediate&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, fmt.Errorf("open sqlite:%s: %w", path, err)
	}
	read, err := sql.Open("sqlite", uri+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite:%s: %w", path, err), write.Close())
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(max(maxIdle, runtime.NumCPU()))
	read.SetMaxIdleConns(maxIdle)
	s := &Store{dialect: sqliteDialect, name: "sqlite:" + path, write: write, read: read}
	// The writer is closed last, for only it may move the write-ahead log into the file.
	s.closing = func() error { return errors.Join(read.Close(), write.Close()) }
	if err := connectWriter(ctx, write); err != nil {
		return nil, errors.Join(s.wrap("open "+s.name, err), s.Close())
	}
	return s, nil
}

// patience is how long a lock of another process is waited for, as busy_timeout has it.
const patience = 10 * time.Second

// connectWriter makes the connection that writes. Switching a new file to WAL mode is the one thing for which SQLite
// does not wait by itself: when several processes do it at once it tells all but one that the file is busy, so they
// ask again.
func connectWriter(ctx context.Context, write *sql.DB) error {
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for {
		err := write.PingContext(ctx)
		if busy := new(sqlite.Error); !errors.As(err, &busy) || busy.Code()&0xff != lite.SQLITE_BUSY {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-waiting.Done():
			return err
		}
	}
}

// prepareFile makes the file, for its owner alone, or says why it cannot be one.
//
// A file that exists is not opened here: closing it again would, by the rules of POSIX, drop the locks that other
// connections of this process hold on it.
func prepareFile(path string) error {
	if path == "" {
		return errors.New("no path was given; give one such as sqlite:/var/lib/interlude/interlude.db")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("this is a directory; name a file in it, such as %s", filepath.Join(path, "interlude.db"))
	case err == nil && !info.Mode().IsRegular():
		return errors.New("this is not a regular file; name a file on a disk")
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	// O_EXCL follows no dangling link; another process that is quicker is no error.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist: create it, owned by the user that runs interlude", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the directory %s may not be written by this user: change its owner, or name another one", filepath.Dir(path))
	case err != nil:
		return err
	}
	return f.Close()
}
