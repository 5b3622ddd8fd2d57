package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.org/interlude/status"
	"example.org/interlude/store"
)

func TestANameThatCannotBeOpenedSaysWhatWouldBeRight(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("Dear customers, ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := raw(t, "sqlite:"+filepath.Join(dir, "foreign.db"))
	exec(t, foreign, `CREATE TABLE invoice (id INTEGER)`)
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for name, want := range map[string]string{
		"":                             "no path was given; give one such as sqlite:/var/lib/interlude/interlude.db",
		"sqlite:":                      "no path was given; give one such as sqlite:/var/lib/interlude/interlude.db",
		"mysql://u:geheim@host/x":      `"mysql://…" is not known; give a path, sqlite:PATH or postgres://user@host/database`,
		dir:                            "this is a directory; name a file in it, such as " + dir + "/interlude.db",
		"sqlite:" + dir + "/no/x.db":   "the directory " + dir + "/no does not exist: create it",
		"sqlite:" + file + "/x.db":     "letter.txt/x.db: not a directory",
		file:                           "(the file is not a SQLite database: name another one, or move this one away)",
		dir + "/foreign.db":            "this is the database of another program (it has the tables invoice): name another file",
		dir + "/socket":                "this is not a regular file; name a file on a disk",
		"sqlite:/proc/interlude.db":    "open sqlite:/proc/interlude.db: ",
		"postgres://u:geheim@host:x/d": "open postgres://…: ",
		"postgres://u:geheim@127.0.0.1:1/d?sslmode=disable&connect_timeout=5": "open postgres://u@127.0.0.1:1/d: no PostgreSQL server answers at 127.0.0.1:1, check that it runs and listens there: ",
	} {
		s, err := store.Open(t.Context(), name)
		if err == nil {
			t.Errorf("%q was opened", name)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: got %q, want %q and no password", name, err, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "Dear customers") {
		t.Errorf("the file that is no database now reads %.20q, error %v", text, err)
	}
}

func TestTheFileAndWhatStandsBesideItBelongToTheirOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "interlude.db")
	s := open(t, path)
	change(t, s, newWorld().put)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(name), got)
		}
	}
	again := open(t, "sqlite://"+path)
	if d := since(t, again, 0); d.Seq != 1 {
		t.Errorf("got the feed at %d, want 1: the same file by another name", d.Seq)
	}
}

func TestWhatWasSavedIsThereAfterReopening(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		s, err := store.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		change(t, s, newWorld().put)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("a closed store still answers")
		}
		s = open(t, name)
		if d := since(t, s, 0); d.Seq != 1 || d.Page == nil {
			t.Errorf("got %+v, want what was saved", d)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAFullDiskIsSaidAndLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "interlude.db")
	s := open(t, path)
	change(t, s, func(b *status.Book) { b.PutPage(status.Page{ID: "p"}) })
	store.Exec(t, s, `PRAGMA max_page_count = 60`)
	grow := func(b *status.Book) error {
		p := b.Page
		p.Description = strings.Repeat("x", 1<<20)
		b.PutPage(p)
		return nil
	}
	err := s.Change(t.Context(), noon, nil, grow)
	if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "full: make room; nothing was changed") {
		t.Errorf("got %v, want that the disk is full", err)
	}
	if err := s.Writable(); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v from Writable, want that the disk is full", err)
	}
	if d := since(t, s, 0); d.Seq != 1 || d.Page.Description != "" {
		t.Errorf("got the feed at %d, want 1", d.Seq)
	}
	store.Exec(t, s, `PRAGMA max_page_count = 100000`)
	if err := s.Change(t.Context(), noon, nil, grow); err != nil {
		t.Errorf("after room was made: %v", err)
	}
	if err := s.Writable(); err != nil {
		t.Errorf("got %v from Writable after a change was saved, want none", err)
	}
}

