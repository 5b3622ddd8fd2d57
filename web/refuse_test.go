package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

func TestBadInputIsToldWhatWhereAndWhatWouldBeRight(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	const (
		window = `"window": {"start": "2027-02-01T06:00:00Z", "end": "2027-02-01T07:00:00Z"}`
		later  = `{"until": "2027-01-15T08:00:00Z"}`
	)
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/maintenances", `{"titel": "x"}`, `422 invalid: titel is no known field; did you mean "title"? [titel]`},
		{"POST", "/maintenances", `{"Title": "x"}`, `422 invalid: Title is no known field; did you mean "title"? [Title]`},
		{"POST", "/maintenances", `{"title": 7}`, `422 invalid: title must be a text, not the number 7 [title]`},
		{"POST", "/maintenances", `{"title": "x", "window": {"start": "tomorrow"}}`, `422 invalid: window.start must be a time with its zone, such as 2027-01-15T06:00:00Z, not the text "tomorrow" [window.start]`},
		{"POST", "/maintenances", `{"title": "x", "reminders": ["1h", "soon"], ` + window + `}`, `422 invalid: reminders[1] must be a duration such as 90s, 5m, 48h or 2d, not "soon" [reminders[1]]`},
		{"POST", "/maintenances", `{"title": "x", "promises": [{"audience": "All", "promiss": "x"}]}`, `422 invalid: promises[0].promiss is no known field; did you mean "promise"? [promises[0].promiss]`},
		{"POST", "/maintenances", `{"title": "x", "affects": ["API"], ` + window + `}`, `422 invalid: affects[0] names no group or component of the page: "API"; did you mean "APIs"? [affects[0]]`},
		{"POST", "/maintenances", `[]`, `422 invalid: body must be an object, not a list [body]`},
		{"POST", "/maintenances", "{\"title\":\n\"x\",}", `400 malformed: the body is not JSON: invalid character '}' looking for beginning of object key string, in line 2`},
		{"POST", "/maintenances", `{"title": "x"`, `400 malformed: the body is not JSON: it ends too early`},
		{"POST", "/maintenances", `{} {}`, `400 malformed: the body has more after its JSON value`},
		{"POST", "/maintenances", "{\"title\": \"\xff\"}", `400 malformed: the body is not UTF-8`},
		{"POST", "/maintenances", `{"key": "upgrade", "title": "x", ` + window + `}`, `422 invalid: key is taken by the maintenance `},
		{"POST", "/apply", `{}`, `422 invalid: documents must hold at least one document [documents]`},
		{"POST", "/apply", `{"documents": [{"maintenance": {"title": "x", ` + window + `}}, {"source": "b.yaml", "maintenance": {"title": ""}}]}`, `422 invalid: title is required: what readers see first [title] [document 1 of b.yaml]`},
		{"POST", "/apply", `{"documents": [{"source": "empty.yaml"}]}`, `422 invalid: is empty: a page, a maintenance or an incident is expected [document 0 of empty.yaml]`},
		{"POST", "/maintenances/upgrade/complete", ``, `409 illegal: maintenance `},
		{"POST", "/maintenances/upgrade/begin", later, `422 invalid: until has no meaning here: extend and estimate take it [until]`},
		{"POST", "/maintenances/upgrade/extend", `{}`, `422 invalid: until is required: the new end, for example 2027-01-15T07:30:00Z [until]`},
		{"POST", "/maintenances/upgrade/post", `{}`, `422 invalid: body is required: what readers should know [body]`},
		{"POST", "/maintenances/nope/begin", ``, `404 not_found: no maintenance has the id or key "nope"`},
		{"PUT", "/maintenances/upgrade", `{"document": {"title": "x", "affects": ["nothing"]}}`, `422 invalid: document.window.start is required, for example 2027-01-15T06:00:00Z [document.window.start]`},
		{"PUT", "/components/APIs", `{"status": "down"}`, `422 invalid: status must be one of operational, under_maintenance, degraded_performance, partial_outage, major_outage, not "down" [status]`},
		{"PUT", "/components/API", `{"status": "operational"}`, `404 not_found: what was given names no group or component of the page: "API"; did you mean "APIs"?`},
		{"POST", "/incidents", `{"title": "x", "status": "done"}`, `422 invalid: status must be investigating, identified, monitoring or, for what is over already, resolved to begin with, not "done" [status]`},
		{"GET", "/maintenances?limit=0", ``, `422 invalid: limit must be at least 1 [limit]`},
		{"GET", "/maintenances?limit=many", ``, `422 invalid: limit must be a whole number [limit]`},
		{"GET", "/maintenances?state=done", ``, `422 invalid: state[0] must be one of scheduled, in_progress, verifying, completed, canceled [state[0]]`},
		{"GET", "/maintenances?states=done", ``, `422 invalid: states is no parameter of this operation; did you mean "state"? [states]`},
		{"GET", "/maintenances?cursor=xyz", ``, `422 invalid: cursor must be next of an earlier page [cursor]`},
		{"GET", "/events?after=x", ``, `422 invalid: after must be the id of an entry, or next of an earlier page [after]`},
		{"GET", "/maintenances/nope", ``, `404 not_found: no maintenance has the id or key "nope"`},
		{"GET", "/reports/nope", ``, `404 not_found: no maintenance or incident has the id or key "nope"`},
		{"GET", "/maintenances/upgrad", ``, `404 not_found: no maintenance has the id or key "upgrad"; did you mean "upgrade"?`},
		{"POST", "/maintenances/upgrad/begin", ``, `404 not_found: no maintenance has the id or key "upgrad"; did you mean "upgrade"?`},
		{"GET", "/incidents/upgrade", ``, `404 not_found: no incident has the id or key "upgrade"; it is a maintenance`},
		{"POST", "/incidents/nope/post", `{"body": "x"}`, `404 not_found: no incident has the id or key "nope"`},
		{"GET", "/series/nope", ``, `404 not_found: no series has the id or key "nope"`},
		{"POST", "/series/nope/end", ``, `404 not_found: no series has the id or key "nope"`},
		{"POST", "/series/nope/end", `{"body": "x"}`, `422 invalid: body and quiet are for cancel_planned: without it, readers are told nothing [body]`},
		{"POST", "/maintenances/upgrade/work", `{"what": "nap", "name": "x"}`, `422 invalid: what must be one of interruption, step, hold, not "nap" [what]`},
		{"POST", "/maintenances/upgrade/work", `{"what": "step"}`, `422 invalid: name is required: which step it is [name]`},
		{"POST", "/maintenances/upgrade/work", `{"what": "step", "name": "x"}`, `409 illegal: maintenance `},
		{"GET", "/maintenance", ``, `404 not_found: the API has no path "/api/native/v1/maintenance"`},
		{"DELETE", "/maintenances", ``, `405 method: DELETE is not possible here`},
		{"POST", "/tokens", `{"name": "x", "scope": "all"}`, `422 invalid: scope must be one of read, operate, administer, gate, not "all" [scope]`},
		{"DELETE", "/tokens/nope", ``, `404 not_found: no token has the id "nope"`},
	} {
		got := h.exchange(c.method, c.path, h.tokens[access.Administer], c.body)
		exact := !strings.HasSuffix(c.want, " ")
		if exact && got != c.want || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s %s\n got %s\nwant %s", c.method, c.path, c.body, got, c.want)
		}
	}
}

