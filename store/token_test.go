package store_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

func TestTokensAreAddedFoundTouchedAndRevoked(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		token, secret, err := access.New(rand.Reader, "pipeline ü", access.Operate, noon, "Ada")
		if err != nil {
			t.Fatal(err)
		}
		everything := filled[access.Token](new(int))
		for _, add := range []access.Token{everything, token} {
			if err := s.AddToken(t.Context(), add); err != nil {
				t.Fatal(err)
			}
			if s.AddToken(t.Context(), add) == nil {
				t.Error("the same token was added twice")
			}
		}
		check := func(want access.Token) {
			t.Helper()
			got, err := s.TokenByHash(t.Context(), access.Hash(secret))
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("error %v, token (-want +got):\n%s", err, diff)
			}
			all, err := s.Tokens(t.Context())
			if diff := cmp.Diff([]access.Token{want, everything}, all); err != nil || diff != "" {
				t.Errorf("error %v, tokens (-want +got):\n%s", err, diff)
			}
		}
		check(token)
		do := func(act func() error) {
			t.Helper()
			if err := act(); err != nil {
				t.Error(err)
			}
		}
		token.LastUsed = noon.Add(time.Hour)
		do(func() error { return s.TouchToken(t.Context(), token.ID, noon.Add(time.Minute)) })
		do(func() error { return s.TouchToken(t.Context(), token.ID, noon.Add(time.Hour)) })
		do(func() error { return s.TouchToken(t.Context(), token.ID, noon) })
		check(token)
		token.Revoked = noon.Add(2 * time.Hour)
		do(func() error { return s.RevokeToken(t.Context(), token.ID, token.Revoked) })
		do(func() error { return s.RevokeToken(t.Context(), token.ID, noon.Add(3*time.Hour)) })
		check(token)
	})
}

func TestATokenThatDoesNotExistIsNotFound(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		_, err := s.TokenByHash(t.Context(), access.Hash("itl_x"))
		for _, err := range []error{err, s.RevokeToken(t.Context(), "x", noon), s.TouchToken(t.Context(), "x", noon)} {
			if !errors.Is(err, status.ErrNotFound) {
				t.Errorf("got %v, want %v", err, status.ErrNotFound)
			}
		}
		var invalid *status.Invalid
		if err := s.AddToken(t.Context(), access.Token{ID: "x", Name: "a\x00b"}); !errors.As(err, &invalid) || invalid.Field != "name" {
			t.Errorf("got %v, want that the name is invalid", err)
		}
	})
}

func TestOfManyFirstTokensOneIsAdded(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		refused := errors.New("the file of the secret cannot be written")
		try := func(keep func() error) (bool, error) {
			token, _, err := access.New(rand.Reader, "administrator", access.Administer, noon, "first start")
			if err != nil {
				return false, err
			}
			return s.AddFirstToken(t.Context(), token, keep)
		}
		if added, err := try(func() error { return refused }); added || !errors.Is(err, refused) {
			t.Errorf("got %v and %v for a secret that cannot be kept, want that nothing was added", added, err)
		}
		var kept, added atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				mine, err := try(func() error { kept.Add(1); return nil })
				if err != nil {
					t.Error(err)
				}
				if mine {
					added.Add(1)
				}
			})
		}
		all.Wait()
		if kept.Load() != 1 || added.Load() != 1 {
			t.Errorf("got %d secrets kept and %d tokens added, want one of each", kept.Load(), added.Load())
		}
		if tokens, err := s.Tokens(t.Context()); err != nil || len(tokens) != 1 {
			t.Errorf("got %d tokens and error %v, want one", len(tokens), err)
		}
	})
}
