package cache

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// noon is when the product answers in tests that say no other time.
var noon = time.Date(2027, time.January, 15, 12, 0, 0, 0, time.UTC)

// header makes a header of lines like "Vary: Accept".
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// get is a client's request for a target of the product.
func get(target string, lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "app.northwind.example"
	r.Header = header(lines...)
	return r
}

// ok is the product's answer with a body of known length.
func ok(body string, lines ...string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: header(lines...),
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// pass lets an answer pass by the store to a client who reads all of it, at noon.
func pass(t *testing.T, s *Store, r *http.Request, resp *http.Response) {
	t.Helper()
	passAt(t, s, r, resp, noon)
}

func passAt(t *testing.T, s *Store, r *http.Request, resp *http.Response, when time.Time) {
	t.Helper()
	s.Keep(r, resp, when, when)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
}

// answers tells what the store answers at noon, or "nothing".
func answers(s *Store, r *http.Request) string {
	a, ok := s.Answer(r, noon, time.Hour)
	if !ok {
		return "nothing"
	}
	return fmt.Sprintf("%d %s", a.Status, a.Body)
}

// A product is a real server behind a proxy that keeps its answers, and that answers from the store once it is away.
type product struct {
	store   *Store
	away    atomic.Bool
	answer  http.HandlerFunc
	address string
}

func run(t *testing.T, answer http.HandlerFunc) *product {
	t.Helper()
	p := &product{store: New(Limits{}), answer: answer}
	behind := httptest.NewServer(answer)
	t.Cleanup(behind.Close)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.away.Load() {
			a, ok := p.store.Answer(r, time.Now(), time.Hour)
			if !ok {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			send(w, a.Status, a.Header, strings.NewReader(string(a.Body)))
			return
		}
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", strings.TrimPrefix(behind.URL, "http://")
		requested := time.Now()
		resp, err := transport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		p.store.Keep(r, resp, requested, time.Now())
		p.store.Invalidate(r, resp)
		send(w, resp.StatusCode, resp.Header, resp.Body)
	}))
	t.Cleanup(front.Close)
	p.address = front.URL
	return p
}

