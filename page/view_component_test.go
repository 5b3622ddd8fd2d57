package page

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// bars gives the bar of each component by name: its runs as "tone width", and what is said of them.
func bars(page element) map[string]element {
	found := make(map[string]element)
	for _, c := range page.all(".comp") {
		for _, bar := range c.all(".bar") {
			name, _, _ := strings.Cut(bar.attr("aria-label"), ",")
			found[name] = c
		}
	}
	return found
}

// heading is the name of a component's line.
func heading(c element) string {
	return append(c.all("h3"), c.all("h4")...)[0].text()
}

func runsOf(c element) string {
	var runs []string
	for _, r := range c.one(".bar").all("rect") {
		text := r.attr("class") + r.attr("width")
		for _, title := range r.all("title") {
			text += " " + title.node.FirstChild.Data
		}
		runs = append(runs, text)
	}
	return strings.Join(runs, " | ")
}

func TestABarEndsWithTheDayOfThePagesZone(t *testing.T) {
	w := northwind(t)
	w.Page.TimeZone = "Asia/Kolkata"
	w.incident("Trouble", "2027-01-12 10:00", "2027-01-12 11:00", status.MajorOutage, "APIs")
	hour := &hand{}
	hour.set("2027-01-13 18:25") // 23:55 there
	s := New(&still{picture: board.Of(w.Book)}, hour, slog.New(slog.DiscardHandler))
	page, _ := s.get(t, "/")
	before := runsOf(bars(page)["APIs"])
	hour.set("2027-01-13 18:35") // 00:05 of the next day, in the same hour of UTC
	s.publish()
	page, _ = s.get(t, "/")
	if got := page.one("#components").attr("data-today"); got != "2027-01-14" {
		t.Fatalf("got today %s, want the day of the zone", got)
	}
	if got, want := runsOf(bars(page)["APIs"]), strings.Replace(strings.TrimSuffix(before, "ok1"), "ok81", "ok80", 1)+"ok2"; got != want {
		t.Errorf("got  %s\nwant %s, a day further", got, want)
	}
}

func TestABarTellsNinetyDays(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:00")
	page, _ := w.site("2027-01-15 06:37").get(t, "/")
	if got := page.one("#components").attr("data-today"); got != "2027-01-15" {
		t.Errorf("got data-today %s", got)
	}
	all := bars(page)
	for name, want := range map[string]string{
		"Email":       "ok83 | dg1 January 9: Degraded performance, 2 h 5 min. E-mail to one provider arrives late | ok5 | mt1 January 15: Under maintenance. Scheduled database maintenance",
		"Mobile Push": "ok10 | pa1 October 28: Partial outage, 2 h. Push notifications arrive late | pa1 October 29: Partial outage, 4 h 20 min. Push notifications arrive late | ok77 | mt1 January 15: Under maintenance. Scheduled database maintenance",
	} {
		if got := runsOf(all[name]); got != want {
			t.Errorf("%s: got  %s\nwant %s", name, got, want)
		}
	}
	if got, want := all["APIs"].one(".bar").attr("aria-label"), "APIs, last 90 days: 99.96 % uptime, 1 day with major outage, 1 day with planned maintenance"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	sum := 0
	for _, c := range all {
		for _, r := range c.one(".bar").all("rect") {
			n, _ := strconv.Atoi(r.attr("width"))
			sum += n
		}
	}
	if sum != barDays*len(all) {
		t.Errorf("the bars hold %d days, want %d for each of %d", sum, barDays, len(all))
	}
	all["Email"].one(".up").reads("100 %")
	all["Mobile Push"].one(".up").reads("99.91 %")
}

func TestNothingIsSaidOfTheTimeBeforeAComponent(t *testing.T) {
	w := northwind(t)
	w.apply("2026-12-02 08:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "Exports", Description: "Files by mail."}},
	}})
	page, _ := w.site("2027-01-15 06:37").get(t, "/")
	c := bars(page)["Exports"]
	if got, want := runsOf(c), "no45 until December 1: No data | ok45"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.says("Files by mail.")
}

func TestUptimeSaysHowItCounts(t *testing.T) {
	for counts, want := range map[bool]string{
		false: "The last 90 days, today at the right. Uptime does not count planned maintenance.",
		true:  "The last 90 days, today at the right. Uptime counts planned maintenance as downtime.",
	} {
		w := northwind(t)
		w.Page.MaintenanceCounts = counts
		w.plan("2027-01-13 16:51", database)
		w.begin("db", "2027-01-15 06:00")
		w.complete("db", "2027-01-15 07:00")
		page, _ := w.site("2027-01-15 08:00").get(t, "/")
		page.one("#components").says(want)
		uptime := map[bool]string{false: "100 %", true: "99.95 %"}[counts]
		bars(page)["Web Messenger"].one(".up").reads(uptime)
	}
}

func TestGroupsAreOpenWhenTheyAreFewOrAreInTrouble(t *testing.T) {
	w := northwind(t)
	page, _ := w.site("2027-01-13 17:00").get(t, "/")
	for _, g := range page.all("details") {
		if !g.has("open") {
			t.Errorf("%s is closed on a small page", g.one("h3").text())
		}
	}
	var nodes []status.ComponentNode
	for _, g := range []string{"Europe", "Asia"} {
		group := status.ComponentNode{Group: g}
		for i := range 8 {
			group.Components = append(group.Components, status.ComponentNode{Name: "Shard " + strconv.Itoa(i)})
		}
		nodes = append(nodes, group)
	}
	w = bare(t)
	w.apply("2026-07-01 09:00", status.Document{Page: &status.PageDocument{Page: status.PageFields{Name: "Northwind"}, Components: nodes}})
	w.trouble("Shard 3 is slow", "2027-01-13 16:00", status.DegradedPerformance, "Asia / Shard 3")
	page, _ = w.site("2027-01-13 17:00").get(t, "/")
	groups := page.all("details")
	if len(groups) != 2 || groups[0].has("open") || !groups[1].has("open") {
		t.Fatalf("got %d groups, want Europe closed and Asia open", len(groups))
	}
	groups[0].one("summary").reads("Europe 8 Operational")
	groups[1].one("summary").reads("Asia 8 Degraded performance")
	page.one("#banner").one(".lead").reads("Shard 3 (Asia) is affected. The other 15 components are operational.")
}

