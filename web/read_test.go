package web

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestWhatOneNodeWroteAnotherFindsAtOnce(t *testing.T) {
	one := newHouse(t).furnish()
	other := one.again() // its board follows the same store, and nothing tells it to look
	ctx, writer, reader := t.Context(), one.as(access.Operate), other.as(access.Read)
	incident, err := writer.CreateIncident(ctx, status.IncidentDraft{Title: "Down"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := reader.Incident(ctx, incident.ID); err != nil || got.Title != "Down" {
		t.Errorf("got %q and %v, want the incident that the other node made", got.Title, err)
	}
	m := one.plan()
	if got, err := reader.Maintenance(ctx, m.Key); err != nil || got.ID != m.ID {
		t.Errorf("got %q and %v, want the maintenance by its key", got.ID, err)
	}
	incident, err = writer.CreateIncident(ctx, status.IncidentDraft{Title: "Down again"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := reader.Report(ctx, incident.ID); err != nil || got.Title != "Down again" {
		t.Errorf("got %q and %v, want the report", got.Title, err)
	}
	if got := other.exchange(http.MethodGet, "/incidents/nothing", other.tokens[access.Read], ""); got != `404 not_found: no incident has the id or key "nothing"` {
		t.Errorf("got %s, want 404 for what is nowhere", got)
	}
}

func TestAReadLooksTwiceOnlyWhenTheBoardMoved(t *testing.T) {
	one := newHouse(t).furnish()
	other := one.again()
	asked := 0
	read := lookingTwice(other.door, func(context.Context, *refInput) (*nothing, error) {
		asked++
		return nil, &missing{detail: "nothing has it"}
	})
	for _, c := range []struct {
		name  string
		stage func()
		want  int
	}{
		{"nothing was written", func() {}, 1},
		{"another node wrote", func() { one.plan() }, 2},
		{"nothing was written since", func() {}, 1},
		{"the store is away", func() { _ = other.store.Close() }, 1},
	} {
		c.stage()
		asked = 0
		if _, err := read(t.Context(), &refInput{}); !errors.Is(err, status.ErrNotFound) || asked != c.want {
			t.Errorf("%s: got %v after %d looks, want that it is not found after %d", c.name, err, asked, c.want)
		}
	}
	refused := lookingTwice(one.door, func(context.Context, *refInput) (*nothing, error) {
		asked++
		return nil, &status.Invalid{Field: "cursor", Rule: "must be next of an earlier page"}
	})
	asked = 0
	if _, err := refused(t.Context(), &refInput{}); err == nil || asked != 1 {
		t.Errorf("got %v after %d looks, want one look for what is refused", err, asked)
	}
}

func TestWhileTheStoreIsAwayWhatIsNotThereIsStillNotFound(t *testing.T) {
	h := newHouse(t).furnish()
	h.exchange(http.MethodGet, api.PathPage, h.tokens[access.Read], "") // the token is known from here on
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := h.exchange(http.MethodGet, "/incidents/nothing", h.tokens[access.Read], ""), `404 not_found: no incident has the id or key "nothing"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
