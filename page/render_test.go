package page

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// everyState is the town in each state that a page can be in, by name.
func everyState(t *testing.T) map[string]*Site {
	planned := func() *town {
		w := northwind(t)
		w.plan("2027-01-13 16:51", database)
		return w
	}
	begun := func() *town {
		w := planned()
		w.begin("db", "2027-01-15 06:01")
		return w
	}
	states := map[string]*Site{
		"empty": bare(t).site("2027-01-13 17:00"), "planned": planned().site("2027-01-13 17:00"), "late": planned().site("2027-01-15 06:10"),
		"under way": begun().site("2027-01-15 06:37"), "overrun": begun().site("2027-01-15 07:09"),
		"silent": New(&still{picture: board.Of(planned().Book), asOf: at("2027-01-13 17:00"), silent: true}, stopped(at("2027-01-13 17:04")), slog.New(slog.DiscardHandler)),
	}
	w := begun()
	w.reestimate("db", "2027-01-15 07:20", "2027-01-15 07:05")
	w.trouble("Push is late", "2027-01-15 06:09", status.PartialOutage, "Mobile Push")
	states["worst"] = w.site("2027-01-15 07:10")
	w = begun()
	w.verify("db", "2027-01-15 06:48")
	states["verifying"] = w.site("2027-01-15 06:52")
	w.complete("db", "2027-01-15 07:14")
	states["completed"] = w.site("2027-01-15 08:02")
	w = planned()
	w.cancel("db", "2027-01-14 15:20", "A new date follows.")
	states["canceled"] = w.site("2027-01-14 15:30")
	w = bare(t)
	hostile(w)
	states["hostile"] = w.site("2027-01-13 17:00")
	return states
}

// everyPage calls f with each page of each state.
func everyPage(t *testing.T, f func(t *testing.T, page element, answer *httptest.ResponseRecorder)) {
	for name, s := range everyState(t) {
		paths := []string{"/", "/history", "/nothing"}
		p := s.board.Current()
		for _, m := range p.Maintenances {
			paths = append(paths, address(m.ID))
		}
		for _, e := range p.Past {
			paths = append(paths, address(e.Subject().ID))
		}
		for _, path := range paths {
			t.Run(name+" "+path, func(t *testing.T) {
				page, answer := s.get(t, path)
				f(t, page, answer)
			})
		}
	}
}

func TestEveryPageHasAWholeOutline(t *testing.T) {
	everyPage(t, func(t *testing.T, page element, _ *httptest.ResponseRecorder) {
		level := 0
		for _, e := range page.all("") {
			if name := e.node.Data; len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' {
				next, _ := strconv.Atoi(name[1:])
				if next > level+1 {
					t.Errorf("%q is an %s after an h%d", e.text(), name, level)
				}
				if strings.TrimSpace(e.text()) == "" {
					t.Errorf("an %s is empty", name)
				}
				level = next
			}
		}
		page.one("h1")
		page.one("main")
		if lang := page.one("html").attr("lang"); lang != "en" {
			t.Errorf("got the language %q", lang)
		}
		for _, name := range []string{"title", "header", "footer"} {
			if len(page.all(name)) == 0 {
				t.Errorf("there is no %s", name)
			}
		}
	})
}

