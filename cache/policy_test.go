package cache

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestWhatMayBeStoredIsStored(t *testing.T) {
	for name, change := range map[string]func(*http.Request, *http.Response){
		"a 200 that says nothing":         func(*http.Request, *http.Response) {},
		"203":                             func(_ *http.Request, resp *http.Response) { resp.StatusCode = 203 },
		"300":                             func(_ *http.Request, resp *http.Response) { resp.StatusCode = 300 },
		"301":                             func(_ *http.Request, resp *http.Response) { resp.StatusCode = 301 },
		"308":                             func(_ *http.Request, resp *http.Response) { resp.StatusCode = 308 },
		"404":                             func(_ *http.Request, resp *http.Response) { resp.StatusCode = 404 },
		"410":                             func(_ *http.Request, resp *http.Response) { resp.StatusCode = 410 },
		"302 that says how long":          with(302, "Cache-Control: max-age=60"),
		"302 with Expires":                with(302, "Expires: Fri, 15 Jan 2027 13:00:00 GMT"),
		"403 that is public":              with(403, "Cache-Control: public"),
		"must-understand, understood":     with(404, "Cache-Control: must-understand, max-age=60"),
		"private of a field":              with(200, `Cache-Control: private="X-Trace"`),
		"chunks":                          func(_ *http.Request, resp *http.Response) { unknownLength(resp, 1, "chunked") },
		"frames":                          func(_ *http.Request, resp *http.Response) { unknownLength(resp, 2) },
		"no body":                         func(_ *http.Request, resp *http.Response) { resp.Body, resp.ContentLength = http.NoBody, 0 },
		"204":                             func(_ *http.Request, resp *http.Response) { *resp = *noContent() },
		"to a request with If-None-Match": func(r *http.Request, _ *http.Response) { r.Header.Set("If-None-Match", `"1"`) },
	} {
		t.Run(name, func(t *testing.T) {
			if r, status := afterPassing(t, change); status == "nothing" {
				t.Errorf("%s %s: got nothing, want the stored answer", r.Method, r.URL)
			}
		})
	}
}

func TestWhatMustNotBeStoredIsNotStored(t *testing.T) {
	for name, change := range map[string]func(*http.Request, *http.Response){
		"206":                          with(206),
		"304":                          with(304),
		"101":                          with(101),
		"500 that says how long":       with(500, "Cache-Control: public, max-age=60"),
		"503 that says how long":       with(503, "Cache-Control: public, max-age=60"),
		"302 that says nothing":        with(302),
		"405 that says nothing":        with(405),
		"a stream of events":           with(200, "Content-Type: text/event-stream; charset=utf-8"),
		"no-store":                     with(200, "Cache-Control: max-age=60", "Cache-Control: No-Store"),
		"no-cache":                     with(200, "Cache-Control: no-cache"),
		"private":                      with(200, "Cache-Control: private, max-age=60"),
		"must-understand, not":         with(299, "Cache-Control: must-understand, max-age=60"),
		"Set-Cookie":                   with(200, "Cache-Control: public", "Set-Cookie: a=b"),
		"Vary by everything":           with(200, "Vary: Accept, *"),
		"Vary by who asks":             with(200, "Vary: forwarded"),
		"Vary by no name":              with(200, "Vary: a b"),
		"stale from the start for all": with(200, "Cache-Control: max-age=0, must-revalidate"),
		"a client's no-store":          func(r *http.Request, _ *http.Response) { r.Header.Set("Cache-Control", "no-store") },
		"Range":                        func(r *http.Request, _ *http.Response) { r.Header.Set("Range", "bytes=0-") },
		"a GET with a body":            func(r *http.Request, _ *http.Response) { r.ContentLength = 5 },
		"HEAD":                         func(r *http.Request, _ *http.Response) { r.Method = http.MethodHead },
		"POST":                         func(r *http.Request, _ *http.Response) { r.Method = http.MethodPost },
		"a method in lower case":       func(r *http.Request, _ *http.Response) { r.Method = "get" },
		"absolute form":                func(r *http.Request, _ *http.Response) { r.RequestURI = "https://app.northwind.example/" },
		"a client certificate": func(r *http.Request, _ *http.Response) {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
		},
		"an end that is not known": func(_ *http.Request, resp *http.Response) { unknownLength(resp, 1) },
		"shorter than announced":   func(_ *http.Request, resp *http.Response) { resp.ContentLength++ },
		"longer than announced":    func(_ *http.Request, resp *http.Response) { resp.ContentLength-- },
		"longer than allowed": func(_ *http.Request, resp *http.Response) {
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 2048))), 2048
		},
		"longer than allowed, in chunks": func(_ *http.Request, resp *http.Response) {
			resp.Body = io.NopCloser(bytes.NewReader(make([]byte, 2048)))
			unknownLength(resp, 1, "chunked")
		},
	} {
		t.Run(name, func(t *testing.T) {
			if r, status := afterPassing(t, change); status != "nothing" {
				t.Errorf("%s %s: got %q, want nothing", r.Method, r.URL, status)
			}
		})
	}
}

