package gate

import (
	"math/bits"
	"sync/atomic"
	"time"

	"example.org/interlude/api"
)

// outcome is what became of a request.
type outcome int8

const (
	wasPassed outcome = iota
	wasHeld
	wasStale
	wasQueued
	wasRejected
	wasFailed
	wasGone
	wasBypassed
	outcomes
)

// String is the word of [api.Counts].
func (o outcome) String() string {
	return [...]string{"passed", "held", "stale", "queued", "rejected", "failed", "gone", "bypassed"}[o]
}

// counters count what became of requests, by many at once.
type counters struct {
	by                        [outcomes]atomic.Int64
	evicted, expired, retried atomic.Int64
	wait, took                durations
	// would are what a dry run would have done, by the step that would have settled it.
	wouldHold, wouldStale, wouldQueue, wouldReject atomic.Int64
}

// durations sum up lengths of time.
type durations struct {
	sum, longest atomic.Int64 // microseconds
	by           [api.WaitBuckets]atomic.Int64
}

func (d *durations) add(took time.Duration) {
	us := took.Microseconds()
	d.sum.Add(us)
	for was := d.longest.Load(); us > was && !d.longest.CompareAndSwap(was, us); was = d.longest.Load() {
	}
	d.by[min(bits.Len64(uint64(max(took.Milliseconds(), 0))), api.WaitBuckets-1)].Add(1)
}

// counts are the numbers by bucket, without the empty ones at the end.
func (d *durations) counts() []int64 {
	var all []int64
	for i := range d.by {
		if n := d.by[i].Load(); n > 0 {
			all = append(all, make([]int64, i+1-len(all))...)
			all[i] = n
		}
	}
	return all
}

// snapshot reads the counters. Requests is the sum of what was read, so that the parts always add up.
func (c *counters) snapshot() api.Counts {
	n := api.Counts{
		Passed: c.by[wasPassed].Load(), Held: c.by[wasHeld].Load(), Stale: c.by[wasStale].Load(),
		Queued: c.by[wasQueued].Load(), Rejected: c.by[wasRejected].Load(), Failed: c.by[wasFailed].Load(), Gone: c.by[wasGone].Load(),
		Bypassed: c.by[wasBypassed].Load(), Evicted: c.evicted.Load(), Expired: c.expired.Load(), Retried: c.retried.Load(),
		WaitMicros: c.wait.sum.Load(), LongestMicros: c.wait.longest.Load(), Waits: c.wait.counts(),
		TookMicros: c.took.sum.Load(), Took: c.took.counts(),
	}
	n.Requests = n.Passed + n.Held + n.Stale + n.Queued + n.Rejected + n.Failed + n.Gone + n.Bypassed
	return n
}
