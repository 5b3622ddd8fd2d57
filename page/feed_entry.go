package page

import (
	"cmp"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// mostEntries is how many events a feed tells of. What is open it tells of in any case.
const mostEntries = 50

// entry is an event as a feed tells of it.
type entry struct {
	id, title, link    string
	published, updated time.Time
	// dated is the date that RSS gives it. What was entered afterwards has that of its last update: it is news, and
	// still did not happen when it was entered.
	dated time.Time
	// window is the announced span of a maintenance.
	window status.Window
	html   string
}

// entries are the channel's, the latest change first.
func (c channel) entries() []entry {
	events := c.told()
	list := make([]entry, len(events))
	for n, e := range events {
		list[n] = c.entry(e)
	}
	return list
}

// told are the events that a feed tells of, the latest change first: the fifty that changed last, and all that is open.
// An old event of which something is said today is among them, and so is one that is entered today.
func (c channel) told() []board.Event {
	var open latest
	past := latest{most: mostEntries}
	take := func(events []board.Event) {
		for _, e := range events {
			if e.Open() {
				open.add(e)
			} else {
				past.add(e)
			}
		}
	}
	if c.ids == nil {
		going, gone := c.events()
		take(going)
		take(gone)
	}
	for _, id := range c.ids {
		take(c.p.Concerning(id))
	}
	all := slices.Concat(open.events, past.events)
	slices.SortFunc(all, byChange)
	told := all[:0]
	for n, e := range all {
		if n < mostEntries || e.Open() {
			told = append(told, e)
		}
	}
	return told
}

// latest keeps the events that changed last, each once, however many it is given.
type latest struct {
	// most bounds how many are kept; 0 keeps all.
	most   int
	events []board.Event
}

func (l *latest) add(e board.Event) {
	full := l.most > 0 && len(l.events) == l.most
	if full && byChange(e, l.events[l.most-1]) >= 0 {
		return
	}
	place, there := slices.BinarySearchFunc(l.events, e, byChange)
	switch {
	case there: // an event concerns several components of a group
		return
	case full:
		l.events = l.events[:l.most-1]
	}
	l.events = slices.Insert(l.events, place, e)
}

// byChange puts the event first that changed last. Of those that changed at once, as when a past is brought over from
// elsewhere, the one that ended last comes first.
func byChange(a, b board.Event) int {
	return cmp.Or(
		changed(b).Compare(changed(a)), b.At().Compare(a.At()),
		cmp.Compare(a.Subject().ID, b.Subject().ID), cmp.Compare(a.Subject().Kind, b.Subject().Kind),
	)
}

func (c channel) entry(e board.Event) entry {
	told := entry{id: eventTag(e), link: c.link(e), updated: changed(e), html: c.story(e)}
	updates := updatesOf(e)
	told.published, told.dated = told.updated, told.updated
	if len(updates) > 0 {
		told.published = updates[0].At
		if enteredAfterwards(e) {
			told.dated = updates[len(updates)-1].At
		}
	}
	if m := e.Maintenance; m != nil {
		told.title, told.window = markup.OneLine(m.Title), m.Window
	} else {
		told.title = markup.OneLine(e.Incident.Title)
	}
	return told
}

// enteredAfterwards reports whether an event was over before the page knew of it.
func enteredAfterwards(e board.Event) bool {
	if e.Maintenance != nil {
		return e.Maintenance.Backfilled
	}
	return e.Incident.Backfilled
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
		body := markup.AbsoluteHTML(u.Body, c.link(e))
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
