package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

func TestCountdownAndProgressFollowTheClock(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	b.mark()
	b.reads("#planned .count", "begins in 1 day 13 h")
	s.set("2027-01-15 05:12")
	b.sees("#planned .count", "begins in 48 min")
	b.sees("#banner .lead", "Next maintenance begins in 48 min, today at 06:00 UTC.")
	s.set("2027-01-15 06:00")
	for _, step := range []struct{ at, count, percent string }{
		{"2027-01-15 06:00", "1 h left", "0"},
		{"2027-01-15 06:15", "45 min left", "25"},
		{"2027-01-15 06:30:20", "30 min left", "51"},
		{"2027-01-15 06:59:14.5", "45 s left", "99"},
		{"2027-01-15 07:00", "overrun by 0 s", "100"},
		{"2027-01-15 07:14", "overrun by 14 min", "100"},
		{"2027-01-15 08:30", "overrun by 1 h 30 min", "100"},
	} {
		s.set(step.at)
		b.sees("#now .count", step.count)
		if got := b.attribute("#now .track", "aria-valuenow"); got != step.percent {
			t.Errorf("%s: got %s %% of the window, want %s", step.at, got, step.percent)
		}
		if got := b.attribute("#now .track", "aria-valuetext"); got != step.count {
			t.Errorf("%s: got the progress read as %q, want %q", step.at, got, step.count)
		}
	}
	b.theSame()
}

// What has gone by is drawn as long as it was: in an overrun the announced window shrinks, to make room for it.
func TestTheTrackIsDrawnToScale(t *testing.T) {
	s := underWay(t)
	b := newTab(t)
	b.open(s.url("/"))
	share := func(mark string) float64 {
		t.Helper()
		return eval[float64](b, `(e => Math.round(100 * e.getBoundingClientRect().width / e.closest("svg").getBoundingClientRect().width))(document.querySelector("#now .track " + %s))`, mark)
	}
	b.media("", "prefers-reduced-motion", "reduce")
	b.await(`document.querySelector("#now .track .done").getAttribute("width").startsWith("50")`)
	for mark, want := range map[string]float64{".whole": 100, ".done": 50} {
		if got := share(mark); got != want {
			t.Errorf("at half past six: got %s over %v %% of the track, want %v", mark, got, want)
		}
	}
	s.set("2027-01-15 07:00")
	s.set("2027-01-15 07:20")
	b.sees("#now .count", "overrun by 20 min")
	b.await(`document.querySelector("#now .track .over")`)
	for mark, want := range map[string]float64{".whole": 75, ".over": 25, ".done": 100} {
		if got := share(mark); got != want {
			t.Errorf("at twenty past seven: got %s over %v %% of the track, want %v", mark, got, want)
		}
	}
}

func TestTheReadersOwnTimeStandsBesideThePages(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	for _, reader := range []struct{ zone, window, posted string }{
		{"Asia/Kolkata", "Fri, 11:30 – 12:30 GMT+5:30, your time", "22:21 your time"},
		{"America/New_York", "Fri, 01:00 – 02:00 EST, your time", "11:51 your time"},
		{"Pacific/Honolulu", "Thu, 20:00 – 21:00 HST, your time", "06:51 your time"},
		{"UTC", "(nothing)", "(nothing)"},
		{"Africa/Abidjan", "(nothing)", "(nothing)"}, // another name for the same time of day
	} {
		call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: reader.zone})
		b.open(s.url("/"))
		b.reads("#planned .when .yours", reader.window)
		b.open(s.url(s.report("db")))
		b.reads("#facts .when .yours", reader.window)
		b.reads("#updates .meta .yours", reader.posted)
	}
}

func TestEveryTimeIsForMachinesToo(t *testing.T) {
	s := estimated(t)
	b := newTab(t)
	for _, path := range []string{"/", s.report("db"), s.report("outage"), "/history"} {
		b.open(s.url(path))
		if eval[int](b, `document.querySelectorAll("time").length`) == 0 {
			t.Errorf("%s: got no <time>, want some", path)
		}
		bad := eval[[]string](b, `[...document.querySelectorAll("time")].filter(e => isNaN(Date.parse(e.dateTime))).map(e => e.outerHTML)`)
		if len(bad) > 0 {
			t.Errorf("%s: got times that no machine can read, want a datetime in each: %q", path, bad)
		}
	}
}
