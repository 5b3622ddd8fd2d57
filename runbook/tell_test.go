package runbook

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// server is one that remembers what it is told, and can be away.
type server struct {
	*httptest.Server
	mutex         sync.Mutex
	away          bool
	said          []string
	maintenance   api.Maintenance
	interruptions []status.Interruption
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.maintenance.ID, s.maintenance.State = "db", status.Scheduled
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP answers as a server does.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, api.Prefix+"/maintenances/db")
	var answer any = s.maintenance
	if r.Method == http.MethodPost {
		s.said = append(s.said, strings.Trim(path, "/"))
	}
	switch {
	case path == "/begin":
		s.maintenance.State = status.InProgress
	case path == "/work":
		s.maintenance.Unfinished = append(s.maintenance.Unfinished, status.Unfinished{What: api.Step, Name: workName})
	case path == "/work"+"/close":
		s.maintenance.Unfinished = nil
	case path == "/post":
		var act api.Act
		_ = json.NewDecoder(r.Body).Decode(&act)
		s.said[len(s.said)-1] += " " + act.Body
	case path == "/interruptions" && r.Method == http.MethodGet:
		answer = api.List[status.Interruption]{Items: s.interruptions}
	case path == "/interruptions":
		var ask api.InterruptionRequest
		_ = json.NewDecoder(r.Body).Decode(&ask)
		s.interruptions = append(s.interruptions, status.Interruption{ID: "i1", Flows: ask.Flows, Reason: ask.Reason, Opened: time.Now()})
		answer = s.interruptions[len(s.interruptions)-1]
	case strings.HasPrefix(path, "/interruptions/"):
		for i := range s.interruptions {
			if strings.HasSuffix(path, "close") {
				s.interruptions[i].Closed = time.Now()
			}
			answer = s.interruptions[i]
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// goAway makes the server answer, or not.
func (s *server) goAway(away bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.away = away
}

func (s *server) heard() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Join(s.said, ", ")
}

// tells makes a rig tell a server.
func (r *rig) tells(s *server) *rig {
	r.Server, r.Ref, r.Begin = &api.Client{Server: s.URL}, "db", true
	return r
}

const interruption = "steps:\n  - interrupt: {flows: [app], at_most: 20s, reason: restart, steps: [{run: {command: [true]}}]}\n"

func TestTheServerIsToldInOrder(t *testing.T) {
	s := newServer(t)
	r := newRig(t, interruption).tells(s)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := s.heard(), "begin, work, interruptions, interruptions/i1/close, work/close"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAServerThatIsAwayDoesNotStopTheWorkAndIsToldLater(t *testing.T) {
	s := newServer(t)
	s.goAway(true)
	log := filepath.Join(t.TempDir(), "log")
	r := newRig(t, strings.Replace(interruption, "run: {command: [true]}", appends(log, "a"), 1)).tells(s)
	r.Patience = 200 * time.Millisecond
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fileText(t, log); got != "a" || s.heard() != "" {
		t.Errorf("got %s done and %s heard, want the work done and nothing heard", got, s.heard())
	}
	s.goAway(false)
	r.open()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.heard()
	if !strings.HasPrefix(got, "begin, work, post From ") || !strings.HasSuffix(got, " UTC app was interrupted., work/close") {
		t.Errorf("got %s, want all of it in order", got)
	}
	if got := fileText(t, log); got != "a" {
		t.Errorf("got %s, want nothing done twice", got)
	}
}

func TestARunnerElsewhereIsRefusedByWhatTheServerKnows(t *testing.T) {
	s := newServer(t)
	s.maintenance.Unfinished = []status.Unfinished{{What: api.Step, Name: workName}}
	if err := newRig(t, interruption).tells(s).Run(t.Context()); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want %v", err, ErrLocked)
	}
}

func TestAnInterruptionOfARunnerThatDiedIsTakenOver(t *testing.T) {
	s := newServer(t)
	s.interruptions = []status.Interruption{{ID: "i1", Flows: []string{"app"}, Reason: "restart (runbook, step 1)", Opened: time.Now()}}
	if err := newRig(t, interruption).tells(s).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := s.heard(), "begin, work, interruptions/i1/extend, interruptions/i1/close, work/close"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheDeadManEndsTheInterruptionWhenTheBoundPassesAlthoughTheRunnerHangs(t *testing.T) {
	s := newServer(t)
	s.interruptions = []status.Interruption{{ID: "i1"}}
	g := &guardClient{command: guardCommand(), log: filepath.Join(t.TempDir(), "log")}
	if err := g.bound(t.Context(), time.Now().Add(300*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := g.interrupted(t.Context(), s.URL, "", "db", "i1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the interruption ended", func() bool { return s.heard() == "interruptions/i1/close" })
	g.close()
	if got, want := s.heard(), "interruptions/i1/close"; got != want {
		t.Errorf("got %s, want %s: once", got, want)
	}
}

func TestAGateIsQuietOnceNothingReachesTheProduct(t *testing.T) {
	now := time.Now()
	i := status.Interruption{ID: "i1", Flows: []string{"app"}}
	gate := func(name string, seen time.Time, f api.FlowState) api.Gate {
		return api.Gate{Name: name, Seen: seen, State: api.GateState{Flows: []api.FlowState{f, {Flow: "other", InFlight: 9}}}}
	}
	held := api.FlowState{Flow: "app", Interruptions: []string{"i1"}}
	busy := held
	busy.InFlight = 2
	for _, c := range []struct {
		gates []api.Gate
		want  string
	}{
		{nil, "no gate has the flow app"},
		{[]api.Gate{gate("a", now, held), gate("b", now, api.FlowState{Flow: "app"})}, "b does not interrupt app yet"},
		{[]api.Gate{gate("a", now, busy)}, "a has 2 requests of app under way"},
		{[]api.Gate{gate("a", now, held), gate("b", now.Add(-time.Minute), busy)}, ""},
	} {
		if got := notQuiet(i, c.gates, now); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
