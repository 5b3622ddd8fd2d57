package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"

	"example.org/interlude/board"
	"example.org/interlude/snapshot"
)

//go:embed assets/page.css
var styleSheet string

//go:embed assets/live.js
var script []byte

var (
	scriptDocument = snapshot.New(script, "text/javascript; charset=utf-8")
	scriptPath     = "/assets/live." + scriptDocument.Name() + ".js"
	// release names what a page needs besides its HTML: a reader's page that has another one is loaded anew.
	release = snapshot.New([]byte(styleSheet), "").Name()[:6] + scriptDocument.Name()[:6]
	policy  = []string{contentSecurityPolicy()}
)

// contentSecurityPolicy allows the one script of ours and the one style sheet by its hash, and nothing else.
func contentSecurityPolicy() string {
	sum := sha256.Sum256([]byte(styleSheet))
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "connect-src 'self'", "img-src 'self' data:",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
}

var (
	nosniff  = []string{"nosniff"}
	referrer = []string{"strict-origin-when-cross-origin"}
)

func secure(h http.Header) {
	h["Content-Security-Policy"] = policy
	h["X-Content-Type-Options"] = nosniff
	h["Referrer-Policy"] = referrer
}

func serveScript(w http.ResponseWriter, r *http.Request) {
	scriptDocument.Serve(immutable{w}, r, http.StatusOK)
}

// immutable lets caches keep what is named after its own hash for a year.
type immutable struct{ http.ResponseWriter }

// WriteHeader sets the header last, so that it stands.
func (w immutable) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.ResponseWriter.WriteHeader(status)
}

func serveRobots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("User-agent: *\nDisallow: /live\n"))
}

func (s *Site) serveIndex(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	if !e.picture.Loaded {
		w.Header().Set("Retry-After", "5")
		e.index.Serve(w, r, http.StatusServiceUnavailable)
		return
	}
	e.index.Serve(e.answering(w, r), r, http.StatusOK)
}

// versionAsked is the parameter in which live.js names the version that it wants to see: a cache in between that has
// an earlier one asks for it.
const versionAsked = "v"

// answering is where the answer goes. No cache keeps what is asked for as another version than it is, which happens
// where several nodes answer and one is behind.
func (e *edition) answering(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if r.URL.RawQuery == "" {
		return w
	}
	if asked := r.URL.Query().Get(versionAsked); asked == "" || asked == e.version {
		return w
	}
	return unkept{w}
}

// unkept forbids caches to keep an answer.
type unkept struct{ http.ResponseWriter }

// WriteHeader sets the header last, so that it stands.
func (w unkept) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.ResponseWriter.WriteHeader(status)
}

// serveReport answers with the report page of an event. A page of a past event is made again only when the event
// or the page's frame (its name, zone, components) changed; one of an open event with each edition.
func (s *Site) serveReport(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	event, ok := e.picture.Event(r.PathValue("id"))
	if !ok {
		if !s.serveCalendar(w, r, r.PathValue("id")) {
			s.serveMissing(w, r)
		}
		return
	}
	as := snapshot.Stamp{Event: event.Seq, Frame: e.picture.Framed}
	if event.Open() || !e.asOf.IsZero() {
		as = snapshot.Stamp{Edition: e.number}
	}
	s.serveKept(e.answering(w, r), r, "/incidents/"+event.Subject().ID, as, func() ([]byte, error) { return s.renderReport(e, event) })
}

func (s *Site) serveHistory(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	month, ok := historyMonth(e, r.PathValue("month"))
	if !ok {
		s.serveMissing(w, r)
		return
	}
	s.serveKept(e.answering(w, r), r, "/history/"+month, snapshot.Stamp{Edition: e.number}, func() ([]byte, error) { return s.renderHistory(e, month) })
}

func (s *Site) serveKept(w http.ResponseWriter, r *http.Request, path string, as snapshot.Stamp, f func() ([]byte, error)) {
	page, err := s.keptPage(path, as, f)
	if err != nil {
		s.log.Error("a page cannot be rendered", "path", path, "error", err)
		http.Error(w, "This page cannot be shown at the moment.", http.StatusInternalServerError)
		return
	}
	page.Serve(w, r, http.StatusOK)
}

// keptPage is the page at a path as of a stamp, made by f if need be.
func (s *Site) keptPage(path string, as snapshot.Stamp, f func() ([]byte, error)) (*snapshot.Snapshot, error) {
	return s.reports.Get(path, as, func() (*snapshot.Snapshot, error) {
		html, err := f()
		if err != nil {
			return nil, err
		}
		return snapshot.New(html, htmlType), nil
	})
}

func (s *Site) serveMissing(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	page, err := s.keptPage("", snapshot.Stamp{Frame: e.picture.Framed}, func() ([]byte, error) { return s.renderMissing(e) })
	if err != nil {
		http.NotFound(w, r)
		return
	}
	page.Serve(w, r, http.StatusNotFound)
}

var _ Board = (*board.Board)(nil)
