package calendar

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"example.org/interlude/status"
)

const reportLink = "https://status.northwind.example/incidents/m1"

var (
	northwind = status.Page{Name: "Northwind", TimeZone: "Europe/Berlin"}
	parts     = []status.Component{{ID: "c1", Name: "APIs"}, {ID: "c2", Name: "Mail"}}
	announced = time.Date(2027, 1, 13, 16, 51, 0, 0, time.UTC)
	start     = time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	operator  = status.Actor{Kind: status.Person, Name: "ada"}
)

// upgrade is a maintenance as it was announced.
func upgrade() status.Maintenance {
	window := status.Window{Start: start, End: start.Add(time.Hour)}
	return status.Maintenance{
		ID: "m1", Title: "Database upgrade; part 1, of 2", State: status.Scheduled, Window: window, Announced: window, Affects: []string{"c1", "c2"},
		Summary: "On {{ .Window }} answers may be slow.", Promises: []status.Promise{{Audience: "Everybody", Promise: status.Queued}},
		Updates: []status.Update{{State: status.Scheduled, Event: status.Announced, At: announced, Body: "On Jan 15 answers may be slow."}},
		Created: announced, Changed: announced, Version: 1,
	}
}

// after gives the maintenance as the store keeps it after a transition.
func after(t *testing.T, m status.Maintenance, to status.Transition, at time.Time) status.Maintenance {
	t.Helper()
	next, _, err := to(m, at, operator, status.Post{Body: "A new date follows."})
	if err != nil {
		t.Fatal(err)
	}
	next.Version++
	return next
}

func invitation(t testing.TB, m status.Maintenance) []byte {
	t.Helper()
	file, err := Invitation(m, northwind, nil, parts, reportLink, "status@northwind.example")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// one reads a file that has to hold one entry.
func one(t testing.TB, file []byte) (method string, entry *ics.VEvent) {
	t.Helper()
	read, err := ics.ParseCalendar(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("got %v of\n%s", err, file)
	}
	if len(read.Events()) != 1 {
		t.Fatalf("got %d entries, want one, of\n%s", len(read.Events()), file)
	}
	for _, p := range read.CalendarProperties {
		if p.IANAToken == string(ics.PropertyMethod) {
			method = p.Value
		}
	}
	return method, read.Events()[0]
}

// has compares properties of an entry: a name, its value, and so on.
func has(t testing.TB, entry *ics.VEvent, want ...string) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		got := cmp.Or(entry.GetProperty(ics.ComponentProperty(want[i])), &ics.IANAProperty{}).Value
		if got != want[i+1] {
			t.Errorf("%s: got %q, want %q", want[i], got, want[i+1])
		}
	}
}

func TestAnInvitationPutsTheEntryIntoACalendar(t *testing.T) {
	method, entry := one(t, invitation(t, upgrade()))
	if method != "PUBLISH" {
		t.Errorf("got the method %s, want PUBLISH", method)
	}
	has(t, entry, "UID", "m1@interlude", "SEQUENCE", "0", "STATUS", "CONFIRMED", "TRANSP", "TRANSPARENT", "URL", reportLink,
		"DTSTART", "20270115T060000Z", "DTEND", "20270115T070000Z", "DTSTAMP", "20270113T165100Z", "LAST-MODIFIED", "20270113T165100Z",
		"SUMMARY", "Database upgrade; part 1, of 2", "DESCRIPTION", "On Jan 15, 2027, 07:00 to 08:00 CET answers may be slow.\n\n"+
			"This scheduled maintenance affects: APIs, Mail.\n\nWhat you will experience:\n- Everybody: queued, and processed afterwards\n\n"+reportLink)
}

func TestAnInvitationMovesAndCancelsTheEntryThatIsThere(t *testing.T) {
	m := upgrade()
	m.Window = status.Window{Start: start.Add(24 * time.Hour), End: start.Add(25 * time.Hour)}
	m.Changed, m.Version = announced.Add(time.Hour), 2
	method, entry := one(t, invitation(t, m))
	if method != "PUBLISH" {
		t.Errorf("got the method %s, want PUBLISH", method)
	}
	has(t, entry, "UID", "m1@interlude", "SEQUENCE", "1", "DTSTART", "20270116T060000Z", "DTSTAMP", "20270113T175100Z")

	method, entry = one(t, invitation(t, after(t, m, status.Maintenance.Cancel, announced.Add(2*time.Hour))))
	if method != "CANCEL" {
		t.Errorf("got the method %s, want CANCEL", method)
	}
	has(t, entry, "UID", "m1@interlude", "SEQUENCE", "2", "STATUS", "CANCELLED", "DTSTAMP", "20270113T185100Z", "SUMMARY", "Canceled: Database upgrade; part 1, of 2")
	if got := entry.GetProperty(ics.ComponentPropertyDescription).Value; !strings.HasPrefix(got, "Canceled. It does not take place.") || !strings.Contains(got, "A new date follows.") {
		t.Errorf("got %q, want that it is canceled, and why", got)
	}
}

