package browser

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"example.org/interlude/board"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/page"
	"example.org/interlude/status"
	"example.org/interlude/store"
	"example.org/interlude/web"
)

// pace is how fast the clock of a site runs: so slowly that it stands, and every text is known beforehand.
const pace = 0.001

// patience is how long anything may take that a test waits for.
const patience = 20 * time.Second

// site is a whole server on a clock that the test sets.
type site struct {
	t       *testing.T
	path    string // of the database
	address string // host and port
	clock   *clock.Driven
	keeper  *keeper.Keeper
	board   *board.Board
	log     *slog.Logger
	// shown is the board as the page sees it, feed the store as the board does; nil is the thing itself.
	shown func(*board.Board) page.Board
	feed  func(board.Feed) board.Feed
	stop  func()
}

var operator = keeper.Request{By: status.Actor{Kind: status.Person, Name: "ada"}}

// at reads "2027-01-15 06:00" as UTC, with seconds and their tenths where they are given.
func at(text string) time.Time {
	layout := "2006-01-02 15:04:05.0"
	t, err := time.Parse(layout[:len(text)], text)
	if err != nil {
		panic(err)
	}
	return t
}

// newSite is a site with nothing on it, not yet running.
func newSite(t *testing.T, when string) *site {
	return &site{
		t: t, path: filepath.Join(t.TempDir(), "interlude.db"), address: "127.0.0.1:0",
		clock: clock.NewDriven(at(when), pace), log: slog.New(slog.DiscardHandler),
	}
}

// start serves until the test ends or stop is called. A second start serves the same database at the same address.
func (s *site) start() *site {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	db, err := store.Open(ctx, "sqlite:"+s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	outside, err := new(net.ListenConfig).Listen(ctx, "tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	listener := &guarded{Listener: outside}
	s.address = listener.Addr().String()
	var feed board.Feed = db
	if s.feed != nil {
		feed = s.feed(db)
	}
	s.board = board.New(feed, s.clock, s.log)
	s.keeper = keeper.New(db, s.clock, lease.Alone{}, s.log, s.board.Prod)
	var shown page.Board = s.board
	if s.shown != nil {
		shown = s.shown(s.board)
	}
	public := page.New(shown, s.clock, s.log)
	door := web.Server{Keeper: s.keeper, Board: s.board, Store: db, Page: public, Clock: s.clock, Log: s.log}
	if err := s.board.Refresh(ctx); err != nil {
		s.t.Fatal(err)
	}
	var all errgroup.Group
	for _, run := range []func(context.Context) error{s.board.Run, s.keeper.Run, public.Run} {
		all.Go(func() error { return run(ctx) })
	}
	all.Go(func() error { return door.Run(ctx, listener) })
	s.stop = func() {
		s.stop = func() {}
		cancel()
		listener.cut()
		if err := all.Wait(); err != nil {
			s.t.Errorf("the server stopped with %v", err)
		}
		db.Close()
	}
	s.t.Cleanup(func() { s.stop() })
	return s
}

// guarded is a listener whose connections can be cut. Browsers open some that they may need later, and a server that
// stops waits for seconds to see whether a request comes.
type guarded struct {
	net.Listener
	mu   sync.Mutex
	over bool
	open []net.Conn
}

// Accept remembers the connection.
func (g *guarded) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		conn.Close()
	}
	g.open = append(g.open, conn)
	return conn, nil
}

func (g *guarded) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	for _, conn := range g.open {
		conn.Close()
	}
}

// url is the address of a page.
func (s *site) url(path string) string { return "http://" + s.address + path }

// set turns the clock, lets the keeper do what is due by then, and waits until the page shows it.
func (s *site) set(when string) {
	s.t.Helper()
	s.clock.Set(at(when))
	if _, err := s.keeper.Tick(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
}

// do lets a person act, and waits until the page shows it.
func (s *site) do(act func(context.Context, *keeper.Keeper) error) {
	s.t.Helper()
	if err := act(s.t.Context(), s.keeper); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
}

var dated = regexp.MustCompile(`data-now="([^"]*)" data-speed="[^"]*" data-version="(\d+)-`)

// settle waits until the page shows the minute and everything that has been done. The live stream says when it is
// worth looking.
func (s *site) settle() {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.t.Context(), patience)
	defer stop()
	if err := s.board.Refresh(ctx); err != nil {
		s.t.Fatal(err)
	}
	minute, seq := s.clock.Now().Truncate(time.Minute), s.board.Current().Seq
	stream := s.get(ctx, "/live")
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	var found []string
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data:") {
			continue
		}
		index := s.get(ctx, "/")
		html, err := io.ReadAll(index)
		index.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		if found = dated.FindStringSubmatch(string(html)); found == nil {
			s.t.Fatalf("got a page without its time and version, want both:\n%.500s", html)
		}
		if now, err := time.Parse(time.RFC3339, found[1]); err == nil && now.Truncate(time.Minute).Equal(minute) && found[2] == strconv.FormatInt(seq, 10) {
			return
		}
	}
	s.t.Fatalf("got the page %q, want the one of %s with version %d", found, minute, seq)
}

func (s *site) get(ctx context.Context, path string) io.ReadCloser {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(path), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.Body
}

// apply enters documents.
func (s *site) apply(documents ...status.Document) {
	s.t.Helper()
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Apply(ctx, documents, false, operator)
		return err
	})
}

// report is the path of the page of the maintenance or incident with a key.
func (s *site) report(key string) string {
	s.t.Helper()
	event, ok := s.board.Current().Event(key)
	if !ok {
		s.t.Fatalf("got no event %s, want one", key)
	}
	return "/incidents/" + event.Subject().ID
}
