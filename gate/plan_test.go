package gate

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// noon is when the plans of these tests are made.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// planned is a maintenance from noon to one o'clock that promises something about flows.
func planned(id string, state status.State, flows ...string) api.PlannedMaintenance {
	m := api.PlannedMaintenance{
		ID: id, Title: "Database upgrade", State: state, Report: "/incidents/" + id,
		Window: status.Window{Start: noon, End: noon.Add(time.Hour)}, Expected: noon.Add(time.Hour),
	}
	for _, flow := range flows {
		m.Promises = append(m.Promises, status.Promise{Audience: "Everybody", Flow: flow, Promise: status.Uninterrupted})
	}
	return m
}

func TestAWindowIsOpenWhileItsMaintenanceIs(t *testing.T) {
	hours := func(h float64) time.Time { return noon.Add(time.Duration(h * float64(time.Hour))) }
	later := planned("later", status.Scheduled, "app")
	later.Window = status.Window{Start: hours(0.5), End: hours(3)}
	extended := planned("extended", status.InProgress, "app")
	extended.Expected = hours(4)
	for _, c := range []struct {
		name         string
		maintenances []api.PlannedMaintenance
		heard, now   time.Time
		open         string // flow=maintenance
		next         time.Time
	}{
		{"nothing is planned", nil, noon, noon, "", hours(1)},
		{"before the announced start", []api.PlannedMaintenance{planned("m", status.Scheduled, "app")}, noon, hours(-0.5), "", noon},
		{"at the announced start", []api.PlannedMaintenance{planned("m", status.Scheduled, "app")}, noon, noon, "app=m", hours(1)},
		{"at the announced end, never begun", []api.PlannedMaintenance{planned("m", status.Scheduled, "app")}, noon, hours(1), "", hours(2)},
		{"begun before its start", []api.PlannedMaintenance{planned("m", status.InProgress, "app")}, noon, hours(-2), "app=m", hours(-1)},
		{"overrun", []api.PlannedMaintenance{planned("m", status.InProgress, "app")}, noon, hours(2), "app=m", hours(3)},
		{"being verified", []api.PlannedMaintenance{planned("m", status.Verifying, "app")}, noon, hours(2), "app=m", hours(3)},
		{"12 hours after, and not heard since", []api.PlannedMaintenance{planned("m", status.InProgress, "app")}, noon, hours(13), "", hours(14)},
		{"shortly before that", []api.PlannedMaintenance{planned("m", status.InProgress, "app")}, noon, hours(12.5), "app=m", hours(13)},
		{"12 hours after, but heard", []api.PlannedMaintenance{planned("m", status.InProgress, "app")}, hours(13), hours(13), "app=m", hours(14)},
		{"a newer estimate counts", []api.PlannedMaintenance{extended}, noon, hours(15.5), "app=extended", hours(16)},
		{"completed", []api.PlannedMaintenance{planned("m", status.Completed, "app")}, noon, hours(0.25), "", hours(1)},
		{"two flows, and a promise without one", []api.PlannedMaintenance{planned("m", status.InProgress, "app", "", "api")}, noon, noon, "api=m app=m", hours(1)},
		{"the one under way comes first", []api.PlannedMaintenance{planned("a", status.Scheduled, "app", "api"), planned("b", status.InProgress, "app")}, noon, noon, "api=a app=b", hours(1)},
		{"then the one that starts first", []api.PlannedMaintenance{later, planned("m", status.Scheduled, "app")}, noon, hours(0.75), "app=m", hours(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			open, next := windowsOf(api.Plan{Page: "Northwind", URL: "https://status.northwind.example/", Maintenances: c.maintenances}, c.heard, c.now)
			var got []string
			for _, flow := range slices.Sorted(maps.Keys(open)) {
				got = append(got, flow+"="+open[flow].maintenance)
			}
			if got := strings.Join(got, " "); got != c.open {
				t.Errorf("got open %q, want %q", got, c.open)
			}
			if !next.Equal(c.next) {
				t.Errorf("got the next change at %s, want %s", next, c.next)
			}
		})
	}
}