func TestAnInvitationAndASheetMakeTheSameEntry(t *testing.T) {
	m := after(t, upgrade(), status.Maintenance.Begin, start.Add(time.Minute))
	summary, err := status.Expand(m.Summary, status.PlaceholdersOf(m, northwind, nil, parts))
	if err != nil {
		t.Fatal(err)
	}
	file, err := Sheet{Name: "Northwind", Zone: northwind.Zone(), Entries: []Entry{
		{m, status.ReportMaintenance(m, northwind, nil, parts), summary, reportLink},
	}}.Write()
	if err != nil {
		t.Fatal(err)
	}
	entry := func(file []byte) string {
		_, rest, _ := strings.Cut(string(file), "BEGIN:VEVENT")
		return strings.Replace(rest, "ORGANIZER;CN=Northwind:mailto:status@northwind.example\r\n", "", 1) // which a mail alone has
	}
	if got, want := entry(invitation(t, m)), entry(file); got != want {
		t.Errorf("got the invitation\n%s\nwant the entry of the sheet\n%s", got, want)
	}
}

func TestAnEntryIsDatedByItsLastChange(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*status.Maintenance)
		want   string
	}{
		"an update that is dated later than the change": {func(m *status.Maintenance) { m.Updates[0].At = announced.Add(time.Hour) }, "20270113T175100Z"},
		"no time known": {func(m *status.Maintenance) { m.Changed, m.Updates = time.Time{}, nil }, "20270115T060000Z"},
	} {
		m := upgrade()
		tt.change(&m)
		_, entry := one(t, invitation(t, m))
		if got := entry.GetProperty(ics.ComponentPropertyDtstamp).Value; got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func TestASummaryWithWrongPlaceholdersIsLeftOut(t *testing.T) {
	m := upgrade()
	m.Summary = "On {{ .Windw }}."
	_, entry := one(t, invitation(t, m))
	if got := entry.GetProperty(ics.ComponentPropertyDescription).Value; strings.Contains(got, "Windw") || !strings.Contains(got, "On Jan 15 answers may be slow.") {
		t.Errorf("got %q, want what was announced instead", got)
	}
}

// nasty are texts that break a calendar which is put together carelessly.
var nasty = []string{
	"a\r\nBEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT", "a\nATTENDEE:mailto:x@example.org", "a\x00b\x1bc\x7f", "\xff\xfe", "\u2028\u2029\u0085", "a;b,c:d\"e\\",
	`\n\,\;\\ back\slash`, strings.Repeat("ä", 5000), strings.Repeat("漢字", 60), "{{ .Window }}", "",
}

// wellFormed says that a file with one text everywhere holds one entry under that text.
func wellFormed(t testing.TB, text string) {
	t.Helper()
	m := upgrade()
	m.Title, m.Summary, m.Updates[0].Body, m.Promises[0].Audience = text, text, text, text
	page, components := status.Page{Name: text}, []status.Component{{ID: "c1", Name: text}}
	file, err := Invitation(m, page, nil, components, reportLink, "status@northwind.example")
	if err != nil {
		t.Fatal(err)
	}
	_, entry := one(t, file)
	has(t, entry, "UID", "m1@interlude", "URL", reportLink)
	if entry.GetProperty("ATTENDEE") != nil {
		t.Errorf("%q: got a guest, want none", text)
	}
	if !utf8.Valid(file) || bytes.Count(file, []byte("\n")) != bytes.Count(file, []byte("\r\n")) {
		t.Errorf("%q: got a bare end of line or no UTF-8 in %q, want neither", text, file)
	}
	for line := range bytes.SplitSeq(file, []byte("\r\n")) {
		if len(line) > 75 || slices.ContainsFunc(line, func(b byte) bool { return b < ' ' && b != '\t' || b == 0x7F }) {
			t.Errorf("%q: got the line %q, want at most 75 octets without control characters", text, line)
		}
	}
}

func TestNoTextBreaksAnEntry(t *testing.T) {
	for _, text := range nasty {
		wellFormed(t, text)
	}
}

func FuzzInvitation(f *testing.F) {
	for _, text := range nasty {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { wellFormed(t, text) })
}
