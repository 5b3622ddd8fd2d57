package gate

import (
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/spool"
	"example.org/interlude/status"
)

// phase is the state of a flow.
//
//	normal ──open──► interrupted ──last one closed──► draining ──nobody waits──► catching up ──nothing is queued──► normal
//	                      ▲                               │                           │
//	                      └────────────── open ───────────┴───────────────────────────┘
//
// A flow in which nobody waits, and for which nothing is queued, goes from interrupted to normal at once. While it catches up,
// only what can be queued stands behind what is queued; all else passes.
type phase int32

const (
	normal phase = iota
	interrupted
	draining
	catchingUp
)

// String is the word of the wire.
func (p phase) String() string {
	return [...]string{api.FlowNormal, api.FlowInterrupted, api.FlowDraining, api.FlowDraining}[p]
}

// open reports whether requests go straight to the product.
func (p phase) open() bool { return p == normal || p == catchingUp }

// cause is one open interruption of a lane.
type cause struct {
	id, maintenance  string
	lapses, expected time.Time
	// found says why the gate opened it by itself; empty for the server's.
	found string
}

// openCause is a cause in force. Its timer knows it by its address, so that the timer of one that was closed ends no other.
type openCause struct {
	cause
	lapse *time.Timer
	span  *api.Span
}

// window is what a lane has to know of the maintenance whose window is open.
type window struct {
	maintenance, title, report, page string
	announced                        status.Window
	expected                         time.Time
}

// lane is the state of one flow: it outlives the configurations that name it.
type lane struct {
	name   string
	gate   *Gate
	flow   atomic.Pointer[flow]
	phase  atomic.Int32
	busy   atomic.Int64 // requests with the product that an interruption waits for
	window atomic.Pointer[window]
	counts counters

	mu      sync.Mutex
	causes  map[string]*openCause
	queue   queue
	ramp    ramp
	catchUp catchUp
	spans   []*api.Span   // those that have not wholly ended, and those that changed
	dirty   bool          // a span changed since the meter looked
	changed chan struct{} // closed when the phase changes
	// abandoned says that the gate has no use for it any more.
	abandoned bool
}

func newLane(name string, g *Gate) *lane {
	return &lane{name: name, gate: g, causes: map[string]*openCause{}, changed: make(chan struct{})}
}

// does names what happens first while the flow is interrupted.
func (l *lane) does() string {
	if f := l.flow.Load(); f != nil {
		return f.does()
	}
	return string(DoQueue) // its door accepts for later
}

// snapshot is what has been counted.
func (l *lane) snapshot(figures map[string]spool.Figures) api.Counts {
	c := l.counts.snapshot()
	addSpool(&c, figures[l.name])
	return c
}

// enter lets a request to the product if the flow is open. Whoever entered has to leave.
//
// The count goes up before the phase is read: an interruption that opens meanwhile either is seen here, or sees the
// request under way and knows that the product is not quiet yet.
func (l *lane) enter() bool {
	l.busy.Add(1)
	if phase(l.phase.Load()).open() {
		return true
	}
	l.leave()
	return false
}

// leave ends what enter began.
func (l *lane) leave() {
	if l.busy.Add(-1) > 0 || phase(l.phase.Load()).open() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hush(time.Now())
}

// hush notes that no request is with the product any more, once for each open interruption.
func (l *lane) hush(now time.Time) {
	if phase(l.phase.Load()) != interrupted || l.busy.Load() > 0 {
		return
	}
	for _, c := range l.causes {
		if c.span.Quiet.IsZero() {
			c.span.Quiet, l.dirty = now.UTC(), true
			l.gate.plans.tell()
		}
	}
}

// turn changes the phase and tells those who watch it, and the spool.
func (l *lane) turn(to phase) {
	if phase(l.phase.Load()) == to {
		return
	}
	l.phase.Store(int32(to))
	close(l.changed)
	l.changed = make(chan struct{})
	l.mind()
}

// watch gives the phase and a channel that is closed when it changes.
func (l *lane) watch() (phase, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return phase(l.phase.Load()), l.changed
}

// open opens an interruption or changes one that is open.
func (l *lane) open(c cause, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.lapses.After(now) {
		return
	}
	in := l.causes[c.id]
	if in == nil {
		if w := l.window.Load(); c.maintenance == "" && w != nil {
			c.maintenance = w.maintenance
		}
		in = &openCause{span: &api.Span{
			ID: rand.Text(), Maintenance: c.maintenance, Flow: l.name, Cause: c.found, Opened: now.UTC(),
		}}
		if c.found == "" {
			in.span.Interruption = c.id
		}
		l.causes[c.id] = in
		l.spans, l.dirty = append(l.spans, in.span), true
		l.gate.log.Warn("flow interrupted", "flow", l.name, "interruption", c.id, "found", c.found, "until", c.lapses.UTC())
	}
	if in.lapse == nil || !in.lapses.Equal(c.lapses) {
		if in.lapse != nil {
			in.lapse.Stop()
		}
		in.lapse = time.AfterFunc(c.lapses.Sub(now), func() { l.lapsed(in, c.lapses) })
	}
	in.cause = c
	l.turn(interrupted)
	l.hush(now)
	l.gate.plans.tell()
}

