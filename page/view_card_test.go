package page

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

func TestWhatHappensNowIsShownWorstFirst(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:01")
	other := database
	other.Key, other.Title, other.Affects = "late", "Move of the message store", []string{"Email"}
	w.plan("2027-01-13 16:52", other)
	w.trouble("Push is late", "2027-01-15 06:09", status.PartialOutage, "Mobile Push")
	w.trouble("Search is down", "2027-01-15 06:30", status.MajorOutage, "Web Application")
	page, _ := w.site("2027-01-15 07:09").get(t, "/")
	now := page.one("#now")
	sameTexts(t, now.texts("h3"), "Search is down", "Push is late", "Scheduled database maintenance", "Move of the message store")
	var tones []string
	for _, card := range now.all(".card") {
		tones = append(tones, card.attr("class"))
	}
	sameTexts(t, tones, "card on mj", "card on pa", "card on mt", "card on mt")
	sameTexts(t, now.texts(".count"), "overrun by 9 min", "late by 1 h 9 min")
	cards := now.all(".card")
	cards[0].one(".row").reads("Major outage for 39 min")
	cards[0].one(".said").says("Our provider refuses some connections. Posted Jan 15, 2027 - 06:30 UTC")
	cards[1].says("Affects Message delivery (Mobile Push).")
	cards[2].says("It was announced to end at 07:00 UTC. There is no new estimate yet.")
	cards[3].says("It was announced to begin at 06:00 UTC and has not begun yet.")
}

func TestAMaintenanceUnderWayShowsItsProgressAndWhatWorks(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:01")
	page, _ := w.site("2027-01-15 06:37").get(t, "/")
	card := page.one("#now").one(".card")
	card.one(".row").reads("Maintenance in progress 23 min left")
	card.one(".when").reads("Friday, January 15, 2027, 06:00 – 07:00 UTC (1 h)")
	if n := len(card.one(".when").all("time")); n != 2 {
		t.Errorf("got %d times in the window, want 2, which the script counts on", n)
	}
	track := card.one("svg.track")
	if got, want := track.attr("aria-valuenow")+" "+track.attr("aria-valuetext"), "62 23 min left"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if track.has("data-until") || len(track.all(".over")) > 0 {
		t.Error("a maintenance in its window has no overrun")
	}
	done := track.one(".done")
	if got := done.attr("data-from") + " " + done.attr("x") + " " + done.attr("width"); got != "2027-01-15T06:01:00Z 1.667% 60%" {
		t.Errorf("got %s", got)
	}
	table := card.one("table")
	table.one("caption").reads("What works meanwhile")
	sameTexts(t, table.texts("th"), "End users of the messenger", "Teammates in the app", "Developers using the API", "Scheduled messages", "Inbound e-mail")
	sameTexts(t, table.texts("td")[:2], "No interruption", "Unavailable (error 503) for up to 5 minutes at a time")
	card.one(".said").says("In progress The scheduled maintenance has begun, 1 minute after its announced start.")
	if got := card.all("a")[0].attr("href"); got != "/incidents/"+w.Maintenances[0].ID {
		t.Errorf("got a link to %s", got)
	}
}

func TestAnOverrunMakesRoomForItself(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:00")
	w.reestimate("db", "2027-01-15 07:20", "2027-01-15 07:05")
	page, _ := w.site("2027-01-15 07:09").get(t, "/")
	track := page.one("svg.track")
	if got := track.attr("data-until"); got != "2027-01-15T07:20:00Z" {
		t.Errorf("got data-until %s", got)
	}
	if got := track.one(".whole").attr("width") + " " + track.one(".over").attr("x") + " " + track.one(".done").attr("width"); got != "75% 75% 86.25%" {
		t.Errorf("got %s", got)
	}
	sameTexts(t, track.texts("text"), "announced end 07:00", "06:00", "new estimate 07:20 UTC")
	page.one("#now").one(".st").reads("Overrun")
	page.one("#now").one(".said").says("We now expect to finish by 07:20 UTC.")
}

