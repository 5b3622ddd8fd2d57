package access_test

import (
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

var noon = time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)

func newToken(tb testing.TB) (access.Token, string) {
	tb.Helper()
	token, secret, err := access.New(rand.Reader, "deploy pipeline", access.Operate, noon, "Ada")
	if err != nil {
		tb.Fatal(err)
	}
	return token, secret
}

func TestANewTokenMatchesItsSecretAndNoOther(t *testing.T) {
	token, secret := newToken(t)
	_, other := newToken(t)
	if !token.Matches(secret) {
		t.Error("the token does not match its own secret")
	}
	for _, wrong := range []string{other, secret + "x", secret[1:], "", token.Hash} {
		if token.Matches(wrong) {
			t.Errorf("the token matches %q, want only its own secret", wrong)
		}
	}
	if token.Hash != access.Hash(secret) || len(token.Hash) != 64 {
		t.Errorf("got hash %q, want the 64 digits of the secret's SHA-256", token.Hash)
	}
	if token.Created != noon || token.By != "Ada" || token.Name != "deploy pipeline" || len(token.ID) != 16 {
		t.Errorf("got %+v, want what it was made from", token)
	}
}

func TestSecretsAreRecognisedAndTypingErrorsAreSeen(t *testing.T) {
	pattern := regexp.MustCompile(access.Pattern)
	seen := make(map[string]bool)
	for range 200 {
		_, secret := newToken(t)
		if seen[secret] || len(secret) != 53 || !access.WellFormed(secret) {
			t.Fatalf("got secret %q, want 53 characters, well-formed, never the same twice", secret)
		}
		seen[secret] = true
		if got := pattern.FindString("export TOKEN=" + secret + "\n"); got != secret {
			t.Fatalf("the scanners' pattern found %q, want %q", got, secret)
		}
		for i := range secret {
			wrong := []byte(secret)
			wrong[i] = 'x'
			if string(wrong) != secret && access.WellFormed(string(wrong)) {
				t.Fatalf("%q passes although character %d of %q is wrong", wrong, i, secret)
			}
		}
	}
}

func TestAScopeCoversWhatItShouldAndAnUnknownOneNothing(t *testing.T) {
	want := map[access.Scope]string{
		access.Read: "read", access.Operate: "read operate", access.Administer: "read operate administer gate", access.Gate: "gate",
	}
	for _, has := range access.Scopes {
		var covered []string
		for _, needs := range access.Scopes {
			if has.Allows(needs) {
				covered = append(covered, string(needs))
			}
		}
		if got := strings.Join(covered, " "); got != want[has] {
			t.Errorf("%s covers %q, want %q", has, got, want[has])
		}
		for _, unknown := range []access.Scope{"", "root", "READ"} {
			if has.Allows(unknown) || unknown.Allows(has) || unknown.Allows(unknown) {
				t.Errorf("%s and the unknown scope %q allow each other something, want nothing", has, unknown)
			}
		}
	}
}

func TestWhatAGatesTokenDoesIsRecordedAsAGates(t *testing.T) {
	for _, scope := range access.Scopes {
		want := status.Actor{Kind: status.Person, Name: "x"}
		if scope == access.Gate {
			want.Kind = status.Gate
		}
		if got := (access.Token{Name: "x", Scope: scope}).Actor(); got != want {
			t.Errorf("%s: got %+v, want %+v", scope, got, want)
		}
	}
}

func TestARevokedTokenAllowsNothing(t *testing.T) {
	token, _ := newToken(t)
	if !token.Allows(access.Read) || token.Allows(access.Administer) {
		t.Errorf("a token to operate: read %v, administer %v, want true, false", token.Allows(access.Read), token.Allows(access.Administer))
	}
	token.Revoked = noon
	if token.Allows(access.Read) {
		t.Error("a revoked token still allows reading")
	}
}

func TestATokenThatNobodyCouldUseIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		scope access.Scope
		want  string
	}{
		{" ", access.Read, "name is required: what the token is for, such as deploy pipeline"},
		{"x", "root", `scope must be one of read, operate, administer, gate, not "root"`},
	} {
		_, secret, err := access.New(rand.Reader, c.name, c.scope, noon, "Ada")
		if err == nil || err.Error() != c.want || secret != "" {
			t.Errorf("got secret %q and error %v, want none and %q", secret, err, c.want)
		}
	}
	broken := errors.New("no randomness")
	if _, _, err := access.New(iotest.ErrReader(broken), "x", access.Read, noon, "Ada"); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestTheHeaderIsReadAsClientsWriteIt(t *testing.T) {
	_, secret := newToken(t)
	for _, value := range []string{
		"Bearer " + secret, "bearer " + secret, "BEARER  " + secret, "OAuth " + secret, "oauth " + secret,
		" Bearer " + secret + " ",
	} {
		if got, err := access.FromHeader(value); err != nil || got != secret {
			t.Errorf("FromHeader(%q): got %q, %v, want the secret", value, got, err)
		}
	}
	for value, want := range map[string]error{
		"":                         access.ErrNoCredential,
		"  ":                       access.ErrNoCredential,
		"Bearer":                   access.ErrMalformed,
		"Bearer ":                  access.ErrMalformed,
		secret:                     access.ErrMalformed,
		"Basic " + secret:          access.ErrMalformed,
		"Bearer " + secret[:52]:    access.ErrMalformed,
		"Bearer " + secret + ", x": access.ErrMalformed,
		"Bearer\x00" + secret:      access.ErrMalformed,
	} {
		got, err := access.FromHeader(value)
		if !errors.Is(err, want) || got != "" {
			t.Errorf("FromHeader(%q): got %q, %v, want %v", value, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

func FuzzFromHeader(f *testing.F) {
	_, secret := newToken(f)
	for _, seed := range []string{"", "Bearer " + secret, "OAuth " + secret, "Bearer itl_", "Basic dXNlcjpwYXNz", "Bearer \x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := access.FromHeader(value)
		if (err == nil) != access.WellFormed(got) {
			t.Fatalf("FromHeader(%q): got %q, %v, want either an error or a well-formed secret", value, got, err)
		}
		if err == nil && !strings.Contains(value, got) {
			t.Fatalf("FromHeader(%q): got %q, which was not sent", value, got)
		}
	})
}