func send(w http.ResponseWriter, status int, h http.Header, body io.Reader) {
	for name, values := range h {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	if _, err := io.Copy(w, body); err != nil {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// ask is one user's request, with what the answer says.
func (p *product) ask(t *testing.T, method, path string, lines ...string) (status int, body string, h http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header(lines...)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "broken off", resp.Header
	}
	return resp.StatusCode, string(text), resp.Header
}

func TestReadersAreAnsweredWhileTheProductIsAway(t *testing.T) {
	p := run(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0, stale-if-error=600")
		fmt.Fprint(w, "hello")
	})
	p.ask(t, "GET", "/greeting")
	p.away.Store(true)
	status, body, h := p.ask(t, "GET", "/greeting")
	if status != 200 || body != "hello" {
		t.Errorf("got %d %q, want 200 \"hello\"", status, body)
	}
	if got := h.Get("Cache-Status"); !strings.HasPrefix(got, "gate; hit; ttl=-") {
		t.Errorf("Cache-Status: got %q, want a hit with a ttl below zero", got)
	}
	if h.Get("Age") == "" || h.Get("Age") == "0" {
		t.Errorf("Age: got %q, want more than zero", h.Get("Age"))
	}
	if status, body, _ = p.ask(t, "HEAD", "/greeting"); status != 200 || body != "" {
		t.Errorf("HEAD: got %d %q, want 200 without a body", status, body)
	}
	if status, _, _ = p.ask(t, "GET", "/other"); status != 503 {
		t.Errorf("a target that was never asked for: got %d, want 503", status)
	}
	if status, _, _ = p.ask(t, "POST", "/greeting"); status != 503 {
		t.Errorf("POST: got %d, want 503", status)
	}
}

// These answers are for Alice, or may be. Each is given to her while the product runs.
var private = []struct{ alice, answer string }{
	{"Cookie: session=alice", ""},
	{"Cookie: session=alice", "Cache-Control: max-age=600"},
	{"Cookie: session=alice", "Cache-Control: must-revalidate, max-age=600"},
	{"Cookie: session=alice", "Cache-Control: max-age=600, stale-if-error=600"},
	{"Cookie: session=alice", "Expires: Thu, 01 Jan 2099 00:00:00 GMT"},
	{"Cookie: session=alice", "Cache-Control: private"},
	{"Cookie: session=alice", "Cache-Control: public, private"},
	{"Cookie: session=alice", "Cache-Control: PRIVATE, public, max-age=600"},
	{"Cookie: session=alice", "Cache-Control: public; private"},
	{"Cookie: session=alice", `Cache-Control: public, private="", max-age=600`},
	{"Cookie: session=alice", `Cache-Control: public, x="unclosed, private`},
	{"Cookie: session=alice", "Cache-Control: public, no-store"},
	{"Cookie: session=alice", "Cache-Control: public, no-cache"},
	{"Cookie: session=alice", "Set-Cookie: session=alice2\nCache-Control: public, max-age=600"},
	{"Cookie: session=alice", "Vary: Cookie\nCache-Control: public, max-age=600"},
	{"Cookie: session=alice", "Vary: Accept\nVary: cookie\nCache-Control: public, max-age=600"},
	{"Cookie: session=alice", "Vary: *\nCache-Control: public, max-age=600"},
	{"Cookie: session=alice", "Vary: X-Forwarded-For\nCache-Control: public, max-age=600"},
	{"Authorization: Bearer alice", ""},
	{"Authorization: Bearer alice", "Cache-Control: max-age=600"},
	{"Authorization: Bearer alice", "Cache-Control: private, max-age=600"},
	{"Authorization: Bearer alice", "Cache-Control: must-revalidate"},
	{"Authorization: Bearer alice", "Vary: Authorization\nCache-Control: public, max-age=600"},
	{"X-User: alice", "Vary: X-User"},
	{"X-User: alice", "Cache-Control: private"},
	{"X-User: alice", "Set-Cookie: session=alice"},
	{"Cache-Control: no-store", ""},
	{"Range: bytes=0-", ""},
}

func TestAnAnswerForOneUserReachesNoOther(t *testing.T) {
	for _, c := range private {
		t.Run(c.alice+" "+c.answer, func(t *testing.T) {
			p := run(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range header(strings.Split(c.answer, "\n")...) {
					w.Header()[name] = values
				}
				fmt.Fprint(w, "a secret of Alice")
			})
			if status, body, _ := p.ask(t, "GET", "/account", c.alice); status != 200 || body != "a secret of Alice" {
				t.Fatalf("Alice got %d %q, want what the product says", status, body)
			}
			p.away.Store(true)
			for _, bob := range []string{"Cookie: session=bob", "Authorization: Bearer bob", "X-User: bob", "Accept: */*"} {
				if status, body, _ := p.ask(t, "GET", "/account", bob); status != 503 {
					t.Errorf("%s: got %d %q, want 503", bob, status, body)
				}
			}
		})
	}
}

func TestAnAnswerThatSaysItIsSharedReachesOthers(t *testing.T) {
	for alice, answers := range map[string][]string{
		"Cookie: session=alice":       {"public", "s-maxage=600", `public, max-age=600, x="private"`},
		"Authorization: Bearer alice": {"public", "s-maxage=600", "must-revalidate, max-age=600"},
		"Accept: */*":                 {"max-age=600", "max-age=0", "public"},
	} {
		for _, answer := range answers {
			p := run(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", answer)
				fmt.Fprint(w, "for all")
			})
			p.ask(t, "GET", "/", alice)
			p.away.Store(true)
			for _, bob := range []string{"Cookie: session=bob", "Authorization: Bearer bob", "Accept: */*"} {
				if status, _, _ := p.ask(t, "GET", "/", bob); status != 200 {
					t.Errorf("%s asked, %s was said, then %s: got %d, want 200", alice, answer, bob, status)
				}
			}
		}
	}
}

