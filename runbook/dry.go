package runbook

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"example.org/interlude/status"
)

// Finding is something that a dry run saw.
type Finding struct {
	// Step is the number of the step that it is about.
	Step string `json:"step"`
	Text string `json:"text"`
	// Bad findings would keep the run from its end.
	Bad bool `json:"bad"`
}

// dry is a dry run: it looks, and changes nothing.
type dry struct {
	vault    *Vault
	findings []Finding
	item     *Item
	seen     map[string]bool
}

// Dry looks whether the runbook could be carried out: whether secrets are there, databases and poolers answer, programs are found,
// the checks hold, and the poolers let their clients wait as long as an interruption may last. It changes nothing.
func (b *Book) Dry(ctx context.Context, env func(string) string) []Finding {
	p := b.Plan()
	d := &dry{vault: &Vault{Env: env}, seen: map[string]bool{}}
	for _, it := range p.Checks {
		d.item = it
		saw, err := it.act.(*Check).holds(ctx, d.vault)
		d.found(saw, err)
	}
	walkAll(p.Steps, func(it *Item) {
		d.item = it
		limited, stop := context.WithTimeout(ctx, 15*time.Second)
		defer stop()
		d.step(limited, it.act)
	})
	for i, f := range d.findings {
		d.findings[i].Text = d.vault.Redact(f.Text)
	}
	return d.findings
}

// found notes what was seen, or why not.
func (d *dry) found(saw string, err error) {
	if err != nil {
		d.findings = append(d.findings, Finding{d.item.Number, err.Error(), true})
		return
	}
	d.findings = append(d.findings, Finding{d.item.Number, saw, false})
}

// step looks at what a step needs.
func (d *dry) step(ctx context.Context, do act) {
	switch do := do.(type) {
	case *Pause:
		d.poolers(ctx, &do.Poolers)
		if !do.DSN.isZero() {
			long := Long{DSN: do.DSN, AtMost: orElse(do.LongTransactions, 5*time.Second)}
			saw, err := long.holds(ctx, d.vault)
			d.found(saw, err)
		}
	case *Kill:
		d.poolers(ctx, &do.Poolers)
	case *Resume:
		d.poolers(ctx, &do.Poolers)
	case *Reconnect:
		d.poolers(ctx, &do.Poolers)
	case *Restart:
		d.database(ctx, do.DSN)
		if p, err := do.program(&doing{item: d.item}); err != nil {
			d.found("", err)
		} else {
			d.program(p)
		}
		if do.Data != "" {
			d.file(filepath.Join(do.Data, "PG_VERSION"))
		}
	case *Promote:
		d.database(ctx, do.DSN)
	case *Reload:
		d.database(ctx, do.DSN)
	case *Checkpoint:
		d.database(ctx, do.DSN)
	case *Set:
		d.database(ctx, do.DSN)
	case *Vacuum:
		d.database(ctx, do.DSN)
	case *SQL:
		d.database(ctx, do.DSN)
		if do.File != "" {
			d.file(do.File)
		}
	case *Run:
		d.program(&do.Program)
		for _, secret := range do.Env {
			d.secret(ctx, secret)
		}
	case *HTTP:
		d.host(ctx, do.URL)
	case *Check:
		d.condition(ctx, &do.Condition)
	case *Verify:
		d.condition(ctx, &do.Condition)
	case *Wait:
		d.condition(ctx, &do.Condition)
	}
}

// condition looks whether a condition can be asked; whether it holds now says nothing about then.
func (d *dry) condition(ctx context.Context, c *Condition) {
	switch {
	case c.SQL != nil:
		d.database(ctx, c.SQL.DSN)
	case c.Write != nil:
		d.database(ctx, c.Write.DSN)
	case c.Lag != nil:
		d.database(ctx, c.Lag.DSN)
	case c.Long != nil:
		d.database(ctx, c.Long.DSN)
	case c.Locks != nil:
		d.database(ctx, c.Locks.DSN)
	case c.HTTP != nil:
		d.host(ctx, c.HTTP.URL)
	case c.Command != nil:
		d.program(c.Command)
	}
}

