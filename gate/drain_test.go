package gate

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrainingRampsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 100, InFlight: 1000}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		const crowd = 2000
		for i := range crowd {
			h.waits(t.Context(), l, strconv.Itoa(i), Hold{Requests: crowd}, nil)
		}
		h.gate.End("a")
		var grown []int
		for before := 0; ; {
			pass(time.Second)
			went, _ := h.seen()
			grown, before = append(grown, len(went)-before), len(went)
			if len(went) == crowd {
				break
			}
			if len(grown) > 10 {
				t.Fatalf("got %v let go by second, want all %d", grown, crowd)
			}
		}
		if grown[0] < 100 || grown[0] > 200 {
			t.Errorf("got %d let go in the first second, want 100 to 200", grown[0])
		}
		for i := 1; i < len(grown)-1; i++ {
			if grown[i] < grown[i-1]*3/2 {
				t.Errorf("got %v let go by second, want about twice as many each", grown)
			}
		}
		went, _ := h.seen()
		for i, who := range went { // those who are let go at the same moment may be noted in any order
			if n, _ := strconv.Atoi(who); n < i-20 || n > i+20 {
				t.Fatalf("got %s as number %d, want them in order", who, i)
			}
		}
	})
}

func TestNewcomersStandBehindThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 1, InFlight: 10}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		h.waits(t.Context(), l, "one", Hold{}, nil)
		h.waits(t.Context(), l, "two", Hold{}, nil)
		h.gate.End("a")
		pass(10 * time.Millisecond)
		if l.enter() {
			t.Error("got a newcomer past those who wait, want it behind them")
		}
		h.waits(t.Context(), l, "newcomer", Hold{}, nil)
		pass(10 * time.Second)
		h.wantWent("one", "two", "newcomer")
		h.wantPhase(l, normal)
	})
}

func TestAnInterruptionInTheMiddleOfDrainingKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 2, InFlight: 10}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		for _, who := range []string{"one", "two", "three", "four"} {
			h.waits(t.Context(), l, who, Hold{For: time.Minute}, nil)
		}
		h.gate.End("a")
		pass(600 * time.Millisecond)
		h.wantWent("one")
		h.interrupt("b", "messenger")
		pass(10 * time.Second)
		h.wantWent("one")
		h.gate.End("b")
		pass(10 * time.Second)
		h.wantWent("one", "two", "three", "four")
	})
}

func TestLeavingDuringADrainHangsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 1, InFlight: 1}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		ctx, hangUp := context.WithCancel(t.Context())
		for i := range 50 {
			h.waits(ctx, l, strconv.Itoa(i), Hold{}, nil)
		}
		h.waits(t.Context(), l, "last", Hold{}, nil)
		h.gate.End("a")
		pass(50 * time.Millisecond)
		hangUp()
		pass(10 * time.Second)
		went, sent := h.seen()
		if len(went) == 0 || went[len(went)-1] != "last" || len(went)+len(sent) != 51 {
			t.Errorf("got %q let go and %d sent away, want the last let go and 51 in all", went, len(sent))
		}
		h.wantPhase(l, normal)
	})
}

func TestRequestsThatNeverEndDoNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 1000, InFlight: 4}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		never := make(chan struct{})
		for i := range 30 {
			h.waits(t.Context(), l, strconv.Itoa(i), Hold{For: time.Minute}, never)
		}
		h.gate.End("a")
		pass(100 * time.Millisecond)
		if went, _ := h.seen(); len(went) != 4 {
			t.Errorf("got %d with the product at first, want 4", len(went))
		}
		pass(5 * time.Second)
		if went, _ := h.seen(); len(went) != 30 {
			t.Errorf("got %d let go, want all 30", len(went))
		}
		close(never)
	})
}

func TestTwoFlowsDrainAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 10, InFlight: 10}}, "messenger", "app")
		h.interrupt("a", "messenger", "app")
		for i := range 10 {
			h.waits(t.Context(), h.lane("messenger"), "m"+strconv.Itoa(i), Hold{}, nil)
			h.waits(t.Context(), h.lane("app"), "a"+strconv.Itoa(i), Hold{}, nil)
		}
		h.gate.End("a")
		pass(500 * time.Millisecond)
		went, _ := h.seen()
		of := map[byte]int{}
		for _, who := range went {
			of[who[0]]++
		}
		if of['m'] < 3 || of['a'] < 3 {
			t.Errorf("got %d and %d let go, want some of both", of['m'], of['a'])
		}
	})
}

// Vitess found that interruptions that overlap stick at ten thousand queries a second and not at five hundred: many
// requests come and go here while interruptions open and end.
func TestInterruptionsUnderLoadLoseNobody(t *testing.T) {
	h := newHall(t, Config{Drain: Drain{From: 1e6, InFlight: 1e6}}, "messenger")
	l := h.lane("messenger")
	bounds := Hold{For: time.Minute, Requests: 1e6}.withDefaults()
	ctx, stop := context.WithCancel(t.Context())
	var workers, toggling sync.WaitGroup
	toggling.Go(func() {
		defer stop()
		for i := range 300 {
			a, b := "a"+strconv.Itoa(i), "b"+strconv.Itoa(i)
			h.interrupt(a, "messenger")
			h.interrupt(b, "messenger")
			h.gate.End(a)
			if i%3 == 0 {
				h.interrupt(a, "messenger")
				h.gate.End(a)
			}
			h.gate.End(b)
		}
	})
	for range 32 {
		workers.Go(func() {
			for ctx.Err() == nil {
				if !l.enter() {
					w := &waiter{arrived: time.Now(), answer: make(chan verdict, 1)}
					if v := l.join(w, bounds); v == 0 {
						if v := l.await(context.WithoutCancel(ctx), w, w.arrived.Add(bounds.For)); v != released {
							t.Errorf("got %s, want every request let go", words[v])
							return
						}
					}
				}
				l.leave()
			}
		})
	}
	toggling.Wait()
	workers.Wait()
	if busy, held := l.busy.Load(), h.gate.hold.requests.Load(); busy != 0 || held != 0 {
		t.Errorf("got %d with the product and %d held at the end, want none", busy, held)
	}
	for _, s := range l.takeSpans() {
		if s.Closed.IsZero() || s.Drained.IsZero() {
			t.Errorf("got span %+v, want it over", s)
		}
	}
}
