package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Courier brings deliveries of a channel to their destinations. One destination that is slow or dead must not keep it from
// the others.
type Courier interface {
	// Ready says why nothing can be handed over at the moment, or nothing.
	Ready() error
	// Deliver hands a delivery over, and may wait until there is room. It calls done once, from any goroutine, when it is known
	// what became of it; when ctx ends, soon.
	Deliver(ctx context.Context, d Delivery, n *Notice, done func(Result))
}

// Clock gives the time.
type Clock interface {
	Now() time.Time
}

// Dispatcher works through the outbox. Its fields are set before Run and not afterwards.
type Dispatcher struct {
	Outbox   Outbox
	Couriers map[Channel]Courier
	Clock    Clock
	Log      *slog.Logger
	// Window bounds, for each channel, the deliveries that are handed over and not recorded yet: as many may go out twice when
	// the process is killed. 0 is DefaultWindow.
	Window int
	// Settled is told of each outcome that was recorded, for figures; nil is fine. It must be quick.
	Settled func(Channel, Fate)

	once   sync.Once
	rounds map[Channel]*round
}

// DefaultWindow is large enough that recording keeps up with what fifty connections send.
const DefaultWindow = 1000

const (
	// lease is for how long parcels are taken. A node that was killed gives them back after that.
	lease = 30 * time.Second
	// glance is how often the outbox is looked at although nothing told of anything: another node may have written to it, or
	// something may have come due.
	glance = time.Second
	// A record is written when it has recordSize outcomes, or recordAge after its first one.
	recordSize = 500
	recordAge  = 100 * time.Millisecond
	// farewell is how long a dispatcher that stops waits for a store that does not answer.
	farewell = 5 * time.Second
	// handing is for how long deliveries are handed over before the outbox is looked at again.
	handing = time.Second
)

// Run delivers until ctx ends. Then it hands nothing over any more, waits for what is under way, records what became of
// it, and gives back the rest.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.open()
	var all errgroup.Group
	for _, r := range d.rounds {
		all.Go(func() error { r.run(ctx); return nil })
	}
	return all.Wait()
}

// Prod makes the dispatcher look at the outbox now. It does not wait.
func (d *Dispatcher) Prod() {
	d.open()
	for _, r := range d.rounds {
		select {
		case r.prod <- struct{}{}:
		default:
		}
	}
}

// Halted says why the deliveries of a channel wait, nothing while they do not.
func (d *Dispatcher) Halted(c Channel) error {
	d.open()
	r, known := d.rounds[c]
	if !known {
		return ErrNoCourier
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halted
}

// ErrNoCourier says that a channel was not set up.
var ErrNoCourier = errors.New("this server has no way to deliver by this channel; see docs/notices.md for how to set one up")

func (d *Dispatcher) open() {
	d.once.Do(func() {
		if d.Window == 0 {
			d.Window = DefaultWindow
		}
		d.rounds = make(map[Channel]*round, len(d.Couriers))
		for channel, courier := range d.Couriers {
			d.rounds[channel] = &round{
				Dispatcher: d, channel: channel, courier: courier, prod: make(chan struct{}, 1),
				window: make(chan struct{}, d.Window), settled: make(chan item, d.Window), notices: make(map[int64]*Notice), appetite: 1,
			}
		}
	})
}

// round is the work on one channel: taking, handing over, and, beside that, recording.
type round struct {
	*Dispatcher

	channel Channel
	courier Courier
	prod    chan struct{}
	// window holds a token for each delivery that was handed over and is not recorded.
	window  chan struct{}
	settled chan item
	notices map[int64]*Notice // those that were told last

	// appetite is about how many deliveries are taken at once: as many as are handed over in a moment, so that what is urgent
	// does not wait behind what was taken before.
	appetite int

	mu      sync.Mutex
	halted  error
	failing bool            // nothing can be recorded at the moment
	open    map[int64]*load // by the parcel's number
}

// load is a parcel that this node has taken.
type load struct {
	id    int64
	until time.Time
	// left counts the deliveries whose outcome is not recorded, and under those of them that were handed over.
	left, under int
	// given up loads are handed over no further; their lease runs out.
	givenUp bool
}

// item is an outcome on its way into the record.
type item struct {
	Outcome

	of *load
}

func (r *round) run(ctx context.Context) {
	r.open = make(map[int64]*load)
	// What is under way when ctx ends is recorded all the same.
	after, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() { r.record(ctx, after) })
	beside.Go(func() { r.renew(ctx) })
	for ctx.Err() == nil {
		if !r.turn(ctx) {
			r.wait(ctx)
		}
	}
	// With every token in hand, nothing is under way.
	for range cap(r.window) {
		r.window <- struct{}{}
	}
	close(r.settled)
	beside.Wait()
	r.giveBack(after)
}

