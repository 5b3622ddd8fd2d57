package mx

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/mail"
	"example.org/interlude/spool"
)

// shelf is a spool in memory.
type shelf struct {
	mu      sync.Mutex
	entries []spool.Entry
	refuse  error // what Accept answers instead
	behind  atomic.Bool
	busy    atomic.Value // the lane that is
}

func (s *shelf) Accept(_ context.Context, e spool.Entry) (spool.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return spool.Receipt{}, s.refuse
	}
	for _, known := range s.entries {
		if e.Key != "" && known.Key == e.Key && known.Flow == e.Flow {
			return spool.Receipt{ID: known.ID, Known: true}, nil
		}
	}
	e.ID, e.Accepted = fmt.Sprintf("e%d", len(s.entries)+1), time.Now()
	e.Body = bytes.Clone(e.Body)
	s.entries = append(s.entries, e)
	return spool.Receipt{ID: e.ID}, nil
}

func (s *shelf) Entry(_ context.Context, id string) (spool.Entry, error) {
	for _, e := range s.all() {
		if e.ID == id {
			return e, nil
		}
	}
	return spool.Entry{}, spool.ErrNotFound
}

func (s *shelf) Behind(string) bool { return s.behind.Load() }

func (s *shelf) Busy(_, lane string) bool { return s.busy.Load() == lane }

func (s *shelf) all() []spool.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]spool.Entry(nil), s.entries...)
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// only gives the one entry that there is.
func (s *shelf) only(t testing.TB) spool.Entry {
	t.Helper()
	all := s.all()
	if len(all) != 1 {
		t.Fatalf("got %d entries in the spool, want 1", len(all))
	}
	return all[0]
}

// product is the mail server behind: a real one, whose answers the test chooses.
type product struct {
	*smtp.Server
	address string

	// What it answers, nil being 250.
	onMail func(from string) error
	onRcpt func(to string) error
	onData func(message []byte) error
	perTo  func(to string) error // by LMTP

	mu       sync.Mutex
	received []letter
	sessions int
}

// letter is what arrived.
type letter struct {
	from    string
	to      []string
	mail    smtp.MailOptions
	rcpt    []smtp.RcptOptions
	message string
	helo    string
}

// behind starts a mail server.
func behind(t testing.TB, adapt func(*product)) *product {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &product{address: l.Addr().String()}
	p.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sessions++
		return &arrival{product: p, conn: c}, nil
	}))
	p.Domain, p.EnableDSN, p.EnableSMTPUTF8, p.MaxLineLength = "product.example", true, true, 1<<20
	if adapt != nil {
		adapt(p)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(l) }()
	t.Cleanup(func() {
		p.Close()
		l.Close()
		<-served
	})
	return p
}

// all is what arrived.
func (p *product) all() []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letter(nil), p.received...)
}

func (p *product) only(t testing.TB) letter {
	t.Helper()
	all := p.all()
	if len(all) != 1 {
		t.Fatalf("got %d messages at the product, want 1", len(all))
	}
	return all[0]
}

// arrival is a session of the product's.
type arrival struct {
	*product
	conn *smtp.Conn
	now  letter
}

func (a *arrival) Mail(from string, o *smtp.MailOptions) error {
	a.now = letter{from: from, mail: *o, helo: a.conn.Hostname()}
	if a.onMail != nil {
		return a.onMail(from)
	}
	return nil
}

func (a *arrival) Rcpt(to string, o *smtp.RcptOptions) error {
	if a.onRcpt != nil {
		if err := a.onRcpt(to); err != nil {
			return err
		}
	}
	a.now.to, a.now.rcpt = append(a.now.to, to), append(a.now.rcpt, *o)
	return nil
}

func (a *arrival) Data(r io.Reader) error {
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if a.onData != nil {
		if err := a.onData(message); err != nil {
			return err
		}
	}
	a.now.message = string(message)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received = append(a.received, a.now)
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 6, 0}, Message: "Delivered"}
}

