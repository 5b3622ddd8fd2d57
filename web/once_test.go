package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// sent is what a request with an idempotency key was answered.
type sent struct {
	line, request, text string
	replayed            bool
	etag, location      string
}

// send asks for a change with a key.
func (h *house) send(token, method, path, key, body string) sent {
	h.t.Helper()
	answer, text := h.ask(method, api.Prefix+path, token, body, keyHeader, key)
	line := fmt.Sprint(answer.StatusCode)
	if answer.StatusCode >= 400 {
		var p api.Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			h.t.Fatalf("%s: %v", text, err)
		}
		line += " " + string(p.Code)
	}
	return sent{
		line, answer.Header.Get("X-Request-Id"), text, answer.Header.Get(replayedHeader) == "true",
		answer.Header.Get("ETag"), answer.Header.Get("Location"),
	}
}

// incidents counts the incidents that there are.
func (h *house) incidents() int {
	h.t.Helper()
	list, err := h.as(access.Read).Incidents(h.t.Context(), api.IncidentFilter{Limit: api.LargestLimit})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(list.Items)
}

const down = `{"title": "Down", "body": "We see it."}`

func TestARepetitionIsAnsweredAsTheFirstTimeAndChangesNothing(t *testing.T) {
	h := newHouse(t).furnish()
	token := h.tokens[access.Operate]
	first := h.send(token, http.MethodPost, "/incidents", "k1", down)
	if first.line != "201" || first.replayed || first.location == "" || first.etag != `"v1"` {
		t.Fatalf("got %+v, want a new incident", first)
	}
	for _, key := range []string{"k1", `"k1"`, " k1 "} {
		again := h.send(token, http.MethodPost, "/incidents", key, down)
		if !again.replayed || again.request == first.request {
			t.Errorf("key %s: got %+v, want another request's answer", key, again)
		}
		again.replayed, again.request = first.replayed, first.request
		if again != first {
			t.Errorf("key %s: got %+v, want %+v", key, again, first)
		}
	}
	if got := h.incidents(); got != 1 {
		t.Errorf("got %d incidents, want 1", got)
	}
	for name, c := range map[string]struct{ method, path, body string }{
		"another body":  {http.MethodPost, "/incidents", `{"title": "Down again"}`},
		"another path":  {http.MethodPost, "/maintenances", down},
		"another query": {http.MethodPost, "/incidents?x=1", down},
	} {
		if got := h.send(token, c.method, c.path, "k1", c.body); got.line != "422 key_reused" || got.replayed {
			t.Errorf("%s: got %+v, want 422 key_reused", name, got)
		}
	}
	// Keys belong to a token: somebody else's is another one.
	if got := h.send(h.tokens[access.Administer], http.MethodPost, "/incidents", "k1", down); got.line != "201" || got.replayed {
		t.Errorf("another token: got %+v, want an incident of its own", got)
	}
	if got, want := len(h.entries()), 3; got != want {
		t.Errorf("got %d entries in the audit log, want %d: the page and two incidents", got, want)
	}
}

func TestOfManyAtOnceWithOneKeyOneIsCarriedOut(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	h.clock.Set(upgrade().Window.Start)
	for key, c := range map[string]struct{ path, body string }{
		"what-could-be-done-often": {"/incidents", down},
		"what-can-be-done-once":    {"/maintenances/upgrade/begin", `{}`},
	} {
		const many = 20
		answers := make([]sent, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() { answers[i] = h.send(h.tokens[access.Operate], http.MethodPost, c.path, key, c.body) })
		}
		all.Wait()
		made := 0
		for _, a := range answers {
			switch {
			case strings.HasPrefix(a.line, "2") && !a.replayed:
				made++
			case strings.HasPrefix(a.line, "2"), a.line == "409 repeated":
			default:
				t.Errorf("%s: got %+v, want the first answer again, or that it is repeated", key, a)
			}
		}
		if made != 1 {
			t.Errorf("%s: got %d that were carried out, want 1", key, made)
		}
	}
	if got := h.incidents(); got != 1 {
		t.Errorf("got %d incidents, want 1", got)
	}
}

// again opens the house's database with another server, as after a restart.
func (h *house) again() *house {
	h.t.Helper()
	s, err := store.Open(h.t.Context(), h.store.Name())
	if err != nil {
		h.t.Fatal(err)
	}
	b := board.New(s, h.clock, h.door.Log)
	if err := b.Refresh(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	server := h.door.Server
	server.Board, server.Store, server.Keeper = b, s, keeper.New(s, h.clock, lease.Alone{}, h.door.Log, b.Prod)
	n := *h
	n.door, n.store = server.open(), s
	front := httptest.NewServer(n.door.handler())
	n.url = front.URL
	h.t.Cleanup(func() {
		front.Close()
		n.door.errands.Wait()
		_ = s.Close()
	})
	return &n
}

func TestAKeyOutlivesTheServer(t *testing.T) {
	h := newHouse(t).furnish()
	token := h.tokens[access.Operate]
	first := h.send(token, http.MethodPost, "/incidents", "k", down)
	h = h.again()
	if again := h.send(token, http.MethodPost, "/incidents", "k", down); !again.replayed || again.text != first.text {
		t.Errorf("got %+v, want %+v again", again, first)
	}
	h.clock.Set(noon.Add(25 * time.Hour)) // the next key that is taken drops those of the day before
	h.send(token, http.MethodPost, "/incidents", "another", down)
	if late := h.send(token, http.MethodPost, "/incidents", "k", down); late.line != "201" || late.replayed {
		t.Errorf("after a day: got %+v, want that the key is free", late)
	}
}

// killed is a store whose server dies before the answer is kept.
func (h *house) killed(key, path, body string) {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, api.Prefix+path, nil)
	r.Header.Set("Content-Type", "application/json")
	token, err := h.store.TokenByHash(h.t.Context(), access.Hash(h.tokens[access.Operate]))
	if err != nil {
		h.t.Fatal(err)
	}
	act := access.Act{Token: token.ID, Repeat: &access.Repeat{Key: access.RepeatKey(token.ID, key), Fingerprint: fingerprint(r, []byte(body))}}
	_, err = h.door.Keeper.OpenIncident(access.WithAct(h.t.Context(), act), status.IncidentDraft{Title: "Down"}, keeper.Request{})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestAChangeWhoseAnswerWasLostIsNotMadeAgain(t *testing.T) {
	h := newHouse(t).furnish()
	h.killed("k", "/incidents", down)
	got := h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], down, keyHeader, "k")
	want := "409 repeated: a request with this idempotency key was carried out already, or is being carried out now, and its answer is not there"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := len(h.entries()); got != 2 {
		t.Errorf("got %d entries, want 2: the page and the change whose answer was lost", got)
	}
}

