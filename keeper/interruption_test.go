package keeper_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
)

func TestAnInterruptionThatNobodyEndsIsEndedOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		k := newKeeper(s, lease.Alone{})
		planned(t, k)
		running(t, func() {
			<-time.After(2*time.Hour + 10*time.Minute)
			draft := status.InterruptionDraft{Flows: []string{"app"}}
			if _, _, err := k.Interrupt(t.Context(), "db", draft, operator); err != nil {
				t.Error(err)
			}
			m, second, err := k.Interrupt(t.Context(), "db", draft, operator)
			if err != nil || len(m.Interruptions) != 2 || second.ID == m.Interruptions[0].ID || second.By != operator.By {
				t.Errorf("got %+v and %v, want two of them, with ids of their own", m.Interruptions, err)
			}
			<-time.After(4 * time.Minute)
			if _, longer, err := k.ExtendInterruption(t.Context(), "db", second.ID, status.Duration(3*time.Minute), 0, operator); err != nil || longer.Lapses.Sub(second.Opened) != 7*time.Minute {
				t.Errorf("got it lapsing %s after it opened, and %v; want 7m", longer.Lapses.Sub(second.Opened), err)
			}
			if _, err := k.Complete(t.Context(), "db", status.Post{}, operator); err == nil {
				t.Error("got no error for completing during an interruption, want one")
			}
			<-time.After(10 * time.Minute)
			if _, err := k.Complete(t.Context(), "db", status.Post{}, operator); err != nil {
				t.Error(err)
			}
		}, k)
		want := "00:00 announced, 01:00 reminded, 02:00 begun, 02:10 interruption_opened, 02:10 interruption_opened, " +
			"02:14 interruption_extended, 02:15 interruption_closed, 02:17 interruption_closed, 02:24 completed"
		if got := s.story(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

func TestAnInterruptionIsEndedOnceAndOnlyOfWhatWasSeen(t *testing.T) {
	s := &shelf{}
	k := newKeeper(s, lease.Alone{})
	planned(t, k)
	if _, _, err := k.Interrupt(t.Context(), "none", status.InterruptionDraft{}, operator); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %v for a maintenance that is not there, want %v", err, status.ErrNotFound)
	}
	if _, err := k.Begin(t.Context(), "db", status.Post{}, operator); err != nil {
		t.Fatal(err)
	}
	m, i, err := k.Interrupt(t.Context(), "db", status.InterruptionDraft{Flows: []string{"app"}}, operator)
	if err != nil {
		t.Fatal(err)
	}
	stale := keeper.Request{By: operator.By, Version: m.Version - 1}
	if _, _, err := k.EndInterruption(t.Context(), "db", i.ID, stale); !errors.Is(err, status.ErrConflict) {
		t.Errorf("got %v for a version that is gone, want %v", err, status.ErrConflict)
	}
	if _, _, err := k.EndInterruption(t.Context(), "db", "none", operator); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %v for an interruption that is not there, want %v", err, status.ErrNotFound)
	}
	first, ended, err := k.EndInterruption(t.Context(), "db", i.ID, operator)
	if err != nil || ended.Open() || first.Version != m.Version+1 {
		t.Errorf("got %+v and %v, want it ended", ended, err)
	}
	second, again, err := k.EndInterruption(t.Context(), "db", i.ID, operator)
	if err != nil || !again.Closed.Equal(ended.Closed) || second.Version != first.Version {
		t.Errorf("got %+v of version %d and %v, want nothing changed", again, second.Version, err)
	}
}
