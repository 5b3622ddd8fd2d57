package browser

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/page"
	"example.org/interlude/status"
)

// frozen is the board of a node that learns of nothing.
type frozen struct{ picture *board.Picture }

func (f frozen) Current() *board.Picture { return f.picture }
func (frozen) AsOf() time.Time           { return time.Time{} }
func (frozen) Silent() bool              { return false }

// between stands between readers and two nodes: live streams come from the one that knows everything, pages from another.
type between struct {
	*httptest.Server
	site  *site
	pages atomic.Pointer[page.Site]
	asked chan string // the versions that were asked for
}

func newBetween(s *site) *between {
	b := &between{site: s, asked: make(chan string, 1000)}
	knowing := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.address})
	knowing.FlushInterval, knowing.ErrorLog = -1, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/live" {
			knowing.ServeHTTP(w, r)
			return
		}
		if v := r.URL.Query().Get("v"); v != "" {
			b.asked <- v
		}
		b.pages.Load().ServeHTTP(w, r)
	}))
	s.t.Cleanup(func() { b.CloseClientConnections(); b.Close() })
	return b
}

// know lets pages come from a node that knows what is in a picture.
func (b *between) know(p *board.Picture) {
	b.pages.Store(page.New(frozen{p}, b.site.clock, b.site.log))
}

// asks waits until the page has been asked for n times more.
func (b *between) asks(n int) {
	b.site.t.Helper()
	for range n {
		select {
		case <-b.asked:
		case <-time.After(patience):
			b.site.t.Fatal("got nobody who asks for the page, want one who asks until it is there")
		}
	}
}

func TestAPageOfANodeThatIsBehindIsAskedForAgain(t *testing.T) {
	s := underWay(t)
	say := func(body string) *board.Picture {
		s.do(func(ctx context.Context, k *keeper.Keeper) error {
			_, err := k.Post(ctx, "db", status.Post{Body: body}, operator)
			return err
		})
		return s.board.Current()
	}
	before := s.board.Current()
	proxy := newBetween(s)
	proxy.know(say("Half of the databases run again."))
	for _, path := range []string{"/", s.report("db")} {
		t.Run(path, func(t *testing.T) {
			text := map[string]string{"/": "#now .said .text", s.report("db"): "#updates .text"}[path]
			b := newTab(t)
			b.hasten()
			proxy.know(s.board.Current())
			b.open(proxy.URL + path)
			b.mark()
			shown := b.text(text)

			proxy.know(before)
			after := say("All databases run again, as " + path + " tells.")
			proxy.asks(3)
			b.reads(text, shown) // not what was before

			proxy.know(after)
			b.sees(text, "All databases run again, as "+path+" tells.")
			b.theSame()
		})
	}
}

func TestLongWordsStayOnTheSmallestPhone(t *testing.T) {
	browser(t)
	const long = "https://northwind.example/a-path-that-nobody-would-type/but-somebody-will-paste/0123456789abcdef0123456789abcdef0123456789"
	s := newSite(t, "2027-01-13 16:51").start()
	s.apply(status.Document{Page: &status.PageDocument{
		Page:       status.PageFields{Name: "Northwind " + long[:60], TimeZone: "America/Argentina/ComodRivadavia"},
		Components: []status.ComponentNode{{Group: long[:70], Components: []status.ComponentNode{{Name: long[:80], Description: long}}}, {Name: "APIs"}},
	}})
	body := long + "\n\n- " + long + "\n\n`" + long + "`\n\n    " + long + " " + long + "\n\n| a | b | c |\n|---|---|---|\n| " + long + " | " + long + " | c |\n\n# " + long
	var documents []status.Document
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		m := database
		m.Key, m.Title, m.Summary, m.Affects = key, "Move to "+long, body, []string{"APIs"}
		m.Promises = []status.Promise{{Audience: long[:100], Promise: status.Uninterrupted}, {Audience: "All", Promise: status.Unavailable}}
		documents = append(documents, status.Document{Maintenance: &m})
	}
	s.apply(append(documents, ended("past", "Trouble at "+long, "2027-01-12 10:00", "2027-01-12 11:00", status.MajorOutage, "APIs"))...)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		if _, err := k.Cancel(ctx, "e", status.Post{Body: body}, operator); err != nil {
			return err
		}
		_, err := k.Begin(ctx, "a", status.Post{Body: body}, operator)
		return err
	})
	b := newTab(t)
	for _, path := range []string{"/", s.report("a"), s.report("b"), s.report("e"), s.report("past"), "/history"} {
		b.open(s.url(path))
		b.narrow(path)
	}
}
