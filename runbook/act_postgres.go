package runbook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Restart restarts a PostgreSQL. It is done when the server has another start time than before and, unless it was a replica, takes writes.
type Restart struct {
	Common
	// DSN leads to the server itself, not through a pooler.
	DSN Secret `yaml:"dsn"`
	// One of these says how: a program, the folder of the data for pg_ctl, or the cluster for pg_ctlcluster, such as 15/main.
	Command []string `yaml:"command"`
	Data    string   `yaml:"data"`
	Cluster string   `yaml:"cluster"`
	// Log is where a server that pg_ctl starts writes; without it, what it writes before its own logging is lost.
	Log string `yaml:"log"`
}

func (a *Restart) refuse(c *checker, at string) {
	needDSN(c, a.DSN, at)
	given := 0
	for _, is := range []bool{len(a.Command) > 0, a.Data != "", a.Cluster != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.refuse(at, "needs one of command, a program that restarts it, data, its folder for pg_ctl, or cluster, such as 15/main for pg_ctlcluster")
	}
	if a.Cluster != "" && strings.Count(a.Cluster, "/") != 1 {
		c.refuse(at+".cluster", "must be VERSION/NAME, such as 15/main, not %q", a.Cluster)
	}
}

func (a *Restart) does() string { return "restart PostgreSQL" + at(a.DSN) }

// at says where something is done, when that tells more than that it is given.
func at(s Secret) string { return " at " + s.String() }

// The facts that a restart and a promotion know again.
const (
	factStarted  = "postmaster_start_time"
	factRecovery = "in_recovery"
	factTimeline = "timeline"
)

// identity is what a server says of itself.
const identity = "SELECT pg_postmaster_start_time()::text, pg_is_in_recovery()::text, (SELECT timeline_id FROM pg_control_checkpoint())::text"

// before journals which server there is before anything is done to it.
func (a *Restart) before(ctx context.Context, d *doing) (map[string]string, error) {
	return identify(ctx, d, a.DSN)
}

func identify(ctx context.Context, d *doing, dsn Secret) (map[string]string, error) {
	rows, err := query(ctx, d.run.vault, dsn, identity)
	if err != nil {
		return nil, err
	}
	return map[string]string{factStarted: rows[0][0], factRecovery: rows[0][1], factTimeline: rows[0][2]}, nil
}

// do restarts the server unless that has happened since the start time was journaled, and returns when it answers.
func (a *Restart) do(ctx context.Context, d *doing) error {
	restarted, err := a.restarted(ctx, d)
	if err != nil {
		return err
	}
	if !restarted {
		if err := a.call(ctx, d); err != nil {
			return err
		}
	} else {
		d.say("it has restarted since")
	}
	for {
		last := a.back(ctx, d)
		if last == nil {
			return nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%w: %w", context.Cause(ctx), last)
		}
	}
}

// settling is how long a server that does not answer is given to come back by itself, before it is restarted again: an earlier
// call may still be at it.
const settling = 5 * time.Second

// restarted reports whether the server has another start time than the journal.
func (a *Restart) restarted(ctx context.Context, d *doing) (bool, error) {
	for until := time.Now().Add(settling); ; {
		now, err := identify(ctx, d, a.DSN)
		if err == nil {
			return now[factStarted] != d.facts[factStarted], nil
		}
		if time.Now().After(until) {
			return false, nil // it is down, so it has to be started whatever happened before
		}
		if !pause(ctx, 100*time.Millisecond) {
			return false, context.Cause(ctx)
		}
	}
}

// back looks whether the server is another one than before and does its work.
func (a *Restart) back(ctx context.Context, d *doing) error {
	now, err := identify(ctx, d, a.DSN)
	switch {
	case err != nil:
		return err
	case now[factStarted] == d.facts[factStarted]:
		return errors.New("the command succeeded, and PostgreSQL has the same start time as before: it was not restarted")
	case d.facts[factRecovery] == "true":
		d.say("restarted, and a replica as before")
		return nil
	}
	if _, err := query(ctx, d.run.vault, a.DSN, writeProbe); err != nil {
		return fmt.Errorf("restarted, and takes no writes yet: %w", err)
	}
	d.say("restarted, and takes writes")
	return nil
}

