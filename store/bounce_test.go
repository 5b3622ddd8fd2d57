package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/notify"
	"example.org/interlude/store"
)

// strike is what came back of the first notice to a subscriber that has an id.
func strike(id string) notify.Returned {
	return notify.Returned{
		Notice: 1, Subscriber: id, Failed: true, Answer: "failed: 550 full",
		Mark: func(n *notify.Subscriber) { n.Strike(noon, "full") },
	}
}

// fateOf is how a delivery of the first notice stands, as words.
func fateOf(t *testing.T, s *store.Store, id string) string {
	t.Helper()
	all, err := s.History(t.Context(), id, 1)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %+v and error %v, want one delivery", all, err)
	}
	return fmt.Sprintf("%s: %s", all[0].Fate, all[0].Answer)
}

// fanout is how far the first notice has come.
func fanout(t *testing.T, s *store.Store) notify.Fanout {
	t.Helper()
	all, err := s.Progress(t.Context(), "", 0, 1)
	if err != nil || len(all) != 1 || len(all[0].Fanouts) != 1 {
		t.Fatalf("got %+v and error %v, want one fan-out", all, err)
	}
	return all[0].Fanouts[0]
}

func TestABounceThatComesTwiceIsOneStrike(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 3)
		settleAs(t, s, func(int64) notify.Fate { return notify.Sent }, true)
		var reports sync.WaitGroup
		for range 4 {
			reports.Go(func() {
				if err := s.Bounced(t.Context(), noon, strike("2")); err != nil {
					t.Error(err)
				}
			})
		}
		reports.Wait()
		if n, err := s.Subscriber(t.Context(), "2"); err != nil || n.Strikes != 1 || n.State != notify.Active {
			t.Errorf("got %+v and error %v, want one strike", n, err)
		}
		if got := fateOf(t, s, "2"); got != "failed: failed: 550 full" {
			t.Errorf("got %q, want that it failed, and why", got)
		}
		if got := fateOf(t, s, "1"); got != "sent: answer" {
			t.Errorf("got %q, want that others are sent", got)
		}
		want := notify.Fanout{Channel: notify.Email, Total: 3, Sent: 2, Failed: 1, Began: noon, Latest: noon}
		if diff := cmp.Diff(want, fanout(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestABounceThatIsNoFailureIsRecordedAlone(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 1)
		settleAs(t, s, func(int64) notify.Fate { return notify.Sent }, true)
		if err := s.Bounced(t.Context(), noon, notify.Returned{Notice: 1, Subscriber: "1", Answer: "delayed: 4.4.1"}); err != nil {
			t.Fatal(err)
		}
		if got := fateOf(t, s, "1"); got != "sent: delayed: 4.4.1" {
			t.Errorf("got %q, want it sent, with what was reported", got)
		}
		if got := fanout(t, s); got.Sent != 1 || got.Failed != 0 {
			t.Errorf("got %+v, want one sent", got)
		}
		if n, err := s.Subscriber(t.Context(), "1"); err != nil || n.Version != 1 {
			t.Errorf("got %+v and error %v, want it unchanged", n, err)
		}
	})
}

func TestABounceBeforeTheOutcomeIsToComeAgain(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 1)
		if err := s.Bounced(t.Context(), noon, strike("1")); !errors.Is(err, notify.ErrUnsettled) {
			t.Errorf("got %v, want %v", err, notify.ErrUnsettled)
		}
		if got := fateOf(t, s, "1"); got != "waiting: " {
			t.Errorf("got %q, want it waiting", got)
		}
		settleAs(t, s, func(int64) notify.Fate { return notify.Sent }, true)
		if err := s.Bounced(t.Context(), noon, strike("1")); err != nil {
			t.Error(err)
		}
		if got := fateOf(t, s, "1"); got != "failed: failed: 550 full" {
			t.Errorf("got %q, want that it failed", got)
		}
	})
}

func TestAComplaintAboutWhatFailedCountsAndABounceOfItDoesNot(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 1)
		settleAs(t, s, func(int64) notify.Fate { return notify.Failed }, true)
		complaint := notify.Returned{Notice: 1, Subscriber: "1", Answer: "complaint", Mark: (*notify.Subscriber).Unsubscribe}
		if err := errors.Join(s.Bounced(t.Context(), noon, strike("1")), s.Bounced(t.Context(), noon, complaint)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Subscriber(t.Context(), "1"); err != nil || n.Strikes != 0 || n.State != notify.Unsubscribed || n.Version != 2 {
			t.Errorf("got %+v and error %v, want it unsubscribed and changed once", n, err)
		}
		if got := fanout(t, s); got.Sent != 0 || got.Failed != 1 {
			t.Errorf("got %+v, want one failed", got)
		}
	})
}

func TestABounceOfWhatIsForgottenIsPassedOver(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		tellMany(t, s, 1)
		settleAs(t, s, func(int64) notify.Fate { return notify.Sent }, true)
		for _, r := range []notify.Returned{strike("nobody"), {Notice: 7, Subscriber: "1", Failed: true, Mark: (*notify.Subscriber).Unsubscribe}} {
			if err := s.Bounced(t.Context(), noon, r); err != nil {
				t.Errorf("notice %d to %s: %v", r.Notice, r.Subscriber, err)
			}
		}
		if n, err := s.Subscriber(t.Context(), "1"); err != nil || n.State != notify.Active || n.Version != 1 {
			t.Errorf("got %+v and error %v, want it unchanged", n, err)
		}
	})
}

// A bounce and a settling of the same notice lock the same rows; neither waits for the other for ever.
func TestABounceAndASettlingDoNotBlockEachOther(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		s := open(t, name)
		const all = 200
		tellMany(t, s, all)
		parcels := take(t, s, noon, all)
		settle(t, s, parcels, func(_ notify.Delivery, o *notify.Outcome) {
			if o.To.N%2 == 0 {
				o.Fate, o.Due = notify.Waiting, noon
			}
		})
		var work sync.WaitGroup
		work.Go(func() {
			for n := 1; n <= all; n += 2 {
				if err := s.Bounced(t.Context(), noon, strike(fmt.Sprint(n))); err != nil {
					t.Error(err)
				}
			}
		})
		work.Go(func() {
			for _, p := range take(t, s, noon, all) {
				settle(t, s, []notify.Parcel{p}, func(d notify.Delivery, o *notify.Outcome) {
					if d.To.N%4 == 0 {
						o.Mark = func(*notify.Subscriber) []notify.Notice { return nil }
					}
				})
			}
		})
		work.Wait()
		want := notify.Fanout{Channel: notify.Email, Total: all, Sent: all / 2, Failed: all / 2, Began: noon, Latest: noon}
		if diff := cmp.Diff(want, fanout(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

var _ notify.Ledger = (*store.Store)(nil)
