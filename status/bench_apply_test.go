package status

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkApplyPast enters five thousand past incidents in one request: the move from another page.
func BenchmarkApplyPast(b *testing.B) {
	documents := []Document{page(shop())}
	now := start
	for n := range 5000 {
		at := now.Add(-time.Duration(n+2) * 3 * time.Hour)
		documents = append(documents, Document{Incident: &IncidentDocument{
			Key: fmt.Sprint("past-", n), Title: fmt.Sprint("Trouble ", n), Affects: []string{"APIs"},
			Updates: []UpdateDocument{
				{Status: Investigating, At: at, Body: "We are looking.", Components: map[string]Condition{"APIs": PartialOutage}},
				{Status: Resolved, At: at.Add(30 * time.Minute), Body: "It is mended."},
			},
		}})
	}
	for b.Loop() {
		if _, _, err := newBook().Apply(documents, now, operator); err != nil {
			b.Fatal(err)
		}
	}
}
