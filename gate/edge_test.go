package gate

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/upstream"
)

// asServed makes a request as the server hands it to a handler.
func asServed(t testing.TB, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:40000"
	return r.WithContext(t.Context())
}

// fieldsOf writes fields as lines, in the order of their names.
func fieldsOf(h http.Header) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			lines = append(lines, name+": "+value)
		}
	}
	return lines
}

// ownWords are the fields that the gate says itself to the product, to a client that it does not know.
var ownWords = []string{
	`Forwarded: for=192.0.2.1;host="app.northwind.example";proto=http`,
	"Via: 1.1 interlude",
	"X-Forwarded-For: 192.0.2.1",
	"X-Forwarded-Host: app.northwind.example",
	"X-Forwarded-Proto: http",
	"X-Request-Id: 7",
}

func TestFieldsGoOnUnlessTheyConcernOneConnection(t *testing.T) {
	for _, c := range []struct {
		name, sent string
		want       []string
	}{
		{"an ordinary request", "Accept: */*\nCookie: a=1\nCookie: b=2\nUser-Agent: x/1", []string{"Accept: */*", "Cookie: a=1", "Cookie: b=2", "User-Agent: x/1"}},
		{"what RFC 9110, 7.6.1 lists", "Connection: keep-alive\nKeep-Alive: timeout=5\nProxy-Connection: keep-alive\nProxy-Authenticate: Basic\nProxy-Authorization: Basic QQ==\nTE: gzip\nUpgrade: websocket\nTrailer: X-Sum", nil},
		{"what Connection names", "Connection: close, x-hop\nConnection: X-Other\nX-Hop: 1\nX-Other: 2\nX-Stays: 3", []string{"X-Stays: 3"}},
		{
			"what Connection must not name", "Connection: Authorization, Cookie, Content-Type, Cache-Control\nAuthorization: Bearer a\nCookie: a=1\nContent-Type: text/plain\nCache-Control: no-cache",
			[]string{"Authorization: Bearer a", "Cache-Control: no-cache", "Content-Type: text/plain", "Cookie: a=1"},
		},
		{"trailers are understood", "TE: gzip, trailers;q=0.5\nConnection: TE", nil},
		{"trailers are accepted", "TE: trailers\nConnection: TE", []string{"Te: trailers"}},
		{"an upgrade", "Connection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13", []string{"Connection: Upgrade", "Sec-Websocket-Version: 13", "Upgrade: websocket"}},
		{"an upgrade that Connection does not name", "Upgrade: websocket", nil},
		{"an upgrade to another HTTP", "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", nil},
		{"an upgrade that offers another HTTP", "Connection: Upgrade\nUpgrade: websocket, HTTP/2.0", nil},
		{"an upgrade with two lines", "Connection: Upgrade\nUpgrade: websocket\nUpgrade: h2c", nil},
		{"an upgrade with a body", "Connection: Upgrade\nUpgrade: websocket\nContent-Length: 5", nil},
		{"names that CGI confuses", "X_Forwarded_For: 10.0.0.1\nX_forwarded-For: 10.0.0.1\nX.Real.IP: 10.0.0.1\nContent_Length: 5\nProxy: http://a\nSession_Id: 3", []string{"Session_id: 3"}},
		{"what only proxies say", "X-Real-IP: 10.0.0.1\nX-Forwarded-Port: 443\nX-Forwarded-For: 10.0.0.1\nForwarded: for=10.0.0.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: a\nX-Request-Id: 99", nil},
		{"Connection cannot take the gate's word away", "Connection: X-Forwarded-For, Forwarded, Via, X-Request-Id, X-Forwarded-Proto, Host, Content-Length", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, misfit := admit(asServed(t, "GET /a?b HTTP/1.1\nHost: app.northwind.example\n"+c.sent))
			if misfit != nil {
				t.Fatal(misfit)
			}
			got := fieldsOf(new(edge).outgoing(in, "7").Header)
			want := slices.Sorted(slices.Values(slices.Concat(c.want, ownWords)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("fields for the product, -want +got:\n%s", diff)
			}
		})
	}
}

