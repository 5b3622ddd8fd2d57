package statuspage_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.org/interlude/document"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
)

// FuzzWhatIsImportedCanBeApplied wants of whatever a page says documents that apply and can be written, and that are not
// needed a second time; or an error.
func FuzzWhatIsImportedCanBeApplied(f *testing.F) {
	kinds := []statuspage.PartKind{
		statuspage.PartComponents, statuspage.PartIncidents, statuspage.PartMaintenances, statuspage.PartManagedPage, statuspage.PartManagedComponents,
		statuspage.PartGroups, statuspage.PartManagedIncidents, statuspage.PartSubscribers, statuspage.PartTemplates, statuspage.PartMetrics,
	}
	files, err := filepath.Glob("testdata/import/*/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for n := range kinds {
			f.Add(uint8(n), data, []byte(`[{"id":"c1","name":"A / B"},{"id":"c1"},{"name":"A / B","group_id":"x"},{"id":"A","name":"c1","group":true}]`))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, data, components []byte) {
		now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		from := statuspage.Source{Parts: []statuspage.Part{
			{Kind: statuspage.PartSummary, Name: "summary.json", Data: []byte(`{"page":{"id":"p","name":"N"}}`)},
			{Kind: statuspage.PartComponents, Name: "components.json", Data: components},
			{Kind: kinds[int(kind)%len(kinds)], Name: "data.json", Data: data},
		}}
		found, err := statuspage.Import(from, statuspage.Present{}, now)
		if err != nil {
			return
		}
		wire, err := json.Marshal(found.Documents)
		if err != nil {
			t.Fatalf("the documents do not fit on the wire: %v", err)
		}
		var documents []status.Document
		if err := json.Unmarshal(wire, &documents); err != nil {
			t.Fatal(err)
		}
		serial := 0
		book := &status.Book{NewID: func() string { serial++; return string(rune('a'+serial%26)) + time.Duration(serial).String() }}
		if _, _, err := book.Apply(documents, now, status.Actor{Kind: status.Person}); err != nil {
			t.Fatalf("got %v, want documents that apply: %s", err, wire)
		}
		for _, d := range documents {
			if _, err := document.Marshal(d); err != nil {
				t.Errorf("%s cannot be written: %v", d.Source, err)
			}
		}
		again, err := statuspage.Import(from, statuspage.Present{Page: book.Page, Maintenances: book.Maintenances, Incidents: book.Incidents}, now)
		if err != nil {
			t.Fatalf("importing again: %v", err)
		}
		if len(again.Documents) != 1 || len(again.Report.LeftAlone) > 0 {
			t.Errorf("importing again: got %d documents and left %v, want the page's alone", len(again.Documents), again.Report.LeftAlone)
		}
	})
}