// with gives the answer a status and fields.
func with(status int, lines ...string) func(*http.Request, *http.Response) {
	return func(_ *http.Request, resp *http.Response) {
		resp.StatusCode = status
		resp.Header = header(lines...)
	}
}

func unknownLength(resp *http.Response, major int, coding ...string) {
	resp.ContentLength, resp.ProtoMajor, resp.TransferEncoding = -1, major, coding
}

func noContent() *http.Response {
	return &http.Response{StatusCode: http.StatusNoContent, ProtoMajor: 1, Header: http.Header{}, Body: http.NoBody, ContentLength: -1}
}

// afterPassing lets one answer pass and tells what the store then answers to anybody.
func afterPassing(t *testing.T, change func(*http.Request, *http.Response)) (*http.Request, string) {
	t.Helper()
	s := New(Limits{Bytes: 1 << 20, Entry: 1024})
	r, resp := get("/"), ok("hello")
	change(r, resp)
	pass(t, s, r, resp)
	if got := s.copies.Load(); got != 0 {
		t.Errorf("copies in the making: got %d bytes, want none", got)
	}
	if got := s.entries.EstimatedSize(); (got > 0) != (answers(s, get("/")) != "nothing") && r.TLS == nil {
		t.Errorf("got %d answers stored, want what is never of use not to be stored", got)
	}
	if r.TLS != nil {
		r.URL.Scheme = "https"
	}
	again := get("/")
	again.URL.Scheme = r.URL.Scheme
	return r, answers(s, again)
}

