package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

// BenchmarkGateHolding opens INTERLUDE_BENCH_HELD connections (10,000) to a gate, a real process, makes a request over each, and
// then a second one while the flow is interrupted. It tells what the gate's memory grows by for each request that waits, beyond the
// connection that was there before, and how long it takes from the end of the interruption until the last one has its answer.
//
// It fails if a request does not get its own answer, or if they are let go in another order than that of their arrival.
func BenchmarkGateHolding(b *testing.B) {
	count := 10_000
	if text := os.Getenv("INTERLUDE_BENCH_HELD"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		h := newHolding(b, count)
		started := residentMemory(b, h.gate.Process.Pid)
		h.open()
		h.send("first").Wait()
		idle := residentMemory(b, h.gate.Process.Pid)
		client := h.server.client()
		in, err := client.Interrupt(b.Context(), "works", api.InterruptionRequest{Flows: []string{"app"}, AtMost: status.Duration(time.Hour)})
		if err != nil {
			b.Fatal(err)
		}
		h.await("interruption at the gate", func(f api.FlowState) bool { return f.State == api.FlowInterrupted })
		answered := h.send("second")
		h.await("requests in the hold", func(f api.FlowState) bool { return f.Held == int64(count) })
		held := residentMemory(b, h.gate.Process.Pid)
		ended := time.Now()
		if _, err := client.EndInterruption(b.Context(), "works", in.ID); err != nil {
			b.Fatal(err)
		}
		answered.Wait()
		b.ReportMetric(time.Since(ended).Seconds(), "s-to-let-go")
		b.ReportMetric(float64(idle-started)/float64(count), "KiB/idle-connection")
		b.ReportMetric(float64(held-idle)/float64(count), "KiB/held-request")
		b.ReportMetric(float64(peakMemory(b, h.gate.Process.Pid))/1024, "MiB-at-most")
		b.ReportMetric(h.disorder(), "places-off")
		h.server.kill()
		_ = h.gate.Process.Kill()
		_ = h.gate.Wait()
	}
}

// holding is a server, a gate that follows it, a product that says what it was asked for, and many clients.
type holding struct {
	testing.TB
	server  *serving
	gate    *exec.Cmd
	address string
	clients []*client

	mu    sync.Mutex
	order []string // the paths of the second round, as they came to the product
}

// client is one connection.
type client struct {
	net.Conn
	in *bufio.Reader
}

func newHolding(b *testing.B, count int) *holding {
	b.Helper()
	h := &holding{TB: b, clients: make([]*client, count)}
	product := httptest.NewServer(h)
	b.Cleanup(product.Close)
	h.server = newServing(b, filepath.Join(b.TempDir(), "bench.db"), 1)[0]
	now := time.Now()
	_, err := h.server.client().Apply(b.Context(), api.ApplyRequest{Documents: []status.Document{
		{Page: &status.PageDocument{Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "App"}}}},
		{Maintenance: &status.MaintenanceDocument{
			Key: "works", Title: "Works", Affects: []string{"App"}, Begin: status.Manual,
			Window:   status.Window{Start: now.Add(time.Minute), End: now.Add(time.Hour)},
			Promises: []status.Promise{{Audience: "Everybody", Flow: "app", Promise: status.Uninterrupted}},
		}},
	}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := h.server.client().BeginMaintenance(b.Context(), "works", api.Act{}); err != nil {
		b.Fatal(err)
	}
	h.startGate(product.URL, count)
	return h
}

func (h *holding) startGate(product string, count int) {
	h.Helper()
	token, err := h.server.client().CreateToken(h.Context(), api.TokenRequest{Name: "bench", Scope: string(access.Gate)})
	if err != nil {
		h.Fatal(err)
	}
	config, noted := filepath.Join(h.TempDir(), "gate.yaml"), filepath.Join(h.TempDir(), "addresses")
	if err := syscall.Mkfifo(noted, 0o600); err != nil {
		h.Fatal(err)
	}
	text := fmt.Sprintf(`name: bench
server: {url: '%s', token: $GATE_TOKEN}
listen: {address: '127.0.0.1:0'}
admin: off
upstreams: {product: {to: ['%s']}}
flows: [{name: app, upstream: product, interrupted: {do: hold, for: 10m, requests: %d}}]
`, h.server.address, product, count)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
	h.gate = exec.Command("interlude", "gate", "--config", config, "--address-file", noted)
	h.gate.Env = append(os.Environ(), "GATE_TOKEN="+token.Secret)
	h.gate.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := h.gate.Start(); err != nil {
		h.Fatal(err)
	}
	address, err := os.ReadFile(noted) // a named pipe, which opens when the gate listens
	if err != nil {
		h.Fatal(err)
	}
	h.address = strings.TrimSpace(string(address))
}

// ServeHTTP is the product.
func (h *holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/second/") {
		h.mu.Lock()
		h.order = append(h.order, r.URL.Path)
		h.mu.Unlock()
	}
	_, _ = io.WriteString(w, r.URL.Path)
}

// open opens the connections.
func (h *holding) open() {
	for i := range h.clients {
		c, err := new(net.Dialer).DialContext(h.Context(), "tcp", h.address)
		if err != nil {
			h.Fatal(err)
		}
		h.Cleanup(func() { _ = c.Close() })
		h.clients[i] = &client{c, bufio.NewReaderSize(c, 512)}
	}
}

// send makes one request over each connection, in their order. Those who wait for the answers are the group.
func (h *holding) send(round string) *sync.WaitGroup {
	answered := new(sync.WaitGroup)
	for i, c := range h.clients {
		path := fmt.Sprintf("/%s/%d", round, i)
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: app.example\r\nUser-Agent: bench\r\n\r\n"); err != nil {
			h.Fatal(err)
		}
		answered.Go(func() {
			resp, err := http.ReadResponse(c.in, nil)
			if err != nil {
				h.Errorf("%s: got %v, want an answer", path, err)
				return
			}
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != http.StatusOK || string(body) != path || err != nil {
				h.Errorf("%s: got %s %q (%v), want 200 and the path", path, resp.Status, body, err)
			}
		})
	}
	return answered
}

// await waits until the server has heard of a state of the flow.
func (h *holding) await(what string, is func(api.FlowState) bool) {
	h.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(2 * time.Minute); time.Now().Before(limit); <-tick.C {
		gates, err := h.server.client().Gates(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		if len(gates) == 1 && len(gates[0].State.Flows) == 1 && is(gates[0].State.Flows[0]) {
			return
		}
	}
	h.Fatalf("got no %s in two minutes", what)
}

// disorder is by how many places requests came to the product earlier or later than they were sent, on average. They race for
// the last steps, so it is not nothing.
func (h *holding) disorder() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	off := 0
	for at, path := range h.order {
		sent, err := strconv.Atoi(strings.TrimPrefix(path, "/second/"))
		if err != nil {
			h.Fatal(err)
		}
		off += max(at-sent, sent-at)
	}
	mean := float64(off) / float64(len(h.order))
	if len(h.order) != len(h.clients) || mean > float64(len(h.clients))/20 {
		h.Errorf("got %d requests, %.0f places off their order, want %d in the order in which they came", len(h.order), mean, len(h.clients))
	}
	return mean
}

// residentMemory is what a process has in memory, in KiB.
func residentMemory(tb testing.TB, pid int) int {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	size, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		tb.Fatal(err)
	}
	return size
}