// LMTPData answers for each recipient.
func (a *arrival) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	all := a.now.to
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	a.now.message, a.now.to = string(message), nil
	for _, to := range all {
		var err error
		if a.perTo != nil {
			err = a.perTo(to)
		}
		if err == nil {
			a.now.to = append(a.now.to, to)
		}
		status.SetStatus(to, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.now.to) > 0 {
		a.received = append(a.received, a.now)
	}
	return nil
}

func (a *arrival) Reset()        { a.now = letter{} }
func (a *arrival) Logout() error { return nil }

// tally counts outcomes.
type tally struct {
	mu sync.Mutex
	of map[Outcome]int
}

func (t *tally) count(o Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = make(map[Outcome]int)
	}
	t.of[o]++
}

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(t.of)
}

// rig is an inbound door with what is around it.
type rig struct {
	Inbound
	shelf       shelf
	tally       tally
	interrupted atomic.Bool
	concerned   atomic.Bool
	failures    atomic.Int32
	address     string
	stop        context.CancelFunc
	stopped     chan error
}

// stand opens an inbound door in front of an upstream.
func stand(t testing.TB, upstream string, adapt func(*rig)) *rig {
	t.Helper()
	r := &rig{}
	r.Inbound = Inbound{
		Name: "mx.example.com", Flow: "inbound", Spool: &r.shelf, Domains: []string{"example.com", "*.example.com"},
		Upstream:    Upstream{Relay: mail.Relay{Address: upstream}},
		Interrupted: r.interrupted.Load, Concerned: r.concerned.Load, Count: r.tally.count,
		Failed: func(error) { r.failures.Add(1) },
	}
	if adapt != nil {
		adapt(r)
	}
	r.address, r.stop, r.stopped = opened(t, r.Run)
	return r
}

// opened runs a door until the test ends.
func opened(t testing.TB, run func(context.Context, net.Listener) error) (address string, stop context.CancelFunc, stopped chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped = make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		stopped <- run(ctx, l)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return l.Addr().String(), stop, stopped
}

// nowhere is an address at which nobody listens.
func nowhere(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// talk holds a conversation: lines that begin with > are said, and those that begin with < are what is heard, where * stands for
// anything.
func talk(t *testing.T, address, script string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	talkOn(t, conn, script)
}

func talkOn(t *testing.T, conn net.Conn, script string) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if said, ok := strings.CutPrefix(line, ">"); ok {
			if _, err := io.WriteString(conn, strings.TrimPrefix(said, " ")+"\r\n"); err != nil {
				t.Fatalf("say %q: %v", said, err)
			}
		} else if want, ok := strings.CutPrefix(line, "< "); ok {
			got, err := in.ReadString('\n')
			if err != nil && got == "" {
				t.Fatalf("got %v, want %q", err, want)
			}
			if got = strings.TrimRight(got, "\r\n"); !fits(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		} else if line == "<EOF" {
			if got, err := in.ReadString('\n'); !errors.Is(err, io.EOF) {
				t.Fatalf("got %q and %v, want the end", got, err)
			}
		}
	}
}

// fits reports whether a line is as a pattern has it.
func fits(line, pattern string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return line == pattern
	}
	if !strings.HasPrefix(line, before) {
		return false
	}
	for i := len(before); i <= len(line); i++ {
		if fits(line[i:], after) {
			return true
		}
	}
	return false
}

// until waits for something that happens by itself.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// program finds a program. Without it a test is skipped or, where INTERLUDE_TEST_STRICT is 1, fails.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name, "/usr/bin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatalf("%s is not installed: run scripts/setup", name)
	}
	t.Skipf("%s is not installed: run scripts/setup", name)
	return ""
}

const hello1 = "Subject: hello\r\nMessage-ID: <1@client.example>\r\n\r\n.dots\r\n..and\r\n lines\r\n.\r\nend\r\n"
