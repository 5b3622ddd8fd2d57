package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// postman is a courier made of a function that gives the result of each attempt.
type postman struct {
	ready  func() error
	bring  func(ctx context.Context, d notify.Delivery) notify.Result
	under  atomic.Int32
	widest atomic.Int32
	bags   sync.WaitGroup
}

func (p *postman) Ready() error {
	if p.ready == nil {
		return nil
	}
	return p.ready()
}

func (p *postman) Deliver(ctx context.Context, d notify.Delivery, _ *notify.Notice, done func(notify.Result)) {
	p.widest.Store(max(p.widest.Load(), p.under.Add(1)))
	p.bags.Go(func() {
		r := p.bring(ctx, d)
		p.under.Add(-1)
		done(r)
	})
}

// machine is the clock of the machine, which a bubble drives.
type machine struct{}

func (machine) Now() time.Time { return time.Now() }

// office is a store with active subscribers, and a dispatcher.
type office struct {
	*notify.Dispatcher

	t     *testing.T
	store *store.Store
	stop  context.CancelFunc
	ended chan error
}

// outbox is the real one, which may be made to fail.
type outbox struct {
	*store.Store

	away atomic.Bool // nothing can be recorded
	gone atomic.Bool // nothing can be done at all
}

var errAway = errors.New("the database is away")

func (o *outbox) Take(ctx context.Context, now, until time.Time, c notify.Channel, most int) ([]notify.Parcel, error) {
	if o.gone.Load() {
		return nil, errAway
	}
	return o.Store.Take(ctx, now, until, c, most)
}

func (o *outbox) Hold(ctx context.Context, parcels []int64, until time.Time) error {
	if o.gone.Load() {
		return errAway
	}
	return o.Store.Hold(ctx, parcels, until)
}

func (o *outbox) Settle(ctx context.Context, now time.Time, outcomes []notify.Outcome, done []int64) error {
	if o.away.Load() || o.gone.Load() {
		return errAway
	}
	return o.Store.Settle(ctx, now, outcomes, done)
}

// open makes an office with so many subscribers, in a database in memory.
func openOffice(t *testing.T, subscribers int, p *postman) (*office, *outbox) {
	s, err := store.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]notify.Subscriber, subscribers)
	for i := range all {
		all[i] = notify.Subscriber{
			ID: fmt.Sprintf("s%d", i), Channel: notify.Webhook, Address: fmt.Sprintf("https://example.com/%d", i), Contact: "ops@example.com",
			State: notify.Active, Created: time.Now(),
		}
	}
	if _, err := s.AddSubscribers(t.Context(), time.Now(), all); err != nil {
		t.Fatal(err)
	}
	box := &outbox{Store: s}
	return &office{t: t, store: s, Dispatcher: &notify.Dispatcher{
		Outbox: box, Couriers: map[notify.Channel]notify.Courier{notify.Webhook: p}, Clock: machine{}, Log: slog.New(slog.DiscardHandler),
	}}, box
}

// run begins to deliver; halt ends it and waits until it has.
func (o *office) run() {
	ctx, stop := context.WithCancel(o.t.Context())
	o.stop, o.ended = stop, make(chan error, 1)
	go func() { o.ended <- o.Run(ctx) }()
}

func (o *office) halt() {
	o.stop()
	if err := <-o.ended; err != nil {
		o.t.Errorf("got %v, want that it ends", err)
	}
}

// tell makes a notice for everybody.
func (o *office) tell() {
	n := notify.Notice{
		Kind: notify.Kind(status.Begun), At: time.Now(), Audience: notify.Audience{Everyone: true},
		Event: status.Event{Kind: status.Begun, Subject: status.Subject{Kind: status.KindMaintenance, ID: "m"}},
	}
	if err := o.store.Tell(o.t.Context(), time.Now(), n); err != nil {
		o.t.Fatal(err)
	}
}

