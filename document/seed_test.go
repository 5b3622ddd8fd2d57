package document_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/document"
	"example.org/interlude/status"
)

// TestAReportEnteredThroughDocumentsComesBackLineByLine is what the whole product begins with: documents in, the
// report of the past out.
func TestAReportEnteredThroughDocumentsComesBackLineByLine(t *testing.T) {
	const folder = "testdata/seed"
	var all []status.Document
	for _, name := range []string{"maintenance.yaml", "page.yaml"} {
		f, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		found, err := document.Read(f, name)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	want, err := os.ReadFile(filepath.Join(folder, "report.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	book := &status.Book{NewID: func() string { ids++; return strconv.Itoa(ids) }}
	changes, _, err := book.Apply(all, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), status.Actor{Kind: status.Person})
	if err != nil {
		t.Fatal(err)
	}
	m, found := book.Maintenance(changes[len(changes)-1].Subject.ID)
	if !found {
		t.Fatalf("got %v, want the maintenance as the last change", changes)
	}
	var got strings.Builder
	if err := status.ReportMaintenance(m, book.Page, book.Groups, book.Components).WriteText(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the report differs (-want +got):\n%s", diff)
	}
}
