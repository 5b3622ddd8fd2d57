// Package gate stands in front of the product and keeps the promises of a maintenance there.
//
// A [Gate] is an [http.Handler]. It takes each request by its [Flow], and outside a maintenance it is a reverse proxy that
// passes everything on unchanged. While a flow is interrupted the requests go through the flow's chain of [Step]s: they
// wait in a hold until the product is back, are answered from stored responses, are accepted for later, or are refused with 503
// and the best estimate of the end. Afterwards those that waited are let go in the order in which they came, at a rate that ramps up.
//
// What is accepted for later is answered 202 once a [Spool] has it durably, and handed over by the [Gate.Courier] when the flow is
// open again: byte for byte, with the fields that came and those that tell the product when that was. Traffic that is
// not HTTP has a [Door], by which whoever takes it shares in all this.
//
// Interruptions come with the server's plan ([Gate.Follow]), from the program that the handler is part of
// ([Gate.Interrupt]), or are found by the gate itself: inside an announced window, from connections that fail, answers
// such as 503, and failing probes. [Gate.Run] does all that is not a request's own work; without it nothing that
// was held is let go.
//
// What it promises: a hold is bounded in requests, bytes and time, and what leaves it first is stated; a request that may
// have reached the product is never sent again unless it is safe, idempotent or carries an id by which the product knows a
// repetition; each request is counted once. Where the promise ends: what is held is in memory, so a gate that is killed drops it, as a proxy that is
// killed drops its connections; a body that is larger than the hold keeps is not read while it waits, so that its
// client's leaving is noticed late; and what was queued may reach the product twice, if the first answer was lost, under
// one Interlude-Entry.
//
// Its files: config.go and check.go are what is configured, route.go finds the flow, serve.go is the way of a request,
// lane.go the state of a flow, hold.go and drain.go those who wait, reject.go what the refused are told, edge.go and relay.go
// carry requests and answers, post.go accepts for later, spool.go and courier.go hand over, queued.go tells clients what became
// of it, door.go is for flows that are not HTTP, finder.go and probe.go find interruptions, plan.go and follow.go hear of them, meter.go counts, and
// shelf.go, disk.go and report.go bring the counts to the server.
package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"example.org/interlude/api"
	"example.org/interlude/cache"
	"example.org/interlude/upstream"
)

// Gate is a reverse proxy that knows of maintenance. Make it with [New].
type Gate struct {
	log     *slog.Logger
	layout  atomic.Pointer[layout]
	hold    budget // shared by all flows
	refuser refuser
	stored  *cache.Store
	drains  *drainer
	finds   *finder
	meter   *meter
	plans   *plans
	// handsOver says that the spool may hand over what it has of flows that are not interrupted.
	handsOver atomic.Bool
	// stopping is closed when Run ends: tunnels end too.
	stopping chan struct{}

	mu    sync.Mutex // guards lanes, and orders changes of the layout
	lanes map[string]*lane
}

// New makes a gate of its configuration. The error is a [*status.Invalid], or several joined, and names the field.
func New(c Config) (*Gate, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{log: c.Log, stored: cache.New(c.Cache), lanes: map[string]*lane{}, stopping: make(chan struct{})}
	g.drains = newDrainer()
	g.finds = newFinder(g.log)
	g.meter = newMeter(g.log, g.figures)
	g.plans = &plans{gate: g, first: make(chan struct{})}
	if err := g.Reload(c); err != nil {
		return nil, err
	}
	return g, nil
}

// Reload puts another configuration in force, at once and for all requests that follow. Requests that are held stay
// where they are and go to the upstreams of the new one; flows keep their interruptions and counts by their name.
// After an error the old configuration stays.
func (g *Gate) Reload(c Config) error {
	if err := c.check(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.layout.Load()
	next, err := g.lay(c, was)
	if err != nil {
		return err
	}
	g.hold.set(c.Limits)
	g.drains.set(c.Drain)
	g.layout.Store(next)
	if was != nil {
		was.retire(next)
	}
	g.plans.again()
	if was != nil {
		for _, l := range next.lanes {
			l.standBehind()
		}
	}
	return nil
}

// Run does what is not a request's own work until ctx ends: it lets go those who waited, checks the product's health,
// finds interruptions and ends those that lapsed. What still waits when ctx ends is refused with 503.
func (g *Gate) Run(ctx context.Context) error {
	defer close(g.stopping)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return g.drains.run(ctx) })
	all.Go(func() error { return g.finds.run(ctx, g.live) })
	all.Go(func() error { return g.checkHealth(ctx) })
	all.Go(func() error { return g.plans.run(ctx) })
	all.Go(func() error { return g.handOver(ctx) })
	err := all.Wait()
	for _, l := range g.live() {
		l.abandon()
	}
	return err
}

