package notify

import (
	"strings"
	"time"

	"example.org/interlude/status"
)

// span is a window with its name, which is empty where nobody could take it for another one.
type span struct {
	Name string
	status.Window
}

// row gives the spans of a notice as clocks show them in one or more zones.
type row struct {
	Zone  string
	Texts []string
}

// places are the zones that a notice gives times in, the reader's own first.
type places []place

type place struct {
	name string
	zone *time.Location
}

// placesOf are the reader's own zone, where it is known, the page's, and UTC, each once.
func placesOf(p status.Page, own string) places {
	var all places
	add := func(zone *time.Location, label string) {
		for _, known := range all {
			if known.zone.String() == zone.String() {
				return
			}
		}
		all = append(all, place{zone.String() + label, zone})
	}
	if zone, err := status.LoadZone(own); own != "" && err == nil {
		add(zone, " (your time)")
	}
	add(p.Zone(), "")
	add(time.UTC, "")
	return all
}

// rowsOf gives spans in every place. Places whose clocks show the same share a row.
func rowsOf(spans []span, in places) []row {
	if len(spans) == 0 {
		return nil
	}
	var rows []row
	shown := make(map[string]int)
	for _, p := range in {
		var clocks strings.Builder
		texts := make([]string, len(spans))
		for i, s := range spans {
			texts[i] = s.Start.In(p.zone).Format("Mon, ") + status.WindowText(s.Window, p.zone)
			for _, t := range []time.Time{s.Start, s.End} {
				clocks.WriteString(t.In(p.zone).Format(time.DateTime))
			}
		}
		if same, known := shown[clocks.String()]; known {
			rows[same].Zone += ", " + p.name
			continue
		}
		shown[clocks.String()] = len(rows)
		rows = append(rows, row{p.name, texts})
	}
	return rows
}

// halves parts the text of a window where a narrow column breaks it: before the second day, or before the hours of the only one.
func halves(text string) (first, second string) {
	at := strings.Index(text, " to ") + len(" to ")
	if !strings.Contains(text[at:], ", ") {
		at = strings.LastIndex(text, ", ") + len(", ")
	}
	return text[:at], text[at:]
}

// moment is a time in the reader's zone, and in UTC where that differs.
func (in places) moment(t time.Time) string {
	const layout = "Jan 2, 2006, 15:04"
	here, there := t.In(in[0].zone), t.UTC()
	text := here.Format(layout) + " " + zoneAt(here)
	switch {
	case here.Format(layout) == there.Format(layout):
		return text
	case status.DateOf(here) == status.DateOf(there):
		return text + " (" + there.Format("15:04") + " UTC)"
	}
	return text + " (" + there.Format("Jan 2, 15:04") + " UTC)"
}

// near is a time of day in the reader's zone, with its day where that is another one than now's.
func (in places) near(t, now time.Time) string {
	t, now = t.In(in[0].zone), now.In(in[0].zone)
	layout := "15:04"
	if status.DateOf(t) != status.DateOf(now) {
		layout = "Mon, Jan 2, 15:04"
	}
	return t.Format(layout) + " " + zoneAt(t)
}

// zoneAt is the name of a time's zone, as reports write it.
func zoneAt(t time.Time) string {
	text := status.PostedText(t, t.Location())
	return text[strings.LastIndexByte(text, ' ')+1:]
}

// whole is a duration in words, in minutes at the least.
func whole(d time.Duration) string { return status.Span(status.Duration(d.Truncate(time.Minute))) }

// spansOf are the windows that a notice tells: the old and the new one, or the announced one and what took place.
func spansOf(n *Notice) []span {
	m := n.Maintenance
	actual := span{"Actual", status.Window{Start: m.Began, End: m.Ended}}
	switch {
	case n.Event.Was != status.Window{}:
		return []span{{"Was", n.Event.Was}, {"Is", m.Window}}
	case m.State == status.Canceled && m.Began.IsZero():
		return []span{{"Was announced for", m.Window}}
	case m.State.Ended() && !m.Began.IsZero() && m.Ended.After(m.Began):
		announced := span{"Announced", m.Window}
		if p := m.Punctuality(m.Ended); m.State == status.Completed && !p.Against.Equal(m.Window.End) {
			announced = span{"First announced", status.Window{Start: m.Window.Start, End: p.Against}}
		}
		return []span{announced, actual}
	case m.State == status.Scheduled:
		return []span{{"", m.Window}}
	}
	return []span{{"Announced", m.Window}}
}

// measured says when work began, ended and is expected to end, and how that compares with what was announced, where what was
// posted does not say so.
func (w *wording) measured(n *Notice, in places) []fact {
	m := n.Maintenance
	var all []fact
	switch {
	case n.Kind == Kind(status.Begun) && !m.Began.IsZero():
		began := in.moment(m.Began)
		if how := comparedStart(m); how != "" && !strings.Contains(w.Body, how) {
			began += ", " + how
		}
		all = append(all, fact{"Began", began})
	case m.State == status.Completed && !m.Ended.IsZero():
		if how := comparedEnd(m); how != "" && !strings.Contains(w.Body, how) {
			all = append(all, fact{"Ended", how})
		}
	}
	if m.Underway() && m.Estimate.After(n.At) {
		all = append(all, fact{"Expected to end by", in.moment(m.Estimate)})
	}
	return all
}

// comparedStart compares a beginning with the announced one, in the words of the standard update; empty when it was on time.
func comparedStart(m *status.Maintenance) string {
	switch late := m.Began.Sub(m.Window.Start); {
	case late >= time.Minute:
		return whole(late) + " after its announced start"
	case late <= -time.Minute:
		return whole(-late) + " before its announced start"
	}
	return ""
}

// comparedEnd compares an end with the announcement, in the words of the standard update; empty when it was on time.
func comparedEnd(m *status.Maintenance) string {
	p := m.Punctuality(m.Ended)
	switch {
	case p.Late < 0:
		return whole(-p.Late) + " earlier than announced"
	case p.Late == 0:
		return ""
	case !p.Extended:
		return whole(p.Late) + " after its announced end"
	case p.Against.Equal(m.Window.End):
		return whole(p.Late) + " after its extended end"
	}
	return "within its extended window and " + whole(p.Late) + " after the end first announced"
}
