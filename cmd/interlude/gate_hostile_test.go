package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// mostHeap is what the gate may take while others try to make it take more.
const mostHeap = 96 << 20

// serverLines is how many goroutines more or less there may be for the connections to the server, which come and go.
const serverLines = 6

// TestOthersAreAnsweredWhateverProductsAndClientsDo has one gate in front of a product that is well, one that never answers, one
// that dies in the middle of each answer, and one that comes and goes; then come clients that send slowly, and such that
// never stop sending a header. Those of the product that is well notice nothing, the gate does not grow, and when all is over
// nothing is left.
func TestOthersAreAnsweredWhateverProductsAndClientsDo(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	t.Parallel()
	well, flapping := newShop(t, 0), newShop(t, 50*time.Millisecond)
	s := newStage(t, fmt.Sprintf(`upstreams:
  well: {to: ['http://%s']}
  mute: {to: ['http://%s'], answer: 1s}
  dying: {to: ['%s']}
  flapping: {to: ['http://%s']}
flows:
  - {name: mute, match: [{path: /mute}], upstream: mute, interrupted: hold}
  - {name: dying, match: [{path: /dying}], upstream: dying, interrupted: hold}
  - {name: flapping, match: [{path: /flapping}], upstream: flapping, interrupted: {do: hold, for: 60s}}
  - {name: well, upstream: well, interrupted: reject}
limits: {header_timeout: 1s, stalled: 1s}
`, well.address, muteProduct(t), dyingProduct(t), flapping.address),
		status.Promise{Audience: "Whoever meets the one that flaps", Flow: "flapping", Promise: status.Uninterrupted})

	s.warm()
	before := s.figure("go_goroutines")
	l := newLoad(s.url)
	l.add(t.Context(), 8, "well", func(n, i int) question {
		return question{method: http.MethodGet, path: fmt.Sprintf("/well/%d/%d", n, i)}
	})
	for _, way := range []struct {
		name string
		try  func(*stage)
	}{
		{"a product that never answers", (*stage).tryMute},
		{"a product that dies", (*stage).tryDying},
		{"a product that flaps", func(s *stage) { s.tryFlapping(flapping) }},
		{"endless headers", (*stage).tryEndlessHeaders},
		{"slow headers", func(s *stage) { s.trySlowly("-H") }},
		{"slow bodies", func(s *stage) { s.trySlowly("-B") }},
	} {
		from := l.answers.Load()
		way.try(s)
		if got := l.answers.Load(); got == from {
			t.Errorf("%s: got no answer for others meanwhile, want some", way.name)
		}
		heap := s.figure("go_memstats_heap_inuse_bytes")
		t.Logf("%s: %d answers for others meanwhile, the gate's heap %.1f MB", way.name, l.answers.Load()-from, heap/1e6)
		if heap > mostHeap {
			t.Errorf("%s: got a heap of %.0f bytes, want at most %d", way.name, heap, mostHeap)
		}
	}
	l.end()
	m := mistakes{t: t}
	for _, a := range l.all["well"] {
		if !a.ok() {
			m.add("well: got %s, want it answered", a)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	t.Cleanup(func() {
		if t.Failed() {
			if answer, err := http.Get(s.admin + "/debug/pprof/goroutine?debug=1"); err == nil {
				defer answer.Body.Close()
				text, _ := io.ReadAll(answer.Body)
				t.Logf("the gate's goroutines:\n%s", text)
			}
		}
	})
	s.eventually("gate with no more goroutines than at the beginning", func() bool { return s.figure("go_goroutines") <= before+serverLines })
}

// warm asks each flow that answers once, so that what the gate keeps for ever is there.
func (s *stage) warm() {
	s.Helper()
	for _, path := range []string{"/well/0", "/flapping/0"} {
		client := &http.Client{Transport: &http.Transport{}}
		if answer, _ := ask(s.T, client, s.url+path); answer.StatusCode != http.StatusOK {
			s.Fatalf("%s: got %d, want 200", path, answer.StatusCode)
		}
		client.CloseIdleConnections()
	}
	s.eventually("gate without clients", func() bool { return s.figure("interlude_gate_connections") == 0 })
}

// muteProduct takes connections, reads, and never says a word.
func muteProduct(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		all.Wait()
	})
	return listener.Addr().String()
}

// dyingProduct promises a long answer and breaks off in the middle.
func dyingProduct(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<20))
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<19))
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// crowd is how many clients come at once.
const crowd = 50

