package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// database is a PostgreSQL of the test's own, so that it can be stopped and started.
type database struct {
	t        *testing.T
	programs string
	dir      string
	as       *syscall.SysProcAttr
	process  *exec.Cmd
	said     *lockedBuffer
}

// newDatabase makes one and starts it. It listens at a socket in its directory, and is gone when the test ends.
func newDatabase(t *testing.T) *database {
	t.Helper()
	d := &database{t: t, programs: postgresPrograms(t), as: &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}, said: &lockedBuffer{}}
	var err error
	if d.dir, err = os.MkdirTemp("", "interlude-pg"); err != nil { //nolint:usetesting // t.TempDir is in a folder that the user postgres may not enter
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(d.dir) })
	d.becomePostgres()
	made := d.command("initdb", "--pgdata", filepath.Join(d.dir, "data"), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	if err := made.Run(); err != nil {
		t.Fatalf("initdb: got %v, want a database: %s", err, d.said)
	}
	d.start()
	t.Cleanup(func() {
		d.stop()
		if t.Failed() {
			t.Logf("the database said:\n%s", shortened(d.said.String()))
		}
	})
	return d
}

// postgresPrograms is the folder of PostgreSQL's programs. Debian keeps them out of PATH; the newest version is taken.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return versionIn(a) - versionIn(b) })
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	const how = "PostgreSQL is not installed; scripts/setup installs it"
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

// versionIn is the version in a path such as /usr/lib/postgresql/15/bin/initdb.
func versionIn(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// becomePostgres has the programs run as the user postgres where the test is root, as whom they refuse to run.
func (d *database) becomePostgres() {
	if os.Getuid() != 0 {
		return
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		d.t.Fatal(err)
	}
	uid, _ := strconv.Atoi(postgres.Uid)
	gid, _ := strconv.Atoi(postgres.Gid)
	d.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(d.dir, uid, gid); err != nil {
		d.t.Fatal(err)
	}
}

func (d *database) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(d.programs, name), args...)
	c.Dir, c.Stdout, c.Stderr, c.SysProcAttr = d.dir, d.said, d.said, d.as
	return c
}

// address is where it answers.
func (d *database) address() string { return "host=" + d.dir + " user=postgres dbname=postgres" }

// start starts it, and returns when it answers.
func (d *database) start() {
	d.t.Helper()
	d.process = d.command("postgres", "-D", filepath.Join(d.dir, "data"), "-k", d.dir, "-h", "", "-c", "fsync=off")
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	until(d.t, "database that answers", func() bool {
		c, err := pgx.Connect(d.t.Context(), d.address())
		if err != nil {
			return false
		}
		defer c.Close(context.WithoutCancel(d.t.Context()))
		return c.Ping(d.t.Context()) == nil
	})
}

// stop stops it as pg_ctl stop -m fast does: transactions are rolled back, and clients cut. Stopping twice does nothing.
func (d *database) stop() {
	if d.process.ProcessState != nil {
		return
	}
	_ = d.process.Process.Signal(syscall.SIGINT)
	_ = d.process.Wait()
}

func (d *database) restart() {
	d.t.Helper()
	d.stop()
	d.start()
}

// application is the product: an HTTP program over a pool of connections to the database. Nothing in it knows of maintenance.
type application struct {
	t       *testing.T
	pool    *pgxpool.Pool
	address string
	server  *http.Server
	done    chan struct{}
}

// newApplication makes the tables and starts the program.
//
// A table takes the same id twice, so that a write that is done twice is found.
func newApplication(t *testing.T, d *database) *application {
	t.Helper()
	config, err := pgxpool.ParseConfig(d.address() + " pool_max_conns=20 connect_timeout=2")
	if err != nil {
		t.Fatal(err)
	}
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true } // a connection may have been cut
	a := &application{t: t, address: "127.0.0.1:0"}
	if a.pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.pool.Close)
	for _, table := range []string{"messages", "orders"} {
		if _, err := a.pool.Exec(t.Context(), "CREATE TABLE "+table+" (id text NOT NULL)"); err != nil {
			t.Fatal(err)
		}
	}
	a.start()
	t.Cleanup(a.stop)
	return a
}

// start listens, after a restart at the same address.
func (a *application) start() {
	a.t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(a.t.Context()), "tcp", a.address)
	if err != nil {
		a.t.Fatal(err)
	}
	a.address, a.done = listener.Addr().String(), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /messenger/messages", a.insert("messages"))
	mux.HandleFunc("GET /messenger/inbox", a.list("messages"))
	mux.HandleFunc("POST /api/orders", a.insert("orders"))
	mux.HandleFunc("GET /api/orders", a.list("orders"))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.pool.Ping(r.Context()); err != nil {
			sorry(w, err)
		}
	})
	a.server = &http.Server{Handler: mux}
	go func() {
		defer close(a.done)
		_ = a.server.Serve(listener)
	}()
}

// stop ends the program at once: its connections are cut, and new ones are refused.
func (a *application) stop() {
	_ = a.server.Close()
	<-a.done
}

// insert writes what it is given, and then looks up what to answer: between the two the database may go away, and then what was
// done is answered as if it had not been.
func (a *application) insert(into string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = a.pool.Exec(r.Context(), "INSERT INTO "+into+" VALUES ($1)", string(id))
		}
		if err != nil {
			sorry(w, err)
			return
		}
		a.list(into)(w, r)
	}
}

func (a *application) list(from string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var n int
		if err := a.pool.QueryRow(r.Context(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
			sorry(w, err)
			return
		}
		fmt.Fprintln(w, n)
	}
}

// sorry answers with what an error means: a database that is away is 503, what it says itself is a fault.
func sorry(w http.ResponseWriter, err error) {
	var said *pgconn.PgError
	if errors.As(err, &said) && !strings.HasPrefix(said.Code, "57") { // 57: operator intervention
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// well reports whether the program and its database answer.
func (a *application) well() bool {
	answer, err := http.Get("http://" + a.address + "/healthz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// stored is how often each id is in a table.
func (a *application) stored(table string) map[string]int {
	a.t.Helper()
	rows, err := a.pool.Query(a.t.Context(), "SELECT id, count(*) FROM "+table+" GROUP BY id")
	if err != nil {
		a.t.Fatal(err)
	}
	all, id, n := map[string]int{}, "", 0
	if _, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error { all[id] = n; return nil }); err != nil {
		a.t.Fatal(err)
	}
	return all
}

// awaitHealth waits until the program is well, as an operator does before saying so.
func (a *application) awaitHealth() {
	a.t.Helper()
	until(a.t, "application that is well", a.well)
}
