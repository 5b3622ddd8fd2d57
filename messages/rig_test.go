package messages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/spool"
)

// double is a spool in memory, which hands over when a test says so.
type double struct {
	mu    sync.Mutex
	items map[string]*spool.Item
	full  map[string]spool.Entry
	err   error // what Accept answers
}

func newDouble() *double {
	return &double{items: map[string]*spool.Item{}, full: map[string]spool.Entry{}}
}

func (d *double) Accept(_ context.Context, e spool.Entry) (spool.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return spool.Receipt{}, d.err
	}
	for id, i := range d.items {
		if e.Key != "" && i.Flow == e.Flow && i.Key == e.Key {
			return spool.Receipt{ID: id, Known: true}, nil
		}
	}
	e.ID, e.Accepted = fmt.Sprintf("m%06d", len(d.items)+1), time.Now()
	if e.Due.IsZero() {
		e.Due = e.Accepted
	}
	d.full[e.ID] = e
	d.items[e.ID] = &spool.Item{
		ID: e.ID, Flow: e.Flow, Kind: e.Kind, Lane: e.Lane, Key: e.Key, About: e.About, Bytes: int64(len(e.Head) + len(e.Body)),
		State: spool.Waiting, Accepted: e.Accepted, Due: e.Due, Expires: e.Expires,
	}
	return spool.Receipt{ID: e.ID}, nil
}

func (d *double) Item(_ context.Context, id string) (spool.Item, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.items[id]; i != nil {
		return *i, nil
	}
	return spool.Item{}, spool.ErrNotFound
}

func (d *double) Items(_ context.Context, f spool.Filter) ([]spool.Item, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []spool.Item
	for _, id := range slices.Sorted(maps.Keys(d.items)) {
		i := *d.items[id]
		if i.Flow == f.Flow && (f.State == "" || f.State == i.State) && id > f.After && (f.Lane == "" || f.Lane == i.Lane) &&
			(f.Before.IsZero() || i.Due.Before(f.Before)) && len(found) < f.Most {
			found = append(found, i)
		}
	}
	return found, nil
}

func (d *double) Retry(ctx context.Context, id string) error { return d.settle(id, spool.Waiting) }

func (d *double) Remove(ctx context.Context, id string) error { return d.settle(id, spool.Removed) }

func (d *double) settle(id string, to spool.State) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.items[id]
	switch {
	case i == nil:
		return spool.ErrNotFound
	case i.Moving:
		return spool.ErrMoving
	case i.State.Ended():
		return spool.ErrEnded
	}
	i.State = to
	return nil
}

// set changes what is known of a message.
func (d *double) set(id string, change func(*spool.Item)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d.items[id])
}

// entry gives the only message that was accepted.
func (d *double) entry(t *testing.T) spool.Entry {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.full) != 1 {
		t.Fatalf("got %d messages accepted, want 1", len(d.full))
	}
	for _, e := range d.full {
		return e
	}
	return spool.Entry{}
}

const secret = "a-long-and-random-secret"

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// loopback is what tests reach.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// letters takes mails, and delivers none.
type letters struct{ got []spool.Entry }

func (l *letters) Deliver(_ context.Context, e spool.Entry) spool.Outcome {
	l.got = append(l.got, e)
	return spool.Outcome{Result: spool.Taken}
}

func envelope(from string, to []string, _ []byte) ([]byte, error) {
	return json.Marshal(map[string]any{"from": from, "to": to})
}

// settings are the configuration of most tests.
func settings(s Spool) Config {
	return Config{
		Flows: map[string]Target{
			"push":  {To: []string{"https://push.example.com/v1/"}, Headers: map[string]string{"X-Api-Key": "secret"}},
			"other": {To: []string{"https://other.example.com/"}},
			"mail":  {Mail: &letters{}, Envelope: envelope},
		},
		Tokens: []Token{
			{Name: "app", Hash: hashOf(secret), Flows: []string{"push", "mail"}, Read: true, Cancel: true},
			{Name: "sender", Hash: hashOf("sender"), Flows: []string{"push"}},
			{Name: "two", Hash: hashOf("two"), Flows: []string{"push", "other"}, Read: true, Cancel: true},
		},
		Spool: s,
	}
}

// house is an API over a double.
type house struct {
	t     *testing.T
	api   *API
	spool *double
}

func newHouse(t *testing.T, change func(*Config)) *house {
	t.Helper()
	s := newDouble()
	c := settings(s)
	if change != nil {
		change(&c)
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &house{t, a, s}
}

// ask sends a request by the token app, unless a header says otherwise. Headers are name, value, name, value.
func (h *house) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Authorization" || headers[i] == "Content-Type" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	return w
}

// said is an answer in one line: status, code, field, state.
func said(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	line := fmt.Sprint(w.Code)
	if w.Code < 400 {
		return line
	}
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s, want a problem", w.Code, w.Body)
	}
	for _, part := range []string{p.Code, p.Field, p.State} {
		if part != "" {
			line += " " + part
		}
	}
	return line
}

// send delivers by JSON and gives the receipt.
func (h *house) send(body string, headers ...string) Receipt {
	h.t.Helper()
	w := h.ask(http.MethodPost, "/v1/messages/push", body, headers...)
	if w.Code != http.StatusCreated && w.Code != http.StatusOK {
		h.t.Fatalf("got %d %s, want it accepted", w.Code, w.Body)
	}
	var r Receipt
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		h.t.Fatal(err)
	}
	return r
}

const ping = `{"request": {"url": "https://push.example.com/v1/send", "headers": {"Content-Type": "text/plain"}, "body": "ping"}}`

// received is a request as a receiver saw it.
type received struct {
	method, path string
	header       http.Header
	body         string
	at           time.Time
}

// receiver is a server that keeps what it receives and answers as it is told to.
type receiver struct {
	*httptest.Server
	got chan received
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	s := &receiver{got: make(chan received, 10_000)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.got <- received{r.Method, r.RequestURI, r.Header, string(body), time.Now()}
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// discarding is a spool that keeps nothing, to measure the way there.
type discarding struct{ Spool }

func (discarding) Accept(context.Context, spool.Entry) (spool.Receipt, error) {
	return spool.Receipt{ID: "m000001"}, nil
}
