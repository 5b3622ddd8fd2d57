package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/clock"
	"example.org/interlude/status"
)

// follow follows the plan with a client until the test ends.
func follow(t *testing.T, c *api.Client) (plans <-chan api.Plan, ended <-chan error) {
	t.Helper()
	heard, end := make(chan api.Plan, 100), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() { end <- c.FollowPlan(ctx, "gate-1", func(p api.Plan) { heard <- p }) }()
	return heard, end
}

// lapse is when the interruption of a plan's only maintenance lapses, zero when none is open.
func lapse(p api.Plan) time.Time {
	if len(p.Maintenances) != 1 || len(p.Maintenances[0].Interruptions) == 0 {
		return time.Time{}
	}
	return p.Maintenances[0].Interruptions[0].Lapses
}

func TestAGateHearsOfEachChangeThatConcernsIt(t *testing.T) {
	h := newHouse(t).furnish()
	m, c := h.beginUpgrade(), h.as(access.Operate)
	address, _ := h.neighbour()
	near, _ := follow(t, h.as(access.Gate))
	far, _ := follow(t, &api.Client{Server: address, Token: h.tokens[access.Gate]})
	first := <-near
	want := api.Plan{Revision: h.door.Board.Current().Seq, At: m.Window.Start, Page: "Northwind", Maintenances: []api.PlannedMaintenance{{
		ID: m.ID, Title: "Database upgrade", State: status.InProgress, Window: m.Window, Expected: m.Window.End,
		Report: "/incidents/" + m.ID, Promises: m.Promises, Interruptions: []status.Interruption{},
	}}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("the first plan differs: %s", diff)
	}
	if diff := cmp.Diff(want, <-far); diff != "" {
		t.Errorf("the first plan of the other node differs: %s", diff)
	}
	if _, err := c.CreateIncident(t.Context(), status.IncidentDraft{Title: "Nothing of a gate's"}); err != nil {
		t.Fatal(err)
	}
	i, err := c.Interrupt(t.Context(), "upgrade", api.InterruptionRequest{Flows: []string{"messenger"}, Reason: "restart"})
	if err != nil {
		t.Fatal(err)
	}
	heard := func(lapses time.Time) {
		t.Helper()
		for where, plans := range map[string]<-chan api.Plan{"this node": near, "the other node": far} {
			p := <-plans
			if got := lapse(p); !got.Equal(lapses) || p.Revision <= first.Revision {
				t.Errorf("%s: got an interruption until %s with revision %d after %d, want one until %s and a higher one", where, got, p.Revision, first.Revision, lapses)
			}
		}
	}
	heard(i.Lapses)
	if i, err = c.ExtendInterruption(t.Context(), "upgrade", i.ID, api.InterruptionExtension{AtMost: status.Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	heard(i.Lapses)
	if _, err := c.EndInterruption(t.Context(), "upgrade", i.ID); err != nil {
		t.Fatal(err)
	}
	heard(time.Time{})
}

func TestTimeAloneChangesThePlan(t *testing.T) {
	h := newHouse(t).furnish()
	d := upgrade()
	d.Window = status.Window{Start: noon.Add(planAhead + time.Hour), End: noon.Add(planAhead + 2*time.Hour)}
	if _, err := h.as(access.Operate).CreateMaintenance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	plans, _ := follow(t, h.as(access.Gate))
	before := <-plans
	h.clock.Set(noon.Add(time.Hour))
	after := <-plans
	if len(before.Maintenances) != 0 || len(after.Maintenances) != 1 || after.Revision != before.Revision || !after.At.After(before.At) {
		t.Errorf("got %+v and then %+v, want a maintenance from a week before its start, of the same revision", before, after)
	}
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	h := newHouse(t).furnish()
	made, err := h.as(access.Administer).CreateToken(t.Context(), api.TokenRequest{Name: "gate-1", Scope: "gate"})
	if err != nil {
		t.Fatal(err)
	}
	c := &api.Client{Server: h.url, Token: made.Secret}
	plans, ended := follow(t, c)
	<-plans
	if err := h.as(access.Administer).RevokeToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	var broken *api.Unreachable
	if err := <-ended; !errors.As(err, &broken) {
		t.Errorf("got %v, want that the server ended the stream", err)
	}
	var refused *api.Problem
	if err := c.FollowPlan(t.Context(), "gate-1", func(api.Plan) {}); !errors.As(err, &refused) || refused.Code != api.CodeUnauthorized {
		t.Errorf("got %v for the next one, want that the token is refused", err)
	}
}

func TestStreamsOfPlansEndWithTheServer(t *testing.T) {
	h := newHouse(t).furnish()
	address, stop := h.neighbour()
	plans, ended := follow(t, &api.Client{Server: address, Token: h.tokens[access.Gate]})
	<-plans
	stop()
	if err := <-ended; err == nil || !strings.HasSuffix(err.Error(), "it ended the stream") {
		t.Errorf("got %v, want that the server ended the stream, and did not cut it", err)
	}
}

func TestStreamsOfPlansAreBounded(t *testing.T) {
	h := newHouse(t).furnish()
	h.door.plans.Store(mostPlans)
	answer, text := h.ask(http.MethodGet, api.Prefix+"/gates/gate-1/plan", h.tokens[access.Gate], "")
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "60" || answer.Header.Get("Content-Type") != api.ProblemType {
		t.Errorf("got %d %s, want 503 with Retry-After", answer.StatusCode, text)
	}
	h.door.plans.Store(mostPlans - 1)
	plans, _ := follow(t, h.as(access.Gate))
	<-plans
}

func TestThePlanCanBeHadOnce(t *testing.T) {
	h := newHouse(t).furnish()
	h.beginUpgrade()
	p, err := h.as(access.Administer).Plan(t.Context(), "gate-1")
	if err != nil || len(p.Maintenances) != 1 || p.Page != "Northwind" {
		t.Errorf("got %+v and %v, want the plan", p, err)
	}
	answer, text := h.ask(http.MethodGet, api.Prefix+"/gates/gate-1/plan", h.tokens[access.Gate], "", "Accept", "text/html, application/json;q=0.9")
	if answer.Header.Get("Content-Type") != "application/json" || answer.Header.Get("Cache-Control") != "no-store" || !json.Valid([]byte(text)) {
		t.Errorf("got %v %s, want JSON that nobody stores", answer.Header, text)
	}
}

// clogged is the way to a reader that has stopped reading: what is written waits until its deadline.
type clogged struct {
	header   http.Header
	deadline time.Time
}

func (s *clogged) Header() http.Header                 { return s.header }
func (s *clogged) WriteHeader(int)                     {}
func (s *clogged) SetWriteDeadline(at time.Time) error { s.deadline = at; return nil }
func (s *clogged) Write([]byte) (int, error) {
	<-time.After(time.Until(s.deadline))
	return 0, os.ErrDeadlineExceeded
}

// still is a feed in which nothing happens.
type still struct{}

func (still) Since(context.Context, int64) (status.Delta, error) { return status.Delta{Seq: 1}, nil }

func TestAReaderWhoIsStuckIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clock.NewDriven(noon, 0)
		d := &door{planBeat: planBeat, Server: Server{Clock: clock, Board: board.New(still{}, clock, slog.New(slog.DiscardHandler))}}
		if err := d.Board.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		d.streamPlans(&clogged{header: http.Header{}}, r)
		if took := time.Since(begun); took != planPatience || d.plans.Load() != 0 {
			t.Errorf("got it left after %s with %d streams open, want it after %s with none", took, d.plans.Load(), planPatience)
		}
	})
}

func TestABoardThatWasNeverLoadedIsNoPlan(t *testing.T) {
	b := board.New(still{}, clock.NewDriven(noon, 0), slog.New(slog.DiscardHandler))
	if message, _ := planMessage(b.Current(), noon, nil); message != nil {
		t.Errorf("got %s, want nothing: a gate would take it for the end of all interruptions", message)
	}
}

func TestWhatHasBegunEarlyIsInThePlan(t *testing.T) {
	h := newHouse(t).furnish()
	d := upgrade()
	d.Window = status.Window{Start: noon.Add(planAhead + time.Hour), End: noon.Add(planAhead + 2*time.Hour)}
	made, err := h.as(access.Operate).CreateMaintenance(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.as(access.Operate).BeginMaintenance(t.Context(), made.Maintenance.ID, api.Act{}); err != nil {
		t.Fatal(err)
	}
	if plan, err := h.as(access.Gate).Plan(t.Context(), "gate-1"); err != nil || len(plan.Maintenances) != 1 {
		t.Errorf("got %+v, %v, want the maintenance that is under way", plan, err)
	}
}
