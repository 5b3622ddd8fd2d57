package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/spool"
	"example.org/interlude/upstream"
)

// lateCourier is a courier that is known only when there is a gate, which needs the spool before.
type lateCourier struct{ is atomic.Pointer[spool.Courier] }

func (c *lateCourier) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	return (*c.is.Load()).Deliver(ctx, e)
}

// got is a request as it reached the product.
type got struct {
	*http.Request
	body []byte
}

// sorting is a gate whose flow messenger queues, with a real spool, before a product that keeps what it gets.
type sorting struct {
	*rig
	spool  *spool.Spool
	late   *lateCourier
	config Config
	mu     sync.Mutex
	came   []got
	answer atomic.Pointer[http.HandlerFunc] // of the product; nil is 200
}

// newSorting starts all of them. Handing over has begun.
func newSorting(t *testing.T, limits spool.Limits, steps ...Step) *sorting {
	t.Helper()
	s := &sorting{rig: &rig{T: t}, late: &lateCourier{}}
	var err error
	s.spool, err = spool.Open(t.Context(), spool.Config{
		Journal: spool.NewMemory(), Limits: limits,
		Flows: map[string]spool.Flow{"messenger": {Courier: s.late, From: 1000, Again: 10 * time.Millisecond, Most: 20 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.config = Config{
		Flows:     []Flow{{Name: "messenger", Upstream: "product", Interrupted: steps}},
		Upstreams: map[string]upstream.Config{"product": {Addresses: []string{s.product()}}}, Spool: s.spool, Entries: s.spool,
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	t.Cleanup(func() { // after the gate
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.spool.Close(); err != nil {
			t.Error(err)
		}
	})
	s.start(s.config)
	s.carryBy(s.gate)
	s.gate.meter.follow(true) // so that the spans are kept until a test asks for them
	go func() { done <- s.spool.Run(ctx) }()
	s.gate.Apply(api.Plan{})
	s.await("handing over to begin", func() bool { return !s.spool.Figures()["messenger"].Held })
	return s
}

// carryBy has a gate hand over.
func (s *sorting) carryBy(g *Gate) {
	courier := g.Courier("messenger")
	s.late.is.Store(&courier)
}

// product starts a product and gives its address. Its health is nobody's request.
func (s *sorting) product() string {
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			return
		}
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.came = append(s.came, got{r, body})
		s.mu.Unlock()
		if answer := s.answer.Load(); answer != nil {
			(*answer)(w, r)
		}
	}))
	s.Cleanup(p.Close)
	return p.URL
}

func (s *sorting) answers(as http.HandlerFunc) { s.answer.Store(&as) }

// arrived are the requests that reached the product so far.
func (s *sorting) arrived() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]got(nil), s.came...)
}

func (s *sorting) awaitArrived(n int) []got {
	s.Helper()
	s.await("requests at the product", func() bool { return len(s.arrived()) >= n })
	return s.arrived()
}

// queued sends a request that has to be queued, and gives its id.
func (s *sorting) queued(method, path, body string, header ...string) string {
	s.Helper()
	a := s.send(method, path, body, header...)
	var told struct{ ID, Status string }
	err := json.NewDecoder(bytes.NewReader([]byte(a.body))).Decode(&told)
	if a.status != http.StatusAccepted || err != nil || told.ID == "" || told.Status != queuedPath+told.ID || a.header.Get("Location") != told.Status {
		s.Fatalf("got %d %q with Location %q, want 202 with an id and its link", a.status, a.body, a.header.Get("Location"))
	}
	return told.ID
}

// state is what the status link says.
func (s *sorting) state(id string) queuedState {
	s.Helper()
	a := s.send(http.MethodGet, queuedPath+id, "")
	var is queuedState
	if err := json.Unmarshal([]byte(a.body), &is); err != nil || a.status != http.StatusOK {
		s.Fatalf("got %d %q, want 200 with the state of %s", a.status, a.body, id)
	}
	return is
}

func (s *sorting) awaitState(id string, want spool.State) queuedState {
	s.Helper()
	s.await(id+" to be "+string(want), func() bool { return s.state(id).State == want })
	return s.state(id)
}

func (s *sorting) awaitPhase(want phase) {
	s.Helper()
	s.await("the flow to be "+want.String(), func() bool { return phase(s.lane().phase.Load()) == want })
}

// bodies are those of requests, in order.
func bodiesOf(all []got) string {
	var texts []string
	for _, g := range all {
		texts = append(texts, string(g.body))
	}
	return strings.Join(texts, " ")
}

var queueing = Step{Do: DoQueue}
