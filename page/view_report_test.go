package page

import (
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

// facts are the report's, each as "Name: what".
func facts(page element) []string {
	var list []string
	for _, d := range page.one("dl.facts").all("div") {
		list = append(list, d.one("dt").text()+": "+d.one("dd").text())
	}
	return list
}

// description is what search engines and messengers show of the page.
func (e element) description() string {
	for _, meta := range e.all("meta") {
		if meta.attr("name") == "description" {
			return meta.attr("content")
		}
	}
	return ""
}

func TestAReportSetsPlannedBesideActual(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:01")
	w.complete("db", "2027-01-15 07:14")
	page, _ := w.site("2027-01-15 08:02").get(t, "/incidents/db")
	page.one("#banner").reads("Scheduled Maintenance Report for Northwind Scheduled database maintenance " +
		"Completed on January 15, 2027, 14 minutes later than planned https://status.northwind.example/incidents/" + w.Maintenances[0].ID)
	sameTexts(t, facts(page), "Announced: 06:00 – 07:00 UTC, January 15, 2027", "Began: 06:01 UTC 1 min later than announced",
		"Ended: 07:14 UTC 14 min later than announced", "Took: 1 h 13 min 1 h was planned")
	figure := page.one("svg.plan")
	sameTexts(t, figure.texts("text"), "Announced 06:00 – 07:00 UTC", "Actual 06:01 – 07:14 UTC", "14 min later")
	if got := figure.one(".whole").attr("width") + " " + figure.one(".done").attr("x"); got != "81.08% 1.351%" {
		t.Errorf("got %s", got)
	}
	sameTexts(t, page.one("#updates").texts("h3"), "Completed", "In progress", "Scheduled")
	sameTexts(t, page.one("#updates").texts(".meta"), "Posted Jan 15, 2027 - 07:14 UTC", "Posted Jan 15, 2027 - 06:01 UTC", "Posted Jan 13, 2027 - 16:51 UTC")
	page.one("#promises").says("Inbound e-mail Queued, and processed afterwards")
	page.one("#affected").reads("Affected This scheduled maintenance affected: Message delivery (Email, Chats and Posts, Mobile Push, Admin notifications), " +
		"Messenger (Web Messenger, Mobile Messenger), and Web Application, APIs.")
	if !page.one("#postmortem").has("hidden") {
		t.Error("there is no postmortem, and its part is shown")
	}
}

func TestAReportOfAPastEventDoesNotAge(t *testing.T) {
	w := northwind(t)
	s := w.site("2027-01-15 08:02")
	page, _ := s.get(t, "/incidents/"+w.Incidents[0].ID)
	root := page.one("html")
	for _, name := range []string{"data-now", "data-version", "data-speed"} {
		if root.has(name) {
			t.Errorf("a page that is kept for long has %s", name)
		}
	}
	page.one("#foot").reads("All times in UTC Atom RSS Calendar Kept by Interlude")
	page, _ = s.get(t, "/")
	if page.one("html").attr("data-now") != "2027-01-15T08:02:00Z" || page.one("html").attr("data-version") == "" {
		t.Error("the front page does not say of when it is")
	}
}

func TestAReportTellsOfAWindowThatMoved(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 05:58")
	w.extend("db", "2027-01-15 07:30", "2027-01-15 06:40")
	w.complete("db", "2027-01-15 07:18")
	page, _ := w.site("2027-01-15 08:02").get(t, "/incidents/db")
	sameTexts(t, facts(page), "First announced: 06:00 – 07:00 UTC, January 15, 2027", "Announced: 06:00 – 07:30 UTC, January 15, 2027",
		"Began: 05:58 UTC 2 min earlier than announced", "Ended: 07:18 UTC 18 min later than first announced", "Took: 1 h 20 min 1 h was planned")
	page.one("#banner").says("Completed on January 15, 2027, 18 minutes later than first planned")
	page.one("#updates").says("18 minutes after the end first announced")
	sameTexts(t, page.one("svg.plan").texts("text"), "First announced 06:00 – 07:00 UTC", "Actual 05:58 – 07:18 UTC", "18 min later")
	page, _ = w.site("2027-01-15 08:02").get(t, "/")
	page.one("#past").says("Planned 06:00 – 07:00 UTC, extended to 07:30 UTC, carried out 05:58 – 07:18 UTC, 18 min later than first planned.")
}

// The page and the update that is posted at the end speak of the same announcement.
func TestAReportAgreesWithWhatWasPostedAfterAnExtension(t *testing.T) {
	for end, want := range map[string]struct{ posted, lead, ended, took string }{
		"2027-01-15 06:49": {"11 minutes earlier than announced", "11 minutes earlier than planned", "Ended: 06:49 UTC 11 min earlier than announced", "Took: 49 min 1 h was planned"},
		"2027-01-15 07:00": {"has been completed.", "as planned", "Ended: 07:00 UTC as announced", "Took: 1 h 1 h was planned"},
		"2027-01-15 07:44": {"14 minutes after its extended end", "14 minutes after its extended end", "Ended: 07:44 UTC 14 min after its extended end", "Took: 1 h 44 min 1 h 30 min was planned"},
	} {
		t.Run(end, func(t *testing.T) {
			w := northwind(t)
			w.plan("2027-01-13 16:51", database)
			w.begin("db", "2027-01-15 06:00")
			w.extend("db", "2027-01-15 07:30", "2027-01-15 06:40")
			w.complete("db", end)
			page, _ := w.site("2027-01-15 08:02").get(t, "/incidents/db")
			page.one("#updates").all("li")[0].says(want.posted)
			page.one("#banner").one(".lead").reads("Completed on January 15, 2027, " + want.lead)
			sameTexts(t, facts(page)[3:], want.ended, want.took)
		})
	}
}

func TestARecordWithoutABeginningDoesNotInventOne(t *testing.T) {
	w := northwind(t)
	w.apply("2027-01-15 08:00", status.Document{Maintenance: &status.MaintenanceDocument{
		Key: "old", Title: "Upgrade", Window: database.Window, Affects: []string{"APIs"}, Updates: []status.UpdateDocument{
			{Status: status.Scheduled, At: at("2027-01-13 16:51"), Body: "We upgrade."}, {Status: status.Completed, At: at("2027-01-15 07:14"), Body: "Done."},
		},
	}})
	s := w.site("2027-01-15 08:02")
	page, _ := s.get(t, "/incidents/old")
	sameTexts(t, facts(page), "Announced: 06:00 – 07:00 UTC, January 15, 2027", "Ended: 07:14 UTC 14 min later than announced")
	if n := len(page.all("svg.plan")); n > 0 {
		t.Error("got a figure of a span that nobody knows")
	}
	page.one("#banner").one(".lead").reads("Completed on January 15, 2027, 14 minutes later than planned")
	page, _ = s.get(t, "/")
	page.one("#past").all(".day")[0].reads("January 15 Upgrade Done. It was planned for 06:00 – 07:00 UTC. Completed 07:14 UTC")

	w.move("old", func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Reopen(at("2027-01-15 08:10"), operator, status.Post{})
	})
	m, _ := w.Maintenance("old")
	m.Began = time.Time{} // as it is in a store that was written before a reopening set it
	w.PutMaintenance(m)
	for _, path := range []string{"/", "/incidents/old"} {
		page, _ = w.site("2027-01-15 08:12").get(t, path)
		for _, e := range page.all("") {
			for _, a := range e.node.Attr {
				if strings.HasPrefix(a.Val, "0001-") {
					t.Errorf("%s: <%s> has %s=%s, a time that never was", path, e.node.Data, a.Key, a.Val)
				}
			}
		}
		if n := len(page.all("p.event")); n > 0 {
			t.Errorf("%s: got %d days on which it went on, want none that nobody knows", path, n)
		}
	}
}

