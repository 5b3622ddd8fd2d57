package gate

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// A stream of a gRPC call has no end while its client waits for an answer.
func TestARequestWhoseBodyNeverEndsIsLetGoWithWhatThereIs(t *testing.T) {
	first := make(chan string, 1)
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // it answers while the client still sends
		line, _ := bufio.NewReader(q.Body).ReadString('\n')
		first <- line
		_, _ = io.WriteString(w, "heard")
	}))
	defer product.CloseClientConnections()
	f := holding
	f.Name, f.Upstream = "messenger", "product"
	r := &rig{T: t}
	r.start(Config{Flows: []Flow{f}, Upstreams: map[string]upstream.Config{"product": {Addresses: []string{product.URL}}}})
	r.interrupt()
	in, out := io.Pipe()
	defer out.Close()
	done := make(chan answer, 1)
	go func() { done <- r.sendIn(t.Context(), http.MethodPost, "/talk", in) }()
	if _, err := io.WriteString(out, "hello\n"); err != nil {
		t.Fatal(err)
	}
	r.await("the beginning kept, and more being read", func() bool { return r.lane().state("").Bytes > 4<<10 })
	r.gate.End("one")
	if got := <-first; got != "hello\n" {
		t.Errorf("got %q at the product, want what was sent before the wait", got)
	}
	if a := <-done; a.status != http.StatusOK || a.body != "heard" {
		t.Errorf("got %d %q %v, want the answer while the client still sends", a.status, a.body, a.err)
	}
	r.await("no bytes charged", func() bool { return r.gate.hold.bytes.Load() == 0 })
}

func TestWhatMayHaveReachedTheProductIsNotCalledUndone(t *testing.T) {
	f := Flow{Interrupted: []Step{{Do: DoHold, Hold: Hold{For: time.Second}}}}
	r := newRig(t, f, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r.lane().window.Store(&window{maintenance: "m1"})
	a := r.send(http.MethodPost, "/orders", "beans", "Accept", "text/plain")
	if want := "Whether the request was carried out is not known."; a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, want) {
		t.Errorf("got %d %q, want 503 that says %q", a.status, a.body, want)
	}
}

func TestADryRunLeavesTheProductItsOwnFailures(t *testing.T) {
	for name, f := range map[string]Flow{
		"dry run": {DryRun: true, Interrupted: []Step{{Do: DoHold}}},
		"pass":    {Interrupted: []Step{{Do: DoPass}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, f, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = io.WriteString(w, "the product's own words")
			})
			r.lane().window.Store(&window{maintenance: "m1"})
			for range 5 {
				if a := r.send(http.MethodGet, "/", ""); a.status != http.StatusServiceUnavailable || a.body != "the product's own words" {
					t.Errorf("got %d %q, want the product's answer as it is", a.status, a.body)
				}
			}
			if c := r.gate.Counts()["messenger"]; c.Failed != 5 || c.Requests != 5 {
				t.Errorf("got %+v counted, want five that failed", c)
			}
		})
	}
}
