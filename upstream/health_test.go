package upstream_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

// moody is a product whose health is what status says.
func moody(t *testing.T, status *atomic.Int64, name string) string {
	t.Helper()
	return server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			w.WriteHeader(int(status.Load()))
			return
		}
		_, _ = w.Write([]byte(name))
	}))
}

func TestAddressesFallAndRiseByTheirChecks(t *testing.T) {
	var a, b atomic.Int64
	a.Store(200)
	b.Store(200)
	log := &journal{}
	g := newGroup(t, upstream.Config{
		Addresses: []string{moody(t, &a, "a"), moody(t, &b, "b")},
		Health:    upstream.Health{Path: "/healthz", Rise: 2, Fall: 3},
		Log:       slog.New(slog.NewTextHandler(log, nil)),
	})
	probe := func(times int) (err error) {
		for range times {
			err = g.Probe(t.Context())
		}
		return err
	}
	well := func() string {
		states := g.Addresses()
		return map[bool]string{true: "a"}[states[0].Well] + map[bool]string{true: "b"}[states[1].Well]
	}
	a.Store(503)
	if err := probe(2); err != nil || well() != "ab" {
		t.Errorf("after two failures: got %v and %q, want both well", err, well())
	}
	if err := probe(2); err != nil || well() != "b" || turns(t, g, 4) != "bbbb" {
		t.Errorf("after four failures: got %v and %q, want b alone", err, well())
	}
	b.Store(500)
	if err := probe(3); err == nil || !strings.Contains(err.Error(), "is answered with 503") || !strings.Contains(err.Error(), "500") {
		t.Errorf("when none is well: got %v, want both answers", err)
	}
	if got := turns(t, g, 4); well() != "" || strings.Count(got, "a") != 2 {
		t.Errorf("when none is well: got %q and %s, want each to be tried", well(), got)
	}
	a.Store(204)
	if err := probe(1); err != nil || well() != "" {
		t.Errorf("after one success: got %v and %q, want that a may be asked, and does not count as well yet", err, well())
	}
	if err := probe(1); err != nil || well() != "a" || turns(t, g, 2) != "aa" {
		t.Errorf("after two successes: got %v and %q, want a alone", err, well())
	}
	if not, again := log.count("is not well"), log.count("is well again"); not != 2 || again != 1 {
		t.Errorf("got %d times that an address is not well and %d that it is again, want 2 and 1:\n%s", not, again, log.text.String())
	}
}

func TestChecksAreMadeInTheirTime(t *testing.T) {
	hosts := make(chan string)
	address := server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case hosts <- r.Host + r.URL.Path:
		case <-r.Context().Done():
		}
	}))
	g := newGroup(t, upstream.Config{
		Addresses: []string{address},
		Health:    upstream.Health{Path: "/up", Host: "app.example.com", Every: time.Millisecond, Fall: 1, Status: []int{200}},
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()
	for range 3 {
		if got := <-hosts; got != "app.example.com/up" {
			t.Errorf("got %s, want app.example.com/up", got)
		}
	}
	stop()
	<-ended
	if states := g.Addresses(); !states[0].Well || states[0].Busy != 0 {
		t.Errorf("got %v, want it well: a check that was given up says nothing", states)
	}
}

func TestACheckEndsInItsTime(t *testing.T) {
	address := server(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	g := newGroup(t, upstream.Config{Addresses: []string{address}, Health: upstream.Health{Path: "/", Timeout: soon, Fall: 1}})
	if err := g.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "no answer to the health check within 30ms") {
		t.Errorf("got %v, want that there was no answer", err)
	}
	if g.Addresses()[0].Well {
		t.Error("got an address that is well, want one that is not")
	}
}

func TestWithoutAPathAnAddressIsWellThatCanBeConnectedTo(t *testing.T) {
	var unwell atomic.Int64
	unwell.Store(500)
	alive := newGroup(t, upstream.Config{Addresses: []string{moody(t, &unwell, "a"), nobody(t)}})
	if err := alive.Probe(t.Context()); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
	dead := newGroup(t, upstream.Config{Addresses: []string{nobody(t)}})
	if err := dead.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want that the connection was refused", err)
	}
}