func TestAChangeRendersOnlyTheComponentsThatItTouched(t *testing.T) {
	w := northwind(t)
	s := w.site("2027-01-13 17:00")
	email := find(t, w, "Email")
	before := rowsOf(s)
	w.trouble("E-mail is slow", "2027-01-13 16:30", status.DegradedPerformance, "Email")
	b := s.board.(*still)
	b.picture = board.Of(w.Book)
	for id := range b.picture.Touched {
		b.picture.Touched[id] = s.edition.Load().picture.Touched[id]
	}
	b.picture.Touched[email.ID]++
	s.publish()
	after := rowsOf(s)
	for id, row := range after {
		if same := &row[0] == &before[id][0]; same == (id == email.ID) {
			t.Errorf("component %s: got the same row %v", id, same)
		}
	}
	page, _ := s.get(t, "/")
	bars(page)["Email"].one(".st").reads("Degraded performance")
}

func rowsOf(s *Site) map[string]rendered {
	rows := make(map[string]rendered)
	for id, kept := range s.kept.rows.is {
		rows[id] = kept.value
	}
	return rows
}

func find(t testing.TB, w *town, name string) status.Component {
	t.Helper()
	for _, c := range w.Components {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no component %s", name)
	return status.Component{}
}

func TestAComponentMayBeListedOnlyWhileSomethingIsWrong(t *testing.T) {
	w := northwind(t)
	for _, c := range w.Components {
		if c.Name == "APIs" || c.Name == "Web Messenger" || c.Name == "Mobile Messenger" {
			c.OnlyIfDegraded = true
			w.PutComponent(c)
		}
	}
	names := func(page element) string {
		var all []string
		for _, c := range page.all(".comp") {
			all = append(all, heading(c))
		}
		return strings.Join(all, ", ")
	}
	page, _ := w.site("2027-01-15 06:37").get(t, "/")
	if got, want := names(page), "Email, Chats and Posts, Mobile Push, Admin notifications, Web Application"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := len(page.all(".group")); got != 1 {
		t.Errorf("got %d groups, want the one that has anything to show", got)
	}
	w.trouble("Something fails", "2027-01-15 06:30", status.PartialOutage, "APIs", "Mobile Messenger")
	page, _ = w.site("2027-01-15 06:37").get(t, "/")
	if got, want := names(page), "Email, Chats and Posts, Mobile Push, Admin notifications, Mobile Messenger, Web Application, APIs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	groups := page.all(".group")
	if len(groups) != 2 {
		t.Fatalf("got %d groups, want both", len(groups))
	}
	groups[1].one("summary").says("Messenger 1")
	groups[1].one("summary").says("Partial outage")
}

func TestAComponentMayHideItsPast(t *testing.T) {
	w := northwind(t)
	const note = "The last 90 days, today at the right."
	hide := func(some func(status.Component) bool) element {
		for _, c := range w.Components {
			c.HideUptime = some(c)
			w.PutComponent(c)
		}
		page, _ := w.site("2027-01-15 06:37").get(t, "/")
		return page
	}
	page := hide(func(c status.Component) bool { return c.Name == "APIs" })
	all := bars(page)
	if _, has := all["APIs"]; has || len(all) != 7 {
		t.Errorf("got %d bars, want those of the seven others", len(all))
	}
	for _, c := range page.all(".comp") {
		if heading(c) == "APIs" {
			c.one(".up").reads("")
			c.says("Operational")
		}
	}
	page.one("#components").says(note)
	page = hide(func(status.Component) bool { return true })
	if len(page.all(".bar")) != 0 || strings.Contains(page.one("#components").text(), note) {
		t.Errorf("got %d bars, want none and no words on them", len(page.all(".bar")))
	}
}

func TestABarBeginsWithTheStart(t *testing.T) {
	w := northwind(t)
	w.Page.TimeZone = "America/New_York"
	for _, c := range w.Components {
		switch c.Name {
		case "APIs":
			c.Start = status.Date{Year: 2027, Month: 1, Day: 6} // after its outage
		case "Email":
			c.Start = status.Date{Year: 2020, Month: 1, Day: 1}
		case "Web Application":
			c.Start = status.Date{Year: 2027, Month: 2, Day: 1}
		}
		w.PutComponent(c)
	}
	page, _ := w.site("2027-01-15 06:37").get(t, "/")
	all := bars(page)
	for name, want := range map[string]struct{ runs, up string }{
		"APIs":            {"no80 until January 5: No data | ok10", "100 %"},
		"Email":           {"ok83 | dg1 January 9: Degraded performance, 2 h 5 min. E-mail to one provider arrives late | ok6", "100 %"},
		"Web Application": {"no90 until January 15: No data", "No data"},
	} {
		if got := runsOf(all[name]); got != want.runs {
			t.Errorf("%s: got  %s\nwant %s", name, got, want.runs)
		}
		all[name].one(".up").reads(want.up)
	}
}