func TestEveryPageKeepsTheRulesOfItsParts(t *testing.T) {
	everyPage(t, func(t *testing.T, page element, _ *httptest.ResponseRecorder) {
		seen := make(map[string]bool)
		for _, e := range page.all("") {
			if id := e.attr("id"); id != "" {
				if seen[id] {
					t.Errorf("the id %s stands twice", id)
				}
				seen[id] = true
			}
			for _, a := range e.node.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s> has the attribute %s, which the policy forbids", e.node.Data, a.Key)
				}
			}
			if live := e.has("data-live"); live && e.attr("id") == "" {
				t.Errorf("<%s> is replaced by itself and has no id", e.node.Data)
			}
		}
		for _, e := range page.all("time") {
			_, err := time.Parse(time.RFC3339, e.attr("datetime"))
			if _, day := time.Parse(time.DateOnly, e.attr("datetime")); err != nil && day != nil {
				t.Errorf("the time %q has datetime %q", e.text(), e.attr("datetime"))
			}
			if e.text() == "" {
				t.Errorf("the time %s says nothing", e.attr("datetime"))
			}
		}
		for _, e := range page.all("") {
			if target := e.attr("aria-labelledby"); target != "" && !seen[target] {
				t.Errorf("<%s> is named by %s, which is not there", e.node.Data, target)
			}
			if href := e.attr("href"); strings.HasPrefix(href, "#") && !seen[href[1:]] {
				t.Errorf("<%s> refers to %s, which is not there", e.node.Data, href)
			}
		}
	})
}

func TestThePartsThatTheScriptReplacesAreAlwaysThere(t *testing.T) {
	for name, s := range everyState(t) {
		page, _ := s.get(t, "/")
		for _, id := range []string{"icon", "stale", "banner", "now", "planned", "components", "past", "foot"} {
			if part := page.one("#" + id); !part.has("data-live") {
				t.Errorf("%s: %s is not replaced by itself", name, id)
			}
		}
		if said := page.one("#said"); said.attr("role") != "status" || said.text() != "" {
			t.Errorf("%s: there is no silent place to announce a change", name)
		}
		for _, e := range slices.Concat(s.board.Current().Past) {
			page, _ := s.get(t, address(e.Subject().ID))
			for _, id := range []string{"icon", "banner", "postmortem", "facts", "promises", "updates", "affected", "foot"} {
				page.one("#" + id)
			}
		}
	}
}

func TestThePolicyNamesTheStyleSheetOfThePage(t *testing.T) {
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	everyPage(t, func(t *testing.T, page element, answer *httptest.ResponseRecorder) {
		found := style.FindAllStringSubmatch(answer.Body.String(), -1)
		if len(found) != 1 {
			t.Fatalf("got %d style elements, want 1", len(found))
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		policy := answer.Header().Get("Content-Security-Policy")
		if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, "style-src "+hash) {
			t.Errorf("the page's style sheet is %s, the policy allows %s", hash, policy)
		}
		for _, script := range page.all("script") {
			if src := script.attr("src"); src != scriptPath || script.text() != "" {
				t.Errorf("got a script %q with the text %q", src, script.text())
			}
		}
	})
}

func TestThePageIsSmall(t *testing.T) {
	const most = 30 << 10
	for name, s := range everyState(t) {
		index := s.edition.Load().index
		if size := sent(index) + sent(scriptDocument); size > most {
			t.Errorf("%s: page and script have %d bytes in brotli, want at most %d", name, size, most)
		}
	}
	s := everyState(t)["under way"]
	t.Logf("page %d, script %d bytes in brotli", sent(s.edition.Load().index), sent(scriptDocument))
}

func TestPagesNameTheirOwnAddress(t *testing.T) {
	s := everyState(t)["completed"]
	for path, want := range map[string]string{
		"/": "https://status.northwind.example/", "/history": "https://status.northwind.example/history/2027-01",
		"/incidents/db": "https://status.northwind.example/incidents/" + s.board.Current().Past[0].Subject().ID,
	} {
		page, _ := s.get(t, path)
		for _, link := range page.all("link") {
			if link.attr("rel") == "canonical" && link.attr("href") != want {
				t.Errorf("%s: got %s, want %s", path, link.attr("href"), want)
			}
		}
		for _, meta := range page.all("meta") {
			if meta.attr("name") == "robots" || meta.attr("name") == "description" && meta.attr("content") == "" {
				t.Errorf("%s: got a meta element %s %q", path, meta.attr("name"), meta.attr("content"))
			}
		}
	}
	page, _ := everyState(t)["empty"].get(t, "/")
	for _, link := range page.all("link") {
		if link.attr("rel") == "canonical" {
			t.Error("a page that does not know its address names one")
		}
	}
}

