package gate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// unheardFor is how long past its expected end a maintenance counts as under way while nothing is heard of the server.
const unheardFor = 12 * time.Hour

// glance is how often the clock is looked at even when nothing is due: it may have been set.
const glance = 5 * time.Second

// plans is the plan in force, and what follows from it for the lanes.
type plans struct {
	gate   *Gate
	latest atomic.Int64

	mu   sync.Mutex // held while lanes are changed by it
	plan api.Plan
	has  bool // a plan; before the first one, nothing is done to the lanes
	// first is closed when there is one, and it is in force.
	first chan struct{}
	// ahead is by how much the server's clock is ahead of ours, zero while it is by so little that it may be the wire.
	ahead time.Duration
	// heard is when the server was last heard; while connected, that is now.
	heard     time.Time
	connected bool
	// doubted is a plan that a stream began with although a newer one is in force, until doubtEnds.
	doubted   *api.Plan
	doubtEnds time.Time
	// opened are the interruptions that a plan opened and none has closed.
	opened  map[string]bool
	changed chan struct{} // closed when another plan is in force; nil while nobody waits for that
}

// Apply puts a plan in force, for programs that have it from elsewhere. A gate that follows a server needs none. One whose
// revision is lower than that of the plan in force is old, and changes nothing.
func (g *Gate) Apply(plan api.Plan) { g.plans.take(plan, false) }

// revision is that of the plan in force.
func (p *plans) revision() int64 { return p.latest.Load() }

// tell lets the server know that a lane's state changed. It never waits, and takes no lock.
func (p *plans) tell() { p.gate.meter.stir() }

// doubt is how long a plan has to be the server's word before it takes the place of a newer one.
const doubt = 3 * time.Second

// take puts a plan in force that was made just now, unless an older one than that in force comes late. When a stream begins
// with an older one, it may be from a node that has not caught up, and must not end what is open for a moment; or
// the server was put back to what it had been, and goes on saying so.
func (p *plans) take(plan api.Plan, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.connected = p.connected || first
	switch {
	case plan.Revision >= p.plan.Revision:
	case first:
		p.doubted, p.doubtEnds = &plan, now.Add(doubt)
		p.wake()
		return
	case p.doubted != nil && plan.Revision >= p.doubted.Revision:
		p.doubted = &plan
		return
	default:
		p.gate.log.Debug("an old plan is ignored", "revision", plan.Revision, "in_force", p.plan.Revision)
		return
	}
	p.measureClock(plan, now)
	p.force(plan, now, now)
}

// settleDoubt puts the doubted plan in force if it has been the server's word for long enough.
func (p *plans) settleDoubt(now time.Time) {
	if p.doubted == nil || now.Before(p.doubtEnds) {
		return
	}
	p.gate.log.Warn("the server was put back to an earlier state: its word counts", "revision", p.doubted.Revision, "was", p.plan.Revision)
	p.measureClock(*p.doubted, now)
	p.force(*p.doubted, now, now)
}

// recall puts a plan in force that was heard before, with what was known of the server's clock then.
func (p *plans) recall(plan api.Plan, heard time.Time, ahead time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if plan.Revision < p.plan.Revision {
		return
	}
	p.ahead = ahead
	p.force(plan, heard, time.Now())
}

func (p *plans) force(plan api.Plan, heard, now time.Time) {
	had := p.has
	p.plan, p.heard, p.has, p.doubted = plan, heard, true, nil
	p.latest.Store(plan.Revision)
	p.apply(now)
	if !had {
		close(p.first)
	}
	p.wake()
}

// wake has run look again.
func (p *plans) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// clockDoubt is by how much the server's clock may differ before that is more than the way of its words.
const clockDoubt = 2 * time.Second

// measureClock compares the server's clock with ours. A difference that is much like the known one stays as it was, so that
// times do not tremble.
func (p *plans) measureClock(plan api.Plan, now time.Time) {
	if plan.At.IsZero() {
		return
	}
	ahead := plan.At.Sub(now.Round(0)) // as the clocks show it
	switch {
	case ahead.Abs() <= clockDoubt:
		p.ahead = 0
	case (ahead - p.ahead).Abs() > clockDoubt/2:
		p.ahead = ahead
		p.gate.log.Warn("the server's clock and this one differ: let both be set by NTP. Until then the server's is used for its interruptions",
			"server_ahead", ahead.Round(time.Millisecond))
	}
}

// lost notes that the server is not heard any more.
func (p *plans) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected {
		p.connected, p.heard, p.doubted = false, time.Now(), nil
	}
}

// memory is what a restart needs of the plan in force.
func (p *plans) memory() (plan api.Plan, heard time.Time, ahead time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plan, p.heard, p.ahead
}

// again applies the plan in force to the lanes of a new layout.
func (p *plans) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apply(time.Now())
}

