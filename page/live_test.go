package page

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

func TestNoCacheKeepsWhatWasAskedForAsAnotherVersion(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	s := w.site("2027-01-13 17:00")
	version := s.edition.Load().version
	for _, path := range []string{"/", "/incidents/db", "/incidents/" + w.Incidents[0].ID, "/history"} {
		for query, kept := range map[string]bool{"": true, "?v=" + version: true, "?utm_source=mail": true, "?v=7-2027-01-13-other": false} {
			_, answer := s.get(t, path+query)
			if got := answer.Header().Get("Cache-Control"); answer.Code != 200 || strings.HasPrefix(got, "public") != kept {
				t.Errorf("%s%s: got %d with Cache-Control %q, want it kept: %v", path, query, answer.Code, got, kept)
			}
		}
	}
}

func TestACrowdIsAskedToSpreadOut(t *testing.T) {
	s := bare(t).site("2027-01-13 17:00")
	for readers, want := range map[int64]int64{0: 0, 9: 0, 1000: 100, mostStreams: mostWithin} {
		s.streams.Store(readers)
		data, _, _ := strings.Cut(strings.TrimPrefix(string(s.message(s.edition.Load())), "event: page\ndata: "), "\n")
		var told tidings
		if err := json.Unmarshal([]byte(data), &told); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if told.Within != want {
			t.Errorf("got %d readers spread over %d ms, want %d", readers, told.Within, want)
		}
	}
}

func TestPagesThatAreKeptKeepNoPicture(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	shown := &still{picture: board.Of(w.Book)}
	s := New(shown, stopped(at("2027-01-13 17:00")), slog.New(slog.DiscardHandler))
	for _, path := range []string{"/", "/incidents/db", "/incidents/" + w.Incidents[0].ID, "/history", "/nothing"} {
		s.get(t, path)
	}
	old := weak.Make(shown.picture)
	shown.picture = board.Of(bare(t).Book)
	s.publish()
	runtime.GC()
	if old.Value() != nil {
		t.Error("got the old picture kept by pages that were made of it, want it forgotten")
	}
	if s.reports.Len() == 0 {
		t.Error("got no page kept, want those that were read")
	}
}

// ticking is a clock in a bubble.
type ticking struct{}

func (ticking) Now() time.Time { return time.Now() }
func (ticking) Speed() float64 { return 1 }
func (ticking) Wait(until time.Time, quit <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-quit:
		return false
	}
}

// running is a site of a board whose feed the test drives, made ready and then running in a bubble until stop.
func running(t *testing.T, ready func(*Site)) (s *Site, change func(n int64), stop func()) {
	c := &chronicle{status.Delta{Seq: 1, Page: &status.Page{ID: "page", Name: "Northwind", TimeZone: "UTC"}}}
	b := board.New(c, ticking{}, slog.New(slog.DiscardHandler))
	refresh := func() {
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	refresh()
	s = New(b, ticking{}, slog.New(slog.DiscardHandler))
	ready(s)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	change = func(n int64) { c.trouble(n); refresh(); synctest.Wait() }
	go func() { ended <- s.Run(ctx) }()
	return s, change, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestAPageThatCannotBeRenderedIsTriedForEachPictureOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fails atomic.Bool
		var tried atomic.Int64
		s, change, stop := running(t, func(s *Site) {
			good := s.render
			s.render = func(e *edition) ([]byte, error) {
				if !fails.Load() {
					return good(e)
				}
				if tried.Add(1) == 100 {
					fails.Store(false) // a loop, which would never end
				}
				return nil, errors.New("no paper")
			}
		})
		defer stop()
		synctest.Wait()
		fails.Store(true)
		before := s.edition.Load()
		change(1)
		if got := tried.Load(); got != 1 {
			t.Errorf("got it tried %d times with a picture that fails, want once", got)
		}
		if s.edition.Load() != before {
			t.Error("got another page, want the last one that could be rendered")
		}
		change(2)
		if got := tried.Load(); got != 2 {
			t.Errorf("got it tried %d times, want once with each picture", got)
		}
		fails.Store(false)
		<-time.After(time.Minute)
		synctest.Wait()
		if got := s.edition.Load(); got.picture != s.board.Current() {
			t.Error("got the old page a minute later, want it tried again")
		}
	})
}

func TestReadersWithoutJavaScriptSeeTheMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := northwind(t)
		now := time.Now().UTC()
		d := database
		d.Window.Start, d.Window.End = now.Add(90*time.Minute), now.Add(2*time.Hour)
		w.plan(now.Format("2006-01-02 15:04"), d)
		s := New(&still{picture: board.Of(w.Book)}, ticking{}, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		for _, want := range []string{"begins in 1 h 30 min", "begins in 1 h 29 min", "begins in 1 h 28 min"} {
			synctest.Wait()
			for _, path := range []string{"/", "/incidents/db"} {
				page, _ := s.get(t, path)
				page.one("main").says(want)
				page.one("#foot").says(time.Now().UTC().Format("15:04"))
			}
			<-time.After(time.Minute)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// line is a way to a reader that takes everything in time.
type line struct{ *httptest.ResponseRecorder }

// SetWriteDeadline is kept.
func (line) SetWriteDeadline(time.Time) error { return nil }

func TestALiveStreamTellsOfEachEdition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, change, stop := running(t, func(*Site) {})
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/live", nil)
		w := &line{httptest.NewRecorder()}
		ended := make(chan struct{})
		go func() { s.ServeHTTP(w, r); close(ended) }()
		synctest.Wait()
		change(1)
		stop()
		<-ended
		if got := strings.Count(w.Body.String(), "event: page\n"); got != 2 {
			t.Errorf("got %d messages, want one at once and one for the change:\n%s", got, w.Body)
		}
	})
}
