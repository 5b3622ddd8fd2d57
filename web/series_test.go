package web

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

// weekly announces a recurring upgrade: the next five weeks of it.
func (h *house) weekly() {
	h.t.Helper()
	d := upgrade()
	d.Key, d.Recurrence = "weekly", &status.Recurrence{Rule: "FREQ=WEEKLY"}
	if _, err := h.as(access.Operate).CreateMaintenance(h.t.Context(), d); err != nil {
		h.t.Fatal(err)
	}
}

func TestASeriesIsShownWithItsRuleAndOccurrences(t *testing.T) {
	h := newHouse(t).furnish()
	h.weekly()
	c := h.as(access.Read)
	s, err := c.OneSeries(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if s.Words != "every week" || len(s.Next) != aheadStarts || len(s.Open) < 2 || s.Open[0].Key != "weekly-2027-01-15" {
		t.Errorf("got %q, next %v, open %+v; want every week from the window on", s.Words, s.Next, s.Open)
	}
	byID, err := c.OneSeries(t.Context(), s.ID)
	if diff := cmp.Diff(s, byID); err != nil || diff != "" {
		t.Errorf("by its id: %v %s", err, diff)
	}
	_, err = c.Maintenance(t.Context(), "weekly")
	want := "no maintenance has the id or key \"weekly\"; it is a series. `interlude series show weekly` shows it."
	if !errors.Is(err, status.ErrNotFound) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnEndedSeriesAnnouncesNothingMore(t *testing.T) {
	h := newHouse(t).furnish()
	h.weekly()
	ctx, c := t.Context(), h.as(access.Operate)
	before, err := c.OneSeries(ctx, "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.EndSeries(ctx, "weekly", api.SeriesEnd{Version: before.Version + 1}); !errors.Is(err, status.ErrConflict) {
		t.Errorf("got %v for a version that never was, want %v", err, status.ErrConflict)
	}
	ended, err := c.EndSeries(ctx, "weekly", api.SeriesEnd{Version: before.Version})
	if err != nil {
		t.Fatal(err)
	}
	if s := ended.Series; !s.Ended || len(s.Next) != 0 || len(ended.Canceled) != 0 || !cmp.Equal(s.Open, before.Open) {
		t.Errorf("got %+v, want it ended and what is planned untouched", ended)
	}
	h.clock.Set(before.Open[0].Window.Start.Add(-time.Hour))
	if _, err := h.door.Keeper.Tick(ctx); err != nil {
		t.Fatal(err)
	}
	all, err := c.EndSeries(ctx, "weekly", api.SeriesEnd{CancelPlanned: true, Body: "There is no more {{ .Title }}."})
	if err != nil || len(all.Canceled) != len(before.Open) || len(all.Series.Open) != 0 {
		t.Fatalf("got %+v and %v, want all %d canceled", all, err, len(before.Open))
	}
	m, err := c.Maintenance(ctx, before.Open[0].Key)
	if err != nil || m.State != status.Canceled || m.Updates[len(m.Updates)-1].Body != "There is no more Database upgrade." {
		t.Errorf("got %+v and %v, want it called off with the words", m, err)
	}
	events, err := c.Events(ctx, api.EventFilter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	told := map[status.EventKind]int{}
	for _, e := range events.Items {
		told[e.Kind]++
	}
	if told[status.SeriesChanged] != 2 || told[status.CalledOff] != len(before.Open) {
		t.Errorf("got %v, want the series made and ended, and each occurrence called off once", told)
	}
}

func TestMaintenancesAreListedAsAPlanAndThenAsAPast(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	for key, day := range map[string]int{"second": 20, "first": 15, "third": 25, "off-later": 24, "off-sooner": 16} {
		d := upgrade()
		d.Key = key
		d.Window.Start, d.Window.End = d.Window.Start.AddDate(0, 0, day-15), d.Window.End.AddDate(0, 0, day-15)
		if _, err := c.CreateMaintenance(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"off-sooner", "off-later"} {
		if _, err := c.CancelMaintenance(ctx, key, api.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for cursor := ""; ; {
		part, err := c.Maintenances(ctx, api.MaintenanceFilter{Limit: 1, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range part.Items {
			got = append(got, m.Key)
		}
		if cursor = part.Next; cursor == "" {
			break
		}
	}
	if want := []string{"first", "second", "third", "off-later", "off-sooner"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
