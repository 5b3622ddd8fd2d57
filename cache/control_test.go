package cache

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestCacheControlIsReadAtItsStrictest(t *testing.T) {
	nothing := parse(nil)
	for line, want := range map[string]func(*directives){
		``:                                  func(*directives) {},
		` , ,`:                              func(*directives) {},
		`max-age=60`:                        func(d *directives) { d.maxAge = time.Minute },
		`Max-Age=60 ,	Public`:               func(d *directives) { d.maxAge, d.public = time.Minute, true },
		`max-age="60"`:                      func(d *directives) { d.maxAge = time.Minute },
		`max-age=60, max-age=5`:             func(d *directives) { d.maxAge = 5 * time.Second },
		`max-age=60, max-age=soon`:          func(d *directives) { d.maxAge = 0 },
		`max-age=-1`:                        func(d *directives) { d.maxAge = 0 },
		`max-age=1.5`:                       func(d *directives) { d.maxAge = 0 },
		`max-age=`:                          func(d *directives) { d.maxAge = 0 },
		`max-age`:                           func(d *directives) { d.maxAge = 0 },
		`max-age=99999999999999999999`:      func(d *directives) { d.maxAge = forever },
		`s-maxage=1, stale-if-error=2`:      func(d *directives) { d.sharedMaxAge, d.staleIfError = time.Second, 2*time.Second },
		`max-stale`:                         func(d *directives) { d.maxStale = forever },
		`max-stale=3, min-fresh=4`:          func(d *directives) { d.maxStale, d.minFresh = 3*time.Second, 4*time.Second },
		`min-fresh=1, min-fresh=x`:          func(d *directives) { d.minFresh = forever },
		`x="max-age=60", no-store=1`:        func(d *directives) { d.noStore = true },
		`x="a\"b, no-store", public`:        func(d *directives) { d.public = true },
		`private="A, b"`:                    func(d *directives) { d.concealed = []string{"A", "b"} },
		`no-cache="A", no-cache`:            func(d *directives) { d.noCache, d.concealed = true, []string{"A"} },
		`no-cache, no-cache="A"`:            func(d *directives) { d.noCache, d.concealed = true, []string{"A"} },
		`private="A b"`:                     func(d *directives) { d.private = true },
		`private=""`:                        func(d *directives) { d.private = true },
		`must-revalidate, proxy-revalidate`: func(d *directives) { d.mustRevalidate, d.proxyRevalidate = true, true },
		`must-understand`:                   func(d *directives) { d.mustUnderstand = true },

		// Each of these breaks the grammar.
		`max-age=60; private`: func(d *directives) { d.noStore, d.noCache = true, true },
		`public; private`:     func(d *directives) { d.noStore, d.noCache = true, true },
		`x="a`:                func(d *directives) { d.noStore, d.noCache = true, true },
		`x="a"b, public`:      func(d *directives) { d.noStore, d.noCache = true, true },
		`max-age =60`:         func(d *directives) { d.noStore, d.noCache = true, true },
		`max-age= 60`:         func(d *directives) { d.noStore, d.noCache = true, true },
		`public x`:            func(d *directives) { d.noStore, d.noCache = true, true },
		`=1`:                  func(d *directives) { d.noStore, d.noCache = true, true },
	} {
		t.Run(line, func(t *testing.T) {
			expected := nothing
			want(&expected)
			got := parse([]string{line})
			if !slices.Equal(got.concealed, expected.concealed) {
				t.Errorf("got %q concealed, want %q", got.concealed, expected.concealed)
			}
			got.concealed, expected.concealed = nil, nil
			if want, got := expected.text(), got.text(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func FuzzCacheControl(f *testing.F) {
	for _, seed := range []string{"", "max-age=60, public", `private="a, b"`, `x="\"`, "a;b", "max-age=99999999999999999999", ",,=", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, lines := range [][]string{{line + ", no-store"}, {"no-store, " + line}, {line, "no-store"}, {"no-store", line}} {
			if !parse(lines).noStore {
				t.Errorf("got leave to store by %q, want none", lines)
			}
		}
		d := parse([]string{line, "max-age=5, max-stale=5, min-fresh=5"})
		if d.maxAge > 5*time.Second || d.maxStale > 5*time.Second || d.minFresh < 5*time.Second {
			t.Errorf("%q made the limits looser: got %s", line, d.text())
		}
		for _, n := range []time.Duration{d.maxAge, d.sharedMaxAge, d.staleIfError, d.maxStale, d.minFresh} {
			if n < unsaid || n > forever {
				t.Errorf("%q: got %s, want between nothing and %s", line, n, forever)
			}
		}
		if slices.Contains(d.concealed, "") {
			t.Errorf("%q: got a field without a name", line)
		}
	})
}

func (d directives) text() string { return fmt.Sprintf("%+v", d) }
