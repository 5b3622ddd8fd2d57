package status

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// rule is a parsed RRULE value (RFC 5545, 3.3.10), as far as it concerns days.
type rule struct {
	freq            rrule.Frequency
	interval, count int
	// until is the last moment at which it may begin, untilDay the last day; at most one of them is set.
	until                               time.Time
	untilDay                            Date
	wkst                                time.Weekday
	weekdays                            []nthWeekday
	setpos, months, monthDays, yearDays []int
}

// nthWeekday is a weekday, or the nth one of its month or year; n is 0 for every one, negative from the end.
type nthWeekday struct {
	day time.Weekday
	n   int
}

const (
	mostCount     = 10_000
	longestRule   = 2_000 // characters; 366 days of the year fit
	mostExcepted  = 1_000
	yearsAhead    = 290 // how far an expansion looks
	frequencyHint = "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY"
)

var frequencies = map[string]rrule.Frequency{
	"DAILY": rrule.DAILY, "WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY, "YEARLY": rrule.YEARLY,
}

// tenYears is the longest interval of each frequency: a decade. More is a mistake in writing.
var tenYears = map[rrule.Frequency]int{rrule.DAILY: 3660, rrule.WEEKLY: 520, rrule.MONTHLY: 120, rrule.YEARLY: 10}

var weekdayCodes = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// ruleParts reads each part of a rule. The clock time, the zone and the exceptions are said elsewhere.
var ruleParts = map[string]func(*rule, string) error{
	"FREQ":     (*rule).readFrequency,
	"INTERVAL": func(r *rule, s string) (err error) { r.interval, err = readNumber("INTERVAL", s, 1, 3660); return err },
	"COUNT":    func(r *rule, s string) (err error) { r.count, err = readNumber("COUNT", s, 1, mostCount); return err },
	"UNTIL":    (*rule).readUntil,
	"WKST":     (*rule).readWeekStart,
	"BYDAY":    (*rule).readWeekdays,
	"BYMONTH":  func(r *rule, s string) (err error) { r.months, err = readNumbers("BYMONTH", s, 12, false); return err },
	"BYMONTHDAY": func(r *rule, s string) (err error) {
		r.monthDays, err = readNumbers("BYMONTHDAY", s, 31, true)
		return err
	},
	"BYYEARDAY": func(r *rule, s string) (err error) {
		r.yearDays, err = readNumbers("BYYEARDAY", s, 366, true)
		return err
	},
	"BYSETPOS": func(r *rule, s string) (err error) { r.setpos, err = readNumbers("BYSETPOS", s, 366, true); return err },
}

// partNames are the names of ruleParts in the order in which hints list them.
var partNames = []string{"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYYEARDAY", "BYSETPOS", "WKST"}

// saidElsewhere are parts of iCalendar that a recurrence says in other words, and which.
var saidElsewhere = map[string]string{
	"DTSTART":  "the window gives the first start",
	"DTEND":    "the window gives the end",
	"DURATION": "the window gives the length",
	"TZID":     "the zone is `time_zone`, beside the rule",
	"EXDATE":   "days without it are listed in `except`, beside the rule",
	"RDATE":    "one more window is a maintenance of its own",
	"EXRULE":   "days without it are listed in `except`, beside the rule",
	"BYHOUR":   "the window gives the clock time",
	"BYMINUTE": "the window gives the clock time",
	"BYSECOND": "the window gives the clock time",
	// The library, like the one it comes from, takes the first days of some years for those of another week, and
	// so do calendars that would show the series: 2028-01-01 is in week 52 of 2027.
	"BYWEEKNO": "calendars disagree on weeks at the turn of the year; say the month and the weekday, as in FREQ=YEARLY;BYMONTH=5;BYDAY=3SU",
}

func badRule(format string, args ...any) *Invalid {
	return &Invalid{Field: "rule", Rule: fmt.Sprintf(format, args...)}
}

// parseRule reads a rule, and refuses what RFC 5545 does not allow together.
func parseRule(text string) (rule, error) {
	r := rule{freq: -1, interval: 1, wkst: time.Monday}
	text = strings.ToUpper(strings.TrimSpace(text))
	switch {
	case text == "":
		return r, badRule("is required, for example FREQ=MONTHLY;BYDAY=1SU")
	case len(text) > longestRule:
		return r, badRule("must be shorter than %d characters, not %d", longestRule, len(text))
	}
	var seen []string
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "RRULE:"), ";") {
		name, value, _ := strings.Cut(part, "=")
		if bare, _, found := strings.Cut(name, ":"); found {
			name = bare // "DTSTART:20270115" is a line of a calendar
		}
		if why := saidElsewhere[name]; why != "" {
			return r, badRule("must not hold %s: %s", name, why)
		}
		read, known := ruleParts[name]
		if !known {
			return r, unknownPart(name)
		}
		if slices.Contains(seen, name) {
			return r, badRule("must hold %s only once", name)
		}
		seen = append(seen, name)
		if err := read(&r, value); err != nil {
			return r, err
		}
	}
	return r, r.check(seen)
}

