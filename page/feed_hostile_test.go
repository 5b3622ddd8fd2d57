package page

import (
	"slices"
	"strings"
	"testing"

	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// nasty are texts that break documents which are put together carelessly.
var nasty = []string{
	"]]>", "<![CDATA[x]]>", "<script>alert(1)</script>", "&lt;b&gt; &amp; &#0; &nbsp;", "</title></item></channel></rss>", `"'><svg onload=alert(1)>`,
	"a\x00b\x01c\x08d\x0be\x1bf\x7fg\uFFFEh\uFFFFi", "\xff\xfe\xfd", "a\xc3", "\u202Eright to left\u202C", "\u2028\u2029\u0085", "👩‍👩‍👧‍👦 ✅ 𝒳",
	"a\r\nBEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT", "a\nATTENDEE:mailto:x@example.org", "\r\n\r\nHTTP/1.1 200 OK", `\n\,\;\\ back\slash`, "a;b,c:d\"e\\",
	"{{ .Window }}", strings.Repeat("ä", 10_000), strings.Repeat("漢字", 60), strings.Repeat("x", 10_000), strings.Repeat("<", 300), strings.Repeat(">", 300), " lead", "trail ", "",
}

// told is a page on which every text is the same one.
func told(t testing.TB, text string) *Site {
	w := bare(t)
	w.Page.Name, w.Page.Description = text, text
	w.Components = []status.Component{{ID: "c", Name: text, GroupID: "g", Condition: status.Operational, Created: at("2026-07-01 09:00")}}
	w.Groups = []status.Group{{ID: "g", Name: text}}
	window := status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")}
	w.Maintenances = []status.Maintenance{{
		ID: "m", Title: text, State: status.InProgress, Window: window, Announced: window, Summary: text, Affects: []string{"c"}, Began: window.Start,
		Promises: []status.Promise{{Audience: text, Promise: status.Queued}}, Updates: []status.Update{{State: status.InProgress, Event: status.Begun, At: window.Start, Body: text}},
	}}
	w.Incidents = []status.Incident{{
		ID: "i", Title: text, State: status.Identified, Impact: status.MajorOutage, Affects: []string{"c"}, Began: window.Start,
		Updates: []status.Update{{State: status.Identified, At: window.Start, Body: text, Conditions: map[string]status.Condition{"c": status.MajorOutage}}},
	}}
	return w.site("2027-01-15 06:30")
}

// readable says that every document of a page can be read, and reads as it was meant.
func readable(t *testing.T, text string) {
	t.Helper()
	s := told(t, text)
	title := markup.OneLine(text)
	for _, base := range []string{"/", "/components/c/", "/components/g/"} {
		feed := s.atomFeed(t, base+"history.atom")
		if len(feed.Entries) != 2 || feed.Entries[0].Title != title || feed.Entries[1].Title != title {
			t.Errorf("%q: got the titles %q, want two of %q", text, feed.titles(), title)
		}
		for _, e := range feed.Entries {
			inertHTML(t, e.Content.HTML)
		}
		items := s.rssFeed(t, base+"history.rss").Channel.Items
		if len(items) != 2 {
			t.Errorf("%q: got %d items, want two", text, len(items))
		}
		entries := s.calendar(t, base+"history.ics")
		if entry := entries[title]; len(entries) != 1 || entry["UID"] != "m@interlude" || entry["URL"] != "http://status.example/incidents/m" {
			t.Errorf("%q: got the entries %v, want the maintenance under its title", text, entries)
		}
		s.badge(t, base+"badge.svg")
	}
	frame := parsed(t, s.document(t, embedFramePath))
	if got := len(frame.all("script")); got != 1 {
		t.Errorf("%q: got %d scripts in the frame, want its own", text, got)
	}
	s.embedded(t)
}

// inertHTML says that what stands in a feed can do nothing in the reader that shows it.
func inertHTML(t *testing.T, body string) {
	t.Helper()
	page := parsed(t, []byte(body)).one("body")
	allowed := strings.Fields("p br strong em del code pre blockquote ul ol li hr h4 h5 h6 table thead tbody tr th td a small var")
	for _, e := range page.all("") {
		if !slices.Contains(allowed, e.node.Data) {
			t.Errorf("got a <%s> in %.300q, want none", e.node.Data, body)
		}
		for _, a := range e.node.Attr {
			if !slices.Contains([]string{"href", "rel", "start", "data-var"}, a.Key) || a.Key == "href" && !strings.HasPrefix(a.Val, "http") && !strings.HasPrefix(a.Val, "mailto:") {
				t.Errorf("got %s=%q in %.300q, want links of the web alone", a.Key, a.Val, body)
			}
		}
	}
}

func TestNoTextBreaksADocument(t *testing.T) {
	for _, text := range nasty {
		readable(t, text)
	}
}

func FuzzDocuments(f *testing.F) {
	for _, text := range nasty {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		readable(t, text)
	})
}
