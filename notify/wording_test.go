package notify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/status"
)

func TestAWindowIsGivenOnceInEachZone(t *testing.T) {
	morning := status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")}
	for name, c := range map[string]struct {
		page, own string
		window    status.Window
		want      []row
	}{
		"three zones": {"America/New_York", "Europe/Berlin", morning, []row{
			{"Europe/Berlin (your time)", []string{"Fri, Jan 15, 2027, 07:00 to 08:00 CET"}},
			{"America/New_York", []string{"Fri, Jan 15, 2027, 01:00 to 02:00 EST"}},
			{"UTC", []string{"Fri, Jan 15, 2027, 06:00 to 07:00 UTC"}},
		}},
		"no zone of one's own": {"America/New_York", "", morning, []row{
			{"America/New_York", []string{"Fri, Jan 15, 2027, 01:00 to 02:00 EST"}},
			{"UTC", []string{"Fri, Jan 15, 2027, 06:00 to 07:00 UTC"}},
		}},
		"a zone that nobody knows": {"UTC", "Mars/Olympus", morning, []row{{"UTC", []string{"Fri, Jan 15, 2027, 06:00 to 07:00 UTC"}}}},
		"the page's own zone":      {"Europe/Berlin", "Europe/Berlin", morning, []row{{"Europe/Berlin (your time)", []string{"Fri, Jan 15, 2027, 07:00 to 08:00 CET"}}, {"UTC", []string{"Fri, Jan 15, 2027, 06:00 to 07:00 UTC"}}}},
		"another zone whose clocks show the same": {"Europe/Paris", "Europe/Berlin", morning, []row{
			{"Europe/Berlin (your time), Europe/Paris", []string{"Fri, Jan 15, 2027, 07:00 to 08:00 CET"}},
			{"UTC", []string{"Fri, Jan 15, 2027, 06:00 to 07:00 UTC"}},
		}},
		"other days": {"UTC", "Asia/Tokyo", status.Window{Start: at("2027-01-15 14:30"), End: at("2027-01-15 15:30")}, []row{
			{"Asia/Tokyo (your time)", []string{"Fri, Jan 15, 2027, 23:30 to Jan 16, 2027, 00:30 JST"}},
			{"UTC", []string{"Fri, Jan 15, 2027, 14:30 to 15:30 UTC"}},
		}},
		"the clocks go forward": {"UTC", "Europe/Berlin", status.Window{Start: at("2027-03-28 00:30"), End: at("2027-03-28 02:00")}, []row{
			{"Europe/Berlin (your time)", []string{"Sun, Mar 28, 2027, 01:30 CET to 04:00 CEST"}},
			{"UTC", []string{"Sun, Mar 28, 2027, 00:30 to 02:00 UTC"}},
		}},
		"the clocks go back": {"UTC", "Europe/Berlin", status.Window{Start: at("2027-10-31 00:30"), End: at("2027-10-31 01:30")}, []row{
			{"Europe/Berlin (your time)", []string{"Sun, Oct 31, 2027, 02:30 CEST to 02:30 CET"}},
			{"UTC", []string{"Sun, Oct 31, 2027, 00:30 to 01:30 UTC"}},
		}},
		// London shows what UTC does until its clocks go forward, so that they do not share a row.
		"equal at one end only": {"UTC", "Europe/London", status.Window{Start: at("2027-03-28 00:30"), End: at("2027-03-28 02:00")}, []row{
			{"Europe/London (your time)", []string{"Sun, Mar 28, 2027, 00:30 GMT to 03:00 BST"}},
			{"UTC", []string{"Sun, Mar 28, 2027, 00:30 to 02:00 UTC"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := rowsOf([]span{{"", c.window}}, placesOf(status.Page{TimeZone: c.page}, c.own))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("got other rows than want (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMomentSaysItsDayWhereZonesDiffer(t *testing.T) {
	for zone, want := range map[string]string{
		"UTC":              "Jan 15, 2027, 23:30 UTC",
		"Europe/London":    "Jan 15, 2027, 23:30 GMT",
		"Asia/Tokyo":       "Jan 16, 2027, 08:30 JST (Jan 15, 23:30 UTC)",
		"America/New_York": "Jan 15, 2027, 18:30 EST (23:30 UTC)",
	} {
		if got := placesOf(status.Page{}, zone).moment(at("2027-01-15 23:30")); got != want {
			t.Errorf("got %q in %s, want %q", got, zone, want)
		}
	}
}

func TestHeadlinesSayWhatHappened(t *testing.T) {
	want := []string{
		"Maintenance announced", "The window has changed", "Reminder: begins in 1 day", "Maintenance has begun", "Still in progress",
		"Update", "Extended until 05:30 CET", "Taking longer than planned", "Now expected to end by 06:15 CET", "Being verified",
		"Completed", "In progress again", "Incident: investigating", "Identified", "Update", "Resolved",
		"Please confirm", "Your subscription", "Notices have stopped", "This is a test", "Canceled",
	}
	var got []string
	for _, n := range slices.Concat(story(t), outage(t), personal(t), []*Notice{canceled(t)}) {
		got = append(got, word(n, "Europe/Berlin").Headline)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got other headlines than want (-want +got):\n%s", diff)
	}
}

func TestHeadlinesOfTurnsInTheStory(t *testing.T) {
	shorten := func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		return m.Shorten(at("2027-01-15 06:40"), now, by, say)
	}
	for want, happens := range map[string]func(w *town){
		"Will end earlier: by 07:40 CET": func(w *town) { w.tick("2027-01-15 06:00"); w.move("2027-01-15 06:10", shorten, "") },
		"Broken off": func(w *town) {
			w.tick("2027-01-15 06:00")
			w.move("2027-01-15 06:10", status.Maintenance.Cancel, "")
		},
		"The plan has changed": func(w *town) {
			d := database()
			d.Affects = []string{"APIs"}
			w.apply("2027-01-09 09:00", status.Document{Maintenance: &d})
		},
		"Reminder: begins in 3 hours": func(w *town) { w.tick("2027-01-15 03:00") },
		"Has not begun yet": func(w *town) {
			d := database()
			d.Begin = status.Manual
			w.apply("2027-01-09 09:00", status.Document{Maintenance: &d})
			w.tick("2027-01-15 06:05")
		},
	} {
		w := announced(t)
		happens(w)
		if got := word(w.told[len(w.told)-1], "Europe/Berlin").Headline; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWhatTheUpdateSaysIsNotSaidAgain(t *testing.T) {
	late := at("2027-01-15 06:20")
	begin := func(body string) wording {
		w := announced(t)
		w.move("2027-01-15 06:20", status.Maintenance.Begin, body)
		return word(w.last(status.Begun), "")
	}
	said := placesOf(northwind(t).Page, "").moment(late)
	if got, want := begin("").Facts, []fact{{"Began", said}}; !slices.Equal(got, want) {
		t.Errorf("got %v after the standard words, want %v", got, want)
	}
	if got, want := begin("Off we go.").Facts, []fact{{"Began", said + ", 20 minutes after its announced start"}}; !slices.Equal(got, want) {
		t.Errorf("got %v after words of one's own, want %v", got, want)
	}
	complete := func(body string) wording {
		w := announced(t)
		w.tick("2027-01-15 06:00")
		w.move("2027-01-15 06:40", status.Maintenance.Complete, body)
		return word(w.last(status.Finished), "")
	}
	if got := complete("").Facts; len(got) != 0 {
		t.Errorf("got %v after the standard words, want nothing", got)
	}
	if got, want := complete("Done.").Facts, []fact{{"Ended", "20 minutes earlier than announced"}}; !slices.Equal(got, want) {
		t.Errorf("got %v after words of one's own, want %v", got, want)
	}
	if got := word(announced(t).last(status.Announced), "").Promises; got != nil {
		t.Errorf("got promises %v beside an announcement that lists them, want none", got)
	}
	for _, n := range story(t) {
		if got := word(n, ""); n.Kind == Kind(status.Changed) && strings.Contains(got.Body, "Was:") {
			t.Errorf("got both windows in the text beside the table of them: %q", got.Body)
		}
	}
}

func TestAnEndWithinAnExtendedWindowIsComparedWithTheFirstOne(t *testing.T) {
	w := announced(t)
	w.tick("2027-01-15 06:00")
	w.move("2027-01-15 06:50", func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		return m.Extend(at("2027-01-15 08:00"), now, by, say)
	}, "")
	w.move("2027-01-15 07:30", status.Maintenance.Complete, "Done.")
	got := word(w.last(status.Finished), "")
	if want := "within its extended window and 30 minutes after the end first announced"; len(got.Facts) != 1 || got.Facts[0].Text != want {
		t.Errorf("got %v, want %q", got.Facts, want)
	}
	if got.Spans[0].Name != "First announced" || !got.Spans[0].End.Equal(at("2027-01-15 07:00")) {
		t.Errorf("got %v beside what took place, want the end first announced", got.Spans[0])
	}
}

func TestAPageWithoutAnAddressIsLinkedNowhere(t *testing.T) {
	for _, address := range []string{"", "status.northwind.example", "https://", `https://a"b<c>.example`} {
		for name, n := range everything(t) {
			n.Page.URL = address
			if got := word(n, ""); got.Report != "" {
				t.Errorf("got a link %q for %s of a page at %q, want none", got.Report, name, address)
			}
		}
	}
}

func TestLinksToThePageSayWhereItIs(t *testing.T) {
	page := status.Page{URL: "https://status.northwind.example/eu/"}
	for body, want := range map[string]string{
		"[a](/history)":             "[a](https://status.northwind.example/history)",
		"[a](//example.com/list)":   "[a](//example.com/list)",
		"[a](https://example.com/)": "[a](https://example.com/)",
		"1/2 (/not a link)":         "1/2 (/not a link)",
	} {
		if got := text(body, page); got != want {
			t.Errorf("got %q for %q, want %q", got, body, want)
		}
		if got := text(body, status.Page{}); got != body {
			t.Errorf("got %q for %q on a page without an address, want it as it is", got, body)
		}
	}
}

func TestScopesSayWhatWasAskedFor(t *testing.T) {
	n := announced(t).last(status.Announced)
	for want, to := range map[string]Recipient{
		"everything":                      {},
		"the components that were chosen": {Chosen: true},
		"this maintenance":                {Event: n.Subject().ID},
		"one event":                       {Event: "other"},
	} {
		if got := scope(n, to); got != want {
			t.Errorf("got %q for %+v, want %q", got, to, want)
		}
	}
	if got, want := scope(outage(t)[0], Recipient{Event: outage(t)[0].Subject().ID}), "this incident"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnEndpointIsNamedWithoutItsAddress(t *testing.T) {
	for want, to := range map[string]Recipient{
		"Slack (hooks.example.com)":   {Channel: Slack, Address: "https://hooks.example.com/services/secret"},
		"a webhook (ops.example.com)": {Channel: Webhook, Address: "https://ops.example.com:8443/in?key=secret"},
		"a webhook":                   {Channel: Webhook, Address: `https://"<b>"/secret`},
	} {
		if got := where(to); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
