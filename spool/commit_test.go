package spool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a journal in memory that a test watches.
type watched struct {
	Journal
	appends  atomic.Int64
	appended atomic.Int64 // records that are durable
	// before is called before each Append; an error of it is that of the Append.
	before func(records [][]byte) error
}

func (w *watched) Append(ctx context.Context, records [][]byte) ([]Position, error) {
	w.appends.Add(1)
	if w.before != nil {
		if err := w.before(records); err != nil {
			return nil, err
		}
	}
	at, err := w.Journal.Append(ctx, records)
	w.appended.Add(int64(len(records)))
	return at, err
}

func TestAcceptedMeansThatTheJournalHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		durable := make(chan struct{})
		journal := &watched{Journal: NewMemory(), before: func([][]byte) error { <-durable; return nil }}
		r := rigged(t, journal, nil)
		defer r.stop()
		accepted := make(chan string, 1)
		go func() { accepted <- r.accept(Entry{}) }()
		settle(time.Hour)
		if len(accepted) != 0 {
			t.Error("it was accepted before the journal had it")
		}
		close(durable)
		r.stands(<-accepted, Waiting)
		if journal.appended.Load() != 1 {
			t.Errorf("got %d records, want 1", journal.appended.Load())
		}
	})
}

func TestManyShareOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 500
		journal := &watched{Journal: NewMemory(), before: func([][]byte) error { <-time.After(10 * time.Millisecond); return nil }}
		r := rigged(t, journal, func(_ *Config, f *Flow) { f.From, f.InFlight = 1_000_000, 50 })
		defer r.stop()
		var all sync.WaitGroup
		for range many {
			all.Go(func() { r.accept(Entry{}) })
		}
		all.Wait()
		if n := journal.appends.Load(); n > 5 {
			t.Errorf("%d entries took %d writes, want a few", many, n)
		}
		journal.appends.Store(0)
		r.Release("in")
		settle(time.Minute)
		if n := journal.appends.Load(); n > many/10 || r.figures().Taken != many {
			t.Errorf("handing over %d of %d took %d writes, want far fewer", r.figures().Taken, many, n)
		}
	})
}

func TestNothingCountsWhenTheJournalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		cause := errors.New("the disk is on fire")
		journal := &watched{Journal: NewMemory(), before: func([][]byte) error {
			if broken.Load() {
				return cause
			}
			return nil
		}}
		r := rigged(t, journal, nil)
		defer r.stop()
		id := r.accept(Entry{})
		broken.Store(true)
		for range 2 {
			if _, err := r.Accept(t.Context(), Entry{Flow: "in", Key: "k"}); !errors.Is(err, cause) || !errors.Is(err, ErrClosed) {
				t.Errorf("got %v, want %v", err, cause)
			}
		}
		r.Release("in")
		settle(time.Minute)
		if n := r.figures(); n.Waiting != 1 || n.Accepted != 1 || n.Taken != 0 || len(r.courier.seen()) != 1 {
			t.Errorf("got %+v and %d deliveries, want one that was handed over once, and is not taken before that is written", n, len(r.courier.seen()))
		}
		broken.Store(false)
		settle(time.Minute)
		r.stands(id, Delivered)
		if _, err := r.Accept(t.Context(), Entry{Flow: "in", Key: "k"}); err != nil {
			t.Errorf("got %v, want it to be accepted now", err)
		}
		settle(time.Second)
		if n := len(r.courier.seen()); n != 2 {
			t.Errorf("got %d deliveries, want 2", n)
		}
	})
}

func TestAnIndexThatCannotBeWrittenCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		full := func(pages int64) {
			if _, err := r.index.write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
				t.Fatal(err)
			}
		}
		first := r.accept(Entry{})
		full(1)
		about := strings.Repeat("x", 100_000)
		second := r.accept(Entry{About: about}) // the journal has it
		if _, err := r.Accept(t.Context(), Entry{Flow: "in"}); !errors.Is(err, ErrFull) {
			t.Errorf("got %v, want %v until the index is complete", err, ErrFull)
		}
		if !r.Behind("in") || !r.Busy("in", "a") {
			t.Error("nobody knows what waits, and still newcomers may pass")
		}
		r.Release("in")
		settle(time.Minute)
		if n := len(r.courier.seen()); n != 0 {
			t.Errorf("got %d deliveries, want none: what became of them could not be recorded", n)
		}
		full(1 << 30)
		settle(time.Minute)
		r.stands(first, Delivered)
		r.stands(second, Delivered)
		r.accept(Entry{})
	})
}

