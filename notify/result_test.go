package notify

import (
	"testing"
	"time"

	"example.org/interlude/status"
)

// tries makes attempts that all end in one way, each when it is due, and returns when they were made and the last outcome.
func tries(r Result, n *Notice) (times []time.Time, last Outcome) {
	d, now := Delivery{By: Webhook}, n.At
	for {
		times = append(times, now)
		last = r.outcome(d, n, now)
		if last.Fate != Waiting || len(times) == 100 {
			return times, last
		}
		d.Attempts, now = last.Tries, last.Due
	}
}

func TestWhatDoesNotWorkIsTriedForADayAndThenCounts(t *testing.T) {
	n := &Notice{At: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)}
	times, last := tries(Result{Verdict: Passing, Answer: "503 busy"}, n)
	after := times[len(times)-1].Sub(n.At)
	if len(times) < 15 || len(times) > 60 || after > 24*time.Hour || after < 20*time.Hour {
		t.Errorf("got %d attempts, the last after %s; want some tens, over a day", len(times), after)
	}
	s := Subscriber{State: Active}
	if last.Fate != Failed || last.Mark == nil {
		t.Fatalf("got %+v, want it failed, with consequences", last)
	}
	if last.Mark(&s); s.Strikes != 1 || s.State != Active {
		t.Errorf("got %+v, want one strike", s)
	}
}

func TestWhatWaitedLongIsTriedTenTimesAllTheSame(t *testing.T) {
	n := &Notice{At: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)}
	first := Result{Verdict: Postponed}.outcome(Delivery{}, n, n.At.Add(48*time.Hour))
	if first.Fate != Waiting || first.Tries != 0 {
		t.Errorf("got %+v, want it waiting and not charged", first)
	}
	d, now, made := Delivery{}, n.At.Add(48*time.Hour), 0
	for {
		made++
		o := Result{Verdict: Passing}.outcome(d, n, now)
		if o.Fate != Waiting {
			break
		}
		d.Attempts, now = o.Tries, o.Due
	}
	if made != leastTries {
		t.Errorf("got %d attempts, want %d", made, leastTries)
	}
}

func TestAFailureThatIsNobodysFaultIsHeldAgainstNobody(t *testing.T) {
	n := &Notice{At: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)}
	for _, v := range []Verdict{Passing, Refused} {
		if _, last := tries(Result{Verdict: v, Blameless: true}, n); last.Fate != Failed || last.Mark != nil {
			t.Errorf("got %+v, want it failed without consequences", last)
		}
	}
}

func TestWhatAnEndpointSaysIsNotSentInOurName(t *testing.T) {
	n := &Notice{}
	o := Result{Verdict: Dead, Answer: "410 Gone: your account is locked, see http://example.org"}.outcome(Delivery{By: Webhook}, n, n.At)
	s := Subscriber{State: Active, Channel: Webhook, Contact: "ops@example.com"}
	if told := o.Mark(&s); len(told) != 1 || told[0].Reason != "410 Gone" || s.Reason != o.Answer {
		t.Errorf("got %+v told and %q kept, want the code told and all of it kept", told, s.Reason)
	}
}

func TestARunningReminderIsPointlessAfterTheEnd(t *testing.T) {
	end := time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC)
	n := &Notice{Kind: Kind(status.Running), Maintenance: &status.Maintenance{Window: status.Window{Start: end.Add(-time.Hour), End: end}}}
	d := Delivery{To: Recipient{State: Active}}
	if why := n.pointless(d, end.Add(-time.Second)); why != "" {
		t.Errorf("got %q, want it told", why)
	}
	if why := n.pointless(d, end); why == "" {
		t.Error("got it told after the end, want it dropped")
	}
}
