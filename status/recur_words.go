package status

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Words says the recurrence as a reader would: "every week on Sunday", "on the first Sunday of each month",
// "every 2 weeks on Monday and Thursday, until December 31, 2027".
//
// Rules of rarer shapes, and those that cannot be read, are given as they are written: words that are nearly right
// would be worse. The clock time and the exceptions are not part of it.
func (r Recurrence) Words() string {
	parsed, err := parseRule(r.Rule)
	if err != nil {
		return r.Rule
	}
	words := ""
	switch parsed.freq {
	case rrule.DAILY:
		words = parsed.dailyWords()
	case rrule.WEEKLY:
		words = parsed.weeklyWords()
	case rrule.MONTHLY:
		words = parsed.monthlyWords()
	case rrule.YEARLY:
		words = parsed.yearlyWords()
	}
	if words == "" {
		return r.Rule
	}
	switch {
	case parsed.count == 1:
		words += ", once"
	case parsed.count > 1:
		words += fmt.Sprintf(", %d times", parsed.count)
	case !parsed.untilDay.IsZero():
		words += ", until " + parsed.untilDay.In(time.UTC).Format("January 2, 2006")
	case !parsed.until.IsZero():
		words += ", until " + parsed.until.Format("January 2, 2006, 15:04 UTC")
	}
	return words
}

func (r rule) dailyWords() string {
	if len(r.monthDays)+len(r.setpos) > 0 {
		return ""
	}
	words := every(r.interval, "day")
	if len(r.weekdays) > 0 {
		if r.interval > 1 {
			return ""
		}
		words = "every " + weekdayWords(r.weekdays)
	}
	return words + inMonths(r.months)
}

func (r rule) weeklyWords() string {
	if len(r.setpos) > 0 {
		return ""
	}
	words := every(r.interval, "week")
	if len(r.weekdays) > 0 {
		words += " " + onWeekdays(r.weekdays)
	}
	return words + inMonths(r.months)
}

func (r rule) monthlyWords() string {
	days, ok := r.daysOfMonth()
	switch {
	case !ok || len(r.months) > 0 && r.interval > 1:
		return ""
	case days == "":
		return every(r.interval, "month") + inMonths(r.months)
	case len(r.months) > 0:
		return days + " of each " + joinAnd(monthNames(r.months))
	case r.interval > 1:
		return every(r.interval, "month") + " " + days
	}
	return days + " of each month"
}

func (r rule) yearlyWords() string {
	if len(r.yearDays) > 0 {
		return ""
	}
	base := "each year"
	if r.interval > 1 {
		base = every(r.interval, "year")
	}
	if len(r.months) == 0 {
		if len(r.weekdays)+len(r.monthDays)+len(r.setpos) > 0 {
			return ""
		}
		return every(r.interval, "year")
	}
	days, ok := r.daysOfMonth()
	switch {
	case !ok || days == "" && len(r.months) > 1:
		return ""
	case days == "":
		return base + inMonths(r.months)
	case len(r.weekdays) == 0 && len(r.months) == 1 && len(r.monthDays) == 1 && r.monthDays[0] > 0:
		return fmt.Sprintf("%s on %s %d", base, time.Month(r.months[0]), r.monthDays[0])
	// Positions count in the whole year, and so do weekdays without a number: both are only clear in one month.
	case len(r.months) > 1 && len(r.setpos) > 0:
		return ""
	}
	return base + " " + days + " of " + joinAnd(monthNames(r.months))
}

// daysOfMonth says which days of a month are meant: "on the first Sunday", "on the 1st and 15th", "on the last day".
// It is empty when the rule leaves that to its first day, and not ok when there are no short words for it.
func (r rule) daysOfMonth() (words string, ok bool) {
	days, numbers := r.weekdays, r.monthDays
	switch {
	case len(days) > 0 && len(numbers) > 0:
		return "", false
	case len(numbers) > 0:
		if len(r.setpos) > 0 {
			return "", false
		}
		return "on the " + joinAnd(each(numbers, dayOfMonth)), !slices.ContainsFunc(numbers, func(n int) bool { return n < -1 })
	case len(days) == 0:
		return "", len(r.setpos) == 0
	case len(r.setpos) > 0:
		plain := !slices.ContainsFunc(days, func(w nthWeekday) bool { return w.n != 0 })
		if len(r.setpos) != 1 || ordinals[r.setpos[0]] == "" || !plain {
			return "", false
		}
		which := weekdayWords(days)
		switch {
		case which == "day from Monday to Friday":
			which = "weekday (Monday to Friday)"
		case len(days) == 7:
			which = "day"
		case len(days) > 1:
			return "", false
		}
		return "on the " + ordinals[r.setpos[0]] + " " + which, true
	}
	var nth []string
	for _, w := range days {
		if ordinals[w.n] == "" {
			return "", false
		}
		nth = append(nth, ordinals[w.n]+" "+w.day.String())
	}
	return "on the " + joinAnd(nth), true
}

var ordinals = map[int]string{
	1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second to last",
}

func dayOfMonth(n int) string {
	if n == -1 {
		return "last day"
	}
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

func every(n int, unit string) string {
	if n == 1 {
		return "every " + unit
	}
	return fmt.Sprintf("every %d %ss", n, unit)
}

// weekdayWords names weekdays from Monday on: "Monday and Thursday", "day from Monday to Friday", "day".
func weekdayWords(days []nthWeekday) string {
	var week [7]bool
	for _, w := range days {
		week[(w.day+6)%7] = true
	}
	switch week {
	case [7]bool{true, true, true, true, true, false, false}:
		return "day from Monday to Friday"
	case [7]bool{true, true, true, true, true, true, true}:
		return "day"
	}
	var names []string
	for i, is := range week {
		if is {
			names = append(names, time.Weekday((i+1)%7).String())
		}
	}
	return joinAnd(names)
}

func onWeekdays(days []nthWeekday) string {
	words := weekdayWords(days)
	if from, is := strings.CutPrefix(words, "day from "); is {
		return "from " + from
	}
	if words == "day" {
		return "on every day"
	}
	return "on " + words
}

func inMonths(months []int) string {
	if len(months) == 0 {
		return ""
	}
	return " in " + joinAnd(monthNames(months))
}

func monthNames(months []int) []string {
	sorted := slices.Compact(slices.Sorted(slices.Values(months)))
	return each(sorted, func(m int) string { return time.Month(m).String() })
}

func each[T any](of []T, words func(T) string) []string {
	out := make([]string, len(of))
	for i, v := range of {
		out[i] = words(v)
	}
	return out
}
