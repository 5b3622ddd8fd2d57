package main

import (
	"fmt"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// The rounds of the restart under load. What is announced happens in those before foundRound; in it, nobody tells the gate.
const (
	toldRound = iota + 1
	killedRound
	foundRound
)

// The clients of the restart under load.
const (
	messengers = 20
	programs   = 16
)

// theProduct is the gate's configuration before the application: the messenger waits, programs are refused.
func theProduct(address string) string {
	return fmt.Sprintf(`upstreams:
  app: {to: ['http://%s'], health: {path: /healthz, every: 500ms}}
flows:
  - {name: messenger, match: [{path: /messenger}], upstream: app, interrupted: {do: hold, for: 60s}}
  - {name: api, match: [{path: /api}], upstream: app, interrupted: reject}
`, address)
}

// TestARestartUnderLoadHarmsNoRequest restarts the database of a product three times while 36 clients use it, and then asks the
// clients, the database, the gate and the server what became of each request.
//
// The first two times the gate is told. Then every request of the messenger is answered by the product, each write is done
// once, and programs get either an answer of the product or a 503 that says when to come back, of which nothing was written. The
// second time the product restarts too, and the server is killed while the gate holds.
//
// The third time nobody tells the gate. Reads of the messenger are all answered still. A write that had reached the product
// when that broke may have been done or not, and the gate cannot know: it is refused like those of programs and never
// repeated, so that it is done once or not at all.
func TestARestartUnderLoadHarmsNoRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	t.Parallel()
	db := newDatabase(t)
	app := newApplication(t, db)
	s := newStage(t, theProduct(app.address),
		status.Promise{Audience: "People in the messenger", Flow: "messenger", Promise: status.Uninterrupted},
		status.Promise{Audience: "Programs", Flow: "api", Promise: status.Unavailable})
	l := newLoad(s.url)
	l.add(t.Context(), messengers, "messenger", writeTwiceReadOnce("/messenger/messages", "/messenger/inbox"))
	l.add(t.Context(), programs, "api", writeTwiceReadOnce("/api/orders", "/api/orders"))

	l.round.Store(toldRound)
	s.awaitAnswers(l)
	s.interrupt()
	db.restart()
	s.awaitAllWait()
	app.awaitHealth()
	s.interlude("interrupt", "end", upgrade)
	s.awaitAnswers(l)

	l.round.Store(killedRound)
	s.interrupt()
	s.server.kill()
	db.stop()
	app.stop()
	s.awaitAllWait()
	db.start()
	app.start()
	app.awaitHealth()
	s.server.start()
	s.interlude("interrupt", "end", upgrade)
	s.awaitAnswers(l)

	l.round.Store(foundRound)
	db.stop()
	for _, flow := range []string{"messenger", "api"} {
		s.awaitState(flow, api.FlowInterrupted)
	}
	s.awaitAllWait()
	app.stop()
	db.start()
	app.start()
	s.awaitAnswers(l)
	l.end()
	s.eventually("end of the maintenance", func() bool {
		_, err := s.server.client().CompleteMaintenance(t.Context(), upgrade, api.Act{})
		return err == nil
	})
	checkMessenger(t, l, app.stored("messages"))
	checkPrograms(t, l, app.stored("orders"))
	s.checkCounts(l)
	s.checkSpans()
}

// interrupt has both flows interrupted, and returns when no request of theirs reaches the product any more.
func (s *stage) interrupt() {
	s.Helper()
	s.interlude("interrupt", upgrade, "--flow", "messenger", "--flow", "api", "--at-most", "2m", "--expected", "5s", "--wait", "20s")
}

// awaitAllWait waits until all clients of the messenger wait in the gate.
func (s *stage) awaitAllWait() {
	s.Helper()
	s.eventually("clients of the messenger that all wait", func() bool { return s.figure("interlude_gate_held", "flow", "messenger") == messengers })
}

// awaitAnswers waits until both flows are normal and the product has answered some hundred requests more.
func (s *stage) awaitAnswers(l *load) {
	s.Helper()
	s.awaitState("messenger", api.FlowNormal)
	s.awaitState("api", api.FlowNormal)
	from := l.well.Load()
	s.eventually("answers of the product", func() bool { return l.well.Load() > from+200 })
}

// mistakes reports no more than the first few.
type mistakes struct {
	t *testing.T
	n int
}

func (m *mistakes) add(format string, of ...any) {
	m.t.Helper()
	if m.n++; m.n <= 10 {
		m.t.Errorf(format, of...)
	}
}

// checkMessenger wants every request answered by the product; of the writes that nobody announced a restart to, those that are
// not are refused.
func checkMessenger(t *testing.T, l *load, stored map[string]int) {
	t.Helper()
	m := mistakes{t: t}
	for _, a := range l.all["messenger"] {
		if !a.ok() && (a.round != foundRound || !a.writes() || !a.refused()) {
			m.add("messenger: got %s, want it answered by the product", a)
		}
	}
	checkStored(&m, l.all["messenger"], stored)
}

// checkPrograms wants every request answered by the product or refused.
func checkPrograms(t *testing.T, l *load, stored map[string]int) {
	t.Helper()
	m := mistakes{t: t}
	for _, a := range l.all["api"] {
		if !a.ok() && !a.refused() {
			m.add("api: got %s, want 2xx, or 503 with Retry-After", a)
		}
	}
	checkStored(&m, l.all["api"], stored)
}

