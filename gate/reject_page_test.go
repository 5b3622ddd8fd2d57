package gate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// element is a piece of a page, asked about as a reader would.
type element struct {
	t    testing.TB
	node *html.Node
}

// pageOf is the page that a request gets.
func pageOf(t testing.TB, r *http.Request, why refusal) element {
	t.Helper()
	w := httptest.NewRecorder()
	plainly().refuse(w, r, why)
	if got, want := w.Header().Get("Content-Type"), "text/html; charset=utf-8"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	return parsedPage(t, w.Body.Bytes())
}

func parsedPage(t testing.TB, page []byte) element {
	t.Helper()
	node, err := html.ParseWithOptions(bytes.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return element{t, node}
}

// all are the elements of a name, or that one with an id: "h1", "#said".
func (e element) all(name string) []element {
	var found []element
	for n := range e.node.Descendants() {
		o := element{e.t, n}
		if id, byID := strings.CutPrefix(name, "#"); n.Type == html.ElementNode && (n.Data == name || byID && o.attr("id") == id) {
			found = append(found, o)
		}
	}
	return found
}

func (e element) one(name string) element {
	e.t.Helper()
	found := e.all(name)
	if len(found) != 1 {
		e.t.Fatalf("got %d elements %s, want 1", len(found), name)
	}
	return found[0]
}

func (e element) attr(name string) string {
	for _, a := range e.node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (e element) has(name string) bool {
	return slices.ContainsFunc(e.node.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func (e element) text() string {
	var b strings.Builder
	for n := range e.node.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (e element) reads(want string) {
	e.t.Helper()
	if got := e.text(); got != want {
		e.t.Errorf("%s: got %q, want %q", e.node.Data, got, want)
	}
}

func (e element) texts(name string) []string {
	var all []string
	for _, o := range e.all(name) {
		all = append(all, o.text())
	}
	return all
}

func TestThePageSaysWhatHappensAndUntilWhen(t *testing.T) {
	page := pageOf(t, asking("GET", "text/html"), restarting())
	page.one("title").reads("Maintenance in progress · Northwind")
	page.one("header").reads("Northwind")
	page.one("h1").reads("Maintenance in progress")
	lead := page.all("p")[0]
	lead.reads("Northwind is interrupted for planned maintenance. It is expected back by 06:40 UTC.")
	if got, want := lead.one("time").attr("datetime"), "2027-01-15T06:40:00Z"; got != want {
		t.Errorf("got the time %s for machines, want %s", got, want)
	}
	said := page.one("#said")
	said.reads("This page continues by itself as soon as Northwind is back.")
	if said.attr("role") != "status" {
		t.Errorf("got the role %q, want status", said.attr("role"))
	}
	facts := page.one("dl")
	if got, want := facts.texts("dd"), []string{"Scheduled database maintenance", "Jan 15, 2027, 06:00 to 07:00 UTC", "Follow the maintenance (opens in a new tab)"}; !slices.Equal(got, want) {
		t.Errorf("got the facts %q, want %q", got, want)
	}
	if got, want := facts.one("a").attr("href"), "https://status.northwind.example/incidents/db"; got != want {
		t.Errorf("got a link to %s, want %s", got, want)
	}
	page.one("footer").reads("Request req-1")
	if got, want := page.one("html").attr("data-back"), "/.interlude/back?flow=web"; got != want {
		t.Errorf("got %q to ask, want %q", got, want)
	}
}

func TestAPageWithoutAnyKnowledgeClaimsNoMaintenance(t *testing.T) {
	page := pageOf(t, asking("GET", "text/html"), refusal{status: 503})
	page.one("title").reads("Not available at the moment")
	page.one("h1").reads("Not available at the moment")
	page.one("#said").reads("This page continues by itself as soon as the service is back.")
	for _, name := range []string{"header", "footer", "dl", "time", "a"} {
		if found := page.all(name); len(found) > 0 {
			t.Errorf("got a %s that reads %q, want none", name, found[0].text())
		}
	}
}

func TestAFailureOutsideAMaintenanceHasItsOwnWords(t *testing.T) {
	for _, c := range []struct {
		why     refusalCause
		status  int
		heading string
	}{{whyUnreachable, 502, "Not reachable at the moment"}, {whySlow, 504, "No answer in time"}} {
		why := restarting()
		why.why, why.status, why.after = c.why, c.status, 0
		r := asking("GET", "text/html")
		page := pageOf(t, r, why)
		page.one("h1").reads(c.heading)
		if link := page.one("a"); link.text() != "Try again" || link.attr("href") != "" {
			t.Errorf("got a link %q to %q, want one to try again here", link.text(), link.attr("href"))
		}
		if text := page.one("body").text(); strings.Contains(strings.ToLower(strings.Split(text, `"use strict"`)[0]), "maintenance") {
			t.Errorf("%d: got %q, want no maintenance claimed", c.status, text)
		}
		if page.one("html").has("data-back") || len(page.all("noscript")) > 0 {
			t.Errorf("%d: got a page that comes back by itself, want one that waits for its reader", c.status)
		}
		r.Method = "POST"
		pageOf(t, r, why).one("h2").reads("Was it carried out?")
	}
}

func TestAPageInvitesNobodyToDoAgainWhatMayBeDone(t *testing.T) {
	why := restarting()
	why.sent = true
	for _, r := range []*http.Request{asking("DELETE", "text/html"), posting("a=1")} {
		page := pageOf(t, r, why)
		page.one("h1").reads("Maintenance in progress")
		page.one("h2").reads("Was it carried out?")
		for _, name := range []string{"form", "button", "noscript"} {
			if found := page.all(name); len(found) > 0 {
				t.Errorf("%s: got a %s, want nothing that sends it again", r.Method, name)
			}
		}
		said := page.one("#said")
		if got, want := said.attr("data-back"), "Northwind is back. You can check now whether it was carried out."; got != want {
			t.Errorf("%s: got %q when the product is back, want %q", r.Method, got, want)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		r := asking(method, "text/html")
		got, want := refused(plainly(), r, why), refused(plainly(), r, restarting())
		if diff := cmp.Diff(want.Header, got.Header); diff != "" {
			t.Errorf("%s: got another header than for what was not sent (-want +got):\n%s", method, diff)
		}
	}
	pageOf(t, asking("GET", "text/html"), why).one("#said").reads("This page continues by itself as soon as Northwind is back.")
}

func TestAPageWithoutScriptLoadsAgainUnlessSomethingWasSent(t *testing.T) {
	why := restarting()
	if got := pageOf(t, asking("GET", "text/html"), why).one("noscript").one("meta"); got.attr("http-equiv") != "refresh" || got.attr("content") != "12" {
		t.Errorf("got a meta %s of %q, want a refresh after 12", got.attr("http-equiv"), got.attr("content"))
	}
	for _, r := range []*http.Request{asking("POST", "text/html"), posting("a=1")} {
		if found := pageOf(t, r, why).all("noscript"); len(found) > 0 {
			t.Error("got a page that loads again, want none where something was sent")
		}
	}
	why.back = ""
	for method, want := range map[string]string{"GET": "12", "HEAD": "12", "POST": ""} {
		if got := refused(plainly(), asking(method, "text/html"), why).Header.Get("Refresh"); got != want {
			t.Errorf("%s with nobody to ask: got Refresh %q, want %q", method, got, want)
		}
	}
}

func TestThePolicyAllowsWhatThePageHasAndNothingElse(t *testing.T) {
	resp := refused(plainly(), asking("GET", "text/html"), restarting())
	page := pageOf(t, asking("GET", "text/html"), restarting())
	hash := func(name string) string {
		sum := sha256.Sum256([]byte(page.one(name).node.FirstChild.Data))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := "default-src 'none'; script-src " + hash("script") + "; style-src " + hash("style") +
		"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if got := resp.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestThePageIsSmallAndAsksForNothing(t *testing.T) {
	resp := refused(plainly(), asking("GET", "text/html"), restarting())
	if resp.ContentLength > 10_000 {
		t.Errorf("got %d bytes, want 10,000 at most", resp.ContentLength)
	}
	page := pageOf(t, asking("GET", "text/html"), restarting())
	for _, name := range []string{"img", "iframe", "object"} {
		if len(page.all(name)) > 0 {
			t.Errorf("got a %s, want no other resource", name)
		}
	}
	for _, link := range page.all("link") {
		if !strings.HasPrefix(link.attr("href"), "data:") {
			t.Errorf("got a link to %s, want no other resource", link.attr("href"))
		}
	}
}

func TestWordsOfOthersStayWords(t *testing.T) {
	why := restarting()
	why.page, why.title, why.request = `</title><script>alert(1)</script>`, `"><img src=x>`, "<b>"
	why.report = "javascript:alert(1)"
	page := pageOf(t, asking("GET", "text/html"), why)
	page.one("script")
	page.one("header").reads(why.page)
	page.one("dl").all("dd")[0].reads(why.title)
	page.one("code").reads(why.request)
	if len(page.all("img")) > 0 || strings.HasPrefix(page.one("dl").one("a").attr("href"), "javascript") {
		t.Error("got markup or a script of somebody else's making, want words")
	}
}
