package statuspage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/board"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
	"example.org/interlude/store"
)

// noon is when the tests begin.
var noon = time.Date(2027, 1, 13, 12, 0, 0, 0, time.UTC)

// site is a page with a real store behind both versions of the API.
type site struct {
	*testing.T
	store  *store.Store
	board  *board.Board
	keeper *keeper.Keeper
	// managed may be changed until the first request.
	managed *statuspage.Management
	clock   *clock.Driven
	server  *httptest.Server
	page    string // its id
	ids     map[string]string
}

// alone is a node that always leads.
type alone struct{}

func (alone) Lead(context.Context, time.Time) (bool, error) { return true, nil }
func (alone) Leave(context.Context, time.Time) error        { return nil }

// open makes a site with the components of the examples. Whoever sends a token of a scope's name has that scope.
func open(t *testing.T) *site {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log := slog.New(slog.DiscardHandler)
	s := &site{T: t, store: db, clock: clock.NewDriven(noon, 0), ids: map[string]string{}}
	s.board = board.New(db, s.clock, log)
	s.keeper = keeper.New(db, s.clock, alone{}, log, s.board.Prod)
	document := status.PageDocument{
		Page: status.PageFields{Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "UTC"},
		Components: []status.ComponentNode{
			{Group: "Message delivery", Components: []status.ComponentNode{{Name: "Email"}, {Name: "Mobile Push"}}},
			{Name: "Web Application"},
			{Name: "APIs"},
		},
	}
	if _, err := s.keeper.Apply(t.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	s.refresh()
	s.page = s.board.Current().Page.ID
	for _, c := range s.board.Current().Components {
		s.ids[c.Name] = c.ID
	}
	for _, g := range s.board.Current().Groups {
		s.ids[g.Name] = g.ID
	}
	s.managed = &statuspage.Management{
		Keeper: s.keeper, Board: s.board, Records: db, Points: db, Subscribers: db, Clock: s.clock, Log: log, Mail: true,
	}
	managed := s.managed.Handler()
	mux := http.NewServeMux()
	mux.Handle("/api/v2/", &statuspage.Public{Board: s.board})
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		if scope, err := access.ParseScope(strings.TrimPrefix(r.Header.Get("Authorization"), "OAuth ")); err == nil {
			r = r.WithContext(access.WithToken(r.Context(), access.Token{ID: "t", Name: "Ada", Scope: scope}))
		}
		managed.ServeHTTP(w, r)
	})
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	return s
}

func (s *site) refresh() {
	s.Helper()
	if err := s.board.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// tick lets the clock show a time and do what is due.
func (s *site) tick(at time.Time) {
	s.Helper()
	s.clock.Set(at)
	if _, err := s.keeper.Tick(s.Context()); err != nil {
		s.Fatal(err)
	}
	s.refresh()
}

// send sends a request as an administrator and returns the status and the body. A body that is a text is sent as it is,
// with the content type; anything else as JSON.
func (s *site) send(method, path, contentType string, body any) (int, []byte) {
	s.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			s.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.server.URL+path, reader)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "OAuth administer")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := s.server.Client().Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, text
}

// object is a JSON object as a client without types reads it.
type object = map[string]any

// call sends JSON below the page, wants a status, and returns the object of the answer.
func (s *site) call(want int, method, path string, body any) object {
	s.Helper()
	code, text := s.send(method, "/v1/pages/"+s.page+path, "application/json", body)
	if code != want {
		s.Fatalf("%s %s: got %d %s, want %d", method, path, code, text, want)
	}
	var answer object
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			s.Fatalf("%s %s: got %s: %v", method, path, text, err)
		}
	}
	return answer
}

// list reads a list below the page.
func (s *site) list(path string) []object {
	s.Helper()
	code, text := s.send(http.MethodGet, "/v1/pages/"+s.page+path, "", nil)
	var answer []object
	if err := json.Unmarshal(text, &answer); err != nil || code != http.StatusOK {
		s.Fatalf("GET %s: got %d %s: %v", path, code, text, err)
	}
	return answer
}

// public reads a document of version 2.
func (s *site) public(name string) object {
	s.Helper()
	code, text := s.send(http.MethodGet, "/api/v2/"+name, "", nil)
	var answer object
	if err := json.Unmarshal(text, &answer); err != nil || code != http.StatusOK {
		s.Fatalf("GET %s: got %d %s: %v", name, code, text, err)
	}
	return answer
}
