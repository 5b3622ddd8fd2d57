package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tomorrow is a window that every client reads of: it lies ahead whenever the tests run.
func tomorrow() (begin, end time.Time) {
	begin = time.Now().UTC().Add(24 * time.Hour).Truncate(time.Hour)
	return begin, begin.Add(time.Hour)
}

// announce announces a maintenance and opens an incident, as a client of the management API does.
func (s *server) announce() (maintenance, incident object) {
	s.Helper()
	begin, end := tomorrow()
	maintenance = s.v1(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Database upgrade", "status": "scheduled", "body": "We upgrade our databases & more.",
		"scheduled_for": begin.Format(time.RFC3339), "scheduled_until": end.Format(time.RFC3339),
		"scheduled_auto_in_progress": true, "component_ids": []string{s.ids["Email"], s.ids["APIs"]},
	}})
	incident = s.v1(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Push is slow", "body": "We look into it.", "components": object{s.ids["Mobile Push"]: "partial_outage"},
	}})
	return maintenance, incident
}

func TestTheNpmClientReadsThePage(t *testing.T) {
	node := program(t, "node")
	if _, err := os.Stat("node_modules/statuspage.io"); err != nil {
		missing(t, "node_modules is not there: scripts/setup installs it")
	}
	s := start(t)
	maintenance, incident := s.announce()
	var read struct {
		Summary struct {
			Page         struct{ Name string }
			Components   []struct{ Name, Status string }
			Incidents    []struct{ ID, Name, Impact string }
			Maintenances []struct {
				ID             string
				ScheduledFor   time.Time `json:"scheduled_for"`
				ScheduledUntil time.Time `json:"scheduled_until"`
			} `json:"scheduled_maintenances"`
			Status struct{ Indicator, Description string }
		}
		Status     struct{ Status struct{ Indicator string } }
		Components struct{ Components []struct{ ID string } }
		Incidents  struct{ Incidents []struct{ ID string } }
		Unresolved struct{ Incidents []struct{ ID string } }
		All        struct {
			Maintenances []struct{ ID string } `json:"scheduled_maintenances"`
		} `json:"maintenances"`
		Upcoming struct {
			Maintenances []struct{ ID, Status string } `json:"scheduled_maintenances"`
		}
	}
	if err := json.Unmarshal([]byte(run(t, nil, node, "client.cjs", s.address)), &read); err != nil {
		t.Fatal(err)
	}
	begin, end := tomorrow()
	sum := read.Summary
	switch {
	case sum.Page.Name != "Northwind" || len(sum.Components) != 5 || len(sum.Incidents) != 1 || len(sum.Maintenances) != 1:
		t.Errorf("got the summary %+v", sum)
	case sum.Incidents[0].ID != incident["id"] || sum.Incidents[0].Impact != "major" || sum.Maintenances[0].ID != maintenance["id"]:
		t.Errorf("got the events %+v", sum)
	case !sum.Maintenances[0].ScheduledFor.Equal(begin) || !sum.Maintenances[0].ScheduledUntil.Equal(end):
		t.Errorf("got the window %+v, want %s to %s", sum.Maintenances[0], begin, end)
	case sum.Status.Indicator != "minor" || read.Status.Status.Indicator != "minor":
		t.Errorf("got the status %+v and %+v", sum.Status, read.Status)
	}
	if len(read.Components.Components) != 5 || len(read.Incidents.Incidents) != 1 || len(read.Unresolved.Incidents) != 1 ||
		len(read.All.Maintenances) != 1 || len(read.Upcoming.Maintenances) != 1 || read.Upcoming.Maintenances[0].Status != "scheduled" {
		t.Errorf("got %+v", read)
	}
}

