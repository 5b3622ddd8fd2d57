package runbook

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// restartBehindAPause is the runbook of a restart as operators write it.
func (b *bed) restartBehindAPause(admins string) string {
	return fmt.Sprintf(`steps:
  - interrupt:
      flows: [app]
      at_most: 30s
      steps:
        - pgbouncer.pause: {admin: [%s], database: app, dsn: $DB_DSN, timeout: 5s}
        - sql: {dsn: $DB_DSN, query: insert into done values ('in the pause')}
        - postgres.restart: {dsn: $DB_DSN, command: [sh, %s/restart.sh], timeout: 30s}
        - pgbouncer.resume: {admin: [%s], database: app}
  - sql: {dsn: $DB_DSN, query: insert into done values ('after it')}
`, admins, b.dir, admins)
}

// load is clients that insert through a pooler, each of which has its own numbers.
type load struct {
	failed   atomic.Int64
	written  atomic.Int64
	longest  atomic.Int64
	firstErr atomic.Value
	clients  sync.WaitGroup
	quit     context.CancelFunc
}

// insert starts clients.
func insert(t *testing.T, address string, clients int) *load {
	t.Helper()
	l := &load{}
	ctx, quit := context.WithCancel(t.Context())
	l.quit = quit
	for n := range clients {
		c, err := dial(t.Context(), address, "the pooler")
		if err != nil {
			t.Fatal(err)
		}
		l.clients.Go(func() {
			defer bye(t.Context(), c)
			l.work(ctx, c, n)
		})
	}
	t.Cleanup(l.stop)
	return l
}

// work inserts one row after the other, each in a transaction of its own, until ctx ends.
func (l *load) work(ctx context.Context, c *pgconn.PgConn, client int) {
	for n := 0; ctx.Err() == nil; n++ {
		begun := time.Now()
		_, err := runSQL(context.WithoutCancel(ctx), c, fmt.Sprintf("INSERT INTO rows VALUES (%d, %d)", client, n))
		if took := int64(time.Since(begun)); took > l.longest.Load() {
			l.longest.Store(took)
		}
		if err != nil {
			l.failed.Add(1)
			l.firstErr.CompareAndSwap(nil, err.Error())
			return
		}
		l.written.Add(1)
	}
}

func (l *load) stop() {
	l.quit()
	l.clients.Wait()
}

func (b *bed) tables() {
	b.sql("CREATE TABLE IF NOT EXISTS rows (client int, n int, PRIMARY KEY (client, n)); CREATE TABLE IF NOT EXISTS done (what text); TRUNCATE rows, done")
}

func TestARestartBehindAPauseFailsNoTransaction(t *testing.T) {
	b := newBed(t)
	b.tables()
	admin, app := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	l := insert(t, app, 8)
	eventually(t, "load", func() bool { return l.written.Load() > 500 })
	started := b.sql("SELECT pg_postmaster_start_time()::text")

	r := newRig(t, b.restartBehindAPause("$ADMIN"))
	begun := time.Now()
	if err := r.Run(t.Context()); err != nil {
		t.Fatalf("%v\n%s\n%v", err, r.story(), r.events)
	}
	took := time.Since(begun)
	after := l.written.Load()
	eventually(t, "load that goes on", func() bool { return l.written.Load() > after+500 })
	l.stop()
	if l.failed.Load() != 0 {
		t.Errorf("got %d failed transactions, the first because of %v, want none", l.failed.Load(), l.firstErr.Load())
	}
	if got := b.sql("SELECT count(*) FROM rows"); got != fmt.Sprint(l.written.Load()) {
		t.Errorf("got %s rows, want the %d that were acknowledged", got, l.written.Load())
	}
	if got := b.sql("SELECT pg_postmaster_start_time()::text"); got == started {
		t.Errorf("got the start time %s as before, want another", got)
	}
	if got := b.sql("SELECT string_agg(what, ', ') FROM done"); got != "in the pause, after it" {
		t.Errorf("got %s, want both steps done once", got)
	}
	t.Logf("%d transactions, none failed; the longest waited %s; the run took %s", l.written.Load(), time.Duration(l.longest.Load()), took)
}

func TestKilledAtEveryBoundaryOfARestartDatabaseAndJournalAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("it restarts PostgreSQL many times")
	}
	b := newBed(t)
	admin, app := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	for n := 1; ; n++ {
		b.tables()
		file := bookFile(t, b.restartBehindAPause("$ADMIN"))
		started := b.sql("SELECT pg_postmaster_start_time()::text")
		code, said := child(t, file, strconv.Itoa(n))
		if code != -1 {
			if code != 0 || n < 20 {
				t.Errorf("got exit code %d at boundary %d, want 0 after many: %s", code, n, said)
			}
			return
		}
		// Whatever was under way, clients get through: the dead-man resumes what the runner left paused.
		if _, err := ask(t.Context(), app, "SELECT 1"); err != nil && !strings.Contains(err.Error(), "57P") && !strings.Contains(err.Error(), "08P01") {
			t.Fatalf("killed at boundary %d: got %v from the pooler, want an answer", n, err)
		}
		if code, said = child(t, file, ""); code != 0 {
			t.Fatalf("killed at boundary %d: got exit code %d from the next start, want 0: %s", n, code, said)
		}
		if got := b.sql("SELECT string_agg(what, ', ') FROM done"); got != "in the pause, after it" {
			t.Fatalf("killed at boundary %d: got %s, want each once", n, got)
		}
		if got := b.sql("SELECT pg_postmaster_start_time()::text"); got == started {
			t.Fatalf("killed at boundary %d: got no restart, want one", n)
		}
		if _, err := ask(t.Context(), app, "INSERT INTO rows VALUES (1, 1)"); err != nil {
			t.Fatalf("killed at boundary %d: got %v at the end, want the pooler resumed", n, err)
		}
	}
}

