package page

import (
	"bytes"
	"cmp"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// mostEntries is how many events a feed tells of. What is open it tells of in any case.
const mostEntries = 50

// entry is an event as a feed tells of it.
type entry struct {
	id, title, link    string
	published, updated time.Time
	// window is the announced span of a maintenance.
	window status.Window
	html   string
}

// entries are the channel's, the latest change first.
func (c channel) entries() []entry {
	open, past := c.events()
	all := append(slices.Clip(open), past[:min(mostEntries, len(past))]...)
	slices.SortStableFunc(all, func(a, b board.Event) int {
		return cmp.Or(changed(b).Compare(changed(a)), cmp.Compare(a.Subject().ID, b.Subject().ID))
	})
	var list []entry
	for n, e := range all {
		if n < mostEntries || e.Open() {
			list = append(list, c.entry(e))
		}
	}
	return list
}

func (c channel) entry(e board.Event) entry {
	told := entry{id: eventTag(e), link: c.link(e), updated: changed(e), html: c.story(e)}
	updates := updatesOf(e)
	told.published = told.updated
	if len(updates) > 0 {
		told.published = updates[0].At
	}
	if m := e.Maintenance; m != nil {
		told.title, told.window = oneLine(m.Title), m.Window
	} else {
		told.title = oneLine(e.Incident.Title)
	}
	return told
}

// eventTag names an event for ever (RFC 4151). It does not begin with the page's host: a page that moves to another
// one tells nobody of its past anew.
func eventTag(e board.Event) string {
	return "tag:interlude,2026:Incident/" + url.PathEscape(e.Subject().ID)
}

func updatesOf(e board.Event) []status.Update {
	if e.Maintenance != nil {
		return e.Maintenance.Updates
	}
	return e.Incident.Updates
}

// changed is when an event last changed in any way.
func changed(e board.Event) time.Time {
	var at time.Time
	if e.Maintenance != nil {
		at = e.Maintenance.Changed
	} else {
		at = e.Incident.Changed
	}
	if at.IsZero() {
		at = e.At()
	}
	if updates := updatesOf(e); len(updates) > 0 {
		if last := updates[len(updates)-1].At; last.After(at) {
			return last
		}
	}
	return at
}

// story is everything that was said of an event, newest first, as HTML that stands in other people's pages.
func (c channel) story(e board.Event) string {
	var b strings.Builder
	if m := e.Maintenance; m != nil && m.State != status.Canceled {
		b.WriteString("<p><strong>THIS IS A SCHEDULED EVENT " + html.EscapeString(c.scheduledText(m.Window)) + "</strong></p>\n")
	}
	report, _ := c.p.Report(e.Subject().ID)
	for _, u := range report.Entries {
		at := u.At.In(c.zone)
		head := "<small>" + at.Format("Jan <var data-var='date'>_2</var>, <var data-var='time'>15:04</var> ") + html.EscapeString(c.zoneAt(u.At)) +
			"</small><br><strong>" + html.EscapeString(u.Heading) + "</strong>"
		body := absoluteHTML(clean(u.Body), c.link(e))
		if first, ok := strings.CutPrefix(body, "<p>"); ok {
			b.WriteString("<p>" + head + " - " + first)
		} else {
			b.WriteString("<p>" + head + "</p>\n" + body)
		}
	}
	return b.String()
}

// scheduledText is a window as feeds have it: "Jan 16, 12:00 - 16:00 GMT".
func (v view) scheduledText(w status.Window) string {
	const day, clock = "Jan 2, ", "15:04"
	start, end := w.Start.In(v.zone), w.End.In(v.zone)
	text := start.Format(day + clock)
	if v.zoneAt(w.Start) != v.zoneAt(w.End) {
		text += " " + v.zoneAt(w.Start)
	}
	text += " - "
	if !v.sameDay(w.Start, w.End) {
		text += end.Format(day)
	}
	return text + end.Format(clock) + " " + v.zoneAt(w.End)
}

// absoluteHTML renders Markdown as the page does, for a reader who is not on it: links lead to where they would lead
// from the given address.
func absoluteHTML(body, from string) string {
	home, err := url.Parse(from)
	if err != nil {
		return bodyHTML(body)
	}
	source := []byte(body)
	doc := markdown.Parser().Parse(text.NewReader(source))
	// Walk fails only when the walker does.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			if to, err := url.Parse(string(link.Destination)); err == nil && !to.IsAbs() {
				link.Destination = []byte(home.ResolveReference(to).String())
			}
		}
		return ast.WalkContinue, nil
	})
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, source, doc); err != nil {
		return bodyHTML(body)
	}
	return string(lock.SanitizeBytes(b.Bytes()))
}
