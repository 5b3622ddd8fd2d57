package gate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/upstream"
)

// hall is a gate with flows in which requests wait, without network: only lanes are tested.
type hall struct {
	*testing.T
	gate *Gate
	mu   sync.Mutex
	// went are those who were let go, and sent those who left otherwise, in order.
	went []string
	sent []string
	all  sync.WaitGroup
}

func newHall(t *testing.T, c Config, names ...string) *hall {
	t.Helper()
	c.Upstreams = map[string]upstream.Config{"product": {Addresses: []string{"http://127.0.0.1:1"}}}
	for _, name := range names {
		c.Flows = append(c.Flows, Flow{Name: name, Upstream: "product", Interrupted: []Step{{Do: DoHold}}})
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{T: t, gate: g}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.drains.run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		for _, l := range g.live() {
			l.abandon()
		}
		h.all.Wait()
		<-done
	})
	return h
}

func (h *hall) lane(name string) *lane { return h.gate.lanes[name] }

// interrupt opens an interruption for ten minutes.
func (h *hall) interrupt(id string, names ...string) {
	h.Helper()
	if err := h.gate.Interrupt(Interruption{ID: id, Flows: names, Lapses: time.Now().Add(10 * time.Minute)}); err != nil {
		h.Fatal(err)
	}
}

// waits lets a request wait in a lane; what becomes of it is noted. Those who are let go stay with the product until
// finish is closed; nil is not at all.
func (h *hall) waits(ctx context.Context, l *lane, who string, bounds Hold, finish <-chan struct{}) {
	bounds = bounds.withDefaults()
	w := &waiter{arrived: time.Now(), safe: true, answer: make(chan verdict, 1)}
	v := l.join(w, bounds)
	h.all.Go(func() {
		if v == 0 {
			v = l.await(ctx, w, w.arrived.Add(bounds.For))
		}
		h.mu.Lock()
		if v == released {
			h.went = append(h.went, who)
		} else {
			h.sent = append(h.sent, fmt.Sprintf("%s %s", who, words[v]))
		}
		h.mu.Unlock()
		if v == released {
			if finish != nil {
				<-finish
			}
			l.leave()
		}
	})
	synctest.Wait()
}

var words = map[verdict]string{evicted: "evicted", noRoom: "no room", expired: "expired", left: "left", stopped: "stopped"}

func (h *hall) seen() (went, sent []string) {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.went), slices.Clone(h.sent)
}

func (h *hall) wantWent(want ...string) {
	h.Helper()
	if went, _ := h.seen(); !slices.Equal(went, want) {
		h.Errorf("got let go %q, want %q", went, want)
	}
}

func (h *hall) wantSent(want ...string) {
	h.Helper()
	if _, sent := h.seen(); !slices.Equal(sent, want) {
		h.Errorf("got sent away %q, want %q", sent, want)
	}
}

func (h *hall) wantPhase(l *lane, want phase) {
	h.Helper()
	if got := phase(l.phase.Load()); got != want {
		h.Errorf("got %s %s, want %s", l.name, got, want)
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestThoseWhoWaitAreLetGoInTheOrderOfTheirArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 20}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		for _, who := range []string{"first", "second", "third"} {
			pass(time.Millisecond)
			h.waits(t.Context(), l, who, Hold{}, nil)
		}
		h.wantWent()
		h.gate.End("a")
		pass(time.Second)
		h.wantWent("first", "second", "third")
		h.wantPhase(l, normal)
	})
}

func TestARequestThatFailedTakesItsOldPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 20}}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		early := time.Now()
		pass(time.Millisecond)
		h.waits(t.Context(), l, "late", Hold{}, nil)
		w := &waiter{arrived: early, answer: make(chan verdict, 1)}
		if v := l.join(w, Hold{}.withDefaults()); v != 0 {
			t.Fatalf("got %v, want it to wait", v)
		}
		h.all.Go(func() {
			if v := l.await(t.Context(), w, early.Add(time.Minute)); v == released {
				h.mu.Lock()
				h.went = append(h.went, "early")
				h.mu.Unlock()
				l.leave()
			}
		})
		h.gate.End("a")
		pass(time.Second)
		h.wantWent("early", "late")
	})
}

func TestAFullHoldSendsTheOldestAwayAndOnRequestTheNewest(t *testing.T) {
	for _, c := range []struct {
		full Leaves
		want string
	}{{Oldest, "one evicted"}, {Newest, "three no room"}} {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(t, Config{}, "messenger")
			l := h.lane("messenger")
			h.interrupt("a", "messenger")
			bounds := Hold{Requests: 2, Full: c.full}
			for _, who := range []string{"one", "two", "three"} {
				pass(time.Millisecond)
				h.waits(t.Context(), l, who, bounds, nil)
			}
			h.wantSent(c.want)
			if n := h.gate.hold.requests.Load(); n != 2 {
				t.Errorf("got %d in the holds, want 2", n)
			}
		})
	}
}

func TestTheBytesOfBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		bounds := Hold{Bytes: 100}.withDefaults()
		h.waits(t.Context(), l, "small", bounds, nil)
		pass(time.Millisecond)
		w := &waiter{arrived: time.Now(), answer: make(chan verdict, 1)}
		l.join(w, bounds)
		if !l.grow(w, 60, bounds) || !l.grow(w, 40, bounds) {
			t.Error("got no room within the bound, want it")
		}
		h.wantSent()
		if l.grow(w, 1, bounds) {
			t.Error("got room beyond the bound, want none")
		}
		h.wantSent("small evicted") // the oldest went first, and it was not enough
		l.withdraw(w, noRoom)
		if l.queue.bytes != 0 || l.queue.len != 0 {
			t.Errorf("got %d bytes of %d requests left, want none", l.queue.bytes, l.queue.len)
		}
	})
}

func TestNoFlowSendsAwayThoseOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Limits: Limits{Requests: 2}}, "messenger", "app")
		h.interrupt("a", "messenger", "app")
		h.waits(t.Context(), h.lane("messenger"), "m1", Hold{}, nil)
		h.waits(t.Context(), h.lane("messenger"), "m2", Hold{}, nil)
		pass(time.Millisecond)
		h.waits(t.Context(), h.lane("app"), "a1", Hold{}, nil)
		h.wantSent("a1 no room")
		pass(time.Millisecond)
		h.waits(t.Context(), h.lane("messenger"), "m3", Hold{}, nil)
		h.wantSent("a1 no room", "m1 evicted")
	})
}

func TestAWaitEndsWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		h.interrupt("a", "messenger")
		h.waits(t.Context(), h.lane("messenger"), "one", Hold{For: 5 * time.Second}, nil)
		pass(5*time.Second - time.Millisecond)
		h.wantSent()
		pass(time.Millisecond)
		h.wantSent("one expired")
	})
}

func TestClientsThatHangUpLeaveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		h.interrupt("a", "messenger")
		ctx, hangUp := context.WithCancel(t.Context())
		h.waits(ctx, h.lane("messenger"), "one", Hold{}, nil)
		hangUp()
		h.wantSent("one left")
		if n := h.gate.hold.requests.Load(); n != 0 {
			t.Errorf("got %d still in the hold, want none", n)
		}
	})
}

func TestAGateThatStopsSendsEverybodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		h.waits(t.Context(), l, "one", Hold{}, nil)
		l.abandon()
		h.wantSent("one stopped")
		h.wantPhase(l, normal)
	})
}

func TestOverlappingInterruptionsEndWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		h.interrupt("b", "messenger")
		h.interrupt("b", "messenger") // told twice
		h.waits(t.Context(), l, "one", Hold{}, nil)
		h.gate.End("a")
		h.gate.End("a")
		pass(time.Second)
		h.wantPhase(l, interrupted)
		h.wantWent()
		h.gate.End("b")
		pass(time.Second)
		h.wantWent("one")
	})
}

func TestAStaleTimerOfOneInterruptionDoesNotEndTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		l := h.lane("messenger")
		open := func(lapses time.Duration) {
			_ = h.gate.Interrupt(Interruption{ID: "a", Flows: []string{"messenger"}, Lapses: time.Now().Add(lapses)})
		}
		open(time.Minute)
		pass(30 * time.Second)
		h.gate.End("a")
		open(time.Minute) // the same name: the first timer has 30 s to go
		pass(45 * time.Second)
		h.wantPhase(l, interrupted)
		open(time.Minute) // extended
		pass(30 * time.Second)
		h.wantPhase(l, interrupted)
		pass(30 * time.Second)
		h.wantPhase(l, normal) // nobody ended it
	})
}

func TestAnInterruptionThatHasLapsedAlreadyOpensNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		_ = h.gate.Interrupt(Interruption{ID: "a", Flows: []string{"messenger"}, Lapses: time.Now()})
		h.wantPhase(h.lane("messenger"), normal)
	})
}

func TestQuietIsWhenTheLastRequestUnderWayIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		l := h.lane("messenger")
		for range 2 {
			if !l.enter() {
				t.Fatal("got no way into a normal flow, want one")
			}
		}
		h.interrupt("a", "messenger")
		l.leave()
		if s := l.takeSpans()[0]; !s.Quiet.IsZero() {
			t.Errorf("got quiet at %v with a request under way, want not yet", s.Quiet)
		}
		pass(3 * time.Second)
		l.leave()
		s := l.takeSpans()[0]
		if got := s.Quiet.Sub(s.Opened); got != 3*time.Second {
			t.Errorf("got quiet after %v, want 3s", got)
		}
		h.gate.End("a")
		if s := l.takeSpans()[0]; s.Closed.IsZero() || s.Drained.IsZero() {
			t.Errorf("got %+v, want it closed and, as nobody waited, drained", s)
		}
		if more := l.takeSpans(); more != nil {
			t.Errorf("got %+v told again, want nothing", more)
		}
	})
}

func TestTheSpansOfOneInterruptionAreToldFlowByFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger", "api")
		_ = h.gate.Interrupt(Interruption{ID: "a", Maintenance: "m", Flows: []string{"messenger", "api"}, Lapses: time.Now().Add(time.Minute)})
		var all tally
		for _, l := range h.gate.live() {
			all.addSpans(l.takeSpans())
		}
		if got := all.batch("e", 1).Spans; len(got) != 2 || got[0].ID == got[1].ID || got[0].Interruption != "a" || got[1].Interruption != "a" {
			t.Errorf("got %+v, want a span of interruption a for each flow", got)
		}
	})
}

func TestOneSafeWaiterTriesTheProduct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		l := h.lane("messenger")
		h.interrupt("a", "messenger")
		unsafe := &waiter{arrived: time.Now(), answer: make(chan verdict, 1)}
		l.join(unsafe, Hold{}.withDefaults())
		if l.tryOne() {
			t.Error("got a write let go for a trial, want none")
		}
		pass(time.Millisecond)
		h.waits(t.Context(), l, "read", Hold{}, nil)
		if !l.tryOne() {
			t.Error("got nobody to try, want the read")
		}
		h.wantWent("read")
		h.wantPhase(l, interrupted)
	})
}