func TestTheDeadManResumesWhenTheRunnerIsKilledInAPause(t *testing.T) {
	b := newBed(t)
	b.tables()
	admin, app := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	l := insert(t, app, 4)
	file := bookFile(t, b.restartBehindAPause("$ADMIN"))
	if code, said := child(t, file, "after done 1.1"); code != -1 {
		t.Fatalf("got exit code %d, want it killed: %s", code, said)
	}
	before, killed := l.written.Load(), time.Now()
	eventually(t, "clients that go on", func() bool { return l.written.Load() > before+100 })
	t.Logf("clients went on %s after the runner was killed", time.Since(killed))
	if code, said := child(t, file, ""); code != 0 {
		t.Errorf("got exit code %d from the next start, want 0: %s", code, said)
	}
	l.stop()
	if l.failed.Load() != 0 {
		t.Errorf("got %d failed transactions, the first because of %v, want none", l.failed.Load(), l.firstErr.Load())
	}
}

func TestAPauseThatTakesTooLongIsTakenBackEverywhere(t *testing.T) {
	b := newBed(t)
	b.tables()
	first, app1 := b.bouncer(6432, "")
	second, app2 := b.bouncer(6433, "")
	t.Setenv("FIRST", first)
	t.Setenv("SECOND", second)
	slow, err := dial(t.Context(), app1, "the pooler")
	if err != nil {
		t.Fatal(err)
	}
	defer bye(t.Context(), slow)
	if _, err := runSQL(t.Context(), slow, "BEGIN; INSERT INTO rows VALUES (1, 1)"); err != nil {
		t.Fatal(err)
	}
	steps := "steps:\n  - interrupt: {flows: [app], at_most: 20s, steps: [{pgbouncer.pause: {admin: [$FIRST, $SECOND], database: app, timeout: 1s}}]}\n"
	if err := newRig(t, steps).Run(t.Context()); !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "every pooler was resumed") {
		t.Errorf("got %v, want the pause taken back", err)
	}
	for _, app := range []string{app1, app2} {
		if _, err := ask(t.Context(), app, "SELECT 1"); err != nil {
			t.Errorf("got %v, want an answer: no pooler stays paused", err)
		}
	}
	if _, err := runSQL(t.Context(), slow, "COMMIT"); err != nil {
		t.Errorf("got %v, want the long transaction to be left alone", err)
	}
	// Long transactions are looked for first where the step says where.
	if _, err := runSQL(t.Context(), slow, "BEGIN; INSERT INTO rows VALUES (2, 2)"); err != nil {
		t.Fatal(err)
	}
	looks := strings.Replace(steps, "database: app,", "database: app, dsn: $DB_DSN, long_transactions: 1s,", 1)
	eventually(t, "a transaction that is old", func() bool {
		return b.sql("SELECT count(*) FROM pg_stat_activity WHERE now() - xact_start > interval '1 s'") == "1"
	})
	if err := newRig(t, looks).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "not paused, because that would wait: a transaction is open since") {
		t.Errorf("got %v, want it not paused", err)
	}
}

func TestPausingAndResumingTwiceIsSuccess(t *testing.T) {
	b := newBed(t)
	admin, app := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	r := newRig(t, `steps:
  - interrupt:
      flows: [app]
      at_most: 20s
      steps:
        - pgbouncer.resume: {admin: $ADMIN, database: app}
        - pgbouncer.pause: {admin: $ADMIN, database: app}
        - pgbouncer.pause: {admin: $ADMIN, database: app}
        - pgbouncer.resume: {admin: $ADMIN, database: app}
        - pgbouncer.kill: {admin: $ADMIN, database: app}
        - pgbouncer.resume: {admin: $ADMIN, database: app}
        - pgbouncer.reconnect: {admin: $ADMIN, database: app}
        - pgbouncer.pause: {admin: $ADMIN, database: app}
`)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t.Context(), app, "SELECT 1"); err != nil {
		t.Errorf("got %v, want an answer: what the steps leave paused is resumed at the end", err)
	}
	if got := strings.Join(r.heard(EventWarning), " "); !strings.Contains(got, "still paused at the end") {
		t.Errorf("got %q, want a warning of it", got)
	}
}

