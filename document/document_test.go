package document_test

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"example.org/interlude/document"
	"example.org/interlude/examples"
	"example.org/interlude/status"
)

var update = flag.Bool("update", false, "write the error texts in testdata anew")

// TestErrorsSayWhatWhereAndWhatWouldBeRight reads the archives in testdata: each NAME.yaml is refused with the text
// of NAME.error, or accepted when that is empty.
func TestErrorsSayWhatWhereAndWhatWouldBeRight(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("got %v, %v, want archives", archives, err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		renewed := &txtar.Archive{Comment: archive.Comment}
		wants := make(map[string]string)
		for _, f := range archive.Files {
			wants[f.Name] = string(f.Data)
		}
		for _, f := range archive.Files {
			title, isInput := strings.CutSuffix(f.Name, ".yaml")
			if !isInput {
				continue
			}
			got := ""
			if _, err := document.Read(bytes.NewReader(f.Data), f.Name); err != nil {
				got = err.Error() + "\n"
			}
			renewed.Files = append(renewed.Files, f, txtar.File{Name: title + ".error", Data: []byte(got)})
			if want := wants[title+".error"]; got != want && !*update {
				t.Errorf("%s: %s: got\n%s\nwant\n%s", name, f.Name, got, want)
			}
		}
		if *update {
			if err := os.WriteFile(name, txtar.Format(renewed), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func read(t *testing.T, text string) []status.Document {
	t.Helper()
	found, err := document.Read(strings.NewReader(text), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheExamplesAreReadWhole(t *testing.T) {
	data, err := fs.ReadFile(examples.FS, "maintenance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, string(data))[0].Maintenance
	if m == nil {
		t.Fatal("got no maintenance, want one")
	}
	start := time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	if want := (status.Window{Start: start, End: start.Add(time.Hour)}); !m.Window.Equal(want) {
		t.Errorf("got the window %v, want %v", m.Window, want)
	}
	want := status.Promise{Audience: "Developers using the API", Flow: "api", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)}
	if len(m.Promises) != 5 || m.Promises[1] != want {
		t.Errorf("got the promises %v, want five, the second of them %v", m.Promises, want)
	}
	if want := []status.Duration{status.Duration(24 * time.Hour), status.Duration(time.Hour)}; !reflect.DeepEqual(m.Reminders, want) {
		t.Errorf("got the reminders %v, want %v", m.Reminders, want)
	}
	if !strings.HasPrefix(m.Summary, "On {{ .Window }} we restart") || strings.HasSuffix(m.Summary, "\n") {
		t.Errorf("got the summary %q, want it as written, without its last line end", m.Summary)
	}
}

func TestThePageKeepsTheOrderOfItsComponents(t *testing.T) {
	data, err := fs.ReadFile(examples.FS, "page.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, string(data))[0].Page
	want := []status.ComponentNode{
		{Group: "Message delivery", Components: []status.ComponentNode{
			{Name: "Email"}, {Name: "Chats and Posts"}, {Name: "Mobile Push"}, {Name: "Admin notifications"},
		}},
		{Group: "Messenger", Components: []status.ComponentNode{{Name: "Web Messenger"}, {Name: "Mobile Messenger"}}},
		{Name: "Web Application", Description: "Where teammates read and answer."},
		{Name: "APIs"},
	}
	if diff := cmp.Diff(want, got.Components); diff != "" {
		t.Errorf("the components differ (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotAmbiguousIsTakenAsMeant(t *testing.T) {
	found := read(t, `
kind: Maintenance
title: 2027
key: 007
window: {start: 2027-01-15 07:00 +0100, end: "2027-01-15T07:00z"}
affects: APIs
begin: Manual
reminders: 24h
updates:
- {status: In progress, at: 2027-01-15 0601 UTC, body: 1.10, components: }
- {status: cancelled, at: 2027-01-15T06:02:00.1234567Z, body: ~}
---
page: {name: true, maintenance_counts: yes}
components: [1, 2.50]
---
# nothing here
---
`)
	if len(found) != 2 {
		t.Fatalf("got %d documents, want 2", len(found))
	}
	day := func(clock time.Duration) time.Time { return time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC).Add(clock) }
	want := status.MaintenanceDocument{
		Title: "2027", Key: "007", Window: status.Window{Start: day(6 * time.Hour), End: day(7 * time.Hour)}, Affects: []string{"APIs"},
		Begin: status.Manual, Reminders: []status.Duration{status.Duration(24 * time.Hour)},
		Updates: []status.UpdateDocument{
			{Status: status.InProgress, At: day(6*time.Hour + time.Minute), Body: "1.10"},
			{Status: status.Canceled, At: day(6*time.Hour + 2*time.Minute + 123456*time.Microsecond)},
		},
	}
	if diff := cmp.Diff(&want, found[0].Maintenance); diff != "" {
		t.Errorf("the maintenance differs (-want +got):\n%s", diff)
	}
	page := status.PageDocument{
		Page:       status.PageFields{Name: "true", MaintenanceCounts: true},
		Components: []status.ComponentNode{{Name: "1"}, {Name: "2.50"}},
	}
	if diff := cmp.Diff(&page, found[1].Page); diff != "" {
		t.Errorf("the page differs (-want +got):\n%s", diff)
	}
	if found[0].Source != "test.yaml, document 1" || found[1].Source != "test.yaml, document 2" {
		t.Errorf("got the sources %q and %q", found[0].Source, found[1].Source)
	}
}

func TestAnchorsAliasesAndMergesAreReplaced(t *testing.T) {
	found := read(t, `
title: Two promises alike
window: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}
affects: &all [Web, API]
promises:
  - &usual {audience: Teammates, promise: unavailable, at_most: 5m}
  - {<<: *usual, audience: Developers}
runbook: {flows: *all}
`)
	five := status.Duration(5 * time.Minute)
	want := []status.Promise{
		{Audience: "Teammates", Promise: status.Unavailable, AtMost: five},
		{Audience: "Developers", Promise: status.Unavailable, AtMost: five},
	}
	if diff := cmp.Diff(want, found[0].Maintenance.Promises); diff != "" {
		t.Errorf("the promises differ (-want +got):\n%s", diff)
	}
}

func TestLineEndsAndByteOrderMarksDoNotMatter(t *testing.T) {
	text := "kind: page\npage:\n  name: Northwind\n  description: |\n    one\n    two\n"
	want := read(t, text)
	for _, same := range []string{"\uFEFF" + text, strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(text, "\n", "\r")} {
		if diff := cmp.Diff(want, read(t, same)); diff != "" {
			t.Errorf("%q differs (-want +got):\n%s", same, diff)
		}
	}
}

func TestAnErrorIsInvalidInputToTheRest(t *testing.T) {
	_, err := document.Read(strings.NewReader("title: x\nwindow: {start: tomorrow, end: 2027-01-15T07:00:00Z}\n"), "m.yaml")
	var bad *status.Invalid
	if !errors.As(err, &bad) || bad.Field != "window.start" {
		t.Errorf("got %#v, want an *Invalid of window.start", bad)
	}
	var place *document.Error
	if !errors.As(err, &place) || place.Line != 2 || place.Column != 17 {
		t.Errorf("got %+v, want line 2, column 17", place)
	}
}

// TestEveryKeyOfADocumentIsRead fails when a field is added to a document of package status and not read here: such a
// key would be refused as unknown.
func TestEveryKeyOfADocumentIsRead(t *testing.T) {
	const start = "title: x\nwindow: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}\n"
	for _, test := range []struct {
		of   any
		text string
	}{
		{status.PageDocument{}, "page: {name: x}\n"},
		{status.PageFields{}, "page:\n  name: x\n  "},
		{status.MaintenanceDocument{}, start},
		{status.Promise{}, start + "promises:\n- "},
		{status.Recurrence{}, start + "recurrence:\n  "},
		{status.IncidentDocument{}, "kind: incident\n"},
		{status.UpdateDocument{}, start + "updates:\n- "},
		{status.Blackout{}, "page:\n  name: x\n  blackouts:\n  - "},
		{status.ComponentNode{}, "components:\n- "},
	} {
		of := reflect.TypeOf(test.of)
		for i := range of.NumField() {
			key := of.Field(i).Tag.Get("yaml")
			_, err := document.Read(strings.NewReader(test.text+key+":\n"), "x.yaml")
			if err != nil && strings.Contains(err.Error(), "unknown key") {
				t.Errorf("%s of %s is not read: %v", key, of, err)
			}
		}
	}
}
