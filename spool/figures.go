package spool

import (
	"errors"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Figures are how a flow stands.
type Figures struct {
	// Waiting are those that are to be handed over, those Moving among them, which somebody has in hand now, and those Later, which
	// are not due yet. Shelved are those that nobody takes.
	Waiting, Moving, Later, Shelved int64
	// Bytes are those of all that wait or are shelved.
	Bytes int64
	// Oldest is when the oldest that waits and is due was due; zero when none is.
	Oldest time.Time
	// Held says that it waits for its destination, Paused that a person stopped it.
	Held, Paused bool
	// Rate is how many were handed over a second in the last ten, and Left how long until all that is due is gone: 0 when nothing
	// is, below 0 when nobody knows, as when what came back last was not taken.
	Rate float64
	Left time.Duration
	// What follows counts since the process began. Accepted were new and Known were there already; Taken, Refused and Dropped are what
	// couriers said last, Retried how often they said not now. Those that were too old are among the Refused. Removed were
	// removed by people, and Full were not accepted for want of room.
	Accepted, Known, Taken, Retried, Refused, Dropped, Removed, Full int64
	// DelayMicros is the sum of the delays of those Taken, from when they were due, in microseconds, LongestMicros the longest, and
	// Delays counts them by length: the number at place i, from 0, is of those that were delayed less than 2^i milliseconds and
	// at least half of that; the last takes all that are longer.
	DelayMicros, LongestMicros int64
	Delays                     []int64
}

// Figures tells how each flow stands. What the index cannot tell is left out.
func (s *Spool) Figures() map[string]Figures {
	all := make(map[string]Figures, len(s.flows))
	now := time.Now()
	for name, f := range s.flows {
		all[name] = f.figures(now)
	}
	return all
}

func (f *flow) figures(now time.Time) Figures {
	sum := f.spool.index.of(f.name)
	n := Figures{Waiting: sum.waiting, Shelved: sum.shelved, Bytes: sum.bytes}
	f.mu.Lock()
	n.Held, n.Paused, n.Moving = f.held, f.paused, int64(len(f.moving))
	failing := f.pace.failing
	f.mu.Unlock()
	f.counts.fill(&n, now)
	n.Later, n.Oldest = f.counts.look(f, now)
	switch due := n.Waiting - n.Later; {
	case due <= 0:
	case n.Rate == 0 || n.Held || n.Paused || failing:
		n.Left = -1
	default:
		n.Left = time.Duration(float64(due) / n.Rate * float64(time.Second))
	}
	return n
}

// Behind reports whether something of a flow could be handed over and was never tried, or is in somebody's hands: newcomers belong
// behind it. What stands in its lane behind one that failed does not count; see [Spool.Busy]. When nobody knows, it is so.
func (s *Spool) Behind(flow string) bool {
	f := s.flows[flow]
	if f == nil {
		return false
	}
	f.mu.Lock()
	moving := len(f.moving) > 0
	f.mu.Unlock()
	if moving || s.behind.Load() {
		return true
	}
	if s.index.of(flow).waiting == 0 {
		return false
	}
	is, err := s.index.untried(s.ctx, flow, time.Now())
	return is || err != nil
}

// Busy reports whether something of a lane waits, whether due or not, or is being handed over. When nobody knows, it is so.
func (s *Spool) Busy(flow, lane string) bool {
	f := s.flows[flow]
	if f == nil || lane == "" {
		return false
	}
	if s.behind.Load() {
		return true
	}
	if s.index.of(flow).waiting == 0 { // what is being handed over waits until that is written
		return false
	}
	is, err := s.index.inLane(s.ctx, flow, lane)
	return is || err != nil
}

const (
	// delayBuckets is how many numbers Delays has at most: the last begins at about nine minutes.
	delayBuckets = 20
	// rateSeconds is over how long the rate is measured.
	rateSeconds = 10
	// A look that took longer than slow is good for so many times as long.
	slow, goodFor = 10 * time.Millisecond, 20
)

// counts count what became of entries, by many at once.
type counts struct {
	accepted, known, taken, retried, gaveUp, dropped, removed, full atomic.Int64

	mu           sync.Mutex
	sum, longest int64 // microseconds
	delays       [delayBuckets]int64
	// handed counts those handed over in a second, at the second's place.
	handed  [rateSeconds + 1]int64
	second  int64
	fresh   time.Time // until when the last look is good
	later   int64
	overdue time.Time
}

// refused counts an entry that was not accepted.
func (c *counts) refused(err error) {
	if errors.Is(err, ErrFull) {
		c.full.Add(1)
	}
}

// add counts what became of an attempt.
func (c *counts) add(v verdict) {
	switch v.result {
	case Retry:
		c.retried.Add(1)
		return
	case Refused:
		c.gaveUp.Add(1)
	case Dropped:
		c.dropped.Add(1)
	case Taken:
		c.taken.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(time.Now())
	c.handed[c.second%int64(len(c.handed))]++
	if v.result != Taken {
		return
	}
	us := max(v.delay.Microseconds(), 0)
	c.sum, c.longest = c.sum+us, max(c.longest, us)
	c.delays[min(bits.Len64(uint64(us/1000)), delayBuckets-1)]++
}

// turn empties the places of the seconds that have begun since the last time.
func (c *counts) turn(now time.Time) {
	const places = int64(len(c.handed))
	second := now.Unix()
	if second < c.second || second-c.second >= places { // the clock was set, or it was long ago
		clear(c.handed[:])
		c.second = second
	}
	for c.second < second {
		c.second++
		c.handed[c.second%places] = 0
	}
}

// rate is how many were handed over a second lately. A drain that began a moment ago is measured since then.
func (c *counts) rate(now time.Time) float64 {
	c.turn(now)
	sum, seconds := int64(0), int64(1)
	for ago := range int64(rateSeconds) {
		if n := c.handed[(c.second-ago)%int64(len(c.handed))]; n > 0 {
			sum, seconds = sum+n, ago+1
		}
	}
	return float64(sum) / float64(seconds)
}

// fill fills in what is counted.
func (c *counts) fill(n *Figures, now time.Time) {
	n.Accepted, n.Known, n.Taken, n.Retried = c.accepted.Load(), c.known.Load(), c.taken.Load(), c.retried.Load()
	n.Refused, n.Dropped, n.Removed, n.Full = c.gaveUp.Load(), c.dropped.Load(), c.removed.Load(), c.full.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	n.Rate = c.rate(now)
	n.DelayMicros, n.LongestMicros = c.sum, c.longest
	for i, count := range c.delays {
		if count > 0 {
			n.Delays = append(n.Delays, make([]int64, i+1-len(n.Delays))...)
			n.Delays[i] = count
		}
	}
}

// look asks the index for what is later and what is oldest. With very many entries that takes a while, and is not done each time.
func (c *counts) look(f *flow, now time.Time) (later int64, oldest time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.fresh) {
		return c.later, c.overdue
	}
	x, ctx := f.spool.index, f.spool.ctx
	later, err := x.later(ctx, f.name, now)
	if err == nil {
		oldest, err = x.oldest(ctx, f.name, true)
	}
	if err != nil {
		f.spool.log.Error("the spool's index cannot be read", "flow", f.name, "error", err)
		return c.later, c.overdue
	}
	if oldest.After(now) {
		oldest = time.Time{}
	}
	c.later, c.overdue = later, oldest
	if took := time.Since(now); took > slow {
		c.fresh = now.Add(goodFor * took)
	}
	return later, oldest
}
