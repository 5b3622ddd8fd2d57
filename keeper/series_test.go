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

func TestAnEndedSeriesLeavesWhatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		k := newKeeper(s, lease.Alone{})
		start := time.Now().UTC().Add(time.Hour)
		_, err := k.Apply(t.Context(), []status.Document{
			{Page: &status.PageDocument{Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "App"}}}},
			{Maintenance: &status.MaintenanceDocument{
				Key: "weekly", Title: "Upkeep", Window: status.Window{Start: start, End: start.Add(time.Hour)}, Affects: []string{"App"},
				Recurrence: &status.Recurrence{Rule: "FREQ=WEEKLY"},
			}},
		}, false, operator)
		if err != nil {
			t.Fatal(err)
		}
		running(t, func() {
			<-time.After(90 * time.Minute)
			end(t, k, "nobody", status.ErrNotFound)
			if _, _, err := k.EndSeries(t.Context(), "weekly", true, status.Post{Body: "{{ .Nothing }}"}, operator); !errors.As(err, new(*status.Invalid)) {
				t.Errorf("got %v for words that cannot be said, want that they are invalid", err)
			}
			end(t, k, "weekly", nil)
			end(t, k, "weekly", nil)
		}, k)
		<-time.After(60 * 24 * time.Hour)
		if _, err := k.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		count := map[status.State]int{}
		for _, m := range s.book.Maintenances {
			count[m.State]++
		}
		if count[status.InProgress] != 1 || count[status.Canceled] == 0 || len(count) != 2 {
			t.Errorf("got %v two months later, want the first one in progress and all others canceled", count)
		}
		changed := 0
		for _, e := range s.events {
			if e.Kind == status.SeriesChanged {
				changed++
			}
		}
		if changed != 2 {
			t.Errorf("got %d changes of the series, want it made once and ended once", changed)
		}
	})
}

// end ends a series, with all that is planned of it.
func end(t *testing.T, k *keeper.Keeper, ref string, want error) {
	t.Helper()
	if _, _, err := k.EndSeries(t.Context(), ref, true, status.Post{}, operator); !errors.Is(err, want) {
		t.Errorf("got %v for %s, want %v", err, ref, want)
	}
}
