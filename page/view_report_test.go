package page

import (
	"strings"
	"testing"

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
	page.one("#foot").reads("All times in UTC Kept by Interlude")
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
		"Began: 05:58 UTC 2 min earlier than announced", "Ended: 07:18 UTC 12 min earlier than announced", "Took: 1 h 20 min 1 h 30 min was planned")
	page.one("#banner").says("Completed on January 15, 2027, 12 minutes earlier than planned")
}

func TestAReportOfOpenWorkShowsWhereItStands(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	path := "/incidents/db"
	page, _ := w.site("2027-01-13 17:00").get(t, path)
	page.one("#banner").one(".lead").reads("Scheduled for Friday, January 15, 2027")
	page.one("#facts").reads("When Friday, January 15, 2027, 06:00 – 07:00 UTC (1 h) begins in 1 day 13 h")
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
	if err := Report(&out, w.site("2027-01-13 17:00").board.Current(), "db", at("2027-01-13 17:00")); err != nil {
		t.Fatal(err)
	}
	page := parsed(t, []byte(out.String()))
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
