package gate

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/status"
	"example.org/interlude/upstream"
)

// machine is a product on loopback that can be switched off and on again.
type machine struct {
	*rig
	address string
	server  *http.Server
	code    atomic.Int32 // of every answer; 0 is 200
	asked   atomic.Int64
}

// newMachine starts a gate with flows in front of one product, and the flows' windows are open.
func newMachine(t *testing.T, health upstream.Health, find Find, chains map[string][]Step) *machine {
	t.Helper()
	m := &machine{rig: &rig{T: t}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = l.Addr().String()
	m.serveOn(l)
	t.Cleanup(m.off)
	find.Every = 10 * time.Millisecond
	c := Config{Find: find, Upstreams: map[string]upstream.Config{"product": {Addresses: []string{"http://" + m.address}, Health: health}}}
	for name, chain := range chains {
		c.Flows = append(c.Flows, Flow{Name: name, Match: []Match{{Path: "/" + name}}, Upstream: "product", Interrupted: chain})
	}
	m.start(c)
	return m
}

func (m *machine) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.asked.Add(1)
	if code := int(m.code.Load()); code != 0 {
		w.WriteHeader(code)
	}
	_, _ = io.WriteString(w, "fine")
}

func (m *machine) serveOn(l net.Listener) {
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(m.server)
}

func (m *machine) off() { _ = m.server.Close() }

func (m *machine) on() {
	m.Helper()
	var l net.Listener
	m.await("the product's address", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", m.address)
		return err == nil
	})
	m.serveOn(l)
}

// openWindow says that a maintenance is under way that promises something about flows.
func (m *machine) openWindow(revision int64, flows ...string) {
	plan := planNow(revision)
	plan.Maintenances[0].Promises = planned("", status.InProgress, flows...).Promises
	m.gate.Apply(plan)
}

func (m *machine) awaitPhase(flow string, want phase) {
	m.Helper()
	m.await(flow+" to be "+want.String(), func() bool { return phase(m.gate.lanes[flow].phase.Load()) == want })
}

// get sends until ctx ends, and says how it ended.
func (m *machine) get(ctx context.Context, path string) answer {
	return m.sendIn(ctx, http.MethodGet, path, http.NoBody, "Accept", "application/json")
}

var (
	chainWaits   = []Step{{Do: DoHold, Hold: Hold{For: 30 * time.Second}}}
	chainRefuses = []Step{{Do: DoReject}}
	chainPasses  = []Step{{Do: DoPass}}
)

func TestInsideAWindowAProductThatIsRestartedIsAnInterruption(t *testing.T) {
	for _, c := range []struct {
		name   string
		health upstream.Health
	}{{"found by its health", upstream.Health{Path: "/healthz"}}, {"found by its connections", upstream.Health{}}} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t, c.health, Find{}, map[string][]Step{"messenger": chainWaits, "api": chainRefuses})
			m.gate.meter.follow(true) // so that the spans are kept until the test asks for them
			m.openWindow(1, "messenger", "api")
			m.off()
			held := m.later(http.MethodGet, "/messenger", "")
			m.awaitPhase("messenger", interrupted)
			m.awaitPhase("api", interrupted)
			m.await("it held", func() bool { return m.gate.lanes["messenger"].state("").Held == 1 })
			if a := m.get(t.Context(), "/api"); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
				t.Errorf("got %d with Retry-After %q, want 503 with one", a.status, a.header.Get("Retry-After"))
			}
			if got := openIn(m.gate, "messenger"); !strings.HasPrefix(got, "found-") || len(got) != len("found-12345678") {
				t.Errorf("got the interruption %q, want one that was found", got)
			}
			m.on()
			if a := <-held; a.status != http.StatusOK {
				t.Errorf("got %d, want 200: %s", a.status, a.body)
			}
			m.awaitPhase("messenger", normal)
			m.awaitPhase("api", normal)
			spans := m.gate.lanes["messenger"].takeSpans()
			if len(spans) != 1 || spans[0].Maintenance != "mnt_1" || spans[0].Cause == "" || spans[0].Interruption != "" || spans[0].Drained.IsZero() {
				t.Errorf("got spans %+v, want one that was found, of mnt_1, drained", spans)
			}
		})
	}
}

func TestProbesFindWhatNobodyHasAskedFor(t *testing.T) {
	m := newMachine(t, upstream.Health{}, Find{}, map[string][]Step{"messenger": chainWaits})
	m.openWindow(1, "messenger")
	m.off()
	m.awaitPhase("messenger", interrupted)
}