func TestABodyIsBoundedAndCalledJSON(t *testing.T) {
	h := newHouse(t).furnish()
	token := h.tokens[access.Operate]
	body := func(size int) string {
		frame := `{"title": "x"}`
		return `{"title": "x"` + strings.Repeat(" ", size-len(frame)) + `}`
	}
	if got := h.exchange(http.MethodPost, "/incidents", token, body(api.LargestBody)); got != "201" {
		t.Errorf("a body of exactly the limit: got %s, want 201", got)
	}
	got := h.exchange(http.MethodPost, "/incidents", token, body(api.LargestBody+1))
	if want := "413 too_large: the request is larger than 1 MiB, the limit of this operation; nothing was changed"; got != want {
		t.Errorf("a body over the limit: got %s, want %s", got, want)
	}
	empty := `{"documents": []}`
	if got, want := h.exchange(http.MethodPost, "/apply", token, empty+strings.Repeat(" ", api.LargestApply-len(empty))), "422 invalid: documents must hold at least one document [documents]"; got != want {
		t.Errorf("an apply of exactly its limit: got %s, want %s", got, want)
	}
	got = h.exchange(http.MethodPost, "/apply", token, empty+strings.Repeat(" ", api.LargestApply+1-len(empty)))
	if want := "413 too_large: the request is larger than 32 MiB, the limit of this operation; nothing was changed"; got != want {
		t.Errorf("an apply over its limit: got %s, want %s", got, want)
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "?"} {
		got := h.exchange(http.MethodPost, "/incidents", token, `{"title": "x"}`, "Content-Type", kind)
		if want := "415 media_type: the body must be JSON"; got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
	if got := h.exchange(http.MethodPost, "/incidents", token, `{"title": "x"}`, "Content-Type", "application/json; charset=utf-8"); got != "201" {
		t.Errorf("JSON with its charset: got %s, want 201", got)
	}
}

func TestAnActKnowsWhichStatesAreLegal(t *testing.T) {
	h := newHouse(t).furnish()
	m := h.plan()
	got := h.exchange(http.MethodPost, "/maintenances/upgrade/complete", h.tokens[access.Operate], "")
	want := fmt.Sprintf("409 illegal: maintenance %s is scheduled and cannot become completed; legal now: in_progress, canceled legal [in_progress canceled]", m.ID)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAChangeOfSomethingOlderIsRefused(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	token := h.tokens[access.Operate]
	seen, _ := h.ask(http.MethodGet, api.Prefix+"/maintenances/upgrade", token, "")
	etag := seen.Header.Get("ETag")
	if want := `"v1"`; etag != want {
		t.Errorf("got ETag %s, want %s", etag, want)
	}
	say := `{"body": "We begin soon."}`
	if got := h.exchange(http.MethodPost, "/maintenances/upgrade/post", token, say, "If-Match", etag); got != "200" {
		t.Errorf("the first change: got %s, want 200", got)
	}
	want := "412 conflict: it has another version by now: somebody else changed it"
	if got := h.exchange(http.MethodPost, "/maintenances/upgrade/post", token, say, "If-Match", etag); got != want {
		t.Errorf("the same again: got %s, want %s", got, want)
	}
	want = `400 malformed: If-Match must be the ETag of an earlier answer, such as "v3" with its quotes, or *`
	if got := h.exchange(http.MethodPost, "/maintenances/upgrade/post", token, say, "If-Match", "v3"); got != want {
		t.Errorf("without quotes: got %s, want %s", got, want)
	}
	if got := h.exchange(http.MethodPost, "/maintenances/upgrade/post", token, say, "If-Match", "*"); got != "200" {
		t.Errorf("any version: got %s, want 200", got)
	}
}

func TestTokensAreToldApart(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	for name, c := range map[string]struct{ token, want string }{
		"mistyped":            {h.tokens[access.Read] + "x", "401 unauthorized: this is not a token of Interlude"},
		"of another server":   {other.tokens[access.Read], "401 unauthorized: this token is not known here: it belongs to another server, or was never made"},
		"of another programm": {"ghp_0123456789", "401 unauthorized: this is not a token of Interlude"},
	} {
		answer, text := h.ask(http.MethodGet, api.Prefix+"/version", c.token, "")
		if got := h.exchange(http.MethodGet, "/version", c.token, ""); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if got, want := answer.Header.Get("WWW-Authenticate"), `Bearer realm="interlude", error="invalid_token"`; got != want {
			t.Errorf("%s: got challenge %s, want %s", name, got, want)
		}
		if strings.Contains(text, c.token) || strings.Contains(h.log.String(), c.token) {
			t.Errorf("%s: the answer or the log repeats the token", name)
		}
	}
}

// stuck is a store that takes no changes, for a reason.
type stuck struct{ why error }

func (s *stuck) Change(context.Context, time.Time, []string, func(*status.Book) error) error {
	return fmt.Errorf("save change: %w: a cause for the log alone", s.why)
}

func TestAStoreThatTakesNoChangesIsToldAndSeen(t *testing.T) {
	for fact, want := range map[error]struct{ answer, ready string }{
		store.ErrFull: {
			"507 full: the disk of the database is full; nothing was changed",
			"the disk of the database is full: no change can be saved",
		},
		store.ErrReadOnly: {
			"503 unavailable: the database may only be read; nothing was changed",
			"the database may only be read: no change can be saved",
		},
	} {
		h := newHouse(t).furnish()
		h.plan()
		h.door.Keeper.Store = &stuck{fact}
		h.door.writable = func() error { return fmt.Errorf("save change: %w", fact) }
		if got := h.exchange(http.MethodPost, "/maintenances/upgrade/begin", h.tokens[access.Operate], ""); got != want.answer {
			t.Errorf("got  %s\nwant %s", got, want.answer)
		}
		if got := h.exchange(http.MethodGet, "/maintenances/upgrade", h.tokens[access.Operate], ""); got != "200" {
			t.Errorf("a read: got %s, want 200", got)
		}
		answer, text := h.ask(http.MethodGet, "/readyz", "", "")
		if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, want.ready) {
			t.Errorf("got readyz %d %s, want 503 and %s", answer.StatusCode, text, want.ready)
		}
		if !strings.Contains(h.log.String(), "a cause for the log alone") {
			t.Errorf("the log does not tell the cause:\n%s", h.log)
		}
	}
}

func TestWhenTheStoreIsAwayWritesSaySoAndReadsGoOn(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	token := h.tokens[access.Operate]
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	answer, _ := h.ask(http.MethodPost, api.Prefix+"/maintenances/upgrade/begin", token, "")
	if got, want := answer.Header.Get("Retry-After"), "5"; got != want {
		t.Errorf("got Retry-After: %s, want %s", got, want)
	}
	got := h.exchange(http.MethodPost, "/maintenances/upgrade/begin", token, "")
	if want := "503 unavailable: the database cannot be reached now; nothing was changed"; got != want {
		t.Errorf("a write: got %s, want %s", got, want)
	}
	for path, want := range map[string]string{
		"/maintenances/upgrade": "200",
		"/events":               "503 unavailable: the database cannot be reached now",
	} {
		if got := h.exchange(http.MethodGet, path, token, ""); got != want {
			t.Errorf("reading %s: got %s, want %s", path, got, want)
		}
	}
	// The tokens that were seen before are believed when their few seconds are over, too.
	h.door.keys.mu.Lock()
	for hash, k := range h.door.keys.known {
		k.until = time.Time{}
		h.door.keys.known[hash] = k
	}
	h.door.keys.mu.Unlock()
	if _, text := h.ask(http.MethodGet, "/metrics", token, ""); !strings.Contains(text, "interlude_board_age_seconds 0") {
		t.Errorf("got %s, want the age of what is shown", text)
	}
	if got, want := h.exchange(http.MethodGet, "/maintenances/upgrade", token, ""), "200"; got != want {
		t.Errorf("a read: got %s, want %s", got, want)
	}
	if got, want := h.exchange(http.MethodGet, "/page", h.tokens[access.Read], ""), "503 unavailable: the database cannot be reached now"; got != want {
		t.Errorf("a read with a token that was never seen: got %s, want %s", got, want)
	}
	h.door.probe.at = time.Time{}
	answer, text := h.ask(http.MethodGet, "/readyz", "", "")
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, `"store":{"ok":false,"why":"the database does not answer"}`) {
		t.Errorf("got readyz %d %s, want 503 for the store", answer.StatusCode, text)
	}
	if answer, _ := h.ask(http.MethodGet, "/healthz", "", ""); answer.StatusCode != http.StatusOK {
		t.Errorf("got healthz %d, want 200", answer.StatusCode)
	}
}
