package runbook

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryKindOfStepThatFailsRollsBack injects a failure into each kind.
func TestEveryKindOfStepThatFailsRollsBack(t *testing.T) {
	b := newBed(t)
	b.tables()
	admin, _ := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	t.Setenv("GONE", "host="+b.dir+" port=1 user=postgres dbname=postgres")
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer down.Close()
	interrupted := func(step string) string {
		return "interrupt: {flows: [app], at_most: 20s, steps: [{" + step + "}]}"
	}
	failures := map[string]string{
		"check":               "check: {postgres.replication_lag: {dsn: $DB_DSN, replicas: 3}}",
		"interrupt":           interrupted("run: {command: [false]}"),
		"pgbouncer.pause":     interrupted("pgbouncer.pause: {admin: [$ADMIN, $GONE], database: app, timeout: 2s}"),
		"pgbouncer.kill":      interrupted("pgbouncer.kill: {admin: $ADMIN, database: other, timeout: 2s}"),
		"pgbouncer.resume":    "pgbouncer.resume: {admin: $GONE, database: app, timeout: 1s}",
		"pgbouncer.reconnect": "pgbouncer.reconnect: {admin: $ADMIN, database: other}",
		"postgres.restart":    "postgres.restart: {dsn: $DB_DSN, command: [false], timeout: 5s}",
		"postgres.reload":     "postgres.reload: {dsn: $GONE}",
		"postgres.promote":    "postgres.promote: {dsn: $DB_DSN}",
		"postgres.checkpoint": "postgres.checkpoint: {dsn: $GONE}",
		"postgres.set":        "postgres.set: {dsn: $DB_DSN, setting: work_mem, value: much}",
		"postgres.vacuum":     "postgres.vacuum: {dsn: $DB_DSN, tables: [none]}",
		"sql":                 "sql: {dsn: $DB_DSN, query: insert into done values ('x'); select 1/0}",
		"run":                 "run: {command: [sleep, '60'], timeout: 200ms}",
		"http":                "http: {url: '" + down.URL + "', method: POST}",
		"wait":                "wait: {tcp: {address: '127.0.0.1:1'}, within: 300ms, every: 100ms}",
		"ask":                 "ask: {question: Really?}",
		"parallel":            "parallel: {steps: [{run: {command: [true]}}, {run: {command: [false]}}]}",
		"repeat":              "repeat: {over: [a, b], steps: [{run: {command: [test, a, '=', '{{ .Host }}']}}]}",
		"verify":              "verify: {sql: {dsn: $DB_DSN, query: select count(*) from rows}}",
	}
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			failing, given := failures[kind]
			if !given {
				t.Fatal("got no failure for the kind, want one")
			}
			log := filepath.Join(t.TempDir(), "log")
			r := newRig(t, "steps:\n  - "+appends(log, "a", "undo: [{"+appends(log, "undo-a")+"}]")+"\n  - "+failing+"\n  - "+appends(log, "b")+"\n")
			r.Ask = func(context.Context, Question) (string, error) { return "no", nil }
			if err := r.Run(t.Context()); !errors.Is(err, ErrRolledBack) {
				t.Errorf("got %v, want %v", err, ErrRolledBack)
			}
			if got, want := fileText(t, log), "a undo-a"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if story := r.story(); !strings.HasSuffix(story, "rolled_back") {
				t.Errorf("got %s, want it to end rolled back", story)
			}
		})
	}
	if got := b.sql("SELECT count(*) FROM done"); got != "0" {
		t.Errorf("got %s rows, want the transaction that failed to leave none", got)
	}
	if _, err := ask(t.Context(), strings.Replace(admin, "pgbouncer", "app", 1), "SELECT 1"); err != nil {
		t.Errorf("got %v, want no pooler left paused", err)
	}
}
