package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"example.org/interlude/board"
)

//go:embed assets/page.css
var styleSheet string

//go:embed assets/live.js
var script []byte

var (
	scriptDocument = newDocument(script, "text/javascript; charset=utf-8")
	scriptPath     = "/assets/live." + hex.EncodeToString(scriptDocument.sum[:6]) + ".js"
	// release names what a page needs besides its HTML: a reader's page that has another one is loaded anew.
	release = hex.EncodeToString(newDocument([]byte(styleSheet), "").sum[:3]) + hex.EncodeToString(scriptDocument.sum[:3])
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
	scriptDocument.serve(immutable{w}, r, http.StatusOK)
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
		e.index.serve(w, r, http.StatusServiceUnavailable)
		return
	}
	e.index.serve(w, r, http.StatusOK)
}

// serveReport answers with the report page of an event. A page of a past event is made again only when the event
// or the page's frame (its name, zone, components) changed; one of an open event with each edition.
func (s *Site) serveReport(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	event, ok := e.picture.Event(r.PathValue("id"))
	if !ok {
		s.serveMissing(w, r)
		return
	}
	as := stamp{event: event.Seq, frame: e.picture.Framed}
	if event.Open() || !e.asOf.IsZero() {
		as = stamp{edition: e}
	}
	s.serveKept(w, r, "/incidents/"+event.Subject().ID, as, func() ([]byte, error) { return s.renderReport(e, event) })
}

func (s *Site) serveHistory(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	month, ok := historyMonth(e, r.PathValue("month"))
	if !ok {
		s.serveMissing(w, r)
		return
	}
	s.serveKept(w, r, "/history/"+month, stamp{edition: e}, func() ([]byte, error) { return s.renderHistory(e, month) })
}

func (s *Site) serveKept(w http.ResponseWriter, r *http.Request, path string, as stamp, f func() ([]byte, error)) {
	page, err := s.reports.get(path, as, f)
	if err != nil {
		s.log.Error("a page cannot be rendered", "path", path, "error", err)
		http.Error(w, "This page cannot be shown at the moment.", http.StatusInternalServerError)
		return
	}
	page.serve(w, r, http.StatusOK)
}

func (s *Site) serveMissing(w http.ResponseWriter, r *http.Request) {
	e := s.edition.Load()
	var html bytes.Buffer
	if err := s.renderMissing(&html, e); err != nil {
		http.NotFound(w, r)
		return
	}
	newPlain(html.Bytes()).serve(w, r, http.StatusNotFound)
}

// newPlain is a document in one form only, for what is sent once.
func newPlain(body []byte) *document {
	d := &document{contentType: []string{"text/html; charset=utf-8"}}
	d.forms[identity] = form{body: body, etag: []string{""}}
	return d
}

var _ Board = (*board.Board)(nil)
