package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/upstream"
)

// station is a server on loopback that does what a test says. It has one step for each stream that is asked for; the last
// is done again and again.
type station struct {
	*testing.T
	url    string
	steps  []http.HandlerFunc
	asked  atomic.Int32 // streams
	states chan api.GateState
	loses  atomic.Int32 // so many acknowledgements of batches

	mu sync.Mutex
	counter
}

func newStation(t *testing.T, steps ...http.HandlerFunc) *station {
	s := &station{T: t, steps: steps, states: make(chan api.GateState, 1000)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.Prefix+"/gates/gate-1/plan", func(w http.ResponseWriter, r *http.Request) {
		n := int(s.asked.Add(1))
		s.steps[min(n, len(s.steps))-1](w, r)
	})
	mux.HandleFunc("POST "+api.Prefix+"/gates/gate-1/state", func(w http.ResponseWriter, r *http.Request) {
		var is api.GateState
		if err := json.NewDecoder(r.Body).Decode(&is); err != nil {
			t.Errorf("got a state that cannot be read: %v", err)
		}
		s.states <- is
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+api.Prefix+"/gates/gate-1/outcomes", s.outcomes)
	front := httptest.NewServer(mux)
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections) // streams last until then
	s.url = front.URL
	return s
}

func (s *station) outcomes(w http.ResponseWriter, r *http.Request) {
	var batch api.OutcomeBatch
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		s.Errorf("got a batch that cannot be read: %v", err)
	}
	s.mu.Lock()
	s.count(batch)
	s.mu.Unlock()
	if s.loses.Add(-1) >= 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *station) counted() api.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

func (s *station) client() Server {
	return &api.Client{Server: s.url, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// says streams texts as they are, and then nothing more until the client leaves.
func says(texts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", api.EventStream)
		for _, text := range texts {
			_, _ = io.WriteString(w, text)
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// breaks streams texts and ends.
func breaks(texts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", api.EventStream)
		_, _ = io.WriteString(w, strings.Join(texts, ""))
	}
}

func fails(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// event is a plan as a stream brings it.
func event(plan api.Plan) string {
	data, _ := json.Marshal(plan)
	return fmt.Sprintf("id: %d\nevent: plan\ndata: %s\n\n", plan.Revision, data)
}

// follow has the rig's gate follow a server until the function that it returns is called.
func (r *rig) follow(home Home) (stop func()) {
	r.Helper()
	home.Name = "gate-1"
	ctx, cancel := context.WithCancel(r.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.gate.Follow(ctx, home) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				r.Error(err)
			}
		})
	}
	r.Cleanup(stop)
	return stop
}

func TestAGateHearsThePlanWhateverHappensToTheStream(t *testing.T) {
	soon := time.Now().Add(time.Minute)
	problem := `{"title":"Internal Server Error","status":500,"code":"internal"}`
	s := newStation(
		t,
		fails(http.StatusInternalServerError, api.ProblemType, problem),
		fails(http.StatusOK, "text/html", "<p>Welcome</p>"),
		breaks(event(planNow(4, interruption("four", soon, "messenger")))),
		breaks(": only a comment\n\n", "event: other\ndata: {}\n\n", "event: plan\ndata: {\n\n"),
		breaks("data: "+strings.Repeat("x", 17<<20)),
		says(event(planNow(2, interruption("two", soon, "messenger"))), ":\n\n", event(planNow(1)), event(planNow(3, interruption("three", soon, "messenger")))),
	)
	r := newRig(t, holding, nil)
	r.follow(Home{Server: s.client(), Dir: t.TempDir(), Version: "1.2.3"})
	r.await("the fourth plan", func() bool { return openIn(r.gate, "messenger") == "four" })
	r.await("the third plan, of a server that was put back", func() bool { return openIn(r.gate, "messenger") == "three" })
	for is := range s.states {
		if is.Revision == 3 && is.Version == "1.2.3" && is.Flows[0].State == api.FlowInterrupted {
			return
		}
	}
}

func TestARestartWithTheServerAwayUsesThePlanOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := newStation(t, says(event(planNow(7, interruption("seven", time.Now().Add(time.Minute), "messenger")))))
	first := newRig(t, holding, nil)
	stop := first.follow(Home{Server: s.client(), Dir: dir})
	first.await("the plan on disk", func() bool { _, err := os.Stat(filepath.Join(dir, planName)); return err == nil })
	stop()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v for the directory, want it for its owner alone", info.Mode(), err)
	}
	second := newRig(t, holding, nil)
	second.follow(Home{Server: &api.Client{Server: "http://127.0.0.1:1"}, Dir: dir})
	second.await("the plan of before", func() bool { return openIn(second.gate, "messenger") == "seven" })
	if second.lane().window.Load() == nil {
		t.Error("got no window, want that of the plan on disk")
	}
	held := second.later(http.MethodGet, "/", "")
	second.awaitHeld(1)
	second.gate.End("seven")
	if a := <-held; a.status != http.StatusOK {
		t.Errorf("got %d, want 200", a.status)
	}
}

