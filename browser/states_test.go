package browser

import (
	"strings"
	"testing"
)

func TestTheFrontPageIsSoundInEveryState(t *testing.T) {
	browser(t)
	script := axe(t)
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			s := scene.make(t)
			b := newTab(t)
			b.open(s.url("/"))
			b.reads("#banner [role=status] h1", scene.headline)
			b.reads("#banner .lead", scene.lead)
			if got := eval[string](b, `document.title`); scene.name != "nothing entered" && !strings.HasPrefix(got, scene.headline) {
				t.Errorf("got the title %q, want it to begin with %q", got, scene.headline)
			}
			b.outlined("/")
			b.accessible("/", script)
			b.narrow("/")
		})
	}
}

func TestTheOtherPagesAreSound(t *testing.T) {
	browser(t)
	script := axe(t)
	b := newTab(t)
	b.lossy = true // a browser complains of every page that is missing
	visit := func(what, url string) {
		t.Helper()
		b.open(url)
		b.outlined(what)
		b.accessible(what, script)
		b.narrow(what)
	}
	s := completed(t)
	visit("the report of a maintenance", s.url(s.report("db")))
	visit("the report of an incident", s.url(s.report("outage")))
	visit("the history", s.url("/history"))
	visit("an older history", s.url("/history/2026-12"))
	visit("a page that is missing", s.url("/nothing-here"))
	s = crowded(t)
	visit("the report of a planned maintenance", s.url(s.report("move-0")))
	s = estimated(t)
	visit("the report of a maintenance under way", s.url(s.report("db")))
}
