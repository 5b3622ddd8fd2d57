package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/lease"
	"example.org/interlude/store"
)

func TestOneNodeLeadsUntilItsLeaseRunsOut(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		a := store.Leader{Store: open(t, name), Name: "clock", Node: "a"}
		b := store.Leader{Store: open(t, name), Name: "clock", Node: "b"}
		other := store.Leader{Store: b.Store, Name: "notices", Node: "b"}
		for i, step := range []struct {
			who   store.Leader
			after time.Duration
			want  bool
		}{
			{a, 0, true},
			{b, 0, false},
			{other, 0, true},
			{b, lease.TTL - time.Microsecond, false},
			{a, lease.TTL - time.Microsecond, true},
			{b, lease.TTL, false},
			{b, 2*lease.TTL - time.Microsecond, true},
			{a, 2 * lease.TTL, false},
			{b, -time.Hour, true}, // its own, whatever the clock says
			{a, -2 * time.Hour, true},
		} {
			got, err := step.who.Lead(t.Context(), noon.Add(step.after))
			if err != nil || got != step.want {
				t.Errorf("step %d, %s after %v: got %v and error %v, want %v", i, step.who.Node, step.after, got, err, step.want)
			}
		}
	})
}

func TestALeaseThatIsGivenUpIsFreeAtOnce(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		a := store.Leader{Store: open(t, name), Name: "clock", Node: "a"}
		b := store.Leader{Store: open(t, name), Name: "clock", Node: "b"}
		for i, step := range []struct {
			leave, lead store.Leader
			want        bool
		}{{b, a, true}, {b, b, false}, {a, b, true}, {a, a, false}} {
			if err := step.leave.Leave(t.Context(), noon); err != nil {
				t.Fatal(err)
			}
			if got, err := step.lead.Lead(t.Context(), noon); err != nil || got != step.want {
				t.Errorf("step %d: got %v and error %v, want %v", i, got, err, step.want)
			}
		}
	})
}

func TestOfManyWhoAskAtOnceOneLeads(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		stores := []*store.Store{open(t, name), open(t, name)}
		var leaders atomic.Int32
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				l := store.Leader{Store: stores[i%2], Name: "clock", Node: string(rune('a' + i))}
				leads, err := l.Lead(t.Context(), noon)
				if err != nil {
					t.Error(err)
				}
				if leads {
					leaders.Add(1)
				}
			})
		}
		group.Wait()
		if got := leaders.Load(); got != 1 {
			t.Errorf("got %d leaders, want 1", got)
		}
	})
}
