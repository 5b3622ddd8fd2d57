package page

import (
	"strings"
	"time"
	"unicode/utf8"

	"example.org/interlude/board"
	"example.org/interlude/markup"
	"example.org/interlude/status"
)

const (
	// pastDays is how many days the front page looks back.
	pastDays = 15
	// mostOfDay is how many past events of one day it shows, and mostOngoing how many that went on over it.
	mostOfDay   = 10
	mostOngoing = 3
	// mostSaid is the longest excerpt, in characters.
	mostSaid = 200
)

// pastDay is a day with what ended on it, or a run of days on which nothing did.
type pastDay struct {
	// Date is the day; its ISO is empty for a run of quiet days.
	Date   moment
	Events []pastEvent
	// Ongoing are events that went on over the day and ended later, or have not ended.
	Ongoing []pastEvent
	// More says how many events are left to the history, at the address MoreAt.
	More, MoreAt string
}

// pastEvent is a past event in a few lines.
type pastEvent struct {
	Href, Title, Text string
	Standing          standing
	At                moment
}

// past are the last days, newest first; quiet days in a row are one.
func (v view) past() []pastDay {
	if len(v.p.Components)+len(v.p.Past) == 0 {
		return nil
	}
	today := v.day(v.now)
	events := v.endedSince(daysBefore(today, pastDays-1).In(v.zone))
	var days []pastDay
	quiet := 0 // days since the last with events
	flush := func(last int) {
		if quiet > 0 {
			days = append(days, pastDay{Date: moment{Text: dates(daysBefore(today, last), daysBefore(today, last-quiet+1))}})
		}
		quiet = 0
	}
	ongoing := v.ongoing(daysBefore(today, pastDays-1))
	for n := range pastDays {
		day := daysBefore(today, n)
		of, on := events[day], ongoing[day]
		if len(of)+len(on) == 0 {
			quiet++
			continue
		}
		flush(n - 1)
		shown := v.eventful(day, of, mostOfDay)
		shown.Ongoing = on[:min(mostOngoing, len(on))]
		days = append(days, shown)
	}
	flush(pastDays - 1)
	return days
}

func daysBefore(d status.Date, n int) status.Date {
	return status.DateOf(time.Date(d.Year, d.Month, d.Day-n, 0, 0, 0, 0, time.UTC))
}

// endedSince are the past events by day.
func (v view) endedSince(from time.Time) map[status.Date][]board.Event {
	events := make(map[status.Date][]board.Event)
	for _, e := range v.p.Past {
		if e.At().Before(from) {
			break
		}
		events[v.day(e.At())] = append(events[v.day(e.At())], e)
	}
	return events
}

// ongoing are the events that began before the end of a day and had not ended with it, by day: a day on which one
// went on is not a quiet one, although nothing ended on it.
func (v view) ongoing(first status.Date) map[status.Date][]pastEvent {
	days := make(map[status.Date][]pastEvent)
	note := func(id, title, text string, began time.Time, last status.Date) {
		if began.Before(first.In(v.zone)) {
			began = first.In(v.zone)
		}
		for d := v.day(began); !d.In(time.UTC).After(last.In(time.UTC)); d = daysBefore(d, -1) {
			days[d] = append(days[d], pastEvent{Href: address(id), Title: title, Text: text})
		}
	}
	const is, was = "is going on.", "was going on."
	for _, i := range v.p.Incidents {
		note(i.ID, i.Title, is, i.Began, v.day(v.now))
	}
	for _, m := range v.underway() {
		if m.Began.IsZero() {
			continue
		}
		note(m.ID, m.Title, is, m.Began, v.day(v.now))
	}
	for _, e := range v.p.Past {
		if e.At().Before(first.In(v.zone)) {
			break
		}
		switch last := daysBefore(v.day(e.At()), 1); {
		case e.Maintenance == nil:
			note(e.Incident.ID, e.Incident.Title, was, e.Incident.Began, last)
		case !e.Maintenance.Began.IsZero():
			note(e.Maintenance.ID, e.Maintenance.Title, was, e.Maintenance.Began, last)
		}
	}
	return days
}

