package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/clock"
	"example.org/interlude/lease"
	"example.org/interlude/store"
)

// BenchmarkApplyOfAPast is what somebody waits for who moves to Interlude: a page and 5,000 past incidents, entered
// by one request over HTTP, and the same again, which changes nothing.
func BenchmarkApplyOfAPast(b *testing.B) {
	documents := town(500, 5000, 0, time.Now().UTC())
	for i := 0; b.Loop(); i++ {
		db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), fmt.Sprintf("bench-%d.db", i)))
		if err != nil {
			b.Fatal(err)
		}
		secret := addToken(b, db, access.Administer)
		server := httptest.NewServer(newNode(db, clock.System{}, lease.Alone{}, slog.New(slog.DiscardHandler)).door.Handler())
		client := &api.Client{Server: server.URL, Token: secret}
		for _, stage := range []struct {
			name string
			dry  bool
			want int
		}{{"dry-s/op", true, len(documents)}, {"apply-s/op", false, len(documents)}, {"again-s/op", true, 0}} {
			begun := time.Now()
			result, err := client.Apply(b.Context(), api.ApplyRequest{Documents: documents, DryRun: stage.dry})
			if err != nil || len(result.Changes) < stage.want || stage.want == 0 && len(result.Changes) > 0 {
				b.Fatalf("%s: got %d changes and %v, want %d", stage.name, len(result.Changes), err, stage.want)
			}
			b.ReportMetric(time.Since(begun).Seconds(), stage.name)
		}
		server.Close()
		_ = db.Close()
	}
}

// addToken makes a token known to a store, and gives its secret.
func addToken(t testing.TB, db *store.Store, scope access.Scope) string {
	t.Helper()
	token, secret, err := access.New(rand.Reader, "bench", scope, time.Now().UTC(), "the tests")
	if err == nil {
		err = db.AddToken(t.Context(), token)
	}
	if err != nil {
		t.Fatal(err)
	}
	return secret
}
