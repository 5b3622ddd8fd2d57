package page

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"example.org/interlude/status"
)

func TestPastDaysAreThoseOfThePageAndQuietOnesAreOneRow(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.cancel("db", "2027-01-14 15:20", "A check found **too little disk space** on one server. A new date follows.")
	page, _ := w.site("2027-01-15 08:02").get(t, "/")
	past := page.one("#past")
	sameTexts(t, past.texts("h3"), "January 15", "January 14", "January 10 – 13", "January 9", "January 6 – 8", "January 5", "January 1 – 4")
	past.all(".day")[0].reads("January 15 No incidents reported.")
	past.all(".day")[1].reads("January 14 Scheduled database maintenance A check found too little disk space on one server. A new date follows. " +
		"It was planned for January 15, 06:00 – 07:00 UTC. Canceled 15:20 UTC")
	past.all(".day")[3].reads("January 9 E-mail to one provider arrives late Everything that was waiting has been delivered, none of it twice. Thank you. " +
		"It lasted 2 h 5 min. Resolved 16:40 UTC")

	w.apply("2027-01-15 09:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind", TimeZone: "Asia/Tokyo"}, Components: []status.ComponentNode{{Name: "Search"}},
	}})
	page, _ = w.site("2027-01-15 16:02").get(t, "/")
	sameTexts(t, page.one("#past").texts("h3"), "January 16", "January 15", "January 11 – 14", "January 10", "January 9", "January 6 – 8", "January 5", "January 2 – 4")
	page.one("#past").all(".day")[3].says("01:40 JST")
	page.one("#past").all(".day")[4].reads("January 9 E-mail to one provider arrives late was going on.")
	page.one("#foot").says("All times in Asia/Tokyo, as of Jan 16, 2027 - 01:02 JST")
}

func TestADayOnWhichSomethingWentOnIsNotQuiet(t *testing.T) {
	w := northwind(t)
	w.incident("A long night", "2027-01-11 22:00", "2027-01-13 04:00", status.PartialOutage, "APIs")
	w.trouble("Push is late", "2027-01-14 23:50", status.DegradedPerformance, "Mobile Push")
	page, _ := w.site("2027-01-15 08:02").get(t, "/")
	past := page.one("#past")
	sameTexts(t, past.texts("h3")[:6], "January 15", "January 14", "January 13", "January 12", "January 11", "January 10")
	past.all(".day")[0].reads("January 15 Push is late is going on.")
	past.all(".day")[1].reads("January 14 Push is late is going on.")
	past.all(".day")[3].reads("January 12 A long night was going on.")
	past.all(".day")[4].reads("January 11 A long night was going on.")
	past.all(".day")[5].reads("January 10 No incidents reported.")
}

func TestACompletedMaintenanceSaysPlannedAndActual(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:01")
	w.complete("db", "2027-01-15 07:14")
	page, _ := w.site("2027-01-15 08:02").get(t, "/")
	page.one("#past").all(".day")[0].reads("January 15 Scheduled database maintenance The scheduled maintenance has been completed, " +
		"14 minutes after its announced end of 07:00 UTC. Planned 06:00 – 07:00 UTC, carried out 06:01 – 07:14 UTC, 14 min later than planned. Completed 07:14 UTC")
}

func TestADayWithManyEventsLeadsToTheHistory(t *testing.T) {
	w := northwind(t)
	for i := range 13 {
		w.incident(fmt.Sprint("Trouble ", i), "2027-01-12 10:00", fmt.Sprintf("2027-01-12 11:%02d", i), status.DegradedPerformance, "APIs")
	}
	page, _ := w.site("2027-01-13 17:00").get(t, "/")
	day := page.one("#past").all(".day")[1]
	if n := len(day.all("h4")); n != mostOfDay {
		t.Errorf("got %d events, want %d", n, mostOfDay)
	}
	day.says("3 more events")
	if got := day.all("a")[mostOfDay].attr("href"); got != "/history/2027-01" {
		t.Errorf("got a link to %s", got)
	}
}

func TestTheHistoryGoesByMonthsAndPassesEmptyOnes(t *testing.T) {
	w := northwind(t)
	w.incident("Old trouble", "2025-03-30 10:00", "2025-03-30 11:00", status.PartialOutage, "APIs")
	s := w.site("2027-02-13 17:00")
	for path, want := range map[string]struct{ months, titles, links string }{
		"/history": {
			"January 2027, December 2026, November 2026", "E-mail to one provider arrives late, Web application and API unavailable",
			"Older /history/2026-10",
		},
		"/history/2026-10": {
			"October 2026, September 2026, August 2026", "Push notifications arrive late", "Older /history/2025-03, Newer /history/2027-01",
		},
		"/history/2025-03": {"March 2025, February 2025, January 2025", "Old trouble", "Newer /history/2026-12"},
	} {
		t.Run(path, func(t *testing.T) {
			page, answer := s.get(t, path)
			if answer.Code != 200 {
				t.Fatalf("got %d", answer.Code)
			}
			var links []string
			for _, a := range page.one("nav.pages").all("a") {
				links = append(links, a.text()+" "+a.attr("href"))
			}
			sameTexts(t, []string{strings.Join(page.texts("h2"), ", "), strings.Join(page.texts("h3"), ", "), strings.Join(links, ", ")},
				want.months, want.titles, want.links)
		})
	}
	for _, path := range []string{"/history/2027-1", "/history/2027-13", "/history/january", "/history/0000-01"} {
		if _, answer := s.get(t, path); answer.Code != 404 {
			t.Errorf("%s: got %d, want 404", path, answer.Code)
		}
	}
}

func TestAnExcerptIsPlainAndShort(t *testing.T) {
	for body, want := range map[string]string{
		"": "",
		"# Title\n\nFirst *words* with `code`,\nand [a link](https://example.org).\n\nSecond.": "First words with code, and a link.",
		"- one\n- two":                      "one",
		"<b>bold</b> & <https://a.example>": "<b>bold</b> & https://a.example",
		"Use the <token> header.":           "Use the <token> header.",
		strings.Repeat("A short one. ", 20): strings.TrimSpace(strings.Repeat("A short one. ", 15)),
		strings.Repeat("ünbroken ", 40):     strings.TrimSpace(strings.Repeat("ünbroken ", 22)) + "…",
	} {
		got := excerpt(body)
		if got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
		if n := utf8.RuneCountInString(got); n > mostSaid {
			t.Errorf("%q: got %d characters", body, n)
		}
	}
}

func TestCountsReadAsTheScriptSaysThem(t *testing.T) {
	for _, c := range []struct {
		kind string
		d    time.Duration
		want string
	}{
		{begins, 37*time.Hour + time.Second, "begins in 1 day 13 h"},
		{begins, 48 * time.Hour, "begins in 2 days"},
		{begins, 59*time.Minute + time.Second, "begins in 1 h"},
		{begins, 42 * time.Second, "begins in 42 s"},
		{begins, 0, "begins now"},
		{begins, -5 * time.Minute, "late by 5 min"},
		{left, 23 * time.Minute, "23 min left"},
		{left, 22*time.Minute + time.Second, "23 min left"},
		{left, -9*time.Minute - 59*time.Second, "overrun by 9 min"},
		{since, -90 * time.Minute, "for 1 h 30 min"},
		{ago, -48 * time.Minute, "48 min ago"},
	} {
		if got := countText(c.kind, c.d); got != c.want {
			t.Errorf("%s %v: got %q, want %q", c.kind, c.d, got, c.want)
		}
	}
}
