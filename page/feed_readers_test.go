package page

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// Programs that other people wrote read what the page gives them. scripts/setup installs them; a test whose program
// is missing is skipped or, where INTERLUDE_TEST_STRICT is 1, fails.

// missing skips a test for want of something, or fails it where nothing may be skipped.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// program is one that is installed.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name+" is not installed: run scripts/setup")
	}
	return path
}

// python is an interpreter that has a module.
func python(t *testing.T, module string) string {
	t.Helper()
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), path, "-c", "import "+module).Run() == nil {
			return path
		}
	}
	missing(t, "no python3 has "+module+": run scripts/setup")
	return ""
}

// runs gives what a program writes, in a home of its own.
func runs(t *testing.T, home string, in io.Reader, name string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdin = home, in
	c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC", "TERM=dumb", "no_proxy=*", "NO_PROXY=*"}
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, said.String())
	}
	return string(out)
}

// stories are pages as readers may find them, by name: the usual one, one in a town with summer time, a hostile one.
func stories(t *testing.T) map[string]*Site {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:01")
	w.complete("db", "2027-01-15 07:14")
	stories := map[string]*Site{"completed": w.site("2027-01-15 08:00"), "hostile": everyState(t)["hostile"]}
	for _, text := range []string{"]]>", "a\x00b\x1bc\r\nd", "</title>&<b>", "\u202E👩‍👩‍👧 漢字", strings.Repeat("ä", 10_000)} {
		stories["told "+markup.OneLine(text)[:2]] = told(t, text)
	}
	return stories
}

func TestXMLToolsReadTheFeeds(t *testing.T) {
	xmllint := program(t, "xmllint")
	for name, s := range stories(t) {
		for _, path := range []string{"/history.atom", "/history.rss", "/badge.svg"} {
			if got := runs(t, t.TempDir(), strings.NewReader(string(s.document(t, path))), xmllint, "--noout", "--nonet", "--huge", "-"); got != "" {
				t.Errorf("%s %s: got %s, want nothing to complain of", name, path, got)
			}
		}
	}
}

func TestFeedparserReadsTheFeeds(t *testing.T) {
	interpreter := python(t, "feedparser")
	const script = `import feedparser, json, sys
f = feedparser.parse(sys.stdin.buffer.read())
print(json.dumps({"bozo": bool(f.bozo), "version": f.version, "title": f.feed.title, "link": f.feed.link,
  "entries": [[e.title, e.id, e.link, list((e.get("updated_parsed") or e.published_parsed)[:6]), (e.content[0].value if "content" in e else e.description)] for e in f.entries]}))`
	type parsedFeed struct {
		Bozo                 bool
		Version, Title, Link string
		Entries              [][]any
	}
	for name, s := range stories(t) {
		for path, version := range map[string]string{"/history.atom": "atom10", "/history.rss": "rss20"} {
			var feed parsedFeed
			out := runs(t, t.TempDir(), strings.NewReader(string(s.document(t, path))), interpreter, "-c", script)
			if err := json.Unmarshal([]byte(out), &feed); err != nil {
				t.Fatalf("%v: %.500s", err, out)
			}
			if feed.Bozo || feed.Version != version || len(feed.Entries) != len(s.atomFeed(t, "/history.atom").Entries) {
				t.Errorf("%s %s: got a %s with %d entries, broken: %v; want a whole %s with all", name, path, feed.Version, len(feed.Entries), feed.Bozo, version)
			}
			if name != "completed" {
				continue
			}
			if feed.Title != "Northwind Status - Incident History" || feed.Link != "https://status.northwind.example/" {
				t.Errorf("%s: got %q at %s, want the page's title and address", path, feed.Title, feed.Link)
			}
			if first := feed.Entries[0]; first[0] != "Scheduled database maintenance" || !strings.Contains(first[4].(string), "Completed</strong> - The scheduled maintenance has been completed, 14 minutes after") {
				t.Errorf("%s: got %.500v, want the maintenance with its end first", path, first)
			}
		}
	}
}

func TestSfeedReadsTheFeeds(t *testing.T) {
	sfeed, plain := program(t, "sfeed"), program(t, "sfeed_plain")
	s := stories(t)["completed"]
	for path, when := range map[string]string{"/history.atom": "1799859060", "/history.rss": "1799992800"} { // the announcement; the announced start
		table := runs(t, t.TempDir(), strings.NewReader(string(s.document(t, path))), sfeed)
		rows := strings.Split(strings.TrimSpace(table), "\n")
		cells := strings.Split(rows[0], "\t")
		if len(rows) != 4 || cells[0] != when || cells[1] != "Scheduled database maintenance" || !strings.HasPrefix(cells[2], "https://status.northwind.example/incidents/") || cells[4] != "html" {
			t.Errorf("%s: got %d rows, the first %q, want four with the maintenance at %s first", path, len(rows), cells, when)
		}
		if got := runs(t, t.TempDir(), strings.NewReader(table), plain); strings.Count(got, "\n") != 4 || !strings.Contains(got, "E-mail to one provider arrives late") {
			t.Errorf("%s: got\n%s\nwant four lines", path, got)
		}
	}
}

