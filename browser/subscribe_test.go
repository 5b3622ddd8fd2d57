package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/page"
	"example.org/interlude/store"
	"example.org/interlude/web"
	"example.org/interlude/webhook"
)

// counter is northwind with a desk: a door of its own before the same database.
type counter struct {
	*site
	t     *testing.T
	at    string
	store *store.Store
	// from is how many networks readers came from, so that limits do not matter.
	from int
}

var subscriberKeys = notify.NewKeys([]byte(strings.Repeat("secret", 6)))

func subscribing(t *testing.T) *counter {
	t.Helper()
	s := northwind(t)
	db, err := store.Open(t.Context(), "sqlite:"+s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c := &counter{site: s, t: t, store: db}
	public := page.New(s.board, s.clock, s.log)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	public.Subscriptions(&notify.Desk{
		Register: db, Endpoints: webhook.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "Interlude"), Channels: notify.Channels,
		Offer: func() notify.Offer { return page.Offer(s.board.Current()) }, Keys: subscriberKeys, Clock: s.clock, NewID: keeper.NewID,
	}, func(*http.Request) string { c.from++; return fmt.Sprintf("192.0.2.%d", c.from) })
	go func() { ended <- public.Run(ctx) }()
	server := httptest.NewServer(web.Server{Keeper: s.keeper, Board: s.board, Store: db, Page: public, Clock: s.clock, Log: s.log}.Handler())
	t.Cleanup(func() {
		stop() // live streams end with it
		server.CloseClientConnections()
		server.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	c.at = server.URL
	return c
}

// subscriber is the only one of an address.
func (c *counter) subscriber(address string) notify.Subscriber {
	c.t.Helper()
	all, err := c.store.Subscribers(c.t.Context(), notify.Query{AnyEvent: true})
	if err != nil {
		c.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s notify.Subscriber) bool { return s.Address == address })
	if i < 0 {
		c.t.Fatalf("got no subscriber %s among %+v, want one", address, all)
	}
	return all[i]
}

// add saves a subscriber, and returns the paths of its links.
func (c *counter) add(s notify.Subscriber) map[notify.Purpose]string {
	c.t.Helper()
	s.ID, s.Created, s.Confirmed = keeper.NewID(), c.clock.Now(), c.clock.Now()
	if err := c.store.AddSubscriber(c.t.Context(), c.clock.Now(), s); err != nil {
		c.t.Fatal(err)
	}
	link := func(p notify.Purpose) string { return c.at + "/subscriptions/" + subscriberKeys.Token(p, s.ID) }
	return map[notify.Purpose]string{
		notify.ToManage: link(notify.ToManage), notify.ToLeave: link(notify.ToLeave) + "/unsubscribe", notify.ToConfirm: link(notify.ToConfirm) + "/confirm",
	}
}

// shown are the fields that a reader can see, by their labels.
func (b *tab) shown() []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll("input")].filter(i => i.checkVisibility()).map(i => i.labels[0].firstChild.textContent.trim() || i.labels[0].textContent.replace(/\s+/g, " ").trim().split(" ")[0])`)
}

func TestSubscribePagesAreSound(t *testing.T) {
	browser(t)
	script := axe(t)
	c := subscribing(t)
	mail := c.add(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Active})
	hook := c.add(notify.Subscriber{Channel: notify.Webhook, Address: "https://example.com/" + strings.Repeat("long", 40), State: notify.Quarantined})
	wait := c.add(notify.Subscriber{Channel: notify.Email, Address: strings.Repeat("long", 15) + "@example.com", State: notify.Unconfirmed})
	b := newTab(t)
	b.lossy = true // a browser complains of every page that is missing or refused
	sound := func(what string) {
		t.Helper()
		b.outlined(what)
		b.accessible(what, script)
		b.narrow(what)
		small := eval[[]string](b, `[...document.querySelectorAll("button, label.way, input:not([type=radio], [type=checkbox])")].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)`)
		if len(small) > 0 {
			t.Errorf("%s: got small targets, want 24 px at least: %q", what, small)
		}
		b.size(1280, 900)
	}
	for what, url := range map[string]string{
		"the form": c.at + "/subscribe", "the form of an event": c.at + "/subscribe?event=" + c.report("db")[len("/incidents/"):],
		"the form of a component": c.at + "/subscribe?component=" + c.board.Current().Components[0].ID,
		"what comes next":         c.at + "/subscribe?asked=email", "confirming": wait[notify.ToConfirm], "leaving": wait[notify.ToLeave],
		"managing": mail[notify.ToManage], "managing a dead webhook": hook[notify.ToManage], "a link that is none": c.at + "/subscriptions/x.y",
	} {
		b.open(url)
		sound(what)
	}
	b.open(c.at + "/subscribe")
	b.do("send it empty", chromedp.Click(chromedp.CSS("form button")), chromedp.WaitVisible(chromedp.CSS(".faults")))
	sound("the form with what is wrong")
}

func TestTheFormIsFilledInByKeyboard(t *testing.T) {
	c := subscribing(t)
	b := newTab(t)
	b.lossy = true
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	b.open(c.at + "/")
	b.do("follow the link", chromedp.Click(chromedp.CSS("nav a[href='/subscribe']")), chromedp.WaitVisible(chromedp.CSS("form")))
	b.await(`document.getElementById("zone").value === "Asia/Tokyo"`)
	eval[bool](b, `(document.getElementById("main").focus(), document.querySelector("[name=channel]").focus({focusVisible: true}), true)`)
	if got := b.shown(); slices.Contains(got, "URL") || !slices.Contains(got, "E-mail address") {
		t.Errorf("got the fields %q, want the one for an address and none for a URL", got)
	}
	b.press(kb.ArrowDown)
	if got := b.shown(); !slices.Contains(got, "URL") || slices.Contains(got, "E-mail address") {
		t.Errorf("got the fields %q for a webhook, want the one for a URL and none for an address", got)
	}
	b.press(kb.ArrowUp)
	b.press(kb.Tab)
	b.press("ada@")
	b.press(kb.Enter)
	b.do("see what is wrong", chromedp.WaitVisible(chromedp.CSS(".faults:focus")))
	b.reads(".faults", `E-mail address must be one e-mail address such as ops@example.com, not "ada@".`)
	// The summary leads to the field. A click stands for Enter, which the protocol would type into the field as well.
	b.do("follow the summary", chromedp.Click(chromedp.CSS(".faults a")))
	b.await(`document.activeElement.id === "email"`)
	if got, want := b.attribute("#email", "value"), "ada@"; got != want {
		t.Errorf("got %q in the field, want what was typed: %q", got, want)
	}
	b.press(kb.End)
	b.press("example.com")
	b.press(kb.Tab)
	if got, want := eval[string](b, `document.activeElement.name + " " + document.activeElement.value`), "scope page"; got != want {
		t.Fatalf("got the focus on %s, want %s", got, want)
	}
	b.press(kb.ArrowDown)
	b.await(`document.getElementById("components").checkVisibility()`)
	b.press(kb.Tab)
	b.press(" ")
	b.press(kb.Tab + kb.Tab)
	b.press(kb.Enter)
	b.do("see what comes next", chromedp.WaitVisible(chromedp.CSS("#banner .i")))
	b.reads("h1", "Look into your mailbox")
	got := c.subscriber("ada@example.com")
	if len(got.Groups) != 1 || got.Zone != "Asia/Tokyo" {
		t.Errorf("got %+v, want the first group and the browser's zone", got)
	}
}

func TestSubscribingWorksWithoutJavaScript(t *testing.T) {
	c := subscribing(t)
	b := newPlainTab(t)
	b.open(c.at + c.report("db"))
	b.do("follow the link", chromedp.Click(chromedp.CSS("#facts a[href^='/subscribe']")), chromedp.WaitVisible(chromedp.CSS("form")))
	b.reads("#event .way", "Only this: "+database.Title+" From its next update to its end")
	if got := b.attribute("#zone", "value"); got != "UTC" {
		t.Errorf("got the zone %q, want the page's", got)
	}
	hooked := httptest.NewServer(http.NotFoundHandler())
	defer hooked.Close()
	b.do("subscribe", chromedp.Click(chromedp.CSS("[value=discord]")), chromedp.SendKeys(chromedp.ID("endpoint"), hooked.URL+"/x"),
		chromedp.Click(chromedp.CSS("form button")), chromedp.WaitVisible(chromedp.CSS("#banner .i")))
	b.reads("h1", "Your endpoint is greeted")
	if got := c.subscriber(hooked.URL + "/x"); got.Channel != notify.Discord || got.Event == "" {
		t.Errorf("got %+v, want a channel in Discord that hears of the one maintenance", got)
	}
	mail := c.add(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Unconfirmed})
	press := func(then, heading string) {
		t.Helper()
		b.do("press the button", chromedp.Click(chromedp.CSS("#banner button")), chromedp.WaitVisible(chromedp.CSS("#banner"+then)))
		b.reads("h1", heading)
	}
	b.open(mail[notify.ToConfirm])
	press(":not(:has(form))", "You are subscribed")
	b.open(mail[notify.ToManage])
	b.do("choose", chromedp.Click(chromedp.CSS("[name=scope][value=chosen]")), chromedp.Click(chromedp.CSS("[name=component]")),
		chromedp.Click(chromedp.CSS("form .act button")), chromedp.WaitVisible(chromedp.CSS(".saved")))
	b.reads("#banner .lead", "Notices about Message delivery / Email go to ada@example.com.")
	b.open(mail[notify.ToLeave])
	press(":has([action$=return])", "You are unsubscribed")
	press(":not(:has(form))", "You are subscribed")
	if got := c.subscriber("ada@example.com"); got.State != notify.Active || len(got.Components) != 1 {
		t.Errorf("got %+v, want it active again with its component", got)
	}
}

func TestAFormStaysAsItIsWhileThePageChanges(t *testing.T) {
	c := subscribing(t)
	b := newTab(t)
	b.open(c.at + "/subscribe")
	b.do("type", chromedp.SendKeys(chromedp.ID("email"), "ada@"))
	if eval[bool](b, `performance.getEntriesByType("resource").some(r => r.name.endsWith("/live"))`) {
		t.Error("got a live stream on a page with a form, want none")
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	c := subscribing(t)
	mail := c.add(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Active})
	for _, header := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}}} {
		for url, want := range map[string]int{c.at + "/subscribe": http.StatusForbidden, mail[notify.ToLeave]: http.StatusForbidden} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("email=a%40example.com"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = header.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s, %v: got %d, want %d", url, header, answer.StatusCode, want)
			}
		}
	}
}