// wait returns on a prod, after a glance's time, or when ctx ends.
func (r *round) wait(ctx context.Context) {
	timer := time.NewTimer(glance)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.prod:
	case <-timer.C:
	}
}

// turn takes what is due and hands it over. It reports whether there was anything.
func (r *round) turn(ctx context.Context) bool {
	err := r.courier.Ready()
	if err == nil {
		err = r.recording()
	}
	var parcels []Parcel
	now := r.now()
	if err == nil {
		parcels, err = r.Outbox.Take(ctx, now, now.Add(lease), r.channel, r.appetite)
	}
	r.note(ctx, err)
	loads := r.load(parcels, now.Add(lease))
	for i, p := range parcels {
		if loads[i] != nil {
			r.hand(ctx, p, loads[i])
		}
	}
	if len(parcels) == 0 {
		return false
	}
	if took := r.now().Sub(now); took < handing/2 {
		r.appetite = min(2*r.appetite, r.Window)
	} else if took > handing {
		r.appetite = 1
	}
	return true
}

// now is the time of day, as other machines have it too: this one's other clock stands still while it sleeps.
func (r *round) now() time.Time { return r.Clock.Now().Round(0) }

// errRecording says that nothing can be recorded, so that nothing more is handed over.
var errRecording = errors.New("what was delivered cannot be recorded")

// recording says why nothing can be recorded at the moment, or nothing.
func (r *round) recording() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing {
		return errRecording
	}
	return nil
}

// load notes what was taken until a time. A parcel that this node has already, because its lease had run out, is held on to and not
// handed over again: its load is nil.
func (r *round) load(parcels []Parcel, until time.Time) []*load {
	r.mu.Lock()
	defer r.mu.Unlock()
	loads := make([]*load, len(parcels))
	for i, p := range parcels {
		if had, there := r.open[p.ID]; there {
			had.until = until
			continue
		}
		loads[i] = &load{id: p.ID, until: until, left: len(p.Deliveries)}
		r.open[p.ID] = loads[i]
	}
	return loads
}

// note remembers why nothing can be delivered, and logs when that begins and ends.
func (r *round) note(ctx context.Context, err error) {
	r.mu.Lock()
	was := r.halted
	r.halted = err
	r.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err != nil && was == nil:
		r.Log.Error("notices wait", "channel", r.channel, "error", err)
	case err == nil && was != nil:
		r.Log.Info("notices go out again", "channel", r.channel)
	}
}

// hand gives the deliveries of a parcel to the courier. One whose lease has run out, because this machine slept, belongs to
// whoever takes it next.
func (r *round) hand(ctx context.Context, p Parcel, of *load) {
	if len(p.Deliveries) == 0 {
		r.settled <- item{of: of}
		return
	}
	n, err := r.notice(ctx, p.Notice)
	if err != nil {
		r.note(ctx, err)
		r.leave(of)
		return
	}
	for _, d := range p.Deliveries {
		select {
		case r.window <- struct{}{}:
		case <-ctx.Done():
			return
		}
		now := r.now()
		if !r.holds(of, now) {
			<-r.window
			r.leave(of)
			return
		}
		if why := n.pointless(d, now); why != "" {
			r.settled <- item{Outcome{Delivery: d, Fate: Dropped, Tries: d.Attempts, At: now, Answer: why}, of}
			continue
		}
		r.courier.Deliver(ctx, d, n, func(result Result) {
			r.settled <- item{result.outcome(d, n, r.now()), of}
		})
	}
}

// holds reports whether a parcel is still this node's, and notes that one more of it is handed over then.
func (r *round) holds(of *load, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(of.until) {
		return false
	}
	of.under++
	return true
}

// leave lets go of a parcel: its lease runs out, and then it is due again. It is remembered until what was handed over of it is
// recorded, so that this node does not take it anew before.
func (r *round) leave(of *load) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if of.givenUp = true; of.under == 0 {
		delete(r.open, of.id)
	}
}

// notice is a notice that is to be delivered, read once for all of its deliveries.
func (r *round) notice(ctx context.Context, n int64) (*Notice, error) {
	if known, ok := r.notices[n]; ok {
		return known, nil
	}
	const most = 32
	read, err := r.Outbox.Notice(ctx, n)
	if err != nil {
		return nil, err
	}
	if len(r.notices) >= most {
		clear(r.notices)
	}
	r.notices[n] = &read
	return &read, nil
}
