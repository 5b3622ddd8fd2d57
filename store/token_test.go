package store_test

import (
	"crypto/rand"
	"errors"
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