// fanout is how far the first notice has come.
func (o *office) fanout() notify.Fanout {
	all, err := o.store.Progress(o.t.Context(), "m", 0, 1)
	if err != nil || len(all) != 1 || len(all[0].Fanouts) != 1 {
		o.t.Fatalf("got %+v and error %v, want one notice by one channel", all, err)
	}
	return all[0].Fanouts[0]
}

func accept(context.Context, notify.Delivery) notify.Result {
	return notify.Result{Verdict: notify.Accepted, Answer: "200"}
}

func TestEverybodyIsToldOnceAndNoMoreAreUnderWayThanTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		got := make(map[string]int)
		p := &postman{bring: func(_ context.Context, d notify.Delivery) notify.Result {
			pause(time.Duration(d.To.N%7) * time.Second)
			mu.Lock()
			defer mu.Unlock()
			got[d.To.ID]++
			return notify.Result{Verdict: notify.Accepted}
		}}
		o, _ := openOffice(t, 700, p)
		defer o.store.Close()
		o.Window = 40
		o.run()
		o.tell()
		o.await(func(f notify.Fanout) bool { return f.Waiting() == 0 })
		o.halt()
		for id, n := range got {
			if n != 1 {
				t.Errorf("%s was told %d times, want once", id, n)
			}
		}
		if f := o.fanout(); f.Sent != 700 || len(got) != 700 || p.widest.Load() > 40 {
			t.Errorf("got %d recorded, %d told, and %d under way at most; want 700, 700, and no more than 40", f.Sent, len(got), p.widest.Load())
		}
	})
}

// pause lets time pass in a bubble.
func pause(d time.Duration) { <-time.After(d) }

// await waits until the fan-out is as wanted, for at most two days.
func (o *office) await(as func(notify.Fanout) bool) {
	o.t.Helper()
	for range 20_000 {
		if as(o.fanout()) {
			return
		}
		pause(10 * time.Second)
	}
	o.t.Fatalf("got %+v after two days", o.fanout())
}

func TestWhatIsStoppedInTheMiddleGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		half := make(chan struct{})
		p := &postman{bring: func(ctx context.Context, _ notify.Delivery) notify.Result {
			if told.Add(1) == 300 {
				close(half)
			}
			if told.Load() >= 300 && told.Load() < 400 {
				<-ctx.Done()
				told.Add(-1)
				return notify.Result{Verdict: notify.Postponed, Answer: "stopping"}
			}
			return notify.Result{Verdict: notify.Accepted}
		}}
		o, _ := openOffice(t, 600, p)
		defer o.store.Close()
		o.Window = 20
		o.tell()
		o.run()
		<-half
		o.halt()
		before := o.fanout()
		if before.Sent >= 600 || before.Sent+before.Waiting() != 600 || before.Retrying != 0 {
			t.Errorf("got %+v, want some sent and the rest waiting, none of them charged", before)
		}
		told.Store(1000) // nothing stops any more
		o.Dispatcher = &notify.Dispatcher{
			Outbox: o.store, Couriers: map[notify.Channel]notify.Courier{notify.Webhook: p}, Clock: machine{}, Log: o.Log,
		}
		o.run()
		o.await(func(f notify.Fanout) bool { return f.Sent == 600 })
		o.halt()
		if n := told.Load() - 1000; int64(n) != 600-before.Sent {
			t.Errorf("got %d told after the pause, want the %d that were left", n, 600-before.Sent)
		}
	})
}

func TestAStoreThatIsAwayIsWaitedForAndNothingIsToldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		p := &postman{bring: func(context.Context, notify.Delivery) notify.Result {
			told.Add(1)
			return notify.Result{Verdict: notify.Accepted}
		}}
		o, box := openOffice(t, 500, p)
		defer o.store.Close()
		o.Window = 50
		box.away.Store(true)
		o.tell()
		o.run()
		pause(5 * time.Minute)
		if n := told.Load(); n != 50 {
			t.Errorf("got %d told while nothing can be recorded, want the window's 50", n)
		}
		box.away.Store(false)
		o.await(func(f notify.Fanout) bool { return f.Sent == 500 })
		o.halt()
		if n := told.Load(); n != 500 {
			t.Errorf("got %d told, want 500", n)
		}
	})
}

