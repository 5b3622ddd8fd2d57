package browser

import "testing"

func TestAReportIsPrintedInBlackOnWhiteWithItsAddress(t *testing.T) {
	s := completed(t)
	b := newTab(t)
	path := s.report("db")
	b.open(s.url(path))
	for _, scheme := range []string{"light", "dark"} {
		b.media("print", "prefers-color-scheme", scheme)
		for element, want := range map[string]bool{
			".top nav": false, ".skip": false, ".note": false,
			"h1": true, "#facts dl": true, "#updates li": true, "#affected p": true, ".brand": true, ".url": true,
		} {
			if got := eval[bool](b, `document.querySelector(%s).checkVisibility()`, element); got != want {
				t.Errorf("%s, %s: got it printed %t, want %t", scheme, element, got, want)
			}
		}
		b.reads(".url", "https://status.northwind.example"+path)
		if got, want := eval[string](b, `getComputedStyle(document.documentElement).backgroundColor`), "rgb(255, 255, 255)"; got != want {
			t.Errorf("%s: got the paper %s, want %s", scheme, got, want)
		}
		for _, element := range []string{"h1", "#facts dd", "#updates .text", "#banner .st"} {
			if got, want := eval[string](b, `getComputedStyle(document.querySelector(%s)).color`, element), "rgb(0, 0, 0)"; got != want {
				t.Errorf("%s, %s: got the ink %s, want %s", scheme, element, got, want)
			}
		}
		if got := eval[string](b, `getComputedStyle(document.querySelector(".banner"), "::before").display`); got != "none" {
			t.Errorf("%s: got the wash behind the headline %s, want none", scheme, got)
		}
	}
}
