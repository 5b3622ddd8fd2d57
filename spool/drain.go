package spool

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// flow is the state of one flow: what its courier has in hand, and how fast it goes.
type flow struct {
	Flow
	name   string
	spool  *Spool
	gone   bool // it is not configured any more: its entries stay where they are
	counts counts
	wake   chan struct{} // has something in it when there may be something to do

	mu           sync.Mutex
	held, paused bool
	// moving are those that somebody has in hand, a courier or a person, until what became of them is written: nobody else may
	// change them. The channel is closed then. lanes are the lanes of those that couriers have.
	moving map[string]chan struct{}
	lanes  map[string]bool
	out    int   // how many the courier has
	page   []row // what is to be handed over next
	pace   pace
}

const (
	// pageEntries is how many are looked up at once.
	pageEntries = 128
	// unwritten is how many may have come back from the courier without having been written: they share a write.
	unwritten = 64
	// idle is the longest sleep. Whatever there is to do wakes the flow; this is for clocks that are set.
	idle = time.Minute
)

func newFlow(s *Spool, name string, f Flow) *flow {
	f.From = cmp.Or(f.From, 50)
	f.InFlight = cmp.Or(f.InFlight, 32)
	f.Again = cmp.Or(f.Again, 5*time.Second)
	f.Most = max(cmp.Or(f.Most, 15*time.Minute), f.Again)
	return &flow{
		Flow: f, name: name, spool: s, held: true, wake: make(chan struct{}, 1), moving: map[string]chan struct{}{}, lanes: map[string]bool{},
		pace: newPace(f),
	}
}

// Release says that the destination of a flow is there: what waits is handed over, slowly at first.
func (s *Spool) Release(flow string) {
	if f := s.flows[flow]; f != nil {
		f.let(func() bool { was := f.held; f.held = false; return was })
	}
}

// Hold says that the destination of a flow is away. What couriers have in hand they keep.
func (s *Spool) Hold(flow string) {
	if f := s.flows[flow]; f != nil {
		f.let(func() bool { f.held = true; return false })
	}
}

// let changes what lets a flow go, and begins anew if that did.
func (f *flow) let(change func() (started bool)) {
	f.mu.Lock()
	if change() {
		f.pace.start(time.Now())
	}
	f.mu.Unlock()
	f.stir()
}

// stir makes the flow look again. It never waits.
func (f *flow) stir() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// claim takes an entry into one's hands, unless somebody has it: then the channel is closed when that one lets go.
func (f *flow) claim(id string) (taken <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if by := f.moving[id]; by != nil {
		return by
	}
	f.moving[id] = make(chan struct{})
	return nil
}

// letGo ends what claim began, and what pick did.
func (f *flow) letGo(id, lane string) {
	f.mu.Lock()
	close(f.moving[id])
	delete(f.moving, id)
	delete(f.lanes, lane)
	f.mu.Unlock()
	f.stir()
}

// run hands over until ctx ends, and returns when the last courier has. Hands is the context of what the couriers have in hand.
func (f *flow) run(ctx, hands context.Context) {
	var others sync.WaitGroup
	defer others.Wait()
	if f.Warn > 0 && f.Warned != nil {
		others.Go(func() { f.warn(ctx) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		next, pause := f.take(ctx, time.Now())
		if next != nil {
			others.Go(func() { f.carry(ctx, hands, next.ID, next.Lane) })
			continue
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// take gives the next one that may go, or how long there will be none unless something happens.
func (f *flow) take(ctx context.Context, now time.Time) (*row, time.Duration) {
	next, pause, dry := f.pick(now)
	if !dry {
		return next, pause
	}
	found, err := f.turn(ctx, now)
	if err != nil {
		if ctx.Err() == nil {
			f.spool.log.Error("the spool's index cannot be read", "flow", f.name, "error", err)
		}
		return nil, catchUpPause
	}
	if next, pause, dry = f.pick(now); dry {
		pause = found
	}
	return next, pause
}

// pick takes the next one off the page, if one may go now. Dry is that one may and the page has none. While the index is behind
// none may: what became of it could not be recorded.
func (f *flow) pick(now time.Time) (next *row, pause time.Duration, dry bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	most := f.InFlight
	if f.pace.alone() {
		most = 1
	}
	if f.held || f.paused || f.spool.behind.Load() || f.out >= most || len(f.moving) >= most+unwritten {
		return nil, idle, false
	}
	if pause := f.pace.wait(now); pause > 0 {
		return nil, pause, false
	}
	for len(f.page) > 0 {
		next, f.page = &f.page[0], f.page[1:]
		if f.moving[next.ID] != nil || f.lanes[next.Lane] {
			continue
		}
		f.moving[next.ID] = make(chan struct{})
		if next.Lane != "" {
			f.lanes[next.Lane] = true
		}
		f.out++
		f.pace.spend()
		return next, 0, false
	}
	return nil, 0, true
}

// turn looks up the next page, and gives how long there will be no further one unless something happens.
func (f *flow) turn(ctx context.Context, now time.Time) (pause time.Duration, err error) {
	f.mu.Lock()
	most := pageEntries + 2*len(f.moving) // those in hand are found again, and perhaps one in the lane of each
	f.mu.Unlock()
	page, err := f.spool.index.ready(ctx, f.name, now, most)
	pause = idle
	if err == nil && len(page) < most {
		var next time.Time
		if next, err = f.spool.index.readyAfter(ctx, f.name, now); err == nil && !next.IsZero() {
			pause = min(next.Sub(now), idle)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.page = page
	return pause, err
}