func TestAWindowKnowsWhatClientsAreTold(t *testing.T) {
	open, _ := windowsOf(api.Plan{Page: "Northwind", URL: "https://status.northwind.example/", Maintenances: []api.PlannedMaintenance{
		planned("mnt_1", status.InProgress, "app"),
	}}, noon, noon)
	want := window{
		maintenance: "mnt_1", title: "Database upgrade", report: "https://status.northwind.example/incidents/mnt_1", page: "Northwind",
		announced: status.Window{Start: noon, End: noon.Add(time.Hour)}, expected: noon.Add(time.Hour),
	}
	if open["app"] != want {
		t.Errorf("got %+v, want %+v", open["app"], want)
	}
}

// interruption is one of the server's.
func interruption(id string, lapses time.Time, flows ...string) status.Interruption {
	return status.Interruption{ID: id, Flows: flows, Opened: lapses.Add(-time.Minute), Lapses: lapses}
}

// planNow is a plan with one maintenance under way, for the flow messenger, and interruptions.
func planNow(revision int64, interruptions ...status.Interruption) api.Plan {
	now := time.Now()
	m := planned("mnt_1", status.InProgress, "messenger")
	m.Window = status.Window{Start: now.Add(-time.Minute), End: now.Add(time.Hour)}
	m.Expected, m.Interruptions = m.Window.End, interruptions
	return api.Plan{Revision: revision, At: now, Page: "Northwind", Maintenances: []api.PlannedMaintenance{m}}
}

// openIn are the ids of the interruptions in force in a flow.
func openIn(g *Gate, flow string) string {
	for _, f := range g.State().Flows {
		if f.Flow == flow {
			return strings.Join(slices.Sorted(slices.Values(f.Interruptions)), " ")
		}
	}
	return "no such flow"
}

func wantOpen(t *testing.T, g *Gate, flow, want string) {
	t.Helper()
	if got := openIn(g, flow); got != want {
		t.Errorf("got interruptions %q in %s, want %q", got, flow, want)
	}
}

func TestAPlanOpensAndEndsItsInterruptionsAndNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger", "app")
		h.interrupt("mine", "messenger")
		soon := time.Now().Add(time.Minute)
		h.gate.Apply(planNow(1, interruption("one", soon, "messenger", "elsewhere"), interruption("two", soon, "messenger", "app")))
		wantOpen(t, h.gate, "messenger", "mine one two")
		wantOpen(t, h.gate, "app", "two")
		h.gate.Apply(planNow(2, interruption("two", soon, "messenger")))
		wantOpen(t, h.gate, "messenger", "mine two")
		wantOpen(t, h.gate, "app", "")
		closed := interruption("two", soon, "messenger")
		closed.Closed = time.Now()
		h.gate.Apply(planNow(3, closed))
		wantOpen(t, h.gate, "messenger", "mine")
		h.gate.Apply(api.Plan{Revision: 4})
		wantOpen(t, h.gate, "messenger", "mine")
	})
}

func TestAnInterruptionOfThePlanLapsesWhenItIsNotExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		began := time.Now()
		h.gate.Apply(planNow(1, interruption("one", began.Add(time.Minute), "messenger")))
		h.gate.Apply(planNow(2, interruption("one", began.Add(2*time.Minute), "messenger")))
		pass(90 * time.Second)
		wantOpen(t, h.gate, "messenger", "one")
		pass(40 * time.Second)
		wantOpen(t, h.gate, "messenger", "")
		h.gate.Apply(planNow(2, interruption("one", began.Add(2*time.Minute), "messenger")))
		wantOpen(t, h.gate, "messenger", "")
	})
}

