package page

import (
	"time"
)

// historyMonths is how many months one page of the history shows.
const historyMonths = 3

// monthLayout is a month in the history's addresses.
const monthLayout = "2006-01"

// historyView is a page of the history: some months, newest first, and the ways to those before and after.
type historyView struct {
	frame  frame
	Months []historyMonthView
	Older  string
	Newer  string
}

// historyMonthView is a month and the days on which anything ended.
type historyMonthView struct {
	ID, Name string
	Days     []pastDay
}

// historyMonth is the month that a page of the history begins with. No month asked for is the newest with an event.
func historyMonth(e *edition, asked string) (month string, ok bool) {
	v := e.view(nil)
	if asked == "" {
		return v.newestMonth().Format(monthLayout), true
	}
	t, err := time.Parse(monthLayout, asked)
	return asked, err == nil && t.Year() >= 1970 && t.Year() < 10_000
}

// monthOf is the first of the month of a moment, as a date: in UTC, whatever the page's zone.
func (v view) monthOf(t time.Time) time.Time {
	local := t.In(v.zone)
	return time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, time.UTC)
}

func (v view) newestMonth() time.Time {
	if len(v.p.Past) == 0 {
		return v.monthOf(v.now)
	}
	return v.monthOf(v.p.Past[0].At())
}

// history shows the months up to one, and leads past empty ones to the next with an event.
func (v view) history(month string) historyView {
	top, _ := time.Parse(monthLayout, month) // historyMonth has read it before
	bottom := top.AddDate(0, 1-historyMonths, 0)
	var shown historyView
	for n := range historyMonths {
		m := top.AddDate(0, -n, 0)
		shown.Months = append(shown.Months, historyMonthView{ID: "m-" + m.Format(monthLayout), Name: m.Format("January 2006")})
	}
	for _, e := range v.p.Past {
		m := v.monthOf(e.At())
		switch {
		case m.After(top):
			// The last of these is the nearest: the page that ends with it follows this one.
			shown.Newer = "/history/" + earlier(m.AddDate(0, historyMonths-1, 0), v.newestMonth()).Format(monthLayout)
			continue
		case m.Before(bottom):
			shown.Older = "/history/" + m.Format(monthLayout)
			return shown
		}
		of := &shown.Months[months(m, top)]
		day := v.day(e.At())
		if n := len(of.Days); n == 0 || of.Days[n-1].Date.ISO != day.String() {
			of.Days = append(of.Days, pastDay{Date: moment{day.String(), dates(day, day)}})
		}
		last := &of.Days[len(of.Days)-1]
		last.Events = append(last.Events, v.makePastEvent(e))
	}
	return shown
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// months is how many months lie between two firsts of a month.
func months(from, to time.Time) int {
	return 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
}