func (v view) eventful(day status.Date, of []board.Event, most int) pastDay {
	d := pastDay{Date: moment{day.String(), dates(day, day)}}
	for _, e := range of[:min(most, len(of))] {
		d.Events = append(d.Events, v.pastEvent(e))
	}
	if n := len(of) - most; n > 0 {
		d.More, d.MoreAt = plural(n, "more event"), "/history/"+day.String()[:len("2006-01")]
	}
	return d
}

func (v view) pastEvent(e board.Event) pastEvent {
	return v.kept.past.get(e.Subject().ID, stamps{touched: e.Seq, framed: v.p.Framed}, func() pastEvent { return v.makePastEvent(e) })
}

func (v view) makePastEvent(e board.Event) pastEvent {
	past := pastEvent{Href: address(e.Subject().ID), At: v.at(e.At(), v.clockZone(e.At()))}
	var updates []status.Update
	var facts string
	if m := e.Maintenance; m != nil {
		past.Title, past.Standing, updates, facts = m.Title, standingOfMaintenance(m, v.now), m.Updates, v.maintenanceFacts(m, e.At())
	} else {
		i := e.Incident
		past.Title, past.Standing, updates, facts = i.Title, standingOfIncident(i), i.Updates, incidentFacts(i)
	}
	for n := len(updates) - 1; n >= 0 && past.Text == ""; n-- {
		if updates[n].State != status.Postmortem {
			past.Text = excerpt(updates[n].Body)
		}
	}
	past.Text = strings.TrimSpace(past.Text + " " + facts)
	return past
}

// maintenanceFacts says what was planned and what became of it.
func (v view) maintenanceFacts(m *status.Maintenance, on time.Time) string {
	day := v.day(on)
	if m.State == status.Canceled || m.Began.IsZero() || m.Ended.IsZero() {
		text := "It was planned for " + v.hours(m.Window.Start, m.Window.End, day)
		if !m.Began.IsZero() {
			text += ", and had begun at " + v.hour(m.Began, day)
		}
		return text + "."
	}
	end := m.Punctuality(m.Ended).Against
	text := "Planned "
	if v.day(m.Window.Start) != day {
		text += "for "
	}
	text += v.hours(m.Window.Start, end, day)
	if end.Before(m.Window.End) {
		text += ", extended to " + v.hour(m.Window.End, day)
	}
	text += ", carried out " + v.hours(m.Began, m.Ended, day)
	if how := m.Punctual(brief, "planned"); how != "as planned" {
		text += ", " + how
	}
	return text + "."
}

// lateness says how much later or earlier something was, before what follows; nothing of what was in time.
func lateness(d time.Duration, after string) string {
	switch d = d.Truncate(time.Minute); {
	case d > 0:
		return brief(d) + " later" + after
	case d < 0:
		return brief(-d) + " earlier" + after
	}
	return ""
}

func incidentFacts(i *status.Incident) string {
	var text string
	if lasted := i.Ended.Sub(i.Began); lasted > 0 { // one that was entered when it was over has but one time
		text = "It lasted " + brief(lasted) + "."
	}
	if i.State == status.Postmortem {
		text += " With a postmortem."
	}
	return strings.TrimSpace(text)
}

// excerpt is the first paragraph of a Markdown text without its markup, or as much of it as is short.
func excerpt(body string) string { return shortened(markup.Lead(body)) }

// shortened cuts a text after a sentence, or after a word where the first sentence is too long.
func shortened(s string) string {
	if utf8.RuneCountInString(s) <= mostSaid {
		return s
	}
	cut := string([]rune(s)[:mostSaid-1])
	if end := strings.LastIndex(cut, ". "); end > 0 {
		return cut[:end+1]
	}
	if end := strings.LastIndexByte(cut, ' '); end > 0 {
		cut = cut[:end]
	}
	return strings.TrimRight(cut, " ,;:–-") + "…"
}
