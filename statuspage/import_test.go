package statuspage_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/document"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
)

var renew = flag.Bool("renew", false, "write anew what imports are expected to make")

// savedPage reads a folder of testdata/import.
func savedPage(t testing.TB, name string) statuspage.Source {
	t.Helper()
	from, err := statuspage.ReadFolder(os.DirFS(filepath.Join("testdata", "import", name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return from
}

// written are documents as people would write them.
func written(t testing.TB, documents []status.Document) string {
	t.Helper()
	var parts []string
	for _, d := range documents {
		text, err := document.Marshal(d)
		if err != nil {
			t.Fatalf("%s: %v", d.Source, err)
		}
		if _, err := document.Read(strings.NewReader(string(text)), d.Source); err != nil {
			t.Errorf("%s: got %v, want a document that can be read:\n%s", d.Source, err, text)
		}
		parts = append(parts, string(text))
	}
	return strings.Join(parts, "---\n")
}

// lines are notes as the report prints them.
func lines(notes statuspage.Notes) string {
	var b strings.Builder
	for _, n := range notes {
		b.WriteString(strings.TrimSpace(n.Kind+" "+n.Name) + ": " + n.What + "\n")
	}
	return b.String()
}

func TestASavedPageBecomesDocuments(t *testing.T) {
	for name, now := range map[string]time.Time{
		"utc":     time.Date(2020, 2, 12, 0, 0, 0, 0, time.UTC),
		"zoned":   time.Date(2021, 10, 25, 0, 0, 0, 0, time.UTC),
		"managed": time.Date(2021, 10, 25, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := statuspage.Import(savedPage(t, name), statuspage.Present{}, now)
			if err != nil {
				t.Fatal(err)
			}
			text := written(t, got.Documents) + "\n# changed to fit\n" + lines(got.Report.Fitted) + "\n# not carried\n" + lines(got.Report.NotCarried)
			file := filepath.Join("testdata", "import", name, "want.txt")
			if *renew {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text); diff != "" {
				t.Errorf("%s is not what is made of the page (- want, + got):\n%s", file, diff)
			}
		})
	}
}