// manyAsk has a crowd ask for a path at once.
func (s *stage) manyAsk(path string) []told {
	s.Helper()
	l := newLoad(s.url)
	var mu sync.Mutex
	var all []told
	for range crowd {
		l.clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
			defer client.CloseIdleConnections()
			a := l.ask(s.Context(), client, question{method: http.MethodGet, path: path})
			mu.Lock()
			defer mu.Unlock()
			all = append(all, a)
		})
	}
	l.end()
	return all
}

// tryMute wants everybody to be told that the product did not answer in time. Nothing promises more, so nothing is held.
func (s *stage) tryMute() {
	s.Helper()
	m := mistakes{t: s.T}
	for _, a := range s.manyAsk("/mute") {
		if a.err != nil || a.status != http.StatusGatewayTimeout {
			m.add("mute: got %s, want 504", a)
		}
	}
}

// tryDying wants nobody to take half an answer for a whole one.
func (s *stage) tryDying() {
	s.Helper()
	m := mistakes{t: s.T}
	for _, a := range s.manyAsk("/dying") {
		if !errors.Is(a.err, io.ErrUnexpectedEOF) {
			m.add("dying: got %s, want it to break off", a)
		}
	}
}

// The times of a product that flaps.
const (
	flapEvery = 300 * time.Millisecond
	flapFor   = 5 * time.Second
)

// tryFlapping has a product come and go. Every read is answered by it in the end; a write is done once and answered, or is
// refused and was done at most once; and afterwards all is as before.
func (s *stage) tryFlapping(product *shop) {
	s.Helper()
	l := newLoad(s.url)
	l.add(s.Context(), 12, "flapping", func(n, i int) question {
		path := fmt.Sprintf("/flapping/%d/%d", n, i)
		if i%2 == 0 {
			return question{method: http.MethodGet, path: path, id: path}
		}
		return question{method: http.MethodPost, path: path, body: "order", id: path}
	})
	s.eventually("answers of a product that flaps soon", func() bool { return l.well.Load() > 50 })
	ctx, over := context.WithTimeout(s.Context(), flapFor)
	defer over()
	tick := time.NewTicker(flapEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		product.close()
		<-tick.C
		product.open()
		<-tick.C
	}
	s.awaitState("flapping", api.FlowNormal)
	from := l.well.Load()
	s.eventually("answers of a product that flaps no more", func() bool { return l.well.Load() > from+100 })
	l.end()
	m := mistakes{t: s.T}
	for _, a := range l.all["flapping"] {
		n, _ := product.times(a.id)
		switch {
		case a.ok() && (n == 1 || n > 0 && !a.writes()):
		case a.writes() && a.refused() && n <= 1:
		default:
			m.add("flapping: got %s, done %d times, want it answered, or a write refused, and no write done twice", a, n)
		}
	}
	held := s.requests("flapping", "held")
	s.Logf("flapping: %d requests, %v held, %d refused", len(l.all["flapping"]), held, l.count("flapping", told.refused))
	if held == 0 {
		s.Error("flapping: got nobody held, want most")
	}
}

// tryEndlessHeaders sends headers that have no end. Whoever does so is sent away.
func (s *stage) tryEndlessHeaders() {
	s.Helper()
	var all sync.WaitGroup
	for range crowd {
		all.Go(func() {
			c, err := new(net.Dialer).DialContext(s.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				s.Errorf("got %v, want a connection", err)
				return
			}
			defer c.Close()
			_, err = fmt.Fprint(c, "GET /well HTTP/1.1\r\nHost: app.example.com\r\n")
			line := []byte("X-More: " + strings.Repeat("x", 1000) + "\r\n")
			sent := 0
			for ; err == nil && sent < 64<<20; sent += len(line) {
				_, err = c.Write(line)
			}
			if err == nil {
				s.Errorf("got %d bytes of a header taken, want it cut long before", sent)
			}
		})
	}
	all.Wait()
}

// trySlowly has slowhttptest open 200 connections that send next to nothing.
func (s *stage) trySlowly(how string) {
	s.Helper()
	if _, err := exec.LookPath("slowhttptest"); err != nil {
		s.Log("slowhttptest is not installed; scripts/setup installs it")
		return
	}
	run := exec.CommandContext(s.Context(), "slowhttptest", how, "-c", "200", "-r", "200", "-i", "1", "-l", "4", "-p", "3", "-u", s.url+"/well/slow")
	if text, err := run.CombinedOutput(); err != nil {
		s.Errorf("slowhttptest %s: got %v, want it to run: %s", how, err, text)
	}
	s.eventually("gate that has sent the slow ones away", func() bool { return s.figure("interlude_gate_connections") <= 8 })
}
