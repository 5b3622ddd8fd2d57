package page

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"example.org/interlude/status"
)

// property is one line of a calendar, unfolded.
type property struct{ name, parameters, value string }

// strictly reads a calendar by the letter of RFC 5545: lines of at most 75 octets that end with CRLF, folded between
// characters, without control characters; text in which everything that must be is escaped, and nothing else is; components
// that are closed in the order in which they were opened.
func strictly(body []byte) ([]property, error) {
	text, ok := strings.CutSuffix(string(body), "\r\n")
	if !ok || !utf8.ValidString(text) {
		return nil, fmt.Errorf("got no CRLF at the end or no UTF-8, want both")
	}
	var lines []string
	for n, line := range strings.Split(text, "\r\n") {
		if len(line) > 75 || line == "" || !utf8.ValidString(line) {
			return nil, fmt.Errorf("line %d: got %d octets in %q, want 1 to 75 and whole characters", n+1, len(line), line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }); i >= 0 {
			return nil, fmt.Errorf("line %d: got the control character %q, want none", n+1, line[i])
		}
		if folded, ok := strings.CutPrefix(line, " "); ok && n > 0 {
			lines[len(lines)-1] += folded
			continue
		}
		lines = append(lines, line)
	}
	var all []property
	var open []string
	for _, line := range lines {
		head, value, ok := strings.Cut(line, ":")
		name, parameters, _ := strings.Cut(head, ";")
		if !ok || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" || name == "" {
			return nil, fmt.Errorf("got the line %q, want a name, a colon and a value", line)
		}
		switch name {
		case "BEGIN":
			open = append(open, value)
		case "END":
			if len(open) == 0 || open[len(open)-1] != value {
				return nil, fmt.Errorf("got the end of %s in %v, want it where it began", value, open)
			}
			open = open[:len(open)-1]
		case "SUMMARY", "DESCRIPTION", "NAME", "X-WR-CALNAME", "UID", "CATEGORIES":
			var err error
			if value, err = unescaped(value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		all = append(all, property{name, parameters, value})
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("got %v open at the end, want nothing", open)
	}
	return all, nil
}

// unescaped is a TEXT value (RFC 5545, 3.3.11).
func unescaped(value string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case ',', ';':
			return "", fmt.Errorf("got a bare %q in %q, want it escaped", c, value)
		case '\\':
			i++
			if i == len(value) || !strings.ContainsRune(`\;,nN`, rune(value[i])) {
				return "", fmt.Errorf("got a lone backslash in %q", value)
			}
			if value[i] == 'n' || value[i] == 'N' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(value[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// calendar reads one with the strict reader and with the library, which have to agree on how many entries it has. It gives
// those of the strict reader, by the summary.
func (s *Site) calendar(t testing.TB, path string) map[string]map[string]string {
	t.Helper()
	body := s.document(t, path)
	all, err := strictly(body)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, body)
	}
	entries := make(map[string]map[string]string)
	n := 0
	var entry map[string]string
	for _, p := range all {
		switch {
		case p.name == "BEGIN" && p.value == "VEVENT":
			entry = make(map[string]string)
			n++
		case p.name == "END" && p.value == "VEVENT":
			entries[entry["SUMMARY"]] = entry
		case entry != nil:
			if _, twice := entry[p.name]; twice {
				t.Errorf("%s: got %s twice, want it once", path, p.name)
			}
			entry[p.name] = p.value
		}
	}
	read, err := ics.ParseCalendar(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if got := len(read.Events()); got != n {
		t.Errorf("%s: got %d entries by the library, want the %d of the strict reader", path, got, n)
	}
	return entries
}

func sameEntry(t testing.TB, got map[string]string, want ...string) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		if got[want[i]] != want[i+1] {
			t.Errorf("%s: got %q, want %q", want[i], got[want[i]], want[i+1])
		}
	}
}

func TestACalendarNamesItselfAndWhenToLookAgain(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	s := w.site("2027-01-13 17:00")
	all, err := strictly(s.document(t, "/history.ics"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []property{
		{"VERSION", "", "2.0"},
		{"PRODID", "", "-//Interlude//Maintenance calendar//EN"},
		{"CALSCALE", "", "GREGORIAN"},
		{"METHOD", "", "PUBLISH"},
		{"NAME", "", "Northwind maintenance"},
		{"X-WR-CALNAME", "", "Northwind maintenance"},
		{"REFRESH-INTERVAL", "VALUE=DURATION", "PT30M"},
		{"X-PUBLISHED-TTL", "", "PT30M"},
	} {
		if !slices.Contains(all, want) {
			t.Errorf("got no %v, want it", want)
		}
	}
	if got := s.fetch(t, http.MethodGet, "status.example", "/history.ics").Header().Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("got the type %q, want a calendar", got)
	}
}

func TestACalendarHoldsEachMaintenanceAndNoIncident(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	id := w.Maintenances[0].ID
	entries := w.site("2027-01-13 17:00").calendar(t, "/history.ics")
	if len(entries) != 1 {
		t.Errorf("got %d entries, want the maintenance alone", len(entries))
	}
	sameEntry(t, entries["Scheduled database maintenance"],
		"UID", id+"@interlude", "SEQUENCE", "0", "STATUS", "CONFIRMED", "TRANSP", "TRANSPARENT", "CATEGORIES", "maintenance",
		"DTSTART", "20270115T060000Z", "DTEND", "20270115T070000Z", "DTSTAMP", "20270113T165100Z", "LAST-MODIFIED", "20270113T165100Z",
		"CREATED", "20270113T165100Z", "URL", "https://status.northwind.example/incidents/"+id, "DESCRIPTION",
		"On Jan 15, 2027, 06:00 to 07:00 UTC we restart our databases. Expect **a few brief interruptions**, never one long one.\n\n"+
			"This scheduled maintenance affects: Message delivery (Email, Chats and Posts, Mobile Push, Admin notifications), "+
			"Messenger (Web Messenger, Mobile Messenger), and Web Application, APIs.\n\nWhat you will experience:\n"+
			"- Teammates in the app: unavailable (error 503) for up to 5 minutes at a time\n- Developers using the API: unavailable (error 503) for up to 5 minutes at a time\n"+
			"- End users of the messenger: no interruption\n- Scheduled messages: delayed by up to 10 minutes\n- Inbound e-mail: queued, and processed afterwards\n\n"+
			"https://status.northwind.example/incidents/"+id)
}

func TestAnEntryOfACalendarFollowsItsMaintenance(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	uid := w.Maintenances[0].ID + "@interlude"
	sequence := 0
	for _, step := range []struct {
		name, when string
		change     func()
		want       []string
		says       string
	}{
		{"rescheduled", "2027-01-14 09:00", func() {
			moved := database
			moved.Window = status.Window{Start: at("2027-01-16 22:00"), End: at("2027-01-16 23:00")}
			w.plan("2027-01-14 09:00", moved)
		}, []string{"DTSTART", "20270116T220000Z", "DTEND", "20270116T230000Z", "LAST-MODIFIED", "20270114T090000Z"}, "First announced for Jan 15, 2027, 06:00 to 07:00 UTC."},
		{
			"begun", "2027-01-16 22:01", func() { w.begin("db", "2027-01-16 22:01") },
			[]string{"DTEND", "20270116T230000Z"},
			"In progress.\n",
		},
		{
			"estimated", "2027-01-16 22:20", func() { w.reestimate("db", "2027-01-16 23:10", "2027-01-16 22:20") },
			[]string{"DTEND", "20270116T230000Z"},
			"In progress. It is expected to end at Jan 16, 2027 - 23:10 UTC.",
		},
		{
			"extended", "2027-01-16 22:50", func() { w.extend("db", "2027-01-16 23:30", "2027-01-16 22:50") },
			[]string{"DTSTART", "20270116T220000Z", "DTEND", "20270116T233000Z"},
			"In progress.",
		},
		{
			"overrun and completed", "2027-01-17 00:05", func() { w.complete("db", "2027-01-17 00:05") },
			[]string{"DTSTART", "20270116T220000Z", "DTEND", "20270116T233000Z", "STATUS", "CONFIRMED"},
			"Completed. It took place on Jan 16, 2027, 22:01 to Jan 17, 2027, 00:05 UTC, 35 minutes later than announced.",
		},
	} {
		w.saved()
		step.change()
		entry := w.site(step.when).calendar(t, "/history.ics")["Scheduled database maintenance"]
		sameEntry(t, entry, append([]string{"UID", uid}, step.want...)...)
		if !strings.Contains(entry["DESCRIPTION"], step.says) {
			t.Errorf("%s: got %q, want it to say %q", step.name, entry["DESCRIPTION"], step.says)
		}
		sequence++
		if got, want := entry["SEQUENCE"], fmt.Sprint(sequence); got != want {
			t.Errorf("%s: got SEQUENCE %s, want %s", step.name, got, want)
		}
	}
}

func TestACanceledMaintenanceStaysInTheCalendarAsCanceled(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.saved()
	w.cancel("db", "2027-01-14 15:20", "A new date follows; we are sorry, all of you.")
	entry := w.site("2027-01-14 16:00").calendar(t, "/history.ics")["Canceled: Scheduled database maintenance"]
	sameEntry(t, entry, "STATUS", "CANCELLED", "SEQUENCE", "1", "DTSTART", "20270115T060000Z")
	if want := "Canceled. It does not take place."; !strings.HasPrefix(entry["DESCRIPTION"], want) || !strings.Contains(entry["DESCRIPTION"], "A new date follows; we are sorry, all of you.") {
		t.Errorf("got %q, want it to begin with %q and to give the reason", entry["DESCRIPTION"], want)
	}
}

func TestEachOccurrenceOfASeriesIsAnEntry(t *testing.T) {
	w := bare(t)
	w.apply("2027-01-01 09:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind", TimeZone: "Europe/Berlin"}, Components: []status.ComponentNode{{Name: "APIs"}},
	}})
	// The clock in Berlin goes forward on March 28: the third one begins an hour earlier in UTC.
	for n, start := range []string{"2027-03-14 21:00", "2027-03-21 21:00", "2027-03-28 20:00"} {
		w.plan("2027-03-10 09:00", status.MaintenanceDocument{
			Key: fmt.Sprint("weekly-", n), Title: fmt.Sprint("Weekly restart ", n), Affects: []string{"APIs"},
			Window: status.Window{Start: at(start), End: at(start).Add(time.Hour)},
		})
	}
	entries := w.site("2027-03-10 10:00").calendar(t, "/history.ics")
	if len(entries) != 3 {
		t.Fatalf("got %d entries, want three", len(entries))
	}
	sameEntry(t, entries["Weekly restart 1"], "DTSTART", "20270321T210000Z")
	sameEntry(t, entries["Weekly restart 2"], "DTSTART", "20270328T200000Z", "DTEND", "20270328T210000Z")
}

