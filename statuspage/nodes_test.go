package statuspage_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/statuspage"
)

// TestWhatOneNodeMadeIsFoundOnAnother changes on one node what was made on another one a moment ago, which it has not
// looked at since.
func TestWhatOneNodeMadeIsFoundOnAnother(t *testing.T) {
	s := open(t)
	log := slog.New(slog.DiscardHandler)
	late := board.New(s.store, s.clock, log)
	if err := late.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := (&statuspage.Management{
		Keeper: keeper.New(s.store, s.clock, alone{}, log, late.Prod), Board: late, Records: s.store, Points: s.store, Subscribers: s.store,
		Clock: s.clock, Log: log, Mail: true,
	}).Handler()
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/v1/pages/"+s.page+path, strings.NewReader(body))
		answer := httptest.NewRecorder()
		other.ServeHTTP(answer, r.WithContext(access.WithToken(r.Context(), access.Token{Name: "Ada", Scope: access.Administer})))
		return answer
	}
	for n, c := range []struct{ method, path, body string }{
		{http.MethodGet, "/incidents/%s", ""},
		{http.MethodPatch, "/incidents/%s", `{"incident": {"body": "More."}}`},
		{http.MethodPost, "/incidents/%s/subscribers", `{"subscriber": {"email": "ada@example.com"}}`},
		{http.MethodDelete, "/incidents/%s", ""},
	} {
		made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": fmt.Sprint("Down ", n)}})
		answer := ask(c.method, fmt.Sprintf(c.path, made["id"]), c.body)
		if !json.Valid(answer.Body.Bytes()) || answer.Code >= http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want what the other node made", c.method, answer.Code, answer.Body)
		}
	}
	if answer := ask(http.MethodGet, "/incidents/nothing", ""); answer.Code != http.StatusNotFound {
		t.Errorf("got %d for what nobody made, want 404", answer.Code)
	}
}
