package gate

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// front trusts two networks.
func front() *edge {
	return &edge{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
}

func TestTheClientIsTheRightmostAddressThatIsNotTrusted(t *testing.T) {
	for _, c := range []struct {
		name, peer, fields string
		client             string
		forwardedFor       string // what the product is told
		forwarded          string
	}{
		{
			"a stranger's word counts for nothing", "203.0.113.9:4000", "X-Forwarded-For: 10.0.0.1\nForwarded: for=10.0.0.1;proto=https;host=a\nX-Forwarded-Proto: https\nX-Forwarded-Host: a",
			"203.0.113.9", "203.0.113.9", `for=203.0.113.9;host="h.example";proto=http`,
		},
		{
			"a proxy's word counts", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: HTTPS\nX-Forwarded-Host: app.example:8443",
			"203.0.113.9", "203.0.113.9, 10.0.0.2", `for=203.0.113.9;host="app.example:8443";proto=https, for=10.0.0.2`,
		},
		{"a proxy that says nothing is the client", "10.0.0.2:4000", "", "10.0.0.2", "10.0.0.2", `for=10.0.0.2;host="h.example";proto=http`},
		{
			"what stands left of a stranger is the stranger's", "10.0.0.2:4000", "X-Forwarded-For: 127.0.0.1, 10.0.0.9, 203.0.113.9, 10.0.0.3",
			"203.0.113.9", "203.0.113.9, 10.0.0.3, 10.0.0.2", `for=203.0.113.9;host="h.example";proto=http, for=10.0.0.3, for=10.0.0.2`,
		},
		{"lines follow one another", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.1\nX-Forwarded-For: 203.0.113.9,\nX-Forwarded-For: 10.0.0.3", "203.0.113.9", "203.0.113.9, 10.0.0.3, 10.0.0.2", ""},
		{"where all are trusted, the farthest is", "10.0.0.2:4000", "X-Forwarded-For: 10.0.0.4, 10.0.0.3", "10.0.0.4", "10.0.0.4, 10.0.0.3, 10.0.0.2", ""},
		{"ports", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.9:51000", "203.0.113.9", "203.0.113.9, 10.0.0.2", ""},
		{"IPv6", "[fd00::2]:4000", "X-Forwarded-For: 2001:DB8::9", "2001:db8::9", "2001:db8::9, fd00::2", `for="[2001:db8::9]";host="h.example";proto=http, for="[fd00::2]"`},
		{"IPv6 with a port", "[fd00::2]:4000", "X-Forwarded-For: [2001:db8::9]:51000", "2001:db8::9", "2001:db8::9, fd00::2", ""},
		{"IPv6 with a zone", "[fd00::2%eth0]:4000", "X-Forwarded-For: fe80::1%eth0", "fe80::1", "fe80::1, fd00::2", ""},
		{"IPv4 within IPv6", "[::ffff:10.0.0.2]:4000", "X-Forwarded-For: ::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9, 10.0.0.2", ""},
		{"unknown ends what is known", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.1, unknown, 10.0.0.3", "10.0.0.3", "10.0.0.3, 10.0.0.2", ""},
		{"rubbish ends what is known", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.1, <script>", "10.0.0.2", "10.0.0.2", ""},
		{"a protocol that there is not", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: javascript\nX-Forwarded-Host: a\"b", "203.0.113.9", "203.0.113.9, 10.0.0.2", `for=203.0.113.9;host="h.example";proto=http, for=10.0.0.2`},
		{"the peer's own protocol is the last", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: http, https", "203.0.113.9", "203.0.113.9, 10.0.0.2", `for=203.0.113.9;host="h.example";proto=https, for=10.0.0.2`},
		{"Forwarded alone", "10.0.0.2:4000", `Forwarded: for="[2001:db8::9]:51000";Proto=https;host="app.example:8443";by=_x`, "2001:db8::9", "2001:db8::9, 10.0.0.2", `for="[2001:db8::9]";host="app.example:8443";proto=https, for=10.0.0.2`},
		{"Forwarded with several", "10.0.0.2:4000", "Forwarded: for=127.0.0.1;proto=http, for=203.0.113.9;proto=https\nForwarded: For=10.0.0.3;proto=http", "203.0.113.9", "203.0.113.9, 10.0.0.3, 10.0.0.2", `for=203.0.113.9;host="h.example";proto=https, for=10.0.0.3, for=10.0.0.2`},
		{"Forwarded that hides", "10.0.0.2:4000", "Forwarded: for=127.0.0.1, for=_secret;proto=https", "10.0.0.2", "10.0.0.2", `for=10.0.0.2;host="h.example";proto=https`},
		{"a quote that the client left open", "10.0.0.2:4000", `Forwarded: for="127.0.0.1, for=203.0.113.9`, "203.0.113.9", "203.0.113.9, 10.0.0.2", ""},
		{"a comma within quotes", "10.0.0.2:4000", `Forwarded: for=203.0.113.9;x="a, for=127.0.0.1;y=\" b"`, "203.0.113.9", "203.0.113.9, 10.0.0.2", ""},
		{"a parameter twice", "10.0.0.2:4000", "Forwarded: for=203.0.113.9;for=127.0.0.1", "10.0.0.2", "10.0.0.2", ""},
		{"X-Forwarded-For comes before Forwarded", "10.0.0.2:4000", "X-Forwarded-For: 203.0.113.9\nForwarded: for=127.0.0.1;proto=https", "203.0.113.9", "203.0.113.9, 10.0.0.2", `for=203.0.113.9;host="h.example";proto=http, for=10.0.0.2`},
		{"a socket without address", "@", "X-Forwarded-For: 10.0.0.1", "invalid IP", "", `for=unknown;host="h.example";proto=http`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := asServed(t, strings.TrimSuffix("GET / HTTP/1.1\nHost: h.example\n"+c.fields, "\n"))
			r.RemoteAddr = c.peer
			if got := front().client(r); got.String() != c.client {
				t.Errorf("got client %v, want %s", got, c.client)
			}
			h := front().outgoing(r, "7").Header
			if got := strings.Join(h["X-Forwarded-For"], "|"); got != c.forwardedFor {
				t.Errorf("got X-Forwarded-For %q, want %q", got, c.forwardedFor)
			}
			if got := strings.Join(h["Forwarded"], "|"); c.forwarded != "" && got != c.forwarded {
				t.Errorf("got Forwarded %q, want %q", got, c.forwarded)
			}
		})
	}
}

func TestWhatOnlyProxiesSayGoesOnFromThoseWhoAreTrusted(t *testing.T) {
	r := asServed(t, "GET / HTTP/1.1\nHost: h.example\nConnection: X-Real-Ip, X-Forwarded-Port\nX-Real-Ip: 203.0.113.9\nX-Forwarded-Port: 8443")
	r.RemoteAddr = "10.0.0.2:4000"
	h := front().outgoing(r, "7").Header
	if h.Get("X-Real-Ip") != "203.0.113.9" || h.Get("X-Forwarded-Port") != "8443" {
		t.Errorf("got %q, want X-Real-Ip and X-Forwarded-Port of the proxy", fieldsOf(h))
	}
}

// FuzzForwarded holds that nothing that is said makes the gate panic, and that all it tells the product agrees.
func FuzzForwarded(f *testing.F) {
	f.Add("10.0.0.2:1", "203.0.113.9, 10.0.0.1", "", "https", "a")
	f.Add("10.0.0.2:1", "", `for="[2001:db8::9]:1";host="a\"b", for=10.0.0.3`, "", "")
	f.Add("10.0.0.2:1", "", `for="1.2.3.4, for=10.0.0.3;proto=ws`, "", "")
	f.Add("[fd00::1%a]:1", "[::1", `for=;;=,"\`, "javascript", "a,b")
	f.Fuzz(func(t *testing.T, peer, list, forwarded, proto, host string) {
		r := &http.Request{Method: http.MethodGet, RemoteAddr: peer, Header: http.Header{"X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host}}}
		if list != "" {
			r.Header["X-Forwarded-For"] = strings.Split(list, "\n")
		}
		if forwarded != "" {
			r.Header["Forwarded"] = strings.Split(forwarded, "\n")
		}
		e := front()
		client := e.client(r)
		w := e.way(r, peerOf(r))
		if e.trusts(peerOf(r)) && w.hops[0] != client {
			t.Fatalf("got client %v and way %v, want them to agree", client, w.hops)
		}
		for _, hop := range w.hops[1:] {
			if e.trusts(peerOf(r)) && !e.trusts(hop) {
				t.Fatalf("got way %v, want strangers only at its beginning", w.hops)
			}
		}
		w.host, w.proto = knownHost(w.host), knownProto(w.proto)
		again := http.Header{"Forwarded": {w.forwarded()}}
		back := e.way(&http.Request{Header: again}, w.hops[len(w.hops)-1])
		if e.trusts(peerOf(r)) && (back.hops[0] != client || back.host != w.host || back.proto != w.proto) {
			t.Fatalf("wrote %q and read %v, want %v", again["Forwarded"], back, w)
		}
	})
}
