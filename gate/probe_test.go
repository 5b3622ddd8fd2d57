package gate

import (
	"testing"
	"time"
)

// watchTrial is a watch on a clock of its own, with the default settings of Find.
type watchTrial struct {
	*testing.T
	watch
	now time.Time
}

func newWatchTrial(t *testing.T, asks bool) *watchTrial {
	find := Find{}
	return &watchTrial{T: t, watch: watch{find: find.withDefaults(), asks: asks}, now: noon}
}

func (w *watchTrial) pass(d time.Duration) { w.now = w.now.Add(d) }

// fails has requests fail, so many milliseconds after one another, with so many answered between two of them.
func (w *watchTrial) fails(n int, every time.Duration, answeredBetween int64) (opens bool) {
	for i := range n {
		opens = w.failed(w.now, int64(i)*answeredBetween) || opens
		w.pass(every)
	}
	return opens
}

// probe makes a probe that takes a moment.
func (w *watchTrial) probe(ok bool) (opens, ends bool) {
	began := w.now
	w.pass(time.Millisecond)
	return w.probed(ok, began, w.now)
}

// goodProbes makes good probes, one each quarter of a second, until they end the interruption, and says how many that took.
func (w *watchTrial) goodProbes() int {
	w.Helper()
	for n := 1; n <= 100; n++ {
		w.pass(250 * time.Millisecond)
		if _, ends := w.probe(true); ends {
			w.end(w.now)
			return n
		}
	}
	w.Fatal("got no end after 100 good probes")
	return 0
}

func TestFailuresInAShortTimeMakeAProductAway(t *testing.T) {
	for _, c := range []struct {
		name     string
		n        int
		every    time.Duration
		answered int64
		away     bool
	}{
		{"three at once", 3, 0, 0, true},
		{"three within two seconds", 3, time.Second, 0, true},
		{"only two", 2, 0, 0, false},
		{"one each two seconds", 10, 2 * time.Second, 0, false},
		{"some, among a few that are answered", 3, 10 * time.Millisecond, 13, true},
		{"some, among very many that are answered", 100, 10 * time.Millisecond, 14, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := newWatchTrial(t, true).fails(c.n, c.every, c.answered); got != c.away {
				t.Errorf("got away: %t, want %t", got, c.away)
			}
		})
	}
}

func TestAProbeDecidesWhetherARefusedConnectionIsAnInterruption(t *testing.T) {
	for _, c := range []struct {
		name    string
		refused bool // before the probe
		ok      bool
		away    bool
	}{
		{"refused, and the probe fails", true, false, true},
		{"refused, and the probe is well", true, true, false},
		{"the probe alone", false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWatchTrial(t, true)
			if c.refused {
				w.refused = w.now
				w.pass(time.Microsecond)
			}
			opens, _ := w.probe(c.ok)
			if opens != c.away {
				t.Errorf("got away: %t, want %t", opens, c.away)
			}
			if c.ok && !w.refused.IsZero() {
				t.Error("got it still refused after a probe was well, want it forgotten")
			}
		})
	}
}

func TestTwoProbesThatFailInARowMakeAProductAway(t *testing.T) {
	w := newWatchTrial(t, false)
	for i, c := range []struct{ ok, away bool }{{false, false}, {true, false}, {false, false}, {false, true}} {
		if opens, _ := w.probe(c.ok); opens != c.away {
			t.Errorf("probe %d: got away: %t, want %t", i+1, opens, c.away)
		}
	}
}

func TestAProbeThatBeganBeforeARefusalDoesNotContradictIt(t *testing.T) {
	w := newWatchTrial(t, true)
	w.refused = w.now.Add(time.Millisecond)
	w.probed(true, w.now, w.now.Add(2*time.Millisecond))
	if w.refused.IsZero() {
		t.Error("got the refusal forgotten, want it to wait for the next probe")
	}
}

func TestAFlappingProductHasToShowMoreEachTime(t *testing.T) {
	w := newWatchTrial(t, true)
	for i, c := range []struct {
		wellFor time.Duration // before it is away again
		probes  int
	}{{0, 2}, {5 * time.Second, 4}, {5 * time.Second, 8}, {9 * time.Second, 8}, {30 * time.Second, 8}, {61 * time.Second, 2}, {time.Second, 4}} {
		w.pass(c.wellFor)
		w.open(w.now)
		if got := w.goodProbes(); got != c.probes {
			t.Errorf("time %d: got %d probes that end it, want %d", i+1, got, c.probes)
		}
	}
}

func TestAProbeThatFailsBeginsTheCountAnew(t *testing.T) {
	w := newWatchTrial(t, true)
	w.open(w.now)
	w.probe(true)
	w.probe(false)
	if got := w.goodProbes(); got != 2 {
		t.Errorf("got %d probes that end it, want 2", got)
	}
}

func TestWithoutAHealthPathTheAnswersOfTrialsEndIt(t *testing.T) {
	w := newWatchTrial(t, false)
	w.open(w.now)
	if w.tries(w.now) {
		t.Error("got a trial before any probe was well, want none")
	}
	w.probe(true)
	if !w.tries(w.now) {
		t.Error("got no trial after a probe was well, want one")
	}
	w.letGo(w.now)
	if w.tries(w.now.Add(time.Second)) {
		t.Error("got a second trial while the first is under way, want none")
	}
	if !w.tries(w.now.Add(2 * time.Second)) {
		t.Error("got no other trial after two seconds, want one")
	}
	if w.well() {
		t.Error("got the end after one trial, want two")
	}
	w.fails(1, 0, 0)
	if w.well() {
		t.Error("got the end after one that was well, one that failed and one that was well, want two in a row")
	}
	if !w.well() {
		t.Error("got no end after two trials in a row, want it")
	}
}

func TestWithNobodyToTryAConnectionHasToDo(t *testing.T) {
	w := newWatchTrial(t, false)
	w.open(w.now)
	if got := w.goodProbes(); got < 20 || got > 21 {
		t.Errorf("got the end after %d probes, want those of five seconds: 20", got)
	}
	w.open(w.now)
	w.pass(time.Second)
	w.probe(true)
	w.letGo(w.now)
	w.pass(3 * time.Second)
	w.probe(true)
	w.pass(time.Second)
	if _, ends := w.probe(true); ends {
		t.Error("got the end although somebody was tried less than five seconds ago, want none")
	}
}

func TestAnswersMeanNothingWhereProbesAsk(t *testing.T) {
	w := newWatchTrial(t, true)
	w.open(w.now)
	for range 10 {
		if w.well() {
			t.Fatal("got the end from an answer, want it from probes alone")
		}
	}
}
