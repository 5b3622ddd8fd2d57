package gate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/spool"
	"example.org/interlude/status"
)

// windowOf is a plan with a maintenance under way for a flow.
func windowOf(revision int64, flow string, interruptions ...status.Interruption) api.Plan {
	plan := planNow(revision, interruptions...)
	plan.Maintenances[0].Promises = planned("", status.InProgress, flow).Promises
	return plan
}

// withMail runs a gate with a flow of mail in a bubble.
func withMail(t *testing.T, probe func(context.Context) error, test func(*testing.T, *Gate, *Door)) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{Others: []string{"mail"}}
		if probe != nil {
			c.Probes = map[string]func(context.Context) error{"mail": probe}
		}
		g, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = g.Run(ctx)
		}()
		test(t, g, g.Door("mail"))
		stop()
		<-done
	})
}

func TestADoorKnowsItsFlow(t *testing.T) {
	withMail(t, nil, func(t *testing.T, g *Gate, d *Door) {
		if g.Door("elsewhere") != nil {
			t.Error("got a door of a flow that is not there, want none")
		}
		if d.Interrupted() || d.Concerned() {
			t.Error("got it interrupted or concerned, want neither")
		}
		g.Apply(windowOf(1, "mail"))
		if d.Interrupted() || !d.Concerned() {
			t.Error("got it interrupted or not concerned, want it in a window and nothing else")
		}
		g.Apply(windowOf(2, "mail", interruption("one", time.Now().Add(time.Minute), "mail")))
		if !d.Interrupted() || !d.Concerned() {
			t.Error("got it not interrupted, want what the plan says")
		}
		if f := g.State().Flows[0]; f.Flow != "mail" || f.State != api.FlowInterrupted || f.Does != "queue" {
			t.Errorf("got %+v, want the state of mail", f)
		}
		for _, word := range []string{"passed", "queued", "queued", "rejected", "failed", "gone", "lost"} {
			d.Count(word)
		}
		if c := g.Counts()["mail"]; c.Passed != 1 || c.Queued != 2 || c.Rejected != 1 || c.Failed != 1 || c.Gone != 1 || c.Requests != 6 {
			t.Errorf("got %+v, want what was counted", c)
		}
		if err := g.Reload(Config{Others: []string{"post"}}); err != nil {
			t.Fatal(err)
		}
		d.Count("passed")
		d.Failed(errors.New("nobody hears this"))
		d.Well()
		if d.Interrupted() || d.Concerned() {
			t.Error("got a flow that is gone interrupted, want it open")
		}
	})
}

func TestADoorThatIsRefusedInsideAWindowIsAnInterruption(t *testing.T) {
	var away atomic.Bool
	refused := errors.New("connection refused")
	probe := func(context.Context) error {
		if away.Load() {
			return refused
		}
		return nil
	}
	withMail(t, probe, func(t *testing.T, g *Gate, d *Door) {
		d.Failed(refused)
		pass(time.Second)
		if d.Interrupted() {
			t.Fatal("got it interrupted outside of any window, want that left to others")
		}
		g.Apply(windowOf(1, "mail"))
		pass(time.Second)
		away.Store(true)
		d.Failed(refused)
		pass(time.Second)
		if !d.Interrupted() {
			t.Fatal("got it not interrupted, want it found")
		}
		pass(time.Minute)
		if !d.Interrupted() {
			t.Fatal("got it over while the probe fails, want it still")
		}
		away.Store(false)
		pass(time.Second)
		if d.Interrupted() {
			t.Error("got it interrupted although the probe succeeds, want it over")
		}
		spans := g.lanes["mail"].takeSpans()
		if len(spans) != 1 || spans[0].Cause == "" || spans[0].Drained.IsZero() || spans[0].Flow != "mail" {
			t.Errorf("got %+v, want a span that was found", spans)
		}
	})
}

func TestADoorWithoutAProbeIsTriedAgainAfterFiveSeconds(t *testing.T) {
	withMail(t, nil, func(t *testing.T, g *Gate, d *Door) {
		g.Apply(windowOf(1, "mail"))
		pass(time.Second)
		for range 3 {
			d.Failed(errors.New("no route to host"))
		}
		pass(4 * time.Second)
		if !d.Interrupted() {
			t.Fatal("got it not interrupted after four seconds, want it still")
		}
		pass(2 * time.Second)
		if d.Interrupted() {
			t.Error("got it interrupted after six seconds, want somebody to try")
		}
	})
}