func TestAnIncidentEnteredWhenItWasOverDoesNotSayHowLongItTook(t *testing.T) {
	w := northwind(t)
	w.apply("2027-01-15 08:00", status.Document{Incident: &status.IncidentDocument{
		Key: "short", Title: "A hiccup", Affects: []string{"APIs"},
		Updates: []status.UpdateDocument{{Status: status.Resolved, At: at("2027-01-15 07:14"), Body: "It is over."}},
	}})
	s := w.site("2027-01-15 08:02")
	page, _ := s.get(t, "/incidents/short")
	page.one("#banner").one(".lead").reads("Resolved")
	sameTexts(t, facts(page), "Began: 07:14 UTC January 15, 2027", "Resolved: 07:14 UTC")
	page, _ = s.get(t, "/")
	page.one("#past").all(".day")[0].reads("January 15 A hiccup It is over. Resolved 07:14 UTC")
}

func TestAReportOfOpenWorkShowsWhereItStands(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	path := "/incidents/db"
	page, _ := w.site("2027-01-13 17:00").get(t, path)
	page.one("#banner").one(".lead").reads("Scheduled for Friday, January 15, 2027")
	page.one("#facts").reads("When Friday, January 15, 2027, 06:00 – 07:00 UTC (1 h) begins in 1 day 13 h Add to calendar")
	page.one("#promises").says("What you will experience")
	page, _ = w.site("2027-01-15 06:02").get(t, path)
	page.one("#banner").one(".lead").reads("Scheduled and not begun yet")

	m, events := w.Maintenances[0].Advance(at("2027-01-15 06:03"), nil)
	if len(events) == 0 {
		t.Fatal("the clock did not begin it")
	}
	w.PutMaintenance(m)
	page, _ = w.site("2027-01-15 06:37").get(t, path)
	page.one("#banner").one(".lead").reads("In progress as planned")
	page.one("#facts").says("Progress Friday, January 15, 2027, 06:00 – 07:00 UTC (1 h) 23 min left")
	page.one("#facts").one("svg.track")
	page.one("#promises").says("What works meanwhile")
	page.one("#updates").all("li")[0].one(".meta").reads("Posted Jan 15, 2027 - 06:03 UTC (due 06:00 UTC)")
	page, _ = w.site("2027-01-15 07:09").get(t, path)
	page.one("#banner").one(".lead").reads("In progress and taking longer than planned")
}

