package access_test

import (
	"errors"
	"testing"

	"example.org/interlude/access"
)

func TestAContextHoldsATokenOrTheReasonWhyNot(t *testing.T) {
	token, _ := newToken(t)
	if got, good := access.TokenOf(access.WithToken(t.Context(), token)); !good || got != token {
		t.Errorf("got %+v and %v, want the token", got, good)
	}
	if err := access.RefusalOf(access.WithToken(t.Context(), token)); err != nil {
		t.Errorf("got the reason %v beside a good token, want none", err)
	}
	refused := access.WithRefusal(t.Context(), access.ErrMalformed)
	if got, good := access.TokenOf(refused); good {
		t.Errorf("got the token %+v, want none", got)
	}
	if err := access.RefusalOf(refused); !errors.Is(err, access.ErrMalformed) {
		t.Errorf("got %v, want %v", err, access.ErrMalformed)
	}
	// Forgetting to look for a token must not open a door.
	if _, good := access.TokenOf(t.Context()); good || !errors.Is(access.RefusalOf(t.Context()), access.ErrNoCredential) {
		t.Errorf("got a token %v and %v from an empty context, want none and %v", good, access.RefusalOf(t.Context()), access.ErrNoCredential)
	}
}

func TestAnActStaysWithItsContext(t *testing.T) {
	want := access.Act{Token: "t1", Name: "pipeline", Operation: "begin-maintenance", Repeat: &access.Repeat{Key: "k"}}
	if got, asked := access.ActOf(access.WithAct(t.Context(), want)); !asked || got != want {
		t.Errorf("got %+v and %v, want %+v", got, asked, want)
	}
	if got, asked := access.ActOf(t.Context()); asked {
		t.Errorf("got the act %+v from an empty context, want none", got)
	}
}

func TestEachTokenHasKeysOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "b"}, {"", "ab"}, {"ab", ""}} {
		key := access.RepeatKey(c[0], c[1])
		if seen[key] || len(key) != 64 || key != access.RepeatKey(c[0], c[1]) {
			t.Errorf("got %q for %q, want 64 digits that no other pair has", key, c)
		}
		seen[key] = true
	}
}
