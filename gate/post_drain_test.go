package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/spool"
	"example.org/interlude/status"
	"example.org/interlude/upstream"
)

func TestAFlowDrainsUntilAllThatIsQueuedIsHandedOver(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing, Step{Do: DoReject})
	s.interrupt()
	s.queued(http.MethodPost, "/", "one")
	s.queued(http.MethodPost, "/", "two")
	goOn := make(chan struct{})
	s.answers(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-goOn
		}
	})
	s.gate.End("one")
	s.awaitArrived(1)
	s.awaitPhase(catchingUp)
	if got := s.gate.State().Flows[0].State; got != api.FlowDraining {
		t.Errorf("got %s, want draining while posts are handed over", got)
	}
	if spans := s.lane().takeSpans(); len(spans) != 1 || spans[0].Closed.IsZero() || !spans[0].Drained.IsZero() {
		t.Errorf("got %+v, want a span that is closed and not drained", spans)
	}
	if a := s.send(http.MethodGet, "/", ""); a.status != http.StatusOK {
		t.Errorf("got %d for a read, want it passed: the product is back", a.status)
	}
	if a := s.send(http.MethodGet, ownPath+"back?flow=messenger", ""); a.status != http.StatusNoContent {
		t.Errorf("got %d for a page that waits, want 204: the product is back", a.status)
	}
	third := s.queued(http.MethodPost, "/", "three") // behind the others
	close(goOn)
	s.awaitState(third, spool.Delivered)
	s.awaitPhase(normal)
	if spans := s.lane().takeSpans(); len(spans) != 1 || spans[0].Drained.Before(spans[0].Closed) {
		t.Errorf("got %+v, want a span that is drained after it was closed", spans)
	}
	if a := s.send(http.MethodPost, "/", "four"); a.status != http.StatusOK {
		t.Errorf("got %d, want posts passed when all is handed over", a.status)
	}
}

func TestAnInterruptionHoldsWhatIsNotHandedOverYet(t *testing.T) {
	s := newSorting(t, spool.Limits{}, Step{Do: DoQueue, Queue: Queue{Order: "X-Conversation"}})
	s.interrupt()
	for i := range 5 {
		s.queued(http.MethodPost, "/", fmt.Sprint(i), "X-Conversation", "a")
	}
	goOn := make(chan struct{})
	s.answers(func(http.ResponseWriter, *http.Request) { <-goOn })
	s.gate.End("one")
	s.awaitArrived(1)
	s.interrupt()
	if f := s.gate.State().Flows[0]; !f.Spool.Held || f.InFlight != 1 {
		t.Errorf("got %+v with %d in flight, want it held and the one that is under way counted", f.Spool, f.InFlight)
	}
	close(goOn)
	s.await("the one under way", func() bool { return s.gate.State().Flows[0].InFlight == 0 })
	if spans := s.lane().takeSpans(); len(spans) != 2 || spans[1].Quiet.IsZero() {
		t.Errorf("got %+v, want the second one quiet once the product had answered", spans)
	}
	s.gate.End("one")
	s.awaitPhase(normal)
	if got := bodiesOf(s.arrived()); got != "0 1 2 3 4" {
		t.Errorf("got %s, want each once and in order", got)
	}
}

func TestWhoWasHeldStandsBehindWhatWasQueuedBefore(t *testing.T) {
	s := newSorting(t, spool.Limits{}, Step{Do: DoHold, Hold: Hold{For: time.Second}}, Step{Do: DoQueue, Queue: Queue{Order: "X-Conversation"}})
	s.interrupt()
	s.queued(http.MethodPost, "/", "one", "X-Conversation", "a") // after a second
	read, held := s.later(http.MethodGet, "/", ""), s.later(http.MethodPost, "/", "two", "X-Conversation", "a")
	s.awaitHeld(2)
	goOn := make(chan struct{})
	s.answers(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-goOn
		}
	})
	s.gate.End("one")
	if a := <-held; a.status != http.StatusAccepted {
		t.Errorf("got %d, want it queued behind the first", a.status)
	}
	close(goOn)
	if a := <-read; a.status != http.StatusOK {
		t.Errorf("got %d for the read, want it let go", a.status)
	}
	s.awaitPhase(normal)
	if got := strings.TrimSpace(strings.ReplaceAll(" "+bodiesOf(s.arrived())+" ", "  ", " ")); got != "one two" {
		t.Errorf("got %q, want one two", got)
	}
}

