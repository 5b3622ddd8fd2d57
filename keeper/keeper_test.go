package keeper_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
)

// shelf is a store in memory: one writer at a time, nothing kept on an error. The real stores stand in its place in
// the tests of package store and of the command.
type shelf struct {
	mu     sync.Mutex
	book   status.Book
	events []status.Event
	away   atomic.Bool
}

func (s *shelf) Change(_ context.Context, _ time.Time, _ []string, f func(*status.Book) error) error {
	if s.away.Load() {
		return errors.New("the store is away")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.book
	next.Groups, next.Components = append([]status.Group{}, s.book.Groups...), append([]status.Component{}, s.book.Components...)
	next.Maintenances, next.Incidents = append([]status.Maintenance{}, s.book.Maintenances...), append([]status.Incident{}, s.book.Incidents...)
	next.Series = append([]status.Series{}, s.book.Series...)
	if err := f(&next); err != nil {
		return err
	}
	s.events = append(s.events, next.Written.Events...)
	next.Written = status.Written{}
	s.book = next
	return nil
}

func (s *shelf) story() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []string
	for _, e := range s.events {
		if e.Subject.Kind == status.KindMaintenance {
			kinds = append(kinds, e.At.Format("15:04")+" "+string(e.Kind))
		}
	}
	return strings.Join(kinds, ", ")
}

var operator = keeper.Request{By: status.Actor{Kind: status.Person, Name: "Night shift"}}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newKeeper(s *shelf, leader keeper.Leader) *keeper.Keeper {
	return keeper.New(s, clock.System{}, leader, quiet(), nil)
}

// planned applies a page and a maintenance that starts in two hours, with an overrun every half hour.
func planned(t *testing.T, k *keeper.Keeper) time.Time {
	t.Helper()
	start := time.Now().UTC().Add(2 * time.Hour)
	_, err := k.Apply(t.Context(), []status.Document{
		{Page: &status.PageDocument{Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "App"}}}},
		{Maintenance: &status.MaintenanceDocument{
			Key: "db", Title: "Database", Window: status.Window{Start: start, End: start.Add(time.Hour)}, Affects: []string{"App"},
			Reminders: []status.Duration{status.Duration(time.Hour)},
		}},
	}, false, operator)
	if err != nil {
		t.Fatal(err)
	}
	return start
}

// running runs keepers until the test has looked at what they did.
func running(t *testing.T, look func(), keepers ...*keeper.Keeper) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, k := range keepers {
		all.Go(func() {
			if err := k.Run(ctx); err != nil {
				t.Errorf("got %v from Run, want none", err)
			}
		})
	}
	look()
	stop()
	all.Wait()
}

func TestTwoHoursOfMaintenanceHappenOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		k := newKeeper(s, lease.Alone{})
		planned(t, k)
		running(t, func() {
			<-time.After(3*time.Hour + 14*time.Minute)
			if _, err := k.Complete(t.Context(), "db", status.Post{}, operator); err != nil {
				t.Error(err)
			}
			<-time.After(2 * time.Hour)
		}, k)
		// A bubble's clock begins at midnight: announced at once, reminded after one hour, begun after two.
		want := "00:00 announced, 01:00 reminded, 02:00 begun, 03:00 overran, 03:14 completed"
		if got := s.story(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

func TestAStoreThatWasAwayIsCaughtUpWithInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		k := newKeeper(s, lease.Alone{})
		planned(t, k)
		running(t, func() {
			<-time.After(90 * time.Minute)
			s.away.Store(true)
			<-time.After(100 * time.Minute)
			s.away.Store(false)
			<-time.After(5 * time.Second)
		}, k)
		want := "00:00 announced, 01:00 reminded, 03:10 begun, 03:10 overran"
		if got := s.story(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

// rivals share a lease as two nodes would.
type rivals struct {
	mu   sync.Mutex
	term lease.Term
}

type node struct {
	*rivals
	name string
	dead atomic.Bool
}

func (n *node) Lead(_ context.Context, now time.Time) (bool, error) {
	if n.dead.Load() {
		return false, errors.New("cut off")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	term, held := n.term.Take(n.name, now, lease.TTL)
	n.term = term
	return held, nil
}

func (n *node) Leave(context.Context, time.Time) error { return nil }

func TestTwoNodesDoEachThingOnceAndTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, shared := &shelf{}, &rivals{}
		one, two := &node{rivals: shared, name: "one"}, &node{rivals: shared, name: "two"}
		first, second := newKeeper(s, one), newKeeper(s, two)
		planned(t, first)
		running(t, func() {
			<-time.After(2*time.Hour - time.Minute)
			one.dead.Store(true)
			<-time.After(62 * time.Minute)
			if got := shared.term.Holder; got != "two" {
				t.Errorf("got %q leading, want the node that lives", got)
			}
		}, first, second)
		want := "00:00 announced, 01:00 reminded, 02:00 begun, 03:00 overran"
		if got := s.story(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

func TestRefusalsChangeNothing(t *testing.T) {
	s := &shelf{}
	k := newKeeper(s, lease.Alone{})
	planned(t, k)
	before := s.story()
	ctx := t.Context()
	m, _ := s.book.Maintenance("db")
	tests := []struct {
		name string
		do   func() error
		is   error
		as   any
	}{
		{"an unknown maintenance", func() error { _, err := k.Begin(ctx, "nobody", status.Post{}, operator); return err }, status.ErrNotFound, nil},
		{"a version that is gone", func() error {
			_, err := k.Begin(ctx, "db", status.Post{}, keeper.Request{By: operator.By, Version: m.Version + 1})
			return err
		}, status.ErrConflict, nil},
		{"completing what has not begun", func() error { _, err := k.Complete(ctx, "db", status.Post{}, operator); return err }, nil, new(*status.Illegal)},
		{"an unknown placeholder", func() error {
			_, err := k.Post(ctx, "db", status.Post{Body: "{{ .Nothing }}"}, operator)
			return err
		}, nil, new(*status.Invalid)},
		{"a second maintenance with the same key", func() error {
			_, err := k.Schedule(ctx, status.MaintenanceDocument{Key: "db", Title: "Other", Window: m.Window}, operator)
			return err
		}, nil, new(*status.Invalid)},
		{"an unknown component", func() error {
			_, err := k.SetComponent(ctx, "Nothing", status.MajorOutage, operator)
			return err
		}, status.ErrNotFound, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			if tt.is != nil && !errors.Is(err, tt.is) || tt.as != nil && !errors.As(err, tt.as) || err == nil {
				t.Errorf("got %v, want %v%T", err, tt.is, tt.as)
			}
		})
	}
	if got := s.story(); got != before {
		t.Errorf("got %s after refusals, want %s", got, before)
	}
}

func TestADryRunTellsAndSavesNothing(t *testing.T) {
	s := &shelf{}
	k := newKeeper(s, lease.Alone{})
	documents := []status.Document{{Page: &status.PageDocument{Page: status.PageFields{Name: "Northwind"}}}}
	result, err := k.Apply(t.Context(), documents, true, operator)
	if err != nil || result.Applied || len(result.Changes) != 1 {
		t.Errorf("got %+v and %v, want one change that is not applied", result, err)
	}
	if s.book.Page.Name != "" {
		t.Error("got a page saved by a dry run, want none")
	}
}

func TestIdentifiersAreTwelveLettersAndNeverTheSame(t *testing.T) {
	seen := make(map[string]bool)
	for range 10_000 {
		id := keeper.NewID()
		if len(id) != 12 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") != "" || seen[id] {
			t.Fatalf("got %q, want 12 letters and digits that were not given before", id)
		}
		seen[id] = true
	}
}
