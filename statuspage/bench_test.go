package statuspage

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/snapshot"
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
	b, _ := followed(tb, "https://status.northwind.example", components, planned, past)
	return b
}

// followed is such a board with its feed, of a page that has an address or none.
func followed(tb testing.TB, address string, components, planned, past int) (*board.Board, *library) {
	tb.Helper()
	now := still{}.Now()
	d := status.Delta{Seq: 1, Page: &status.Page{ID: "page", Name: "Northwind", URL: address, TimeZone: "UTC"}}
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
	feed := &library{d}
	b := board.New(feed, still{}, slog.New(slog.DiscardHandler))
	if err := b.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return b, feed
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

func TestAlternatingHostsMakeEachDocumentOncePerPicture(t *testing.T) {
	for name, address := range map[string]string{"without an address": "", "with one that names no host": "https://stätus.example"} {
		b, feed := followed(t, address, 5, 1, 10)
		s := &Public{Board: b}
		made := make(map[string]*snapshot.Snapshot) // by path and host
		read := func(host, path string) *snapshot.Snapshot {
			t.Helper()
			answer := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			s.ServeHTTP(answer, r)
			if body := answer.Body.String(); answer.Code != http.StatusOK || strings.Count(body, "http://") == 0 || strings.Count(body, "http://") != strings.Count(body, "http://"+host) {
				t.Errorf("%s: %s of %s: got %d %.200s, want its own addresses", name, path, host, answer.Code, body)
			}
			return s.editions["http://"+host].printed[strings.TrimSuffix(strings.TrimPrefix(path, "/api/v2/"), ".json")].Snapshot
		}
		for range 3 {
			for _, host := range []string{"status.example", "10.0.0.1:8484"} {
				for _, path := range []string{"/api/v2/summary.json", "/api/v2/status.json"} {
					got := read(host, path)
					if before := made[path+host]; before != nil && got != before {
						t.Errorf("%s: got %s of %s made anew, want what was made for the same picture", name, path, host)
					}
					made[path+host] = got
				}
			}
		}
		feed.delta.Seq++
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := read("status.example", "/api/v2/summary.json"); got == made["/api/v2/summary.jsonstatus.example"] || len(s.editions) != 1 {
			t.Errorf("%s: got the former document or %d editions of the new picture, want a new one", name, len(s.editions))
		}
	}
}

func TestReadersWhoInventHostsFillNothing(t *testing.T) {
	b, _ := followed(t, "", 1, 0, 0)
	s, r, w := &Public{Board: b}, summaryAsked(t), discard{http.Header{}}
	for n := range 3 * mostHomes {
		r.Host = fmt.Sprintf("h%d.example", n)
		w.serve(s, r)
	}
	if got := len(s.editions); got != mostHomes {
		t.Errorf("got %d editions, want %d", got, mostHomes)
	}
}

// BenchmarkSummaryAtTwoHosts is what readers cost who come by two addresses of a page that does not know its own.
func BenchmarkSummaryAtTwoHosts(b *testing.B) {
	board, _ := followed(b, "", 500, 50, 5000)
	s, w := &Public{Board: board}, discard{http.Header{}}
	asked := [2]*http.Request{summaryAsked(b), summaryAsked(b)}
	asked[1].Host = "10.0.0.1:8484"
	for _, r := range asked {
		w.serve(s, r)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		w.serve(s, asked[n%2])
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