func TestAConversationStaysBehindItsOwnWhileOthersPass(t *testing.T) {
	s := newSorting(t, spool.Limits{}, Step{Do: DoQueue, Queue: Queue{Order: "X-Conversation"}})
	s.interrupt()
	s.queued(http.MethodPost, "/", "one", "X-Conversation", "a")
	var well atomic.Bool
	s.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Conversation") == "a" && !well.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	s.gate.End("one")
	s.awaitArrived(2) // it fails, again and again
	n := 0
	s.await("others to pass", func() bool { // each is of a conversation of its own, or it would stand behind the one before
		n++
		return s.send(http.MethodPost, "/", "other", "X-Conversation", fmt.Sprint("b", n)).status == http.StatusOK
	})
	second := s.queued(http.MethodPost, "/", "two", "X-Conversation", "a")
	well.Store(true)
	s.awaitState(second, spool.Delivered)
	s.await("the conversation to pass", func() bool {
		return s.send(http.MethodPost, "/", "three", "X-Conversation", "a").status == http.StatusOK
	})
}

func TestWhatAProductThatGoesAwayHasNotSeenIsQueued(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.gate.Apply(planNow(1))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	well := s.config.Upstreams["product"]
	well.Health.Path = "/healthz"
	s.config.Upstreams = map[string]upstream.Config{"product": {Addresses: []string{"http://" + free.Addr().String()}, Health: well.Health}}
	_ = free.Close()
	if err := s.gate.Reload(s.config); err != nil {
		t.Fatal(err)
	}
	id := s.queued(http.MethodPost, "/", "one") // at once, although nobody has found an interruption yet
	s.awaitPhase(interrupted)
	s.config.Upstreams = map[string]upstream.Config{"product": well}
	if err := s.gate.Reload(s.config); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, spool.Delivered)
	s.awaitPhase(normal)
	if got := bodiesOf(s.arrived()); got != "one" {
		t.Errorf("got %q at the product, want it once", got)
	}
	s.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	if a := s.send(http.MethodPost, "/", "two"); a.status != http.StatusServiceUnavailable {
		t.Errorf("got %d for a post that the product has seen, want 503: it may have been carried out", a.status)
	}
	if a := s.send(http.MethodPost, "/", "three", "Webhook-Id", "msg_1"); a.status != http.StatusAccepted {
		t.Errorf("got %d for a webhook that the product has seen, want 202: it knows repetitions", a.status)
	}
}

func TestASpoolWithoutRoomRefuses(t *testing.T) {
	s := newSorting(t, spool.Limits{Entries: 1, Entry: 1000}, queueing)
	s.interrupt()
	s.queued(http.MethodPost, "/", "one")
	a := s.send(http.MethodPost, "/", "two", "Accept", "application/json")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "no room to accept this request for later") {
		t.Errorf("got %d with Retry-After %q: %s, want 503 that says why and when to come back", a.status, a.header.Get("Retry-After"), a.body)
	}
	if a := s.send(http.MethodPost, "/", strings.Repeat("x", 1000)); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d for what the spool never takes, want 413", a.status)
	}
	if c := s.gate.Counts()["messenger"]; c.Queued != 1 || c.Rejected != 2 || c.Requests != 3 {
		t.Errorf("got %+v, want one queued and two rejected", c)
	}
}

func TestABodyThatDoesNotComeIsRefusedInTime(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	var clients []net.Conn
	began := time.Now()
	for _, length := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n%s\r\n\r\n5\r\nabc", length)
		clients = append(clients, c)
	}
	for _, c := range clients {
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || !answer.Close {
			t.Fatalf("got %v, %v, want 503 with Retry-After, and the connection closed", answer, err)
		}
	}
	if took := time.Since(began); took > acceptWithin {
		t.Errorf("got the answers after %s, want them within %s", took, acceptWithin)
	}
	if f := s.spool.Figures()["messenger"]; f.Waiting != 0 {
		t.Errorf("got %d accepted, want none", f.Waiting)
	}
	s.await("the room for bodies given back", func() bool { return s.gate.hold.bytes.Load() == 0 })
}

// slowDisk is a spool whose disk takes its time, or for ever.
type slowDisk struct{ late time.Duration }

