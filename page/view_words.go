package page

import (
	"strconv"
	"strings"
	"time"

	"example.org/interlude/status"
)

// moment is a time for a machine and for a reader.
type moment struct{ ISO, Text string }

// count is a time that runs: the script says it again each second, in the same words.
type count struct {
	// Kind is begins, left, since or ago; empty is no count.
	Kind string
	moment
}

// The kinds of count.
const (
	begins = "begins"
	left   = "left"
	since  = "since"
	ago    = "ago"
)

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// clock is a time of day in the page's zone, without its name.
func (v view) clock(t time.Time) string { return t.In(v.zone).Format("15:04") }

// zoneAt is the zone's name at t, as the reports write it.
func (v view) zoneAt(t time.Time) string {
	text := status.PostedText(t, v.zone)
	return text[strings.LastIndexByte(text, ' ')+1:]
}

func (v view) clockZone(t time.Time) string { return v.clock(t) + " " + v.zoneAt(t) }

func (v view) day(t time.Time) status.Date { return status.DateOf(t.In(v.zone)) }

func (v view) sameDay(a, b time.Time) bool { return v.day(a) == v.day(b) }

// near is a time of day, with its date when that is another one than now's.
func (v view) nearText(t time.Time) string { return v.hour(t, v.day(v.now)) }

func (v view) at(t time.Time, text string) moment { return moment{iso(t), text} }

// near is a moment in a sentence, marked up for programs that read the page.
func (v view) near(t time.Time) piece { return piece{Time: count{moment: v.at(t, v.nearText(t))}} }

// posted is the moment of a post as reports write it: "Jan 15, 2027 - 07:14 UTC".
func (v view) posted(t time.Time) moment { return v.at(t, status.PostedText(t, v.zone)) }

// running is a count as it stands now.
func (v view) running(kind string, t time.Time) count {
	return count{kind, v.at(t, countText(kind, t.Sub(v.now)))}
}

// countText says how far off a moment is. live.js says the same.
func countText(kind string, d time.Duration) string {
	switch {
	case kind == begins && d > 0:
		return "begins in " + coming(d)
	case kind == begins && d > -time.Minute:
		return "begins now"
	case kind == begins:
		return "late by " + brief(-d)
	case kind == left && d > 0:
		return coming(d) + " left"
	case kind == left:
		return "overrun by " + brief(-d)
	case kind == since:
		return "for " + brief(-d)
	}
	return brief(-d) + " ago"
}

// brief is a duration in its two largest units, cut: "1 day 13 h", "1 h 13 min", "42 s".
func brief(d time.Duration) string {
	s := int(max(0, d) / time.Second)
	m, h, days := s/60, s/3600, s/86400
	switch {
	case days > 0:
		text := strconv.Itoa(days) + " days"
		if days == 1 {
			text = "1 day"
		}
		if h%24 > 0 {
			text += " " + strconv.Itoa(h%24) + " h"
		}
		return text
	case h > 0 && m%60 > 0:
		return strconv.Itoa(h) + " h " + strconv.Itoa(m%60) + " min"
	case h > 0:
		return strconv.Itoa(h) + " h"
	case m > 0:
		return strconv.Itoa(m) + " min"
	}
	return strconv.Itoa(s) + " s"
}

// coming is a duration that is still to pass: rounded up, so that an hour before the end reads "1 h".
func coming(d time.Duration) string {
	if d > time.Minute {
		d = (d + time.Minute - 1).Truncate(time.Minute)
	}
	return brief(d)
}

// whole is a duration in whole minutes as prose has it: "14 minutes".
func whole(d time.Duration) string { return status.Span(status.Duration(d.Truncate(time.Minute))) }

// window is an announced span as a card shows it. Its template has exactly two times, which the script reads.
type window struct {
	Day      string
	From, To moment
	Span     string
	OneDay   bool
}

const longDay = "Monday, January 2, 2006"

func (v view) window(w status.Window) window {
	from, to := v.clock(w.Start), v.clockZone(w.End)
	if v.zoneAt(w.Start) != v.zoneAt(w.End) {
		from = v.clockZone(w.Start)
	}
	oneDay := v.sameDay(w.Start, w.End)
	if !oneDay {
		to = w.End.In(v.zone).Format(longDay) + ", " + to
	}
	return window{
		Day: w.Start.In(v.zone).Format(longDay), From: v.at(w.Start, from), To: v.at(w.End, to),
		Span: brief(w.Duration()), OneDay: oneDay,
	}
}

// hoursOf is the window below a heading that gives its day.
func (v view) hoursOf(w status.Window) window {
	shown := v.window(w)
	shown.Day = ""
	return shown
}

// hour is a time of day with its day where that is not the given one.
func (v view) hour(t time.Time, on status.Date) string {
	if v.day(t) != on {
		return t.In(v.zone).Format("January 2, ") + v.clockZone(t)
	}
	return v.clockZone(t)
}

// hours is a span as prose has it: "06:00 – 07:00 UTC", with days where they are not the given one.
func (v view) hours(from, to time.Time, on status.Date) string {
	text := v.clock(from)
	if v.day(from) != on {
		text = from.In(v.zone).Format("January 2, ") + text
	}
	text += " – "
	if !v.sameDay(from, to) {
		text += to.In(v.zone).Format("January 2, ")
	}
	return text + v.clockZone(to)
}

// dates is a run of days: "January 9", "January 10 – 13", "Dec 30 – Jan 8".
func dates(from, to status.Date) string {
	first, last := from.In(time.UTC), to.In(time.UTC)
	switch {
	case from == to:
		return first.Format("January 2")
	case from.Month == to.Month && from.Year == to.Year:
		return first.Format("January 2") + last.Format(" – 2")
	}
	return first.Format("Jan 2") + " – " + last.Format("Jan 2")
}

// plural is "1 component", "2 components".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
