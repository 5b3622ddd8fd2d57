package page

import (
	"log/slog"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// shown is a headline: of which town and when, its tone and words, and the sentence below.
type shown struct {
	town             func(t *testing.T) *town
	now              string
	tone, says, lead string
}

func (c shown) check(t *testing.T) {
	page, _ := c.town(t).site(c.now).get(t, "/")
	banner := page.one("#banner")
	if got := banner.attr("class"); got != "banner "+c.tone {
		t.Errorf("got class %q, want the tone %s", got, c.tone)
	}
	banner.one("h1").reads(c.says)
	banner.one(".lead").reads(c.lead)
	if got := page.all("title")[0].node.FirstChild.Data; c.tone != toneNone && got != c.says+" · Northwind" {
		t.Errorf("got title %q", got)
	}
}

func plannedTown(t *testing.T) *town {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	return w
}

func begunTown(t *testing.T) *town {
	w := plannedTown(t)
	w.begin("db", "2027-01-15 06:00")
	return w
}

func TestTheHeadlineOfACalmPageSaysWhatComesNext(t *testing.T) {
	for name, c := range map[string]shown{
		"nothing entered": {
			bare0, "2027-01-13 17:00", "no", "Nothing to report yet",
			"This page is new. Components, planned maintenance and incidents appear here as soon as there are any.",
		},
		"all is well": {northwind0, "2027-01-13 17:00", "ok", "All systems operational", "No maintenance is planned."},
		"planned": {
			plannedTown, "2027-01-13 17:00", "ok", "All systems operational",
			"Next maintenance begins in 1 day 13 h, on Friday at 06:00 UTC.",
		},
		"planned today": {
			plannedTown, "2027-01-15 05:30", "ok", "All systems operational",
			"Next maintenance begins in 30 min, today at 06:00 UTC.",
		},
		"late": {
			plannedTown, "2027-01-15 06:05", "ok", "All systems operational",
			"Scheduled database maintenance was to begin at 06:00 UTC and has not begun yet.",
		},
	} {
		t.Run(name, c.check)
	}
}

func TestTheHeadlineSaysTheWorstThatIs(t *testing.T) {
	for name, c := range map[string]shown{
		"under way": {begunTown, "2027-01-15 06:37", "mt", "Maintenance in progress", "As planned, until 07:00 UTC."},
		"under way, with a part untouched": {func(t *testing.T) *town {
			w := northwind(t)
			d := database
			d.Affects = []string{"APIs"}
			w.plan("2027-01-13 16:51", d)
			w.begin("db", "2027-01-15 06:00")
			return w
		}, "2027-01-15 06:37", "mt", "Maintenance in progress", "As planned, until 07:00 UTC. Everything else is operational."},
		"expected to be late": {func(t *testing.T) *town {
			w := begunTown(t)
			w.reestimate("db", "2027-01-15 07:20", "2027-01-15 06:30")
			return w
		}, "2027-01-15 06:37", "mt", "Maintenance in progress", "It is now expected to end at 07:20 UTC, 20 min later than announced."},
		"extended": {func(t *testing.T) *town {
			w := begunTown(t)
			w.extend("db", "2027-01-15 07:30", "2027-01-15 06:30")
			return w
		}, "2027-01-15 06:37", "mt", "Maintenance in progress", "It was extended from 07:00 UTC to 07:30 UTC."},
		"verifying": {func(t *testing.T) *town {
			w := begunTown(t)
			w.verify("db", "2027-01-15 06:40")
			return w
		}, "2027-01-15 06:52", "mt", "Maintenance done, being verified", "We call it complete when everything has been checked."},
		"overrun": {
			begunTown, "2027-01-15 07:09", "mt", "Maintenance is taking longer than planned",
			"It was to end at 07:00 UTC. There is no new estimate yet.",
		},
		"overrun with an estimate": {func(t *testing.T) *town {
			w := begunTown(t)
			w.reestimate("db", "2027-01-15 07:20", "2027-01-15 07:05")
			return w
		}, "2027-01-15 07:09", "mt", "Maintenance is taking longer than planned", "It was to end at 07:00 UTC. The new estimate is 07:20 UTC."},
		"overrun past its estimate": {
			func(t *testing.T) *town {
				w := begunTown(t)
				w.reestimate("db", "2027-01-15 07:20", "2027-01-15 07:05")
				return w
			}, "2027-01-15 07:25", "mt", "Maintenance is taking longer than planned",
			"It was to end at 07:00 UTC. The estimate of 07:20 UTC has passed too; there is no newer one yet.",
		},
		"overrun while it is checked": {
			func(t *testing.T) *town {
				w := begunTown(t)
				w.verify("db", "2027-01-15 06:40")
				return w
			}, "2027-01-15 07:09", "mt", "Maintenance is taking longer than planned",
			"The work is done and is being checked. It was to end at 07:00 UTC. There is no new estimate yet.",
		},
		"an outage while it is checked": {func(t *testing.T) *town {
			w := begunTown(t)
			w.verify("db", "2027-01-15 06:40")
			w.trouble("Push is late", "2027-01-15 06:59", status.PartialOutage, "Mobile Push")
			return w
		}, "2027-01-15 07:09", "pa", "Partial outage", "Mobile Push is affected. A planned maintenance is also being verified, and takes longer than planned."},
		"completed": {func(t *testing.T) *town {
			w := begunTown(t)
			w.complete("db", "2027-01-15 07:14")
			return w
		}, "2027-01-15 08:02", "ok", "All systems operational", "Scheduled database maintenance was completed 48 min ago."},
		"an outage during maintenance": {func(t *testing.T) *town {
			w := begunTown(t)
			w.trouble("Push is late", "2027-01-15 06:09", status.PartialOutage, "Mobile Push")
			return w
		}, "2027-01-15 06:37", "pa", "Partial outage", "Mobile Push is affected. A planned maintenance is also in progress."},
		"one component": {func(t *testing.T) *town {
			w := northwind(t)
			w.trouble("Slow", "2027-01-13 16:30", status.DegradedPerformance, "Web Application", "APIs")
			return w
		}, "2027-01-13 17:00", "dg", "Degraded performance", "Web Application and APIs are affected. The other 6 components are operational."},
		"an incident of no component": {func(t *testing.T) *town {
			w := northwind(t)
			w.trouble("We are looking at reports", "2027-01-13 16:30", status.Operational)
			return w
		}, "2027-01-13 17:00", "ok", "All systems operational", "We are looking at reports is being looked into."},
	} {
		t.Run(name, c.check)
	}
}

func northwind0(t *testing.T) *town { return northwind(t) }

func bare0(t *testing.T) *town { return bare(t) }

func TestAPageThatHasNotBeenReadSaysSo(t *testing.T) {
	s := New(board.New(nil, stopped(at("2027-01-13 17:00")), slog.New(slog.DiscardHandler)), stopped(at("2027-01-13 17:00")), slog.New(slog.DiscardHandler))
	page, answer := s.get(t, "/")
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("got %d with Retry-After %q", answer.Code, answer.Header().Get("Retry-After"))
	}
	page.one("h1").reads("The status page is starting")
}

func TestAPageWhoseStoreIsAwaySaysHowOldItIs(t *testing.T) {
	b := &still{picture: board.Of(northwind(t).Book), asOf: at("2027-01-15 12:03"), silent: true}
	page, _ := New(b, stopped(at("2027-01-15 12:07").Add(30*time.Second)), slog.New(slog.DiscardHandler)).get(t, "/")
	page.one("#stale").reads("Shown as of 12:03 UTC, 4 min ago. Newer changes cannot be read at the moment; this page catches up by itself.")
	page.one("#foot").says("as of Jan 15, 2027 - 12:03 UTC")
	page.one("#banner").one(".lead").says("As far as this page knows.")
}
