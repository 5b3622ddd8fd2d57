package page

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

func TestTwoHostsGetTwoDocuments(t *testing.T) {
	w := bare(t)
	w.trouble("Down", "2027-01-13 16:30", status.MajorOutage)
	s := w.site("2027-01-13 17:00")
	for range 2 { // the second time from what was kept
		for _, host := range []string{"status.example", "127.0.0.1:8484", "[::1]:8484", "evil.example"} {
			for _, path := range []string{"/history.atom", "/history.rss", "/embed/state.json", "/embed/frame"} {
				answer := s.fetch(t, http.MethodGet, host, path)
				if got := answer.Body.String(); answer.Code != http.StatusOK || !strings.Contains(got, "http://"+host+"/incidents/id1") || host != "evil.example" && strings.Contains(got, "evil") {
					t.Errorf("%s of %s: got %d %.300s, want its own addresses", path, host, answer.Code, got)
				}
			}
		}
	}
	for _, host := range []string{"", "a/b", "a b", "a\"b", "a<b", "a\r\nb", "a@b", "ä.example", strings.Repeat("a", 300)} {
		if answer := s.fetch(t, http.MethodGet, host, "/history.atom"); answer.Code != http.StatusBadRequest {
			t.Errorf("%q: got %d, want 400", host, answer.Code)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/history.atom", nil)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Forwarded-Proto", "gopher")
	answer := httptest.NewRecorder()
	answer.Header().Set("Strict-Transport-Security", "max-age=31536000") // as the door does where a proxy ends TLS
	s.ServeHTTP(answer, r)
	if got := answer.Body.String(); !strings.Contains(got, "https://example.com/incidents/id1") || strings.Contains(got, "evil") || strings.Contains(got, "gopher") {
		t.Errorf("got %.500s, want https and the host of the request", got)
	}
	for n := range 2 * mostOutlets {
		s.fetch(t, http.MethodGet, fmt.Sprintf("h%d.example", n), "/history.atom")
	}
	if got := s.outlets.Len(); got > mostOutlets {
		t.Errorf("got %d documents kept for many hosts, want at most %d", got, mostOutlets)
	}
}

// outletPaths are the documents of a page that others read.
var outletPaths = []string{"/history.atom", "/history.rss", "/history.ics", "/badge.svg", "/embed/frame", "/embed/state.json", "/embed/script.js", embedFrameScriptPath}

func TestDocumentsForOthersAreOpenAndKept(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	s := w.site("2027-01-13 17:00")
	paths := append([]string{"/incidents/db.ics"}, outletPaths...)
	for _, path := range paths {
		answer := s.fetch(t, http.MethodGet, "status.example", path)
		h := answer.Header()
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %v, want it open to every site", path, h)
		}
		if !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: got Cache-Control %q, want it kept", path, h.Get("Cache-Control"))
		}
		head := s.fetch(t, http.MethodHead, "status.example", path)
		if head.Code != http.StatusOK || head.Body.Len() > 0 || head.Header().Get("Content-Length") != fmt.Sprint(answer.Body.Len()) {
			t.Errorf("%s: got %d with %d bytes of %s to a HEAD, want 200 with none of %d", path, head.Code, head.Body.Len(), head.Header().Get("Content-Length"), answer.Body.Len())
		}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", h.Get("Etag"))
		again := httptest.NewRecorder()
		s.ServeHTTP(again, r)
		if again.Code != http.StatusNotModified || again.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: got %d, want 304 for who has it, and open", path, again.Code)
		}
	}
	starting := New(&still{picture: &board.Picture{}}, stopped(at("2027-01-13 17:00")), slog.New(slog.DiscardHandler))
	for _, path := range outletPaths[:6] {
		if answer := starting.fetch(t, http.MethodGet, "status.example", path); answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d before the page was read, want 503 and when to come again", path, answer.Code)
		}
	}
}

func TestADocumentIsMadeAgainWhenSomethingChanges(t *testing.T) {
	w := northwind(t)
	shown := &still{picture: board.Of(w.Book)}
	s := New(shown, stopped(at("2027-01-13 17:00")), slog.New(slog.DiscardHandler))
	before := s.fetch(t, http.MethodGet, "status.example", "/history.atom").Header().Get("Etag")
	w.trouble("Down", "2027-01-13 17:00", status.MajorOutage, "APIs")
	shown.picture = board.Of(w.Book)
	shown.picture.Seq++
	s.publish()
	after := s.fetch(t, http.MethodGet, "status.example", "/history.atom")
	if after.Header().Get("Etag") == before || !strings.Contains(after.Body.String(), "<title>Down</title>") {
		t.Error("got the old feed after a change, want the new one")
	}
}

// BenchmarkFeed is what a reader of the whole page's feed costs once it has been made.
func BenchmarkFeed(b *testing.B) {
	s, _, _ := largeSite(b)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/history.atom", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Host, r.Header = "status.example", http.Header{"Accept-Encoding": {"gzip, deflate, br, zstd"}}
	w := &reader{header: make(http.Header)}
	s.ServeHTTP(w, r) // made for the first reader
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
	if w.status != http.StatusOK {
		b.Fatalf("got %d, want 200", w.status)
	}
}

func TestReadingAFeedAllocatesNothing(t *testing.T) {
	for name, s := range map[string]*Site{"at its own address": northwind(t).site("2027-01-13 17:00"), "at any": bare(t).site("2027-01-13 17:00")} {
		for _, path := range []string{"/history.atom", "/history.rss", "/history.ics", "/badge.svg", "/embed/state.json"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			w := &reader{header: make(http.Header)}
			got := testing.AllocsPerRun(100, func() {
				clear(w.header)
				s.ServeHTTP(w, r)
			})
			most := 0.0
			if s.edition.Load().home == "" {
				most = 1 // the address that the reader used
			}
			if got > most || w.status != http.StatusOK {
				t.Errorf("%s %s: got %v allocations and %d, want %v and 200", path, name, got, w.status, most)
			}
		}
	}
}
