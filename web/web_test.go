package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// noon is when the tests happen.
var noon = time.Date(2027, 1, 10, 12, 0, 0, 0, time.UTC)

// house is a server with a real store, keeper and board, and clients of each scope.
type house struct {
	t      *testing.T
	clock  *clock.Driven
	file   string // of the store
	store  *store.Store
	door   *door
	url    string
	log    *bytes.Buffer
	tokens map[access.Scope]string
}

func newHouse(t *testing.T, change ...func(*Server)) *house {
	t.Helper()
	file := filepath.Join(t.TempDir(), "interlude.db")
	s, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, file: file, clock: clock.NewDriven(noon, 0), store: s, log: &bytes.Buffer{}, tokens: map[access.Scope]string{}}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := board.New(s, h.clock, log)
	server := Server{
		Keeper: keeper.New(s, h.clock, lease.Alone{}, log, b.Prod), Board: b, Store: s, Clock: h.clock, Log: log, Version: "v0.0.0-test",
	}
	for _, f := range change {
		f(&server)
	}
	h.door = server.open()
	h.door.planBeat = 20 * time.Millisecond
	front := httptest.NewServer(h.door.handler())
	h.url = front.URL
	t.Cleanup(func() {
		front.Close()
		h.door.errands.Wait()
		_ = s.Close()
	})
	for _, scope := range access.Scopes {
		h.tokens[scope] = h.token(string(scope)+" token", scope)
	}
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) token(name string, scope access.Scope) string {
	h.t.Helper()
	token, secret, err := access.New(rand.Reader, name, scope, noon, "the tests")
	if err == nil {
		err = h.store.AddToken(h.t.Context(), token)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// as is a client of the given scope.
func (h *house) as(scope access.Scope) *api.Client {
	return &api.Client{Server: h.url, Token: h.tokens[scope]}
}

// furnish puts Northwind's page into the house.
func (h *house) furnish() *house {
	h.t.Helper()
	_, err := h.as(access.Administer).Apply(h.t.Context(), api.ApplyRequest{Documents: []status.Document{{Page: &northwind}}})
	if err != nil {
		h.t.Fatal(err)
	}
	return h
}

var northwind = status.PageDocument{
	Page: status.PageFields{Name: "Northwind", TimeZone: "UTC", LeastNotice: status.Duration(48 * time.Hour)},
	Components: []status.ComponentNode{
		{Group: "Messenger", Components: []status.ComponentNode{{Name: "Web Messenger"}, {Name: "Mobile Messenger"}}},
		{Name: "Web Application"},
		{Name: "APIs"},
	},
}

// upgrade is a maintenance five days after noon.
func upgrade() status.MaintenanceDocument {
	return status.MaintenanceDocument{
		Key: "upgrade", Title: "Database upgrade", Affects: []string{"Messenger", "APIs"},
		Window: status.Window{
			Start: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC), End: time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC),
		},
	}
}

// plan announces the upgrade.
func (h *house) plan() api.Maintenance {
	h.t.Helper()
	made, err := h.as(access.Operate).CreateMaintenance(h.t.Context(), upgrade())
	if err != nil {
		h.t.Fatal(err)
	}
	return *made.Maintenance
}

// ask sends a request as it stands and gives the answer, with its body read.
func (h *house) ask(method, path, token, body string, headers ...string) (*http.Response, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer, string(text)
}

// exchange sends a request to the native API and gives the answer on one line: the status, and of a problem its code,
// its detail and what else it says.
func (h *house) exchange(method, path, token, body string, headers ...string) string {
	h.t.Helper()
	answer, text := h.ask(method, api.Prefix+path, token, body, headers...)
	line := fmt.Sprint(answer.StatusCode)
	if answer.StatusCode < 400 {
		return line
	}
	if kind := answer.Header.Get("Content-Type"); kind != api.ProblemType {
		return line + " but of type " + kind
	}
	var p api.Problem
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		h.t.Fatalf("%s: %v", text, err)
	}
	if p.Status != answer.StatusCode || p.Instance == "" || p.Instance != answer.Header.Get("X-Request-Id") || p.Type != "about:blank" {
		h.t.Errorf("got a problem that does not belong to its answer: %s", text)
	}
	line += " " + string(p.Code) + ": " + p.Detail
	if p.Field != "" {
		line += " [" + p.Field + "]"
	}
	if p.Index != nil {
		line += fmt.Sprintf(" [document %d of %s]", *p.Index, p.Source)
	}
	if len(p.Legal) > 0 {
		line += fmt.Sprint(" legal ", p.Legal)
	}
	return line
}

func TestAHandlerThatPanicsIsAnsweredAndLogged(t *testing.T) {
	h := newHouse(t, func(s *Server) {
		s.Page = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret cause") })
	})
	answer, text := h.ask(http.MethodGet, "/anything", "", "")
	if answer.StatusCode != http.StatusInternalServerError || strings.Contains(text, "secret") {
		t.Errorf("got %d %s, want 500 without the cause", answer.StatusCode, text)
	}
	if id := answer.Header.Get("X-Request-Id"); !strings.Contains(text, id) || !strings.Contains(h.log.String(), id) {
		t.Errorf("the answer %s and the log do not name request %s", text, id)
	}
	if !strings.Contains(h.log.String(), "the secret cause") {
		t.Errorf("the log does not tell the cause:\n%s", h.log)
	}
}

func TestEverythingCarriesSecurityHeaders(t *testing.T) {
	h := newHouse(t, func(s *Server) { s.Secure = true })
	for _, path := range []string{"/healthz", api.Prefix + "/page", "/nothing", api.Prefix + api.PathOpenAPI} {
		answer, _ := h.ask(http.MethodGet, path, "", "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin",
			"Strict-Transport-Security": "max-age=31536000",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: got %s: %q, want %q", path, name, got, want)
			}
		}
	}
	plain, _ := newHouse(t).ask(http.MethodGet, "/healthz", "", "")
	if got := plain.Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("got Strict-Transport-Security: %q without https, want none", got)
	}
}

func TestAnotherSiteCannotWrite(t *testing.T) {
	h := newHouse(t).furnish()
	got := h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], `{"title": "Down"}`, "Sec-Fetch-Site", "cross-site")
	if want := "403 forbidden: a page of another site may not send this request"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRunEndsLiveStreamsAndReturns(t *testing.T) {
	h := newHouse(t)
	ended := make(chan error, 1)
	server := h.door.Server
	server.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			t.Errorf("a live stream cannot lift the write timeout: %v", err)
		}
		fmt.Fprintln(w, "data: begun")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
	})
	ctx, stop := context.WithCancel(t.Context())
	listener := listen(t)
	returned := make(chan error, 1)
	go func() { returned <- server.Run(ctx, listener) }()
	answer, err := http.Get("http://" + listener.Addr().String() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	line := make([]byte, len("data: begun\n"))
	if _, err := io.ReadFull(answer.Body, line); err != nil {
		t.Fatal(err)
	}
	stop()
	if got := <-ended; !errors.Is(got, errStopping) {
		t.Errorf("the stream ended with %v, want %v", got, errStopping)
	}
	if err := <-returned; err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if _, err := http.Get("http://" + listener.Addr().String() + "/healthz"); err == nil {
		t.Error("the server still answers after Run has returned")
	}
}