func TestAnOldPlanIsIgnoredUnlessTheServerWasPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		soon := time.Now().Add(time.Minute)
		h.gate.Apply(planNow(7, interruption("seven", soon, "messenger")))
		h.gate.Apply(planNow(6))
		wantOpen(t, h.gate, "messenger", "seven")
		h.gate.Apply(planNow(7))
		wantOpen(t, h.gate, "messenger", "")
		h.gate.plans.take(planNow(3, interruption("three", soon, "messenger")), true) // it may be a node that is behind
		h.gate.plans.take(planNow(2), false)
		pass(doubt - time.Millisecond)
		h.gate.plans.look()
		wantOpen(t, h.gate, "messenger", "")
		pass(time.Millisecond)
		h.gate.plans.look()
		wantOpen(t, h.gate, "messenger", "three")
		if got := h.gate.State().Revision; got != 3 {
			t.Errorf("got revision %d, want 3", got)
		}
	})
}

func TestANodeThatIsBehindEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		soon := time.Now().Add(time.Minute)
		h.gate.plans.take(planNow(7, interruption("seven", soon, "messenger")), true)
		h.gate.plans.lost()
		h.gate.plans.take(planNow(6), true)
		wantOpen(t, h.gate, "messenger", "seven")
		pass(time.Second)
		h.gate.plans.take(planNow(7, interruption("seven", soon, "messenger")), false) // it has caught up
		pass(doubt)
		h.gate.plans.look()
		wantOpen(t, h.gate, "messenger", "seven")
	})
}

func TestALapseIsReadOnTheServersClock(t *testing.T) {
	for _, c := range []struct {
		name         string
		ahead, lasts time.Duration
	}{
		{"a second of difference may be the wire", time.Second, 60 * time.Second},
		{"the server is ten seconds ahead", 10 * time.Second, 50 * time.Second},
		{"the server is ten seconds behind", -10 * time.Second, 70 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, Config{}, "messenger")
				plan := planNow(1, interruption("one", time.Now().Add(time.Minute), "messenger"))
				plan.At = plan.At.Add(c.ahead)
				h.gate.Apply(plan)
				pass(c.lasts - time.Second)
				wantOpen(t, h.gate, "messenger", "one")
				pass(2 * time.Second)
				wantOpen(t, h.gate, "messenger", "")
			})
		})
	}
}

func TestWindowsOpenAndCloseOnTimeWithoutAWordOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		go func() { _ = h.gate.plans.run(t.Context()) }()
		plan := planNow(1)
		plan.Maintenances[0].State = status.Scheduled
		plan.Maintenances[0].Window = status.Window{Start: time.Now().Add(601 * time.Second), End: time.Now().Add(1202 * time.Second)}
		synctest.Wait()
		h.gate.Apply(plan)
		for _, c := range []struct {
			after time.Duration
			open  bool
		}{{0, false}, {601*time.Second - time.Millisecond, false}, {time.Millisecond, true}, {601*time.Second - time.Millisecond, true}, {time.Millisecond, false}} {
			pass(c.after)
			synctest.Wait()
			if got := h.lane("messenger").window.Load() != nil; got != c.open {
				t.Errorf("after another %s: got the window open: %t, want %t", c.after, got, c.open)
			}
		}
	})
}

func TestANewFlowTakesThePlanInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "app")
		h.gate.Apply(planNow(1, interruption("one", time.Now().Add(time.Minute), "messenger")))
		lay := h.gate.layout.Load()
		c := Config{Upstreams: lay.configs}
		for _, name := range []string{"app", "messenger"} {
			c.Flows = append(c.Flows, Flow{Name: name, Upstream: "product"})
		}
		if err := h.gate.Reload(c); err != nil {
			t.Fatal(err)
		}
		wantOpen(t, h.gate, "messenger", "one")
		if h.lane("messenger").window.Load() == nil {
			t.Error("got no window for the new flow, want that of the maintenance under way")
		}
	})
}
