package runbook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the dead-man, and a runner that can be killed.
const (
	childEnv = "INTERLUDE_RUNBOOK_CHILD"
	killEnv  = "INTERLUDE_RUNBOOK_KILL" // the number of the boundary at which the runner kills itself, or a step that it reaches
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "guard":
		if err := Guard(context.Background(), os.Stdin, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "runner":
		os.Exit(childRun(os.Args[1]))
	}
	os.Exit(m.Run())
}

// guardCommand starts this binary as the dead-man.
func guardCommand() []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{"env", childEnv + "=guard", self}
}

// childRun carries out the runbook in a file, as a process of its own, and ends as a runner that is killed where it was told to.
func childRun(file string) int {
	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	book, err := Read(data, file)
	if err != nil {
		panic(err)
	}
	journal, err := OpenJournal(file + ".journal")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	at, passed := os.Getenv(killEnv), 0
	journal.Boundary = func(when string, e Entry) {
		passed++
		if strconv.Itoa(passed) == at || when+" "+e.What+" "+e.Step == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	r := &Runner{Book: book, Journal: journal, Env: os.Getenv, Guard: guardCommand()}
	if err := r.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// child runs a runbook in a process that is killed at a boundary; an empty one lets it live. It reports how the process ended.
func child(t *testing.T, file, kill string) (code int, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, file)
	c.Env = append(os.Environ(), childEnv+"=runner", killEnv+"="+kill)
	var out bytes.Buffer
	c.Stderr = &out
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String()
}

// missing skips a test, or fails it where INTERLUDE_TEST_STRICT is 1.
func missing(t *testing.T, what string) {
	t.Helper()
	how := what + " is not installed; scripts/setup installs it"
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// bed is a PostgreSQL with PgBouncers in front of it, in a folder of their own; all of them listen at sockets there.
type bed struct {
	t    *testing.T
	dir  string
	as   *syscall.SysProcAttr
	said *quiet
}

// quiet takes what programs write, by several at once.
type quiet struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write adds to it.
func (q *quiet) Write(p []byte) (int, error) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return q.text.Write(p)
}

// newBed makes the database and starts it. It is gone when the test ends.
func newBed(t *testing.T) *bed {
	t.Helper()
	pgCtl, err := find("pg_ctl")
	if err != nil {
		missing(t, "PostgreSQL")
	}
	b := &bed{t: t, as: &syscall.SysProcAttr{}, said: &quiet{}}
	if b.dir, err = os.MkdirTemp("", "interlude-rb"); err != nil { //nolint:usetesting // t.TempDir is in a folder that the user postgres may not enter
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(b.dir) })
	prefix := b.becomePostgres()
	data := filepath.Join(b.dir, "data")
	b.must(filepath.Join(filepath.Dir(pgCtl), "initdb"), "--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	b.write("data/postgresql.auto.conf", fmt.Sprintf("listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\nmax_connections = 60\n", b.dir))
	b.must(pgCtl, "start", "-s", "-w", "-D", data, "-l", filepath.Join(b.dir, "pg.log"))
	t.Cleanup(func() { _ = b.command(pgCtl, "stop", "-s", "-m", "immediate", "-D", data).Run() })
	b.write("restart.sh", fmt.Sprintf("cd %s && exec %s %s restart -s -w -m fast -D %s -l %s\n", b.dir, prefix, pgCtl, data, filepath.Join(b.dir, "pg.log")))
	t.Setenv("DB_DSN", b.dsn())
	return b
}

// becomePostgres has the programs run as the user postgres where the test is root, and gives what does so in a shell.
func (b *bed) becomePostgres() string {
	if os.Getuid() != 0 {
		return ""
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		b.t.Fatal(err)
	}
	uid, _ := strconv.Atoi(postgres.Uid)
	gid, _ := strconv.Atoi(postgres.Gid)
	b.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(b.dir, uid, gid); err != nil {
		b.t.Fatal(err)
	}
	return "setpriv --reuid=postgres --regid=postgres --clear-groups"
}

func (b *bed) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir, c.Stdout, c.Stderr, c.SysProcAttr = b.dir, b.said, b.said, b.as
	c.WaitDelay = time.Second
	return c
}

func (b *bed) must(name string, args ...string) {
	b.t.Helper()
	if err := b.command(name, args...).Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		b.t.Fatalf("%s: %v: %s", name, err, b.said.text.String())
	}
}

