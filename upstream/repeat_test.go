package upstream_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"example.org/interlude/upstream"
)

func TestARequestIsRepeatedOnlyIfThatIsSafe(t *testing.T) {
	again := func(body string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	}
	for name, c := range map[string]struct {
		method, body string
		change       func(*http.Request)
		repeated     bool
	}{
		"GET":                      {method: "GET", repeated: true},
		"HEAD":                     {method: "HEAD", repeated: true},
		"OPTIONS":                  {method: "OPTIONS", repeated: true},
		"TRACE":                    {method: "TRACE", repeated: true},
		"DELETE":                   {method: "DELETE", repeated: true},
		"PUT":                      {method: "PUT", repeated: true},
		"POST":                     {method: "POST"},
		"PATCH":                    {method: "PATCH"},
		"POST with a key":          {method: "POST", change: func(r *http.Request) { r.Header.Set("Idempotency-Key", "7") }, repeated: true},
		"POST with another key":    {method: "POST", change: func(r *http.Request) { r.Header.Set("X-Idempotency-Key", "7") }, repeated: true},
		"PUT of a stream":          {method: "PUT", body: "body"},
		"PUT of what is kept":      {method: "PUT", body: "body", change: func(r *http.Request) { r.GetBody = again("body") }, repeated: true},
		"POST of what is kept":     {method: "POST", body: "body", change: func(r *http.Request) { r.GetBody = again("body") }},
		"POST of a key and stream": {method: "POST", body: "body", change: func(r *http.Request) { r.Header.Set("Idempotency-Key", "7") }},
	} {
		t.Run(name, func(t *testing.T) {
			heard := &transcript{}
			var connections atomic.Int64
			host := listen(t, func(conn net.Conn) {
				number := int(connections.Add(1))
				in := bufio.NewReader(conn)
				for turn := 0; ; turn++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body, _ := io.ReadAll(r.Body)
					heard.add(number, r, string(body))
					if number == 1 && turn == 1 {
						return
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			})
			g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
			carry(t, g, request(t, "GET", "/first", ""))
			r := request(t, c.method, "/second", c.body)
			if c.change != nil {
				c.change(r)
			}
			answer, err := g.RoundTrip(r)
			second := strings.TrimSpace(c.method + " /second " + c.body)
			if c.repeated {
				if err != nil || answer.Request != r {
					t.Errorf("got %v and %v, want an answer to the request", answer, err)
				}
				heard.is(t, "1 GET /first", "1 "+second, "2 "+second)
				return
			}
			var fault *upstream.Error
			if !errors.As(err, &fault) || !fault.Sent || fault.Timeout {
				t.Errorf("got %v, want an Error of a request that was sent", err)
			}
			heard.is(t, "1 GET /first", "1 "+second)
		})
	}
}

func TestARequestIsNotRepeatedOverANewConnection(t *testing.T) {
	heard := &transcript{}
	host := listen(t, func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			heard.add(0, r, "")
		}
	})
	g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
	var fault *upstream.Error
	if err := fails(t, g, request(t, "GET", "/", "")); !errors.As(err, &fault) || !fault.Sent || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an Error of a request that was sent, by an unexpected EOF", err)
	}
	heard.is(t, "0 GET /")
}

func TestAConnectionThatTheProductClosedIsNotUsed(t *testing.T) {
	for name, farewell := range map[string]string{
		"without a word": hangUp,
		"with a word":    "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			closing, closed := make(chan struct{}), make(chan struct{})
			heard := &transcript{}
			var connections atomic.Int64
			host := listen(t, func(c net.Conn) {
				this := int(connections.Add(1))
				in := bufio.NewReader(c)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					heard.add(this, r, "")
					_, _ = io.WriteString(c, plain)
					if this == 1 {
						<-closing
						_, _ = io.WriteString(c, farewell)
						c.Close()
						close(closed)
						return
					}
				}
			})
			g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
			carry(t, g, request(t, "GET", "/a", ""))
			close(closing)
			<-closed
			// A POST cannot be repeated, so that it arrives at all shows that the old connection was not even tried.
			carry(t, g, request(t, "POST", "/b", "body"))
			heard.is(t, "1 GET /a", "2 POST /b")
		})
	}
}