// lapsed ends an interruption whose time has passed, if it is still that one and its time was not moved.
func (l *lane) lapsed(in *openCause, at time.Time) {
	l.mu.Lock()
	mine := l.causes[in.id] == in && in.lapses.Equal(at)
	l.mu.Unlock()
	if mine {
		l.gate.log.Error("interruption lapsed: nobody ended it in its time", "flow", l.name, "interruption", in.id)
		l.close(in.id, time.Now())
	}
}

// close ends an interruption. After the last one, those who waited are let go.
func (l *lane) close(id string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.causes[id]
	if in == nil {
		return
	}
	in.lapse.Stop()
	delete(l.causes, id)
	in.span.Closed, l.dirty = now.UTC(), true
	l.gate.log.Info("interruption ended", "flow", l.name, "interruption", id, "held", l.queue.len, "lasted", now.Sub(in.span.Opened).Round(time.Millisecond))
	if len(l.causes) == 0 {
		l.ramp = ramp{began: now, last: now}
		l.turn(draining)
		if l.goOn(now) {
			l.gate.drains.add(l)
		}
	}
	l.gate.plans.tell()
}

// goOn takes a lane that drains as far as it has come, and reports whether there is more to wait for. The caller holds mu.
func (l *lane) goOn(now time.Time) bool {
	switch phase(l.phase.Load()) {
	case draining:
		if l.queue.first != nil || l.beginCatchUp() {
			return true
		}
	case catchingUp:
		if !l.caughtUp(now) {
			return true
		}
	default:
		return false
	}
	l.finish(now)
	return false
}

// finish ends draining: nobody waits any more.
func (l *lane) finish(now time.Time) {
	for _, s := range l.spans {
		if !s.Closed.IsZero() && s.Drained.IsZero() {
			s.Drained, l.dirty = now.UTC(), true
		}
	}
	l.turn(normal)
	l.gate.plans.tell()
}

// abandon ends everything: those who wait are refused, no timer is left.
func (l *lane) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := l.queue.first; w != nil; w = l.queue.first {
		l.dismiss(w, stopped)
	}
	for id, c := range l.causes {
		c.lapse.Stop()
		c.span.Closed, l.dirty = time.Now().UTC(), true
		delete(l.causes, id)
	}
	l.abandoned = true
	l.finish(time.Now())
	l.mind()
}

// takeSpans gives what changed in the spans since it was last asked, and forgets those that have ended.
func (l *lane) takeSpans() []api.Span {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dirty {
		return nil
	}
	l.dirty = false
	var told []api.Span
	var open []*api.Span
	for _, s := range l.spans {
		told = append(told, *s)
		if s.Drained.IsZero() {
			open = append(open, s)
		}
	}
	l.spans = open
	return told
}

// state is what the server and people are told.
func (l *lane) state(does string) api.FlowState {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := api.FlowState{
		Flow: l.name, State: phase(l.phase.Load()).String(), Does: does, InFlight: l.busy.Load(),
		Held: int64(l.queue.len), Bytes: l.queue.bytes,
	}
	for id := range l.causes {
		s.Interruptions = append(s.Interruptions, id)
	}
	return s
}

// defaultReturn is when clients are asked to come back while nobody knows better.
const defaultReturn = 30 * time.Second

// after is the best estimate of how long the flow will stay as it is.
func (l *lane) after(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := phase(l.phase.Load()); p == draining || p == catchingUp {
		return time.Second
	}
	var longest time.Duration
	for _, c := range l.causes {
		left := min(c.lapses.Sub(now), defaultReturn)
		if c.expected.After(now) {
			left = c.expected.Sub(now)
		}
		longest = max(longest, left)
	}
	if longest == 0 {
		return defaultReturn
	}
	return longest
}

// expected is when the last of the open interruptions is expected to end, zero when nobody said.
func (l *lane) expected() (end time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.causes {
		end = later(end, c.expected)
	}
	return end
}

// planned reports whether the server opened one of the interruptions: the product is being restarted on purpose.
func (l *lane) planned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.causes {
		if c.found == "" {
			return true
		}
	}
	return false
}