func TestNothingIsFoundWhereNothingIsPromised(t *testing.T) {
	for _, c := range []struct {
		name  string
		find  Find
		flow  string
		chain []Step
	}{
		{"a flow that no promise names", Find{}, "other", chainWaits},
		{"a flow that passes while it is interrupted", Find{}, "messenger", chainPasses},
		{"finding is off", Find{Off: true}, "messenger", chainWaits},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine(t, upstream.Health{}, c.find, map[string][]Step{c.flow: c.chain, "api": chainRefuses})
			m.openWindow(1, "messenger", "api")
			m.off()
			if !c.find.Off {
				m.awaitPhase("api", interrupted) // so that there was time to find the other one
			}
			for range 5 {
				ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
				if c.flow == "other" {
					if a := m.get(ctx, "/"+c.flow); a.status != http.StatusBadGateway {
						t.Errorf("got %d, want 502 at once", a.status)
					}
				} else {
					m.get(ctx, "/"+c.flow)
				}
				stop()
			}
			wantOpen(t, m.gate, c.flow, "")
		})
	}
}

func TestOneWhoWaitsTriesWhetherAProductIsBackThatAnswers503(t *testing.T) {
	m := newMachine(t, upstream.Health{}, Find{}, map[string][]Step{"messenger": chainWaits})
	m.openWindow(1, "messenger")
	m.code.Store(http.StatusServiceUnavailable)
	var held []<-chan answer
	for range 4 {
		held = append(held, m.later(http.MethodGet, "/messenger", ""))
	}
	m.awaitPhase("messenger", interrupted)
	m.await("all to be held", func() bool { return m.gate.lanes["messenger"].state("").Held >= 3 }) // one may be trying
	found, before := openIn(m.gate, "messenger"), m.asked.Load()
	m.await("trials", func() bool { return m.asked.Load() >= before+5 })
	if got := openIn(m.gate, "messenger"); got == "" || got != found {
		t.Errorf("got the interruption %q while the product answers 503, want still %q", got, found)
	}
	m.code.Store(0)
	for _, a := range held {
		if a := <-a; a.status != http.StatusOK {
			t.Errorf("got %d, want 200: %s", a.status, a.body)
		}
	}
	m.awaitPhase("messenger", normal)
}

func TestWhileTheServersInterruptionIsOpenNoneIsFound(t *testing.T) {
	m := newMachine(t, upstream.Health{Path: "/healthz"}, Find{}, map[string][]Step{"messenger": chainWaits, "api": chainRefuses})
	plan := planNow(1, interruption("one", time.Now().Add(time.Minute), "messenger"))
	plan.Maintenances[0].Promises = planned("", status.InProgress, "messenger", "api").Promises
	m.gate.Apply(plan)
	m.off()
	m.awaitPhase("api", interrupted) // found there, so there was time to find it in the other
	wantOpen(t, m.gate, "messenger", "one")
	m.openWindow(2, "messenger", "api")
	m.await("what is left to be found", func() bool { return strings.HasPrefix(openIn(m.gate, "messenger"), "found-") })
	m.on()
	m.awaitPhase("messenger", normal)
}

func TestWhatWasFoundEndsWithTheWindow(t *testing.T) {
	m := newMachine(t, upstream.Health{}, Find{}, map[string][]Step{"messenger": chainWaits})
	m.openWindow(1, "messenger")
	m.off()
	m.awaitPhase("messenger", interrupted)
	held := m.later(http.MethodGet, "/messenger", "")
	m.await("it held", func() bool { return m.gate.lanes["messenger"].state("").Held == 1 })
	m.openWindow(2)
	m.awaitPhase("messenger", normal)
	if a := <-held; a.status != http.StatusBadGateway {
		t.Errorf("got %d, want 502: no maintenance excuses it any more", a.status)
	}
}

func TestWhatWasFoundCanBeEndedByHand(t *testing.T) {
	m := newMachine(t, upstream.Health{}, Find{}, map[string][]Step{"messenger": chainWaits})
	m.openWindow(1, "messenger")
	m.off()
	m.awaitPhase("messenger", interrupted)
	first := openIn(m.gate, "messenger")
	m.gate.End(first)
	m.await("it found anew", func() bool { now := openIn(m.gate, "messenger"); return now != "" && now != first })
}

func TestTheReasonOfAnInterruptionIsOnePlainShortLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"connection refused", "connection refused"},
		{"503 Bad\r\nThing\x00\x1b[31m", "503 Bad  Thing  [31m"},
		{"\xff\xfe", "?"},
		{strings.Repeat("ä", 300), strings.Repeat("ä", 200)},
	} {
		if got := plainLine(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func BenchmarkWellOutsideInterruptions(b *testing.B) {
	l := newLane("messenger", nil)
	f := newFinder(nil)
	for b.Loop() {
		f.well(l)
	}
}