func TestAReportOfCanceledWorkSaysWhatDidNotTakePlace(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.cancel("db", "2027-01-14 15:20", "A new date follows.")
	page, _ := w.site("2027-01-15 08:02").get(t, "/incidents/db")
	page.one("#banner").one(".lead").reads("Canceled before it began")
	sameTexts(t, facts(page), "Announced: 06:00 – 07:00 UTC, January 15, 2027", "Canceled: 15:20 UTC January 14, 2027")
	page.one("#facts").one("s").reads("06:00 – 07:00")
}

func TestAReportOfAnIncidentBeginsWithItsPostmortem(t *testing.T) {
	w := northwind(t)
	id := w.Incidents[0].ID
	i := w.Incidents[0]
	if _, err := w.PostIncident(i, status.Postmortem, status.NamedPost{Body: "A release opened **too many** connections."}, at("2027-01-11 10:00"), operator); err != nil {
		t.Fatal(err)
	}
	page, _ := w.site("2027-01-15 08:02").get(t, "/incidents/"+id)
	page.one("#banner").says("Incident Report for Northwind Web application and API unavailable Resolved after 45 minutes")
	page.one("#postmortem").reads("Postmortem A release opened too many connections. Posted Jan 11, 2027 - 10:00 UTC")
	sameTexts(t, page.one("#updates").texts("h3"), "Resolved", "Investigating")
	sameTexts(t, facts(page), "Began: 09:13 UTC January 5, 2027", "Resolved: 09:58 UTC", "Lasted: 45 min")
	page.one("#affected").reads("Affected This incident affected: Web Application, APIs.")
}

func TestAPreviewStandsAlone(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	var out strings.Builder
	s := w.site("2027-01-13 17:00")
	if err := Report(&out, s.board.Current(), "db", at("2027-01-13 17:00")); err != nil {
		t.Fatal(err)
	}
	page := parsed(t, []byte(out.String()))
	served, _ := s.get(t, "/incidents/db")
	if got, want := page.description(), served.description(); got != want || !strings.HasPrefix(got, "Scheduled Maintenance Report for Northwind. ") {
		t.Errorf("got the description %q, want that of the site, %q", got, want)
	}
	if n := len(page.all("script")) + len(page.all("nav")); n > 0 {
		t.Errorf("got %d scripts and navigations, want none", n)
	}
	for _, a := range page.all("a") {
		if href := a.attr("href"); !strings.HasPrefix(href, "#") {
			t.Errorf("a page without a site links to %s", href)
		}
	}
	page.one("h1").reads("Scheduled database maintenance")
	if err := Report(&out, w.site("2027-01-13 17:00").board.Current(), "none", at("2027-01-13 17:00")); err == nil {
		t.Error("a report of nothing was made")
	}
}
