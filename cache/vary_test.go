package cache

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAVariantAnswersOnlyTheSameRequest(t *testing.T) {
	for _, c := range []struct {
		vary, stored, asked string
		want                bool
	}{
		{"Accept-Language", "Accept-Language: de", "Accept-Language: de", true},
		{"Accept-Language", "Accept-Language: de", "Accept-Language: en", false},
		{"Accept-Language", "Accept-Language: de, en;q=0.5", "Accept-Language: DE,en;q=0.5", true},
		{"accept-language", "Accept-Language: de", "Accept-Language: en", false},
		{"Accept-Language", "Accept-Language: de", "", false},
		{"Accept-Language", "", "Accept-Language: de", false},
		{"X-Team", "", "X-Team: ", false},
		{"X-Team", "X-Team: a", "X-Team: A", false},
		{"X-Team", "X-Team: a\nX-Team: b", "X-Team: a, b", true},
		{"X-Team", "X-Team: a\nX-Team: b", "X-Team: b\nX-Team: a", false},
		{"X-Team", "X-Team: a, b", "X-Team: a,b", false},
		{"X-Team, X-User", "X-Team: a\nX-User: b", "X-Team: a\nX-User: b", true},
		{"X-Team, X-User", "X-Team: a\nX-User: b", "X-Team: a\nX-User: c", false},
		{"X-Team, X-User", "X-Team: ab", "X-Team: a\nX-User: b", false},
		{"Host", "", "", true},
		{"", "X-Team: a", "X-Team: b", true},
	} {
		s := New(Limits{})
		pass(t, s, get("/", lines(c.stored)...), ok("hello", "Vary: "+c.vary))
		if got := answers(s, get("/", lines(c.asked)...)) != "nothing"; got != c.want {
			t.Errorf("Vary: %s; stored for %q, asked with %q: got %t, want %t", c.vary, c.stored, c.asked, got, c.want)
		}
	}
}

func TestTheNewestVariantThatMatchesAnswers(t *testing.T) {
	s := New(Limits{})
	de, en := "Accept-Language: de", "Accept-Language: en"
	passAt(t, s, get("/", de), ok("alt", "Vary: Accept-Language"), noon.Add(-3*time.Minute))
	passAt(t, s, get("/", en), ok("new", "Vary: Accept-Language"), noon.Add(-2*time.Minute))
	passAt(t, s, get("/", de), ok("neu", "Vary: Accept-Language"), noon.Add(-1*time.Minute))
	passAt(t, s, get("/", de), ok("overtaken", "Vary: Accept-Language"), noon.Add(-2*time.Minute))
	for line, want := range map[string]string{de: "200 neu", en: "200 new", "Accept-Language: fr": "nothing"} {
		if got := answers(s, get("/", line)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
	// One that forgets to say what it varies by does not hide those that say it (RFC 9111, 4.1).
	passAt(t, s, get("/"), ok("whatever"), noon)
	for line, want := range map[string]string{de: "200 neu", "Accept-Language: fr": "200 whatever"} {
		if got := answers(s, get("/", line)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestATargetHasSoManyVariantsAtMost(t *testing.T) {
	s := New(Limits{})
	for i := range mostVariants + 1 {
		pass(t, s, get("/", fmt.Sprint("X-Team: ", i)), ok("hello", "Vary: X-Team"))
	}
	for i, want := range map[int]string{0: "nothing", 1: "200 hello", mostVariants: "200 hello"} {
		if got := answers(s, get("/", fmt.Sprint("X-Team: ", i))); got != want {
			t.Errorf("variant %d: got %s, want %s", i, got, want)
		}
	}
}

func TestVariantsOfOneTargetLeaveRoomForOthers(t *testing.T) {
	s := New(Limits{Bytes: 400_000, Entry: 40_000})
	pass(t, s, get("/other"), ok("other"))
	for i := range mostVariants {
		pass(t, s, get("/", fmt.Sprint("X-Team: ", i)), ok(strings.Repeat("x", 40_000), "Vary: X-Team"))
	}
	if got := s.entries.WeightedSize(); got > 110_000 {
		t.Errorf("got %d bytes stored, want at most a quarter of 400000 and a little", got)
	}
	if got := answers(s, get("/other")); got != "200 other" {
		t.Errorf("got %s, want 200 other", got)
	}
	if got := answers(s, get("/", fmt.Sprint("X-Team: ", mostVariants-1))); got == "nothing" {
		t.Error("got nothing, want the newest variant")
	}
}

func FuzzVary(f *testing.F) {
	f.Add("Accept, X-Team", "a", "b")
	f.Add("x-team", "a, b", "a,b")
	f.Add("*", "", "")
	f.Add(",,Host,X-Team,\t", "", " ")
	f.Fuzz(func(t *testing.T, vary, one, two string) {
		first, second := http.Header{"X-Team": {one}}, http.Header{"X-Team": {two}}
		fields, ok := nominated([]string{vary, "X-Team"}, first)
		if !ok {
			if e, leave := nominated([]string{"X-Team"}, first); !leave || len(e) != 1 {
				t.Errorf("got %v, want one field", e)
			}
			return
		}
		if slices.Contains(strings.Split(vary, ","), "*") {
			t.Errorf("Vary: %q: got %v, want a refusal", vary, fields)
		}
		k := &stored{varies: fields}
		if !k.matches(first) {
			t.Errorf("Vary: %q: got no match of a request with itself", vary)
		}
		if k.matches(second) != (one == two) {
			t.Errorf("Vary: %q: got a match %t of %q with %q", vary, k.matches(second), two, one)
		}
		if k.matches(http.Header{}) {
			t.Errorf("Vary: %q: got a match of a request without the field", vary)
		}
	})
}
