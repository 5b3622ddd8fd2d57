package spool

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// settle lets time pass until all is quiet.
func settle(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestNothingIsHandedOverBeforeItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		r.Release("in")
		due := time.Now().Add(3 * time.Hour)
		later := r.accept(Entry{Due: due, About: "later"})
		r.accept(Entry{About: "now"})
		settle(time.Hour)
		if n := r.figures(); n.Later != 1 || n.Waiting != 1 || n.Taken != 1 || !n.Oldest.IsZero() || n.Left != 0 {
			t.Errorf("got %+v, want one taken, one later, and nothing due", n)
		}
		if err := r.Retry(t.Context(), later); err != nil {
			t.Fatal(err)
		}
		settle(4 * time.Hour)
		calls := r.courier.seen()
		if len(calls) != 2 || calls[1].at.Before(due) || calls[1].at.After(due.Add(time.Second)) {
			t.Errorf("got %+v, want the second when it was due, at %v", calls, due)
		}
	})
}

func TestDrainingRampsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) { f.From, f.Rate = 20, 100 })
		defer r.stop()
		for range 500 {
			r.accept(Entry{})
		}
		began := time.Now()
		r.Release("in")
		settle(5 * time.Second)
		var counts [5]int
		for _, c := range r.courier.seen() {
			counts[min(int(c.at.Sub(began)/time.Second), 4)]++
		}
		for i, want := range []int{20, 40, 80, 100, 100} {
			if counts[i] < want*8/10 || counts[i] > want*12/10 {
				t.Errorf("got %v a second, want about 20, 40, 80, 100, 100", counts)
				break
			}
		}
		if n := r.figures(); n.Rate < 50 || n.Rate > 90 || n.Left < time.Second || n.Left > 5*time.Second {
			t.Errorf("got %v a second and %v left, want about 68 and 2.4s", n.Rate, n.Left)
		}
	})
}

func TestAFlowWhoseDestinationIsAwayIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		for range 100 {
			r.accept(Entry{})
		}
		r.courier.say(Outcome{Away: true, Reason: "connection refused"})
		r.Release("in")
		settle(30 * time.Minute)
		tried := len(r.courier.seen())
		if tried > 150 {
			t.Errorf("got %d attempts in half an hour, want few", tried)
		}
		r.courier.do(nil)
		settle(2 * time.Minute)
		if n := r.figures(); n.Taken != 100 || n.Waiting != 0 {
			t.Errorf("two minutes after it came back: got %+v, want all taken", n)
		}
	})
}

func TestAnEntryThatIsNotTakenWaitsWhileOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		bad := r.accept(Entry{About: "bad", Lane: "a"})
		behind := r.accept(Entry{About: "behind", Lane: "a"})
		other := r.accept(Entry{About: "other", Lane: "b"})
		r.courier.do(func(_ context.Context, e Entry) Outcome {
			if e.ID == bad {
				return Outcome{Reason: "greylisted", After: 0}
			}
			return Outcome{Result: Taken}
		})
		r.Release("in")
		settle(time.Minute)
		r.stands(other, Delivered)
		r.stands(behind, Waiting)
		if i := r.item(bad); i.Attempts < 3 || i.Attempts > 5 || i.Reason != "greylisted" || !i.Next.After(time.Now()) {
			t.Errorf("got %+v, want about 4 attempts in a minute, the reason, and when it is tried next", i)
		}
		r.restart() // the state of the attempts is kept
		defer r.stop()
		r.courier.do(nil)
		r.Release("in")
		if err := r.Retry(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		r.stands(bad, Delivered)
		r.stands(behind, Delivered)
	})
}

func TestWhatIsTooOldGoesToTheShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan string, 10)
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) {
			f.Shelve = func(e Entry, reason string) bool {
				asked <- reason
				return e.About == "dealt with"
			}
		})
		defer r.stop()
		old := r.accept(Entry{About: "old"})
		dealt := r.accept(Entry{About: "dealt with"})
		timed := r.accept(Entry{About: "timed", Expires: time.Now().Add(time.Hour)})
		r.courier.say(Outcome{Reason: "busy"})
		settle(10 * 24 * time.Hour)
		for _, id := range []string{old, dealt, timed} {
			r.stands(id, Waiting) // held: a long maintenance loses nothing
		}
		r.Release("in")
		settle(time.Second)
		for id, want := range map[string]State{old: Shelved, dealt: Removed, timed: Shelved} {
			r.stands(id, want)
		}
		if got := r.item(old).Reason; got != "not taken within 5d: busy" {
			t.Errorf("got %q", got)
		}
		if i := r.item(timed); !strings.HasPrefix(i.Reason, "not taken before ") || i.Attempts != 0 {
			t.Errorf("got %+v, want no attempt after it expired, and the reason", i)
		}
		if len(asked) != 3 {
			t.Errorf("asked %d times, want once for each", len(asked))
		}
		r.courier.do(nil)
		if err := r.Retry(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		r.stands(old, Delivered)
	})
}

func TestACourierThatPanicsHasNotTakenTheEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) {
			f.Shelve = func(Entry, string) bool { panic("shelve") }
		})
		defer r.stop()
		id := r.accept(Entry{})
		r.courier.do(func(context.Context, Entry) Outcome { panic("oh no") })
		r.Release("in")
		settle(time.Second)
		if i := r.item(id); i.State != Waiting || i.Reason != "the courier failed: oh no" || i.Moving {
			t.Errorf("got %+v, want it to wait with the reason", i)
		}
		r.courier.say(Outcome{Result: Refused, Reason: "never"})
		settle(time.Minute)
		r.stands(id, Shelved)
	})
}

func TestWhatIsLateIsToldOfOnceAlsoWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan Item, 100)
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) {
			f.Warn, f.Warned = 4*time.Hour, func(i Item) { told <- i }
		})
		defer r.stop()
		first := r.accept(Entry{})
		settle(2 * time.Hour)
		r.accept(Entry{Due: time.Now().Add(24 * time.Hour)})
		settle(time.Hour)
		if len(told) != 0 {
			t.Fatal("it was told of too early")
		}
		settle(time.Hour + time.Minute)
		if len(told) != 1 || (<-told).ID != first {
			t.Fatal("the first was not told of when it was late")
		}
		r.restart()
		defer r.stop()
		settle(20 * time.Hour)
		if len(told) != 0 {
			t.Error("it was told of twice")
		}
		settle(10 * time.Hour)
		if len(told) != 1 {
			t.Errorf("%d more were told of, want the second", len(told))
		}
	})
}

func TestNobodyKnowsWhatIsLeftWhileNothingIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) { f.From, f.Rate = 20, 20 })
		defer r.stop()
		for range 200 {
			r.accept(Entry{})
		}
		r.Release("in")
		settle(2 * time.Second)
		if n := r.figures(); n.Rate == 0 || n.Left < time.Second {
			t.Errorf("got %v a second and %v left, want some seconds", n.Rate, n.Left)
		}
		r.courier.say(Outcome{Reason: "busy", Away: true})
		settle(4 * time.Second)
		if n := r.figures(); n.Rate == 0 || n.Left >= 0 {
			t.Errorf("failing: got %v a second and %v left, want nobody to know", n.Rate, n.Left)
		}
		r.courier.do(nil)
		settle(5 * time.Second)
		if n := r.figures(); n.Waiting == 0 || n.Left < time.Second {
			t.Errorf("back: got %+v, want some seconds left", n)
		}
	})
}

func TestFiguresTellOfDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		due := r.accept(Entry{Body: make([]byte, 100)})
		at := r.item(due).Due
		settle(3 * time.Second)
		if n := r.figures(); n.Waiting != 1 || n.Bytes != 100 || !n.Oldest.Equal(at) || n.Left >= 0 || !n.Held {
			t.Errorf("held: got %+v, want one of 100 bytes, the oldest due at %v, and nobody knows until when", n, at)
		}
		r.Release("in")
		settle(time.Millisecond)
		n := r.figures()
		if n.Taken != 1 || n.DelayMicros != 3_000_000 || n.LongestMicros != 3_000_000 || len(n.Delays) != 13 || n.Delays[12] != 1 {
			t.Errorf("got %+v, want one delay of 3 s", n)
		}
		settle(time.Minute)
		if n := r.figures(); n.Rate != 0 || n.Left != 0 || n.Bytes != 0 {
			t.Errorf("a minute later: got %+v, want nothing to be going on", n)
		}
	})
}
