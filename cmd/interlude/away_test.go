package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// wire forwards connections to a server until it is cut, as a network between the two would.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, to: to}
	var forwarding sync.WaitGroup
	forwarding.Go(func() { w.accept(&forwarding) })
	t.Cleanup(func() {
		_ = listener.Close()
		w.set(true)
		forwarding.Wait()
	})
	return w
}

func (w *wire) accept(forwarding *sync.WaitGroup) {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if err != nil || w.cut {
			w.mu.Unlock()
			_ = in.Close()
			if err == nil {
				_ = out.Close()
			}
			continue
		}
		w.conns = append(w.conns, in, out)
		w.mu.Unlock()
		forwarding.Go(func() { forward(in, out) })
		forwarding.Go(func() { forward(out, in) })
	}
}

func forward(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = from.Close()
	_ = to.Close()
}

// set cuts the wire, with all connections on it, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// answer is the status and body of a page.
func answer(ctx context.Context, t *testing.T, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// awaitAnswer asks until the page answers with the status and says the words or, with says false, does not say them.
func awaitAnswer(ctx context.Context, t *testing.T, address string, status int, says bool, words string) {
	t.Helper()
	for {
		got, body := answer(ctx, t, address)
		if got == status && strings.Contains(body, words) == says {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("got %d from %s, want %d and %q in it: %v, in time", got, address, status, words, says)
		}
	}
}

func TestThePageStaysUpWhileItsDatabaseIsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("a real process and a real database")
	}
	t.Parallel()
	database, err := url.Parse(postgresSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, database.Host)
	database.Host = w.listener.Addr().String()
	node := newServing(t, database.String(), 1)[0]
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	documents := soon(1)
	if _, err := node.client().Apply(ctx, api.ApplyRequest{Documents: documents}); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(ctx, t, node.address+"/", http.StatusOK, true, "Northwind")

	w.set(true)
	awaitAnswer(ctx, t, node.address+"/readyz", http.StatusServiceUnavailable, true, "")
	awaitAnswer(ctx, t, node.address+"/healthz", http.StatusOK, true, "")
	awaitAnswer(ctx, t, node.address+"/", http.StatusOK, true, "Northwind")
	if _, err := node.client().SetComponent(ctx, "App", status.MajorOutage); err == nil {
		t.Error("got no error for a change while the database is away, want one")
	}
	awaitAnswer(ctx, t, node.address+"/", http.StatusOK, true, "Shown as of")
	// By now the token would have to be looked up again.
	if _, err := node.client().Maintenance(ctx, "m0"); err != nil {
		t.Errorf("got %v for a read while the database is away, want none", err)
	}

	w.set(false)
	m := awaitState(ctx, t, node.client(), "m0", status.Completed)
	if len(m.Updates) != 3 {
		t.Errorf("got %d updates, want what fell due meanwhile, once: announced, begun, completed", len(m.Updates))
	}
	awaitAnswer(ctx, t, node.address+"/readyz", http.StatusOK, true, "")
	if _, err := node.client().SetComponent(ctx, "App", status.DegradedPerformance); err != nil {
		t.Errorf("got %v for a change once the database is back, want none", err)
	}
	awaitAnswer(ctx, t, node.address+"/", http.StatusOK, false, "Shown as of")
}