func TestARequestForTheProductLeavesTheClientsAlone(t *testing.T) {
	r := asServed(t, "GET http://app.northwind.example/%2fa%20b//c?x=%zz HTTP/1.1\nHost: other.example\nConnection: close, X-Hop\nX-Hop: 1\nVia: 1.0 front")
	before, at := r.Header.Clone(), *r.URL
	in, _ := admit(r)
	e := &edge{}
	first, second := e.outgoing(in, "7"), e.outgoing(in, "7")
	if diff := cmp.Diff(before, r.Header); diff != "" {
		t.Errorf("the client's fields changed, -was +is:\n%s", diff)
	}
	if *r.URL != at {
		t.Errorf("got URL %v afterwards, want %v", *r.URL, at)
	}
	if diff := cmp.Diff(fieldsOf(first.Header), fieldsOf(second.Header)); diff != "" {
		t.Errorf("the second attempt differs, -first +second:\n%s", diff)
	}
	if got, want := first.URL.RequestURI(), "/%2fa%20b//c?x=%zz"; got != want {
		t.Errorf("got target %q, want %q", got, want)
	}
	if first.Host != "app.northwind.example" || first.URL.Host != "" {
		t.Errorf("got host %q and URL %v, want the host of the target and none in the URL", first.Host, first.URL)
	}
	if got := first.Header["Via"]; len(got) != 1 || got[0] != "1.0 front, 1.1 interlude" {
		t.Errorf("got Via %q, want the gate at the end of it", got)
	}
	if got, ok := first.Header["User-Agent"]; !ok || got != nil {
		t.Errorf("got User-Agent %q (%t), want none and none to be made up", got, ok)
	}
	first.Header["Via"] = append(first.Header["Via"], "another")
	if got := first.Header.Get("X-Request-Id"); got != "7" {
		t.Errorf("got request id %q after Via was added to, want 7", got)
	}
}

func TestTheHostIsTheAddressWhereThatIsWanted(t *testing.T) {
	r := asServed(t, "GET / HTTP/1.1\nHost: app.northwind.example")
	out := (&edge{addressAsHost: true}).outgoing(r, "7")
	if out.Host != "" || out.Header.Get("X-Forwarded-Host") != "app.northwind.example" {
		t.Errorf("got Host %q and X-Forwarded-Host %q, want none and the client's", out.Host, out.Header.Get("X-Forwarded-Host"))
	}
}

func TestAProtocolIsWhatTheConnectionSays(t *testing.T) {
	r := asServed(t, "GET / HTTP/1.1\nHost: app.northwind.example\nX-Forwarded-Proto: http")
	r.TLS, r.ProtoMajor, r.ProtoMinor = &tls.ConnectionState{}, 2, 0
	out := new(edge).outgoing(r, "7")
	if got := out.Header.Get("X-Forwarded-Proto"); got != "https" {
		t.Errorf("got protocol %q, want https", got)
	}
	if got := out.Header.Get("Via"); got != "2.0 interlude" {
		t.Errorf("got Via %q, want the version that it was received with", got)
	}
}

func TestRequestsThatNoProductMaySeeAreNotAdmitted(t *testing.T) {
	for _, c := range []struct {
		name   string
		r      http.Request
		status int
	}{
		{"CONNECT", http.Request{Method: http.MethodConnect, Host: "a:1", URL: &url.URL{Host: "a:1"}}, 405},
		{"HTTP/2's preface", http.Request{Method: "PRI", URL: &url.URL{Path: "*"}}, 400},
		{"GET *", http.Request{Method: http.MethodGet, URL: &url.URL{Path: "*"}}, 400},
		{"an opaque target", http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Opaque: "a"}}, 400},
		{"another scheme", http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "ftp", Host: "a", Path: "/"}}, 400},
		{"a host with userinfo", http.Request{Method: http.MethodGet, Host: "me@a", URL: &url.URL{Path: "/"}}, 400},
		{"a host with a path", http.Request{Method: http.MethodGet, Host: "a/b", URL: &url.URL{Path: "/"}}, 400},
		{"a host with a space", http.Request{Method: http.MethodGet, Host: "a b", URL: &url.URL{Path: "/"}}, 400},
		{"OPTIONS *", http.Request{Method: http.MethodOptions, URL: &url.URL{Path: "*"}}, 0},
		{"no host", http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}}, 0},
	} {
		_, misfit := admit(&c.r)
		switch {
		case misfit == nil && c.status != 0:
			t.Errorf("%s: got admitted, want status %d", c.name, c.status)
		case misfit != nil && misfit.status != c.status:
			t.Errorf("%s: got %d (%v), want %d", c.name, misfit.status, misfit, c.status)
		}
	}
}

