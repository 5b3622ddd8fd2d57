package browser

import (
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

// Names and texts that would do something if any of them were taken for a document's own.
const (
	script    = `<script>window.hit = "script"; alert(1)</script>`
	image     = `<img src=x onerror="window.hit = 'image'; alert(2)">`
	breakout  = `</style></title></script><svg onload="window.hit = 'svg'">`
	attribute = `" onfocus="window.hit = 'attribute'" autofocus x="`
	link      = `[press me](javascript:window.hit='link') <javascript:window.hit=1> [and me](data:text/html,<script>window.hit=2</script>)`
	picture   = `![a picture](https://tracker.example/pixel.png) <iframe src="https://elsewhere.example"></iframe> <style>body{display:none}</style>`
)

func hostile(t *testing.T) *site {
	t.Helper()
	browser(t)
	s := newSite(t, "2026-12-01 09:00").start()
	body := strings.Join([]string{script, image, breakout, attribute, link, picture}, "\n\n")
	s.apply(status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind " + breakout, Description: attribute + script, TimeZone: "UTC"},
		Components: []status.ComponentNode{
			{Group: "Group " + script, Components: []status.ComponentNode{{Name: "Component " + image, Description: attribute + script}}},
			{Name: "Alone " + attribute},
		},
	}})
	s.set("2027-01-13 16:51")
	s.apply(status.Document{Incident: &status.IncidentDocument{
		Key: "past", Title: "Past " + script, Affects: []string{"Alone " + attribute},
		Updates: []status.UpdateDocument{
			{Status: status.Investigating, At: at("2027-01-12 10:00"), Body: body, Components: map[string]status.Condition{"Alone " + attribute: status.MajorOutage}},
			{Status: status.Resolved, At: at("2027-01-12 11:00"), Body: body},
		},
	}}, status.Document{Maintenance: &status.MaintenanceDocument{
		Key: "db", Title: "Planned " + image + script, Summary: body, Why: body, Affects: []string{"Group " + script}, ShortNotice: "Because " + script,
		Window:   status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")},
		Promises: []status.Promise{{Audience: "Readers " + breakout + attribute, Promise: status.Unavailable, AtMost: status.Duration(time.Minute)}},
	}})
	return s
}

func TestWhatPeopleWriteIsNeverRun(t *testing.T) {
	s := hostile(t)
	b := newTab(t)
	for _, path := range []string{"/", s.report("db"), s.report("past"), "/history"} {
		b.open(s.url(path))
		b.inert(path)
	}
	b.open(s.url("/"))
	b.mark()
	if got, want := b.text("#planned h3"), "Planned "+image+script; got != want {
		t.Errorf("got the title %q, want it as it was written: %q", got, want)
	}
	s.set("2027-01-15 06:00") // what comes over the live stream goes another way into the page
	b.sees("#now h3", "Planned "+image+script)
	b.inert("/ after a change")
	b.focusBar("Alone " + attribute)
	b.await(`!document.querySelector(".tip").hidden`)
	b.inert("/ with a card")
	b.theSame()
}

// inert says that nothing on the page is more than text. What the browser blocked or showed fails the test by itself: see
// newTab.
func (b *tab) inert(what string) {
	b.t.Helper()
	if hit := eval[string](b, `window.hit ?? ""`); hit != "" {
		b.t.Errorf("%s: got what somebody wrote to run by %s, want it to be text", what, hit)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("script:not([src^='/assets/live.']), body style, img, iframe, object, embed, form, input, base, meta[http-equiv]")].map(e => e.outerHTML)`); len(got) > 0 {
		b.t.Errorf("%s: got the elements %q, want none of them", what, got)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("*:not(.tip)")].flatMap(e => [...e.attributes]).filter(a => /^on|^style$|autofocus/.test(a.name)).map(a => a.name + "=" + a.value)`); len(got) > 0 {
		b.t.Errorf("%s: got the attributes %q, want none of them", what, got)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("[href]")].map(e => e.getAttribute("href")).filter(h => !/^(\/|#|https?:|mailto:|data:image\/svg)/.test(h))`); len(got) > 0 {
		b.t.Errorf("%s: got links to %q, want addresses of the web only", what, got)
	}
}
