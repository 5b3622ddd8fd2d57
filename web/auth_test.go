package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	hangs          bool
}

func (c *cabinet) TokenByHash(ctx context.Context, hash string) (access.Token, error) {
	if c.hangs {
		<-ctx.Done()
		return access.Token{}, ctx.Err()
	}
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
		errands.Wait()
	})
}

func TestATokenIsBelievedForAnHourWhileTheStoreCannotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cabinet{tokens: map[string]access.Token{}}
		var errands sync.WaitGroup
		k := newKeyring(c, clock.System{}, &errands, slog.New(slog.DiscardHandler))
		kept, revoked, deleted, never := c.put(t), c.put(t), c.put(t), c.put(t)
		hash := func(header string) string { return access.Hash(strings.TrimPrefix(header, "Bearer ")) }
		check := func(header string, want error) {
			t.Helper()
			if _, err := k.recognise(t.Context(), header); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		for _, header := range []string{kept, revoked, deleted} {
			check(header, nil)
		}
		token := c.tokens[hash(revoked)]
		token.Revoked = noon
		c.tokens[hash(revoked)] = token
		delete(c.tokens, hash(deleted))
		<-time.After(keyLife)
		check(kept, nil)
		check(revoked, errRevokedToken)
		check(deleted, errUnknownToken)

		c.away = errors.New("the database is gone")
		for range 59 { // used or not, it is the store's word that counts
			<-time.After(time.Minute)
			check(kept, nil)
			check(revoked, errRevokedToken)
			check(deleted, c.away)
			check(never, c.away)
		}
		<-time.After(time.Minute)
		check(kept, c.away)
		c.away = nil
		check(kept, nil)
		errands.Wait()
	})
}

func TestAStoreThatHangsIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cabinet{tokens: map[string]access.Token{}}
		var errands sync.WaitGroup
		k := newKeyring(c, clock.System{}, &errands, slog.New(slog.DiscardHandler))
		header := c.put(t)
		if _, err := k.recognise(t.Context(), header); err != nil {
			t.Fatal(err)
		}
		<-time.After(keyLife)
		c.hangs = true
		begun := time.Now()
		for range 3 {
			if _, err := k.recognise(t.Context(), header); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took != keyPatience {
			t.Errorf("got %s for three requests, want %s for the first and nothing for the others", took, keyPatience)
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
	k.drop(func(key) bool { return true })
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
