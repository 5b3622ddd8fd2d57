package desk

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/interlude/spool"
)

// refusing is a courier that refuses everything.
type refusing struct{}

func (refusing) Deliver(context.Context, spool.Entry) spool.Outcome {
	return spool.Outcome{Result: spool.Refused, Reason: "404 Not Found"}
}

// opened is a desk over a real spool whose flow hooks refuses everything, and its client.
func opened(t *testing.T) (*spool.Spool, Client) {
	t.Helper()
	s, err := spool.Open(t.Context(), spool.Config{Journal: spool.NewMemory(), Flows: map[string]spool.Flow{"hooks": {Courier: refusing{}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	door := httptest.NewServer(New(s, s, "secret", slog.New(slog.DiscardHandler)))
	t.Cleanup(func() {
		door.Close()
		stop()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, Client{Address: strings.TrimPrefix(door.URL, "http://"), Token: "secret"}
}

func accept(t *testing.T, s *spool.Spool, n int) (ids []string) {
	t.Helper()
	for range n {
		r, err := s.Accept(t.Context(), spool.Entry{Flow: "hooks", Kind: spool.Post, About: "POST /hooks", Head: []byte("head"), Body: []byte{0, 1, 2}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func TestNobodyIsAnsweredWithoutTheToken(t *testing.T) {
	_, c := opened(t)
	for _, token := range []string{"", "Secret", "secret2"} {
		c.Token = token
		var p *Problem
		if _, err := c.Overview(t.Context()); !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
			t.Errorf("got %v with the token %q, want 401", err, token)
		}
	}
	w := httptest.NewRecorder()
	New(nil, nil, "", slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/spool", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("got %d where there is no token at all, want 401", w.Code)
	}
}

func TestOperatorsSeeAndChangeWhatWaits(t *testing.T) {
	s, c := opened(t)
	ids, ctx := accept(t, s, 3), t.Context()
	page, err := c.Items(ctx, spool.Filter{Flow: "hooks", Most: 2})
	if err != nil || len(page.Items) != 2 || page.More != ids[1] || page.Items[0].ID != ids[0] {
		t.Fatalf("got %+v and %v, want the first two, and that there are more", page, err)
	}
	if rest, err := c.Items(ctx, spool.Filter{After: page.More}); err != nil || len(rest.Items) != 1 || rest.More != "" {
		t.Errorf("got %+v and %v, want the last one", rest, err)
	}
	if head, body, err := c.Content(ctx, ids[0]); err != nil || string(head) != "head" || string(body) != "\x00\x01\x02" {
		t.Errorf("got %q, %q and %v, want what it holds, byte for byte", head, body, err)
	}
	if err := errors.Join(c.Shelve(ctx, ids[0]), c.Pause(ctx, "hooks")); err != nil {
		t.Fatal(err)
	}
	is, err := c.Overview(ctx)
	if err != nil || len(is.Flows) != 1 || !is.Flows[0].Paused || is.Flows[0].Shelved != 1 || is.Flows[0].Waiting != 2 {
		t.Errorf("got %+v and %v, want one paused flow with two that wait and one on the shelf", is, err)
	}
	if err := c.Remove(ctx, ids[1]); err != nil {
		t.Fatal(err)
	}
	var p *Problem
	if err := c.Retry(ctx, ids[1]); !errors.As(err, &p) || p.Status != http.StatusConflict {
		t.Errorf("got %v for one that was removed, want 409", err)
	}
	if err := c.Retry(ctx, "nosuch"); !errors.As(err, &p) || p.Status != http.StatusNotFound || p.Hint == "" {
		t.Errorf("got %v for one that is not there, want 404 and a hint", err)
	}
	if _, err := c.Items(ctx, spool.Filter{State: "asleep"}); !errors.As(err, &p) || p.Status != http.StatusBadRequest {
		t.Errorf("got %v for a state that is none, want 400", err)
	}
}

func TestAnActOnAllOfTheShelf(t *testing.T) {
	s, c := opened(t)
	accept(t, s, 5)
	s.Release("hooks")
	shelved := func(n int64) {
		t.Helper()
		tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
		defer tick.Stop()
		for s.Figures()["hooks"].Shelved != n {
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("got %+v, want %d on the shelf", s.Figures()["hooks"], n)
			}
		}
	}
	shelved(5)
	s.Hold("hooks")
	if n, err := c.RetryAll(t.Context(), "hooks"); err != nil || n != 5 {
		t.Errorf("got %d and %v, want all five to be tried again", n, err)
	}
	s.Release("hooks")
	shelved(5)
	if n, err := c.RemoveShelved(t.Context(), ""); err != nil || n != 5 {
		t.Errorf("got %d and %v, want all five removed", n, err)
	}
	shelved(0)
}
