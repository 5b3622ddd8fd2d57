package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// outcomes of deliveries by the number of their subscriber, as fate says.
func settleAs(t *testing.T, s *store.Store, fate func(n int64) notify.Fate, done bool) (told []int64) {
	t.Helper()
	parcels, err := s.Take(t.Context(), noon, noon.Add(time.Minute), notify.Email, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parcels {
		var outcomes []notify.Outcome
		for _, d := range p.Deliveries {
			told = append(told, d.To.N)
			if f := fate(d.To.N); f != "" {
				outcomes = append(outcomes, notify.Outcome{Delivery: d, Fate: f, Tries: d.Attempts + 1, At: noon, Answer: "answer", Due: noon.Add(time.Hour)})
			}
		}
		var ended []int64
		if done {
			ended = append(ended, p.ID)
		}
		if err := s.Settle(t.Context(), noon, outcomes, ended); err != nil {
			t.Fatal(err)
		}
	}
	return told
}

// tellMany saves so many subscribers and a notice for all of them.
func tellMany(t *testing.T, s *store.Store, n int) {
	t.Helper()
	all := make([]notify.Subscriber, n)
	for i := range all {
		all[i] = notify.Subscriber{ID: fmt.Sprint(i + 1), Channel: notify.Email, Address: fmt.Sprintf("s%d@example.com", i+1), State: notify.Active}
	}
	if _, err := s.AddSubscribers(t.Context(), noon, all); err != nil {
		t.Fatal(err)
	}
	if err := s.Tell(t.Context(), noon, notify.Notice{Kind: notify.Kind(status.Opened), At: noon, Audience: notify.Audience{Everyone: true}}); err != nil {
		t.Fatal(err)
	}
}

func TestFailedDeliveriesWaitAgainEachOnce(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		const all = 700
		tellMany(t, s, all)
		// Every third one fails, every seventh one is tried again later, the others are sent.
		var failed []int64
		settleAs(t, s, func(n int64) notify.Fate {
			switch {
			case n%3 == 0:
				failed = append(failed, n)
				return notify.Failed
			case n%7 == 0:
				return notify.Waiting
			}
			return notify.Sent
		}, true)
		gone := func(n *notify.Subscriber) error { n.State = notify.Quarantined; return nil }
		if err := s.ChangeSubscribers(t.Context(), noon, []string{"3"}, gone); err != nil {
			t.Fatal(err)
		}
		failed = failed[1:]
		if n, err := s.Retry(t.Context(), noon, 1); err != nil || n != int64(len(failed)) {
			t.Fatalf("got %d and %v, want %d", n, err, len(failed))
		}
		if n, err := s.Retry(t.Context(), noon, 1); err != nil || n != 0 {
			t.Errorf("the second time: got %d and %v, want none", n, err)
		}
		backlog, err := s.Backlog(t.Context())
		if waits := int64(len(failed) + all/7 - all/21); err != nil || backlog[notify.Email].Waiting != waits {
			t.Errorf("got %+v and %v, want %d in the queue", backlog, err, waits)
		}
		again := settleAs(t, s, func(int64) notify.Fate { return notify.Sent }, true)
		slices.Sort(again)
		if !slices.Equal(again, failed) {
			t.Errorf("got %d told, want the %d that had failed, each once", len(again), len(failed))
		}
		p, err := s.Progress(t.Context(), "", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		f := p[0].Fanouts[0]
		if f.Failed != 1 || f.Retrying != all/7-all/21 || f.Sent != all-1-f.Retrying || f.Waiting() != f.Retrying {
			t.Errorf("got %+v, want one that failed, and the others sent but for those that are tried again", f)
		}
	})
}

func TestWhatIsStillWorkedThroughIsNotRetried(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 10)
		settleAs(t, s, func(n int64) notify.Fate {
			if n == 5 {
				return notify.Failed
			}
			return ""
		}, false)
		if n, err := s.Retry(t.Context(), noon, 1); err != nil || n != 0 {
			t.Errorf("got %d and %v, want none: whoever takes the run again would deliver it a second time", n, err)
		}
		if _, err := s.Retry(t.Context(), noon, 2); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("got %v, want %v", err, status.ErrNotFound)
		}
	})
}

func TestASubscriberIsToldInTheTransactionOfItsChange(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 1)
		confirm := []notify.Notice{{Kind: notify.Link, At: noon, Audience: notify.Audience{Only: "1"}}}
		refused := errors.New("refused")
		for _, c := range []struct {
			id         string
			err, want  error
			asked      int
			deliveries int
		}{
			{"1", refused, refused, 0, 1},
			{"nope", nil, status.ErrNotFound, 0, 1},
			{"1", nil, nil, 1, 2},
		} {
			err := s.TellSubscriber(t.Context(), noon, c.id, func(n *notify.Subscriber) ([]notify.Notice, error) {
				n.AskedTimes++
				return confirm, c.err
			})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			is, err := s.Subscriber(t.Context(), "1")
			history, other := s.History(t.Context(), "1", 10)
			if err := errors.Join(err, other); err != nil || is.AskedTimes != c.asked || len(history) != c.deliveries {
				t.Errorf("got asked %d times, %d deliveries and %v, want %d and %d", is.AskedTimes, len(history), err, c.asked, c.deliveries)
			}
		}
	})
}