// Each is an answer, received at noon, and a request some time after it.
var staleness = []struct {
	answer, request string
	after           time.Duration
	most            time.Duration
	age             string // "" where it must not be answered
}{
	// Fresh (RFC 9111, 4.2).
	{"Cache-Control: max-age=60", "", 30 * time.Second, 0, "30"},
	{"Cache-Control: max-age=60", "", 29500 * time.Millisecond, 0, "30"},
	{"Cache-Control: max-age=60", "", 60 * time.Second, 0, ""},
	{"Cache-Control: max-age=60, s-maxage=10", "", 10 * time.Second, 0, ""},
	{"Cache-Control: max-age=10, s-maxage=60", "", 30 * time.Second, 0, "30"},
	{"Expires: Fri, 15 Jan 2027 12:01:00 GMT", "", 59 * time.Second, 0, "59"},
	{"Expires: Fri, 15 Jan 2027 12:01:00 GMT", "", 61 * time.Second, 0, ""},
	{"Expires: 0", "", 0, 0, ""},
	{"Expires: Fri, 15 Jan 2027 12:01:00 GMT\nExpires: 0", "", time.Second, 0, ""},
	{"Cache-Control: max-age=0\nExpires: Fri, 15 Jan 2027 12:01:00 GMT", "", time.Second, 0, ""},
	{"Cache-Control: max-age=60", "", -time.Hour, 0, "0"},

	// Age (4.2.3): by the Date, by the Age, whichever is more.
	{"Cache-Control: max-age=60\nDate: Fri, 15 Jan 2027 11:59:30 GMT", "", 20 * time.Second, 0, "50"},
	{"Cache-Control: max-age=60\nDate: Fri, 15 Jan 2027 11:59:30 GMT", "", 30 * time.Second, 0, ""},
	{"Cache-Control: max-age=60\nDate: Fri, 15 Jan 2027 12:59:30 GMT", "", 20 * time.Second, 0, "20"},
	{"Cache-Control: max-age=60\nAge: 30", "", 20 * time.Second, 0, "50"},
	{"Cache-Control: max-age=60\nAge: 10\nDate: Fri, 15 Jan 2027 11:59:30 GMT", "", 20 * time.Second, 0, "50"},
	{"Cache-Control: max-age=60\nAge: 30", "", 30 * time.Second, 0, ""},
	{"Cache-Control: max-age=60\nAge: soon", "", 0, time.Hour, ""},
	{"Cache-Control: max-age=60\nAge: 1\nAge: 2", "", 0, time.Hour, ""},

	// Stale, by the operator's leave or the product's (4.2.4; RFC 5861, 4).
	{"", "", 59 * time.Minute, time.Hour, "3540"},
	{"", "", time.Hour, time.Hour, "3600"},
	{"", "", time.Hour + time.Second, time.Hour, ""},
	{"", "", 0, time.Hour, "1"},
	{"", "", 0, 0, ""},
	{"Cache-Control: max-age=60", "", 90 * time.Second, 30 * time.Second, "90"},
	{"Cache-Control: max-age=600, stale-if-error=1200", "", 900 * time.Second, 0, "900"},
	{"Cache-Control: max-age=600, stale-if-error=1200", "", 1801 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60, stale-if-error=0", "", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60, stale-if-error=long", "", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60, must-revalidate", "", 59 * time.Second, 0, "59"},
	{"Cache-Control: max-age=60, must-revalidate", "", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60, proxy-revalidate", "", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: s-maxage=60", "", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60, must-revalidate, stale-if-error=600", "", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: s-maxage=60, stale-if-error=600", "", 61 * time.Second, time.Hour, ""},

	// What the client wishes (5.2.1).
	{"Cache-Control: max-age=600", "Cache-Control: no-cache", time.Second, time.Hour, ""},
	{"Cache-Control: max-age=600", "Pragma: no-cache", time.Second, time.Hour, ""},
	{"Cache-Control: max-age=600", "Pragma: no-cache\nCache-Control: max-age=60", time.Second, time.Hour, "1"},
	{"Cache-Control: max-age=600", "Cache-Control: only-if-cached", time.Second, time.Hour, "1"},
	{"Cache-Control: max-age=600", "Cache-Control: max-age=60", 60 * time.Second, time.Hour, "60"},
	{"Cache-Control: max-age=600", "Cache-Control: max-age=60", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=600", "Cache-Control: max-age=never", time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60", "Cache-Control: max-age=600", 61 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60", "Cache-Control: max-age=600, max-stale=10", 61 * time.Second, time.Hour, "61"},
	{"Cache-Control: max-age=60", "Cache-Control: max-stale=10", 71 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60", "Cache-Control: max-stale", 71 * time.Second, time.Hour, "71"},
	{"Cache-Control: max-age=60", "Cache-Control: max-stale", 71 * time.Second, 0, ""},
	{"Cache-Control: max-age=60", "Cache-Control: min-fresh=20", 40 * time.Second, time.Hour, "40"},
	{"Cache-Control: max-age=60", "Cache-Control: min-fresh=20", 41 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60", "Cache-Control: max-age=0, stale-if-error=60", 90 * time.Second, time.Hour, "90"},
	{"Cache-Control: max-age=60", "Cache-Control: stale-if-error=20", 90 * time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60", "Cache-Control: stale-if-error=600", 90 * time.Second, 20 * time.Second, ""},
	{"Cache-Control: max-age=60", "If-Match: \"1\"", time.Second, time.Hour, ""},
	{"Cache-Control: max-age=60", "If-Unmodified-Since: Fri, 15 Jan 2027 12:00:00 GMT", time.Second, time.Hour, ""},
}

func TestAnAnswerIsGivenAsLongAsAllAgree(t *testing.T) {
	for _, c := range staleness {
		s := New(Limits{})
		pass(t, s, get("/"), ok("hello", lines(c.answer)...))
		a, answered := s.Answer(get("/", lines(c.request)...), noon.Add(c.after), c.most)
		what := strings.Join([]string{c.answer, c.request, c.after.String(), "at most " + c.most.String()}, "; ")
		switch {
		case answered != (c.age != ""):
			t.Errorf("%s: got answered %t, want %t", what, answered, c.age != "")
		case answered && a.Header.Get("Age") != c.age:
			t.Errorf("%s: got Age %s, want %s", what, a.Header.Get("Age"), c.age)
		}
	}
}

func TestTheTimeOnTheWayCountsAsAge(t *testing.T) {
	s := New(Limits{})
	resp := ok("hello", "Cache-Control: max-age=60", "Age: 10")
	s.Keep(get("/"), resp, noon.Add(-20*time.Second), noon)
	_, _ = io.Copy(io.Discard, resp.Body)
	a, answered := s.Answer(get("/"), noon.Add(5*time.Second), 0)
	if !answered || a.Header.Get("Age") != strconv.Itoa(10+20+5) {
		t.Errorf("got %v %v, want an age of 35", answered, a)
	}
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
