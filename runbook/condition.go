package runbook

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Condition is something that holds or does not. It has one of these.
type Condition struct {
	SQL     *Query   `json:",omitempty" yaml:"sql"`
	HTTP    *Request `json:",omitempty" yaml:"http"`
	TCP     *Dial    `json:",omitempty" yaml:"tcp"`
	Command *Program `json:",omitempty" yaml:"command"`
	Disk    *Disk    `json:",omitempty" yaml:"free_disk"`
	Write   *Write   `json:",omitempty" yaml:"postgres.write_probe"`
	Lag     *Lag     `json:",omitempty" yaml:"postgres.replication_lag"`
	Long    *Long    `json:",omitempty" yaml:"postgres.long_transactions"`
	Locks   *Locks   `json:",omitempty" yaml:"postgres.locks"`
}

// probe is one kind of condition.
type probe interface {
	refuse(c *checker, at string)
	does() string
	// holds returns what was seen when the condition holds, and an error that says what was seen when not.
	holds(ctx context.Context, v *Vault) (saw string, err error)
}

// probe gives what is asked, and under which key it stands.
func (c *Condition) probe() (kind string, is probe, more int) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			continue
		}
		if is != nil {
			more++
			continue
		}
		kind, is = v.Type().Field(i).Tag.Get("yaml"), v.Field(i).Interface().(probe)
	}
	return kind, is, more
}

func conditions() string {
	var all []string
	for f := range reflect.TypeFor[Condition]().Fields() {
		all = append(all, f.Tag.Get("yaml"))
	}
	return strings.Join(all, ", ")
}

func (c *Condition) refuse(in *checker, at string) {
	kind, is, more := c.probe()
	switch {
	case is == nil:
		in.refuse(at, "says nothing to look at: give it one of %s", conditions())
	case more > 0:
		in.refuse(at, "looks at several things: give it one of %s, and make others a step of their own", conditions())
	default:
		is.refuse(in, at+"."+kind)
	}
}

func (c *Condition) does() string {
	_, is, _ := c.probe()
	return is.does()
}

func (c *Condition) holds(ctx context.Context, v *Vault) (saw string, err error) {
	_, is, _ := c.probe()
	return is.holds(ctx, v)
}

// do looks once.
func (a *Check) do(ctx context.Context, d *doing) error { return a.look(ctx, d) }

// do looks once.
func (a *Verify) do(ctx context.Context, d *doing) error { return a.look(ctx, d) }

// look fails when the condition does not hold. Looking changes nothing.
func (c *Condition) look(ctx context.Context, d *doing) error {
	saw, err := c.holds(ctx, d.run.vault)
	if err != nil {
		return untouched{err}
	}
	d.say(saw)
	return nil
}

func (a *Check) does() string  { return "check that " + a.Condition.does() }
func (a *Verify) does() string { return "verify that " + a.Condition.does() }
func (a *Wait) does() string   { return "wait until " + a.Condition.does() }
func (a *Wait) within() time.Duration {
	return time.Duration(cmp.Or(a.Within, status.Duration(time.Minute)))
}

// do looks until the condition holds, or the time is over.
func (a *Wait) do(ctx context.Context, d *doing) error {
	ctx, stop := context.WithTimeoutCause(ctx, a.within(), fmt.Errorf("not within %s", status.Duration(a.within())))
	defer stop()
	last := error(nil)
	for {
		saw, err := a.once(ctx, d.run.vault)
		if err == nil {
			d.say(saw)
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if !pause(ctx, time.Duration(cmp.Or(a.Every, status.Duration(500*time.Millisecond)))) {
			return untouched{fmt.Errorf("%w; at last: %w", context.Cause(ctx), last)}
		}
	}
}

// once looks once, and gives that a bounded part of the time.
func (a *Wait) once(ctx context.Context, v *Vault) (string, error) {
	ctx, stop := context.WithTimeout(ctx, min(a.within(), 10*time.Second))
	defer stop()
	return a.holds(ctx, v)
}

// pause lets time pass, and reports false when ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Query holds when a statement answers as expected: with Expect as the first value, or, without Expect, with a first value that is
// neither false nor 0 nor empty.
type Query struct {
	DSN    Secret `yaml:"dsn"`
	Query  Text   `yaml:"query"`
	Expect string `yaml:"expect"`
}

func (q *Query) refuse(c *checker, at string) {
	c.need(q.DSN.isZero(), at+".dsn", "where the database is, such as $APP_DSN")
}

func (q *Query) does() string {
	if q.Query == "" {
		return "the database answers"
	}
	return "“" + oneLine(string(q.Query)) + "” answers " + cmp.Or(q.Expect, "yes")
}

func (q *Query) holds(ctx context.Context, v *Vault) (string, error) {
	rows, err := query(ctx, v, q.DSN, cmp.Or(string(q.Query), "SELECT 1"))
	if err != nil {
		return "", err
	}
	got := "nothing"
	if len(rows) > 0 && len(rows[0]) > 0 {
		got = rows[0][0]
	}
	switch {
	case q.Expect != "" && got != q.Expect:
		return "", differs{fmt.Errorf("the query answers %s, and is to answer %s", got, q.Expect)}
	case q.Expect == "" && (got == "nothing" || got == "f" || got == "false" || got == "0" || got == ""):
		return "", differs{fmt.Errorf("the query answers %q, and is to answer something that is not false, 0 or empty", got)}
	}
	return "answers " + oneLine(got), nil
}

// Dial holds when a connection is accepted.
type Dial struct {
	Address string `yaml:"address"`
}

func (p *Dial) refuse(c *checker, at string) {
	if _, _, err := net.SplitHostPort(p.Address); err != nil {
		c.refuse(at+".address", "must be HOST:PORT, such as db1:5432, not %q", p.Address)
	}
}
func (p *Dial) does() string { return p.Address + " accepts connections" }

func (p *Dial) holds(ctx context.Context, _ *Vault) (string, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return "", err
	}
	_ = c.Close()
	return "accepts connections", nil
}

// Disk holds when a disk of this machine has room.
type Disk struct {
	Path    string `yaml:"path"`
	AtLeast Bytes  `yaml:"at_least"`
}

func (p *Disk) refuse(c *checker, at string) {
	c.need(p.Path == "", at+".path", "a folder on the disk, on the machine where the runner is")
	c.need(p.AtLeast == 0, at+".at_least", "how much is to be free, such as 10GiB")
}
func (p *Disk) does() string { return fmt.Sprintf("%s has %s free", p.Path, p.AtLeast) }

func (p *Disk) holds(context.Context, *Vault) (string, error) {
	free, err := freeBytes(p.Path)
	if err != nil {
		return "", fmt.Errorf("look at the disk of %s: %w", p.Path, err)
	}
	if free < p.AtLeast {
		return "", fmt.Errorf("%s has %s free, and is to have %s", p.Path, free, p.AtLeast)
	}
	return free.String() + " free", nil
}

// Bytes is a size, written with a unit such as 500MiB or 10GB.
type Bytes int64

var units = []struct {
	name string
	size Bytes
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// UnmarshalText reads a number with a unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(string(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n < 0 || n > 1e9 {
			break
		}
		*b = Bytes(n * float64(u.size))
		return nil
	}
	return &status.Invalid{Rule: fmt.Sprintf("must be a size with its unit, such as 500MiB or 10GB, not %q", text)}
}

// String writes it in the largest unit that leaves a number of at least 1.
func (b Bytes) String() string {
	for _, u := range units[:4] {
		if b >= u.size {
			return strconv.FormatFloat(float64(b*10/u.size)/10, 'f', -1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + " B"
}