func (a *Restart) call(ctx context.Context, d *doing) error {
	p, err := a.program(d)
	if err != nil {
		return err
	}
	last := ""
	if err := p.run(ctx, d.run.vault, d.notePid, func(line string) { last = line; d.output(d.run.vault.Redact(line)) }); err != nil {
		return withTail(err, d.run.vault.Redact(last))
	}
	return nil
}

// program is what restarts the server.
func (a *Restart) program(d *doing) (*Program, error) {
	switch {
	case len(a.Command) > 0:
		return &Program{Command: a.Command}, nil
	case a.Cluster != "":
		version, name, _ := strings.Cut(a.Cluster, "/")
		return &Program{Command: []string{"pg_ctlcluster", version, name, "restart", "-m", "fast"}}, nil
	}
	pgCtl, err := find("pg_ctl")
	if err != nil {
		return nil, untouched{err}
	}
	log := a.Log
	if log == "" {
		log = os.DevNull
	}
	limit := fmt.Sprint(max(1, int(d.item.timeout().Seconds())))
	return &Program{Command: []string{pgCtl, "restart", "-s", "-w", "-m", "fast", "-t", limit, "-D", a.Data, "-l", log}}, nil
}

// find finds a program of PostgreSQL, which Debian keeps out of PATH; the newest version is taken.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", fmt.Errorf("%s is not in PATH: install the programs of PostgreSQL here, or give command", name)
	}
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) })
	return found[len(found)-1], nil
}

// Reload has PostgreSQL read its configuration again.
type Reload struct {
	Common
	DSN Secret `yaml:"dsn"`
}

func (a *Reload) refuse(c *checker, at string) { needDSN(c, a.DSN, at) }
func (a *Reload) does() string                 { return "reload the configuration of PostgreSQL" + at(a.DSN) }

func (a *Reload) do(ctx context.Context, d *doing) error {
	loaded := func() (string, error) {
		rows, err := query(ctx, d.run.vault, a.DSN, "SELECT pg_conf_load_time()::text")
		if err != nil {
			return "", err
		}
		return rows[0][0], nil
	}
	before, err := loaded()
	if err != nil {
		return err
	}
	if _, err := query(ctx, d.run.vault, a.DSN, "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	return until(ctx, func() error {
		now, err := loaded()
		if err == nil && now == before {
			err = errors.New("PostgreSQL has not read its configuration again")
		}
		return err
	})
}

