package upstream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.org/interlude/upstream"
)

// newGroup makes a group that lives as long as the test.
func newGroup(t testing.TB, c upstream.Config) *upstream.Group {
	t.Helper()
	g, err := upstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.CloseIdle)
	return g
}

// listen serves each connection by talk, and gives the host and port. All are over when the test is.
func listen(t testing.TB, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, talk)
	return l.Addr().String()
}

func serve(t testing.TB, l net.Listener, talk func(net.Conn)) {
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			talks.Go(func() {
				talk(c)
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		talks.Wait()
	})
}

// script is a product that takes connections one after the other and, on each, answers requests with texts: the words of a
// connection are its answers, one for each request. After the last it waits for the other side to hang up, or, if the last one is
// hangUp, closes.
func script(t testing.TB, connections ...[]string) (address string, heard *transcript) {
	t.Helper()
	heard = &transcript{}
	var next atomic.Int64
	host := listen(t, func(c net.Conn) {
		number := int(next.Add(1)) - 1
		if number >= len(connections) {
			t.Errorf("got a connection number %d, want %d in all", number+1, len(connections))
			return
		}
		r := bufio.NewReader(c)
		for _, answer := range connections[number] {
			if answer == hangUp {
				return
			}
			request, err := http.ReadRequest(r)
			if err != nil {
				return // the other side was content with fewer
			}
			body, _ := io.ReadAll(request.Body)
			heard.add(number, request, string(body))
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, r)
	})
	return "http://" + host, heard
}

// hangUp is the answer of a product that closes the connection.
const hangUp = ""

// transcript is what a scripted product heard.
type transcript struct {
	mu    sync.Mutex
	lines []string
}

func (t *transcript) add(connection int, r *http.Request, body string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", connection, r.Method, r.RequestURI, body)))
}

// is asserts what was heard: for each request the number of its connection, its method, its target and its body.
func (t *transcript) is(tb testing.TB, want ...string) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Equal(t.lines, want) {
		tb.Errorf("got requests %q, want %q", t.lines, want)
	}
}

// a hijack is a handler that speaks for itself.
func hijack(talk func(net.Conn, *bufio.ReadWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		talk(c, rw)
	}
}

// server is a real product of net/http.
func server(t testing.TB, handler http.Handler) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// request makes a request as a proxy would: a body is a stream, of which nobody knows more than its length.
func request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	content := io.Reader(http.NoBody)
	if body != "" {
		content = struct{ io.Reader }{strings.NewReader(body)}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://product.example"+target, content)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = int64(len(body))
	return r
}

// said is an answer as it was read.
type said struct {
	Status  int
	Body    string
	Trailer http.Header
}

// carry makes a round trip and reads the answer to its end.
func carry(t testing.TB, g http.RoundTripper, r *http.Request) said {
	t.Helper()
	answer, err := g.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: got %v, want an answer", r.Method, r.URL, err)
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		t.Fatalf("%s %s: read the body: %v", r.Method, r.URL, err)
	}
	return said{answer.StatusCode, string(body), answer.Trailer}
}

// fails makes a round trip that must not give an answer.
func fails(t testing.TB, g http.RoundTripper, r *http.Request) error {
	t.Helper()
	answer, err := g.RoundTrip(r)
	if err == nil {
		answer.Body.Close()
		t.Fatalf("%s %s: got the answer %s, want an error", r.Method, r.URL, answer.Status)
	}
	return err
}