func TestAnAnswerThatSaysNothingIsForThoseWithoutCredentials(t *testing.T) {
	p := run(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	p.ask(t, "GET", "/repository")
	p.away.Store(true)
	for line, want := range map[string]int{"Accept: */*": 404, "Cookie: a=b": 503, "Authorization: Bearer bob": 503} {
		if got, _, _ := p.ask(t, "GET", "/repository", line); got != want {
			t.Errorf("%s: got %d, want %d", line, got, want)
		}
	}
}

func TestAnAnswerThatBreaksOffIsNotStored(t *testing.T) {
	p := run(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", "1000")
		}
		fmt.Fprint(w, "half of it")
		if r.URL.Path != "/whole" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	for path, want := range map[string]int{"/announced": 503, "/chunked": 503, "/whole": 200} {
		p.away.Store(false)
		p.ask(t, "GET", path)
		p.away.Store(true)
		if got, _, _ := p.ask(t, "GET", path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
}

func TestManyMayUseTheStoreAtTheSameTime(t *testing.T) {
	s := New(Limits{Bytes: 1 << 20, Entry: 1 << 14})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				target := fmt.Sprintf("/%d", i%20)
				language := fmt.Sprintf("Accept-Language: %d", worker)
				body := strings.Repeat(fmt.Sprintf("%s %s.", target, language), 100)
				resp := ok(body, "Vary: Accept-Language")
				s.Keep(get(target, language), resp, noon, noon)
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if a, ok := s.Answer(get(target, language), noon, time.Hour); ok && string(a.Body) != body {
					t.Errorf("%s: got the body of another", target)
				}
				if i%50 == worker {
					s.Invalidate(httptest.NewRequest(http.MethodPost, "http://app.northwind.example"+target, nil), ok(""))
				}
			}
		})
	}
	all.Wait()
	if got := s.copies.Load(); got != 0 {
		t.Errorf("copies in the making: got %d bytes, want none", got)
	}
}

func BenchmarkAnAnswerFromTheStore(b *testing.B) {
	s := New(Limits{})
	resp := ok(strings.Repeat("x", 10_000), "Cache-Control: max-age=60", "Etag: \"1\"", "Vary: Accept-Encoding", "Content-Type: text/html")
	r := get("/page", "Accept-Encoding: gzip, br", "Accept: text/html")
	s.Keep(r, resp, noon, noon)
	_, _ = io.Copy(io.Discard, resp.Body)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Answer(r, noon, time.Hour); !ok {
			b.Fatal("got no answer, want one")
		}
	}
}

func BenchmarkAnAnswerThatPassesUnstored(b *testing.B) {
	s := New(Limits{})
	resp := ok("", "Cache-Control: private, max-age=0, must-revalidate", "Content-Type: application/json")
	r := get("/api/things?page=2", "Accept-Encoding: gzip, br", "Cookie: session=alice")
	b.ReportAllocs()
	for b.Loop() {
		s.Keep(r, resp, noon, noon)
	}
}

func BenchmarkAnAnswerThatPassesAndIsStored(b *testing.B) {
	s := New(Limits{})
	body := strings.Repeat("x", 10_000)
	r := get("/page", "Accept-Encoding: gzip, br")
	resp := ok(body, "Cache-Control: max-age=60", "Vary: Accept-Encoding", "Content-Type: text/html")
	buffer := make([]byte, 32<<10)
	b.ReportAllocs()
	for b.Loop() {
		resp.Body = io.NopCloser(strings.NewReader(body))
		s.Keep(r, resp, noon, noon)
		for err := error(nil); err == nil; {
			_, err = resp.Body.Read(buffer)
		}
		_ = resp.Body.Close()
	}
}
