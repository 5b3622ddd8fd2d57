package spool

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// pace is how fast a flow hands over: it begins slowly, doubles each second without a failure, and gives way to a destination
// that is in trouble.
//
//	ramping ──away──► half as fast, after a pause ──away again──► one at a time, at growing intervals ──taken──► ramping
//
// It reads no clock, and is used by one goroutine at a time.
type pace struct {
	from, most float64 // a second
	rate       float64
	// allowance is how many may go, as of the last look. What is not used is saved up only for a twentieth of a second.
	allowance float64
	looked    time.Time
	// grown is when the rate last grew, and stumbled that something failed since.
	grown    time.Time
	stumbled bool

	// struck is when it was last noticed that the destination is away, strikes how often since something was taken, and failures how
	// many were not taken one after another.
	struck   time.Time
	strikes  int
	failures int
	// failing is that what came back last was not taken.
	failing bool
	until   time.Time // nobody goes before
	pauses  *backoff.ExponentialBackOff
}

const (
	// firstPause is how long a flow waits when its destination is found away for the first time: it may have been a moment.
	firstPause = time.Second
	// longestProbe is how long it takes at most to find out that a destination is back.
	longestProbe = time.Minute
	// manyFailures one after another say that the destination is at fault, and not the entries.
	manyFailures = 5
	// boundless is a rate that is no bound.
	boundless = 1e6
	// shortestNap is the shortest sleep for the next allowance.
	shortestNap = 2 * time.Millisecond
)

func newPace(f Flow) pace {
	p := pace{from: float64(f.From), most: float64(f.Rate)}
	if f.Rate == 0 {
		p.most = boundless
	}
	p.pauses = &backoff.ExponentialBackOff{
		InitialInterval: f.Again, Multiplier: 2, RandomizationFactor: 0.2, MaxInterval: max(min(f.Most, longestProbe), f.Again),
	}
	return p
}

// start begins with a destination that has just come up.
func (p *pace) start(now time.Time) {
	p.rate, p.allowance = min(p.from, p.most), 1
	p.looked, p.grown, p.stumbled = now, now, false
	p.strikes, p.failures, p.until = 0, 0, time.Time{}
	p.pauses.Reset()
}

// hurry ends a pause: somebody wants to know now.
func (p *pace) hurry() { p.until = time.Time{} }

// alone reports whether only one may be under way.
func (p *pace) alone() bool { return p.strikes > 1 }

// wait is how long nobody may go; 0 is that one may.
func (p *pace) wait(now time.Time) time.Duration {
	if left := p.until.Sub(now); left > 0 {
		p.looked, p.grown = now, now
		return left
	}
	p.grow(now)
	p.allowance += p.rate * max(now.Sub(p.looked), 0).Seconds()
	p.allowance = min(p.allowance, max(1, p.rate/20))
	p.looked = now
	if p.allowance >= 1 || p.alone() {
		return 0
	}
	return max(time.Duration(math.Ceil((1-p.allowance)/p.rate*float64(time.Second))), shortestNap)
}

// grow doubles the rate for each second that has passed without a failure.
func (p *pace) grow(now time.Time) {
	for now.Sub(p.grown) >= time.Second {
		if !p.stumbled {
			p.rate = min(2*p.rate, p.most)
		}
		p.grown, p.stumbled = p.grown.Add(time.Second), false
		if p.rate == p.most { // a long sleep is no long loop
			p.grown = now
		}
	}
}

// spend says that one goes.
func (p *pace) spend() { p.allowance-- }

// answered says that the destination is there: it took something or refused it.
func (p *pace) answered(began, now time.Time) {
	p.failures, p.failing = 0, false
	switch {
	case p.alone():
		p.start(now)
	case began.After(p.struck):
		p.strikes = 0
	}
}

// failed says that something that began then was not taken.
func (p *pace) failed(o Outcome, began, now time.Time) {
	p.stumbled, p.failing = true, true
	p.failures++
	if !o.Away && p.failures < manyFailures {
		return
	}
	p.failures = 0
	pause := o.After
	if began.After(p.struck) { // what was under way already when it was last noticed tells nothing new
		p.struck = now
		p.strikes++
		p.rate = max(p.rate/2, 1)
		if p.alone() {
			pause = max(pause, p.pauses.NextBackOff())
		} else {
			pause = max(pause, firstPause)
		}
	}
	if until := now.Add(pause); until.After(p.until) {
		p.until = until
	}
}

// again is how long an entry waits after it was not taken for the nth time.
func (f *Flow) again(n int) time.Duration {
	pause := f.Most
	if shift := max(n-1, 0); shift < 32 && f.Again<<shift < f.Most && f.Again<<shift > 0 {
		pause = f.Again << shift
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/5+1)) // those that failed together do not all come back together
}
