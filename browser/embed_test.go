package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// shop is another site, with a policy of its own, that has the page's box in its corner.
func shop(t *testing.T, s *site) string {
	t.Helper()
	origin := "http://" + s.address
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src "+origin+"; frame-src "+origin+"; img-src data:")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width"><title>Shop</title><link rel="icon" href="data:,">
			<main><h1>Shop</h1><p><a href="/cart">Cart</a></p></main><script src="%s/embed/script.js" async></script></html>`, origin)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// impatient makes whatever would wait for longer than five seconds wait for a moment, in every document that is opened from
// then on: the frame asks each minute, and a test does not. The box stands still as soon as it is seen.
func (b *tab) impatient() {
	b.t.Helper()
	b.media("", "prefers-reduced-motion", "reduce")
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `(real => { window.setTimeout = (f, ms, ...more) => real(f, ms > 5000 ? 40 : ms, ...more) })(window.setTimeout)`,
	})
}

// within gives the value of an expression in the frame of the page, which is of another origin.
func within[T any](b *tab, expression string) T {
	b.t.Helper()
	var value T
	tree := call(b, page.GetFrameTree, cdp.Empty{}).FrameTree
	if len(tree.ChildFrames) != 1 {
		b.t.Fatalf("got %d frames, want one", len(tree.ChildFrames))
	}
	world := call(b, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.ChildFrames[0].Frame.ID})
	yes := true
	result := call(b, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: &yes, AwaitPromise: &yes})
	if result.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, result.ExceptionDetails.Text)
	}
	if err := json.Unmarshal(result.Result.Value, &value); err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// framed is what the box says, once it says something that begins so.
func (b *tab) framed(begins string) {
	b.t.Helper()
	got := within[string](b, `new Promise(resolve => {
		const until = Date.now() + 10_000
		const look = () => {
			const text = document.querySelector("main").innerText.replace(/\s+/g, " ").trim()
			text.startsWith(`+"`"+begins+"`"+`) || Date.now() > until ? resolve(text) : setTimeout(look, 15)
		}
		look()
	})`)
	if !strings.HasPrefix(got, begins) {
		b.t.Errorf("got %q in the box, want %q", got, begins)
	}
}

const (
	box      = `document.querySelector("iframe")`
	boxShown = `!!` + box + ` && getComputedStyle(` + box + `).display === "block"`
	boxGone  = `!!` + box + ` && getComputedStyle(` + box + `).display === "none"`
)

// asked waits until the frame has heard from the server what is so now.
func (b *tab) asked() {
	b.t.Helper()
	before := b.asks()
	for until := time.Now().Add(patience); b.asks() < before+3; {
		if time.Now().After(until) {
			b.t.Fatalf("got %d questions of the frame, want more than %d", b.asks(), before+2)
		}
		eval[bool](b, `new Promise(done => setTimeout(() => done(true), 20))`)
	}
}

func (b *tab) asks() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, r := range b.requests {
		if strings.HasSuffix(r.url, "/embed/state.json") {
			n++
		}
	}
	return n
}

func TestABoxOnAnotherSiteIsSeenWhileSomethingIsGoingOn(t *testing.T) {
	s := northwind(t)
	address := shop(t, s)
	b := newTab(t)
	b.impatient()
	b.open(address)
	b.await(boxGone)
	b.asked()
	b.await(boxGone)
	b.mark()

	s.set("2027-01-15 06:00")
	b.await(boxShown)
	b.framed("Maintenance in progress Scheduled database maintenance Until 07:00 UTC")
	if got, want := eval[[]float64](b, `(r => [r.width, r.height, innerWidth - r.right, innerHeight - r.bottom])(`+box+`.getBoundingClientRect())`), "[320 115 20 20]"; fmt.Sprint(got) != want {
		t.Errorf("got width, height and distances %v, want %s", got, want)
	}
	link := within[string](b, `(a => [a.href, a.target, a.rel].join(" "))(document.querySelector("a"))`)
	if want := "https://status.northwind.example" + s.report("db") + " _blank noopener"; link != want {
		t.Errorf("got a link %q, want %q", link, want)
	}
	if got, want := within[string](b, `new Promise(done => {
		const look = () => document.getElementById("said").textContent ? done(document.getElementById("said").textContent.trim()) : setTimeout(look, 15)
		look()
	})`), "Northwind: Maintenance in progress. Scheduled database maintenance. Until 07:00 UTC."; got != want {
		t.Errorf("got %q said, want %q", got, want)
	}

	b.press(kb.Tab) // the cart
	b.press(kb.Tab) // the report, in the box
	if got := within[string](b, `document.activeElement.id`); got != "title" {
		t.Errorf("got the focus on %q in the box, want the link to the report", got)
	}
	b.press(kb.Tab)
	if got := within[string](b, `(e => e.id + " " + (getComputedStyle(e).outlineStyle !== "none"))(document.activeElement)`); got != "dismiss true" {
		t.Errorf("got the focus on %q in the box, want the button, and to be seen", got)
	}
	b.press(kb.Enter)
	b.await(boxGone)
	b.asked()
	b.await(boxGone)
	b.theSame()
}

func TestADismissedBoxComesBackForTheNextEventOnly(t *testing.T) {
	s := underWay(t)
	address := shop(t, s)
	b := newTab(t)
	b.impatient()
	b.open(address)
	b.await(boxShown)
	b.do("press the button", chromedp.MouseClickXY(1280-20-22, 900-20-115+22))
	b.await(boxGone)

	b.open(address)
	b.await(boxGone)
	b.asked()
	b.await(boxGone)

	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.OpenIncident(ctx, status.IncidentDraft{
			Key: "push", Title: "Web Messenger does not load", Affects: []string{"Web Messenger"},
			NamedPost: status.NamedPost{Body: "We are looking for the cause.", Components: map[string]status.Condition{"Web Messenger": status.MajorOutage}},
		}, operator)
		return err
	})
	b.await(boxShown)
	b.framed("Investigating Web Messenger does not load Since 06:30 UTC")
	if got := within[string](b, `document.getElementById("more").textContent`); got != "" {
		t.Errorf("got %q, want nothing said of what was dismissed", got)
	}
	b.do("into the box", chromedp.MouseClickXY(1280-20-200, 900-20-20))
	b.press(kb.Escape)
	b.await(boxGone)
	if got := eval[int](b, `JSON.parse(localStorage.getItem(localStorage.key(0))).length`); got != 2 {
		t.Errorf("got %d events remembered, want both", got)
	}
}

func TestABoxGoesWhenTheEventIsOver(t *testing.T) {
	s := underWay(t)
	b := newTab(t)
	b.impatient()
	b.open(shop(t, s))
	b.await(boxShown)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Complete(ctx, "db", status.Post{}, operator)
		return err
	})
	b.await(boxGone)
	b.framed("") // it is still there, for the next one
}

func TestABoxListensToItsOwnFrameAlone(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.impatient()
	b.open(shop(t, s))
	b.await(boxGone)
	b.asked()
	if eval[bool](b, `new Promise(done => {
		let shown = false
		new MutationObserver(() => { shown ||= `+boxShown+` }).observe(`+box+`, {attributes: true})
		const origin = new URL(`+box+`.src).origin, source = `+box+`.contentWindow, data = {action: "showFrame"}
		postMessage(data, "*")
		for (const message of [{data, origin, source: window}, {data, origin, source: null}, {data, origin: "https://evil.example", source}]) {
			dispatchEvent(new MessageEvent("message", message))
		}
		for (const data of [null, "showFrame", {action: "__proto__"}, {action: "dismissFrame", events: [1, {}, null]}]) {
			dispatchEvent(new MessageEvent("message", {data, origin, source}))
		}
		setTimeout(() => done(shown), 200)
	})`) {
		t.Error("got the box shown at the word of others, want its own frame believed alone")
	}
	if got := eval[string](b, `JSON.parse(localStorage.getItem(localStorage.key(0)) ?? "[]").join()`); got != "" {
		t.Errorf("got %q remembered, want texts alone", got)
	}
}

func TestABoxIsAsWideAsAPhone(t *testing.T) {
	s := underWay(t)
	b := newTab(t)
	b.size(390, 700)
	b.impatient()
	b.open(shop(t, s))
	b.await(boxShown)
	if got := eval[string](b, box+`.src`); !strings.Contains(got, "/embed/frame?mobile=true") {
		t.Errorf("got the frame %s, want it told that there is little room", got)
	}
	if got, want := eval[[]float64](b, `(r => [r.left, r.width, innerHeight - r.bottom])(`+box+`.getBoundingClientRect())`), "[8 374 8]"; fmt.Sprint(got) != want {
		t.Errorf("got left, width and distance %v, want %s", got, want)
	}
	if got := eval[int](b, `document.documentElement.scrollWidth`); got != 390 {
		t.Errorf("got a page %d pixels wide, want 390", got)
	}
}

func TestTheFrameIsAccessible(t *testing.T) {
	browser(t)
	script := axe(t)
	for name, s := range map[string]*site{"under way": underWay(t), "troubled": troubled(t), "calm": northwind(t)} {
		b := newTab(t)
		b.open(s.url("/embed/frame"))
		b.accessible("/embed/frame "+name, script)
		b.size(320, 115)
		if got := eval[bool](b, `document.documentElement.scrollHeight > 115 || document.documentElement.scrollWidth > 320`); got {
			t.Errorf("%s: got more than fits into 320 by 115 pixels", name)
		}
		if got := eval[bool](b, `document.getElementById("dismiss").hidden`); !got {
			t.Errorf("%s: got a button to dismiss where there is nothing around", name)
		}
	}
}
