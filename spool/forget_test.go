package spool

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sweeping makes a spool that carries forward whenever more than half of the journal is not needed.
func sweeping(t *testing.T, journal Journal) *rig {
	t.Helper()
	return (&rig{t: t, courier: &scripted{}, slack: 1}).rigged(journal, nil)
}

func TestTheJournalForgetsWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := NewMemory()
		r := sweeping(t, journal)
		defer r.stop()
		first := r.accept(Entry{About: "first", Due: time.Now().Add(10 * 24 * time.Hour), Body: []byte("the first")})
		shelved := r.accept(Entry{About: "shelved", Lane: "l", Body: []byte("the second")})
		r.courier.do(func(_ context.Context, e Entry) Outcome {
			if e.About == "shelved" {
				return Outcome{Result: Refused, Reason: "never"}
			}
			return Outcome{Result: Taken}
		})
		r.Release("in")
		for i := range 1000 {
			r.accept(Entry{Key: fmt.Sprint(i), Body: make([]byte, 1000)})
		}
		settle(time.Minute)
		if u := journal.Usage(); u.Bytes > 400_000 || u.First < 1000 {
			t.Errorf("got %+v, want little more than 1000 keys", u)
		}
		for _, lost := range []bool{false, true} {
			r.stop()
			if lost {
				r.config.Index += "2"
			}
			r.start()
			r.stands(shelved, Shelved)
			for id, want := range map[string]string{first: "the first", shelved: "the second"} {
				if e, err := r.Entry(t.Context(), id); err != nil || string(e.Body) != want {
					t.Errorf("got %q, %v, want %q", e.Body, err, want)
				}
			}
			if receipt, err := r.Accept(t.Context(), Entry{Flow: "in", Key: "7"}); err != nil || !receipt.Known {
				t.Errorf("index lost %t: got %+v, %v, want the key to be known", lost, receipt, err)
			}
		}
		settle(4 * 24 * time.Hour)
		if receipt, err := r.Accept(t.Context(), Entry{Flow: "in", Key: "7"}); err != nil || receipt.Known {
			t.Errorf("got %+v, %v, want the key to be forgotten after three days", receipt, err)
		}
		if n, err := r.Items(t.Context(), Filter{Most: 1000}); err != nil || len(n) != 3 {
			t.Errorf("got %d, %v, want only what is left", len(n), err)
		}
		r.Release("in")
		settle(7 * 24 * time.Hour)
		r.stands(first, Delivered)
	})
}

// failing is a journal that fails on demand.
type failing struct {
	Journal
	append, read, forget atomic.Bool
}

var errFailing = errors.New("out of order")

func (f *failing) Append(ctx context.Context, records [][]byte) ([]Position, error) {
	if f.append.Load() {
		return nil, errFailing
	}
	return f.Journal.Append(ctx, records)
}

func (f *failing) Read(ctx context.Context, at Position) ([]byte, error) {
	if f.read.Load() {
		return nil, errFailing
	}
	return f.Journal.Read(ctx, at)
}

func (f *failing) Forget(ctx context.Context, before Position) error {
	if f.forget.Load() {
		return errFailing
	}
	return f.Journal.Forget(ctx, before)
}

func TestClearingThatFailsIsDoneLater(t *testing.T) {
	for name, fail := range map[string]func(j *failing, r *rig, on bool){
		"the journal is not read":      func(j *failing, _ *rig, on bool) { j.read.Store(on) },
		"the journal is not written":   func(j *failing, _ *rig, on bool) { j.append.Store(on) },
		"the journal does not forget":  func(j *failing, _ *rig, on bool) { j.forget.Store(on) },
		"the index cannot be written":  func(_ *failing, r *rig, on bool) { queryOnly(r, on) },
		"it stops and is opened again": func(_ *failing, r *rig, _ bool) { r.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal := &failing{Journal: NewMemory()}
				r := sweeping(t, journal)
				defer func() { r.stop() }()
				id := r.accept(Entry{Due: time.Now().Add(time.Hour), Body: []byte("kept")})
				r.Release("in")
				for range 10 {
					r.accept(Entry{Body: make([]byte, 1000)})
				}
				settle(time.Second)
				fail(journal, r, true)
				settle(time.Minute)
				fail(journal, r, false)
				r.Release("in")
				settle(time.Minute)
				if u := journal.Usage(); u.Bytes > 1000 || u.First == 1 {
					t.Errorf("got %+v, want little", u)
				}
				if e, err := r.Entry(t.Context(), id); err != nil || string(e.Body) != "kept" {
					t.Errorf("got %q, %v", e.Body, err)
				}
				settle(time.Hour)
				r.stands(id, Delivered)
				if n := len(r.courier.seen()); n != 11 {
					t.Errorf("got %d deliveries, want each once", n)
				}
			})
		})
	}
}

// queryOnly makes the index fail at each write.
func queryOnly(r *rig, on bool) {
	if _, err := r.index.write.ExecContext(r.t.Context(), fmt.Sprintf("PRAGMA query_only = %t", on)); err != nil {
		r.t.Fatal(err)
	}
}

func TestKeysAndLanesMayBeAnyBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		for _, odd := range []string{"a\x00b", "a\x00c", "\xff", "\xfe", "'; DROP TABLE entries; --", "a"} {
			r.accept(Entry{Key: odd, Lane: odd, About: odd})
			if receipt, err := r.Accept(t.Context(), Entry{Flow: "in", Key: odd}); err != nil || !receipt.Known {
				t.Errorf("%q: got %+v, %v, want it known", odd, receipt, err)
			}
			if !r.Busy("in", odd) {
				t.Errorf("%q: its lane is not busy", odd)
			}
		}
	})
}