func TestACalendarOfAComponentHoldsItsOwn(t *testing.T) {
	w := northwind(t)
	d := database
	d.Affects = []string{"APIs"}
	w.plan("2027-01-13 16:51", d)
	s := w.site("2027-01-13 17:00")
	for _, c := range w.Components {
		want := 0
		if c.Name == "APIs" {
			want = 1
		}
		if got := len(s.calendar(t, "/components/"+c.ID+"/history.ics")); got != want {
			t.Errorf("%s: got %d entries, want %d", c.Name, got, want)
		}
	}
	body := string(s.document(t, "/components/"+w.Components[0].ID+"/history.ics"))
	if !strings.Contains(body, "X-WR-CALNAME:Northwind - Message delivery / Email maintenance\r\n") {
		t.Errorf("got %s, want it named after its component", body)
	}
}

func TestACalendarReachesBackAYear(t *testing.T) {
	s, _, _ := largeSite(t)
	entries := s.calendar(t, "/history.ics")
	planned, past := 0, 0
	for title := range entries {
		if strings.HasPrefix(title, "Move") {
			planned++
		} else {
			past++
		}
	}
	if planned != 50 || past != mostCalendar-50 {
		t.Errorf("got %d planned and %d past ones, want 50 and %d", planned, past, mostCalendar-50)
	}
	w := northwind(t)
	for key, start := range map[string]string{"old": "2026-07-05 06:00", "older": "2026-07-03 06:00"} {
		w.plan(strings.Replace(start, "06:00", "01:00", 1), status.MaintenanceDocument{
			Key: key, Title: key, Affects: []string{"APIs"}, Window: status.Window{Start: at(start), End: at(start).Add(time.Hour)}, ShortNotice: "It has to be.",
		})
		w.begin(key, start)
		w.complete(key, strings.Replace(start, "06:00", "07:00", 1))
	}
	if entries := w.site("2027-07-04 09:00").calendar(t, "/history.ics"); len(entries) != 1 || entries["old"] == nil {
		t.Errorf("got %d entries, want only the one that is less than a year old", len(entries))
	}
}

