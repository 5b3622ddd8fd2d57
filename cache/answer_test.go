package cache

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestAClientThatHasTheAnswerGets304(t *testing.T) {
	const modified = "Last-Modified: Fri, 15 Jan 2027 10:00:00 GMT"
	for _, c := range []struct {
		answer, request string
		want            int
	}{
		{`Etag: "1"`, `If-None-Match: "1"`, 304},
		{`Etag: "1"`, `If-None-Match: W/"1"`, 304},
		{`Etag: W/"1"`, `If-None-Match: "1"`, 304},
		{`Etag: "1"`, `If-None-Match: "0", "1"`, 304},
		{`Etag: "a,b"`, `If-None-Match: "c" ,, W/"a,b"`, 304},
		{`Etag: "1"`, "If-None-Match: \"0\"\nIf-None-Match: \"1\"", 304},
		{`Etag: "1"`, `If-None-Match: *`, 304},
		{``, `If-None-Match: *`, 304},
		{`Etag: "1"`, `If-None-Match: "2"`, 200},
		{`Etag: "1"`, `If-None-Match: 1`, 200},
		{`Etag: "1"`, `If-None-Match: "1`, 200},
		{`Etag: "b"`, `If-None-Match: "a"b"`, 200},
		{``, `If-None-Match: ""`, 200},
		{modified, "If-Modified-Since: Fri, 15 Jan 2027 10:00:00 GMT", 304},
		{modified, "If-Modified-Since: Fri, 15 Jan 2027 09:59:59 GMT", 200},
		{modified, "If-Modified-Since: yesterday", 200},
		{``, "If-Modified-Since: Fri, 15 Jan 2027 12:00:00 GMT", 304}, // by its Date
		{``, "If-Modified-Since: Fri, 15 Jan 2027 11:59:59 GMT", 200},
		{"Etag: \"1\"\n" + modified, "If-None-Match: \"2\"\nIf-Modified-Since: Fri, 15 Jan 2027 10:00:00 GMT", 200},
	} {
		s := New(Limits{})
		answer := append(lines(c.answer), "Content-Type: text/plain", "Vary: Accept", "Cache-Control: max-age=60")
		pass(t, s, get("/"), ok("hello", answer...))
		a, answered := s.Answer(get("/", lines(c.request)...), noon, 0)
		if !answered || a.Status != c.want {
			t.Errorf("%s; %s: got %v %v, want %d", c.answer, c.request, answered, a, c.want)
			continue
		}
		if whole := a.Header.Get("Content-Type") != "" && a.Header.Get("Content-Length") == "5" && string(a.Body) == "hello"; whole != (c.want == 200) {
			t.Errorf("%s; %s: got %d with %v and %q", c.answer, c.request, a.Status, a.Header, a.Body)
		}
		if a.Header.Get("Vary") != "Accept" || a.Header.Get("Date") == "" || a.Header.Get("Cache-Control") == "" {
			t.Errorf("%s; %s: got %v, want Vary, Date and Cache-Control (RFC 9110, 15.4.5)", c.answer, c.request, a.Header)
		}
	}
}

func TestOnlyA200IsJudgedByItsValidators(t *testing.T) {
	s := New(Limits{})
	resp := ok("gone", `Etag: "1"`)
	resp.StatusCode = http.StatusGone
	pass(t, s, get("/"), resp)
	if got, want := answers(s, get("/", `If-None-Match: "1"`)), "410 gone"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAStoredAnswerKeepsWhatOutlivesItsConnection(t *testing.T) {
	s := New(Limits{})
	pass(t, s, get("/"), ok("hello",
		"Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "Upgrade: h2c", "Trailer: X-Sum", "Proxy-Authenticate: Basic",
		"Transfer-Encoding: chunked", "Cache-Status: northwind; fwd=miss", "Age: 7", "X-Trace: alice", "X-Name: alice",
		`Cache-Control: max-age=60, no-cache="X-Trace", private="X-Name"`, "Content-Type: text/plain", "Link: </a>", "Link: </b>"))
	a, answered := s.Answer(get("/"), noon, 0)
	if !answered {
		t.Fatal("got no answer, want one")
	}
	want := header(
		"Age: 7", "Cache-Control: max-age=60, no-cache=\"X-Trace\", private=\"X-Name\"", "Cache-Status: northwind; fwd=miss",
		"Cache-Status: gate; hit; ttl=53", "Content-Length: 5", "Content-Type: text/plain", "Date: Fri, 15 Jan 2027 12:00:00 GMT",
		"Link: </a>", "Link: </b>")
	for name := range want {
		if !slices.Equal(a.Header[name], want[name]) {
			t.Errorf("%s: got %q, want %q", name, a.Header[name], want[name])
		}
	}
	if len(a.Header) != len(want) {
		t.Errorf("got %v, want %v", a.Header, want)
	}
}

func TestWhatAClientIsToldDoesNotReachTheNext(t *testing.T) {
	s := New(Limits{})
	pass(t, s, get("/"), ok("hello", "Cache-Status: northwind; fwd=miss", "Vary: Accept"))
	for range 3 {
		a, _ := s.Answer(get("/"), noon, time.Hour)
		a.Header.Add("Cache-Status", "another")
		a.Header.Add("Vary", "Origin")
		a.Header.Set("X-Request-Id", "1")
	}
	a, _ := s.Answer(get("/"), noon, time.Hour)
	if len(a.Header["Cache-Status"]) != 2 || len(a.Header["Vary"]) != 1 || a.Header.Get("X-Request-Id") != "" {
		t.Errorf("got %v, want what the product said and one hit", a.Header)
	}
}

func TestHeadAndRangeAreAnsweredFromAGet(t *testing.T) {
	s := New(Limits{})
	pass(t, s, get("/"), ok("hello"))
	head := get("/")
	head.Method = http.MethodHead
	a, answered := s.Answer(head, noon, time.Hour)
	if !answered || a.Status != 200 || a.Body != nil || a.Header.Get("Content-Length") != "5" {
		t.Errorf("HEAD: got %v, want 200 with Content-Length 5 and no body", a)
	}
	if got, want := answers(s, get("/", "Range: bytes=1-2")), "200 hello"; got != want {
		t.Errorf("Range: got %s, want %s", got, want)
	}
	for _, method := range []string{"POST", "OPTIONS", "PROPFIND", "head"} {
		other := get("/")
		other.Method = method
		if got := answers(s, other); got != "nothing" {
			t.Errorf("%s: got %s, want nothing", method, got)
		}
	}
}