func unknownPart(name string) *Invalid {
	if near := Nearest(name, partNames); near != "" {
		return badRule("has an unknown part %s: did you mean %s?", quote(name), near)
	}
	return badRule("has an unknown part %s: the parts are %s, written as FREQ=MONTHLY;BYDAY=1SU", quote(name), strings.Join(partNames, ", "))
}

// check refuses parts that do not go together (the notes of RFC 5545, 3.3.10).
func (r rule) check(parts []string) error {
	has := func(name string) bool { return slices.Contains(parts, name) }
	switch {
	case r.freq < 0:
		return badRule("needs FREQ: " + frequencyHint)
	case r.interval > tenYears[r.freq]:
		return badRule("must have an INTERVAL of at most %d (ten years), not %d", tenYears[r.freq], r.interval)
	case has("COUNT") && has("UNTIL"):
		return badRule("must hold COUNT or UNTIL, not both")
	case has("BYMONTHDAY") && r.freq == rrule.WEEKLY:
		return badRule("must not hold BYMONTHDAY with FREQ=WEEKLY: days of the month go with FREQ=MONTHLY")
	case has("BYYEARDAY") && r.freq != rrule.YEARLY:
		return badRule("must hold BYYEARDAY only with FREQ=YEARLY")
	case has("BYSETPOS") && len(r.weekdays)+len(r.months)+len(r.monthDays)+len(r.yearDays) == 0:
		return badRule("must hold BYSETPOS only beside another BY part, such as BYDAY")
	}
	for _, w := range r.weekdays {
		code := strconv.Itoa(w.n) + weekdayCodes[w.day]
		switch {
		case w.n == 0:
		case r.freq == rrule.DAILY || r.freq == rrule.WEEKLY:
			return badRule("must number a weekday (%s) only with FREQ=MONTHLY or YEARLY", code)
		case (r.freq == rrule.MONTHLY || len(r.months) > 0) && (w.n > 5 || w.n < -5):
			return badRule("must number a weekday of a month from 1 to 5 or from -1 to -5, not %s", code)
		}
	}
	return nil
}

func (r *rule) readFrequency(s string) error {
	freq, known := frequencies[s]
	if !known {
		return badRule("has FREQ=%s: %s; a maintenance does not recur more often than daily", firstLine(s), frequencyHint)
	}
	r.freq = freq
	return nil
}

// readUntil takes a day, or a moment in UTC: the rule has a zone, and for such the RFC allows no other form.
func (r *rule) readUntil(s string) error {
	if day, err := time.Parse("20060102", s); err == nil {
		r.untilDay = DateOf(day)
		return nil
	}
	at, err := time.Parse("20060102T150405Z", s)
	if err != nil {
		return badRule("must have UNTIL as a day (20271231) or as a moment in UTC (20271231T060000Z), not %s", quote(s))
	}
	r.until = at
	return nil
}

func (r *rule) readWeekStart(s string) error {
	day := slices.Index(weekdayCodes, s)
	if day < 0 {
		return badRule("must have WKST as one of MO, TU, WE, TH, FR, SA, SU, not %s", quote(s))
	}
	r.wkst = time.Weekday(day)
	return nil
}

func (r *rule) readWeekdays(s string) error {
	for code := range strings.SplitSeq(s, ",") {
		day, n, err := -1, 0, error(nil)
		if len(code) >= 2 {
			day = slices.Index(weekdayCodes, code[len(code)-2:])
		}
		if len(code) > 2 {
			n, err = strconv.Atoi(code[:len(code)-2])
		}
		if day < 0 || err != nil || len(code) > 2 && n == 0 || n > 53 || n < -53 {
			return badRule("must have BYDAY as weekdays such as SU, 1SU (the first) or -1SU (the last), not %s", quote(code))
		}
		r.weekdays = append(r.weekdays, nthWeekday{time.Weekday(day), n})
	}
	return nil
}

func readNumber(name, s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, badRule("must have %s as a number from %d to %d, not %s", name, least, most, quote(s))
	}
	return n, nil
}

