package page

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// chronicle is a feed of a large page: 500 components in 50 groups, 5,000 past events, 50 planned maintenances.
type chronicle struct{ delta status.Delta }

// Since gives everything at first, and afterwards what was put in its place.
func (c *chronicle) Since(_ context.Context, seq int64) (status.Delta, error) {
	if seq == c.delta.Seq {
		return status.Delta{Seq: seq}, nil
	}
	return c.delta, nil
}

func largeTown(now time.Time) *chronicle {
	d := status.Delta{Seq: 1, Page: &status.Page{ID: "page", Name: "Northwind", TimeZone: "Europe/Berlin"}}
	created := now.AddDate(-2, 0, 0)
	for g := range 50 {
		d.Groups = append(d.Groups, status.Group{ID: fmt.Sprint("g", g), Name: fmt.Sprint("Region ", g), Position: g})
		for c := range 10 {
			d.Components = append(d.Components, status.Component{
				ID: fmt.Sprintf("c%d-%d", g, c), Name: fmt.Sprint("Service ", c), GroupID: fmt.Sprint("g", g), Position: c,
				Condition: status.Operational, SetAt: created, Created: created,
			})
		}
	}
	for n := range 5000 {
		id := fmt.Sprint("past", n)
		from := now.Add(-time.Duration(n+1) * 3 * time.Hour)
		to := from.Add(40 * time.Minute)
		affects := []string{fmt.Sprintf("c%d-%d", n%50, n/50%10)}
		if n%2 == 0 {
			d.Maintenances = append(d.Maintenances, status.Maintenance{
				ID: id, Key: id, Title: "Upgrade " + id, State: status.Completed, Window: status.Window{Start: from, End: to}, Announced: status.Window{Start: from, End: to},
				Began: from, Ended: to, Affects: affects, Updates: []status.Update{
					{State: status.Scheduled, Event: status.Announced, At: from.Add(-48 * time.Hour), Body: "We upgrade."},
					{State: status.InProgress, Event: status.Begun, At: from, Body: "We have begun."},
					{State: status.Completed, Event: status.Finished, At: to, Body: "The upgrade is done, and **every check** has passed."},
				},
			})
			continue
		}
		claims := map[string]status.Condition{affects[0]: status.Conditions[2+n%3]}
		d.Incidents = append(d.Incidents, status.Incident{
			ID: id, Key: id, Title: "Trouble " + id, State: status.Resolved, Impact: claims[affects[0]], Affects: affects, Began: from, Ended: to,
			Updates: []status.Update{
				{State: status.Investigating, Event: status.Opened, At: from, Body: "We are looking for the cause.", Conditions: claims},
				{State: status.Resolved, Event: status.Ended, At: to, Body: "The cause is found and removed."},
			},
		})
	}
	for n := range 50 {
		start := now.Add(time.Duration(n+1) * 24 * time.Hour)
		w := status.Window{Start: start, End: start.Add(time.Hour)}
		d.Maintenances = append(d.Maintenances, status.Maintenance{
			ID: fmt.Sprint("plan", n), Key: fmt.Sprint("plan", n), Title: fmt.Sprint("Move of cluster ", n), State: status.Scheduled, Window: w, Announced: w,
			Summary: "On {{ .Window }} we move a cluster.", Affects: []string{fmt.Sprintf("c%d-0", n), fmt.Sprintf("c%d-1", n)}, Promises: database.Promises,
			Updates: []status.Update{{State: status.Scheduled, Event: status.Announced, At: now, Body: "We move a cluster."}},
		})
	}
	return &chronicle{d}
}

func largeSite(tb testing.TB) (*Site, *board.Board, *chronicle) {
	now := at("2027-01-13 17:00")
	c := largeTown(now)
	b := board.New(c, stopped(now), slog.New(slog.DiscardHandler))
	if err := b.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return New(b, stopped(now), slog.New(slog.DiscardHandler)), b, c
}

// trouble changes one thing: an incident of one component opens.
func (c *chronicle) trouble(n int64) {
	id := fmt.Sprint("now", n)
	now := at("2027-01-13 16:55")
	c.delta = status.Delta{Seq: c.delta.Seq + 1, Incidents: []status.Incident{{
		ID: id, Key: id, Title: "Trouble", State: status.Resolved, Impact: status.MajorOutage, Affects: []string{"c7-7"}, Began: now, Ended: now.Add(time.Minute),
		Updates: []status.Update{{State: status.Investigating, Event: status.Opened, At: now, Body: "We look.", Conditions: map[string]status.Condition{"c7-7": status.MajorOutage}}},
	}}}
}

// BenchmarkEdition is what a change costs before readers can see it: the board's picture, the HTML, and every encoding.
func BenchmarkEdition(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		s, _, _ := largeSite(b)
		for b.Loop() {
			s.kept = renderings{}
			s.edition.Store(nil)
			s.publish()
		}
		b.ReportMetric(float64(len(s.edition.Load().index.Body())), "page-bytes")
	})
	b.Run("change", func(b *testing.B) {
		s, board, c := largeSite(b)
		for n := int64(0); b.Loop(); n++ {
			c.trouble(n % 10)
			if err := board.Refresh(b.Context()); err != nil {
				b.Fatal(err)
			}
			s.publish()
		}
	})
	b.Run("html", func(b *testing.B) {
		s, _, _ := largeSite(b)
		e := s.edition.Load()
		for b.Loop() {
			if _, err := s.renderIndex(e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRead is what a reader costs, on a page with nothing on it and on the large one.
func BenchmarkRead(b *testing.B) {
	large, _, _ := largeSite(b)
	small := bare(b).site("2027-01-13 17:00")
	for name, s := range map[string]*Site{"large": large, "empty": small} {
		first := httptest.NewRecorder()
		ask := httptest.NewRequest(http.MethodGet, "/", nil)
		ask.Header.Set("Accept-Encoding", "br")
		s.ServeHTTP(first, ask)
		for kind, header := range map[string]http.Header{
			"brotli":       {"Accept-Encoding": {"gzip, deflate, br, zstd"}},
			"not modified": {"Accept-Encoding": {"gzip, deflate, br, zstd"}, "If-None-Match": {first.Header().Get("ETag")}},
		} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
				if err != nil {
					b.Fatal(err)
				}
				r.Header = header
				w := &reader{header: make(http.Header)}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					s.ServeHTTP(w, r)
				}
				if want := map[string]int{"brotli": 200, "not modified": 304}[kind]; w.status != want {
					b.Fatalf("got %d, want %d", w.status, want)
				}
			})
		}
	}
}

// reader takes an answer and keeps only its status.
type reader struct {
	header http.Header
	status int
}

func (r *reader) Header() http.Header            { return r.header }
func (r *reader) Write(body []byte) (int, error) { return len(body), nil }
func (r *reader) WriteHeader(status int)         { r.status = status }
