package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// subscribe saves active subscribers, written as "channel address[ what they chose]": components and groups by id, or
// event=ID.
func subscribe(tb testing.TB, s *store.Store, all ...string) {
	tb.Helper()
	for i, text := range all {
		parts := strings.Fields(text)
		n := notify.Subscriber{
			ID: fmt.Sprintf("sub%09d", i), Channel: notify.Channel(parts[0]), Address: parts[1], State: notify.Active, Created: noon,
		}
		for _, chose := range parts[2:] {
			if event, ok := strings.CutPrefix(chose, "event="); ok {
				n.Event = event
			} else if strings.HasPrefix(chose, "group") {
				n.Groups = append(n.Groups, chose)
			} else {
				n.Components = append(n.Components, chose)
			}
		}
		if err := s.AddSubscriber(tb.Context(), noon, n); err != nil {
			tb.Fatal(err)
		}
	}
}

// told lists who a notice is waiting for, by what.
func told(tb testing.TB, s *store.Store, notice int64) []string {
	tb.Helper()
	all, err := s.Deliveries(tb.Context(), notice, "", 0, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	var who []string
	for _, d := range all {
		who = append(who, fmt.Sprintf("%s %s %s", d.Channel, d.Address, d.Fate))
	}
	return who
}

// planned puts a page with two components, one of them in a group, and a maintenance that affects some, announced.
func planned(affects ...string) func(*status.Book) {
	return func(b *status.Book) {
		n := 0
		b.NewID = func() string { n++; return fmt.Sprintf("made%d", n) }
		b.PutPage(status.Page{ID: "page", Name: "Northwind"})
		b.PutGroup(status.Group{ID: "group", Name: "Messenger"})
		b.PutComponent(status.Component{ID: "web", Name: "Web", GroupID: "group", Condition: status.Operational})
		b.PutComponent(status.Component{ID: "api", Name: "APIs", Position: 1, Condition: status.Operational})
		m := status.Maintenance{
			ID: "m", Title: "Database", State: status.Scheduled, Affects: affects, Window: status.Window{Start: noon.Add(time.Hour), End: noon.Add(2 * time.Hour)},
			Updates: []status.Update{{State: status.Scheduled, Event: status.Announced, At: noon, Body: "Soon"}}, Created: noon,
		}
		b.PutMaintenance(m)
		b.Say(status.Event{Kind: status.Announced, Subject: m.Subject(), At: noon, Told: true})
	}
}

func TestThoseAreToldWhomItConcerns(t *testing.T) {
	everybody := []string{
		"email all@example.com", "email web@example.com web", "email group@example.com group", "email api@example.com api",
		"webhook https://example.com/hook", "email this@example.com event=m", "email other@example.com event=x",
		"email all@example.com event=m",
	}
	for _, c := range []struct {
		name    string
		affects []string
		want    []string
	}{
		{"a component in a group", []string{"web"}, []string{"email all", "email web", "email group", "webhook https://example.com/hook", "email this"}},
		{"another component", []string{"api"}, []string{"email all", "email api", "webhook https://example.com/hook", "email this"}},
		{"no component", nil, []string{"email all", "email web", "email group", "email api", "webhook https://example.com/hook", "email this"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, allEngines, func(t *testing.T, name string) {
				s := open(t, name)
				subscribe(t, s, everybody...)
				change(t, s, planned(c.affects...))
				var want []string
				for _, who := range c.want {
					if strings.HasPrefix(who, "email") {
						who += "@example.com"
					}
					want = append(want, who+" waiting")
				}
				if diff := cmp.Diff(want, told(t, s, 1)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestNobodyIsToldWhoDidNotConfirmOrLeft(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email a@example.com", "email b@example.com", "email c@example.com", "email d@example.com")
		for i, state := range []notify.State{notify.Unconfirmed, notify.Quarantined, notify.Unsubscribed} {
			if err := s.ChangeSubscribers(t.Context(), noon, []string{fmt.Sprintf("sub%09d", i)}, func(n *notify.Subscriber) error {
				n.State = state
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		change(t, s, planned())
		if diff := cmp.Diff([]string{"email d@example.com waiting"}, told(t, s, 1)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAChangeThatFailsTellsNobody(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email a@example.com")
		refused := &status.Invalid{Field: "x", Rule: "no"}
		err := s.Change(t.Context(), noon, nil, func(b *status.Book) error {
			planned()(b)
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("got %v, want the refusal", err)
		}
		if got, err := s.Progress(t.Context(), "", 0, 10); err != nil || len(got) != 0 {
			t.Errorf("got %v and error %v, want nothing told", got, err)
		}
	})
}

// take takes all that is due at noon and a bit, as one node.
func take(tb testing.TB, s *store.Store, now time.Time, most int) []notify.Parcel {
	tb.Helper()
	parcels, err := s.Take(tb.Context(), now, now.Add(time.Minute), notify.Email, most)
	if err != nil {
		tb.Fatal(err)
	}
	return parcels
}

func TestWhatIsTakenIsDueAgainOnlyWhenItsLeaseHasRunOut(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		crowd(t, s, 600)
		change(t, s, planned())
		first, second := take(t, s, noon, 300), take(t, s, noon, 300)
		if count(first) != 500 || count(second) != 100 {
			t.Fatalf("got %d and %d deliveries, want 500 and 100", count(first), count(second))
		}
		if again := take(t, s, noon.Add(59*time.Second), 1000); count(again) != 0 {
			t.Errorf("got %d deliveries while they are taken, want none", count(again))
		}
		if err := s.Hold(t.Context(), []int64{first[0].ID}, noon.Add(2*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if again := take(t, s, noon.Add(61*time.Second), 1000); count(again) != 350 {
			t.Errorf("got %d deliveries after the lease, want 350: all but the parcel that is held", count(again))
		}
	})
}

func count(parcels []notify.Parcel) (n int) {
	for _, p := range parcels {
		n += len(p.Deliveries)
	}
	return n
}

// settle records one outcome for each delivery, by subscriber's address.
func settle(tb testing.TB, s *store.Store, parcels []notify.Parcel, f func(d notify.Delivery, o *notify.Outcome)) {
	tb.Helper()
	var outcomes []notify.Outcome
	var done []int64
	for _, p := range parcels {
		done = append(done, p.ID)
		for _, d := range p.Deliveries {
			o := notify.Outcome{Delivery: d, Fate: notify.Sent, Tries: d.Attempts + 1, At: noon, Answer: "250 Ok"}
			f(d, &o)
			outcomes = append(outcomes, o)
		}
	}
	if err := s.Settle(tb.Context(), noon, outcomes, done); err != nil {
		tb.Fatal(err)
	}
}

func TestEachDeliveryComesToWhatItCameTo(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email sent@example.com", "email busy@example.com", "email dead@example.com", "email left@example.com")
		change(t, s, planned())
		later := noon.Add(time.Minute)
		settle(t, s, take(t, s, noon, 100), func(d notify.Delivery, o *notify.Outcome) {
			switch d.To.Address {
			case "busy@example.com":
				o.Fate, o.Due, o.Answer = notify.Waiting, later, "451 \x00later"
			case "dead@example.com":
				o.Fate, o.Mark = notify.Failed, func(n *notify.Subscriber) []notify.Notice {
					n.Quarantine(noon, "550 nobody here")
					return []notify.Notice{{Kind: notify.Stopped, At: noon, Audience: notify.Audience{Only: n.ID, Channel: notify.Email}}}
				}
			case "left@example.com":
				o.Fate = notify.Dropped
			}
		})
		progress, err := s.Progress(t.Context(), "m", 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		want := []notify.Progress{{
			Notice: 1, Kind: "announced", Subject: status.Subject{Kind: status.KindMaintenance, ID: "m"}, Title: "Database", At: noon,
			Fanouts: []notify.Fanout{{Channel: notify.Email, Total: 4, Sent: 1, Failed: 1, Dropped: 1, Retrying: 1, Began: noon, Latest: noon}},
		}}
		if diff := cmp.Diff(want, progress); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
		dead, err := s.Subscriber(t.Context(), "sub000000002")
		if err != nil || dead.State != notify.Quarantined || dead.Reason != "550 nobody here" {
			t.Errorf("got %+v and error %v, want it in quarantine", dead, err)
		}
		if got := told(t, s, 2); !slices.Equal(got, []string{"email dead@example.com waiting"}) {
			t.Errorf("got %v, want that its end is told", got)
		}
		history, err := s.History(t.Context(), "sub000000001", 10)
		if err != nil || len(history) != 1 || history[0].Answer != "451 later" || !history[0].Due.Equal(later) || history[0].Attempts != 1 {
			t.Errorf("got %+v and error %v, want one attempt and the next one at %s", history, err, later)
		}
		settle(t, s, take(t, s, later, 100), func(_ notify.Delivery, o *notify.Outcome) { o.At = later })
		if progress, err = s.Progress(t.Context(), "m", 0, 10); err != nil || progress[0].Fanouts[0].Sent != 2 || progress[0].Fanouts[0].Retrying != 0 {
			t.Errorf("got %+v and error %v, want two sent and none retrying", progress, err)
		}
	})
}

func TestSettlingTwiceCountsOnce(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		crowd(t, s, 10)
		change(t, s, planned())
		parcels := take(t, s, noon, 100)
		for range 2 {
			settle(t, s, parcels, func(notify.Delivery, *notify.Outcome) {})
		}
		progress, err := s.Progress(t.Context(), "", 0, 10)
		if err != nil || progress[0].Fanouts[0].Sent != 10 || progress[0].Fanouts[0].Waiting() != 0 {
			t.Errorf("got %+v and error %v, want 10 sent", progress, err)
		}
	})
}

func TestAReminderThatACancellationOvertakesIsNotSent(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email a@example.com", "email b@example.com")
		change(t, s, planned())
		about := status.Subject{Kind: status.KindMaintenance, ID: "m"}
		change(t, s, func(b *status.Book) { b.Say(status.Event{Kind: status.Reminded, Subject: about, At: noon, Told: true}) })
		under := take(t, s, noon, 100) // both notices
		change(t, s, func(b *status.Book) {
			m, _ := b.Maintenance("m")
			m.State = status.Canceled
			b.PutMaintenance(m)
			b.Say(status.Event{Kind: status.CalledOff, Subject: about, At: noon}) // quietly
		})
		if got := told(t, s, 2); !slices.Equal(got, []string{"email a@example.com dropped", "email b@example.com dropped"}) {
			t.Errorf("got %v, want the reminder dropped", got)
		}
		if got := told(t, s, 1); !slices.Equal(got, []string{"email a@example.com waiting", "email b@example.com waiting"}) {
			t.Errorf("got %v, want the announcement waiting", got)
		}
		// One of the reminders was on its way already.
		i := slices.IndexFunc(under, func(p notify.Parcel) bool { return p.Notice == 2 })
		under[i].Deliveries = under[i].Deliveries[:1]
		settle(t, s, under[i:i+1], func(notify.Delivery, *notify.Outcome) {})
		progress, err := s.Progress(t.Context(), "", 0, 1)
		if err != nil || progress[0].Fanouts[0].Sent != 1 || progress[0].Fanouts[0].Dropped != 1 {
			t.Errorf("got %+v and error %v, want one sent and one dropped", progress, err)
		}
	})
}

func TestNodesDoNotTakeTheSame(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		s := open(t, name)
		crowd(t, s, 2000)
		change(t, s, planned())
		results := make(chan []notify.Parcel)
		for range 4 {
			go func() {
				other, err := store.Open(t.Context(), name)
				if err != nil {
					t.Error(err)
					results <- nil
					return
				}
				defer other.Close()
				var all []notify.Parcel
				for {
					parcels, err := other.Take(t.Context(), noon, noon.Add(time.Minute), notify.Email, 250)
					if err != nil {
						t.Error(err)
					}
					if len(parcels) == 0 {
						break
					}
					all = append(all, parcels...)
				}
				results <- all
			}()
		}
		seen := make(map[int64]int)
		for range 4 {
			for _, p := range <-results {
				for _, d := range p.Deliveries {
					seen[d.To.N]++
				}
			}
		}
		// A node that finds every due parcel being taken by others leaves; what it left is there for the next look.
		for _, p := range take(t, s, noon, 5000) {
			for _, d := range p.Deliveries {
				seen[d.To.N]++
			}
		}
		for n, times := range seen {
			if times != 1 {
				t.Errorf("subscriber %d was taken %d times, want once", n, times)
			}
		}
		if len(seen) != 2000 {
			t.Errorf("got %d subscribers, want 2000", len(seen))
		}
	})
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email a@example.com web", "email new@example.com web")
		if err := s.ChangeSubscribers(t.Context(), noon, []string{"sub000000001"}, func(n *notify.Subscriber) error {
			n.State = notify.Unconfirmed
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		change(t, s, planned())
		if err := s.Tell(t.Context(), noon, notify.Notice{Kind: notify.Link, At: noon, Audience: notify.Audience{Only: "sub000000000"}}); err != nil {
			t.Fatal(err)
		}
		for more, rounds := true, 0; more; rounds++ {
			var err error
			if more, err = s.Forget(t.Context(), noon.Add(91*24*time.Hour)); err != nil || rounds > 10 {
				t.Fatalf("got error %v after %d rounds", err, rounds)
			}
		}
		var left []string
		for _, table := range []string{"notice", "delivery", "subscriber", "choice"} {
			left = append(left, store.Read(t, s, `SELECT CAST(COUNT(*) AS TEXT) FROM `+table)...)
		}
		if diff := cmp.Diff([]string{"1", "1", "1", "1"}, left); diff != "" {
			t.Errorf("notices, deliveries, subscribers, choices (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsTriedAgainIsNotTakenTwiceWhenItsFirstParcelIsTakenAgain(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		crowd(t, s, 3)
		change(t, s, planned())
		parcels := take(t, s, noon, 100)
		d := parcels[0].Deliveries[0]
		again := notify.Outcome{Delivery: d, Fate: notify.Waiting, Tries: 1, At: noon, Due: noon.Add(time.Hour)}
		if err := s.Settle(t.Context(), noon, []notify.Outcome{again}, nil); err != nil { // and then the node dies
			t.Fatal(err)
		}
		if got := count(take(t, s, noon.Add(2*time.Minute), 100)); got != 2 {
			t.Errorf("got %d deliveries when the lease has run out, want the 2 that were not settled", got)
		}
		if got := count(take(t, s, noon.Add(time.Hour), 1)); got < 1 {
			t.Errorf("got %d deliveries when it is due, want it", got)
		}
	})
}

// TestAnOutcomeThatIsRecordedTwiceCountsOnce records the same outcomes again, as happens when a connection breaks during the
// commit, so that nobody knows whether it was made.
func TestAnOutcomeThatIsRecordedTwiceCountsOnce(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email sent@example.com", "email busy@example.com", "email full@example.com", "email slow@example.com")
		change(t, s, planned())
		parcels, later := take(t, s, noon, 100), noon.Add(time.Hour)
		strikes := 0
		for range 2 {
			settle(t, s, parcels, func(d notify.Delivery, o *notify.Outcome) {
				switch d.To.Address {
				case "busy@example.com":
					o.Fate, o.Due = notify.Waiting, later
				case "full@example.com":
					o.Fate, o.Mark = notify.Failed, func(*notify.Subscriber) []notify.Notice { strikes++; return nil }
				case "slow@example.com":
					o.Fate, o.Due, o.Tries = notify.Waiting, later, 0
				}
			})
		}
		progress, err := s.Progress(t.Context(), "m", 0, 1)
		want := notify.Fanout{Channel: notify.Email, Total: 4, Sent: 1, Failed: 1, Retrying: 1, Began: noon, Latest: noon}
		if diff := cmp.Diff(want, progress[0].Fanouts[0]); err != nil || diff != "" || strikes != 1 {
			t.Errorf("got %d strikes and error %v, want one; progress (-want +got):\n%s", strikes, err, diff)
		}
		again := take(t, s, later, 100)
		if count(again) != 2 {
			t.Errorf("got %d deliveries when they are due again, want 2", count(again))
		}
		settle(t, s, again, func(notify.Delivery, *notify.Outcome) {})
		if left, err := s.Backlog(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("got %v in the queue and error %v, want nothing", left, err)
		}
		if got := told(t, s, 1); strings.Contains(strings.Join(got, " "), "waiting") {
			t.Errorf("got %v, want nothing waiting", got)
		}
	})
}

func TestAnAttemptOfSomebodyWhoHadLostTheParcelIsOldNewsUnlessItSucceeded(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		subscribe(t, s, "email a@example.com", "email b@example.com")
		change(t, s, planned())
		stale := take(t, s, noon, 100)
		fresh := take(t, s, noon.Add(2*time.Minute), 100) // the lease had run out
		later := noon.Add(time.Hour)
		settle(t, s, fresh, func(_ notify.Delivery, o *notify.Outcome) { o.Fate, o.Due = notify.Waiting, later })
		settle(t, s, stale, func(d notify.Delivery, o *notify.Outcome) {
			if d.To.Address == "a@example.com" {
				o.Fate = notify.Failed
			}
		})
		want := []string{"email a@example.com waiting", "email b@example.com sent"}
		if diff := cmp.Diff(want, told(t, s, 1)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := take(t, s, later, 100); count(got) != 1 {
			t.Errorf("got %d deliveries when they are due again, want 1", count(got))
		}
	})
}