func (s slowDisk) Accept(ctx context.Context, _ spool.Entry) (spool.Receipt, error) {
	if s.late > 0 {
		<-time.After(s.late)
		return spool.Receipt{ID: "late"}, nil
	}
	<-ctx.Done()
	return spool.Receipt{}, ctx.Err()
}

func (slowDisk) Release(string)                    {}
func (slowDisk) Hold(string)                       {}
func (slowDisk) Behind(string) bool                { return false }
func (slowDisk) Busy(string, string) bool          { return false }
func (slowDisk) Figures() map[string]spool.Figures { return map[string]spool.Figures{"messenger": {}} }

func (slowDisk) Item(context.Context, string) (spool.Item, error) {
	return spool.Item{}, spool.ErrNotFound
}

func TestADiskThatIsSlowIsNotWaitedForLong(t *testing.T) {
	for want, disk := range map[int]slowDisk{http.StatusServiceUnavailable: {}, http.StatusAccepted: {late: acceptWithin + time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			g, err := New(Config{Upstreams: product(), Flows: []Flow{{Name: "messenger", Upstream: "product", Interrupted: []Step{queueing}}}, Spool: disk, Entries: disk})
			if err != nil {
				t.Fatal(err)
			}
			defer g.lanes["messenger"].abandon()
			if err := g.Interrupt(Interruption{ID: "one", Flows: []string{"messenger"}, Lapses: time.Now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			w, began := httptest.NewRecorder(), time.Now()
			g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("one")))
			if took := time.Since(began); w.Code != want || took != acceptWithin+disk.late%acceptWithin {
				t.Errorf("got %d after %s, want %d: what is accepted late is accepted", w.Code, took, want)
			}
		})
	}
}

func TestNothingIsHandedOverBeforeAPlanSaysThatTheProductIsThere(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	s.queued(http.MethodPost, "/", "one")
	again, err := New(s.config) // as after a restart: it has the spool's work, and no plan
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- again.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	l := again.lanes["messenger"]
	s.await("newcomers to stand behind", func() bool { return phase(l.phase.Load()) == catchingUp })
	w := httptest.NewRecorder()
	again.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("two")))
	if w.Code != http.StatusAccepted {
		t.Errorf("got %d, want it queued behind the first", w.Code)
	}
	if f := s.spool.Figures()["messenger"]; !f.Held || len(s.arrived()) != 0 {
		t.Errorf("got %+v and %d requests at the product, want it held", f, len(s.arrived()))
	}
	again.Apply(planNow(1, interruption("one", time.Now().Add(time.Minute), "messenger")))
	if f := s.spool.Figures()["messenger"]; !f.Held {
		t.Errorf("got %+v, want it held: the plan has an interruption", f)
	}
	s.carryBy(again)
	again.Apply(api.Plan{Revision: 2})
	s.awaitArrived(2)
}

func TestADryRunCountsWhatItWouldQueue(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.config.Flows[0].DryRun = true
	if err := s.gate.Reload(s.config); err != nil {
		t.Fatal(err)
	}
	s.interrupt()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		if a := s.send(method, "/", ""); a.status != http.StatusOK {
			t.Errorf("%s: got %d, want it passed", method, a.status)
		}
	}
	if got := s.gate.DryRuns()["messenger"]; got != (DryRun{Queue: 1, Reject: 1}) {
		t.Errorf("got %+v, want one that would be queued and one that would be refused", got)
	}
}

func TestAQueueThatCannotWorkIsRefused(t *testing.T) {
	bad := Queue{Body: largestQueued + 1, Methods: []string{"GET"}, Order: "a b", OnFailure: Refuse}
	_, err := New(Config{
		Upstreams: product(), Others: []string{"mail", "a", ""}, Probes: map[string]func(context.Context) error{"b": nil},
		Flows: []Flow{{Name: "a", Upstream: "product", Interrupted: []Step{{Do: DoQueue, Queue: bad}}}},
	})
	var invalid *status.Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want a *status.Invalid", err)
	}
	for _, want := range []string{
		"flows[0].interrupted[0].do queue needs a spool", "flows[0].interrupted[0].body", "flows[0].interrupted[0].methods",
		"flows[0].interrupted[0].order", "flows[0].interrupted[0].on_failure", "others[1]", "others[2]", "probes.b",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to hold %q", err, want)
		}
	}
}
