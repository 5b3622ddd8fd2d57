package webhook

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// open is a client that reaches servers of tests.
func open(t *testing.T) *Client {
	c := New(loopback, "Interlude/test (+https://status.northwind.example)")
	t.Cleanup(c.Close)
	return c
}

// endpoint starts a server.
func endpoint(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// secure starts a server of TLS, and gives a client that trusts it.
func secure(t *testing.T, h2 bool, h http.HandlerFunc) (string, *Client) {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = h2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	c := open(t)
	c.transport.TLSClientConfig = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	return s.URL, c
}

func TestAPostArrivesSignedAndWhole(t *testing.T) {
	secret, body := NewSecret(), []byte(`{"page":{"id":"northwind"}}`)
	var got *http.Request
	var said []byte
	s := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		said, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thank\n\tyou")
	})
	a := open(t).Post(t.Context(), Request{
		URL: s.URL + "/hook?team=1", ID: "msg_1", Time: time.Now(), Secret: secret, Body: body, Header: http.Header{"x-page": {"northwind"}},
	})
	if a.Code != http.StatusAccepted || a.Verdict() != Delivered || a.Text != "thank you" || a.Err != nil {
		t.Errorf("got %+v (%s), want it delivered with 202 and the words thank you", a, a.Verdict())
	}
	if got.Method != http.MethodPost || got.URL.String() != "/hook?team=1" || !bytes.Equal(said, body) {
		t.Errorf("got %s %s with %s, want POST /hook?team=1 with %s", got.Method, got.URL, said, body)
	}
	if err := verify(secret, got.Header, said); err != nil {
		t.Errorf("got %v from the library of Standard Webhooks, want it content", err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Interlude/test (+https://status.northwind.example)",
		"X-Page": "northwind", "Webhook-Id": "msg_1", "Accept-Encoding": "",
	} {
		if header := got.Header.Get(name); header != want {
			t.Errorf("%s: got %q, want %q", name, header, want)
		}
	}
}

func TestWithoutASecretNothingIsSigned(t *testing.T) {
	var got http.Header
	s := endpoint(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	open(t).Post(t.Context(), Request{URL: s.URL, ID: "msg_1", Body: []byte("{}"), Header: http.Header{"Content-Type": {"text/plain"}}})
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if _, there := got[name]; there {
			t.Errorf("got %s, want it left out", name)
		}
	}
	if got.Get("Content-Type") != "text/plain" {
		t.Errorf("got %s, want the type that was asked for", got.Get("Content-Type"))
	}
}

func TestACertificateIsVerified(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		url, trusting := secure(t, h2, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
		if a := open(t).Post(t.Context(), Request{URL: url}); a.Verdict() != Passing || a.Err == nil {
			t.Errorf("got %+v (%s) from one that nobody vouches for, want it passing, with the error", a, a.Verdict())
		}
		want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[h2]
		if a := trusting.Post(t.Context(), Request{URL: url}); a.Verdict() != Delivered || a.Text != want {
			t.Errorf("got %+v (%s), want it delivered over %s", a, a.Verdict(), want)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var inside atomic.Int32
	target := endpoint(t, func(http.ResponseWriter, *http.Request) { inside.Add(1) })
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := endpoint(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.URL+"/admin", code) })
		a := open(t).Post(t.Context(), Request{URL: s.URL, Body: []byte("{}")})
		if a.Code != code || a.Verdict() != Refused || !strings.Contains(a.Text, target.URL+"/admin") || !strings.Contains(a.Text, "not followed") {
			t.Errorf("%d: got %+v (%s), want it refused, and where it leads", code, a, a.Verdict())
		}
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("got %d requests at the target, want none", n)
	}
}

func TestNoProxyIsTakenFromTheEnvironment(t *testing.T) {
	// The environment is read once for a whole process, so that setting it here would prove nothing.
	if open(t).transport.Proxy != nil {
		t.Error("got a proxy, want none: it would connect to what the guard refuses")
	}
}

func TestAnEndpointThatHangsIsGivenUp(t *testing.T) {
	over := make(chan struct{})
	silent := func(http.ResponseWriter, *http.Request) { <-over }
	halfway := func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		<-over
	}
	for _, h2 := range []bool{false, true} {
		url, c := secure(t, h2, silent)
		c.longest = 100 * time.Millisecond
		a := c.Post(t.Context(), Request{URL: url})
		if a.Verdict() != Passing || !errors.Is(a.Err, context.DeadlineExceeded) || !strings.Contains(a.Err.Error(), "no answer within 100ms") {
			t.Errorf("got %+v (%s), want it passing for want of an answer", a, a.Verdict())
		}
		url, c = secure(t, h2, halfway)
		c.longest = 100 * time.Millisecond
		if a := c.Post(t.Context(), Request{URL: url}); a.Verdict() != Delivered {
			t.Errorf("got %+v (%s) from one that said 200 and then nothing, want it delivered", a, a.Verdict())
		}
	}
	close(over)
}

