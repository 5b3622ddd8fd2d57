package gate

import (
	"time"
)

// Times of finding that are not configured.
const (
	reopensSoon  = 10 * time.Second // an interruption that is found so soon after one was over says that the product flaps
	wellAgain    = time.Minute      // after which that is forgotten
	nobodyTried  = 5 * time.Second  // for so long a connection has to do, where there is nobody to try
	trialTakes   = 2 * time.Second  // after which the next is tried although one has not come back
	mostWanted   = 8                // successes that a flapping product has to show
	goodPerBad   = 9                // answers for each failure with which a product is troubled, but not away
	probesFailed = 2                // in a row, which open an interruption
)

// watch is what is known of the product of one flow inside a window: whether it is away. It is told what happens and
// when, and knows no clock, no request and no network.
//
//	well ──refused, and a probe fails──► away ──probes or trials succeed──► well
//	     ──failures in a short time───►
//	     ──two probes fail────────────►
type watch struct {
	find Find
	// asks says that probes ask the product how it is. Otherwise they tell only that a connection opens.
	asks bool

	failures []failure // while it is well: the last ones, no more than Find.Failures
	refused  time.Time // when a request could not even connect, until a probe has shown that it can
	failing  int       // probes in a row

	away    bool
	ended   time.Time // when it was last over
	again   int       // how often it came back soon after it was over
	wanted  int       // successes in a row that end it
	good    int       // probes in a row
	wells   int       // trials in a row
	calm    time.Time // since when nothing contradicts that a connection opens; zero while something does
	tried   time.Time // when the last trial was let go
	pending bool      // it has not come back
}

// failure is a request that failed, with how many had been answered by then.
type failure struct {
	at       time.Time
	answered int64
}

// failed notes a request that failed while answered had not, and reports whether that makes the product away.
//
// A busy flow has some failures in any two seconds. So it is away only if it has hardly answered anybody meanwhile.
func (w *watch) failed(now time.Time, answered int64) bool {
	if w.away {
		w.contradict()
		return false
	}
	w.failures = append(w.failures, failure{now, answered})
	if len(w.failures) > w.find.Failures {
		w.failures = w.failures[1:]
	}
	first := w.failures[0]
	return len(w.failures) == w.find.Failures && now.Sub(first.at) <= w.find.Within &&
		answered-first.answered <= goodPerBad*int64(w.find.Failures)
}

// well notes a request that was answered well, and reports whether that ends it.
func (w *watch) well() bool {
	if !w.away || w.asks {
		return false
	}
	w.pending = false
	w.wells++
	return w.wells >= w.wanted
}

// contradict notes that the product is not back, whatever connections say.
func (w *watch) contradict() {
	w.wells, w.pending, w.calm = 0, false, time.Time{}
}

// probed notes a probe, which began at a moment and ended at another, and reports whether it makes the product away or ends that.
func (w *watch) probed(ok bool, began, now time.Time) (opens, ends bool) {
	if !ok {
		w.failing, w.good = w.failing+1, 0
		w.contradict()
		return !w.away && (w.failing >= probesFailed || !w.refused.IsZero()), false
	}
	w.failing, w.good = 0, w.good+1
	if !began.Before(w.refused) {
		w.refused = time.Time{}
	}
	if w.calm.IsZero() {
		w.calm = now
	}
	if !w.away || w.good < w.wanted {
		return false, false
	}
	return false, w.asks || now.Sub(later(w.calm, w.tried)) >= nobodyTried
}

// tries reports whether somebody who waits may be let go, to see whether the product is back.
func (w *watch) tries(now time.Time) bool {
	return w.away && !w.asks && w.good > 0 && (!w.pending || now.Sub(w.tried) >= trialTakes)
}

// letGo notes that somebody was.
func (w *watch) letGo(now time.Time) { w.tried, w.pending = now, true }

// open notes that it is away. Each time that it comes back soon, more has to speak for it afterwards.
func (w *watch) open(now time.Time) {
	since := now.Sub(w.ended)
	switch {
	case w.ended.IsZero() || since >= wellAgain:
		w.again = 0
	case since <= reopensSoon:
		w.again++
	}
	w.away, w.good, w.failures, w.refused = true, 0, nil, time.Time{}
	w.wanted = max(w.find.Successes, min(mostWanted, w.find.Successes<<min(w.again, 3)))
	w.contradict()
	w.tried = time.Time{}
}

// end notes that it is over.
func (w *watch) end(now time.Time) {
	w.away, w.ended, w.refused, w.failing = false, now, time.Time{}, 0
}

// excuse forgets failures that have a known cause.
func (w *watch) excuse() { w.failures, w.refused = nil, time.Time{} }
