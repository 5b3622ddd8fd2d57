package statuspage

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// library is a feed that does not change: a page with many components, planned maintenances and past events.
type library struct{ delta status.Delta }

func (l library) Since(_ context.Context, seq int64) (status.Delta, error) {
	if seq >= l.delta.Seq {
		return status.Delta{Seq: l.delta.Seq}, nil
	}
	return l.delta, nil
}

type still struct{}

func (still) Now() time.Time { return time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC) }

// large makes a board with that many components, maintenances to come and past incidents.
func large(tb testing.TB, components, planned, past int) *board.Board {
	tb.Helper()
	now := still{}.Now()
	d := status.Delta{Seq: 1, Page: &status.Page{ID: "page", Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "UTC"}}
	for n := range components {
		d.Components = append(d.Components, status.Component{
			ID: fmt.Sprintf("component%d", n), Name: fmt.Sprintf("Component %d", n), Position: n, Condition: status.Operational, Created: now,
		})
	}
	update := func(n int, state status.State, at time.Time) status.Update {
		return status.Update{ID: fmt.Sprint("update", n, state), State: state, At: at, Body: "We restart the databases. Some requests will be answered a few seconds later."}
	}
	for n := range planned {
		start := now.Add(time.Duration(n+1) * 24 * time.Hour)
		w := status.Window{Start: start, End: start.Add(time.Hour)}
		d.Maintenances = append(d.Maintenances, status.Maintenance{
			ID: fmt.Sprint("maintenance", n), Key: fmt.Sprint("maintenance", n), Title: "Database maintenance", State: status.Scheduled, Window: w, Announced: w,
			Affects: []string{"component0", "component1"}, Updates: []status.Update{update(n, status.Scheduled, now)}, Created: now, Changed: now,
		})
	}
	for n := range past {
		at := now.Add(-time.Duration(n+1) * time.Hour)
		d.Incidents = append(d.Incidents, status.Incident{
			ID: fmt.Sprint("incident", n), Key: fmt.Sprint("incident", n), Title: "Push was slow", State: status.Resolved, Impact: status.DegradedPerformance,
			Affects: []string{"component0"}, Began: at, Ended: at.Add(time.Minute), Created: at, Changed: at,
			Updates: []status.Update{update(n, status.Investigating, at), update(n, status.Resolved, at.Add(time.Minute))},
		})
	}
	b := board.New(library{d}, still{}, slog.New(slog.DiscardHandler))
	if err := b.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return b
}

// discard is a reader who takes everything and keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
func (d discard) serve(s *Public, r *http.Request) {
	clear(d.header)
	s.ServeHTTP(d, r)
}

func summaryAsked(tb testing.TB) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, "/api/v2/summary.json", nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Host = "status.northwind.example"
	r.Header["Accept-Encoding"] = []string{"gzip, deflate, br, zstd"}
	return r
}

func TestReadingTheSummaryAllocatesTheSameForOneEventAsForThousands(t *testing.T) {
	allocations := func(past int) float64 {
		s, r, w := &Public{Board: large(t, 50, 5, past)}, summaryAsked(t), discard{http.Header{}}
		w.serve(s, r)
		return testing.AllocsPerRun(1000, func() { w.serve(s, r) })
	}
	if few, many := allocations(1), allocations(5000); few != many || many > 4 {
		t.Errorf("got %g allocations with one past incident and %g with five thousand, want the same few", few, many)
	}
}

// BenchmarkSummary is what a reader of summary.json costs once it was made.
func BenchmarkSummary(b *testing.B) {
	for name, size := range map[string][3]int{"large": {500, 50, 5000}, "empty": {0, 0, 0}} {
		b.Run(name, func(b *testing.B) {
			s, r, w := &Public{Board: large(b, size[0], size[1], size[2])}, summaryAsked(b), discard{http.Header{}}
			w.serve(s, r)
			b.ReportAllocs()
			for b.Loop() {
				w.serve(s, r)
			}
		})
	}
}

// BenchmarkSummaryIsMade is what the first reader after a change waits for: the document, and its smallest encoding.
func BenchmarkSummaryIsMade(b *testing.B) {
	for name, past := range map[string]int{"one past incident": 1, "5,000 past incidents": 5000} {
		b.Run(name, func(b *testing.B) {
			board := large(b, 500, 50, past)
			r, w := summaryAsked(b), discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				w.serve(&Public{Board: board}, r)
			}
		})
	}
}
