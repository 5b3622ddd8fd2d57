package status

import (
	"slices"
	"strings"
	"time"
)

// Warning is something that its author may want to change, and that is no reason to refuse anything.
type Warning struct {
	// Field is the path of what it is about, such as "summary", and Text one or two whole sentences.
	Field string `json:"field,omitempty"`
	Text  string `json:"text"`
	// Source is the document it was read from, where there is one.
	Source string `json:"source,omitempty"`
}

// Contradictions returns a warning for each date, clock time and weekday, written by hand in a text, that the window
// contradicts; it quotes the passage and says what the window is.
//
// A moment is fine when it lies in the window, both ends included, in the zone that it names; where it names none,
// in UTC or in the given zone of the page. A date without a time, a time without a date and a weekday are fine when
// some moment of the window has them. A numeric date with two readings (1/2/2027) is fine when one of them is.
//
// It reads English, by pattern and not by sense. It does not know that a sentence speaks of another event ("after
// the release of January 8"), and warns; it does not see dates in words ("the fifteenth", "tomorrow at noon"), and
// keeps silent. That is why it only ever warns. Placeholders, code, addresses and version numbers are passed over,
// and so are years, durations and spans of weekdays (Monday to Friday). It reads the first 64 KiB, and warns at most
// 20 times.
func Contradictions(field, text string, w Window, zone *time.Location) []Warning {
	const most = 20 // more would hide what matters
	if w.Validate() != nil {
		return nil
	}
	if zone == nil {
		zone = time.UTC
	}
	var warnings []Warning
	for _, m := range mentionsIn(text, w, zone) {
		if m.fits(w, zone) {
			continue
		}
		warning := Warning{Field: field, Text: m.contradiction(text, w, zone)}
		if !slices.Contains(warnings, warning) {
			warnings = append(warnings, warning)
		}
		if len(warnings) == most {
			break
		}
	}
	return warnings
}

// mention is a passage that names a day, a clock time, both, or a weekday.
type mention struct {
	from, to int // the passage, in bytes of the text
	// days are the readings of a date, with year 0 where none is written.
	days []Date
	// clocks are the readings of a clock time, in minutes since midnight; 24:00 is one.
	clocks []int
	// weekdays holds the weekday, if it is one.
	weekdays []time.Weekday
	// zones are the readings of the zone that was named, if any.
	zones []*time.Location
	// unsure are four digits, which are only a time in company.
	unsure bool
	// meridiem tells a time with am or pm.
	meridiem bool
	// closes tells the second time of a range.
	closes bool
}

// contradiction is the sentence about a mention that the window contradicts. The window is given in the zone that
// the passage names.
func (m mention) contradiction(text string, w Window, zone *time.Location) string {
	if len(m.zones) > 0 {
		zone = m.zones[0]
	}
	is := WindowText(w, zone)
	if len(m.weekdays) > 0 {
		is = w.Start.In(zone).Weekday().String() + ", " + is
	}
	passage := strings.Join(strings.Fields(text[m.from:m.to]), " ")
	return "says " + quote(passage) + ", but the window is " + is + ". Written as {{ .Window }} it is always right"
}

// fits reports whether some reading of the mention agrees with the window.
func (m mention) fits(w Window, page *time.Location) bool {
	zones := m.zones
	if len(zones) == 0 {
		zones = []*time.Location{page, time.UTC}
	}
	return slices.ContainsFunc(zones, func(zone *time.Location) bool {
		start, end := w.Start.In(zone), w.End.In(zone)
		switch {
		case len(m.weekdays) > 0:
			ahead := (int(m.weekdays[0]-start.Weekday()) + 7) % 7
			return !DateOf(end).before(DateOf(start.AddDate(0, 0, ahead)))
		case len(m.clocks) == 0:
			return slices.ContainsFunc(m.datesNear(start), func(d Date) bool {
				return !d.before(DateOf(start)) && !DateOf(end).before(d)
			})
		case len(m.days) == 0:
			// Each clock time occurs in a day and an hour, even when clocks go back in it.
			return w.Duration() > 25*time.Hour || m.clockFits(w, zone, DateOf(start), DateOf(end))
		}
		return m.clockFits(w, zone, m.datesNear(start)...)
	})
}

// datesNear are the readings of the date; where no year is written, in the years around the start.
func (m mention) datesNear(start time.Time) []Date {
	var all []Date
	for _, d := range m.days {
		if d.Year != 0 {
			all = append(all, d)
			continue
		}
		for year := start.Year() - 1; year <= start.Year()+1; year++ {
			if isDate(year, int(d.Month), d.Day) {
				all = append(all, Date{year, d.Month, d.Day})
			}
		}
	}
	return all
}

// clockFits reports whether one of the clock times, on one of the days in the zone, lies in the window.
func (m mention) clockFits(w Window, zone *time.Location, days ...Date) bool {
	start := w.Start.Truncate(time.Minute)
	for _, d := range days {
		for _, clock := range m.clocks {
			naive := time.Date(d.Year, d.Month, d.Day, 0, clock, 0, 0, time.UTC)
			first := atClock(naive, zone)
			for _, at := range []time.Time{first, first.Add(30 * time.Minute), first.Add(time.Hour)} {
				// The later ones count where clocks go back and show the time again.
				same := at.Equal(first) || at.Format("15:04") == first.Format("15:04")
				if same && !at.Before(start) && !at.After(w.End) {
					return true
				}
			}
		}
	}
	return false
}

func isDate(year, month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}