func TestTheNpmWidgetShowsTheStatusOnAnotherSite(t *testing.T) {
	path := os.Getenv("INTERLUDE_TEST_CHROMIUM")
	if path == "" {
		missing(t, "INTERLUDE_TEST_CHROMIUM does not name a Chromium")
	}
	if _, err := os.Stat("node_modules/@statuspage/status-widget"); err != nil {
		missing(t, "node_modules is not there: scripts/setup installs it")
	}
	s := start(t)
	mux := http.NewServeMux()
	mux.Handle("GET /dist/", http.FileServer(http.Dir("node_modules/@statuspage/status-widget")))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><title>A shop</title><statuspage-widget src="%s"></statuspage-widget><script src="/dist/index.js"></script>`, s.address)
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true))
	allocator, free := chromedp.NewExecAllocator(t.Context(), options...)
	defer free()
	tab, leave := chromedp.NewContext(allocator)
	defer leave()
	tab, stop := context.WithTimeout(tab, patience)
	defer stop()
	// The widget remembers for half a minute what it read, for each site that it stands on: each look is on another one.
	shows := func(text, indicator string) {
		t.Helper()
		shop := httptest.NewServer(mux)
		defer shop.Close()
		const content = `(() => { const w = document.querySelector("statuspage-widget"); const r = w && (w.shadowRoot || w.renderRoot || w); return r ? r.innerHTML : ""; })()`
		says := fmt.Sprintf(`%s.includes(%q) && %s.includes(%q)`, content, text, content, indicator)
		err := chromedp.Do(tab, chromedp.Navigate(shop.URL), chromedp.Poll[chromedp.Void](says, chromedp.WithPollingTimeout(patience/2)))
		if err != nil {
			html, _ := chromedp.Run(tab, chromedp.Evaluate[string](content)) // for the message
			t.Errorf("the widget shows %q (%v), want %q and %q", html, err, text, indicator)
		}
	}
	shows("All Systems Operational", "status-indicator none")
	s.announce()
	shows("Minor Service Outage", "status-indicator minor")
}

func TestEachEncodingOfABodyIsUnderstood(t *testing.T) {
	s := start(t)
	begin, end := tomorrow()
	for name, c := range map[string]struct{ contentType, body string }{
		"JSON": {"application/json", fmt.Sprintf(`{"incident": {"name": "JSON", "body": "Words.", "scheduled_for": %q, "scheduled_until": %q}}`,
			begin.Format(time.RFC3339Nano), end.Format("2006-01-02T15:04:05.0000000-07:00"))},
		"untyped": {"", fmt.Sprintf(`{"incident": {"name": "untyped", "body": "Words.", "scheduled_for": %q, "scheduled_until": %q}}`, begin.String(), end.String())},
		"brackets": {"application/x-www-form-urlencoded", url.Values{
			"incident[name]": {"brackets"}, "incident[message]": {"Words."}, "incident[scheduled_for]": {begin.String()},
			"incident[scheduled_until]": {end.Format(time.RFC3339)}, "incident[component_ids][]": {s.ids["Email"], s.ids["APIs"]},
		}.Encode()},
	} {
		code, answer := s.ask(http.MethodPost, "/v1/pages/"+s.page+"/incidents.json", c.contentType, c.body)
		var made struct {
			Name         string
			ScheduledFor time.Time               `json:"scheduled_for"`
			Updates      []struct{ Body string } `json:"incident_updates"`
		}
		if err := json.Unmarshal(answer, &made); err != nil || code != http.StatusCreated {
			t.Errorf("%s: got %d %s, want 201", name, code, answer)
			continue
		}
		if made.Name != name || !made.ScheduledFor.Equal(begin) || made.Updates[0].Body != "Words." {
			t.Errorf("%s: got %+v", name, made)
		}
	}
}

// python is the machine's own Python, which has what Debian's packages brought.
func python(t *testing.T, module string) string {
	t.Helper()
	const path = "/usr/bin/python3"
	if _, err := os.Stat(path); err != nil {
		missing(t, path+" is not installed: scripts/setup installs it")
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if out, err := exec.CommandContext(ctx, path, "-c", "import "+module).CombinedOutput(); err != nil {
		missing(t, "Python has no "+module+", which scripts/setup installs: "+string(out))
	}
	return path
}

// TestWhatTheManagementAPIWroteIsShownAlikeEverywhere is the round trip: version 1 writes, and version 2, the page, its
// feeds and its calendar show the same, each read by a program that others wrote.
func TestWhatTheManagementAPIWroteIsShownAlikeEverywhere(t *testing.T) {
	sfeed, khal, feeds := program(t, "sfeed"), program(t, "khal"), python(t, "feedparser")
	s := start(t)
	maintenance, incident := s.announce()
	s.v1(http.StatusOK, http.MethodPatch, fmt.Sprint("/incidents/", incident["id"]), object{"incident": object{"status": "monitoring", "body": "It gets better."}})
	begin, end := tomorrow()

	for _, event := range []object{maintenance, incident} {
		report := s.text(fmt.Sprint("/incidents/", event["id"]))
		if !strings.Contains(report, fmt.Sprint(event["name"])) {
			t.Errorf("the report page of %v does not name it", event["name"])
		}
		var bare object
		if err := json.Unmarshal([]byte(s.text(fmt.Sprintf("/incidents/%v.json", event["id"]))), &bare); err != nil || bare["name"] != event["name"] {
			t.Errorf("got %v (%v), want the event alone", bare, err)
		}
	}
	entries := run(t, strings.NewReader(s.text("/history.rss")), sfeed)
	for _, want := range []string{"Database upgrade", "Push is slow", "It gets better."} {
		if !strings.Contains(entries, want) {
			t.Errorf("sfeed reads\n%s\nwant %q in it", entries, want)
		}
	}
	const script = `import feedparser, sys
d = feedparser.parse(sys.stdin.buffer.read())
assert not d.bozo, d.bozo_exception
for e in d.entries: print(e.id, e.title, e.link, e.updated, sep="|")`
	atom := run(t, strings.NewReader(s.text("/history.atom")), feeds, "-c", script)
	for _, event := range []object{maintenance, incident} {
		if !strings.Contains(atom, fmt.Sprintf("%v|%s/incidents/%v|", event["name"], s.address, event["id"])) {
			t.Errorf("feedparser reads\n%s\nwant %v in it", atom, event["name"])
		}
	}
	if listed := s.calendar(khal); !strings.Contains(listed, begin.Format("2006-01-02 15:04")+" "+end.Format("2006-01-02 15:04")+" Database upgrade") {
		t.Errorf("khal lists\n%s\nwant the maintenance at its time", listed)
	}
}

// calendar imports the page's calendar into khal, and lists what it holds.
func (s *server) calendar(khal string) string {
	s.Helper()
	folder := s.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	config := fmt.Sprintf("[calendars]\n[[status]]\npath = %s\n[sqlite]\npath = %s\n[locale]\nlocal_timezone = UTC\ndefault_timezone = UTC\n"+
		"timeformat = %%H:%%M\ndateformat = %%Y-%%m-%%d\nlongdateformat = %%Y-%%m-%%d\ndatetimeformat = %%Y-%%m-%%d %%H:%%M\nlongdatetimeformat = %%Y-%%m-%%d %%H:%%M\n",
		file("calendar"), file("cache.db"))
	for name, text := range map[string]string{"config": config, "history.ics": s.text("/history.ics")} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	if err := os.Mkdir(file("calendar"), 0o700); err != nil {
		s.Fatal(err)
	}
	run(s.T, nil, khal, "-c", file("config"), "import", "--batch", file("history.ics"))
	return run(s.T, nil, khal, "-c", file("config"), "list", "--format", "{start} {end} {title}", "now", "3d")
}
