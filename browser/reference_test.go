package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var references = []string{"/api", "/api/native"}

func TestTheReferencesAreAccessible(t *testing.T) {
	browser(t)
	script := axe(t)
	s := northwind(t)
	for _, path := range references {
		b := newTab(t)
		b.open(s.url(path))
		b.accessible(path, script)
		b.narrow(path)
		if got := eval[int](b, `document.scripts.length`); got != 0 {
			t.Errorf("%s: got %d scripts, want none", path, got)
		}
	}
}

func TestAReferenceWithEverythingOpenFitsASmallPhone(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/api/native"))
	eval[bool](b, `document.querySelectorAll("details").forEach(d => { d.open = true }), true`)
	b.narrow("/api/native with everything open")
}

func TestAReferenceIsReadByKeyboard(t *testing.T) {
	s := northwind(t)
	b := newPlainTab(t)
	b.open(s.url("/api/native"))
	b.press(kb.Tab)
	if got, want := b.focused(), "A Skip to content"; got != want {
		t.Errorf("got the focus on the %s, want the %s", got, want)
	}
	b.press(kb.Enter)
	if got, want := eval[string](b, `location.hash`), "#main"; got != want {
		t.Errorf("got to %q, want %q", got, want)
	}
	b.open(s.url("/api/native#create-maintenance"))
	if got := eval[bool](b, `(top => top >= 0 && top < 200)(document.getElementById("create-maintenance").getBoundingClientRect().top)`); !got {
		t.Error("got the page elsewhere, want it at the operation that the address names")
	}
	b.do("open what is nested", chromedp.Focus(chromedp.CSS("#create-maintenance details summary")), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitVisible(chromedp.CSS("#create-maintenance details[open] .field")))
	code := eval[bool](b, `(pre => pre.tabIndex === 0 && pre.scrollWidth >= pre.clientWidth)(document.querySelector("#create-maintenance .shows pre"))`)
	if !code {
		t.Error("got an example that a keyboard cannot scroll, want one that takes the focus")
	}
}

func TestAReferenceIsPrintedWhole(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/api/native"))
	b.media("print", "prefers-color-scheme", "dark")
	for element, want := range map[string]bool{".toc.wide": false, ".toc.phone": false, ".skip": false, "h1": true, "#create-maintenance .field": true} {
		if got := eval[bool](b, `document.querySelector(%s).checkVisibility()`, element); got != want {
			t.Errorf("%s: got it printed %t, want %t", element, got, want)
		}
	}
	if got, want := eval[string](b, `getComputedStyle(document.documentElement).backgroundColor`), "rgb(255, 255, 255)"; got != want {
		t.Errorf("got the paper %s, want %s", got, want)
	}
	if got := eval[bool](b, `document.querySelector("#create-maintenance details .field").getBoundingClientRect().height > 0`); !got {
		t.Error("got nested fields left out of print, want them in it")
	}
}