// run opens and closes windows when it is time, until ctx ends.
func (p *plans) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, changed := p.look()
		timer.Reset(min(glance, time.Until(next)))
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-timer.C:
		}
	}
}

// look sets the windows as they are now. It says when they change next, and gives a channel that is closed when there is
// another plan.
func (p *plans) look() (next time.Time, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.settleDoubt(now)
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	p.gate.meter.idle(p.gate.live())
	next = p.setWindows(now)
	if p.doubted != nil && p.doubtEnds.Before(next) {
		next = p.doubtEnds
	}
	return next, p.changed
}

// apply makes the lanes as the plan says.
func (p *plans) apply(now time.Time) {
	p.setWindows(now)
	lanes, wanted := p.gate.live(), map[string][]string{}
	for _, m := range p.plan.Maintenances {
		for _, i := range m.Interruptions {
			if !i.Open() {
				continue
			}
			wanted[i.ID] = i.Flows
			c := cause{id: i.ID, maintenance: m.ID, lapses: p.ours(i.Lapses), expected: p.ours(i.Expected)}
			for _, l := range lanes {
				if slices.Contains(i.Flows, l.name) {
					l.open(c, now)
				}
			}
		}
	}
	for id := range p.opened { // after those that opened, so that no flow is normal between two
		for _, l := range lanes {
			if !slices.Contains(wanted[id], l.name) {
				l.close(id, now)
			}
		}
	}
	p.opened = map[string]bool{}
	for id := range wanted {
		p.opened[id] = true
	}
}

// ours is a time of the server's clock as ours shows it; no time stays none.
func (p *plans) ours(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(-p.ahead)
}

// setWindows opens and closes the windows of the lanes as they are at now, and says when that changes next.
func (p *plans) setWindows(now time.Time) time.Time {
	if !p.has {
		return now.Add(time.Hour)
	}
	if p.connected {
		p.heard = now
	}
	open, next := windowsOf(p.plan, p.heard.Add(p.ahead), now.Add(p.ahead))
	for _, l := range p.gate.live() {
		var is *window
		if w, ok := open[l.name]; ok {
			w.expected = p.ours(w.expected)
			is = &w
		}
		was := l.window.Load()
		if was == nil && is == nil || was != nil && is != nil && *was == *is {
			continue
		}
		p.gate.meter.turn(l, is, now)
		l.window.Store(is)
		switch {
		case was == nil || is != nil && was.maintenance != is.maintenance:
			p.gate.log.Info("window open", "flow", l.name, "maintenance", is.maintenance, "title", is.title)
		case is == nil:
			p.gate.log.Info("window closed", "flow", l.name, "maintenance", was.maintenance)
		}
	}
	p.gate.finds.wake()
	return p.ours(next)
}

// windowsOf gives the windows that are open at now, by the flows that they concern, and when that changes next; all times are
// the server's.
//
// A maintenance concerns the flows that its promises name. Its window is open while the plan says that it is under way, and
// within the announced times although nobody has begun it, for the server may be away. It is under way until the server
// says otherwise; but a server that was not heard for 12 hours after the expected end has forgotten it. Where two
// concern one flow, it is the one that is under way, or the one that was to start first.
func windowsOf(plan api.Plan, heard, now time.Time) (open map[string]window, next time.Time) {
	open, next = map[string]window{}, now.Add(time.Hour)
	byPrecedence := slices.SortedFunc(slices.Values(plan.Maintenances), func(a, b api.PlannedMaintenance) int {
		return cmp.Or(boolOrder(underway(a), underway(b)), a.Window.Start.Compare(b.Window.Start), strings.Compare(a.ID, b.ID))
	})
	for _, m := range byPrecedence {
		from, until := m.Window.Start, m.Window.End
		if underway(m) {
			expected := m.Expected
			if expected.IsZero() {
				expected = m.Window.End
			}
			from, until = time.Time{}, later(expected, heard).Add(unheardFor)
		}
		for _, edge := range []time.Time{from, until} {
			if edge.After(now) && edge.Before(next) {
				next = edge
			}
		}
		if m.State.Ended() || now.Before(from) || !now.Before(until) {
			continue
		}
		in := window{maintenance: m.ID, title: m.Title, page: plan.Page, announced: m.Window, expected: m.Expected}
		if plan.URL != "" {
			in.report = strings.TrimRight(plan.URL, "/") + m.Report
		}
		for _, promise := range m.Promises {
			if _, taken := open[promise.Flow]; promise.Flow != "" && !taken {
				open[promise.Flow] = in
			}
		}
	}
	return open, next
}

func underway(m api.PlannedMaintenance) bool {
	return m.State == status.InProgress || m.State == status.Verifying
}

// boolOrder puts what is true first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
