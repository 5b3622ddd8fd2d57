package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.org/interlude/api"
	"example.org/interlude/gate"
	"example.org/interlude/status"
	"example.org/interlude/upstream"
)

// guardedProduct is a product behind a gate.
type guardedProduct struct {
	t    *testing.T
	at   string // address of the gate
	gate *gate.Gate

	mu     sync.Mutex
	bodies []string // what was posted to the product
}

// guardProduct serves a product with a form, behind a gate that refuses while it is interrupted.
func guardProduct(t *testing.T) *guardedProduct {
	t.Helper()
	browser(t)
	p := &guardedProduct{t: t}
	product := httptest.NewServer(p)
	t.Cleanup(product.Close)
	var err error
	p.gate, err = gate.New(gate.Config{
		Flows:     []gate.Flow{{Name: "web", Upstream: "product"}},
		Upstreams: map[string]upstream.Config{"product": {Addresses: []string{product.URL}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- p.gate.Run(ctx) }()
	door := httptest.NewServer(p.gate)
	p.at = door.URL
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the gate stopped with %v", err)
		}
		door.CloseClientConnections() // a browser keeps some open
		door.Close()
	})
	return p
}

// ServeHTTP is the product: it says what was asked for, shows a form, and remembers what was posted.
func (p *guardedProduct) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("read what was posted: %v", err)
	}
	if r.Method == http.MethodPost {
		p.mu.Lock()
		p.bodies = append(p.bodies, string(body))
		p.mu.Unlock()
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>Product</title><link rel="icon" href="data:,"><h1 id="product" data-at="%s %s">Product</h1>`, r.Method, r.URL.RequestURI())
	fmt.Fprint(w, `<form method="post" action="/save?draft=1" enctype="`+r.URL.Query().Get("enctype")+`">
		<input name="name" value="Ada &amp; &quot;Söhne&quot; 100% + 🐘"><input name="name" value="a second one">
		<input name="[a]&amp;b=c" value="~*-._"><input name="empty"><input type="hidden" name="token" value="a+b/c==">
		<textarea name="note">
first line

&lt;/textarea>&lt;script>alert(1)&lt;/script>"'&amp;lt;</textarea><button>Save</button></form>`)
}

// posted is what the product got so far.
func (p *guardedProduct) posted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.bodies...)
}

// away interrupts the product, until back.
func (p *guardedProduct) away(expected time.Duration) {
	p.t.Helper()
	now := time.Now()
	if err := p.gate.Interrupt(gate.Interruption{ID: "restart", Flows: []string{"web"}, Lapses: now.Add(time.Hour), Expected: now.Add(expected)}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *guardedProduct) back() { p.gate.End("restart") }

// newImpatientTab is a tab in which refusals are no complaints, and every timer runs out a hundred times sooner.
func newImpatientTab(t *testing.T) *tab {
	t.Helper()
	b := newTab(t)
	b.lossy = true
	b.hasten()
	return b
}

// arrives waits until the browser shows what the product answered to a request, however many pages come before.
func (b *tab) arrives(request string) {
	b.t.Helper()
	b.do("arrive at "+request, chromedp.WaitReady(chromedp.CSS(`[data-at="`+request+`"]`)))
}

// returns waits like arrives, for a page that the browser takes out of its memory: there is no loading to wait for.
func (b *tab) returns(request string) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	for there := false; !there; {
		var err error
		there, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`document.getElementById("product")?.dataset.at === "`+request+`"`))
		if err != nil && ctx.Err() != nil { // other errors are those of a page that is being left
			b.t.Fatalf("return to %s: %v", request, err)
		}
	}
}

// isTold waits for the page that says what became of something that was sent.
func (b *tab) isTold(heading string) {
	b.t.Helper()
	b.do("be told", chromedp.WaitReady(chromedp.ID("sent")))
	b.reads("#sent", heading)
}

// submit sends the product's form.
func (b *tab) submit() {
	b.t.Helper()
	b.do("send the form", chromedp.Click(chromedp.CSS("form button")))
}

func TestGatePageGoesOnWhenTheProductIsBack(t *testing.T) {
	p := guardProduct(t)
	b := newImpatientTab(t)
	p.away(time.Minute)
	b.open(p.at + "/inbox?page=2")
	b.reads("h1", "Not available at the moment")
	b.reads("#said", "This page continues by itself as soon as the service is back.")
	if eval[string](b, `document.title`) != "Not available at the moment" {
		t.Error("got a title that does not tell, want what happens")
	}
	p.back()
	b.arrives("GET /inbox?page=2")
}

