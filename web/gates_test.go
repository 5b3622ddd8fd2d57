package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// beginUpgrade lets a maintenance begin that promises something of the flow messenger.
func (h *house) beginUpgrade() api.Maintenance {
	h.t.Helper()
	d := upgrade()
	d.Promises = []status.Promise{{Audience: "People", Flow: "messenger", Promise: status.DelayedUp, AtMost: status.Duration(time.Minute)}}
	c := h.as(access.Operate)
	if _, err := c.CreateMaintenance(h.t.Context(), d); err != nil {
		h.t.Fatal(err)
	}
	h.clock.Set(d.Window.Start)
	m, err := c.BeginMaintenance(h.t.Context(), d.Key, api.Act{})
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// tell is a report of gate-1 about one flow; the rest of the time nothing happens there.
func (h *house) tell(f api.FlowState) {
	h.t.Helper()
	err := h.as(access.Gate).TellState(h.t.Context(), "gate-1", api.GateState{Version: "v1", Flows: []api.FlowState{
		{Flow: "pages", State: api.FlowNormal, Does: "reject"}, f,
	}})
	if err == nil {
		err = h.door.Board.Refresh(h.t.Context())
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// upgraded is the upgrade as it is now.
func (h *house) upgraded() api.Maintenance {
	h.t.Helper()
	m, err := h.as(access.Read).Maintenance(h.t.Context(), "upgrade")
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

func TestGatesAreListedAsTheyWereHeardLast(t *testing.T) {
	h := newHouse(t).furnish()
	if list, err := h.as(access.Read).Gates(t.Context()); err != nil || list == nil || len(list) > 0 {
		t.Errorf("got %v and %v, want an empty list", list, err)
	}
	h.tell(api.FlowState{Flow: "messenger", State: api.FlowNormal, Does: "hold", InFlight: 7})
	h.clock.Set(noon.Add(time.Minute))
	h.tell(api.FlowState{Flow: "messenger", State: api.FlowInterrupted, Does: "hold", Interruptions: []string{"i1"}, Held: 3, Bytes: 90})
	if err := h.as(access.Administer).TellState(t.Context(), "a gate/east", api.GateState{}); err != nil {
		t.Fatal(err)
	}
	list, err := h.as(access.Read).Gates(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "a gate/east" || list[1].Name != "gate-1" {
		t.Fatalf("got %+v and %v, want both gates", list, err)
	}
	if g := list[1]; !g.Seen.Equal(h.clock.Now()) || len(g.State.Flows) != 2 || g.State.Flows[1].Held != 3 || g.State.Version != "v1" {
		t.Errorf("got %+v, want what it told last", g)
	}
}

func TestWhatGatesTellIsNoActOfAPerson(t *testing.T) {
	h := newHouse(t).furnish()
	m := h.beginUpgrade()
	before := len(h.entries())
	h.tell(api.FlowState{Flow: "messenger", State: api.FlowDraining, Does: "hold", Held: 1})
	if err := h.as(access.Gate).TellOutcomes(t.Context(), "gate-1", batch(m.ID, 1)); err != nil {
		t.Fatal(err)
	}
	if got := h.exchange(http.MethodPost, "/gates/gate-1/state", h.tokens[access.Gate], `{}`, keyHeader, "one"); got != "204" {
		t.Errorf("got %s with a key that is not needed, want 204", got)
	}
	if got := len(h.entries()); got != before {
		t.Errorf("got %d entries in the audit log, want %d as before", got, before)
	}
	m = h.upgraded()
	if len(m.Unfinished) != 1 || m.Unfinished[0].Name != "messenger at gate-1" {
		t.Errorf("got %+v unfinished, want the hold", m.Unfinished)
	}
	events, err := h.as(access.Read).Events(t.Context(), api.EventFilter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	last := events.Items[len(events.Items)-1]
	if want := (status.Actor{Kind: status.Gate, Name: "gate-1"}); last.Kind != status.WorkOpened || last.By != want {
		t.Errorf("got the event %+v, want that the gate holds", last)
	}
}

func TestNothingCompletesWhileAGateHolds(t *testing.T) {
	h := newHouse(t).furnish()
	m, c := h.beginUpgrade(), h.as(access.Operate)
	opened, err := c.Interrupt(t.Context(), "upgrade", api.InterruptionRequest{Flows: []string{"messenger"}})
	if err != nil {
		t.Fatal(err)
	}
	is := func(state string, held int64) api.FlowState {
		return api.FlowState{Flow: "messenger", State: state, Does: "hold", Held: held, Interruptions: []string{opened.ID}}
	}
	h.tell(is(api.FlowInterrupted, 0))
	if got := h.upgraded().Unfinished; len(got) > 0 {
		t.Errorf("got %+v while nothing is held, want nothing beside the interruption", got)
	}
	h.tell(is(api.FlowInterrupted, 12))
	if _, err := c.EndInterruption(t.Context(), "upgrade", opened.ID); err != nil {
		t.Fatal(err)
	}
	version := h.upgraded().Version
	for _, f := range []api.FlowState{is(api.FlowDraining, 8), is(api.FlowDraining, 0), is(api.FlowInterrupted, 3)} {
		h.tell(f) // what comes and goes meanwhile costs no change
	}
	if got := h.upgraded().Version; got != version {
		t.Errorf("got version %d after three reports, want %d as before", got, version)
	}
	_, err = c.CompleteMaintenance(t.Context(), "upgrade", api.Act{})
	if want := `hold "messenger at gate-1" still open`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	h.clock.Set(m.Window.Start.Add(25 * time.Second))
	h.tell(is(api.FlowDraining, 0))
	if got, want := h.upgraded().Unfinished, h.clock.Now().Add(holdLife); len(got) != 1 || !got[0].Lapses.Equal(want) || !got[0].Since.Equal(m.Window.Start) {
		t.Errorf("got %+v, want the same hold renewed until %s", got, want)
	}
	h.tell(api.FlowState{Flow: "messenger", State: api.FlowNormal, Does: "hold"})
	if done, err := c.CompleteMaintenance(t.Context(), "upgrade", api.Act{}); err != nil || done.State != status.Completed {
		t.Errorf("got it %s and %v once the flow is normal, want it completed", done.State, err)
	}
	h.tell(is(api.FlowDraining, 1)) // a gate that is late with its news
}

func TestWhatAGateFoundKeepsTheMaintenanceOpenUntilItLapses(t *testing.T) {
	h := newHouse(t).furnish()
	m, c := h.beginUpgrade(), h.as(access.Operate)
	h.tell(api.FlowState{Flow: "pages-of-others", State: api.FlowInterrupted, Held: 4, Interruptions: []string{"found-1"}})
	if got := h.upgraded().Unfinished; len(got) > 0 {
		t.Errorf("got %+v for a flow that nothing was promised of, want nothing", got)
	}
	h.tell(api.FlowState{Flow: "messenger", State: api.FlowInterrupted, Does: "hold", Interruptions: []string{"found-2"}})
	if _, err := c.CompleteMaintenance(t.Context(), "upgrade", api.Act{}); err == nil {
		t.Error("got no error while the gate finds the product away, want a refusal")
	}
	h.clock.Set(m.Window.Start.Add(holdLife))
	if _, err := c.CompleteMaintenance(t.Context(), "upgrade", api.Act{}); err != nil {
		t.Errorf("got %v a minute after the gate was heard last, want it completed", err)
	}
}

// What was accepted is to be handed over before anybody says that all is done; what is not due yet keeps nobody.
func TestNothingCompletesWhileAGateHasSomethingToHandOver(t *testing.T) {
	h := newHouse(t).furnish()
	h.beginUpgrade()
	c := h.as(access.Operate)
	is := func(state string, waiting, later int64) api.FlowState {
		return api.FlowState{Flow: "messenger", State: state, Does: "queue", Spool: &api.SpoolState{Waiting: waiting, Later: later, Rate: 0.25, LeftSeconds: -1}}
	}
	h.tell(is(api.FlowDraining, 2, 2))
	if got := h.upgraded().Unfinished; len(got) > 0 {
		t.Errorf("got %+v while all that waits is for later, want nothing", got)
	}
	h.tell(is(api.FlowDraining, 3, 2))
	_, err := c.CompleteMaintenance(t.Context(), "upgrade", api.Act{})
	if want := `hold "messenger at gate-1" still open`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	stuck := is(api.FlowNormal, 3, 2) // others pass it, and it is tried again and again
	stuck.Spool.Oldest = h.clock.Now().Add(-time.Minute)
	h.tell(stuck)
	if _, err := c.CompleteMaintenance(t.Context(), "upgrade", api.Act{}); err == nil {
		t.Error("got it completed although something accepted is not handed over, want a refusal")
	}
	h.tell(is(api.FlowNormal, 2, 2))
	if done, err := c.CompleteMaintenance(t.Context(), "upgrade", api.Act{}); err != nil || done.State != status.Completed {
		t.Errorf("got it %s and %v once the spool is drained, want it completed", done.State, err)
	}
}

// batch is what a gate measured during a maintenance: three requests a batch, one of them held.
func batch(maintenance string, n int64) api.OutcomeBatch {
	return api.OutcomeBatch{
		Epoch: "e1", Number: n,
		Outcomes: []api.Outcome{{
			Maintenance: maintenance, Flow: "messenger", From: noon, To: noon.Add(time.Minute),
			Counts: api.Counts{Requests: 3, Passed: 2, Held: 1, WaitMicros: 1500, LongestMicros: 1500, Waits: []int64{0, 1}},
		}},
		Spans: []api.Span{{ID: "s1", Maintenance: maintenance, Flow: "messenger", Cause: "connection refused", Opened: noon}},
	}
}

func TestABatchIsCountedOnceOnWhicheverNode(t *testing.T) {
	h := newHouse(t).furnish()
	m := h.beginUpgrade()
	address, _ := h.neighbour()
	one, other := h.as(access.Gate), &api.Client{Server: address, Token: h.tokens[access.Gate]}
	for _, send := range []struct {
		to *api.Client
		n  int64
	}{{one, 1}, {other, 1}, {one, 1}, {other, 2}, {one, 2}} {
		if err := send.to.TellOutcomes(t.Context(), "gate-1", batch(m.ID, send.n)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := h.as(access.Read).Measured(t.Context(), "upgrade")
	if err != nil || len(got.Flows) != 1 || len(got.Spans) != 1 {
		t.Fatalf("got %+v and %v, want one flow and one span", got, err)
	}
	if f := got.Flows[0]; f.Requests != 6 || f.Held != 2 || f.LongestMicros != 1500 || !slices.Equal(f.Gates, []string{"gate-1"}) {
		t.Errorf("got %+v, want two batches", f)
	}
	if s := got.Spans[0]; s.Gate != "gate-1" || s.Cause != "connection refused" || !s.Closed.IsZero() {
		t.Errorf("got %+v, want the span of gate-1", s)
	}
	if _, err := h.as(access.Read).Measured(t.Context(), "upgrad"); !errors.Is(err, status.ErrNotFound) || !strings.Contains(err.Error(), `did you mean "upgrade"`) {
		t.Errorf("got %v, want what was meant", err)
	}
}

func TestAGatesTokenIsGoodForNothingElse(t *testing.T) {
	h := newHouse(t).furnish()
	fill := strings.NewReplacer("{ref}", "some", "{id}", "some", "{n}", "1")
	for _, op := range operations(t) {
		if op.Metadata[scopeKey] == access.Gate {
			continue
		}
		if got := h.exchange(op.Method, fill.Replace(op.Path), h.tokens[access.Gate], ""); !strings.HasPrefix(got, "403 forbidden: "+op.OperationID) {
			t.Errorf("%s %s with the token of a gate: got %s, want 403", op.Method, op.Path, got)
		}
	}
	if answer, _ := h.ask(http.MethodGet, "/metrics", h.tokens[access.Gate], ""); answer.StatusCode != http.StatusForbidden {
		t.Errorf("metrics: got %d, want 403", answer.StatusCode)
	}
}

func TestWhatNoGateCanMeanIsRefused(t *testing.T) {
	h := newHouse(t).furnish()
	flow := func(text string) string { return `{"flows": [` + text + `]}` }
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ path, body, want string }{
		{"/gates/" + long + "/state", `{}`, "422"},
		{"/gates/" + url.PathEscape("a\x00b") + "/state", `{}`, "422"},
		{"/gates/%ff/state", `{}`, "422"},
		{"/gates//state", `{}`, "404"},
		{"/gates/g/state", flow(`{"flow": "a", "state": "asleep"}`), `422 invalid: flows[0].state must be one of normal, interrupted, draining, not "asleep"`},
		{"/gates/g/state", flow(`{"flow": "a", "state": "normal"}, {"flow": "a", "state": "normal"}`), "422 invalid: flows[1].flow names"},
		{"/gates/g/state", flow(`{"flow": "", "state": "normal"}`), "422 invalid: flows[0].flow"},
		{"/gates/g/state", flow(`{"flow": "a", "state": "normal", "held": -1}`), "422 invalid: flows[0].held"},
		{"/gates/g/state", flow(`{"flow": "a", "state": "normal", "hold": 1}`), `422 invalid: flows[0].hold is no known field; did you mean "held"?`},
		{"/gates/g/state", flow(`{"flow": "a", "state": "normal", "spool": {"waiting": -1}}`), "422 invalid: flows[0].spool"},
		{"/gates/g/state", `{"version": "` + strings.Repeat("x", api.LargestBody) + `"}`, "413 too_large"},
		{"/gates/g/state", `{`, "400 malformed"},
		{"/gates/g/outcomes", `{}`, "422 invalid"},
		{"/gates/g/outcomes", `{"epoch": "e", "number": 0}`, "422 invalid: number"},
		{"/gates/g/outcomes", `{"epoch": "e", "number": 1, "outcomes": [{"maintenance": "m", "flow": "f", "requests": -1}]}`, "422 invalid"},
	} {
		got := h.exchange(http.MethodPost, c.path, h.tokens[access.Gate], c.body)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%.60s %.60s: got %s, want %s", c.path, c.body, got, c.want)
		}
	}
	if list, err := h.as(access.Read).Gates(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("got %+v and %v after refusals alone, want no gate", list, err)
	}
}

// neighbour is another node on the same store, by its address. It runs until stop is called, and at most as long as the
// test.
func (h *house) neighbour() (address string, stop func()) {
	h.t.Helper()
	s, err := store.Open(h.t.Context(), h.file)
	if err != nil {
		h.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	b := board.New(s, h.clock, log)
	if err := b.Refresh(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	node := Server{Keeper: keeper.New(s, h.clock, lease.Alone{}, log, b.Prod), Board: b, Store: s, Clock: h.clock, Log: log}
	ctx, end := context.WithCancel(context.Background())
	listener := listen(h.t)
	var running sync.WaitGroup
	running.Go(func() { _ = b.Run(ctx) })
	running.Go(func() {
		if err := node.Run(ctx, listener); err != nil {
			h.t.Error(err)
		}
	})
	stop = func() {
		end()
		running.Wait()
	}
	h.t.Cleanup(func() {
		stop()
		_ = s.Close()
	})
	return "http://" + listener.Addr().String(), stop
}