func TestABodyIsUnreadUntilItsProperEnd(t *testing.T) {
	r := asServed(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 4\n\nabcd")
	in, _ := admit(r)
	buf := make([]byte, 2)
	_, _ = io.ReadFull(in.Body, buf)
	if !unread(in) {
		t.Error("got read after half of it, want unread")
	}
	if rest, err := io.ReadAll(in.Body); string(rest) != "cd" || err != nil || unread(in) {
		t.Errorf("got rest %q, %v, unread %t, want cd and read", rest, err, unread(in))
	}
	in.Body.Close()
	if _, err := in.Body.Read(buf); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v from a closed body, want %v", err, http.ErrBodyReadAfterClose)
	}
	cut := asServed(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 40\n\nabcd")
	in, _ = admit(cut)
	if _, err := io.ReadAll(in.Body); err == nil || !unread(in) {
		t.Errorf("got error %v and unread %t of a body that broke off, want an error and unread", err, unread(in))
	}
}

func TestAnIDIsTakenOverOnlyFromThoseWhoAreTrusted(t *testing.T) {
	front := &edge{trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	for _, c := range []struct {
		name  string
		edge  *edge
		given []string
		taken bool
	}{
		{"from a proxy", front, []string{"req-1/ab_Z~"}, true},
		{"of 128 characters", front, []string{strings.Repeat("x", 128)}, true},
		{"from a stranger", &edge{}, []string{"req-1"}, false},
		{"of 129 characters", front, []string{strings.Repeat("x", 129)}, false},
		{"with a space", front, []string{"a b"}, false},
		{"with a letter beyond ASCII", front, []string{"ä"}, false},
		{"empty", front, []string{""}, false},
		{"twice", front, []string{"a", "b"}, false},
		{"not at all", front, nil, false},
	} {
		r := &http.Request{RemoteAddr: "192.0.2.1:40000", Header: http.Header{"X-Request-Id": c.given}}
		got, again := c.edge.requestID(r), c.edge.requestID(r)
		if taken := len(c.given) > 0 && got == c.given[0]; taken != c.taken {
			t.Errorf("%s: got id %q for %q, want it taken over: %t", c.name, got, c.given, c.taken)
		}
		if !c.taken && (len(got) != 32 || got == again) {
			t.Errorf("%s: got %q and %q, want two new ids of 32 digits", c.name, got, again)
		}
	}
}

func BenchmarkOutgoing(b *testing.B) {
	r := asServed(b, strings.Join([]string{
		"GET /inbox?page=2 HTTP/1.1", "Host: app.northwind.example", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept: text/html",
		"Accept-Language: en", "Accept-Encoding: gzip, br", "Cookie: session=abcdef", "Referer: https://app.northwind.example/",
		"Connection: keep-alive", "Sec-Fetch-Site: same-origin", "Cache-Control: max-age=0",
	}, "\n"))
	for name, e := range map[string]*edge{"nobody trusted": {}, "behind a proxy": {trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				in, _ := admit(r)
				e.outgoing(in, "7")
			}
		})
	}
	b.Run("told of early heads", func(b *testing.B) {
		b.ReportAllocs()
		w := httptest.NewRecorder()
		e := &edge{}
		for b.Loop() {
			in, _ := admit(r)
			_, _ = ask(nothing{}, w, e.outgoing(in, "7"))
		}
	})
	b.Run("a new id", func(b *testing.B) {
		b.ReportAllocs()
		e := &edge{}
		for b.Loop() {
			e.requestID(r)
		}
	})
}

// nothing answers no request.
type nothing struct{}

func (nothing) Ask(*http.Request, upstream.Early) (*http.Response, error) { return nil, io.EOF }