func TestGatePageGoesOnWithoutJavaScript(t *testing.T) {
	p := guardProduct(t)
	b := newPlainTab(t)
	b.lossy = true
	p.away(time.Second)
	b.open(p.at + "/inbox")
	b.reads("h1", "Not available at the moment")
	p.back()
	b.arrives("GET /inbox")
}

// What the browser sends when nothing is in the way is the measure of what the page sends.
func TestGatePageSendsAFormAgainOnceAndUnchanged(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %t", script), func(t *testing.T) {
			p := guardProduct(t)
			b := newPlainTab(t)
			if script {
				b = newImpatientTab(t)
			}
			b.lossy = true
			b.open(p.at + "/form")
			b.submit()
			b.arrives("POST /save?draft=1")
			want := p.posted()

			p.away(time.Minute)
			b.open(p.at + "/.interlude/health") // so that the form is a new one
			p.back()
			b.open(p.at + "/form")
			p.away(time.Minute)
			b.submit()
			b.isTold("What you entered is not lost")
			if got := p.posted(); len(got) != 1 {
				t.Fatalf("got %q posted while the product was away, want nothing more", got)
			}
			if script {
				b.reads("#said", "Waiting for the service.")
				if !eval[bool](b, `document.getElementById("again").disabled`) {
					t.Error("got a button that sends while the product is away, want it disabled")
				}
			} else {
				b.press(kb.Tab)
				eval[bool](b, `(document.getElementById("sent").removeAttribute("id"), true)`) // not this page
				b.press(kb.Enter)
				b.isTold("What you entered is not lost")
			}
			p.back()
			if script {
				b.sees("#said", "The service is back. You can send it again now.")
				b.await(`document.title === "The service is back. You can send it again now."`)
			}
			b.press(kb.Tab)
			if got := b.focused(); got != "BUTTON Send again" {
				t.Fatalf("got the focus on %s, want the button", got)
			}
			b.press(kb.Enter)
			b.arrives("POST /save?draft=1")
			got := p.posted()
			if len(got) != 2 || got[1] != want[0] {
				t.Errorf("got  %q\nwant %q twice", got, want[0])
			}
		})
	}
}

func TestGatePageSendsAFormOnceForTwoClicks(t *testing.T) {
	p := guardProduct(t)
	b := newImpatientTab(t)
	b.open(p.at + "/form")
	p.away(time.Minute)
	b.submit()
	b.isTold("What you entered is not lost")
	p.back()
	b.await(`!document.getElementById("again").disabled`)
	eval[bool](b, `(document.getElementById("again").click(), document.getElementById("again").click(), true)`)
	b.arrives("POST /save?draft=1")
	if got := p.posted(); len(got) != 1 {
		t.Errorf("got %d posts, want 1", len(got))
	}
}

func TestGatePageLeadsBackToWhatItCannotKeep(t *testing.T) {
	p := guardProduct(t)
	b := newImpatientTab(t)
	b.open(p.at + "/form?enctype=multipart/form-data")
	eval[bool](b, `(document.forms[0].empty.value = "typed", true)`)
	p.away(time.Minute)
	b.submit()
	b.isTold("What you sent was not processed")
	b.reads("button", "Reload")
	if !eval[bool](b, `document.querySelector("button").disabled`) {
		t.Error("got a button that reloads while the product is away, want it disabled")
	}
	p.back()
	b.await(`!document.querySelector("button").disabled`)
	if got := p.posted(); len(got) > 0 {
		t.Errorf("got %q posted, want nothing without the reader's wish", got)
	}
	eval[bool](b, `(history.back(), true)`)
	b.returns("GET /form?enctype=multipart/form-data")
	if got := eval[string](b, `document.forms[0].empty.value`); got != "typed" {
		t.Errorf("got %q in the form, want what was typed", got)
	}
}

func TestGatePageReloadsWhatWasSentWhenAsked(t *testing.T) {
	p := guardProduct(t)
	b := newImpatientTab(t)
	b.open(p.at + "/form?enctype=multipart/form-data")
	p.away(time.Minute)
	b.submit()
	b.isTold("What you sent was not processed")
	p.back()
	b.await(`!document.querySelector("button").disabled`)
	eval[bool](b, `(document.querySelector("button").click(), true)`)
	b.arrives("POST /save?draft=1")
	if got := p.posted(); len(got) != 1 || !strings.Contains(got[0], "a second one") {
		t.Errorf("got %q, want the form once", got)
	}
}