func TestADDLGivesUpRatherThanHaveEverybodyQueue(t *testing.T) {
	b := newBed(t)
	b.tables()
	long, err := dial(t.Context(), b.dsn(), "the database")
	if err != nil {
		t.Fatal(err)
	}
	defer bye(t.Context(), long)
	if _, err := runSQL(t.Context(), long, "BEGIN; SELECT * FROM rows"); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, "steps:\n  - sql: {dsn: $DB_DSN, query: alter table rows add column more text, lock_timeout: 1s, retries: 1}\n")
	l := insert(t, b.dsn(), 2)
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "gave up waiting for a lock") {
		t.Errorf("got %v, want it to give up", err)
	}
	l.stop()
	if longest := time.Duration(l.longest.Load()); l.failed.Load() != 0 || longest > 3*time.Second {
		t.Errorf("got %d failures and a wait of %s, want none and no longer than the timeout of the lock", l.failed.Load(), longest)
	}
	if _, err := runSQL(t.Context(), long, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	again := newRig(t, "steps:\n  - sql: {dsn: $DB_DSN, query: alter table rows add column more text}\n")
	if err := again.Run(t.Context()); err != nil {
		t.Errorf("got %v once the transaction has ended, want none", err)
	}
}

func TestTheStepsOfPostgreSQLDoWhatTheySay(t *testing.T) {
	b := newBed(t)
	b.tables()
	r := newRig(t, `checks:
  - postgres.replication_lag: {dsn: $DB_DSN}
  - postgres.long_transactions: {dsn: $DB_DSN}
  - postgres.locks: {dsn: $DB_DSN}
  - free_disk: {path: /, at_least: 1MiB}
steps:
  - postgres.set: {dsn: $DB_DSN, setting: work_mem, value: 7MB, undo: [{postgres.set: {dsn: $DB_DSN, setting: work_mem, value: RESET}}]}
  - postgres.reload: {dsn: $DB_DSN}
  - postgres.checkpoint: {dsn: $DB_DSN}
  - postgres.vacuum: {dsn: $DB_DSN, tables: [public.rows], analyze: true}
  - verify: {postgres.write_probe: {dsn: $DB_DSN}}
  - verify: {sql: {dsn: $DB_DSN, query: show work_mem, expect: 7MB}}
  - sql: {dsn: $DB_DSN, query: "vacuum rows", transaction: false}
  - postgres.promote: {dsn: $DB_DSN}
`)
	err := r.Run(t.Context())
	if !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "step 8 (promote PostgreSQL at $DB_DSN): it is a primary already") {
		t.Errorf("got %v, want the last step to fail", err)
	}
	if got := b.sql("SHOW work_mem"); got != "4MB" {
		t.Errorf("got %s, want what was set to be taken back", got)
	}
}

func TestARestartThatDoesNotRestartFails(t *testing.T) {
	newBed(t)
	r := newRig(t, "steps:\n  - postgres.restart: {dsn: $DB_DSN, command: [true], timeout: 2s}\n")
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "it was not restarted") {
		t.Errorf("got %v, want a failure: the command's word is not enough", err)
	}
}

func TestADryRunComparesThePoolersLimitsWithTheBound(t *testing.T) {
	b := newBed(t)
	b.tables()
	admin, app := b.bouncer(6432, "query_wait_timeout = 20\nmax_client_conn = 5\n")
	t.Setenv("ADMIN", admin)
	insert(t, app, 4)
	book := read(t, b.restartBehindAPause("$ADMIN"))
	var bad []string
	for _, f := range book.Dry(t.Context(), func(name string) string {
		return map[string]string{"ADMIN": admin, "DB_DSN": b.dsn()}[name]
	}) {
		if f.Bad {
			bad = append(bad, f.Text)
		}
	}
	got := strings.Join(bad, "\n")
	for _, want := range []string{"throws clients out that wait for 20s (query_wait_timeout), and the interruption may last 30s", "and takes 5 (max_client_conn)"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	if exists(filepath.Join(b.dir, "data", "postmaster.opts")) && b.sql("SELECT count(*) FROM done") != "0" {
		t.Error("got a change, want a dry run that makes none")
	}
}

func TestABoundThatPassesInAPauseLetsClientsGoOn(t *testing.T) {
	b := newBed(t)
	b.tables()
	admin, app := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	l := insert(t, app, 4)
	r := newRig(t, "steps:\n  - interrupt: {flows: [app], at_most: 1s, steps: [{pgbouncer.pause: {admin: $ADMIN, database: app}}, {run: {command: [sleep, '60']}}]}\n")
	if err := r.Run(t.Context()); !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "has passed its bound of 1s") {
		t.Errorf("got %v, want it rolled back because of the bound", err)
	}
	before := l.written.Load()
	eventually(t, "clients that go on", func() bool { return l.written.Load() > before+100 })
	l.stop()
	if l.failed.Load() != 0 || time.Duration(l.longest.Load()) > 5*time.Second {
		t.Errorf("got %d failures and a wait of %s, want none and little more than the bound", l.failed.Load(), time.Duration(l.longest.Load()))
	}
}