func TestAPostEndsWithItsContext(t *testing.T) {
	arrived, over := make(chan struct{}), make(chan struct{})
	s := endpoint(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-over })
	defer close(over)
	ctx, stop := context.WithCancelCause(t.Context())
	closing := errors.New("the program closes")
	go func() { <-arrived; stop(closing) }()
	if a := open(t).Post(ctx, Request{URL: s.URL}); !errors.Is(a.Err, closing) || a.Verdict() != Passing {
		t.Errorf("got %+v (%s), want it passing, because the program closes", a, a.Verdict())
	}
}

func TestOfAnEndlessAnswerLittleIsRead(t *testing.T) {
	// What was sent before the connection closed fills the system's buffers, or the window that we grant.
	for h2, most := range map[bool]int{false: 32 << 20, true: 64 << 10} {
		left := make(chan int, 1)
		url, c := secure(t, h2, func(w http.ResponseWriter, _ *http.Request) {
			sent := 0
			for block := bytes.Repeat([]byte("endless "), 512); ; sent += len(block) {
				if _, err := w.Write(block); err != nil {
					left <- sent
					return
				}
			}
		})
		a := c.Post(t.Context(), Request{URL: url})
		if a.Verdict() != Delivered || len([]rune(a.Text)) != longestLine || !strings.HasPrefix(a.Text, "endless endless") {
			t.Errorf("HTTP/2 %t: got %+v (%s), want it delivered, and %d characters of it", h2, a, a.Verdict(), longestLine)
		}
		if sent := <-left; sent > most {
			t.Errorf("HTTP/2 %t: got %d bytes sent, want at most %d", h2, sent, most)
		}
	}
}

func TestAHugeHeaderIsNotRead(t *testing.T) {
	s := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Huge", strings.Repeat("x", 2*mostHeader))
	})
	if a := open(t).Post(t.Context(), Request{URL: s.URL}); a.Err == nil || a.Verdict() != Passing {
		t.Errorf("got code %d and error %v, want an error", a.Code, a.Err)
	}
}

func TestACompressedAnswerIsNotUnpacked(t *testing.T) {
	s := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusBadRequest)
		packed := gzip.NewWriter(w)
		_, _ = packed.Write(bytes.Repeat([]byte("unpacked "), 1<<18))
		_ = packed.Close()
	})
	a := open(t).Post(t.Context(), Request{URL: s.URL})
	if a.Verdict() != Refused || strings.Contains(a.Text, "unpacked") || len([]rune(a.Text)) > longestLine {
		t.Errorf("got %+v (%s), want it refused and left packed", a, a.Verdict())
	}
}

func TestErrorsDoNotHoldTheURLWhichMayBeASecret(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	a := open(t).Post(t.Context(), Request{URL: fmt.Sprintf("http://%s/services/T0/very-secret", gone.Addr())})
	if a.Err == nil || strings.Contains(a.Err.Error(), "secret") || a.Verdict() != Passing {
		t.Errorf("got %v (%s), want an error without the path", a.Err, a.Verdict())
	}
}

func TestManyHostsLeaveFewConnections(t *testing.T) {
	var connections atomic.Int32
	changed := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed:
			connections.Add(-1)
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c := open(t)
	c.transport.IdleConnTimeout = 0 // so that it is their number that closes them
	c.dialer.Resolver = names(t, func(string, int) []string { return []string{"127.0.0.1"} })

	const hosts = 300
	var posts sync.WaitGroup
	at := make(chan struct{}, 50)
	for n := range hosts {
		at <- struct{}{}
		posts.Go(func() {
			defer func() { <-at }()
			if a := c.Post(t.Context(), Request{URL: fmt.Sprintf("http://host-%d.northwind.example:%s/", n, port)}); a.Verdict() != Delivered {
				t.Errorf("got %+v (%s), want it delivered", a, a.Verdict())
			}
		})
	}
	posts.Wait()
	patience, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for connections.Load() > mostIdle {
		select {
		case <-changed:
		case <-patience.Done():
			t.Fatalf("got %d connections left, want at most %d", connections.Load(), mostIdle)
		}
	}
}
