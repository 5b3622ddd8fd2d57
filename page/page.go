// Package page is the public page: what is happening, what is planned, how each component has been, and a report of
// every event.
//
// A [Site] renders the board's picture into documents that are compressed once and then only written out: reading
// takes no lock that a writer holds and asks no database, so a page with five thousand past events costs as much to
// read as an empty one, and it stays up, saying how old it is, while the store is away. Begin with New, run
// [Site.Run], and mount the Site as a handler; [Report] renders a single report for a preview without any of that.
//
// Everything on it works without JavaScript. live.js adds a countdown, the reader's own time zone and updates
// without a reload, and may use nothing that the server does not send: the Content-Security-Policy allows the one
// script, the one style sheet by its hash, and nothing else.
//
// [Site.Subscriptions] adds the pages on which readers subscribe. The form is rendered from the board as everything else is;
// only what a reader sends, and what the holder of a link asks for, waits for the desk of package notify.
//
// What the site promises ends at the reader's door: a cache in between may keep a page for as long as the
// Cache-Control header lets it, which is seconds, or a day while the site does not answer.
package page

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// Board is what the site shows.
type Board interface {
	// Current is the picture of now, never nil.
	Current() *board.Picture
	// AsOf is when the picture was last known to be right; zero while it has never been.
	AsOf() time.Time
	// Silent reports whether that is too long ago to pass over.
	Silent() bool
}

// Clock gives the time, and how fast it runs: 1, unless somebody drives it for a demonstration.
type Clock interface {
	Now() time.Time
	Speed() float64
	// Wait returns true when the clock shows until, or false when quit is closed before.
	Wait(until time.Time, quit <-chan struct{}) bool
}

// Site serves the page. Make it with New.
type Site struct {
	board Board
	clock Clock
	log   *slog.Logger
	mux   *http.ServeMux

	edition atomic.Pointer[edition]
	render  func(*edition) ([]byte, error) // of the index
	reports snapshot.Shelf                 // of report and history pages, made when first asked for
	outlets snapshot.Shelf                 // of feeds, calendars and badges
	kept    renderings
	streams atomic.Int64
	closing chan struct{} // closed when live streams are to end
	once    sync.Once
	// subscribes says that there is a desk to subscribe at.
	subscribes bool
}

// edition is the site at one moment: the picture it shows and its index page.
type edition struct {
	number  int64 // counts up
	picture *board.Picture
	now     time.Time
	speed   float64
	home    string    // where the page's own addresses begin; empty while that is not known
	asOf    time.Time // zero while the store answers, else when it last did
	// version changes when readers should look again. What only follows from the time passing does not change it:
	// the countdown of a page that is open runs by itself.
	version string
	index   *snapshot.Snapshot
	// subscribes says that readers can subscribe.
	subscribes bool
	// replaced is closed when a newer edition has come out.
	replaced chan struct{}
}

// mostKept bounds the pages kept besides the index.
const mostKept = 512

const htmlType = "text/html; charset=utf-8"

// New makes a site of a board.
func New(b Board, c Clock, log *slog.Logger) *Site {
	s := &Site{board: b, clock: c, log: log, mux: http.NewServeMux(), closing: make(chan struct{})}
	s.render, s.reports.Most, s.outlets.Most = s.renderIndex, mostKept, mostOutlets
	s.mux.HandleFunc("GET /{$}", s.serveIndex)
	s.mux.HandleFunc("GET /history", s.serveHistory)
	s.mux.HandleFunc("GET /history/{month}", s.serveHistory)
	s.mux.HandleFunc("GET /incidents/{id}", s.serveReport)
	s.mux.HandleFunc("GET /live", s.serveLive)
	s.mux.HandleFunc("GET "+scriptPath, serveScript)
	s.mux.HandleFunc("GET /robots.txt", serveRobots)
	s.mountOutlets()
	s.mux.HandleFunc("GET /", s.serveMissing)
	s.publish()
	return s
}

// ServeHTTP answers readers.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	s.mux.ServeHTTP(w, r)
}

// Run brings out a new edition whenever the board has a new picture, and at each minute for what depends on the
// time, until ctx ends. Live streams end with it.
func (s *Site) Run(ctx context.Context) error {
	defer s.once.Do(func() { close(s.closing) })
	for ctx.Err() == nil {
		s.wait(ctx, s.publish())
	}
	return nil
}

// wait returns on a newer picture than that of an edition, at the minute after it, when the store falls silent or
// answers again, or when ctx ends.
func (s *Site) wait(ctx context.Context, e *edition) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	var watch sync.WaitGroup
	watch.Go(func() {
		glance := time.NewTicker(time.Second)
		defer glance.Stop()
		for {
			select {
			case <-waiting.Done():
				return
			case <-e.picture.Replaced():
				stop()
				return
			case <-glance.C:
				if s.silentSince().IsZero() != e.asOf.IsZero() {
					stop()
					return
				}
			}
		}
	})
	s.clock.Wait(e.now.Truncate(time.Minute).Add(time.Minute), waiting.Done())
	stop()
	watch.Wait()
}

// silentSince is when the store last answered, if that is too long ago; zero while it answers.
func (s *Site) silentSince() time.Time {
	if !s.board.Silent() {
		return time.Time{}
	}
	return s.board.AsOf()
}

// publish renders the index and swaps it in. It returns the edition that it made, whether or not readers see it: one
// that cannot be rendered is tried again when there is something new to show, not at once.
//
// Each minute's index has an ETag of its own, even when nothing else in it changed: its footer says as of when it is,
// by which readers without JavaScript see that the page is alive, and its countdowns are right to the minute. Only an
// index that reads the same to the letter is not brought out again.
func (s *Site) publish() *edition {
	was := s.edition.Load()
	e := &edition{
		number: 1, picture: s.board.Current(), now: s.clock.Now(), speed: s.clock.Speed(), asOf: s.silentSince(), replaced: make(chan struct{}),
		subscribes: s.subscribes,
	}
	if was != nil {
		e.number = was.number + 1
	}
	e.version, e.home = e.name(), snapshot.Home(e.picture.Page.URL)
	began := time.Now()
	html, err := s.render(e)
	if err != nil {
		s.log.Error("the page cannot be rendered; the last one stays", "error", err)
		if was != nil {
			return e
		}
		html = []byte("<!doctype html><title>Status</title><p>This page cannot be shown at the moment.</p>")
	}
	if was != nil && was.picture == e.picture && was.index.Reads(html) {
		return e
	}
	e.index = snapshot.New(html, htmlType)
	e.index.Warm()
	s.edition.Store(e)
	s.log.Debug("page rendered", "seq", e.picture.Seq, "bytes", len(html), "took", time.Since(began))
	if was != nil {
		close(was.replaced)
	}
	return e
}

// name is the version of the edition: the point of the feed, the day on which the bars end, whether the store is
// silent, and the release.
func (e *edition) name() string {
	day := status.DateOf(e.now.In(e.picture.Page.Zone()))
	name := fmt.Sprintf("%d-%s-%s", e.picture.Seq, day, release)
	if !e.asOf.IsZero() {
		name += "-silent"
	}
	return name
}

// Report writes the report of an event of a picture as a page of its own, for a preview: as the site would show it,
// with the style sheet inside and without the script.
func Report(w io.Writer, p *board.Picture, ref string, now time.Time) error {
	event, ok := p.Event(ref)
	if !ok {
		return fmt.Errorf("event %s: %w", ref, status.ErrNotFound)
	}
	return renderPreview(w, p, event, now)
}