func TestNoDeliveryBeginsWhileTheIndexIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 200
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) { f.From, f.InFlight = 100_000, 8 })
		defer r.stop()
		for i := range many {
			r.accept(Entry{Lane: fmt.Sprint(i)})
		}
		r.courier.do(func(context.Context, Entry) Outcome { <-time.After(time.Second); return Outcome{Result: Taken} })
		r.Release("in")
		settle(100 * time.Millisecond)
		if _, err := r.index.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
			t.Fatal(err)
		}
		r.accept(Entry{About: strings.Repeat("x", 100_000)})
		settle(time.Minute)
		if n := len(r.courier.seen()); n != 8 {
			t.Errorf("got %d deliveries, want no more than the 8 that were under way", n)
		}
		if _, err := r.index.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if n := r.figures(); n.Taken != many+1 || len(r.courier.seen()) != many+1 {
			t.Errorf("got %+v and %d deliveries, want each taken once", n, len(r.courier.seen()))
		}
	})
}

func TestAnIndexThatIsBehindAtTheEndIsCompletedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		first := r.accept(Entry{})
		done := make(chan struct{})
		r.courier.do(func(context.Context, Entry) Outcome { <-done; return Outcome{Result: Taken} })
		r.Release("in")
		settle(time.Second)
		if _, err := r.index.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
			t.Fatal(err)
		}
		second := r.accept(Entry{About: strings.Repeat("x", 100_000)})
		close(done)
		settle(time.Minute)
		r.restart()
		defer r.stop()
		r.stands(first, Delivered)
		r.stands(second, Waiting)
		if n := r.figures(); n.Waiting != 1 || n.Bytes != 0 {
			t.Errorf("got %+v, want one that waits", n)
		}
	})
}

func TestTheLimitsAreKept(t *testing.T) {
	free := int64(1 << 30)
	for name, c := range map[string]struct {
		limits Limits
		bring  Entry
		want   error
	}{
		"entries": {Limits{Entries: 2}, Entry{}, ErrFull},
		"bytes":   {Limits{Bytes: 250}, Entry{Body: make([]byte, 100)}, ErrFull},
		"one":     {Limits{Entry: 99}, Entry{Head: make([]byte, 50), Body: make([]byte, 50)}, ErrTooLarge},
		"disk":    {Limits{Spare: free}, Entry{Body: make([]byte, 1)}, ErrFull},
	} {
		t.Run(name, func(t *testing.T) {
			r := rigged(t, NewMemory(), func(c2 *Config, _ *Flow) {
				c2.Limits, c2.Free = c.limits, func() (int64, error) { return free, nil }
			})
			defer r.stop()
			if name != "one" && name != "disk" {
				for i := range 2 {
					r.accept(Entry{Key: fmt.Sprint(i), Body: c.bring.Body})
				}
			}
			c.bring.Flow = "in"
			if _, err := r.Accept(t.Context(), c.bring); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if errors.Is(c.want, ErrFull) && r.figures().Full != 1 {
				t.Errorf("got %d counted as full, want 1", r.figures().Full)
			}
			if name == "entries" {
				c.bring.Key = "1"
				if receipt, err := r.Accept(t.Context(), c.bring); err != nil || !receipt.Known {
					t.Errorf("got %+v, %v, want what is known to be known although it is full", receipt, err)
				}
			}
		})
	}
}

func TestTooMuchAtOnceIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		durable := make(chan struct{})
		journal := &watched{Journal: NewMemory(), before: func([][]byte) error { <-durable; return nil }}
		r := rigged(t, journal, func(c *Config, _ *Flow) { c.Limits.Memory = 20_000 })
		defer r.stop()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { r.accept(Entry{Body: make([]byte, 2000)}) })
		}
		synctest.Wait()
		if _, err := r.Accept(t.Context(), Entry{Flow: "in", Body: make([]byte, 3000)}); !errors.Is(err, ErrFull) {
			t.Errorf("got %v, want %v", err, ErrFull)
		}
		close(durable)
		all.Wait()
		r.accept(Entry{Body: make([]byte, 15_000)}) // alone it may take all
		r.Release("in")
		settle(time.Minute)
		if n := r.figures(); n.Taken != 4 {
			t.Errorf("got %+v, want all to be taken one after another", n)
		}
	})
}

func TestWhoeverGivesUpIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		durable := make(chan struct{})
		r := rigged(t, &watched{Journal: NewMemory(), before: func([][]byte) error { <-durable; return nil }}, nil)
		defer r.stop()
		var all sync.WaitGroup
		for range 2 { // one that is being written, and one behind it
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			all.Go(func() {
				if _, err := r.Accept(ctx, Entry{Flow: "in"}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		close(durable)
		synctest.Wait()
		if n := r.figures(); n.Waiting != 1 {
			t.Errorf("got %d, want the one that was being written already", n.Waiting)
		}
		if _, err := r.Accept(t.Context(), Entry{Flow: "out"}); !errors.Is(err, ErrUnknownFlow) {
			t.Errorf("got %v, want %v", err, ErrUnknownFlow)
		}
	})
}