// hostile enters what somebody may try, wherever text can be entered.
func hostile(w *town) {
	const script = `<script>alert(1)</script><img src=x onerror=alert(1)>"'><svg onload=alert(1)>`
	w.apply("2026-07-01 09:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "N" + script, Description: script, TimeZone: "UTC", URL: "https://status.example/\"><script>alert(1)</script>"},
		Components: []status.ComponentNode{
			{Group: "G" + script, Components: []status.ComponentNode{{Name: "C" + script, Description: script}}}, {Name: "APIs"},
		},
	}})
	body := script + "\n\n[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) ![d](javascript:alert(1)) <javascript:alert(1)> " +
		"<a href=\"javascript:alert(1)\" style=\"color:red\" onclick=\"alert(1)\">e</a>\n\n<iframe src=//evil.example></iframe><form action=//evil.example><style>*{display:none}</style>"
	w.plan("2027-01-13 16:00", status.MaintenanceDocument{
		Key: "evil", Title: script, Window: status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")},
		Summary: body, Why: script, Affects: []string{"APIs"}, ShortNotice: script,
		Promises: []status.Promise{{Audience: script, Promise: status.Uninterrupted}},
	})
	w.incident(script, "2027-01-12 10:00", "2027-01-12 11:00", status.MajorOutage, "APIs")
	i := w.trouble(script, "2027-01-13 16:30", status.MajorOutage, "APIs")
	if _, err := w.PostIncident(i, status.Identified, status.NamedPost{Body: body}, at("2027-01-13 16:40"), operator); err != nil {
		w.t.Fatal(err)
	}
}

func TestHostileTextIsInert(t *testing.T) {
	everyPage(t, func(t *testing.T, page element, _ *httptest.ResponseRecorder) {
		for _, name := range []string{"iframe", "form", "img", "object", "embed", "input", "base"} {
			if n := len(page.all(name)); n > 0 {
				t.Errorf("got %d <%s>, want none", n, name)
			}
		}
		if n := len(page.all("style")); n != 1 {
			t.Errorf("got %d style elements, want 1", n)
		}
		for _, a := range page.all("a") {
			target := a.attr("href")
			if !regexp.MustCompile(`^(#|/|https?://|mailto:)`).MatchString(target) {
				t.Errorf("got a link to %q", target)
			}
		}
		for _, script := range page.all("script") {
			if script.attr("src") != scriptPath {
				t.Errorf("got a script %q", script.text())
			}
		}
	})
}

func TestLinksInTextsAreKept(t *testing.T) {
	w := northwind(t)
	d := database
	d.Summary = "See [the guide](https://docs.example/guide) or https://status.example.\nNext line.\n\n# Heading\n\n- item"
	w.plan("2027-01-13 16:51", d)
	page, _ := w.site("2027-01-13 17:00").get(t, "/")
	text := page.one("#planned").all(".text")[0]
	var links []string
	for _, a := range text.all("a") {
		links = append(links, a.attr("href")+" "+a.attr("rel"))
	}
	sameTexts(t, links, "https://docs.example/guide nofollow", "https://status.example nofollow")
	text.one("br")
	text.one("h4").reads("Heading")
	text.one("li").reads("item")
}

func TestAReaderWhoHasThePageIsToldSo(t *testing.T) {
	s := everyState(t)["planned"]
	_, first := s.get(t, "/")
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.Header.Set("If-None-Match", first.Header().Get("Etag"))
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, again)
	if answer.Code != http.StatusNotModified || answer.Body.Len() > 0 {
		t.Errorf("got %d with %d bytes, want 304 with none", answer.Code, answer.Body.Len())
	}
}

// sent is how many bytes a browser is sent of a snapshot.
func sent(s *snapshot.Snapshot) int {
	answer, ask := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	ask.Header.Set("Accept-Encoding", "br")
	s.Serve(answer, ask, http.StatusOK)
	return answer.Body.Len()
}
