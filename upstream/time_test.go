package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// soon is a time that tests let run out.
const soon = 30 * time.Millisecond

func TestAProductThatIsSilentIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		talk func(net.Conn)
	}{
		"it says nothing":       {"", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }},
		"it stops in the head":  {"", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200"); _, _ = io.Copy(io.Discard, c) }},
		"it hints, and no more": {"", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 103 H\r\n\r\n"); _, _ = io.Copy(io.Discard, c) }},
		"after a body":          {"body", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, upstream.Config{Addresses: []string{"http://" + listen(t, c.talk)}, HeaderTimeout: soon})
			var fault *upstream.Error
			if err := fails(t, g, request(t, "PUT", "/", c.body)); !errors.As(err, &fault) || !fault.Timeout || !fault.Sent {
				t.Errorf("got %v, want that a time ran out after the request was sent", err)
			}
		})
	}
	t.Run("it does not read", func(t *testing.T) {
		ended := make(chan struct{})
		host := listen(t, func(net.Conn) { <-ended })
		defer close(ended)
		g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}, HeaderTimeout: soon})
		r := request(t, "PUT", "/", "")
		r.Body, r.ContentLength = io.NopCloser(endless{}), -1
		var fault *upstream.Error
		if err := fails(t, g, r); !errors.As(err, &fault) || !fault.Timeout || !fault.Sent {
			t.Errorf("got %v, want that a time ran out after the request was begun", err)
		}
	})
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestTheTimeOfAHeadDoesNotBoundTheBody(t *testing.T) {
	more := make(chan struct{})
	host := listen(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		for range 2 {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
			<-more
			_, _ = io.WriteString(c, "lo")
		}
	})
	g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}, HeaderTimeout: soon})
	for _, body := range []string{"", "body"} { // whose times are kept by different goroutines
		answer, err := g.RoundTrip(request(t, "POST", "/", body))
		if err != nil {
			t.Fatal(err)
		}
		outlast, stop := context.WithTimeout(t.Context(), 2*soon)
		<-outlast.Done()
		stop()
		more <- struct{}{}
		if got, err := io.ReadAll(answer.Body); string(got) != "hello" || err != nil {
			t.Errorf("got %q and %v, want hello", got, err)
		}
		answer.Body.Close()
	}
}

func TestTheEndOfAContextCutsTheConnection(t *testing.T) {
	gone := errors.New("the client has gone")
	for name, c := range map[string]struct {
		change func(*http.Request)
		answer string
	}{
		"before the answer":      {func(*http.Request) {}, ""},
		"while sending the body": {func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(endless{}), -1 }, ""},
		"while asked to wait": {func(r *http.Request) {
			r.Header.Set("Expect", "100-continue")
			r.Body, r.ContentLength = io.NopCloser(endless{}), -1
		}, ""},
		"in the head": {func(*http.Request) {}, "HTTP/1.1 200 OK\r\nX-"},
		"in the body": {func(*http.Request) {}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"},
		"in chunks":   {func(*http.Request) {}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, cut := make(chan struct{}), make(chan struct{})
			host := listen(t, func(conn net.Conn) {
				in := bufio.NewReader(conn)
				_, _ = in.ReadString('\n')
				_, _ = io.WriteString(conn, c.answer)
				close(arrived)
				_, _ = io.Copy(io.Discard, in)
				close(cut)
			})
			g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
			ctx, leave := context.WithCancelCause(t.Context())
			go func() { <-arrived; leave(gone) }()
			r := request(t, "POST", "/", "").WithContext(ctx)
			c.change(r)
			answer, err := g.RoundTrip(r)
			if err == nil {
				_, err = io.ReadAll(answer.Body)
				answer.Body.Close()
			}
			if !errors.Is(err, gone) {
				t.Errorf("got %v, want %v", err, gone)
			}
			<-cut
			if got := g.Addresses()[0].Busy; got != 0 {
				t.Errorf("got %d busy, want none", got)
			}
			if err := fails(t, g, r); !errors.Is(err, gone) {
				t.Errorf("asking once more: got %v, want %v", err, gone)
			}
		})
	}
}

func TestIdleConnectionsAreClosedInTime(t *testing.T) {
	closed := make(chan struct{})
	host := listen(t, func(c net.Conn) { answerAll(c, plain); close(closed) })
	g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}, IdleTimeout: soon})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()
	carry(t, g, request(t, "GET", "/", ""))
	<-closed
	stop()
	if err := <-ended; err != nil {
		t.Errorf("got %v, want nothing", err)
	}
}

func TestAGroupThatEndedKeepsNoConnection(t *testing.T) {
	closed := make(chan struct{}, 2)
	host := listen(t, func(c net.Conn) { answerAll(c, plain); closed <- struct{}{} })
	g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()
	idle, err := g.RoundTrip(request(t, "GET", "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	carry(t, g, request(t, "GET", "/", ""))
	stop()
	<-ended
	<-closed // the one that was idle
	if _, err := io.ReadAll(idle.Body); err != nil {
		t.Error(err)
	}
	<-closed // the one that was in use
}

func TestOnlySoManyConnectionsAreKept(t *testing.T) {
	closed := make(chan struct{}, 3)
	host := listen(t, func(c net.Conn) { answerAll(c, plain); closed <- struct{}{} })
	g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}, MaxIdle: 1})
	var open []*http.Response
	for range 3 {
		answer, err := g.RoundTrip(request(t, "GET", "/", ""))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, answer)
	}
	for _, answer := range open {
		_, _ = io.ReadAll(answer.Body)
	}
	<-closed
	<-closed
	g.CloseIdle()
	<-closed
}
