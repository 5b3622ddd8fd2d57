package page

import (
	"slices"
	"strings"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// mostWhole is how many planned maintenances are shown whole, and mostPlanned how many are shown at all.
const (
	mostWhole   = 3
	mostPlanned = 50
)

// happening are the events of now, the worst first.
func (v view) happening() []card {
	type ranked struct {
		rank int
		card
	}
	var all []ranked
	for _, i := range v.p.Incidents {
		all = append(all, ranked{current(i).Rank()*10 + 5, v.incidentCard(i)})
	}
	for _, m := range v.underway() {
		all = append(all, ranked{status.UnderMaintenance.Rank()*10 + v.urgency(m), v.underwayCard(m)})
	}
	_, late := v.scheduled()
	for _, m := range late {
		all = append(all, ranked{status.UnderMaintenance.Rank() * 10, v.lateCard(m)})
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return b.rank - a.rank })
	var cards []card
	for _, r := range all {
		cards = append(cards, r.card)
	}
	return cards
}

// scheduled are the maintenances that have not begun: those whose time is to come, and those whose start has passed.
func (v view) scheduled() (planned, late []*status.Maintenance) {
	for _, m := range v.p.Maintenances {
		switch {
		case m.State != status.Scheduled:
		case m.Late(v.now):
			late = append(late, m)
		default:
			planned = append(planned, m)
		}
	}
	return planned, late
}

func (v view) incidentCard(i *status.Incident) card {
	t := v.texts(board.Event{Incident: i})
	return card{
		Href: address(i.ID), Title: i.Title, Standing: standingOfIncident(i), On: true,
		Count: v.running(since, i.Began), Said: t.said, More: t.affects, Link: "All updates",
	}
}

func (v view) underwayCard(m *status.Maintenance) card {
	t := v.texts(board.Event{Maintenance: m})
	c := card{
		Href: address(m.ID), Title: m.Title, Standing: standingOfMaintenance(m, v.now), On: true,
		Count: v.running(left, m.Window.End), Window: v.window(m.Window), Track: v.track(m), Note: v.estimateNote(m),
		Caption: "What works meanwhile", Promises: promises(m, true), Said: t.said, More: t.affects, Link: "All updates",
	}
	return c
}

// estimateNote says of an overrun when it is to end, or that nobody knows.
func (v view) estimateNote(m *status.Maintenance) []piece {
	switch {
	case m.Overrun(v.now) == 0:
		return nil
	case m.Estimate.After(v.now):
		return []piece{words("It was announced to end at "), v.near(m.Window.End), words(". The new estimate is "), v.near(m.Estimate), words(".")}
	}
	return []piece{words("It was announced to end at "), v.near(m.Window.End), words(". There is no new estimate yet.")}
}

func (v view) lateCard(m *status.Maintenance) card {
	t := v.texts(board.Event{Maintenance: m})
	return card{
		Href: address(m.ID), Title: m.Title, Standing: standingOfMaintenance(m, v.now), On: true,
		Count: v.running(begins, m.Window.Start), Window: v.window(m.Window),
		Note:    []piece{words("It was announced to begin at "), v.near(m.Window.Start), words(" and has not begun yet.")},
		Caption: "What you will experience", Promises: promises(m, false), Said: t.said, More: t.affects, Link: "All updates",
	}
}

// planned are the next maintenances, the first few whole, and how many more there are than are shown. Of one that
// repeats the first is whole, for the others say the same.
func (v view) planned() (cards []card, rows []plannedDay, more int) {
	planned, _ := v.scheduled()
	repeated := make(map[string]bool)
	for _, m := range planned[:min(mostPlanned, len(planned))] {
		if len(cards) < mostWhole && !repeated[m.Series] {
			cards = append(cards, v.plannedCard(m))
		} else {
			rows = v.plannedRow(rows, m)
		}
		repeated[m.Series] = m.Series != ""
	}
	return cards, rows, max(0, len(planned)-mostPlanned)
}

func (v view) plannedCard(m *status.Maintenance) card {
	t := v.texts(board.Event{Maintenance: m})
	c := card{
		Href: address(m.ID), Title: m.Title, Standing: standingOfMaintenance(m, v.now),
		Count: v.running(begins, m.Window.Start), Window: v.window(m.Window), Text: t.summary,
		Caption: "What you will experience", Promises: promises(m, false), Said: t.news,
		More: slices.Clone(t.affects), Link: "Details and updates", Calendar: address(m.ID) + calendarName,
	}
	c.More = append(c.More, v.conditions(m)...)
	return c
}

