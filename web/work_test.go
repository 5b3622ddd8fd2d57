package web

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestNothingCompletesWhileWorkIsOpen(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	m := h.plan()
	h.clock.Set(m.Window.Start)
	if _, err := c.BeginMaintenance(ctx, m.ID, api.Act{}); err != nil {
		t.Fatal(err)
	}
	works := []api.Work{{What: api.Interruption, Name: "api"}, {What: api.Step, Name: "restart"}, {What: api.Hold, Name: "mail"}}
	for i, work := range works {
		opened, err := c.OpenWork(ctx, m.Key, work)
		if err != nil || len(opened.Unfinished) != i+1 || opened.Unfinished[i].Since != m.Window.Start {
			t.Fatalf("got %+v and %v, want %s open since now", opened.Unfinished, err, work.Name)
		}
	}
	refused := fmt.Sprintf("maintenance %s is in_progress and cannot become completed: completion is not earned yet: "+
		`interruption "api", step "restart", hold "mail" still open; legal now: verifying`, m.ID)
	_, err := c.CompleteMaintenance(ctx, m.ID, api.Act{})
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusConflict || p.Code != api.CodeIllegal || p.Detail != refused {
		t.Errorf("got  %v\nwant 409 illegal: %s", err, refused)
	}
	if _, err := c.OpenWork(ctx, m.ID, works[0]); err == nil {
		t.Error("got no error for what is open already, want one")
	}
	if _, err := c.CloseWork(ctx, m.ID, api.Work{What: api.Step, Name: "restart", Version: 1}); !errors.Is(err, status.ErrConflict) {
		t.Errorf("got %v for a version that is gone, want %v", err, status.ErrConflict)
	}
	for range 2 { // what is told twice is no error
		for _, work := range works {
			if _, err := c.CloseWork(ctx, m.ID, work); err != nil {
				t.Fatal(err)
			}
		}
	}
	if done, err := c.CompleteMaintenance(ctx, m.ID, api.Act{}); err != nil || done.State != status.Completed {
		t.Errorf("got %s and %v once all is closed, want it completed", done.State, err)
	}
}

func TestTheClockDoesNotCompleteWhileWorkIsOpen(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	d := upgrade()
	d.Complete = status.Automatic
	if _, err := c.CreateMaintenance(ctx, d); err != nil {
		t.Fatal(err)
	}
	// on lets the clock do what is due at a moment, and gives the maintenance as it then is.
	on := func(at time.Time) api.Maintenance {
		t.Helper()
		h.clock.Set(at)
		if _, err := h.door.Keeper.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		if err := h.door.Board.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		m, err := c.Maintenance(ctx, "upgrade")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	on(d.Window.Start)
	hold := api.Work{What: api.Hold, Name: "mail"}
	if _, err := c.OpenWork(ctx, "upgrade", hold); err != nil {
		t.Fatal(err)
	}
	m := on(d.Window.End)
	last := m.Updates[len(m.Updates)-1]
	if m.State != status.InProgress || last.Event != status.Overran || last.By != status.ByClock {
		t.Errorf("got it %s with a last update %s, want it in progress and overrun", m.State, last.Event)
	}
	if _, err := c.CloseWork(ctx, "upgrade", hold); err != nil {
		t.Fatal(err)
	}
	late := d.Window.End.Add(5 * time.Minute)
	if m = on(late); m.State != status.Completed || !m.Ended.Equal(late) {
		t.Errorf("got it %s, ended %s, want it completed at %s, when it was earned", m.State, m.Ended, late)
	}
}