// live are the lanes of the flows in force, by name.
func (g *Gate) live() []*lane {
	return g.layout.Load().lanes
}

// Interruption is a span in which flows are not passed on as usual.
type Interruption struct {
	// ID tells it from all others. Opening one that is open changes its other fields.
	ID string
	// Maintenance is the id of the maintenance that it belongs to; it may be empty.
	Maintenance string
	Flows       []string
	// Lapses is when it ends by itself; required, so that nothing is held for ever.
	Lapses time.Time
	// Expected is when it is expected to end, zero when nobody knows.
	Expected time.Time
}

// Interrupt opens an interruption, or changes one that is open. Flows that do not exist are ignored: a plan may name
// those of other gates.
func (g *Gate) Interrupt(i Interruption) error {
	switch {
	case i.ID == "":
		return errors.New("interruption: ID is required")
	case i.Lapses.IsZero():
		return errors.New("interruption: Lapses is required: when it ends although nobody ended it")
	}
	for _, l := range g.live() {
		if slices.Contains(i.Flows, l.name) {
			l.open(cause{id: i.ID, maintenance: i.Maintenance, lapses: i.Lapses, expected: i.Expected}, time.Now())
		}
	}
	return nil
}

// End closes an interruption: what waited is let go, unless another one is open. Ending what is not open does nothing.
func (g *Gate) End(id string) {
	for _, l := range g.live() {
		l.close(id, time.Now())
	}
}

// State is what is in force now, for the server and for people.
func (g *Gate) State() api.GateState {
	lay, figures := g.layout.Load(), g.figures()
	state := api.GateState{Revision: g.plans.revision(), Flows: make([]api.FlowState, len(lay.lanes))}
	for i, l := range lay.lanes {
		state.Flows[i] = l.state(l.does())
		if f, ok := figures[l.name]; ok {
			state.Flows[i].Spool = spoolState(f)
		}
	}
	return state
}

// Counts are what became of the requests of each flow since the gate was made. The longest wait is that since the window
// of another maintenance opened.
func (g *Gate) Counts() map[string]api.Counts {
	all, figures := map[string]api.Counts{}, g.figures()
	for _, l := range g.live() {
		all[l.name] = l.snapshot(figures)
	}
	return all
}

// DryRun is what would have become of requests, were a flow's dry run not one.
type DryRun struct {
	Hold, Stale, Queue, Reject int64
}

// DryRuns are what the flows would have done that only count, by their names.
func (g *Gate) DryRuns() map[string]DryRun {
	all := map[string]DryRun{}
	for _, f := range g.layout.Load().flows {
		if c := &f.lane.counts; f.DryRun {
			all[f.Name] = DryRun{c.wouldHold.Load(), c.wouldStale.Load(), c.wouldQueue.Load(), c.wouldReject.Load()}
		}
	}
	return all
}

// Upstreams are the addresses of the product and how they are, by the names of their upstreams.
func (g *Gate) Upstreams() map[string][]upstream.AddressState {
	all := map[string][]upstream.AddressState{}
	for name, group := range g.layout.Load().groups {
		all[name] = group.Addresses()
	}
	return all
}

// checkHealth runs the health checks of the upstreams in force. A group that stays through a reload goes on undisturbed.
func (g *Gate) checkHealth(ctx context.Context) error {
	var all sync.WaitGroup
	running := map[*upstream.Group]context.CancelFunc{}
	for ctx.Err() == nil {
		lay := g.layout.Load()
		inForce := map[*upstream.Group]bool{}
		for _, group := range lay.groups {
			inForce[group] = true
			if running[group] == nil {
				checking, stop := context.WithCancel(ctx)
				running[group] = stop
				all.Go(func() { _ = group.Run(checking) })
			}
		}
		for group, stop := range running {
			if !inForce[group] {
				stop()
				delete(running, group)
			}
		}
		select {
		case <-ctx.Done():
		case <-lay.replaced:
		}
	}
	for _, stop := range running {
		stop()
	}
	all.Wait()
	return nil
}

var _ http.Handler = (*Gate)(nil)
