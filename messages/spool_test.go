package messages

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/spool"
)

// wire is a network in memory: what is dialed is accepted by the listener.
type wire struct {
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.calls:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case w.calls <- theirs:
		return ours, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is an API, a real spool behind it, and a real HTTP server that receives, all in one bubble of time.
type world struct {
	house
	t       *testing.T
	journal spool.Journal
	flow    spool.Flow
	spool   *spool.Spool
	end     func()

	mu  sync.Mutex
	got []received
}

// newWorld opens a world. Its flow push is held.
func newWorld(t *testing.T, f spool.Flow) *world {
	w := &world{t: t, journal: spool.NewMemory(), flow: f}
	w.begin()
	t.Cleanup(func() { w.end() })
	return w
}

// begin makes everything but the journal and what was received.
func (w *world) begin() {
	w.t.Helper()
	c := settings(nil)
	c.Flows["push"] = Target{To: []string{"http://push.example.com/v1/"}}
	c.Interrupted = func(flow string) bool { return w.spool.Behind(flow) }
	a, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	line := &wire{calls: make(chan net.Conn), closed: make(chan struct{})}
	a.targets["push"].road.DialContext = line.dial
	server := &http.Server{Handler: http.HandlerFunc(w.receive)}
	ctx, stop := context.WithCancel(w.t.Context())
	w.flow.Courier = a.Courier("push")
	s, err := spool.Open(ctx, spool.Config{Journal: w.journal, Flows: map[string]spool.Flow{"push": w.flow, "mail": {Courier: a.Courier("mail")}}})
	if err != nil {
		w.t.Fatal(err)
	}
	a.Attach(s)
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(line) })
	all.Go(func() { _ = s.Run(ctx) })
	w.house, w.spool = house{t: w.t, api: a}, s
	w.end = func() {
		stop()
		a.Close()
		_ = server.Close()
		all.Wait()
		_ = s.Close()
	}
}

func (w *world) receive(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, received{r.Method, r.RequestURI, r.Header, string(body), time.Now()})
}

// arrived gives what was received so far, when nothing moves any more.
func (w *world) arrived() []received {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got)
}

// bodies are those of what was received.
func (w *world) bodies() string {
	var all []string
	for _, r := range w.arrived() {
		all = append(all, r.body)
	}
	return strings.Join(all, " ")
}

// deliver sends a body at a time, zero for now.
func (w *world) deliver(body string, at time.Time, headers ...string) Receipt {
	w.t.Helper()
	if !at.IsZero() {
		headers = append(headers, "Deliver-At", at.Format(time.RFC3339Nano))
	}
	answer := w.ask(http.MethodPost, "/v1/messages/push/raw", body, append(headers, "Deliver-URL", "http://push.example.com/v1/send")...)
	var r Receipt
	if err := json.Unmarshal(answer.Body.Bytes(), &r); err != nil || r.ID == "" {
		w.t.Fatalf("got %d %s, want it accepted", answer.Code, answer.Body)
	}
	return r
}

func (w *world) state(id string) Message {
	w.t.Helper()
	answer := w.ask(http.MethodGet, "/v1/messages/push/"+id, "")
	var m Message
	if err := json.Unmarshal(answer.Body.Bytes(), &m); err != nil || m.ID != id {
		w.t.Fatalf("got %d %s, want message %s", answer.Code, answer.Body, id)
	}
	return m
}

func TestAMessageLeavesAtItsTimeAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spool.Flow{})
		w.spool.Release("push")
		due := time.Now().Add(time.Hour + 777*time.Nanosecond)
		r := w.deliver("later", due)
		now := w.deliver("now", time.Time{})
		if got := w.bodies(); got != "now" {
			t.Errorf("got %q, want the one for now", got)
		}
		if m := w.state(r.ID); m.State != spool.Waiting || m.DeliverAt.Before(due) {
			t.Errorf("got %+v, want it waiting until %s", m, due)
		}
		<-time.After(time.Until(due) - time.Millisecond)
		if got := w.bodies(); got != "now" {
			t.Errorf("a millisecond before: got %q, want the one for now", got)
		}
		<-time.After(time.Second)
		got := w.arrived()
		if len(got) != 2 || got[1].at.Before(due) || got[1].header.Get("Idempotency-Key") != r.ID {
			t.Fatalf("got %+v, want it after %s, with its id", got, due)
		}
		if late := got[1].at.Sub(due); late > 100*time.Millisecond {
			t.Errorf("got it %s after its time, want it at its time", late)
		}
		for _, id := range []string{r.ID, now.ID} {
			if m := w.state(id); m.State != spool.Delivered || m.Attempts != 1 {
				t.Errorf("got %+v, want it delivered", m)
			}
		}
	})
}

func TestWhatWaitedLeavesOldestFirstAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spool.Flow{From: 10, Rate: 10})
		began := time.Now()
		for _, i := range []int{3, 1, 4, 0, 2} { // those for later come in any order
			for j := range 8 {
				w.deliver(fmt.Sprintf("%d%d", i, j), began.Add(time.Duration(i)*time.Minute+time.Duration(j)*time.Second+time.Second))
			}
		}
		<-time.After(10 * time.Minute)
		if got := w.arrived(); len(got) > 0 {
			t.Fatalf("got %d while the flow is interrupted, want none", len(got))
		}
		w.spool.Release("push")
		<-time.After(time.Minute)
		got := w.arrived()
		if len(got) != 40 {
			t.Fatalf("got %d, want 40", len(got))
		}
		for i, r := range got {
			if want := fmt.Sprintf("%d%d", i/8, i%8); r.body != want {
				t.Errorf("got %s in place %d, want %s", r.body, i, want)
			}
			if i >= 12 && r.at.Sub(got[i-12].at) < time.Second {
				t.Errorf("got 12 in %s, want at most 10 a second", r.at.Sub(got[i-12].at))
			}
		}
	})
}

func TestAMessageThatWasTakenBackDoesNotLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spool.Flow{})
		w.spool.Release("push")
		r := w.deliver("never", time.Now().Add(time.Minute))
		<-time.After(59 * time.Second)
		for range 2 {
			if got := said(t, w.ask(http.MethodDelete, "/v1/messages/push/"+r.ID, "")); got != "204" {
				t.Errorf("got %s, want 204", got)
			}
		}
		<-time.After(time.Hour)
		if m := w.state(r.ID); w.bodies() != "" || m.State != spool.Removed || m.Settled.IsZero() {
			t.Errorf("got %q and %+v, want nothing, and it removed", w.bodies(), m)
		}
		sent := w.deliver("now", time.Time{})
		w.bodies()
		if got := said(t, w.ask(http.MethodDelete, "/v1/messages/push/"+sent.ID, "")); got != "409 conflict delivered" {
			t.Errorf("got %s, want 409 conflict delivered", got)
		}
	})
}

func TestAKeyIsKnownAfterTheMessageHasLeftAndAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spool.Flow{})
		w.spool.Release("push")
		sent := w.deliver("one", time.Time{}, "Idempotency-Key", "k")
		later := w.deliver("two", time.Now().Add(time.Hour), "Idempotency-Key", "l")
		w.bodies()
		w.end()
		w.begin()
		w.spool.Release("push")
		if again := w.deliver("one", time.Time{}, "Idempotency-Key", "k"); again.ID != sent.ID || !again.Known || again.State != spool.Delivered {
			t.Errorf("got %+v, want %s, delivered", again, sent.ID)
		}
		another := w.ask(http.MethodPost, "/v1/messages/push/raw", "uno", "Idempotency-Key", "k", "Deliver-URL", "http://push.example.com/v1/send")
		if got := said(t, another); got != "422 key_reused Idempotency-Key" {
			t.Errorf("got %s, want 422 key_reused", got)
		}
		<-time.After(2 * time.Hour)
		if got := w.bodies(); got != "one two" {
			t.Errorf("got %q, want each once", got)
		}
		if m := w.state(later.ID); m.State != spool.Delivered || m.Key != "l" {
			t.Errorf("got %+v, want it delivered", m)
		}
	})
}

func TestMessagesOfOneOrderLeaveOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spool.Flow{})
		for i := range 20 {
			w.deliver(fmt.Sprint(i), time.Time{}, "Deliver-Order", "conversation")
		}
		w.spool.Release("push")
		<-time.After(time.Minute)
		if got, want := w.bodies(), strings.Trim(fmt.Sprint(numbers(20)), "[]"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestAMessageThatExpiresIsShelvedAndCanBeRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spool.Flow{})
		r := w.deliver("old", time.Time{}, "Deliver-Expires", time.Now().Add(time.Minute).Format(time.RFC3339))
		<-time.After(time.Hour)
		w.spool.Release("push")
		<-time.After(time.Minute)
		if m := w.state(r.ID); m.State != spool.Shelved || w.bodies() != "" {
			t.Fatalf("got %+v, %q, want it shelved and not sent", m, w.bodies())
		}
		if got := said(t, w.ask(http.MethodPost, "/v1/messages/push/"+r.ID+"/retry", "")); got != "200" {
			t.Fatalf("got %s, want 200", got)
		}
		<-time.After(time.Second)
		if m := w.state(r.ID); m.State != spool.Delivered || w.bodies() != "old" {
			t.Errorf("got %+v, %q, want it sent after all", m, w.bodies())
		}
	})
}

func BenchmarkAcceptIntoASpool(b *testing.B) {
	a, err := New(settings(nil))
	if err != nil {
		b.Fatal(err)
	}
	journal, err := spool.OpenFiles(b.TempDir(), spool.FilesOptions{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	s, err := spool.Open(ctx, spool.Config{Journal: journal, Flows: map[string]spool.Flow{"push": {Courier: a.Courier("push")}}})
	if err != nil {
		b.Fatal(err)
	}
	var run sync.WaitGroup
	run.Go(func() { _ = s.Run(ctx) })
	defer func() {
		stop()
		run.Wait()
		_ = s.Close()
		_ = journal.Close()
	}()
	benchmarkAccept(b, s, make([]byte, 1<<10))
}