// once reports whether something has not been looked at yet for another step.
func (d *dry) once(what string) bool {
	if d.seen[what] {
		return false
	}
	d.seen[what] = true
	return true
}

func (d *dry) database(ctx context.Context, dsn Secret) {
	if !d.once(fmt.Sprint("database ", dsn)) {
		return
	}
	rows, err := query(ctx, d.vault, dsn, "SHOW server_version")
	if err != nil {
		d.found("", err)
		return
	}
	d.found(fmt.Sprintf("PostgreSQL %s answers at %s", rows[0][0], dsn), nil)
}

func (d *dry) secret(ctx context.Context, s Secret) {
	if _, err := d.vault.Resolve(ctx, s); err != nil {
		d.found("", err)
	}
}

func (d *dry) program(p *Program) {
	if !d.once("program " + p.Command[0]) {
		return
	}
	path, err := exec.LookPath(p.Command[0])
	d.found("finds "+path, err)
	if p.Dir != "" {
		d.file(p.Dir)
	}
}

func (d *dry) file(name string) {
	if !d.once("file " + name) {
		return
	}
	_, err := os.Stat(name)
	d.found("finds "+name, err)
}

// host looks whether somebody listens where a request would go. The request itself is not made.
func (d *dry) host(ctx context.Context, address Secret) {
	text, err := d.vault.Resolve(ctx, address)
	if err != nil {
		d.found("", err)
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		d.found("", fmt.Errorf("%s is no address", address))
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	saw, err := (&Dial{Address: net.JoinHostPort(u.Hostname(), port)}).holds(ctx, d.vault)
	d.found(address.String()+" "+saw, err)
}

// poolers looks at PgBouncers: whether they have the database, and let clients wait as long as the interruption may last.
func (d *dry) poolers(ctx context.Context, p *Poolers) {
	if !d.once(fmt.Sprint("pooler ", p.Admin, p.Database)) {
		return
	}
	all, err := p.resolve(ctx, d.vault)
	if err != nil {
		d.found("", err)
		return
	}
	var bound time.Duration
	if block := d.item.interruption(); block != nil {
		bound = time.Duration(block.AtMost)
	}
	for _, pooler := range all {
		paused, err := pooler.paused(ctx)
		switch {
		case err != nil:
			d.found("", err)
			continue
		case paused:
			d.found("", fmt.Errorf("%s: %s is paused already, by somebody else", pooler.Name, p.Database))
		default:
			d.found(pooler.Name+" answers, and has "+p.Database, nil)
		}
		d.waits(ctx, pooler, bound)
		d.room(ctx, pooler)
	}
}

// waits compares the pooler's query_wait_timeout with the bound: clients that wait for longer are thrown out.
func (d *dry) waits(ctx context.Context, p Pooler, bound time.Duration) {
	text, err := p.setting(ctx, "query_wait_timeout")
	if err != nil {
		d.found("", err)
		return
	}
	limit := seconds(text)
	switch {
	case limit > 0 && limit <= bound:
		d.found("", fmt.Errorf("%s throws clients out that wait for %s (query_wait_timeout), and the interruption may last %s: raise it, or lower at_most",
			p.Name, status.Duration(limit), status.Duration(bound)))
	default:
		d.found(fmt.Sprintf("%s lets clients wait for %s", p.Name, status.Duration(limit)), nil)
	}
}

// crowded is the part of the pooler's places for clients from which on there may be too few: clients that wait do not leave theirs.
const crowded = 0.8

// room compares the pooler's clients with its limit.
func (d *dry) room(ctx context.Context, p Pooler) {
	text, err := p.setting(ctx, "max_client_conn")
	if err != nil {
		d.found("", err)
		return
	}
	most, _ := strconv.Atoi(text)
	rows, _, err := p.ask(ctx, "SHOW CLIENTS")
	if err != nil {
		d.found("", err)
		return
	}
	if most > 0 && float64(len(rows)) > crowded*float64(most) {
		d.found("", fmt.Errorf("%s has %d clients and takes %d (max_client_conn): those that come while it is paused would be refused", p.Name, len(rows), most))
		return
	}
	d.found(fmt.Sprintf("%s has %d clients and takes %d", p.Name, len(rows), most), nil)
}