func (b *bed) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// dsn is where the database answers itself.
func (b *bed) dsn() string { return "host=" + b.dir + " user=postgres dbname=postgres" }

// bouncer starts a PgBouncer at a port and gives the addresses of its administration and of the database behind it.
func (b *bed) bouncer(port int, more string) (admin, app string) {
	b.t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			missing(b.t, "PgBouncer")
		}
	}
	name := fmt.Sprintf("bouncer%d", port)
	b.write("users.txt", "\"postgres\" \"\"\n")
	b.write(name+".ini", fmt.Sprintf(`[databases]
app = host=%s dbname=postgres
[pgbouncer]
listen_addr =
listen_port = %d
unix_socket_dir = %s
auth_type = trust
auth_file = %s/users.txt
admin_users = postgres
pool_mode = transaction
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
%s
`, b.dir, port, b.dir, b.dir, more))
	c := b.command(program, "-q", filepath.Join(b.dir, name+".ini"))
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	at := fmt.Sprintf("host=%s port=%d user=postgres dbname=", b.dir, port)
	b.eventually("a pooler that answers", func() bool {
		_, err := ask(b.t.Context(), at+"pgbouncer", "SHOW VERSION")
		return err == nil
	})
	return at + "pgbouncer", at + "app"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ask runs a statement somewhere.
func ask(ctx context.Context, address, text string) ([][]string, error) {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	c, err := dial(ctx, address, "the test's database")
	if err != nil {
		return nil, err
	}
	defer bye(ctx, c)
	return runSQL(ctx, c, text)
}

// sql runs a statement in the database and gives the first value.
func (b *bed) sql(text string) string {
	b.t.Helper()
	rows, err := ask(b.t.Context(), b.dsn(), text)
	if err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	if len(rows) == 0 {
		return ""
	}
	return rows[0][0]
}

func (b *bed) eventually(what string, is func() bool) { eventually(b.t, what, is) }

// eventually waits until something is the case.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(until) {
			t.Fatalf("got nothing within 30 s, want %s", what)
		}
		pause(t.Context(), 10*time.Millisecond)
	}
}

// inDocument is a maintenance with a runbook.
func inDocument(steps string) string {
	return "title: Database maintenance\nkey: db\nwindow: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}\nrunbook:\n" +
		indented(strings.TrimRight(steps, "\n"))
}

func indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n" }

// bookFile writes a document into a folder of the test.
func bookFile(t *testing.T, steps string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "maintenance.yaml")
	if err := os.WriteFile(file, []byte(inDocument(steps)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, steps string) *Book {
	t.Helper()
	b, err := Read([]byte(inDocument(steps)), "maintenance.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, inDocument(steps))
	}
	return b
}

// rig is a runner in this process, and what is heard of it.
type rig struct {
	*Runner
	t      *testing.T
	dir    string
	events []Event
}

func newRig(t *testing.T, steps string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.Runner = &Runner{Book: read(t, steps), Env: os.Getenv, Guard: guardCommand(), Hear: func(e Event) { r.events = append(r.events, e) }}
	r.open()
	return r
}

// open opens the journal, again after an earlier run.
func (r *rig) open() {
	r.t.Helper()
	if r.Journal != nil {
		if err := r.Journal.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	j, err := OpenJournal(filepath.Join(r.dir, "db.journal"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.Journal = j
	r.t.Cleanup(func() { _ = j.Close() })
}

// story is what the journal says, in short.
func (r *rig) story() string { return story(r.Journal.Entries()) }

func story(entries []Entry) string {
	var all []string
	for _, e := range entries {
		if e.What != Noted {
			all = append(all, strings.TrimSpace(e.What+" "+e.Step))
		}
	}
	return strings.Join(all, ", ")
}

// heard are the texts of the events of a sort.
func (r *rig) heard(what string) []string {
	var all []string
	for _, e := range r.events {
		if e.What == what {
			all = append(all, e.Text)
		}
	}
	return all
}

// appends is a step that writes a word into a file, and how to see that it did.
func appends(file, word string, more ...string) string {
	return fmt.Sprintf("run: {command: [sh, -c, 'echo %s >>%s'], done_if: {command: {command: [grep, -qx, '%s', %s]}}%s}", word, file, word, file, strings.Join(slices.Insert(more, 0, ""), ", "))
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(data)), " ")
}
