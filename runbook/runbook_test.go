package runbook

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// exampleOfTheDesign is the runbook as the design shows it, with a bound for each step.
const exampleOfTheDesign = `checks:
  - sql: {dsn: $APP_DSN, query: "select 1"}
steps:
  - interrupt:
      flows: [app, api, messenger, outbound, inbound]
      at_most: 2m
      steps:
        - pgbouncer.pause: {admin: $PGBOUNCER_ADMIN, database: app, expected: 1s}
        - run: {command: [pg_ctlcluster, "15", main, restart], timeout: 90s, expected: 3s, rollback: 10s}
        - wait: {sql: {dsn: $APP_DSN}, within: 60s, expected: 1s}
        - pgbouncer.resume: {admin: $PGBOUNCER_ADMIN, database: app, expected: 1s}
  - sql: {dsn: $APP_DSN, query: drop table old, irreversible: true, expected: 5m}
  - run: {command: [true]}
`

func TestThePlanNumbersStepsAndAddsUpTheirMinutes(t *testing.T) {
	p := read(t, exampleOfTheDesign).Plan()
	var got []string
	Walk(p.Steps, func(it *Item) { got = append(got, it.Number+" "+it.Kind) })
	want := "1 interrupt, 1.1 pgbouncer.pause, 1.2 run, 1.3 wait, 1.4 pgbouncer.resume, 2 sql, 3 run"
	if g := strings.Join(got, ", "); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
	if g := fmt.Sprint(p.Expected, " ", p.Rollback, " ", p.NoReturn, " ", p.Spare, " ", p.Unknown); g != "5m6s 10s 2 54m44s 1" {
		t.Errorf("got %s, want 5m6s 10s 2 54m44s 1", g)
	}
	if p.Steps[0].Steps[1].timeout() != 90*time.Second {
		t.Errorf("got %s, want the timeout that the step says", p.Steps[0].Steps[1].timeout())
	}
}

func TestWhatIsWrongIsToldWithItsLine(t *testing.T) {
	for _, c := range []struct{ steps, want string }{
		{"steps:\n  - run: {comand: [a]}", `maintenance.yaml:6:13: unknown key "comand"; did you mean "command"?`},
		{"steps:\n  - patroni.restart: {}", "has the keys check, interrupt, pgbouncer.pause"},
		{"steps:\n  - run: {}", `maintenance.yaml:6:12: runbook.steps[0].run.command is needed: a program and its arguments`},
		{"steps: []", "runbook.steps is needed"},
		{"steps:\n  - pgbouncer.pause: {admin: $A, database: app}", "runbook.steps[0].pgbouncer.pause must stand in the steps of an interrupt"},
		{"steps:\n  - run: {command: [a]}\n    check: {tcp: {address: 'a:1'}}", "is check and run at once"},
		{"steps:\n  - run: {command: [a, '{{ .Host }}']}", "which only a step inside of repeat has"},
		{"steps:\n  - run: {command: [a], on_failure: explode}", `must be rollback, stop, ask, not "explode"`},
		{"steps:\n  - interrupt: {flows: [a], steps: [{run: {command: [a]}}]}", "at_most is needed"},
		{"steps:\n  - check: {}", "says nothing to look at"},
		{"steps:\n  - run: {command: [a], timeout: 5}", "runbook.steps[0].run.timeout"},
		{"steps:\n  - sql: {dsn: 'a$', query: a}", "begins no name of a variable"},
		{"steps:\n  - postgres.restart: {dsn: $A}", "needs one of command"},
		{"steps:\n  - run: {command: [a], undo: [{run: {command: [b], undo: [{run: {command: [c]}}]}}]}", "cannot stand here"},
		{"steps:\n  - check: {free_disk: {path: /tmp, at_least: 5}}", "must be a size with its unit"},
		{"steps:\n  - sql: {dsn: $A, query: a, lock_timeout: 1}", "lock_timeout"},
	} {
		_, err := Read([]byte(inDocument(c.steps)), "maintenance.yaml")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.steps, err, c.want)
		}
	}
}

func TestAFileWithoutARunbookIsRefused(t *testing.T) {
	_, err := Read([]byte("title: T\nwindow: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}\n"), "m.yaml")
	if !errors.Is(err, ErrNoRunbook) {
		t.Errorf("got %v, want %v", err, ErrNoRunbook)
	}
}

func TestARepeatFillsInItsHosts(t *testing.T) {
	p := read(t, `steps:
  - repeat:
      over: [db1, db2]
      steps:
        - run: {command: [ssh, "{{ .Host }}", uptime], env: {DSN: "postgres://{{.Host}}/app"}}
        - check: {tcp: {address: "{{ .Host }}:5432"}}
`).Plan()
	var got []string
	Walk(p.Steps, func(it *Item) { got = append(got, it.Number+" "+it.Does) })
	want := "1 repeat for db1, db2|1.1 run ssh db1 uptime|1.2 check that db1:5432 accepts connections|" +
		"1.3 run ssh db2 uptime|1.4 check that db2:5432 accepts connections"
	if g := strings.Join(got, "|"); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
	if got := p.Steps[0].Steps[2].act.(*Run).Env["DSN"].Word; got != "postgres://db2/app" {
		t.Errorf("got %s, want the host in texts of every depth", got)
	}
}

func TestSecretsComeFromEnvironmentFilesAndCommandsAndAreTakenOut(t *testing.T) {
	v := &Vault{Env: func(name string) string { return map[string]string{"PASSWORD": "s3cret/word"}[name] }}
	dir := t.TempDir()
	writeFile(t, dir+"/file", "from a file\n")
	for _, c := range []struct {
		from Secret
		want string
	}{
		{Secret{Word: "postgres://app:${PASSWORD}@db/app?cost=$$5"}, "postgres://app:s3cret/word@db/app?cost=$5"},
		{Secret{File: dir + "/file"}, "from a file"},
		{Secret{Command: []string{"echo", "from a command"}}, "from a command"},
	} {
		got, err := v.Resolve(t.Context(), c.from)
		if err != nil || got != c.want {
			t.Errorf("got %q and %v, want %q", got, err, c.want)
		}
	}
	text := v.Redact("it says s3cret/word, s3cret%2Fword, from a file and from a command")
	if want := "it says •••, •••, ••• and •••"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if _, err := v.Resolve(t.Context(), Secret{Word: "$NOWHERE"}); err == nil || !strings.Contains(err.Error(), "has no NOWHERE") {
		t.Errorf("got %v, want an error that names the variable", err)
	}
	literal := Secret{Word: "postgres://app:literal-password@db/app"}
	if strings.Contains(literal.String(), "literal") {
		t.Errorf("got %s, want it without the password", literal)
	}
}

func TestTheExampleDocumentIsARunbook(t *testing.T) {
	data, err := os.ReadFile("../examples/maintenance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	book, err := Read(data, "maintenance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if p := book.Plan(); book.Ref != "database-2027-01" || len(p.Checks) != 1 || len(p.Steps[0].Steps) != 4 {
		t.Errorf("got %s with %d checks, want the example", book.Ref, len(p.Checks))
	}
}
