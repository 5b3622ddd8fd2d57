package spool

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// rig is a spool with one flow, under test.
type rig struct {
	*Spool
	t       *testing.T
	config  Config
	courier *scripted
	slack   int64 // of sweeps; 0 is the spool's own
	stop    func()
}

// rigged makes a spool of a journal and lets it run until the test ends, or stop. change may be nil.
func rigged(t *testing.T, journal Journal, change func(*Config, *Flow)) *rig {
	t.Helper()
	return (&rig{t: t, courier: &scripted{}}).rigged(journal, change)
}

func (r *rig) rigged(journal Journal, change func(*Config, *Flow)) *rig {
	r.t.Helper()
	f := Flow{Courier: r.courier, From: 1000}
	r.config = Config{Journal: journal, Index: filepath.Join(r.t.TempDir(), "index")}
	if change != nil {
		change(&r.config, &f)
	}
	r.config.Flows = map[string]Flow{"in": f}
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	r.open()
	r.run()
}

func (r *rig) open() {
	r.t.Helper()
	s, err := Open(r.t.Context(), r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.slack > 0 {
		s.sweep.slack = r.slack
	}
	r.Spool = s
}

func (r *rig) run() {
	s := r.Spool
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(r.stop)
}

func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

func (r *rig) accept(e Entry) string {
	r.t.Helper()
	e.Flow = "in"
	receipt, err := r.Accept(r.t.Context(), e)
	if err != nil || receipt.Known {
		r.t.Fatalf("accept %+v: got %+v, %v", e, receipt, err)
	}
	return receipt.ID
}

func (r *rig) item(id string) Item {
	r.t.Helper()
	i, err := r.Item(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

// stands fails the test unless an entry is in a state.
func (r *rig) stands(id string, want State) {
	r.t.Helper()
	if i := r.item(id); i.State != want {
		r.t.Errorf("%s: got %s, %q, want %s", i.About, i.State, i.Reason, want)
	}
}

func (r *rig) figures() Figures { return r.Figures()["in"] }

// call is one call of a courier.
type call struct {
	Entry
	at time.Time
}

// scripted is a courier that does what a test says, and takes everything unless it says something.
type scripted struct {
	mu    sync.Mutex
	calls []call
	does  func(ctx context.Context, e Entry) Outcome
}

func (c *scripted) do(does func(ctx context.Context, e Entry) Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.does = does
}

// say has the courier always say the same.
func (c *scripted) say(o Outcome) {
	c.do(func(context.Context, Entry) Outcome { return o })
}

func (c *scripted) Deliver(ctx context.Context, e Entry) Outcome {
	c.mu.Lock()
	c.calls = append(c.calls, call{e, time.Now()})
	does := c.does
	c.mu.Unlock()
	if does == nil {
		return Outcome{Result: Taken}
	}
	return does(ctx, e)
}

// seen are the calls until now.
func (c *scripted) seen() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]call(nil), c.calls...)
}
