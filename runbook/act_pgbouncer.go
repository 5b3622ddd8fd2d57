package runbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"example.org/interlude/status"
)

// Poolers are PgBouncers, by the addresses of their administration, such as postgres://admin@pooler:6432/pgbouncer. Several are
// treated as one: all or none.
type Poolers struct {
	Admin    []Secret `yaml:"admin"`
	Database string   `yaml:"database"`
}

func (p *Poolers) refuse(c *checker, at string) {
	c.need(len(p.Admin) == 0, at+".admin", "the address of the pooler's administration, such as $PGBOUNCER_ADMIN, or a list of several")
	c.need(p.Database == "", at+".database", "the database as the pooler calls it")
	if strings.ContainsAny(p.Database, "\"'; \\") {
		c.refuse(at+".database", "must be a name without quotes and spaces, not %q", p.Database)
	}
}

func (p *Poolers) words() string {
	if len(p.Admin) == 1 {
		return p.Database + " at " + p.Admin[0].String()
	}
	return fmt.Sprintf("%s at %d poolers", p.Database, len(p.Admin))
}

// Pause has the poolers finish what is under way and hold what comes. PgBouncer has no bound for it, so the step's timeout is: when
// it passes, the connection that asked is closed and every pooler is resumed.
type Pause struct {
	Common
	Poolers
	// DSN leads to the database itself. With it, transactions older than LongTransactions (5 s without it) are looked for first,
	// because the pause would wait for them.
	DSN              Secret          `yaml:"dsn"`
	LongTransactions status.Duration `yaml:"long_transactions"`
}

// Kill cuts all connections to the database at once and holds what comes. What is under way fails.
type Kill struct {
	Common
	Poolers
}

// Resume lets go what a pause holds. Resuming what is not paused is success.
type Resume struct {
	Common
	Poolers
}

// Reconnect has the poolers replace their connections to the database, each when it is free.
type Reconnect struct {
	Common
	Poolers
}

func (a *Pause) does() string     { return "pause " + a.words() }
func (a *Kill) does() string      { return "cut " + a.words() }
func (a *Resume) does() string    { return "resume " + a.words() }
func (a *Reconnect) does() string { return "reconnect " + a.words() }

// Pooler is one PgBouncer with its address resolved.
type Pooler struct {
	// Address is that of its administration, and Name what it is called where people see it.
	Address  string `json:"address"`
	Name     string `json:"name"`
	Database string `json:"database"`
}

// resolve gives the poolers with their addresses.
func (p *Poolers) resolve(ctx context.Context, v *Vault) ([]Pooler, error) {
	all := make([]Pooler, len(p.Admin))
	for i, secret := range p.Admin {
		address, err := v.Resolve(ctx, secret)
		if err != nil {
			return nil, untouched{err}
		}
		all[i] = Pooler{Address: address, Name: secret.String(), Database: p.Database}
	}
	return all, nil
}

func (a *Pause) do(ctx context.Context, d *doing) error {
	if !a.DSN.isZero() && !d.anew { // a runner that died in the pause may have left the database in the middle of its restart
		long := Long{DSN: a.DSN, AtMost: orElse(a.LongTransactions, 5*time.Second)}
		if _, err := long.holds(ctx, d.run.vault); err != nil {
			return untouched{fmt.Errorf("not paused, because that would wait: %w", err)}
		}
	}
	return hold(ctx, d, &a.Poolers, "PAUSE")
}

func (a *Kill) do(ctx context.Context, d *doing) error { return hold(ctx, d, &a.Poolers, "KILL") }

// hold pauses all poolers, or none. The dead-man is armed first.
func hold(ctx context.Context, d *doing, p *Poolers, command string) error {
	poolers, err := p.resolve(ctx, d.run.vault)
	if err != nil {
		return err
	}
	if err := d.run.guard.hold(ctx, poolers); err != nil {
		return untouched{fmt.Errorf("not paused, because nobody would resume if this process died: %w", err)}
	}
	asked := make([]bool, len(poolers))
	err = each(poolers, func(i int, p Pooler) (err error) {
		asked[i], err = p.pause(ctx, command)
		return err
	})
	if err == nil {
		return nil
	}
	// Those that did pause must not stay so, and the request of one that did not may be pending.
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), letGo)
	defer stop()
	resumed := each(poolers, func(i int, p Pooler) error {
		if !asked[i] {
			return nil
		}
		if err := p.resume(bounded); !errors.Is(err, errNoDatabase) {
			return err
		}
		return nil // there is nothing that could be paused
	})
	if resumed != nil {
		return fmt.Errorf("%w; and resuming: %w", err, resumed)
	}
	if err := d.run.guard.release(bounded, poolers); err != nil {
		d.warn(err.Error())
	}
	return untouched{fmt.Errorf("%w; every pooler was resumed", err)}
}

