package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// other is an API in another form, as may stand behind the door: it tells what it is given, and opens an incident with
// what it is sent.
type other struct{ h *house }

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, good := access.TokenOf(r.Context())
	act, asked := access.ActOf(r.Context())
	said := map[string]any{"token": token.Name, "url": r.URL.String(), "uri": r.RequestURI, "operation": act.Operation, "client": act.Client}
	w.Header().Set("Content-Type", "application/json")
	answer := http.StatusOK
	switch {
	case r.URL.Path == "/other/panic":
		panic(errors.New("a fault"))
	case !good:
		answer = http.StatusUnauthorized
		said = map[string]any{"error": access.RefusalOf(r.Context()).Error(), "acts": asked}
	case !safe(r.Method):
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = o.h.door.Keeper.OpenIncident(r.Context(), status.IncidentDraft{Title: string(body)}, keeper.Request{})
		}
		if answer = http.StatusCreated; err != nil {
			answer, said = http.StatusUnprocessableEntity, map[string]any{"error": err.Error()}
		}
		if errors.Is(err, access.ErrRepeated) {
			answer = http.StatusConflict
		}
	}
	if _, limited := r.Context().Deadline(); !limited {
		said["limited"] = false
	}
	w.WriteHeader(answer)
	_ = json.NewEncoder(w).Encode(said)
}

// guardedHouse is a house with the other API behind its door.
func guardedHouse(t *testing.T) *house {
	o := &other{}
	h := newHouse(t)
	o.h = h
	h.door.guardAt("/other/", api.LargestBody, o)
	front := httptest.NewServer(h.door.handler())
	t.Cleanup(front.Close)
	h.url = front.URL
	return h.furnish()
}

func TestAGuardedHandlerLearnsWhoAsks(t *testing.T) {
	h := guardedHouse(t)
	token := h.tokens[access.Operate]
	other := newHouse(t).tokens[access.Read]
	for _, c := range []struct {
		name, method, path string
		headers            []string
		want               string
	}{
		{"a token", "GET", "/other/pages?q=1", []string{"Authorization", "OAuth " + token}, `200 {"client":"","operation":"","token":"operate token","uri":"/other/pages?q=1","url":"/other/pages?q=1"}`},
		{"in another case", "GET", "/other/pages", []string{"Authorization", "oauth " + token}, `200 {"client":"","operation":"","token":"operate token","uri":"/other/pages","url":"/other/pages"}`},
		{"in the query", "GET", "/other/pages?a=1&api_key=" + token + "&b=%C3%BC", nil, `200 {"client":"","operation":"","token":"operate token","uri":"/other/pages?a=1\u0026b=%C3%BC","url":"/other/pages?a=1\u0026b=%C3%BC"}`},
		{"hidden in the query", "GET", "/other/pages?api%5Fkey=" + url.QueryEscape(token), nil, `200 {"client":"","operation":"","token":"operate token","uri":"/other/pages","url":"/other/pages"}`},
		{"in both", "GET", "/other/pages?api_key=nonsense", []string{"Authorization", "Bearer " + token}, `200 {"client":"","operation":"","token":"operate token","uri":"/other/pages","url":"/other/pages"}`},
		{"a write", "PATCH", "/other/pages/a%2Fb/incidents?api_key=" + token, nil, `201 {"client":"127.0.0.1","operation":"PATCH /other/pages/a%2Fb/incidents","token":"operate token","uri":"/other/pages/a%2Fb/incidents","url":"/other/pages/a%2Fb/incidents"}`},
		{"nobody", "GET", "/other/pages", nil, `401 {"acts":false,"error":"no token was sent: send the header Authorization: Bearer itl_…"}`},
		{"nobody who writes", "POST", "/other/pages", nil, `401 {"acts":false,"error":"no token was sent: send the header Authorization: Bearer itl_…"}`},
		{"a stranger", "POST", "/other/pages?api_key=" + other, nil, `401 {"acts":false,"error":"` + errUnknownToken.Error() + `"}`},
		{"nonsense", "POST", "/other/pages?api_key=%", nil, `401 {"acts":false,"error":"no token was sent: send the header Authorization: Bearer itl_…"}`},
		{"a browser's question", "OPTIONS", "/other/pages", []string{"Origin", "https://example.com", "Sec-Fetch-Site", "cross-site"}, `401 {"acts":false,"error":"no token was sent: send the header Authorization: Bearer itl_…"}`},
		{"another site", "POST", "/other/x", []string{"Authorization", "Bearer " + token, "Origin", "https://example.com", "Sec-Fetch-Site", "cross-site"}, `201 {"client":"127.0.0.1","operation":"POST /other/x","token":"operate token","uri":"/other/x","url":"/other/x"}`},
	} {
		answer, text := h.ask(c.method, c.path, "", "Down", c.headers...)
		if got := fmt.Sprint(answer.StatusCode, " ", strings.TrimSpace(text)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if e := h.entries()[0]; e.Operation != "POST /other/x" || e.Name != "operate token" || len(e.Subjects) != 1 {
		t.Errorf("got the entry %+v, want the last write", e)
	}
}

func TestAKeyInAQueryIsInNoLog(t *testing.T) {
	h := guardedHouse(t)
	token := h.tokens[access.Operate]
	for _, path := range []string{"/other/pages?api_key=", "/other/panic?api_key=", "/other/panic?x=1&api%5Fkey="} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			h.ask(method, path+token, "", "Down")
		}
	}
	if !strings.Contains(h.log.String(), "panic") || !strings.Contains(h.log.String(), "path=/other/pages") {
		t.Fatalf("the log tells of no panic and no request:\n%s", h.log)
	}
	if strings.Contains(h.log.String(), token) {
		t.Error("the log holds the secret")
	}
}

