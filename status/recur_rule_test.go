package status

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
)

// given is the rule evaluated the slow way: whether a day has what the rule asks for, positions aside.
func (r rule) given(d Date) bool {
	at := d.In(time.UTC)
	end := time.Date(d.Year, d.Month+1, 0, 0, 0, 0, 0, time.UTC)
	ofYear := time.Date(d.Year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	yes := func(set []int, values ...int) bool {
		return len(set) == 0 || slices.ContainsFunc(values, func(v int) bool { return slices.Contains(set, v) })
	}
	if !yes(r.months, int(d.Month)) || !yes(r.monthDays, d.Day, d.Day-end.Day()-1) || !yes(r.yearDays, at.YearDay(), at.YearDay()-ofYear-1) {
		return false
	}
	number, length := d.Day, end.Day()
	if r.freq == rrule.YEARLY && len(r.months) == 0 {
		number, length = at.YearDay(), ofYear
	}
	return len(r.weekdays) == 0 || slices.ContainsFunc(r.weekdays, func(w nthWeekday) bool {
		return w.day == at.Weekday() && (w.n == 0 || w.n == (number+6)/7 || w.n == -(length-number+7)/7)
	})
}

// period is the day with which the period of d begins, and how many periods lie between it and the one of first.
func (r rule) period(first, d Date) (begins Date, apart int) {
	a, b := first.In(time.UTC), d.In(time.UTC)
	switch r.freq {
	case rrule.DAILY:
		return d, int(b.Sub(a).Hours() / 24)
	case rrule.WEEKLY:
		a = a.AddDate(0, 0, -(int(a.Weekday()-r.wkst)+7)%7)
		b = b.AddDate(0, 0, -(int(b.Weekday()-r.wkst)+7)%7)
		return DateOf(b), int(b.Sub(a).Hours() / 24 / 7)
	case rrule.MONTHLY:
		return Date{d.Year, d.Month, 1}, 12*(d.Year-first.Year) + int(d.Month-first.Month)
	}
	return Date{d.Year, 1, 1}, d.Year - first.Year
}

// slowly is days evaluated day by day.
func (r rule) slowly(first, last Date) []Date {
	r = r.explicit(first)
	var days, set []Date
	begin, _ := r.period(first, first)
	flush := func() {
		for i, d := range set {
			if (len(r.setpos) == 0 || slices.Contains(r.setpos, i+1) || slices.Contains(r.setpos, i-len(set))) && !d.before(first) {
				days = append(days, d)
			}
		}
		set = nil
	}
	of := begin
	for at := begin.In(time.UTC); DateOf(at).before(last); at = at.AddDate(0, 0, 1) {
		d := DateOf(at)
		begins, apart := r.period(first, d)
		if begins != of {
			flush()
			of = begins
		}
		if apart%r.interval == 0 && r.given(d) {
			set = append(set, d)
		}
	}
	return days
}

func TestDaysAreThoseOfADayByDayEvaluation(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for range 500 {
		text := "FREQ=" + pick("DAILY", "WEEKLY", "MONTHLY", "YEARLY") + pick("", ";INTERVAL=2", ";INTERVAL=3", ";INTERVAL=7") +
			pick("", "", ";BYDAY=SU", ";BYDAY=MO,TH", ";BYDAY=1SU", ";BYDAY=-1FR,2MO", ";BYDAY=5WE,MO", ";BYDAY=-5SA,53TU") +
			pick("", "", ";BYMONTHDAY=31", ";BYMONTHDAY=1,-1,15") + pick("", "", ";BYMONTH=2", ";BYMONTH=1,6,12") +
			pick("", "", "", ";BYYEARDAY=1,60,-1,-60,366,-366") + pick("", "", ";BYSETPOS=1", ";BYSETPOS=-1,2") + pick("", ";WKST=SU", ";WKST=WE")
		r, err := parseRule(text)
		if err != nil {
			continue
		}
		first := DateOf(time.Date(2027, 1, 1+random.IntN(800), 0, 0, 0, 0, time.UTC))
		last := Date{2040, 1, 1}
		var got []Date
		for d := range r.days(first, first) {
			if !d.before(last) {
				break
			}
			got = append(got, d)
		}
		want := r.slowly(first, last)
		for i := range max(len(got), len(want)) {
			// The slow evaluation leaves out the period in which it ends.
			if i < len(want) && (i >= len(got) || got[i] != want[i]) || i >= len(want) && got[i].Year < 2039-r.interval {
				t.Fatalf("%s from %s, day %d: got %v, want %v", text, first, i, got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
			}
		}
	}
}
