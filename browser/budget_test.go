package browser

import (
	"strings"
	"testing"
	"time"
)

// What a first visit may cost.
const (
	mostRequests = 3      // the page, the script, the live stream
	mostBytes    = 30_000 // of all answers as they come over the wire, headers too
)

func TestAFirstVisitStaysWithinItsBudget(t *testing.T) {
	for _, of := range []struct {
		name  string
		make  func(*testing.T) *site
		path  func(*site) string
		later string
	}{
		{"planned", northwind, func(*site) string { return "/" }, "2027-01-13 16:53"},
		{"a report", completed, func(s *site) string { return s.report("db") }, "2027-01-15 07:16"},
		{"sixty components", crowded, func(*site) string { return "/" }, "2027-01-13 16:53"},
	} {
		t.Run(of.name, func(t *testing.T) {
			s := of.make(t)
			b := newTab(t)
			b.open(s.url(of.path(s)))
			s.set(of.later)
			b.streaming()
			b.mu.Lock()
			defer b.mu.Unlock()
			var bytes int64
			var urls []string
			for _, r := range b.requests {
				if !strings.HasPrefix(r.url, "data:") {
					urls = append(urls, r.url)
					bytes += r.bytes
				}
			}
			if len(urls) > mostRequests {
				t.Errorf("got %d requests, want %d at most: %q", len(urls), mostRequests, urls)
			}
			if bytes == 0 || bytes > mostBytes {
				t.Errorf("got %d bytes, want some and %d at most", bytes, mostBytes)
			}
		})
	}
}

// streaming waits until something has come over the live stream.
func (b *tab) streaming() {
	b.t.Helper()
	select {
	case <-b.streamed:
	case <-time.After(patience):
		b.t.Fatal("got nothing over the live stream, want something")
	}
}

func TestASecondVisitSendsAlmostNothing(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	b.open("about:blank")
	b.mu.Lock()
	clear(b.requests)
	b.mu.Unlock()
	b.open(s.url("/"))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if r.bytes > 1000 {
			t.Errorf("%s: got %d bytes, want a few hundred: the browser has it", r.url, r.bytes)
		}
	}
}

// narrow says that the page that is open needs no scrolling sideways on the smallest phone, and that what can be pressed is
// large enough to be hit.
func (b *tab) narrow(what string) {
	b.t.Helper()
	b.size(320, 640)
	wide := eval[[]string](b, `document.documentElement.scrollWidth <= innerWidth ? [] :
		[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.map(e => (e.id || e.getAttribute("class") || e.tagName) + ": " + e.textContent.replace(/\s+/g, " ").trim().slice(0, 60))`)
	if len(wide) > 0 {
		b.t.Errorf("%s: got a page that scrolls sideways at 320 px, want none; beyond the edge: %q", what, wide)
	}
	// A link within a sentence is as high as its line (WCAG 2.2, 2.5.8).
	small := eval[[]string](b, `[...document.querySelectorAll("a, summary, .bar")]
		.filter(e => e.checkVisibility() && !e.closest(".skip, .text, p:not(.more), .lead"))
		.filter(e => { const r = e.getBoundingClientRect(); return r.height < 24 || r.width < 24 })
		.map(e => { const r = e.getBoundingClientRect(); return e.textContent.trim().slice(0, 60) + ": " + r.width + " by " + r.height })`)
	if len(small) > 0 {
		b.t.Errorf("%s: got small targets, want 24 by 24 px at least: %q", what, small)
	}
}
