package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

func TestApplyDoesNothingElseThanItPrinted(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	secret := addToken(t, db, access.Administer)
	n := newNode(db, clock.System{}, lease.Alone{}, slog.New(slog.DiscardHandler))
	door, applies := n.door.Handler(), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, api.PathApply) {
			if applies++; applies == 2 { // somebody else is faster than the second request
				page := status.PageDocument{Page: status.PageFields{Name: "Southwind"}}
				if _, err := n.keeper.Apply(r.Context(), []status.Document{{Page: &page}}, false, keeper.Request{}); err != nil {
					t.Error(err)
				}
			}
		}
		door.ServeHTTP(w, r)
	}))
	defer server.Close()
	apply := func() (int, string) {
		var stderr bytes.Buffer
		code := run(t.Context(), []string{"--server", server.URL, "--token", secret, "apply", "-f", "-"},
			strings.NewReader("page: {name: Northwind}\ncomponents:\n  - {name: APIs}\n"), new(bytes.Buffer), &stderr, func(string) string { return "" })
		return code, stderr.String()
	}
	if code, said := apply(); code != exitConflict || !strings.Contains(said, "Run it again") {
		t.Errorf("got exit code %d and %q, want %d and what to do", code, said, exitConflict)
	}
	if code, said := apply(); code != exitDone || said != "" {
		t.Errorf("again: got exit code %d and %q, want %d", code, said, exitDone)
	}
}