func TestAGuardedWriteIsCarriedOutOnce(t *testing.T) {
	h := guardedHouse(t)
	send := func(path, key, body string) (string, string) {
		answer, text := h.ask(http.MethodPost, path+"?api_key="+h.tokens[access.Operate], "", body, keyHeader, key)
		return fmt.Sprint(answer.StatusCode, answer.Header.Get(replayedHeader)), text
	}
	count := func() int {
		if err := h.door.Board.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		return h.incidents()
	}
	line, text := send("/other/incidents", "k", "Down")
	again, sameText := send("/other/incidents", "k", "Down")
	if line != "201" || again != "201true" || text != sameText || count() != 1 {
		t.Errorf("got %s %s and %s %s, want one incident and the same answer twice", line, text, again, sameText)
	}
	for _, c := range []struct{ path, key, body, want string }{
		{"/other/incidents", "k", "Other", `422 {"error":"this idempotency key came with another request before; nothing was changed. Give each request a key of its own, and the same one only to its repetitions."}`},
		{"/other/incidents", "a b", "Down", `400 {"error":"Idempotency-Key must be one text of 1 to 255 visible characters of ASCII. A UUID is a good one."}`},
	} {
		line, text := send(c.path, c.key, c.body)
		if got := line + " " + strings.TrimSpace(text); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := count(); got != 1 {
		t.Errorf("got %d incidents, want 1", got)
	}
}

// endless is a body without an end, which counts what is taken of it.
type endless struct{ taken int }

func (e *endless) Read(b []byte) (int, error) {
	clear(b)
	e.taken += len(b)
	return len(b), nil
}

func TestAGuardedBodyIsReadForItsKeyUpToItsLimit(t *testing.T) {
	h := newHouse(t).furnish()
	page := "/v1/pages/" + h.door.Board.Current().Page.ID + "/incidents"
	for _, scope := range []access.Scope{access.Read, access.Operate} {
		body := &endless{}
		r := httptest.NewRequest(http.MethodPost, page, body)
		r.Header.Set("Authorization", "Bearer "+h.tokens[scope])
		r.Header.Set(keyHeader, "k")
		answer := httptest.NewRecorder()
		h.door.handler().ServeHTTP(answer, r)
		if got := answer.Body.String(); answer.Code != http.StatusRequestEntityTooLarge || !strings.HasPrefix(got, `{"error":"`) {
			t.Errorf("%s: got %d %s, want 413 in the form of version 1", scope, answer.Code, got)
		}
		if most := 2 * largestManaged; body.taken > most { // what is read ahead counts too
			t.Errorf("%s: got %d bytes read, want at most %d", scope, body.taken, most)
		}
	}
	for name, key := range map[string]string{"with a key": "k", "without one": ""} {
		for more, want := range map[int]int{0: http.StatusCreated, 1: http.StatusRequestEntityTooLarge} {
			text := `{"incident": {"name": "Down"}}`
			text += strings.Repeat(" ", largestManaged+more-len(text))
			headers := []string{"Content-Type", "application/json"}
			if key != "" {
				headers = append(headers, keyHeader, key)
			}
			if answer, got := h.ask(http.MethodPost, page, h.tokens[access.Operate], text, headers...); answer.StatusCode != want {
				t.Errorf("%s, %d bytes above the limit: got %d %s, want %d", name, more, answer.StatusCode, got, want)
			}
		}
	}
}

func TestAGuardedCallThatWasBegunIsFinished(t *testing.T) {
	h := guardedHouse(t)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	guarded := h.door.guarded(api.LargestBody, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leave()
		_, err := h.door.Keeper.OpenIncident(r.Context(), status.IncidentDraft{Title: "Down"}, keeper.Request{})
		left <- err
	}))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/other/incidents", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.tokens[access.Operate])
	guarded.ServeHTTP(nil, r)
	if err := <-left; err != nil {
		t.Errorf("got %v for a caller who left, want the change made", err)
	}
}

func TestWhoCannotBeKnownNowIsToldToWait(t *testing.T) {
	h := guardedHouse(t)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	answer, text := h.ask(http.MethodPost, "/other/incidents", h.tokens[access.Read], "Down")
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, `{"error":"the database cannot be reached now`) {
		t.Errorf("got %d %s, want 503 in the other form", answer.StatusCode, text)
	}
	var p api.Problem
	if err := json.Unmarshal([]byte(text), &p); err != nil || p.Code != "" {
		t.Errorf("got a problem %+v and %v, want another form", p, err)
	}
}