// A site that makes a browser post something gets no page of ours to post it again.
func TestGatePageKeepsNothingOfAnotherSite(t *testing.T) {
	p := guardProduct(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<title>Elsewhere</title><link rel="icon" href="data:,"><form method="post" action="%s/transfer"><input name="to" value="mallory"><button>Win</button></form>`, p.at)
	}))
	t.Cleanup(elsewhere.Close)
	b := newImpatientTab(t)
	b.open(elsewhere.URL)
	p.away(time.Minute)
	b.submit()
	b.isTold("What you sent was not processed")
	if eval[bool](b, `document.documentElement.outerHTML.includes("mallory")`) {
		t.Error("got what another site sent in a page of ours, want none of it")
	}
}

func TestGatePageSaysTheTimesOfTheReader(t *testing.T) {
	p := guardProduct(t)
	b := newTab(t)
	b.lossy = true
	kolkata := time.FixedZone("", 5*60*60+30*60)
	now := time.Now().UTC().Truncate(time.Minute)
	w := status.Window{Start: now.Add(-10 * time.Minute), End: now.Add(50 * time.Minute)}
	p.gate.Apply(api.Plan{
		Revision: 1, At: now, Page: "Northwind", URL: "https://status.northwind.example",
		Maintenances: []api.PlannedMaintenance{{
			ID: "db", Title: database.Title, State: status.InProgress, Window: w, Expected: w.End, Report: "/incidents/db",
			Promises:      []status.Promise{{Audience: "Everybody", Flow: "web", Promise: status.Unavailable}},
			Interruptions: []status.Interruption{{ID: "i", Flows: []string{"web"}, Opened: now, Lapses: w.End}},
		}},
	})
	own := func(t time.Time) string {
		if t.In(kolkata).Day() != t.Day() {
			return t.In(kolkata).Format("Mon 15:04")
		}
		return t.In(kolkata).Format("15:04")
	}
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kolkata"})
	b.open(p.at + "/inbox")
	b.reads("h1", "Maintenance in progress")
	b.reads("header", "Northwind")
	if got, want := b.attribute("dl a", "href"), "https://status.northwind.example/incidents/db"; got != want {
		t.Errorf("got a link to %s, want %s", got, want)
	}
	b.reads(".lead .yours", "("+own(w.End)+" your time)")
	start, end := w.Start.In(kolkata), w.End.In(kolkata)
	announced := start.Format("Mon, 15:04") + " – " + end.Format("15:04") + " GMT+5:30, your time"
	if start.Day() == end.Day() { // Intl writes both days otherwise
		b.reads("dl .yours", announced)
	}
	script := axe(t)
	b.accessible("a page with a maintenance", script)
	b.narrow("a page with a maintenance")

	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Africa/Abidjan"}) // UTC by another name
	b.open(p.at + "/inbox")
	b.reads(".yours", "(nothing)")
}

func TestGateTellsAWebSocketThatTheServiceRestarts(t *testing.T) {
	p := guardProduct(t)
	b := newTab(t)
	b.lossy = true
	b.open(p.at + "/inbox")
	p.away(4500 * time.Millisecond)
	got := eval[string](b, `new Promise(done => {
		const socket = new WebSocket("/socket", ["graphql-transport-ws", "other"])
		socket.onclose = event => done(event.code + " " + event.reason.replace(/\d+/, "N") + " " + event.wasClean + " " + socket.protocol)
	})`)
	if want := "1012 Not available at the moment; try again in N s true graphql-transport-ws"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGatePagesAreSound(t *testing.T) {
	browser(t)
	script := axe(t)
	p := guardProduct(t)
	b := newTab(t)
	b.lossy = true
	b.open(p.at + "/form")
	p.away(time.Minute)
	sound := func(what string) {
		t.Helper()
		b.accessible(what, script)
		b.narrow(what)
		b.size(1280, 900)
	}
	b.submit()
	b.isTold("What you entered is not lost")
	sound("a form that is kept")
	p.back()
	b.await(`!document.querySelector("button").disabled`)
	sound("a form that can be sent")
	b.open(p.at + "/form?enctype=multipart/form-data")
	p.away(time.Minute)
	b.submit()
	b.isTold("What you sent was not processed")
	sound("a form that is not kept")
	b.open(p.at + "/inbox")
	b.reads("h1", "Not available at the moment")
	sound("a page that waits")
	for _, request := range b.requests {
		if !strings.HasPrefix(request.url, p.at) && !strings.HasPrefix(request.url, "data:") {
			t.Errorf("got a request for %s, want none to others", request.url)
		}
	}
}