func TestAReadOnlyFileIsSaidAndCanStillBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "interlude.db")
	s := open(t, path)
	change(t, s, func(b *status.Book) { b.PutPage(status.Page{ID: "p"}) })
	store.Exec(t, s, `PRAGMA query_only = 1`)
	err := s.Change(t.Context(), noon, nil, func(b *status.Book) error { b.PutPage(b.Page); return nil })
	if !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), "may not be written by this user") {
		t.Errorf("got %v, want that the file may not be written", err)
	}
	if err := s.Writable(); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("got %v from Writable, want that it may not be written", err)
	}
	if d := since(t, s, 0); d.Seq != 1 {
		t.Errorf("got the feed at %d, want 1", d.Seq)
	}
}

// refusing is a PostgreSQL server that answers everybody with an error.
func refusing(t *testing.T, code, message string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			// The startup packet begins with its own length.
			var length uint32
			if binary.Read(conn, binary.BigEndian, &length) == nil {
				io.CopyN(io.Discard, conn, int64(length)-4)
			}
			fields := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
			conn.Write(binary.BigEndian.AppendUint32([]byte("E"), uint32(4+len(fields))))
			io.WriteString(conn, fields)
			conn.Close()
		}
	}()
	return "postgres://app:geheim@" + listener.Addr().String() + "/status?sslmode=disable"
}

func TestARefusalOfTheServerComesWithAWayOut(t *testing.T) {
	for code, want := range map[string]string{
		"28P01": "the server refused the user or the password: check both in the URL, in PGPASSWORD or in ~/.pgpass",
		"3D000": "create the database with createdb",
		"53300": "raise max_connections",
		"57P03": "try again in a moment",
	} {
		name := refusing(t, code, "the server's own words")
		_, err := store.Open(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "the server's own words") {
			t.Errorf("%s: got %v, want %q after the server's own words", code, err, want)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error holds the password: %v", code, err)
		}
	}
}

func TestConnectionsThatTheServerEndedAreReplaced(t *testing.T) {
	name := newDatabase(t, "postgres")
	s, db := open(t, name), raw(t, name)
	const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()`
	change(t, s, newWorld().put)
	for range 3 {
		// Several connections lie idle, and all of them are dead.
		hold := make(chan struct{})
		done := make(chan error)
		for range 3 {
			go func() {
				_, err := s.Since(t.Context(), 0)
				<-hold
				done <- err
			}()
		}
		close(hold)
		for range 3 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		exec(t, db, kill)
		change(t, s, func(b *status.Book) { b.PutPage(b.Page) })
		exec(t, db, kill)
		since(t, s, 0)
	}
	// In the middle of a transaction nothing can be repeated, and the caller is told.
	err := s.Change(t.Context(), noon, nil, func(b *status.Book) error { exec(t, db, kill); b.PutPage(b.Page); return nil })
	if err == nil || errors.Is(err, store.ErrUnknown) {
		t.Errorf("got %v, want an error, and one that says that nothing was saved", err)
	}
	if d := since(t, s, 0); d.Seq != 4 {
		t.Errorf("got the feed at %d, want 4", d.Seq)
	}
}

func TestANodeThatHangsDoesNotStopTheOthersForEver(t *testing.T) {
	each(t, []string{"postgres"}, func(t *testing.T, name string) {
		s := open(t, name)
		for setting, want := range map[string]string{"lock_timeout": "10s", "idle_in_transaction_session_timeout": "30s"} {
			got := store.InWrite(t, s, `SHOW `+setting)
			if got != want {
				t.Errorf("%s: got %s, want %s", setting, got, want)
			}
		}
	})
}

func TestAServerThatTakesNoChangesIsTold(t *testing.T) {
	for code, want := range map[string]error{"53100": store.ErrFull, "25006": store.ErrReadOnly, "40001": nil} {
		if got := store.FactOfPostgres(store.AnswerOfPostgres(code)); !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
}

func TestACommitWithoutAnAnswerIsUnknown(t *testing.T) {
	if !store.LostPostgres(io.ErrUnexpectedEOF) || store.LostPostgres(store.AnswerOfPostgres("40001")) ||
		!store.LostPostgres(store.AnswerOfPostgres("57P01")) || !store.LostPostgres(context.DeadlineExceeded) {
		t.Error("a broken connection must be told from an answer of the server")
	}
}
