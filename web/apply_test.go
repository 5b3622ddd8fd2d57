package web

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestAnApplyMakesWhatWasPlannedOrNothing(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	doc := upgrade()
	ask := api.ApplyRequest{Documents: []status.Document{{Maintenance: &doc}}, DryRun: true}
	plan, err := c.Apply(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Apply(ctx, ask); err != nil || again.Plan != plan.Plan || plan.Plan == "" {
		t.Errorf("got plans %q and %q and %v, want the same one twice", plan.Plan, again.Plan, err)
	}
	other := upgrade() // somebody else announces it in between, under another title
	other.Title = "Something else"
	if _, err := c.CreateMaintenance(ctx, other); err != nil {
		t.Fatal(err)
	}
	ask.DryRun, ask.Plan = false, plan.Plan
	var problem *api.Problem
	if _, err := c.Apply(ctx, ask); !errors.Is(err, status.ErrConflict) || !errors.As(err, &problem) || !strings.HasPrefix(problem.Hint, "Run it again") {
		t.Errorf("got %v, want a conflict that says what to do", err)
	}
	if m, err := c.Maintenance(ctx, "upgrade"); err != nil || m.Title != other.Title || m.Version != 1 {
		t.Errorf("got %q in version %d and %v, want it as it was", m.Title, m.Version, err)
	}
	ask.Plan = ""
	ask.DryRun = true
	if plan, err = c.Apply(ctx, ask); err != nil {
		t.Fatal(err)
	}
	ask.DryRun, ask.Plan = false, plan.Plan
	if done, err := c.Apply(ctx, ask); err != nil || !done.Applied || done.Plan != plan.Plan {
		t.Errorf("got %+v and %v, want what the second plan says", done, err)
	}
}

func TestCreateOnlyMakesAllOrNone(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	h.plan()
	fresh, taken := upgrade(), upgrade()
	fresh.Key, fresh.Title = "fresh", "Fresh"
	ask := api.ApplyRequest{CreateOnly: true, Documents: []status.Document{{Source: "a.yaml", Maintenance: &fresh}, {Source: "b.yaml", Maintenance: &taken}}}
	_, err := c.Apply(ctx, ask)
	var in *status.DocumentError
	if !errors.As(err, &in) || in.Index != 1 || !strings.HasPrefix(err.Error(), "b.yaml: key is taken by the maintenance ") {
		t.Errorf("got %v, want the second document refused", err)
	}
	if _, err := c.Maintenance(ctx, "fresh"); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %v, want the first not announced either", err)
	}
	ask.Documents[1].Maintenance.Key = "fresher"
	if made, err := c.Apply(ctx, ask); err != nil || len(made.Changes) != 2 {
		t.Errorf("got %+v and %v, want both", made, err)
	}
	page := northwind
	if _, err := h.as(access.Administer).Apply(ctx, api.ApplyRequest{CreateOnly: true, Documents: []status.Document{{Page: &page}}}); err == nil {
		t.Error("a page was created a second time")
	}
}

func TestOneApplyTakesMoreThanAThousandRecords(t *testing.T) {
	h := newHouse(t).furnish()
	var documents []status.Document
	for n := range 1200 {
		at := noon.Add(-time.Duration(n+1) * time.Hour)
		documents = append(documents, status.Document{Incident: &status.IncidentDocument{
			Key: fmt.Sprintf("past-%d", n), Title: "Trouble", Affects: []string{"Messenger / Web Messenger"},
			Updates: []status.UpdateDocument{
				{Status: status.Investigating, At: at, Body: strings.Repeat("We are looking. ", 60)},
				{Status: status.Resolved, At: at.Add(time.Minute), Body: "It is over."},
			},
		}})
	}
	ask := api.ApplyRequest{Documents: documents}
	if made, err := h.as(access.Operate).Apply(t.Context(), ask); err != nil || len(made.Changes) != len(documents) {
		t.Fatalf("got %d changes and %v, want %d", len(made.Changes), err, len(documents))
	}
	if again, err := h.as(access.Operate).Apply(t.Context(), ask); err != nil || len(again.Changes) != 0 {
		t.Errorf("got %d changes and %v, want none the second time", len(again.Changes), err)
	}
}
