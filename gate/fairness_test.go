package gate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"example.org/interlude/upstream"
)

// picky is a product that answers one path with a status of its own, and all others well.
func picky(t *testing.T, find Find, code int, retryAfter string) (m *machine, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/messenger/broken" {
			asked.Add(1)
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			w.WriteHeader(code)
		}
	}))
	t.Cleanup(product.Close)
	m = &machine{rig: &rig{T: t}}
	find.Every = 10 * time.Millisecond
	m.start(Config{
		Find: find, Upstreams: map[string]upstream.Config{"product": {Addresses: []string{product.URL}}},
		Flows: []Flow{{Name: "messenger", Upstream: "product", Interrupted: []Step{{Do: DoHold, Hold: Hold{For: 2 * time.Second}}}}},
	})
	m.openWindow(1, "messenger")
	m.await("the window", func() bool { return m.gate.lanes["messenger"].window.Load() != nil })
	return m, asked
}

func TestOneRequestThatAlwaysFailsSpeaksForItselfAlone(t *testing.T) {
	m, asked := picky(t, Find{}, http.StatusBadGateway, "")
	if a := m.get(t.Context(), "/messenger/broken"); a.status != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503 once its time was up", a.status)
	}
	if n := asked.Load(); n < 2 || n > 6 {
		t.Errorf("got it sent %d times, want a few", n)
	}
	if spans := m.gate.lanes["messenger"].takeSpans(); len(spans) > 0 {
		t.Errorf("got %+v, want no interruption found", spans)
	}
}

func TestTheProductsOwnWordOnWhenToComeBackStands(t *testing.T) {
	m, asked := picky(t, Find{}, http.StatusServiceUnavailable, "7")
	a := m.get(t.Context(), "/messenger/broken")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "7" || asked.Load() != 1 {
		t.Errorf("got %d with Retry-After %q after %d times, want the product's 503 with 7 after one", a.status, a.header.Get("Retry-After"), asked.Load())
	}
}

func TestAGateThatFindsNothingLeavesFailuresAlone(t *testing.T) {
	m, asked := picky(t, Find{Off: true}, http.StatusBadGateway, "")
	if a := m.get(t.Context(), "/messenger/broken"); a.status != http.StatusBadGateway || asked.Load() != 1 {
		t.Errorf("got %d after %d times, want the product's 502 after one", a.status, asked.Load())
	}
}

func TestARefusalSaysWhenWhoeverInterruptsExpectsTheEnd(t *testing.T) {
	r := newRig(t, Flow{}, nil)
	r.lane().window.Store(&window{maintenance: "m1", expected: time.Now().Add(time.Hour)})
	end := time.Now().Add(2 * time.Minute)
	if err := r.gate.Interrupt(Interruption{ID: "one", Flows: []string{"messenger"}, Lapses: time.Now().Add(time.Hour), Expected: end}); err != nil {
		t.Fatal(err)
	}
	if got := r.lane().expected(); !got.Equal(end) {
		t.Errorf("got %s, want %s", got, end)
	}
	a := r.send(http.MethodGet, "/", "", "Accept", "text/plain")
	if want := "It is expected back by "; a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, want+clockText(end, time.Now())) {
		t.Errorf("got %d %q, want the end of the interruption", a.status, a.body)
	}
}

func TestAStoredAnswerWithoutATypeHasNone(t *testing.T) {
	r := newRig(t, Flow{Interrupted: []Step{{Do: DoStale}}}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Header().Set("Cache-Control", "public, max-age=0")
		_, _ = w.Write([]byte("plain"))
	})
	r.send(http.MethodGet, "/", "")
	r.interrupt()
	if a := r.send(http.MethodGet, "/", ""); a.status != http.StatusOK || a.header.Get("Content-Type") != "" {
		t.Errorf("got %d of type %q, want the answer without a type, as it was", a.status, a.header.Get("Content-Type"))
	}
}

func TestADryRunLeavesTunnelsOpen(t *testing.T) {
	address, _ := echoing(t)
	for name, dry := range map[string]bool{"dry run": true, "in earnest": false} {
		t.Run(name, func(t *testing.T) {
			r := &rig{T: t}
			r.start(Config{
				Flows:     []Flow{{Name: "messenger", Upstream: "product", DryRun: dry}},
				Upstreams: map[string]upstream.Config{"product": {Addresses: []string{address}}},
			})
			c := dial(t, r.url)
			echo(t, c, []byte("before"))
			r.interrupt()
			if dry {
				r.await("the interruption", func() bool { return phase(r.lane().phase.Load()) == interrupted })
				echo(t, c, []byte("after"))
				return
			}
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
				t.Errorf("got %v, want close code 1012", err)
			}
		})
	}
}