func TestOneMaintenanceIsAnEntryToTake(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	s := w.site("2027-01-13 17:00")
	id := w.Maintenances[0].ID
	for _, path := range []string{"/incidents/" + id + ".ics", "/incidents/db.ics"} {
		if entries := s.calendar(t, path); len(entries) != 1 || entries["Scheduled database maintenance"]["UID"] != id+"@interlude" {
			t.Errorf("%s: got %v, want the maintenance", path, entries)
		}
		if got, want := s.fetch(t, http.MethodGet, "status.example", path).Header().Get("Content-Disposition"), `attachment; filename="maintenance-`+id+`.ics"`; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	page, _ := s.get(t, "/incidents/db")
	if got := page.one("#facts").all("a"); len(got) != 1 || got[0].attr("href") != "/incidents/"+id+".ics" || got[0].text() != "Add to calendar" {
		t.Errorf("got %d links in the facts of a planned maintenance, want one to its entry", len(got))
	}
	w.begin("db", "2027-01-15 06:00")
	page, _ = w.site("2027-01-15 06:10").get(t, "/incidents/db")
	page.one("#facts").says("Add to calendar")
	w.complete("db", "2027-01-15 06:50")
	page, _ = w.site("2027-01-15 07:10").get(t, "/incidents/db")
	if strings.Contains(page.one("#facts").text(), "Add to calendar") {
		t.Error("got a link to note what is past, want none")
	}
	if got := fileName("a/../b\"\r\n"); got != "a____b___" {
		t.Errorf("got the file name %q, want letters and digits", got)
	}
}

func TestAKeyThatLooksLikeACalendarIsStillAReport(t *testing.T) {
	w := northwind(t)
	d := database
	d.Key = "weekly.ics"
	w.plan("2027-01-13 16:51", d)
	s := w.site("2027-01-13 17:00")
	page, answer := s.get(t, "/incidents/weekly.ics")
	if answer.Code != http.StatusOK {
		t.Fatalf("got %d, want the report", answer.Code)
	}
	page.one("#banner").says("Scheduled database maintenance")
	if entries := s.calendar(t, "/incidents/weekly.ics.ics"); len(entries) != 1 {
		t.Errorf("got %d entries, want one", len(entries))
	}
}

func TestFeedsAreNamedInTheHeadAndTheFooter(t *testing.T) {
	s := northwind(t).site("2027-01-13 17:00")
	for _, path := range []string{"/", "/history"} {
		page, _ := s.get(t, path)
		var types []string
		for _, link := range page.all("link") {
			if link.attr("rel") == "alternate" {
				types = append(types, link.attr("type")+" "+link.attr("href")+" "+link.attr("title"))
			}
		}
		sameTexts(t, types, "application/atom+xml /history.atom Northwind, Atom", "application/rss+xml /history.rss Northwind, RSS")
		sameTexts(t, page.one(".follow").texts("a"), "Atom", "RSS", "Calendar")
	}
}
