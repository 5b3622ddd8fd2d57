package gate

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.org/interlude/status"
	"example.org/interlude/upstream"
)

func product() map[string]upstream.Config {
	return map[string]upstream.Config{"product": {Addresses: []string{"http://127.0.0.1:1"}}}
}

func TestTheFirstFlowThatFitsTakesARequest(t *testing.T) {
	g, err := New(Config{Upstreams: product(), Flows: []Flow{
		{Name: "health", Upstream: "product", Match: []Match{{Path: "/healthz"}}},
		{Name: "api", Upstream: "product", Match: []Match{{Host: "API.example.com"}, {Host: "app.example.com", Path: "/api/"}}},
		{Name: "uploads", Upstream: "product", Match: []Match{{Host: "*.example.com", Methods: []string{"PUT", "POST"}, Path: "/files"}}},
		{Name: "beta", Upstream: "product", Match: []Match{{Host: "app.example.com", Headers: map[string]string{"X-Beta": "1"}}}},
		{Name: "app", Upstream: "product", Match: []Match{{Host: "app.example.com"}}},
		{Name: "six", Upstream: "product", Match: []Match{{Host: "[::1]"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, host, path, header, want string }{
		{"GET", "api.example.com", "/", "", "api"},
		{"GET", "api.example.com:8443", "/", "", "api"},
		{"GET", "API.Example.COM.", "/", "", "api"},
		{"GET", "app.example.com", "/api", "", "api"},
		{"GET", "app.example.com", "/api/v1", "", "api"},
		{"GET", "app.example.com", "/apiary", "", "app"},
		{"GET", "app.example.com", "//x/../api/v1", "", "api"},
		{"GET", "app.example.com", "/%61pi/v1", "", "api"},
		{"GET", "app.example.com", "/", "1", "beta"},
		{"GET", "app.example.com", "/", "2", "app"},
		{"PUT", "app.example.com", "/files/1", "", "uploads"},
		{"PUT", "cdn.example.com", "/files/1", "", "uploads"},
		{"GET", "cdn.example.com", "/files/1", "", ""},
		{"PUT", "example.com", "/files/1", "", ""},
		{"PUT", "badexample.com", "/files/1", "", ""},
		{"GET", "anything.example.org", "/healthz", "", "health"},
		{"GET", "app.example.com", "/healthz/", "", "health"},
		{"GET", "[::1]:8080", "/", "", "six"},
		{"GET", "", "/", "", ""},
		{"OPTIONS", "app.example.com", "*", "", "app"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = c.path
		if strings.Contains(c.path, "%") {
			r = httptest.NewRequest(http.MethodGet, c.path, nil)
		}
		r.Method, r.Host = c.method, c.host
		if c.header != "" {
			r.Header.Set("X-Beta", c.header)
		}
		got := ""
		if f := g.layout.Load().flowOf(r); f != nil {
			got = f.Name
		}
		if got != c.want {
			t.Errorf("%s %s%s: got flow %q, want %q", c.method, c.host, c.path, got, c.want)
		}
	}
}

func TestAConfigurationThatCannotWorkIsRefusedWithAllItsFaults(t *testing.T) {
	_, err := New(Config{
		Upstreams: product(),
		Flows: []Flow{
			{Name: "", Upstream: "product"},
			{Name: "a", Upstream: "elsewhere", Match: []Match{{Host: "a.example.com:80", Path: "x", Methods: []string{"get"}, Headers: map[string]string{"a b": ""}}}},
			{Name: "a", Upstream: "product", Interrupted: []Step{{Do: "queue"}}},
			{Name: "b", Upstream: "product", Interrupted: []Step{{Do: "wait"}, {Do: DoReject}, {Do: DoReject}}},
			{Name: "c", Upstream: "product", Interrupted: []Step{{Do: DoHold, Hold: Hold{For: longestHold + 1, Requests: -1, Full: "random"}}}},
		},
		Bypass: [][]byte{[]byte("short")},
		Find:   Find{Statuses: []int{200}},
		Drain:  Drain{From: -1},
		Limits: Limits{Bytes: -1},
	})
	for _, want := range []string{
		"flows[0].name", "flows[1].upstream", "flows[1].match[0].host", "flows[1].match[0].path", "flows[1].match[0].methods",
		"flows[1].match[0].headers", "flows[2].name", "flows[2].interrupted[0].do", "flows[3].interrupted[0].do", "flows[3].interrupted[1].do",
		"flows[3].interrupted[2].do", "flows[4].interrupted[0].for", "flows[4].interrupted[0].full", "bypass[0]", "find.statuses[0]", "drain", "limits",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
	var one *status.Invalid
	if !errors.As(err, &one) {
		t.Errorf("got %T, want it to hold a *status.Invalid", err)
	}
}

func TestAReloadThatIsRefusedChangesNothing(t *testing.T) {
	g, err := New(Config{Upstreams: product(), Flows: []Flow{{Name: "a", Upstream: "product"}}})
	if err != nil {
		t.Fatal(err)
	}
	was := g.layout.Load()
	bad := map[string]upstream.Config{"product": {Addresses: []string{"ftp://127.0.0.1"}}}
	if err := g.Reload(Config{Upstreams: bad, Flows: []Flow{{Name: "b", Upstream: "product"}}}); err == nil {
		t.Error("got no error for an address that is none, want one")
	}
	if g.layout.Load() != was || g.lanes["a"] == nil || g.lanes["b"] != nil {
		t.Error("got another layout in force, want the old one")
	}
}
