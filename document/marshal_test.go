package document_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/document"
	"example.org/interlude/examples"
	"example.org/interlude/status"
)

// again writes the document and reads it back.
func again(t *testing.T, d status.Document) (status.Document, string) {
	t.Helper()
	text, err := document.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	found, err := document.Read(bytes.NewReader(text), d.Source)
	if err != nil || len(found) != 1 {
		t.Fatalf("got %d documents, %v, want one of\n%s", len(found), err, text)
	}
	return found[0], string(text)
}

func TestEveryExampleSurvivesBeingWrittenAndRead(t *testing.T) {
	files, err := fs.Glob(examples.FS, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(examples.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := document.Read(bytes.NewReader(data), name)
		if err != nil {
			t.Fatal(err)
		}
		got, text := again(t, found[0])
		if diff := cmp.Diff(found[0], got); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s\n%s", name, diff, text)
		}
	}
}

func TestTextsOfEveryShapeSurvive(t *testing.T) {
	texts := []string{
		"plain", "Two words", "it's", `"quoted"`, "yes", "No", "null", "~", "123", "1.5", "0x1f", "2027-01-15", "12:30", ".inf",
		"a: b", "a:", ":a", "a #b", "#a", "- a", "-", "[a]", "{a}", "a, b", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "a\\b", "'", `"`,
		"{{ .Window }}", "x  y", "Ü and ñ", "日本語", "e\u0301te\u0301", "🙂", "a/b", "A & B", "50%", "C:\\data", "https://example.org/a?b=c#d",
		"one\ntwo", "one\n\n\ntwo", "- a\n- b", "one\n  indented", "  first\nsecond", "tab\tinside", "one\n\ttab", "one  \ntwo", "---\nx", "x\n---\n...",
		"# heading\n\ntext", "a: b\nc: d", "one\n   \ntwo", "what is `code`?\n\n    block", "x:", "x -", "a -b", "a - b", "a ,b", "non\u00a0break", "<<", "=",
	}
	for _, text := range texts {
		want := status.Document{Source: "t.yaml", Maintenance: &status.MaintenanceDocument{
			Title: strings.ReplaceAll(strings.TrimSpace(text), "\n", " "), Summary: text, Why: text,
			Window:   status.Window{Start: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC), End: time.Date(2027, 1, 15, 7, 0, 0, 1000, time.UTC)},
			Affects:  []string{strings.ReplaceAll(strings.TrimSpace(text), "\n", " "), "b"},
			Promises: []status.Promise{{Audience: strings.ReplaceAll(strings.TrimSpace(text), "\n", " "), Promise: status.Queued}},
			Updates:  []status.UpdateDocument{{Status: status.Scheduled, At: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC), Body: text}},
		}}
		got, written := again(t, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q differs (-want +got):\n%s\n%s", text, diff, written)
		}
	}
}

func TestADocumentIsWrittenAsAPersonWould(t *testing.T) {
	start := time.Date(2027, 1, 15, 7, 0, 0, 0, time.FixedZone("", 3600))
	text, err := document.Marshal(status.Document{Maintenance: &status.MaintenanceDocument{
		Title:     "Database upgrade: part 2",
		Window:    status.Window{Start: start, End: start.Add(time.Hour)},
		Summary:   "We upgrade.\n\n- quickly",
		Affects:   []string{"Message delivery", "Messenger / Web Messenger"},
		Reminders: []status.Duration{status.Duration(48 * time.Hour)}, RemindEvery: status.Duration(4 * time.Hour),
		Promises: []status.Promise{{Audience: "Programs, and people", Promise: status.DelayedUp, AtMost: status.Duration(10 * time.Minute)}},
		Updates: []status.UpdateDocument{{
			Status: status.Completed, At: start.Add(time.Hour), Body: "Done.",
			Components: map[string]status.Condition{"B": status.Operational, "A / C": status.PartialOutage},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `title: "Database upgrade: part 2"
window: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}
summary: |
  We upgrade.

  - quickly
affects: [Message delivery, Messenger / Web Messenger]
reminders: [48h]
remind_every: 4h
promises:
  - {audience: "Programs, and people", promise: delayed, at_most: 10m}
updates:
  - status: completed
    at: 2027-01-15T07:00:00Z
    body: Done.
    components:
      A / C: partial_outage
      B: operational
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("the text differs (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotOneDocumentIsNotWritten(t *testing.T) {
	for _, d := range []status.Document{
		{},
		{Page: &status.PageDocument{}, Incident: &status.IncidentDocument{}},
		{Incident: &status.IncidentDocument{Title: "a\x00b"}},
	} {
		if text, err := document.Marshal(d); err == nil {
			t.Errorf("got %q, want an error", text)
		}
	}
}
