package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

// shelf is a store in memory: one writer at a time, nothing kept on an error, and like a real one it shows a change
// only what is open or asked for. The real stores stand in its place in the tests of package store and of the command.
type shelf struct {
	mu     sync.Mutex
	book   status.Book // everything
	events []status.Event
	away   atomic.Bool
}

func (s *shelf) Change(_ context.Context, _ time.Time, refs []string, f func(*status.Book) error) error {
	if s.away.Load() {
		return errors.New("the store is away")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := status.Book{Page: s.book.Page, Groups: slices.Clone(s.book.Groups), Components: slices.Clone(s.book.Components), Series: slices.Clone(s.book.Series)}
	for _, m := range s.book.Maintenances {
		if m.Open() || slices.Contains(refs, m.ID) || slices.Contains(refs, m.Key) {
			next.Maintenances = append(next.Maintenances, m)
		}
	}
	for _, i := range s.book.Incidents {
		if i.Open() || slices.Contains(refs, i.ID) || slices.Contains(refs, i.Key) {
			next.Incidents = append(next.Incidents, i)
		}
	}
	next.KeyTaken = func(kind status.Kind, key string) bool {
		_, maintenance := s.book.Maintenance(key)
		_, incident := s.book.Incident(key)
		return kind == status.KindMaintenance && maintenance || kind == status.KindIncident && incident
	}
	if err := f(&next); err != nil {
		return err
	}
	return s.save(next)
}

func (s *shelf) save(next status.Book) error {
	for _, m := range next.Written.Maintenances {
		if other, taken := s.book.Maintenance(m.Key); taken && other.ID != m.ID {
			return fmt.Errorf("key %s is not unique", m.Key)
		}
	}
	all := status.Book{
		Page: next.Page, Groups: next.Groups, Components: next.Components, Series: next.Series,
		Maintenances: s.book.Maintenances, Incidents: s.book.Incidents,
	}
	for _, m := range next.Written.Maintenances {
		all.Maintenances = append(slices.DeleteFunc(slices.Clone(all.Maintenances), func(o status.Maintenance) bool { return o.ID == m.ID }), m)
	}
	for _, i := range next.Written.Incidents {
		all.Incidents = append(slices.DeleteFunc(slices.Clone(all.Incidents), func(o status.Incident) bool { return o.ID == i.ID }), i)
	}
	s.events = append(s.events, next.Written.Events...)
	s.book = all
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
			shared.mu.Lock()
			defer shared.mu.Unlock()
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

func TestASeriesThatFindsItsKeyTakenGoesOn(t *testing.T) {
	s := &shelf{}
	start := time.Date(2027, 1, 3, 6, 0, 0, 0, time.UTC)
	c := clock.NewDriven(start.Add(-time.Hour), 0)
	k := keeper.New(s, c, lease.Alone{}, quiet(), nil)
	weekly := status.MaintenanceDocument{
		Key: "weekly", Title: "Weekly", Window: status.Window{Start: start, End: start.Add(time.Hour)},
		Recurrence: &status.Recurrence{Rule: "FREQ=WEEKLY"}, Complete: status.Automatic,
	}
	taken := start.AddDate(0, 0, 42)
	inItsWay := status.MaintenanceDocument{
		Key: "weekly" + taken.Format("-2006-01-02"), Title: "In its way", Window: status.Window{Start: taken, End: taken.Add(time.Hour)},
	}
	if _, err := k.Apply(t.Context(), []status.Document{{Maintenance: &weekly}, {Maintenance: &inItsWay}}, false, operator); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Cancel(t.Context(), inItsWay.Key, status.Post{}, operator); err != nil {
		t.Fatal(err)
	}
	for day := range 50 {
		c.Set(start.AddDate(0, 0, day).Add(2 * time.Hour))
		if _, err := k.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	completed := 0
	for _, m := range s.book.Maintenances {
		if m.Title == "Weekly" && m.State == status.Completed {
			completed++
		}
	}
	if completed != 8 {
		t.Errorf("got %d occurrences completed in 50 days, want all eight, the one whose key was taken too", completed)
	}
}

func TestAnExceptionCanBeTakenBack(t *testing.T) {
	s := &shelf{}
	k := newKeeper(s, lease.Alone{})
	planned(t, k)
	start := time.Now().UTC().Add(72 * time.Hour).Truncate(time.Hour)
	d := status.MaintenanceDocument{
		Key: "weekly", Title: "Weekly", Window: status.Window{Start: start, End: start.Add(time.Hour)}, Recurrence: &status.Recurrence{Rule: "FREQ=WEEKLY"},
	}
	for _, except := range [][]status.Date{nil, {status.DateOf(start.AddDate(0, 0, 7))}, nil} {
		d.Recurrence = &status.Recurrence{Rule: "FREQ=WEEKLY", Except: except}
		if _, err := k.Apply(t.Context(), []status.Document{{Maintenance: &d}}, false, operator); err != nil {
			t.Fatalf("got %v with exceptions %v, want none", err, except)
		}
		var starts []time.Time
		for _, m := range s.book.Maintenances {
			if m.Series != "" && m.State == status.Scheduled {
				starts = append(starts, m.Window.Start)
			}
		}
		if has := slices.ContainsFunc(starts, start.AddDate(0, 0, 7).Equal); has != (except == nil) {
			t.Errorf("got %v with exceptions %v", starts, except)
		}
	}
}