func readNumbers(name, list string, most int, fromEnd bool) ([]int, error) {
	var numbers []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n == 0 || n > most || n < 0 && !fromEnd || n < -most {
			also := ""
			if fromEnd {
				also = fmt.Sprintf(" or from -1 to -%d", most)
			}
			return nil, badRule("must have %s as numbers from 1 to %d%s, not %s", name, most, also, quote(s))
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// days yields, in order, the days that the rule gives from `from` on, when it is counted from `first`.
// It does not know COUNT and UNTIL, and it looks 290 years ahead, no further.
//
// Days are expanded without any zone, at midnight UTC, so that no change of clocks touches them. The library counts
// periods from its first day; that day is moved forward by whole intervals, close to `from`, so that the work does
// not grow with the age of a series. What the first day decides (which weekday, which day of the month) is made
// explicit before, and the first day is the first of its period, for BYSETPOS counts from there.
//
// The library looks for the next day until the year 9999. The calendar repeats every 400 years, weekdays included,
// so it is given the last cycles before that: a rule that never happens then ends after some hundred years of
// looking, not after eight thousand.
func (r rule) days(first, from Date) iter.Seq[Date] {
	return func(yield func(Date) bool) {
		const cycle = 400
		origin := r.origin(first, from)
		if first.Year < 1 || origin.Year > 9000 {
			return
		}
		shift := (rrule.MAXYEAR - cycle - origin.Year) / cycle * cycle
		option := r.explicit(first).option()
		option.Dtstart = Date{origin.Year + shift, origin.Month, origin.Day}.In(time.UTC)
		option.Until = option.Dtstart.AddDate(yearsAhead, 0, 0)
		expander, err := rrule.NewRRule(option)
		if err != nil {
			return
		}
		next := expander.Iterator()
		for at, more := next(); more; at, more = next() {
			day := DateOf(at)
			day.Year -= shift
			if !day.before(first) && !day.before(from) && !yield(day) {
				return
			}
		}
	}
}

// explicit says what the rule leaves to its first day (RFC 5545, 3.3.10: information missing from the rule is
// taken from DTSTART), and gives plain weekdays a number where numbered ones stand beside them.
func (r rule) explicit(first Date) rule {
	switch {
	case len(r.weekdays)+len(r.monthDays)+len(r.yearDays) > 0 || r.freq == rrule.DAILY:
	case r.freq == rrule.WEEKLY:
		r.weekdays = []nthWeekday{{day: first.In(time.UTC).Weekday()}}
	default:
		r.monthDays = []int{first.Day}
		if r.freq == rrule.YEARLY && len(r.months) == 0 {
			r.months = []int{int(first.Month)}
		}
	}
	numbered := func(w nthWeekday) bool { return w.n != 0 }
	if !slices.ContainsFunc(r.weekdays, numbered) {
		return r
	}
	most := 53
	if r.freq == rrule.MONTHLY || len(r.months) > 0 {
		most = 5
	}
	var all []nthWeekday
	for _, w := range r.weekdays {
		if w.n != 0 {
			all = append(all, w)
			continue
		}
		for n := 1; n <= most; n++ {
			all = append(all, nthWeekday{w.day, n})
		}
	}
	r.weekdays = all
	return r
}

// origin is the first day of the last period that the rule counts, from the one of `first`, before or at `from`.
func (r rule) origin(first, from Date) Date {
	if from.before(first) {
		from = first
	}
	start := first.In(time.UTC)
	gap := int((from.In(time.UTC).Unix() - start.Unix()) / (24 * 60 * 60))
	whole := func(periods int) int { return periods / r.interval * r.interval }
	switch r.freq {
	case rrule.DAILY:
		start = start.AddDate(0, 0, whole(gap))
	case rrule.WEEKLY:
		intoWeek := (int(start.Weekday()) - int(r.wkst) + 7) % 7
		start = start.AddDate(0, 0, 7*whole((gap+intoWeek)/7)-intoWeek)
	case rrule.MONTHLY:
		months := 12*(from.Year-first.Year) + int(from.Month-first.Month)
		start = time.Date(first.Year, first.Month+time.Month(whole(months)), 1, 0, 0, 0, 0, time.UTC)
	default:
		start = time.Date(first.Year+whole(from.Year-first.Year), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return DateOf(start)
}

// option is the rule as the library takes it, without COUNT and UNTIL.
func (r rule) option() rrule.ROption {
	code := []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
	days := make([]rrule.Weekday, len(r.weekdays))
	for i, w := range r.weekdays {
		days[i] = code[w.day].Nth(w.n)
	}
	return rrule.ROption{
		Freq: r.freq, Interval: r.interval, Wkst: code[r.wkst], Byweekday: days, Bysetpos: r.setpos,
		Bymonth: r.months, Bymonthday: r.monthDays, Byyearday: r.yearDays,
	}
}

func (d Date) before(o Date) bool {
	if d.Year != o.Year {
		return d.Year < o.Year
	}
	return d.Month < o.Month || d.Month == o.Month && d.Day < o.Day
}
