package status

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Validate refuses a recurrence that no calendar could follow, for a first window that starts at start.
//
// It takes FREQ=DAILY, WEEKLY, MONTHLY and YEARLY with the parts of RFC 5545 that concern days, but for BYWEEKNO,
// on which calendars disagree. Parts that give the clock time are refused, for the window gives it; so is a rule that never happens (February 30), a COUNT over
// 10,000, an INTERVAL over ten years, and an UNTIL before the start. UNTIL is a day or a moment in UTC.
func (r Recurrence) Validate(start time.Time, pageZone string) error {
	parsed, err := parseRule(r.Rule)
	if err != nil {
		return err
	}
	zone, err := LoadZone(cmp.Or(r.TimeZone, pageZone))
	if err != nil {
		return err
	}
	if len(r.Except) > mostExcepted {
		return &Invalid{Field: "except", Rule: "must list at most 1000 days: use another rule, or UNTIL"}
	}
	if i := slices.IndexFunc(r.Except, Date.IsZero); i >= 0 {
		return &Invalid{Field: indexed("except", i), Rule: "must be a day such as 2027-01-15"}
	}
	first := DateOf(start.In(zone))
	if parsed.over(first, start) {
		return badRule("must not have an UNTIL before the window's start, %s", start.UTC().Format(time.RFC3339))
	}
	for range parsed.days(first, first) {
		return nil
	}
	return badRule("never happens from %s on: no day has everything that %s asks for", first, quote(r.Rule))
}

// Warnings says what a valid recurrence probably did not mean: a first window on a day that the rule does not give,
// and exceptions on days that it does not give.
func (r Recurrence) Warnings(first Window, pageZone string) []Warning {
	parsed, err := parseRule(r.Rule)
	if err != nil {
		return nil
	}
	zone, err := LoadZone(cmp.Or(r.TimeZone, pageZone))
	if err != nil {
		return nil
	}
	firstDay := DateOf(first.Start.In(zone))
	idle := make(map[Date]bool, len(r.Except))
	last := firstDay
	for _, day := range r.Except {
		idle[day] = true
		if last.before(day) {
			last = day
		}
	}
	given := false
	for day := range parsed.days(firstDay, firstDay) {
		if last.before(day) {
			break
		}
		delete(idle, day)
		given = given || day == firstDay
	}
	delete(idle, firstDay)
	var warnings []Warning
	if !given {
		warnings = append(warnings, Warning{Field: "rule", Text: "does not give the first window's day, " +
			first.Start.In(zone).Format("Monday, January 2, 2006") + "; that window takes place all the same, and the rule goes on from there"})
	}
	for i, day := range r.Except {
		if idle[day] {
			warnings = append(warnings, Warning{Field: indexed("except", i), Text: "is a day on which it would not happen anyway: " + day.String()})
		}
	}
	return warnings
}

// Next returns, in order, at most n windows that start after the given moment, in UTC; fewer when the recurrence ends.
//
// The clock time of the start stays the same in the recurrence's zone, and the length stays the same in elapsed
// time. Where clocks go forward over the start it takes place by the offset before the change (a 02:30 that does not
// exist is 03:30 summer time), where they go back it is the first of the two (RFC 5545, 3.3.5). The first window
// always takes place and counts as the first of COUNT, even on a day that the rule would not give (RFC 5545,
// 3.8.5.3); [Recurrence.Warnings] tells of it. A day in Except counts towards COUNT and does not take place.
//
// The work does not grow with the age of the series, nor beyond 10,000 windows. A recurrence that Validate refuses
// has no windows.
func (r Recurrence) Next(first Window, pageZone string, after time.Time, n int) []Window {
	parsed, err := parseRule(r.Rule)
	if err != nil {
		return nil
	}
	zone, err := LoadZone(cmp.Or(r.TimeZone, pageZone))
	if err != nil {
		return nil
	}
	except := make(map[Date]bool, len(r.Except))
	for _, day := range r.Except {
		except[day] = true
	}
	var windows []Window
	for day, start := range parsed.starts(first.Start.In(zone), after) {
		if len(windows) >= min(n, mostCount) {
			break
		}
		if start.After(after) && !except[day] {
			start = start.UTC()
			windows = append(windows, Window{start, start.Add(first.Duration())})
		}
	}
	return windows
}

// Next returns at most n windows of the series that start after the given moment, without those that a person called
// off: none once it has ended.
func (s Series) Next(pageZone string, after time.Time, n int) []Window {
	if s.Ended {
		return nil
	}
	r := s.Recurrence
	r.Except = slices.Concat(r.Except, s.Skipped)
	return r.Next(s.Template.Window, pageZone, after, n)
}

// starts yields the days and moments at which the rule begins, the first one first, within its COUNT and UNTIL.
// Those before `after` may be left out.
func (r rule) starts(first time.Time, after time.Time) iter.Seq2[Date, time.Time] {
	return func(yield func(Date, time.Time) bool) {
		firstDay := DateOf(first)
		if r.over(firstDay, first) || !yield(firstDay, first) {
			return
		}
		// One day before, for where a zone left out a whole day its windows begin on the next.
		near := DateOf(after.In(first.Location()).AddDate(0, 0, -1))
		from := near
		if r.count > 0 || near.before(firstDay) {
			from = firstDay
		}
		last, counted := first, 1
		for day := range r.days(firstDay, from) {
			if day == firstDay {
				continue
			}
			if counted++; r.count > 0 && counted > r.count {
				return
			}
			if day.before(near) {
				continue
			}
			start := onDay(day, first)
			if r.over(day, start) {
				return
			}
			// Two days of the rule fall on the same moment where a zone left out a whole day.
			if start.After(last) && !yield(day, start) {
				return
			}
			last = start
		}
	}
}

// over reports whether a start, on a day of the rule's zone, lies after UNTIL.
func (r rule) over(day Date, start time.Time) bool {
	return !r.untilDay.IsZero() && r.untilDay.before(day) || !r.until.IsZero() && start.After(r.until)
}

// onDay is the moment at which the clock of like's location shows on the day what it shows at like.
func onDay(day Date, like time.Time) time.Time {
	hour, minute, second := like.Clock()
	return atClock(time.Date(day.Year, day.Month, day.Day, hour, minute, second, like.Nanosecond(), time.UTC), like.Location())
}

// atClock is the moment at which the zone's clock shows what UTC's shows at naive.
//
// RFC 5545, 3.3.5: a clock time that occurs twice is the first one, and one that does not occur is meant by the
// offset before the gap. time.Date promises neither.
func atClock(naive time.Time, zone *time.Location) time.Time {
	// naive is off by less than a day from the moment that is sought.
	_, before := naive.AddDate(0, 0, -1).In(zone).Zone()
	_, behind := naive.AddDate(0, 0, 1).In(zone).Zone()
	early := naive.Add(-time.Duration(before) * time.Second).In(zone)
	late := naive.Add(-time.Duration(behind) * time.Second).In(zone)
	_, atEarly := early.Zone()
	_, atLate := late.Zone()
	if atEarly != before && atLate == behind {
		return late
	}
	return early
}
