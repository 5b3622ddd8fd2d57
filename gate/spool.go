package gate

import (
	"context"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/spool"
)

// Spool keeps what was accepted for later, and hands it over. A [*spool.Spool] is one.
type Spool interface {
	// Accept returns when the entry is durable.
	Accept(ctx context.Context, e spool.Entry) (spool.Receipt, error)
	// Release says that a flow's product is there, and Hold that it is away. Flows that the spool does not have are ignored.
	Release(flow string)
	Hold(flow string)
	// Behind reports whether something of a flow has still to be tried for the first time.
	Behind(flow string) bool
	Figures() map[string]spool.Figures
}

// Entries tells what became of what was accepted. A [*spool.Spool] is one.
type Entries interface {
	Item(ctx context.Context, id string) (spool.Item, error)
	// Busy reports whether something of a lane has still to be handed over.
	Busy(flow, lane string) bool
}

var (
	_ Spool   = (*spool.Spool)(nil)
	_ Entries = (*spool.Spool)(nil)
)

// spooling is the spool in force, nil for none.
func (g *Gate) spooling() Spool {
	if lay := g.layout.Load(); lay != nil {
		return lay.spool
	}
	return nil
}

// figures are those of the spool in force, by flow.
func (g *Gate) figures() map[string]spool.Figures {
	if s := g.spooling(); s != nil {
		return s.Figures()
	}
	return nil
}

// planPatience is how long handing over waits, after a start, for a plan that says whether an interruption is open.
const planPatience = 5 * time.Second

// handOver lets the spool begin once it is known whether the product is there: a gate that was restarted within an
// interruption must not wake up a product that is being worked on.
func (g *Gate) handOver(ctx context.Context) error {
	for _, l := range g.live() {
		l.standBehind() // newcomers, behind what an earlier process has left
	}
	patience := time.NewTimer(planPatience)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-g.plans.first:
	case <-patience.C:
	}
	g.handsOver.Store(true)
	for _, l := range g.live() {
		l.mu.Lock()
		l.mind()
		l.mu.Unlock()
	}
	<-ctx.Done()
	g.handsOver.Store(false) // so that ending the interruptions releases nothing
	return nil
}

// mind has the spool hand over what it has of the flow, or keep it, as the phase is. The caller holds mu.
func (l *lane) mind() {
	s := l.gate.spooling()
	switch {
	case s == nil:
	case l.abandoned || !l.gate.handsOver.Load() || phase(l.phase.Load()) == interrupted:
		s.Hold(l.name)
	default:
		s.Release(l.name)
	}
}

// standBehind has newcomers that can be queued stand behind what is queued, if the flow is normal and something is.
func (l *lane) standBehind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if phase(l.phase.Load()) == normal && !l.abandoned && l.beginCatchUp() {
		l.gate.plans.tell()
	}
}

// beginCatchUp turns to catching up if something queued was not tried yet, and reports whether it did. The caller holds mu.
func (l *lane) beginCatchUp() bool {
	s := l.gate.spooling()
	if s == nil || !s.Behind(l.name) {
		return false
	}
	f := s.Figures()[l.name]
	now := time.Now()
	l.catchUp = catchUp{began: now, looked: now, until: ended(f) + f.Waiting - f.Later}
	l.turn(catchingUp)
	l.gate.drains.add(l)
	return true
}

// catchUp is how far the spool has come in handing over.
type catchUp struct {
	began, looked time.Time
	// until is how many entries have ended when as many have as waited at the beginning.
	until int64
}

const (
	// lookAgain is how often the spool is asked whether it is done.
	lookAgain = 25 * time.Millisecond
	// steady is for how long there is always something that was just queued where requests come without a pause.
	steady = 5 * time.Second
)

// caughtUp reports whether what was queued has been handed over. Where requests come without a pause there is always one that
// was just queued, so as many as waited at the beginning are enough: the oldest go first. The caller holds mu.
func (l *lane) caughtUp(now time.Time) bool {
	if now.Sub(l.catchUp.looked) < lookAgain {
		return false
	}
	l.catchUp.looked = now
	s := l.gate.spooling()
	if s == nil || !s.Behind(l.name) {
		return true
	}
	return now.Sub(l.catchUp.began) >= steady && ended(s.Figures()[l.name]) >= l.catchUp.until
}

// ended is how many entries have come to an end.
func ended(f spool.Figures) int64 { return f.Taken + f.Refused + f.Dropped + f.Removed }

// spoolState is what the server and people are told of figures.
func spoolState(f spool.Figures) *api.SpoolState {
	left := f.Left.Seconds()
	if f.Left < 0 {
		left = -1
	}
	return &api.SpoolState{
		Waiting: f.Waiting, Shelved: f.Shelved, Later: f.Later, Bytes: f.Bytes, Oldest: f.Oldest,
		Rate: f.Rate, LeftSeconds: left, Held: f.Held, Paused: f.Paused,
	}
}

// addSpool adds to counts what became of what was queued.
func addSpool(c *api.Counts, f spool.Figures) {
	c.Delivered, c.Shelved = f.Taken, f.Refused
	c.DelayMicros, c.LongestDelayMicros, c.Delays = f.DelayMicros, f.LongestMicros, f.Delays
}

// unsettled reports whether something that was due has still to be handed over, however often that was tried.
func unsettled(f spool.Figures) bool { return f.Waiting > f.Later }