// figured is a spool of which only the figures are known.
type figured struct {
	slowDisk
	is     atomic.Pointer[spool.Figures]
	behind atomic.Bool
}

func (f *figured) Figures() map[string]spool.Figures {
	return map[string]spool.Figures{"messenger": *f.is.Load()}
}
func (f *figured) Behind(string) bool  { return f.behind.Load() }
func (f *figured) set(n spool.Figures) { f.is.Store(&n) }

func TestWhatIsDeliveredAfterTheWindowBelongsToItsMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &figured{}
		f.set(spool.Figures{})
		h := newHall(t, Config{Spool: f, Entries: f}, "messenger")
		m, l := h.gate.meter, h.lane("messenger")
		m.follow(true)
		is := func(n spool.Figures) { f.set(n); m.look(h.gate.live(), time.Now()) }
		is(spool.Figures{Taken: 7, DelayMicros: 70_000_000, LongestMicros: 60_000_000, Delays: []int64{6, 16: 1}})
		h.gate.Apply(planNow(1, interruption("one", time.Now().Add(time.Hour), "messenger")))
		l.counts.by[wasQueued].Add(3)
		due := time.Now()
		f.behind.Store(true)
		is(spool.Figures{Taken: 7, Waiting: 3, Oldest: due, DelayMicros: 70_000_000, LongestMicros: 60_000_000, Delays: []int64{6, 16: 1}})
		h.gate.Apply(api.Plan{Revision: 2})
		pass(time.Second)
		h.wantPhase(l, catchingUp)
		is(spool.Figures{Taken: 8, Waiting: 2, Oldest: due, DelayMicros: 71_000_000, LongestMicros: 60_000_000, Delays: []int64{6, 10: 1, 16: 1}})
		f.behind.Store(false)
		pass(time.Second)
		h.wantPhase(l, normal)
		m.look(h.gate.live(), time.Now())
		l.counts.by[wasPassed].Add(100) // after it, and so nobody's
		is(spool.Figures{Taken: 9, Refused: 1, DelayMicros: 72_500_000, LongestMicros: 60_000_000, Delays: []int64{6, 10: 1, 11: 1, 16: 1}})
		if len(m.ledgers) != 0 {
			t.Errorf("got %d ledgers, want none when nothing waits", len(m.ledgers))
		}
		got := m.unsaved.outcomes[place{"mnt_1", "messenger"}].Counts
		if got.Requests != 3 || got.Queued != 3 || got.Passed != 0 || got.Delivered != 2 || got.Shelved != 1 || got.DelayMicros != 2_500_000 ||
			got.LongestDelayMicros != 2_048_000 || got.Delays[10] != 1 || got.Delays[11] != 1 {
			t.Errorf("got %+v, want three that were queued, of which two were delivered and one shelved", got)
		}
	})
}

func TestCatchingUpEndsThoughNewcomersNeverPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &figured{}
		f.set(spool.Figures{Waiting: 10, Later: 3, Taken: 5})
		f.behind.Store(true)
		h := newHall(t, Config{Spool: f, Entries: f}, "messenger")
		l := h.lane("messenger")
		h.interrupt("one", "messenger")
		h.gate.End("one")
		f.set(spool.Figures{Waiting: 100, Moving: 50, Taken: 11})
		pass(time.Second)
		h.wantPhase(l, catchingUp)
		f.set(spool.Figures{Waiting: 100, Moving: 50, Taken: 11, Refused: 1})
		pass(time.Second)
		h.wantPhase(l, catchingUp) // most likely there will be a pause
		pass(steady)
		h.wantPhase(l, normal)
	})
}

func TestAReleaseFollowsThePhase(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	held := func() bool { return s.spool.Figures()["messenger"].Held }
	s.interrupt()
	if !held() {
		t.Error("got it released, want it held while the flow is interrupted")
	}
	s.gate.End("one")
	if held() {
		t.Error("got it held, want it released")
	}
	s.config.Flows[0].Name = "other"
	if err := s.gate.Reload(s.config); err == nil || !strings.Contains(err.Error(), "needs a spool that has this flow") {
		t.Errorf("got %v, want it refused: the spool does not know the flow", err)
	}
	s.config.Flows[0].Interrupted = nil
	if err := s.gate.Reload(s.config); err != nil {
		t.Fatal(err)
	}
	if !held() {
		t.Error("got it released, want it held when the gate has the flow no more")
	}
	if a := s.send(http.MethodGet, "/", ""); a.status != http.StatusOK {
		t.Errorf("got %d, want the other flow to pass", a.status)
	}
}
