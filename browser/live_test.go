package browser

import (
	"context"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// theSame says that the page has not been loaded anew since it was marked.
func (b *tab) theSame() {
	b.t.Helper()
	if !eval[bool](b, `window.marked === true`) {
		b.t.Error("got a page that was loaded anew, want one that changed in place")
	}
}

func (b *tab) mark() {
	b.t.Helper()
	eval[bool](b, `window.marked = true`)
}

func TestAnOpenPageFollowsAMaintenanceFromAnnouncementToEnd(t *testing.T) {
	s := northwind(t)
	s.set("2027-01-15 05:58:30")
	b := newTab(t)
	b.open(s.url("/"))
	b.mark()
	b.reads("#planned h3", database.Title)
	b.reads("#planned .count", "begins in 2 min")
	b.reads("#said", "")

	s.set("2027-01-15 06:00")
	b.sees("#banner h1", "Maintenance in progress")
	b.sees("#said", "Updated: Now, Planned maintenance, Components, Past events.")
	b.sees("#now .count", "1 h left")
	b.reads("#now .row .st", "Maintenance in progress")
	b.reads("#now .said h4", "In progress")
	b.reads("#planned", "")

	s.set("2027-01-15 06:40")
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Extend(ctx, "db", at("2027-01-15 07:30"), status.Post{Body: "One database takes longer to start."}, operator)
		return err
	})
	b.sees("#banner .lead", "It was extended from 07:00 UTC to 07:30 UTC. Everything else is operational.")
	b.sees("#said", "Updated: Now.")
	b.sees("#now .count", "50 min left")

	s.set("2027-01-15 07:30")
	s.set("2027-01-15 07:41")
	b.sees("#banner h1", "Maintenance is taking longer than planned")
	b.sees("#now .count", "overrun by 11 min")

	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Complete(ctx, "db", status.Post{}, operator)
		return err
	})
	b.sees("#banner h1", "All systems operational")
	b.sees("#past h4", database.Title)
	b.reads("#now", "")
	if got, want := eval[string](b, `document.title`), "All systems operational · Northwind"; got != want {
		t.Errorf("got the title %q, want %q", got, want)
	}
	b.theSame()
}

func TestAnOpenReportFollowsItsMaintenance(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url(s.report("db")))
	b.mark()
	b.reads("#banner [role=status] .st", "Scheduled")
	s.set("2027-01-15 06:00")
	b.sees("#banner [role=status] .st", "In progress")
	b.sees("#updates h3", "In progress")
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Complete(ctx, "db", status.Post{Body: "Done early."}, operator)
		return err
	})
	b.sees("#banner [role=status] .st", "Completed")
	b.sees("#facts h2", "Planned and actual")
	b.theSame()
}

func TestAChangeLeavesTheReaderWhereSheWas(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	b.mark()
	const delivery = `[...document.querySelectorAll("details")].find(d => d.querySelector("h3").textContent === "Message delivery")`
	eval[bool](b, `((window.before = document.querySelector("#components .list"), `+delivery+`.open = false), true)`)
	b.focusBar("Web Application")

	s.set("2027-01-15 06:00")
	b.sees("#banner h1", "Maintenance in progress")
	b.sees("#components summary .st", "Under maintenance")
	if eval[bool](b, `window.before.isConnected`) {
		t.Error("got the list of components from before, want a new one")
	}
	if eval[bool](b, delivery+`.open`) {
		t.Error("got an open group, want the one that the reader closed to stay closed")
	}
	if got := b.focused(); got != "bar of Web Application" {
		t.Errorf("got the focus on the %s, want it to stay on the bar of Web Application", got)
	}

	eval[bool](b, `(document.querySelector("#now h3 a").focus(), true)`)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Post(ctx, "db", status.Post{Body: "Half of the databases run again."}, operator)
		return err
	})
	b.sees("#now .said .text", "Half of the databases run again.")
	if got, want := b.focused(), "A "+database.Title; got != want {
		t.Errorf("got the focus on %s, want it to stay on %s", got, want)
	}
	eval[bool](b, `(document.querySelector("#now > .list > .card > .more:last-child a").focus(), true)`)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Post(ctx, "db", status.Post{Body: "All databases run again."}, operator)
		return err
	})
	b.sees("#now .said .text", "All databases run again.")
	if got, want := b.focused(), "A All updates: "+database.Title; got != want {
		t.Errorf("got the focus on %s, want it to stay on %s", got, want)
	}
	b.theSame()
}

// Browsers keep a page that was left for the way back. Its stream would keep one of the six connections that they open to
// a server, and the seventh page would never come.
func TestPagesThatWereLeftHoldNoConnection(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	for range 5 {
		b.open(s.url("/"))
		b.open(s.url("/history"))
	}
	b.open(s.url("/"))
	b.mark()
	b.open(s.url("/history"))
	s.set("2027-01-15 06:00")
	b.back()
	b.sees("#banner h1", "Maintenance in progress")
}

// back goes back by one page, whether that is loaded anew or was kept.
func (b *tab) back() {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	trigger := chromedp.Evaluate[chromedp.Void](`history.back()`)
	there := func(cdppage.EventFrameNavigated) bool { return true }
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(cdppage.FrameNavigated, there, trigger)); err != nil {
		b.t.Fatalf("go back: %v", err)
	}
}

// hasten makes the timers of pages that are opened from now on run a hundred times as fast, for what they would otherwise
// wait for by the minute.
func (b *tab) hasten() {
	b.t.Helper()
	call(b, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `{ const real = window.setTimeout; window.setTimeout = (f, ms, ...rest) => real(f, ms / 100, ...rest) }`,
	})
}

func TestAPageThatLostItsServerSaysSoAndComesBack(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.lossy = true
	b.hasten()
	b.open(s.url("/"))
	b.mark()
	s.set("2027-01-13 17:51")
	b.sees("#planned .count", "begins in 1 day 12 h") // its stream is there
	s.stop()
	b.await(`document.querySelector(".note")?.hidden === false`)
	b.reads(".note", "Not connected. This page updates itself when the connection is back.")
	b.reads("#banner h1", "All systems operational")

	s.start()
	s.set("2027-01-15 06:00")
	b.sees("#banner h1", "Maintenance in progress")
	b.await(`document.querySelector(".note").hidden`)
	b.theSame()
}