// checkStored wants each write that was accepted in the database once, and those that were refused nowhere; of what broke
// unannounced it is not known, but it is there no more than once.
func checkStored(m *mistakes, all []told, stored map[string]int) {
	m.t.Helper()
	for _, a := range all {
		if !a.writes() {
			continue
		}
		n := stored[a.id]
		delete(stored, a.id)
		switch {
		case a.ok() && n != 1:
			m.add("got %d rows of %s, want one", n, a)
		case !a.ok() && n > 1, !a.ok() && n > 0 && a.round != foundRound:
			m.add("got %d rows of %s, want none of what was refused", n, a)
		}
	}
	for id, n := range stored {
		m.add("got %d rows of %q, which no client sent", n, id)
	}
}

// checkCounts wants the gate and the server to have counted what the clients saw, each request once.
func (s *stage) checkCounts(l *load) {
	s.Helper()
	for _, flow := range []string{"messenger", "api"} {
		ok, refused, all := l.count(flow, told.ok), l.count(flow, told.refused), int64(len(l.all[flow]))
		passed, held, rejected := s.requests(flow, "passed"), s.requests(flow, "held"), s.requests(flow, "rejected")
		total := s.figure("interlude_gate_requests_total", "flow", flow)
		s.Logf("%s: %d requests, %d answered, %d refused; the gate passed %v, held %v, rejected %v", flow, all, ok, refused, passed, held, rejected)
		if int64(passed+held) != ok || int64(rejected) != refused || int64(total) != all {
			s.Errorf("%s: got %v passed, %v held, %v rejected of %v at the gate, want %d answered and %d refused of %d, as the clients saw it",
				flow, passed, held, rejected, total, ok, refused, all)
		}
		if flow == "messenger" && held < 3*messengers || flow == "api" && held > 0 {
			s.Errorf("%s: got %v held, want each client of the messenger held three times, and no program", flow, held)
		}
	}
	s.close() // what was measured last is told at the end
	found, err := s.server.client().Measured(s.Context(), upgrade)
	if err != nil {
		s.Fatal(err)
	}
	if len(found.Flows) != 2 {
		s.Errorf("got figures of %d flows from the server, want 2", len(found.Flows))
	}
	for _, f := range found.Flows {
		ok, refused, all := l.count(f.Flow, told.ok), l.count(f.Flow, told.refused), int64(len(l.all[f.Flow]))
		if f.Passed+f.Held != ok || f.Rejected != refused || f.Requests != all || f.Evicted+f.Expired != 0 {
			s.Errorf("%s: got %+v from the server, want %d answered and %d refused of %d, as the clients saw it", f.Flow, f.Counts, ok, refused, all)
		}
	}
}

// checkSpans wants the server to know, for each flow, of two interruptions that were told to the gate and of one that it
// found, each from its opening until the last who waited was let go.
func (s *stage) checkSpans() {
	s.Helper()
	measured, err := s.server.client().Measured(s.Context(), upgrade)
	if err != nil {
		s.Fatal(err)
	}
	byTelling, byFinding := map[string]int{}, map[string]int{}
	for _, span := range measured.Spans {
		if span.Interruption != "" {
			byTelling[span.Flow]++
		} else {
			byFinding[span.Flow]++
		}
		times := []time.Time{span.Opened, span.Closed, span.Drained}
		for i, at := range times {
			if at.IsZero() || i > 0 && at.Before(times[i-1]) {
				s.Errorf("got %+v, want it opened, closed and drained, in this order", span)
			}
		}
	}
	for _, flow := range []string{"messenger", "api"} {
		if byTelling[flow] != 2 || byFinding[flow] == 0 {
			s.Errorf("%s: got %d interruptions that were told and %d that were found, want 2, and one or more", flow, byTelling[flow], byFinding[flow])
		}
	}
}

// TestAnInterruptionLapsesAlthoughTheServerIsGone kills the server while the gate holds: those who wait are let go when the time
// is over that the interruption was given, and what became of them is told when the server is there again.
func TestAnInterruptionLapsesAlthoughTheServerIsGone(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	t.Parallel()
	product := newShop(t, 0)
	s := newStage(t, fmt.Sprintf(`upstreams: {shop: {to: ['http://%s']}}
flows:
  - {name: shop, upstream: shop, interrupted: {do: hold, for: 60s}}
`, product.address), status.Promise{Audience: "Customers", Flow: "shop", Promise: status.Uninterrupted})
	id := s.interlude("interrupt", upgrade, "--flow", "shop", "--at-most", "6s", "--wait", "5s")
	s.server.kill()
	m := mistakes{t: t}
	for _, a := range s.manyAsk("/shop") {
		if !a.ok() {
			m.add("shop: got %s, want it answered when the interruption has lapsed", a)
		}
	}
	if n, _ := product.times("/shop"); n != crowd {
		t.Errorf("got %d requests done, want %d", n, crowd)
	}
	s.server.start()
	s.close()
	found, err := s.server.client().Measured(t.Context(), upgrade)
	if err != nil || len(found.Flows) != 1 || found.Flows[0].Held != crowd || found.Flows[0].Requests != crowd {
		t.Errorf("got %+v and error %v from the server, want %d requests, all of them held", found.Flows, err, crowd)
	}
	s.eventually("interruption that the server knows to have lapsed", func() bool {
		all, err := s.server.client().Interruptions(t.Context(), upgrade)
		return err == nil && len(all) == 1 && all[0].ID == id && all[0].Lapsed
	})
}
