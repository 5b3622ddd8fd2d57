package page

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/store"
	"example.org/interlude/webhook"
)

// counted is a site with a desk at which readers subscribe, before a real store.
type counted struct {
	*Site
	t     testing.TB
	store *store.Store
	desk  *notify.Desk
	// from is the address that requests come from.
	from string
	now  time.Time
}

var keys = notify.NewKeys([]byte("a secret of thirty-two bytes, and of more"))

// open is the town's site with everything open.
func (w *town) open(when string) *counted {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), "sqlite:"+w.t.TempDir()+"/interlude.db")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	c := &counted{Site: w.site(when), t: w.t, store: db, from: "192.0.2.1", now: at(when)}
	n := 0
	c.desk = &notify.Desk{
		Register: db, Endpoints: webhook.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "Interlude"), Channels: notify.Channels,
		Offer: func() notify.Offer { return Offer(c.board.Current()) }, Keys: keys, Clock: c,
		NewID: func() string { n++; return "s" + strconv.Itoa(n) },
	}
	c.Subscriptions(c.desk, func(*http.Request) string { return c.from })
	return c
}

// Now is the desk's time, which a test may set.
func (c *counted) Now() time.Time { return c.now }

// post sends a form. Values are names and values in turn.
func (c *counted) post(path string, values ...string) (element, *httptest.ResponseRecorder) {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Add(values[i], values[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, r)
	return parsed(c.t, answer.Body.Bytes()), answer
}

// subscriber is the only one there is.
func (c *counted) subscriber() notify.Subscriber {
	c.t.Helper()
	all, err := c.store.Subscribers(c.t.Context(), notify.Query{AnyEvent: true})
	if err != nil || len(all) != 1 {
		c.t.Fatalf("got %d subscribers and %v, want one", len(all), err)
	}
	return all[0]
}

// is adds a subscriber in some state, and returns its id.
func (c *counted) is(s notify.Subscriber) string {
	c.t.Helper()
	s.ID, s.Created = "known"+strconv.Itoa(int(c.now.Unix()))+strconv.Itoa(len(s.Address))+string(s.State), c.now
	if err := c.store.AddSubscriber(c.t.Context(), c.now, s); err != nil {
		c.t.Fatal(err)
	}
	return s.ID
}

// link is the path of one.
func link(p notify.Purpose, id string) string {
	of := map[notify.Purpose]string{notify.ToConfirm: "/confirm", notify.ToLeave: "/unsubscribe"}[p]
	return "/subscriptions/" + keys.Token(p, id) + of
}

// answered says what an answer should be.
func answered(t testing.TB, answer *httptest.ResponseRecorder, code int) {
	t.Helper()
	if answer.Code != code {
		t.Errorf("got status %d, want %d: %.300s", answer.Code, code, answer.Body)
	}
}