func TestAPlanOnDiskThatIsNoneIsSetAside(t *testing.T) {
	for name, text := range map[string]string{
		"torn": `{"heard":"2026-11-21T12:00:00Z","plan":{"revi`, "empty": "", "foreign": `{"name":"interlude"}`, "null": "null",
		"huge": strings.Repeat(" ", largestFile+1),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, planName), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			log := &lines{}
			d, err := openDisk(dir, slog.New(slog.NewTextHandler(log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			if _, ok := d.plan(); ok {
				t.Error("got a plan, want none")
			}
			if _, ok := d.plan(); ok || log.count("level=ERROR") != 1 {
				t.Errorf("got this logged, want it told once:\n%s", log)
			}
			if _, err := os.Stat(filepath.Join(dir, planName+asideSuffix)); err != nil {
				t.Errorf("got %v, want the file set aside", err)
			}
		})
	}
}

func TestEachRequestIsCountedOnceWhateverIsRestartedOrLost(t *testing.T) {
	dir := t.TempDir()
	s := newStation(t, says(event(planNow(1))))
	const rounds, each = 3, 20
	for round := range rounds {
		r := newRig(t, holding, nil)
		home := Home{Server: s.client(), Dir: dir}
		if round == 1 {
			home.Server = &api.Client{Server: "http://127.0.0.1:1"} // away: the plan and the outcomes are on disk
		}
		s.loses.Store(3)
		stop := r.follow(home)
		r.await("the window", func() bool { return r.lane().window.Load() != nil })
		for range each {
			if a := r.send(http.MethodGet, "/", ""); a.status != http.StatusOK {
				t.Fatalf("got %d, want 200", a.status)
			}
		}
		if round == 0 {
			r.await("what was measured", func() bool { return s.counted().Requests == each })
		}
		r.await("its own count", func() bool { return r.gate.Counts()["messenger"].Requests == each })
		stop()
	}
	s.loses.Store(0)
	r := newRig(t, holding, nil)
	r.follow(Home{Server: s.client(), Dir: dir})
	files := func() int {
		left, _ := filepath.Glob(filepath.Join(dir, outcomesName, "*"))
		return len(left)
	}
	r.await("all to be sent", func() bool { return files() == 0 })
	if got := s.counted(); got.Requests != rounds*each || got.Passed != rounds*each {
		t.Errorf("got %+v counted, want %d requests that passed", got, rounds*each)
	}
}

func TestTheServerCountsWhatTheClientsSawWhileTheProductRestarted(t *testing.T) {
	s := newStation(t, says(event(planNow(1))))
	m := newMachine(t, upstream.Health{Path: "/healthz"}, Find{}, map[string][]Step{"messenger": chainWaits})
	stop := m.follow(Home{Server: s.client(), Dir: t.TempDir()})
	m.await("the window", func() bool { return m.gate.lanes["messenger"].window.Load() != nil })
	const clients, each = 20, 100
	var done, well atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				if a := m.get(t.Context(), "/messenger"); a.status == http.StatusOK {
					well.Add(1)
				}
				done.Add(1)
			}
		})
	}
	m.await("half of it", func() bool { return done.Load() >= clients*each/2 })
	m.off()
	m.await("all to wait", func() bool { return m.gate.lanes["messenger"].state("").Held == clients })
	m.on()
	all.Wait()
	m.awaitPhase("messenger", normal)
	m.await("the gate's count", func() bool { return m.gate.Counts()["messenger"].Requests == clients*each })
	stop()
	got := s.counted()
	if well.Load() != clients*each || got.Requests != clients*each || got.Passed+got.Held != well.Load() || got.Held < clients {
		t.Errorf("got %d answered well and %+v counted, want %d of both, at least %d of them held", well.Load(), got, clients*each, clients)
	}
}

func FuzzPlanOnDisk(f *testing.F) {
	whole, _ := json.Marshal(keptPlan{Heard: noon, Plan: planNow(1, interruption("one", noon.Add(100000*time.Hour), "messenger"))})
	for _, seed := range []string{string(whole), "{}", `{"heard":"2026-11-21T12:00:00Z","server_ahead_ns":9223372036854775807,"plan":{"at":"0001-01-02T00:00:00Z","maintenances":[{}]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept, err := parsePlan(data)
		if err != nil {
			return
		}
		g, err := New(Config{
			Flows:     []Flow{{Name: "messenger", Upstream: "product"}},
			Upstreams: map[string]upstream.Config{"product": {Addresses: []string{"http://127.0.0.1:1"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		g.plans.recall(kept.Plan, kept.Heard, kept.Ahead)
		g.Apply(planNow(max(kept.Plan.Revision, 0)))
		for _, l := range g.live() {
			l.abandon()
		}
	})
}