func TestADeadEndpointIsQuarantinedAndItsContactTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &postman{bring: func(context.Context, notify.Delivery) notify.Result {
			return notify.Result{Verdict: notify.Dead, Answer: "410 gone"}
		}}
		o, _ := openOffice(t, 1, p)
		defer o.store.Close()
		o.tell()
		o.run()
		o.await(func(f notify.Fanout) bool { return f.Failed == 1 })
		o.halt()
		s, err := o.store.Subscriber(t.Context(), "s0")
		if err != nil || s.State != notify.Quarantined || s.Reason != "410 gone" {
			t.Errorf("got %+v and error %v, want quarantine with the reason", s, err)
		}
		parcels, err := o.store.Take(t.Context(), time.Now(), time.Now(), notify.Email, 10)
		if err != nil || len(parcels) != 1 || parcels[0].Deliveries[0].Address() != "ops@example.com" {
			t.Errorf("got %+v and error %v, want a mail to its contact", parcels, err)
		}
		if n, err := o.store.Notice(t.Context(), parcels[0].Notice); err != nil || n.Kind != notify.Stopped || n.Reason != "410 gone" {
			t.Errorf("got %+v and error %v, want why it was stopped", n, err)
		}
	})
}

func TestWhileNothingCanGoOutNothingIsTakenAndOperatorsSeeWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("no relay")
		var up atomic.Bool
		p := &postman{bring: accept, ready: func() error {
			if up.Load() {
				return nil
			}
			return down
		}}
		o, _ := openOffice(t, 3, p)
		defer o.store.Close()
		o.tell()
		o.run()
		pause(time.Hour)
		if err := o.Halted(notify.Webhook); !errors.Is(err, down) {
			t.Errorf("got %v, want %v", err, down)
		}
		if err := o.Halted(notify.Email); !errors.Is(err, notify.ErrNoCourier) {
			t.Errorf("got %v, want %v", err, notify.ErrNoCourier)
		}
		up.Store(true)
		o.await(func(f notify.Fanout) bool { return f.Sent == 3 })
		if err := o.Halted(notify.Webhook); err != nil {
			t.Errorf("got %v, want nothing", err)
		}
		o.halt()
	})
}

func TestAStoreThatIsGoneForLongerThanALeaseMakesNothingGoTwice(t *testing.T) {
	for away := 31 * time.Second; away < 33*time.Second; away += 250 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			var told atomic.Int32
			p := &postman{bring: func(context.Context, notify.Delivery) notify.Result {
				told.Add(1)
				pause(2 * time.Second)
				return notify.Result{Verdict: notify.Accepted}
			}}
			o, box := openOffice(t, 500, p)
			defer o.store.Close()
			o.tell()
			o.run()
			pause(1500 * time.Millisecond)
			box.gone.Store(true)
			pause(away)
			box.gone.Store(false)
			o.await(func(f notify.Fanout) bool { return f.Sent == 500 })
			o.halt()
			if n := told.Load(); n != 500 {
				t.Errorf("got %d told after %s without a store, want 500", n, away)
			}
		})
	}
}

func TestWhatIsAnsweredAfterTheStopIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &postman{bring: func(context.Context, notify.Delivery) notify.Result {
			pause(15 * time.Second)
			return notify.Result{Verdict: notify.Accepted}
		}}
		o, _ := openOffice(t, 20, p)
		defer o.store.Close()
		o.tell()
		o.run()
		pause(5 * time.Second)
		o.halt()
		if f := o.fanout(); f.Sent != 20 {
			t.Errorf("got %d recorded, want the 20 that were under way", f.Sent)
		}
	})
}

func TestADispatcherThatStopsDoesNotWaitForAStoreThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, box := openOffice(t, 20, &postman{bring: accept})
		defer o.store.Close()
		box.away.Store(true)
		o.tell()
		o.run()
		pause(time.Minute)
		began := time.Now()
		o.halt()
		if took := time.Since(began); took > time.Minute {
			t.Errorf("got %s until it stopped, want seconds", took)
		}
	})
}
