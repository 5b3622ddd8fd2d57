package spool

import (
	"testing"
	"time"
)

// drive lets a pace run for a while, as fast as it may, and counts how many go in each second.
func drive(p *pace, from time.Time, seconds int) []int {
	counts := make([]int, seconds)
	end := from.Add(time.Duration(seconds) * time.Second)
	for now := from; now.Before(end); {
		if pause := p.wait(now); pause > 0 {
			now = now.Add(pause)
			continue
		}
		p.spend()
		counts[now.Sub(from)/time.Second]++
	}
	return counts
}

func TestPaceDoublesEachSecondUpToTheRate(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 50, Rate: 300, Again: time.Second, Most: time.Minute})
	p.start(now)
	for i, got := range drive(&p, now, 6) {
		want := []int{50, 100, 200, 300, 300, 300}[i]
		if got < want*9/10 || got > want*11/10+1 {
			t.Errorf("second %d: got %d, want about %d", i, got, want)
		}
	}
}

func TestPaceDoesNotDoubleAfterAFailure(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 50, Again: time.Second, Most: time.Minute})
	p.start(now)
	p.failed(Outcome{}, now, now)
	if got := drive(&p, now, 2); got[1] > 60 {
		t.Errorf("got %v, want no more in the second second", got)
	}
}

func TestPaceSavesNothingUp(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 50, Rate: 50, Again: time.Second, Most: time.Minute})
	p.start(now)
	p.wait(now)
	if got := drive(&p, now.Add(time.Hour), 1); got[0] > 55 {
		t.Errorf("after an idle hour: got %d in a second, want about 50", got[0])
	}
}

func TestPaceGivesWayToADestinationThatIsAway(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 100, Again: 5 * time.Second, Most: 15 * time.Minute})
	p.start(now)
	fail := func() time.Duration {
		began := now
		now = now.Add(time.Millisecond)
		p.failed(Outcome{Away: true}, began, now)
		p.failed(Outcome{Away: true}, began, now) // one that was under way at the same time
		return p.until.Sub(now)
	}
	if got := fail(); got != firstPause || p.alone() || p.rate != 50 {
		t.Errorf("first: got a pause of %v, %v a second, alone %t; want %v, 50, not alone", got, p.rate, p.alone(), firstPause)
	}
	var last time.Duration
	for i, seconds := range []int{5, 10, 20, 40, 60, 60} {
		now = p.until.Add(time.Millisecond)
		want := time.Duration(seconds) * time.Second
		if last = fail(); last < want*7/10 || last > want*13/10 || !p.alone() {
			t.Errorf("probe %d: got a pause of %v, alone %t, want about %v, alone", i, last, p.alone(), want)
		}
	}
	now = p.until.Add(time.Millisecond)
	if pause := p.wait(now); pause != 0 {
		t.Errorf("got %v to wait, want a probe now", pause)
	}
	p.answered(now, now)
	if p.alone() || p.rate != 100 {
		t.Errorf("taken: got alone %t, %v a second, want the ramp anew", p.alone(), p.rate)
	}
}

func TestPaceHonoursWhatTheDestinationAsksFor(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 100, Again: time.Second, Most: time.Minute})
	p.start(now)
	p.failed(Outcome{Away: true, After: 7 * time.Minute}, now, now)
	if got := p.wait(now.Add(time.Minute)); got != 6*time.Minute {
		t.Errorf("after a minute of seven: got %v to wait, want 6m", got)
	}
}

func TestManyFailuresInARowSayThatTheDestinationIsAway(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 100, Again: time.Second, Most: time.Minute})
	p.start(now)
	for range manyFailures {
		if p.wait(now) != 0 {
			t.Fatal("it waits too early")
		}
		p.failed(Outcome{}, now, now)
	}
	if got := p.wait(now); got != firstPause {
		t.Errorf("got %v to wait, want %v", got, firstPause)
	}
}

func TestPaceIsFailingUntilSomethingIsAnswered(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := newPace(Flow{From: 100, Again: time.Second, Most: time.Minute})
	p.start(now)
	for i, away := range []bool{false, true} {
		if p.failing {
			t.Errorf("round %d: it is failing although nothing failed since the last answer", i)
		}
		p.failed(Outcome{Away: away}, now, now)
		if !p.failing {
			t.Errorf("round %d: it is not failing although the last one was not taken", i)
		}
		p.answered(now, now)
	}
}

func TestAnEntryWaitsTwiceAsLongEachTime(t *testing.T) {
	f := Flow{Again: 5 * time.Second, Most: time.Minute}
	for n, seconds := range map[int]int{1: 5, 2: 10, 3: 20, 4: 40, 5: 60, 6: 60, 1000: 60} {
		want := time.Duration(seconds) * time.Second
		if got := f.again(n); got < want*8/10 || got > want {
			t.Errorf("after failure %d: got %v, want %v or up to a fifth less", n, got, want)
		}
	}
}