// conditions are the circumstances of a planned maintenance: that it repeats, and why a rule was broken for it.
func (v view) conditions(m *status.Maintenance) []string {
	var more []string
	if s, ok := v.p.SeriesOf(m.Series); ok && !s.Ended {
		text := "Repeats " + s.Recurrence.Words()
		after := m.Occurrence
		if after.IsZero() {
			after = m.Window.Start
		}
		var next []string
		for _, w := range s.Next(v.p.Page.TimeZone, after, 2) {
			next = append(next, w.Start.In(v.zone).Format("Jan 2"))
		}
		if len(next) > 0 {
			text += "; next: " + strings.Join(next, ", ")
		}
		more = append(more, text+".")
	}
	if m.ShortNotice != "" {
		more = append(more, "Announced at short notice: "+m.ShortNotice)
	}
	if m.DespiteBlackout != "" {
		more = append(more, "On a day that is kept free of maintenance: "+m.DespiteBlackout)
	}
	return more
}

// plannedDay is a day with planned maintenances in the short form.
type plannedDay struct {
	Date   moment
	Events []card
}

func (v view) plannedRow(rows []plannedDay, m *status.Maintenance) []plannedDay {
	day := v.day(m.Window.Start)
	if n := len(rows); n == 0 || rows[n-1].Date.ISO != day.String() {
		text := dates(day, day)
		if day.Year != v.day(v.now).Year {
			text += ", " + m.Window.Start.In(v.zone).Format("2006")
		}
		rows = append(rows, plannedDay{Date: moment{day.String(), text}})
	}
	last := &rows[len(rows)-1]
	last.Events = append(last.Events, card{
		Href: address(m.ID), Title: m.Title, Count: v.running(begins, m.Window.Start),
		Window: v.hoursOf(m.Window), More: v.texts(board.Event{Maintenance: m}).affects,
	})
	return rows
}

func promises(m *status.Maintenance, bestFirst bool) []promised {
	all := slices.Clone(m.Promises)
	if bestFirst {
		slices.SortStableFunc(all, func(a, b status.Promise) int { return effort(a) - effort(b) })
	}
	list := make([]promised, len(all))
	for i, p := range all {
		tone, icon := toneMaintenance, "pause"
		switch p.Promise {
		case status.Uninterrupted:
			tone, icon = toneOK, toneOK
		case status.DelayedUp:
			icon = "clock"
		case status.Queued:
			icon = "queue"
		}
		list[i] = promised{p.Audience, tone, icon, capital(p.Words())}
	}
	return list
}

// effort puts those first who notice nothing.
func effort(p status.Promise) int {
	if p.Promise == status.Uninterrupted {
		return 0
	}
	return 1
}

// texts are the words of an open event that do not depend on the time.
type texts struct {
	summary safe
	affects []string
	// said is the newest update; news is it too, unless it is only the announcement, which the summary says.
	said, news *said
}

// texts renders them once for each change of the event or of the page's frame.
func (v view) texts(e board.Event) texts {
	id := e.Subject().ID
	now, _ := v.p.Event(id)
	return v.kept.texts.get(id, stamps{touched: now.Seq, framed: v.p.Framed}, func() texts { return v.makeTexts(e) })
}

func (v view) makeTexts(e board.Event) texts {
	r, _ := v.p.Report(e.Subject().ID)
	t := texts{affects: affects(r)}
	if len(r.Entries) > 0 {
		t.said = v.said(r.Entries[0])
	}
	m := e.Maintenance
	if m == nil {
		return t
	}
	if summary, err := status.Expand(m.Summary, status.PlaceholdersOf(*m, v.p.Page, v.p.Groups, v.p.Components)); err == nil {
		t.summary = safe(markup.HTML(summary))
	}
	switch n := len(m.Updates); {
	case n == 0:
	case m.Summary == "" && n == 1:
		t.summary = t.said.Text
	case m.Updates[n-1].Event != status.Announced:
		t.news = t.said
	}
	return t
}

func (v view) said(e status.Entry) *said {
	s := &said{Heading: e.Heading, Text: safe(markup.HTML(e.Body)), Posted: v.posted(e.At)}
	if !e.Due.IsZero() {
		s.Due = v.at(e.Due, v.dueText(e.Due, e.At))
	}
	return s
}

func (v view) dueText(due, at time.Time) string {
	if v.sameDay(due, at) {
		return v.clockZone(due)
	}
	return status.PostedText(due, v.zone)
}

// affects is the sentence of what an open event affects, as cards begin it.
func affects(r status.Report) []string {
	_, what, ok := strings.Cut(r.Affected, ": ")
	if !ok {
		return nil
	}
	return []string{"Affects " + what}
}
