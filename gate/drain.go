package gate

import (
	"context"
	"math"
	"sync"
	"time"
)

// ramp is how far a lane's draining has come.
type ramp struct {
	began, last time.Time
	allowance   float64
}

// pace is how often waiters are let go.
const pace = 5 * time.Millisecond

// drainer lets those go who waited, of all lanes.
type drainer struct {
	mu     sync.Mutex
	config Drain
	lanes  map[*lane]bool
	kick   chan struct{}
}

func newDrainer() *drainer {
	return &drainer{lanes: map[*lane]bool{}, kick: make(chan struct{}, 1)}
}

func (d *drainer) set(c Drain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.config = c.withDefaults()
}

// add begins with a lane. It does not wait.
func (d *drainer) add(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lanes[l] = true
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// draining are the lanes at work, with the pace in force.
func (d *drainer) draining() ([]*lane, Drain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lanes := make([]*lane, 0, len(d.lanes))
	for l := range d.lanes {
		lanes = append(lanes, l)
	}
	return lanes, d.config
}

func (d *drainer) done(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.lanes, l)
}

// run lets waiters go until ctx ends; while nobody drains it sleeps.
func (d *drainer) run(ctx context.Context) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		tick.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-d.kick:
		}
		tick.Reset(pace)
		for lanes, c := d.draining(); len(lanes) > 0; lanes, c = d.draining() {
			for _, l := range lanes {
				if !l.letGo(time.Now(), c) {
					d.done(l)
					if p := phase(l.phase.Load()); p == draining || p == catchingUp { // another interruption came and went between the two
						d.add(l)
					}
				}
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

// letGo lets as many go as the ramp has come to, and reports whether there is more to do.
//
// Both the rate and the number with the product at a time double each second: the first spares a product that has just
// come up, and the second one that answers slowly; and as both grow, requests that never end cannot stop the others.
func (l *lane) letGo(now time.Time, c Drain) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if phase(l.phase.Load()) != draining {
		return l.goOn(now)
	}
	grown := math.Exp2(math.Min(now.Sub(l.ramp.began).Seconds(), 30))
	rate := float64(c.From) * grown
	l.ramp.allowance += rate * now.Sub(l.ramp.last).Seconds()
	l.ramp.allowance = math.Min(l.ramp.allowance, math.Max(1, rate/20)) // what was not used is not saved up
	l.ramp.last = now
	atOnce := int64(float64(c.InFlight) * grown)
	for l.ramp.allowance >= 1 && l.queue.first != nil && l.busy.Load() < atOnce {
		l.ramp.allowance--
		l.dismiss(l.queue.first, released)
	}
	return l.goOn(now)
}