func TestThePlannedAreInOrderAndTheFirstOnesWhole(t *testing.T) {
	w := northwind(t)
	for i := range 53 {
		d := database
		d.Key, d.Title = fmt.Sprint("n", i), fmt.Sprint("Upgrade of cluster ", i+1)
		d.Window.Start = d.Window.Start.Add(time.Duration(i/2) * 24 * time.Hour)
		d.Window.End = d.Window.Start.Add(30 * time.Minute)
		w.plan("2027-01-13 16:51", d)
	}
	page, _ := w.site("2027-01-13 17:00").get(t, "/")
	planned := page.one("#planned")
	sameTexts(t, planned.texts("h3")[:4], "Upgrade of cluster 1", "Upgrade of cluster 2", "Upgrade of cluster 3", "Upgrade of cluster 4")
	if got := fmt.Sprint(len(planned.all(".card")), len(planned.all(".event"))); got != "3 47" {
		t.Errorf("got %s, want 3 whole and 47 in short", got)
	}
	planned.says("3 more maintenances planned after these.")
	row := planned.all(".event")[0]
	row.reads("Upgrade of cluster 4 begins in 2 days 13 h 06:00 – 06:30 UTC (30 min) Affects Message delivery (Email, Chats and Posts, Mobile Push, Admin notifications), Messenger (Web Messenger, Mobile Messenger), and Web Application, APIs.")
	planned.all(".date")[0].reads("January 16")
}

func TestAPlannedMaintenanceTellsItsCircumstances(t *testing.T) {
	w := northwind(t)
	w.Page.LeastNotice = status.Duration(48 * time.Hour)
	w.Page.Blackouts = []status.Blackout{{From: status.Date{Year: 2027, Month: 1, Day: 14}, To: status.Date{Year: 2027, Month: 1, Day: 15}, Reason: "Sale"}}
	d := database
	d.ShortNotice, d.DespiteBlackout = "A certificate was revoked.", "It cannot wait for the sale to end."
	w.plan("2027-01-13 16:51", d)
	repeated := status.MaintenanceDocument{
		Key: "weekly", Title: "Certificate renewal", Window: status.Window{Start: at("2027-01-20 22:00"), End: at("2027-01-20 22:30")},
		Affects: []string{"APIs"}, Recurrence: &status.Recurrence{Rule: "FREQ=WEEKLY;BYDAY=WE"},
	}
	w.plan("2027-01-13 16:52", repeated)
	page, _ := w.site("2027-01-13 17:00").get(t, "/")
	cards := page.one("#planned").all(".card")
	if len(cards) != 2 {
		t.Fatalf("got %d whole cards, want one for each and none for repetitions", len(cards))
	}
	cards[0].says("Announced at short notice: A certificate was revoked.")
	cards[0].says("On a day that is kept free of maintenance: It cannot wait for the sale to end.")
	cards[1].says("Repeats every week on Wednesday; next: Jan 27, Feb 3.")
}

func TestTheSummaryFollowsTheWindow(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	moved := database
	moved.Window = status.Window{Start: at("2027-01-16 22:00"), End: at("2027-01-17 01:30")}
	w.plan("2027-01-13 18:00", moved)
	page, _ := w.site("2027-01-13 18:30").get(t, "/")
	card := page.one("#planned").one(".card")
	card.all(".text")[0].reads("On Jan 16, 2027, 22:00 to Jan 17, 2027, 01:30 UTC we restart our databases. Expect a few brief interruptions, never one long one.")
	card.one(".when").reads("Saturday, January 16, 2027, 22:00 – Sunday, January 17, 2027, 01:30 UTC (3 h 30 min)")
	if n := len(card.one(".when").all("time")); n != 2 {
		t.Errorf("got %d times in the window, want 2", n)
	}
	card.one(".said").says("Was: Jan 15, 2027, 06:00 to 07:00 UTC")
	if strings.Contains(card.text(), "{{") {
		t.Error("a placeholder is shown")
	}
}
