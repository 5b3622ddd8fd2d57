package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/clock"
	"example.org/interlude/status"
)

// cabinet keeps tokens in memory and counts how often it is asked.
type cabinet struct {
	mu             sync.Mutex
	tokens         map[string]access.Token
	asked, touched int
	away           error
}

func (c *cabinet) TokenByHash(_ context.Context, hash string) (access.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	t, ok := c.tokens[hash]
	switch {
	case c.away != nil:
		return t, c.away
	case !ok:
		return t, fmt.Errorf("find token: %w", status.ErrNotFound)
	}
	return t, nil
}

func (c *cabinet) TouchToken(context.Context, string, time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched++
	return nil
}

// put makes a token, and gives the header that carries it.
func (c *cabinet) put(t *testing.T) string {
	t.Helper()
	token, secret, err := access.New(rand.Reader, "a token", access.Read, noon, "the tests")
	if err != nil {
		t.Fatal(err)
	}
	c.tokens[token.Hash] = token
	return "Bearer " + secret
}

func TestATokenIsRememberedForSecondsAndTouchedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cabinet{tokens: map[string]access.Token{}}
		var errands sync.WaitGroup
		k := newKeyring(c, clock.System{}, &errands, slog.New(slog.DiscardHandler))
		header := c.put(t)
		for range 120 { // two minutes, a request each second
			if _, err := k.recognise(t.Context(), header); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
		}
		errands.Wait()
		if c.asked != 24 || c.touched != 2 {
			t.Errorf("got %d questions and %d touches, want 24 and 2", c.asked, c.touched)
		}
		_, _ = k.recognise(t.Context(), header)
		c.away = errors.New("the database is gone")
		if _, err := k.recognise(t.Context(), header); err != nil {
			t.Errorf("got %v for a remembered token while the store is away, want no error", err)
		}
		<-time.After(keyLife)
		if _, err := k.recognise(t.Context(), header); !errors.Is(err, c.away) {
			t.Errorf("got %v, want %v", err, c.away)
		}
		errands.Wait()
	})
}

func TestTheKeyringIsBoundedAndNotFilledWithInventions(t *testing.T) {
	c := &cabinet{tokens: map[string]access.Token{}}
	var errands sync.WaitGroup
	k := newKeyring(c, clock.System{}, &errands, slog.New(slog.DiscardHandler))
	for range mostKeys + 10 {
		if _, err := k.recognise(t.Context(), c.put(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(k.known); got > mostKeys {
		t.Errorf("got %d remembered tokens, want at most %d", got, mostKeys)
	}
	k.forget()
	invented := c.put(t)
	clear(c.tokens)
	for range 3 {
		if _, err := k.recognise(t.Context(), invented); !errors.Is(err, errUnknownToken) {
			t.Errorf("got %v, want %v", err, errUnknownToken)
		}
	}
	if len(k.known) != 0 {
		t.Errorf("got %d remembered tokens, want none", len(k.known))
	}
	errands.Wait()
}
