package gate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// rig is a gate on loopback in front of a product that records what reaches it.
type rig struct {
	*testing.T
	gate   *Gate
	url    string
	client *http.Client
	mu     sync.Mutex
	got    []string // method, path and body of what reached the product
}

// newRig starts a gate with one flow named messenger; the product answers with what handle writes, or 200.
func newRig(t *testing.T, f Flow, handle http.HandlerFunc) *rig {
	t.Helper()
	r := &rig{T: t}
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.got = append(r.got, strings.TrimSpace(q.Method+" "+q.URL.Path+" "+string(text)))
		r.mu.Unlock()
		if handle != nil {
			handle(w, q)
			return
		}
		_, _ = io.WriteString(w, "fine")
	}))
	t.Cleanup(product.Close)
	f.Name, f.Upstream = "messenger", "product"
	r.start(Config{Flows: []Flow{f}, Upstreams: map[string]upstream.Config{"product": {Addresses: []string{product.URL}}}})
	return r
}

func (r *rig) start(c Config) {
	r.Helper()
	g, err := New(c)
	if err != nil {
		r.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(r.Context()))
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	front := httptest.NewServer(g)
	r.gate, r.url, r.client = g, front.URL, front.Client()
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			r.Error(err)
		}
		front.Close()
	})
}

func (r *rig) lane() *lane { return r.gate.lanes["messenger"] }

func (r *rig) interrupt() {
	r.Helper()
	err := r.gate.Interrupt(Interruption{ID: "one", Flows: []string{"messenger"}, Lapses: time.Now().Add(time.Minute)})
	if err != nil {
		r.Fatal(err)
	}
}

// answer is what a client saw.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (r *rig) send(method, path, body string, header ...string) answer {
	return r.sendIn(r.Context(), method, path, strings.NewReader(body), header...)
}

func (r *rig) sendIn(ctx context.Context, method, path string, body io.Reader, header ...string) answer {
	q, err := http.NewRequestWithContext(ctx, method, r.url+path, body)
	if err != nil {
		r.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	resp, err := r.client.Do(q)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text), err}
}

// later sends in the background.
func (r *rig) later(method, path, body string, header ...string) <-chan answer {
	c := make(chan answer, 1)
	go func() { c <- r.send(method, path, body, header...) }()
	return c
}

// await waits until something holds.
func (r *rig) await(what string, holds func() bool) {
	r.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			r.Fatalf("waited 20 s for %s", what)
		}
	}
}

func (r *rig) awaitHeld(n int64) {
	r.Helper()
	r.await(fmt.Sprintf("%d held", n), func() bool { return r.lane().state("").Held == n })
}

func (r *rig) reached() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.got...)
}

// wantReached compares what came to the product, in any order: those that are let go in one turn race for the last steps.
func (r *rig) wantReached(want ...string) {
	r.Helper()
	if got := r.reached(); fmt.Sprint(slices.Sorted(slices.Values(got))) != fmt.Sprint(slices.Sorted(slices.Values(want))) {
		r.Errorf("got %q at the product, want %q", got, want)
	}
}

var holding = Flow{Interrupted: []Step{{Do: DoHold}}}