// letGo is how long resuming may take before the dead-man is left to it.
const letGo = 20 * time.Second

func (a *Resume) do(ctx context.Context, d *doing) error {
	poolers, err := a.resolve(ctx, d.run.vault)
	if err != nil {
		return err
	}
	if err := each(poolers, func(_ int, p Pooler) error { return p.resume(ctx) }); err != nil {
		return err
	}
	return d.run.guard.release(ctx, poolers)
}

func (a *Reconnect) do(ctx context.Context, d *doing) error {
	poolers, err := a.resolve(ctx, d.run.vault)
	if err != nil {
		return err
	}
	return each(poolers, func(_ int, p Pooler) error {
		_, _, err := p.ask(ctx, "RECONNECT "+p.Database)
		return err
	})
}

// errNoDatabase says that a pooler does not know a database.
var errNoDatabase = errors.New("the pooler has no database")

// each does something to all poolers at the same time.
func each(poolers []Pooler, do func(int, Pooler) error) error {
	errs := make([]error, len(poolers))
	var all sync.WaitGroup
	for i, p := range poolers {
		all.Go(func() { errs[i] = do(i, p) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// ask says one command on a connection of its own. When ctx ends before the answer, that connection is closed at once, so that
// nothing stays pending.
func (p Pooler) ask(ctx context.Context, command string) (rows [][]string, columns []string, err error) {
	c, err := dial(ctx, p.Address, p.Name)
	if err != nil {
		return nil, nil, err
	}
	defer bye(ctx, c)
	cut := context.AfterFunc(ctx, func() { _ = c.Conn().Close() })
	defer cut()
	rows, columns, err = runSQLNamed(ctx, c, command)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %s: %w", p.Name, command, err)
	}
	return rows, columns, nil
}

// pause pauses and looks whether it is. asked is false when the pooler cannot have heard of it.
func (p Pooler) pause(ctx context.Context, command string) (asked bool, err error) {
	_, _, err = p.ask(ctx, command+" "+p.Database)
	if _, unheard := err.(untouched); unheard { //nolint:errorlint // only the error itself says so
		return false, err
	}
	if err != nil && !saysAlready(err) {
		return true, err
	}
	paused, err := p.paused(ctx)
	if err == nil && !paused {
		err = fmt.Errorf("%s: %s is not paused after %s", p.Name, p.Database, command)
	}
	return true, err
}

// resume resumes and looks whether it is. It asks again while the pooler does not answer, until ctx ends.
func (p Pooler) resume(ctx context.Context) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		_, _, err := p.ask(ctx, "RESUME "+p.Database)
		if err == nil || saysNotPaused(err) {
			var paused bool
			if paused, err = p.paused(ctx); err == nil && !paused {
				return nil
			}
			if err == nil {
				err = fmt.Errorf("%s: %s is still paused after RESUME", p.Name, p.Database)
			}
		} else if saying(err, "no such database") {
			return fmt.Errorf("%s: %w %s", p.Name, errNoDatabase, p.Database)
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// paused reports whether the database is held by the pooler.
func (p Pooler) paused(ctx context.Context) (bool, error) {
	rows, columns, err := p.ask(ctx, "SHOW DATABASES")
	if err != nil {
		return false, err
	}
	name, state := slices.Index(columns, "name"), slices.Index(columns, "paused")
	if name < 0 || state < 0 {
		return false, fmt.Errorf("%s does not say whether it is paused: is it a PgBouncer?", p.Name)
	}
	for _, row := range rows {
		if row[name] == p.Database {
			return row[state] == "1", nil
		}
	}
	return false, fmt.Errorf("%s: %w %s", p.Name, errNoDatabase, p.Database)
}

// setting is a value of the pooler's configuration.
func (p Pooler) setting(ctx context.Context, name string) (string, error) {
	rows, _, err := p.ask(ctx, "SHOW CONFIG")
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if len(row) > 1 && row[0] == name {
			return row[1], nil
		}
	}
	return "", fmt.Errorf("%s does not say its %s", p.Name, name)
}

func saysNotPaused(err error) bool { return saying(err, "is not paused") }
func saysAlready(err error) bool   { return saying(err, "already") }

// saying reports whether the pooler refused with these words.
func saying(err error, words string) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && strings.Contains(said.Message, words)
}