func TestNewsboatFollowsTheFeeds(t *testing.T) {
	newsboat := program(t, "newsboat")
	w := northwind(t)
	var s atomic.Pointer[Site]
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { s.Load().ServeHTTP(out, r) }))
	defer server.Close()
	for _, file := range []string{"history.atom", "history.rss"} {
		home := t.TempDir()
		write(t, filepath.Join(home, "urls"), server.URL+"/"+file+"\n")
		write(t, filepath.Join(home, "config"), "")
		read := func() string {
			return strings.TrimSpace(runs(t, home, nil, newsboat, "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload", "print-unread"))
		}
		s.Store(w.site("2027-01-13 16:00"))
		if got := read(); !strings.HasPrefix(got, "3 ") {
			t.Errorf("%s: got %q, want three unread ones", file, got)
		}
		more := northwind(t)
		more.plan("2027-01-13 16:51", database)
		s.Store(more.site("2027-01-13 17:00"))
		if got := read(); !strings.HasPrefix(got, "4 ") {
			t.Errorf("%s: got %q after an announcement, want four: none of the others anew", file, got)
		}
	}
}

func TestIcalendarReadsTheCalendar(t *testing.T) {
	interpreter := python(t, "icalendar")
	const script = `import icalendar, json, sys
c = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
print(json.dumps([[str(e["UID"]), str(e["SUMMARY"]), e.decoded("DTSTART").isoformat(), e.decoded("DTEND").isoformat(), str(e["DESCRIPTION"]), str(e["SEQUENCE"]), len(e.errors)] for e in c.walk("VEVENT")]))`
	for name, s := range stories(t) {
		var entries [][]any
		out := runs(t, t.TempDir(), strings.NewReader(string(s.document(t, "/history.ics"))), interpreter, "-c", script)
		if err := json.Unmarshal([]byte(out), &entries); err != nil {
			t.Fatalf("%v: %.500s", err, out)
		}
		ours := s.calendar(t, "/history.ics")
		if len(entries) != 1 || len(ours) != 1 {
			t.Fatalf("%s: got %d entries, want one", name, len(entries))
		}
		for summary, entry := range ours {
			if e := entries[0]; e[0] != entry["UID"] || e[1] != summary || e[4] != entry["DESCRIPTION"] || e[6] != 0.0 || !strings.HasSuffix(e[3].(string), "T07:00:00+00:00") {
				t.Errorf("%s: got %.900v, want %.900v", name, e, entry)
			}
		}
	}
}

func TestKhalKeepsOneEntryThroughAllChanges(t *testing.T) {
	khal := program(t, "khal")
	home := t.TempDir()
	write(t, filepath.Join(home, "config"), "[calendars]\n[[status]]\npath = "+filepath.Join(home, "calendar")+"\n[locale]\nlocal_timezone = Europe/Berlin\ndefault_timezone = Europe/Berlin\n"+
		"timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n[sqlite]\npath = "+filepath.Join(home, "khal.db")+"\n")
	if err := os.Mkdir(filepath.Join(home, "calendar"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	list := func(s *Site) []string {
		t.Helper()
		write(t, filepath.Join(home, "history.ics"), string(s.document(t, "/history.ics")))
		runs(t, home, nil, khal, "-c", "config", "import", "--batch", "-a", "status", "history.ics")
		out := runs(t, home, nil, khal, "-c", "config", "list", "--once", "-df", "", "-f", "{start-long} {end-long} {title}", "2027-01-01", "2027-12-31")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		return slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
	}
	sameTexts(t, list(w.site("2027-01-13 17:00")), "2027-01-15 07:00 2027-01-15 08:00 Scheduled database maintenance")
	w.saved()
	moved := database
	moved.Window = status.Window{Start: at("2027-03-27 23:30"), End: at("2027-03-28 01:30")} // the clock goes forward in between
	w.plan("2027-01-14 09:00", moved)
	sameTexts(t, list(w.site("2027-01-14 09:01")), "2027-03-28 00:30 2027-03-28 03:30 Scheduled database maintenance")
	w.saved()
	w.cancel("db", "2027-01-14 15:20", "A new date follows.")
	sameTexts(t, list(w.site("2027-01-14 16:00")), "2027-03-28 00:30 2027-03-28 03:30 Canceled: Scheduled database maintenance")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
