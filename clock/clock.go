// Package clock gives the time to what runs in time.
//
// [System] is the machine's clock. [Driven] is a clock that a program sets and drives faster, so that the
// demonstration and a rehearsal play two days in a minute with the very code that takes two days otherwise.
// Both are handed in; nothing that keeps a schedule asks the machine by itself.
//
// A clock promises that Wait returns no earlier than asked. It does not promise to return in time: a machine may
// sleep. Whoever waits for a moment looks at Now again when it wakes.
package clock

import (
	"sync"
	"time"
)

// System is the machine's clock.
type System struct{}

// Now is the machine's time, in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// longest bounds a single wait of the system clock: its timers stand still while the machine sleeps, and do not see
// the time being set, so the time is looked at again.
const longest = 5 * time.Second

// Wait returns when the clock shows until or later, or when quit is closed; it reports whether the moment came.
func (c System) Wait(until time.Time, quit <-chan struct{}) bool {
	for {
		left := until.Sub(c.Now())
		if left <= 0 {
			return true
		}
		select {
		case <-time.After(min(left, longest)):
		case <-quit:
			return false
		}
	}
}

// Speed is how fast the clock runs: as fast as the machine's.
func (System) Speed() float64 { return 1 }

// Driven is a clock that begins at a chosen time and runs at a chosen speed. Its methods may be called at once by many.
type Driven struct {
	mu    sync.Mutex
	base  time.Time // what the clock showed at since
	since time.Time // of the machine
	speed float64
	turn  chan struct{} // closed when the clock is set or its speed changes
}

// NewDriven makes a clock that shows at and runs speed times as fast as the machine's. Speed 0 stands still.
func NewDriven(at time.Time, speed float64) *Driven {
	return &Driven{base: at, since: time.Now(), speed: speed, turn: make(chan struct{})}
}

// Now is what the clock shows.
func (c *Driven) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Driven) now() time.Time {
	return c.base.Add(time.Duration(float64(time.Since(c.since)) * c.speed)).UTC()
}

// Speed is how fast the clock runs now.
func (c *Driven) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// Drive makes the clock run at another speed from now on.
func (c *Driven) Drive(speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.since, c.speed = c.now(), time.Now(), speed
	close(c.turn)
	c.turn = make(chan struct{})
}

// Set makes the clock show another time. What waits for a moment that is now past wakes at once.
func (c *Driven) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.since = at, time.Now()
	close(c.turn)
	c.turn = make(chan struct{})
}

// Wait returns when the clock shows until or later, however it is driven meanwhile, or when quit is closed; it
// reports whether the moment came.
func (c *Driven) Wait(until time.Time, quit <-chan struct{}) bool {
	for {
		c.mu.Lock()
		left, speed, turn := until.Sub(c.now()), c.speed, c.turn
		c.mu.Unlock()
		if left <= 0 {
			return true
		}
		var due <-chan time.Time
		if speed > 0 {
			due = time.After(time.Duration(float64(left)/speed) + time.Microsecond)
		}
		select {
		case <-due:
		case <-turn:
		case <-quit:
			return false
		}
	}
}
