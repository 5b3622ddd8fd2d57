package messages

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyTokensForTheFlowAreLetIn(t *testing.T) {
	h := newHouse(t, nil)
	h.send(ping)
	for _, c := range []struct{ method, path, authorization, want string }{
		{http.MethodPost, "/push", "", "401 unauthorized"},
		{http.MethodPost, "/push", "Bearer", "401 unauthorized"},
		{http.MethodPost, "/push", "Bearer nobody", "401 unauthorized"},
		{http.MethodPost, "/push", "Basic " + secret, "401 unauthorized"},
		{http.MethodPost, "/push", "Bearer " + secret + "x", "401 unauthorized"},
		{http.MethodPost, "/push", "bearer  " + secret, "201"},
		{http.MethodPost, "/nothing", "Bearer nobody", "401 unauthorized"},
		{http.MethodPost, "/nothing", "Bearer " + secret, "404 not_found"},
		{http.MethodPost, "/other", "Bearer " + secret, "403 forbidden"},
		{http.MethodPost, "/other/raw", "Bearer " + secret, "403 forbidden"},
		{http.MethodGet, "/push", "Bearer sender", "403 forbidden"},
		{http.MethodGet, "/push/m000001", "Bearer sender", "403 forbidden"},
		{http.MethodDelete, "/push/m000001", "Bearer sender", "403 forbidden"},
		{http.MethodPost, "/push/m000001/retry", "Bearer sender", "403 forbidden"},
		{http.MethodGet, "/other/m000001", "Bearer two", "404 not_found"}, // it is of the flow push
		{http.MethodDelete, "/other/m000001", "Bearer two", "404 not_found"},
		{http.MethodGet, "/push/m000001", "Bearer two", "200"},
		{http.MethodPut, "/push", "Bearer " + secret, "405 method"},
		{http.MethodHead, "/push", "Bearer " + secret, "405 method"},
		{http.MethodGet, "/push/raw", "Bearer " + secret, "405 method"},
		{http.MethodGet, "/push/a%2Fb", "Bearer " + secret, "404 not_found"},
		{http.MethodGet, "/push/a/b/c", "Bearer " + secret, "404 not_found"},
	} {
		w := h.ask(c.method, "/v1/messages"+c.path, ping, "Authorization", c.authorization)
		if got := said(t, w); got != c.want {
			t.Errorf("%s %s as %q: got %s, want %s", c.method, c.path, c.authorization, got, c.want)
		}
		if (w.Code == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s %s: got WWW-Authenticate %q with %d", c.method, c.path, w.Header().Get("WWW-Authenticate"), w.Code)
		}
		if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: got no Allow, want one", c.method, c.path)
		}
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestABodyIsReadOnlyFromWhoMayDeliver(t *testing.T) {
	h := newHouse(t, nil)
	for _, authorization := range []string{"", "Bearer nobody"} {
		r := httptest.NewRequest(http.MethodPost, "/v1/messages/push", unread{t})
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%q: got %d, want 401", authorization, w.Code)
		}
	}
}

func TestAConfigurationThatCannotBeMeantIsRefused(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"there are no tokens":      func(c *Config) { c.Tokens = nil },
		"the name of token":        func(c *Config) { c.Tokens[0].Name = "a:b" },
		"64 hexadecimal digits":    func(c *Config) { c.Tokens[0].Hash = "secret" },
		"have the same hash":       func(c *Config) { c.Tokens[1].Hash = strings.ToUpper(c.Tokens[0].Hash) },
		"has no flows":             func(c *Config) { c.Tokens[0].Flows = nil },
		"which takes no messages":  func(c *Config) { c.Tokens[0].Flows = []string{"nothing"} },
		"leads nowhere":            func(c *Config) { c.Flows["push"] = Target{} },
		"no URLs in To":            func(c *Config) { c.Flows["mail"] = Target{Mail: &letters{}} },
		"must begin with https://": func(c *Config) { c.Flows["push"] = Target{To: []string{"ftp://a.example/"}} },
		"must have no query":       func(c *Config) { c.Flows["push"] = Target{To: []string{"https://a.example/?a"}} },
		"must hold no user name":   func(c *Config) { c.Flows["push"] = Target{To: []string{"https://a@a.example/"}} },
		"header \"Host\" follows": func(c *Config) {
			c.Flows["push"] = Target{To: []string{"https://a.example/"}, Headers: map[string]string{"Host": "b"}}
		},
		"must have a value in one line": func(c *Config) {
			c.Flows["push"] = Target{To: []string{"https://a.example/"}, Headers: map[string]string{"A": "b\nc"}}
		},
		"means the same to everybody":     func(c *Config) { c.Flows["push"] = Target{To: []string{"https://a.example/a/../b"}} },
		"no spaces, backslashes or lette": func(c *Config) { c.Flows["push"] = Target{To: []string{"https://ä.example/"}} },
	} {
		c := settings(nil)
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