func TestWhatChangedNothingLeavesItsKeyFree(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	token := h.tokens[access.Operate]
	for _, c := range []struct{ path, body, want string }{
		{"/maintenances/upgrade/complete", `{}`, "409 illegal"}, // refused
		{"/maintenances/upgrade/post", `{}`, "422 invalid"},     // refused
		{"/maintenances/nope/begin", `{}`, "404 not_found"},     // refused
		{"/apply", `{"documents": [{"maintenance": {"title": "x", ` + aWindow + `}}], "dry_run": true}`, "200"},
		{"/maintenances/upgrade/begin", `{}`, "200"}, // done, under the same key
	} {
		if got := h.send(token, http.MethodPost, c.path, "k", c.body); got.line != c.want || got.replayed {
			t.Errorf("%s: got %+v, want %s", c.path, got, c.want)
		}
	}
}

func TestAKeyIsOneVisibleText(t *testing.T) {
	h := newHouse(t).furnish()
	want := "400 malformed: Idempotency-Key must be one text of 1 to 255 visible characters of ASCII"
	for _, key := range []string{"", `""`, "a b", "ü", "a\tb", strings.Repeat("k", 256), `"` + strings.Repeat("k", 256) + `"`} {
		if got := h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], down, keyHeader, key); got != want {
			t.Errorf("%q: got %s, want %s", key, got, want)
		}
	}
	for _, key := range []string{"k", strings.Repeat("k", 255), `"'; DROP TABLE request_key; --`[0:3], `"`, `a"b`, "%00", "{}"} {
		if got := h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], down, keyHeader, key); got != "201" {
			t.Errorf("%q: got %s, want 201", key, got)
		}
	}
	if _, err := parseKey([]string{"a", "b"}); err == nil {
		t.Error("got no error for two keys, want one")
	}
	if got := h.exchange(http.MethodPost, "/incidents", "", down, keyHeader, ""); !strings.HasPrefix(got, "401") {
		t.Errorf("a stranger: got %s, want 401 before anything is read", got)
	}
	if got := h.exchange(http.MethodGet, "/incidents", h.tokens[access.Read], "", keyHeader, "a b"); got != "200" {
		t.Errorf("a read: got %s, want 200, for it changes nothing anyway", got)
	}
}

func TestASecretIsKeptForNoRepetition(t *testing.T) {
	h := newHouse(t)
	got := h.exchange(http.MethodPost, "/tokens", h.tokens[access.Administer], `{"name": "x", "scope": "read"}`, keyHeader, "k")
	want := "400 malformed: this operation takes no Idempotency-Key: its answer holds a secret, which is kept nowhere and so cannot be given again"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, op := range operations(t) {
		answers := strings.Contains(fmt.Sprint(op.Responses["201"]), "Secret") || op.OperationID == "create-token"
		if this := routeOf(op); this.secret != answers {
			t.Errorf("%s: got secret %v, want %v", op.OperationID, this.secret, answers)
		}
	}
}

func TestABodyWithAKeyHasTheLimitOfItsOperation(t *testing.T) {
	h := newHouse(t).furnish()
	for path, c := range map[string]struct {
		size int
		want string
	}{
		"/incidents": {api.LargestBody + 1, "413 too_large"},
		"/apply":     {api.LargestBody + 1, "422 invalid"}, // it may be larger, and is refused for what is in it
	} {
		if got := h.send(h.tokens[access.Operate], http.MethodPost, path, "k", "{}"+strings.Repeat(" ", c.size-2)); got.line != c.want {
			t.Errorf("%s: got %s, want %s", path, got.line, c.want)
		}
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestABodyIsReadForItsKeyOnlyFromWhoMayMakeTheChange(t *testing.T) {
	h := newHouse(t).furnish()
	for path, want := range map[string]int{"/apply": http.StatusForbidden, "/incidents": http.StatusForbidden, "/tokens": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPost, api.Prefix+path, unread{t})
		r.Header.Set("Authorization", "Bearer "+h.tokens[access.Read])
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(keyHeader, "k")
		answer := httptest.NewRecorder()
		h.door.handler().ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("%s: got %d %s, want %d", path, answer.Code, answer.Body, want)
		}
	}
}
