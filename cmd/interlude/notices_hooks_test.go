package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/store"
)

// endpoints is a web server with very many endpoints, /0, /1, …, of which every twentieth hangs until release.
type endpoints struct {
	*httptest.Server

	hanging bool
	release chan struct{}

	mu    sync.Mutex
	got   map[string]int
	stuck map[string]bool
}

func newEndpoints(tb testing.TB, hanging bool) *endpoints {
	e := &endpoints{hanging: hanging, release: make(chan struct{}), got: make(map[string]int), stuck: make(map[string]bool)}
	e.Server = httptest.NewServer(e)
	tb.Cleanup(e.Close)
	tb.Cleanup(e.unblock)
	return e
}

// unblock lets the hanging requests end.
func (e *endpoints) unblock() {
	select {
	case <-e.release:
	default:
		close(e.release)
	}
}

func (e *endpoints) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if e.hanging && n%20 == 0 {
		e.mu.Lock()
		e.stuck[r.URL.Path] = true
		e.mu.Unlock()
		select {
		case <-e.release:
		case <-r.Context().Done():
		}
		return
	}
	e.mu.Lock()
	e.got[r.URL.Path]++
	e.mu.Unlock()
}

// served is how many endpoints answered, and how many hold a request.
func (e *endpoints) served() (got, stuck int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.got), len(e.stuck)
}

// hooked saves so many active webhooks of the server.
func hooked(tb testing.TB, name, server string, count int) {
	tb.Helper()
	db, err := store.Open(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	all := make([]notify.Subscriber, count)
	for i := range all {
		all[i] = notify.Subscriber{
			ID: keeper.NewID(), Channel: notify.Webhook, Address: fmt.Sprintf("%s/%d", server, i), State: notify.Active, Created: time.Now(),
		}
	}
	if refused, err := db.AddSubscribers(tb.Context(), time.Now(), all); err != nil || len(refused) > 0 {
		tb.Fatalf("got %d refused and error %v", len(refused), err)
	}
}

// inwardToo writes a configuration by which webhooks may reach this machine.
func inwardToo(tb testing.TB) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "notices.yaml")
	if err := os.WriteFile(name, []byte("webhooks:\n  allow: [127.0.0.0/8]\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// tellHooks tells so many webhooks of a maintenance, and returns when all that answer have done so, with how long it took.
func tellHooks(tb testing.TB, e *endpoints, count, answering int) (*serving, time.Duration) {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "interlude.db")
	hooked(tb, name, e.URL, count)
	s := newServing(tb, name, 1, "--notices", inwardToo(tb))[0]
	began := time.Now()
	announce(tb, s, time.Now().Add(48*time.Hour))
	for end := time.Now().Add(2 * time.Minute); ; <-time.After(10 * time.Millisecond) {
		got, stuck := e.served()
		if got == answering {
			return s, time.Since(began)
		}
		if time.Now().After(end) {
			tb.Fatalf("got %d answers in time while %d hang, want %d", got, stuck, answering)
		}
	}
}

// TestEndpointsThatHangKeepNobodyWaiting tells two thousand webhooks of which a hundred hang: the others have heard of it
// before any of those that hang was given up.
func TestEndpointsThatHangKeepNobodyWaiting(t *testing.T) {
	if testing.Short() {
		t.Skip("a real process over real seconds")
	}
	e := newEndpoints(t, true)
	s, took := tellHooks(t, e, 2000, 1900)
	if got, stuck := e.served(); got != 1900 || stuck > 100 {
		t.Errorf("got %d answers while %d hang, want 1900 and at most 100", got, stuck)
	}
	e.mu.Lock()
	for path, times := range e.got {
		if times != 1 {
			t.Errorf("%s was told %d times, want once", path, times)
		}
	}
	e.mu.Unlock()
	t.Logf("1900 of 2000 told in %s", took)
	s.kill()
}

// BenchmarkTellingWebhooks tells 10,000 webhooks, first when all answer and then when every twentieth hangs.
func BenchmarkTellingWebhooks(b *testing.B) {
	for b.Loop() {
		quick, all := tellHooks(b, newEndpoints(b, false), 10_000, 10_000)
		quick.kill()
		hanging := newEndpoints(b, true)
		s, most := tellHooks(b, hanging, 10_000, 9500)
		b.ReportMetric(10_000/all.Seconds(), "all-answer-posts/s")
		b.ReportMetric(9500/most.Seconds(), "some-hang-posts/s")
		b.ReportMetric(float64(peakMemory(b, s.process.Process.Pid))/1024, "some-hang-MB")
		s.kill()
	}
}
