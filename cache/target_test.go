package cache

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestTargetsAreToldApart(t *testing.T) {
	s := New(Limits{})
	pass(t, s, get("/a?b=1"), ok("hello"))
	for name, c := range map[string]struct {
		target string
		change func(*http.Request)
		want   bool
	}{
		"the same":                {"/a?b=1", func(*http.Request) {}, true},
		"the host in capitals":    {"/a?b=1", func(r *http.Request) { r.Host = "APP.northwind.example" }, true},
		"the usual port":          {"/a?b=1", func(r *http.Request) { r.Host += ":80" }, true},
		"another port":            {"/a?b=1", func(r *http.Request) { r.Host += ":443" }, false},
		"another host":            {"/a?b=1", func(r *http.Request) { r.Host = "www.northwind.example" }, false},
		"no host":                 {"/a?b=1", func(r *http.Request) { r.Host = "" }, false},
		"TLS":                     {"/a?b=1", func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, false},
		"TLS before the proxy":    {"/a?b=1", func(r *http.Request) { r.URL.Scheme = "https" }, false},
		"absolute form":           {"/a?b=1", func(r *http.Request) { r.RequestURI = "http://app.northwind.example/a?b=1" }, false},
		"no query":                {"/a", func(*http.Request) {}, false},
		"another query":           {"/a?b=2", func(*http.Request) {}, false},
		"the query in the path":   {"/a%3Fb=1", func(*http.Request) {}, false},
		"the path in capitals":    {"/A?b=1", func(*http.Request) {}, false},
		"a slash more":            {"//a?b=1", func(*http.Request) {}, false},
		"part of it in the host":  {"/1", func(r *http.Request) { r.Host = "app.northwind.example/a?b=" }, false},
		"the letters, percent":    {"/%61?b=1", func(*http.Request) {}, false},
		"an empty query and more": {"/a?b=1&", func(*http.Request) {}, false},
	} {
		r := get(c.target)
		c.change(r)
		if got := answers(s, r) != "nothing"; got != c.want {
			t.Errorf("%s: got answered %t, want %t", name, got, c.want)
		}
	}
}

func TestWhatIsChangedIsForgotten(t *testing.T) {
	const name = "http://app.northwind.example"
	for _, c := range []struct {
		method, target string
		status         int
		location       string
		forgotten      string // of /a, /b and /a?c
	}{
		{"POST", "/a", 200, "", "/a"},
		{"PUT", "/a", 204, "", "/a"},
		{"DELETE", "/a", 303, "", "/a"},
		{"UNKNOWN", "/a", 200, "", "/a"},
		{"POST", "/a?c", 200, "", "/a?c"},
		{"POST", name + "/a", 200, "", "/a"},
		{"POST", "/x", 201, "/b", "/b"},
		{"POST", "/x/y", 201, "../b", "/b"},
		{"POST", "/x", 201, "?c", ""},
		{"POST", "/a", 201, "?c", "/a /a?c"},
		{"POST", "/x", 201, name + "/b", "/b"},
		{"POST", "/x", 201, "HTTP://APP.northwind.example:80/b", "/b"},
		{"POST", "/x", 201, "https://app.northwind.example/b", ""},
		{"POST", "/x", 201, "http://www.northwind.example/b", ""},
		{"POST", "/x", 201, ":", ""},
		{"POST", "/a", 404, "", ""},
		{"POST", "/a", 500, "", ""},
		{"GET", "/a", 200, "/b", ""},
		{"HEAD", "/a", 200, "", ""},
		{"OPTIONS", "/a", 200, "", ""},
	} {
		for _, field := range []string{"Location", "Content-Location"} {
			s := New(Limits{})
			for _, target := range []string{"/a", "/b", "/a?c"} {
				pass(t, s, get(target, "Accept: x"), ok("hello", "Vary: Accept"))
				pass(t, s, get(target, "Accept: y"), ok("hello", "Vary: Accept"))
			}
			r := httptest.NewRequest(c.method, c.target, nil)
			r.Host = "app.northwind.example"
			resp := ok("", field+": "+c.location)
			resp.StatusCode = c.status
			s.Invalidate(r, resp)
			for _, target := range []string{"/a", "/b", "/a?c"} {
				want := slices.Contains(strings.Fields(c.forgotten), target)
				for _, accept := range []string{"Accept: x", "Accept: y"} {
					if got := answers(s, get(target, accept)) == "nothing"; got != want {
						t.Errorf("%s %s, %d, %s %q: got %s, %s forgotten %t, want %t",
							c.method, c.target, c.status, field, c.location, target, accept, got, want)
					}
				}
			}
		}
	}
}