// until asks again until there is no error or the time is over.
func until(ctx context.Context, is func() error) error {
	for {
		err := is()
		if err == nil {
			return nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// Checkpoint writes what is in memory to the disk, so that a restart that follows is short.
type Checkpoint struct {
	Common
	DSN Secret `yaml:"dsn"`
}

func (a *Checkpoint) refuse(c *checker, at string) { needDSN(c, a.DSN, at) }
func (a *Checkpoint) does() string                 { return "checkpoint" + at(a.DSN) }

func (a *Checkpoint) do(ctx context.Context, d *doing) error {
	_, err := query(ctx, d.run.vault, a.DSN, "CHECKPOINT")
	return err
}

// Promote makes a replica a primary.
type Promote struct {
	Common
	DSN Secret `yaml:"dsn"`
}

func (a *Promote) refuse(c *checker, at string) { needDSN(c, a.DSN, at) }
func (a *Promote) does() string                 { return "promote PostgreSQL" + at(a.DSN) }

// before journals the timeline, which a promotion raises.
func (a *Promote) before(ctx context.Context, d *doing) (map[string]string, error) {
	return identify(ctx, d, a.DSN)
}

func (a *Promote) do(ctx context.Context, d *doing) error {
	if d.facts[factRecovery] == "false" {
		return untouched{errors.New("it is a primary already, so that there is nothing to promote: look who the replica is")}
	}
	rows, err := query(ctx, d.run.vault, a.DSN, "SELECT pg_is_in_recovery()::text")
	if err != nil {
		return err
	}
	if rows[0][0] == "true" {
		if _, err := query(ctx, d.run.vault, a.DSN, "SELECT pg_promote(true, "+fmt.Sprint(int(d.item.timeout().Seconds()))+")"); err != nil {
			return err
		}
	}
	return until(ctx, func() error {
		_, err := query(ctx, d.run.vault, a.DSN, writeProbe)
		return err
	})
}

// Set changes a setting with ALTER SYSTEM, and reloads.
type Set struct {
	Common
	DSN     Secret `yaml:"dsn"`
	Setting string `yaml:"setting"`
	// Value is the new one; RESET takes the setting back to its default.
	Value string `yaml:"value"`
}

var settingName = regexp.MustCompile(`^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$`)

func (a *Set) refuse(c *checker, at string) {
	needDSN(c, a.DSN, at)
	c.need(a.Value == "", at+".value", "the new value, or RESET for the default")
	if !settingName.MatchString(a.Setting) {
		c.refuse(at+".setting", "must be the name of a setting such as work_mem, not %q", a.Setting)
	}
}
func (a *Set) does() string { return fmt.Sprintf("set %s = %s%s", a.Setting, a.Value, at(a.DSN)) }

func (a *Set) do(ctx context.Context, d *doing) error {
	statement := "ALTER SYSTEM SET " + a.Setting + " = '" + strings.ReplaceAll(a.Value, "'", "''") + "'"
	if a.Value == "RESET" {
		statement = "ALTER SYSTEM RESET " + a.Setting
	}
	if _, err := query(ctx, d.run.vault, a.DSN, statement); err != nil {
		return untouched{err}
	}
	if err := (&Reload{DSN: a.DSN}).do(ctx, d); err != nil {
		return err
	}
	rows, err := query(ctx, d.run.vault, a.DSN, "SELECT setting, pending_restart::text FROM pg_settings WHERE name = '"+a.Setting+"'")
	switch {
	case err != nil:
		return err
	case len(rows) > 0 && rows[0][1] == "true":
		d.say("in force after a restart")
	case len(rows) > 0:
		d.say("is " + rows[0][0])
	}
	return nil
}

// Vacuum vacuums tables, or all of a database.
type Vacuum struct {
	Common
	DSN    Secret   `yaml:"dsn"`
	Tables []string `yaml:"tables"`
	// Analyze renews the statistics too. LockTimeout is as with sql.
	Analyze     bool            `yaml:"analyze"`
	LockTimeout status.Duration `yaml:"lock_timeout"`
}

func (a *Vacuum) refuse(c *checker, at string) { needDSN(c, a.DSN, at) }
func (a *Vacuum) does() string {
	if len(a.Tables) == 0 {
		return "vacuum the database" + at(a.DSN)
	}
	return "vacuum " + strings.Join(a.Tables, ", ") + at(a.DSN)
}

func (a *Vacuum) do(ctx context.Context, d *doing) error {
	c, err := connect(ctx, d.run.vault, a.DSN)
	if err != nil {
		return err
	}
	defer bye(ctx, c)
	lock := time.Duration(orElse(a.LockTimeout, 2*time.Second)).Milliseconds()
	if _, err := runSQL(ctx, c, fmt.Sprintf("SET lock_timeout = %d", lock)); err != nil {
		return untouched{err}
	}
	statement := "VACUUM"
	if a.Analyze {
		statement += " (ANALYZE)"
	}
	tables := slices.Clone(a.Tables)
	if len(tables) == 0 {
		tables = []string{""}
	}
	for _, table := range tables {
		if _, err := runSQL(ctx, c, strings.TrimSpace(statement+" "+quoted(table))); err != nil {
			return hinted(err)
		}
	}
	return nil
}

// quoted writes a table's name, with its schema or without, so that it is nothing else.
func quoted(table string) string {
	if table == "" {
		return ""
	}
	parts := strings.Split(table, ".")
	for i, p := range parts {
		parts[i] = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

// merged are facts with others put over them.
func merged(under, over map[string]string) map[string]string {
	all := maps.Clone(under)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, over)
	return all
}
