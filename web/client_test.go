package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestAMaintenanceFromItsAnnouncementToItsReport(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	made, err := c.CreateMaintenance(ctx, upgrade())
	if err != nil {
		t.Fatal(err)
	}
	m := made.Maintenance
	if want := []string{"Messenger / Web Messenger", "Messenger / Mobile Messenger", "APIs"}; !cmp.Equal(m.Components, want) {
		t.Errorf("got components %q, want %q", m.Components, want)
	}
	h.clock.Set(m.Window.Start)
	late := m.Window.End.Add(14 * time.Minute)
	step := func(name string, want status.State) func(api.Maintenance, error) {
		return func(got api.Maintenance, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.State != want {
				t.Errorf("%s: got %s, want %s", name, got.State, want)
			}
			read, err := h.as(access.Read).Maintenance(ctx, "upgrade")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, read); diff != "" {
				t.Errorf("%s: what was written is not what is read:\n%s", name, diff)
			}
		}
	}
	step("begin", status.InProgress)(c.BeginMaintenance(ctx, m.ID, api.Act{Version: 1}))
	step("estimate", status.InProgress)(c.EstimateMaintenance(ctx, m.ID, api.Act{Until: &late}))
	step("extend", status.InProgress)(c.ExtendMaintenance(ctx, m.ID, api.Act{Until: &late, Body: "It takes until {{ .End }}."}))
	step("post", status.InProgress)(c.PostMaintenance(ctx, m.ID, api.Act{Body: "Halfway.", Quiet: true}))
	step("verify", status.Verifying)(c.VerifyMaintenance(ctx, "upgrade", api.Act{}))
	step("complete", status.Completed)(c.CompleteMaintenance(ctx, "upgrade", api.Act{}))
	step("reopen", status.InProgress)(c.ReopenMaintenance(ctx, "upgrade", api.Act{}))
	h.clock.Set(late)
	step("complete", status.Completed)(c.CompleteMaintenance(ctx, "upgrade", api.Act{Body: "Done."}))
	report, err := c.Report(ctx, "upgrade")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Database upgrade\nScheduled Maintenance Report for Northwind\nCompleted\nDone.\nPosted Jan 15, 2027 - 07:14 UTC\n",
		"This scheduled maintenance affected: Messenger (Web Messenger, Mobile Messenger) and APIs.",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, text.String())
		}
	}
}

func TestTheClientGetsFactsBack(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	m := h.plan()
	_, err := c.BeginMaintenance(ctx, "nope", api.Act{})
	if !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %v, want %v", err, status.ErrNotFound)
	}
	if _, err = c.PostMaintenance(ctx, m.ID, api.Act{Body: "x", Version: 7}); !errors.Is(err, status.ErrConflict) {
		t.Errorf("got %v, want %v", err, status.ErrConflict)
	}
	bad := upgrade()
	bad.Key, bad.Affects = "other", []string{"APIs", "Moon"}
	_, err = c.Apply(ctx, api.ApplyRequest{Documents: []status.Document{{Source: "moon.yaml", Maintenance: &bad}}})
	var in *status.DocumentError
	var invalid *status.Invalid
	if !errors.As(err, &in) || in.Index != 0 || in.Source != "moon.yaml" || !errors.As(err, &invalid) || invalid.Field != "affects[1]" {
		t.Errorf("got %#v, want the place in the document", err)
	}
	if got, want := err.Error(), `moon.yaml: affects[1] names no group or component of the page: "Moon"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if want := `names no group or component of the page: "Moon"`; invalid == nil || invalid.Rule != want {
		t.Errorf("got rule %+v, want %s", invalid, want)
	}
}

func TestApplyTellsWhatItWouldChangeAndThenChangesIt(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	doc := upgrade()
	ask := api.ApplyRequest{Documents: []status.Document{{Source: "upgrade.yaml", Maintenance: &doc}}, DryRun: true}
	dry, err := c.Apply(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	if dry.Applied || len(dry.Changes) != 1 || dry.Changes[0].Action != status.Create || dry.Changes[0].Source != "upgrade.yaml" {
		t.Errorf("got %+v, want one maintenance that would be created", dry)
	}
	if _, err := c.Maintenance(ctx, "upgrade"); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("a dry run made the maintenance: %v", err)
	}
	ask.DryRun = false
	if wet, err := c.Apply(ctx, ask); err != nil || !wet.Applied || len(wet.Changes) != 1 {
		t.Errorf("got %+v and %v, want the change", wet, err)
	}
	if again, err := c.Apply(ctx, ask); err != nil || !again.Applied || len(again.Changes) != 0 {
		t.Errorf("got %+v and %v, want no change", again, err)
	}
	doc.Title = "Database upgrade, moved"
	doc.Window = status.Window{Start: doc.Window.Start.Add(time.Hour), End: doc.Window.End.Add(time.Hour)}
	revised, err := c.ReviseMaintenance(ctx, "upgrade", doc, api.Act{Version: 1})
	if err != nil || revised.Maintenance.Title != doc.Title || revised.Maintenance.Version != 2 {
		t.Errorf("got %+v and %v, want the maintenance moved", revised, err)
	}
}

func TestAnIncidentAndTheComponentsItClaims(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	i, err := c.CreateIncident(ctx, status.IncidentDraft{
		Title: "Slow answers", Affects: []string{"APIs"},
		NamedPost: status.NamedPost{Body: "We see it.", Components: map[string]status.Condition{"APIs": status.PartialOutage}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetComponent(ctx, "Messenger / Web Messenger", status.DegradedPerformance); err != nil {
		t.Fatal(err)
	}
	all, err := c.Components(ctx)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]status.Condition{}
	for _, component := range all {
		shown[component.FullName] = component.Status
	}
	want := map[string]status.Condition{
		"APIs": status.PartialOutage, "Messenger / Web Messenger": status.DegradedPerformance,
		"Messenger / Mobile Messenger": status.Operational, "Web Application": status.Operational,
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("components: %s", diff)
	}
	if p, err := c.Page(ctx); err != nil || p.Status != status.PartialOutage || p.Name != "Northwind" {
		t.Errorf("got %+v and %v, want Northwind with a partial outage", p, err)
	}
	after, err := c.PostIncident(ctx, i.ID, api.IncidentPost{Status: status.Resolved, NamedPost: status.NamedPost{Body: "Over."}, Version: 1})
	if err != nil || after.State != status.Resolved {
		t.Errorf("got %+v and %v, want it resolved", after, err)
	}
	list, err := c.Incidents(ctx, api.IncidentFilter{State: []status.State{status.Resolved}})
	if err != nil || len(list.Items) != 1 || !cmp.Equal(list.Items[0], after) {
		t.Errorf("got %+v and %v, want the incident", list, err)
	}
	if read, err := c.Incident(ctx, i.Key); err != nil || read.ID != i.ID {
		t.Errorf("got %+v and %v, want the incident by its key", read, err)
	}
}

func TestListsComeInPages(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	for n := range 7 {
		d := upgrade()
		d.Key = fmt.Sprintf("night-%d", n)
		d.Window = status.Window{Start: d.Window.Start.AddDate(0, 0, n/2), End: d.Window.End.AddDate(0, 0, n/2)} // pairs share a start
		if _, err := c.CreateMaintenance(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.CancelMaintenance(ctx, "night-3", api.Act{}); err != nil {
		t.Fatal(err)
	}
	whole, err := c.Maintenances(ctx, api.MaintenanceFilter{})
	if err != nil || len(whole.Items) != 7 || whole.Next != "" {
		t.Fatalf("got %d with next %q and %v, want all seven", len(whole.Items), whole.Next, err)
	}
	var paged []api.Maintenance
	for cursor := ""; ; {
		page, err := c.Maintenances(ctx, api.MaintenanceFilter{Limit: 2, Cursor: cursor})
		if err != nil || len(page.Items) > 2 {
			t.Fatalf("got %d and %v, want two at most", len(page.Items), err)
		}
		paged = append(paged, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(whole.Items, paged); diff != "" {
		t.Errorf("the pages are not the list:\n%s", diff)
	}
	some, err := c.Maintenances(ctx, api.MaintenanceFilter{State: []status.State{status.Canceled, status.Completed}})
	if err != nil || len(some.Items) != 1 || some.Items[0].Key != "night-3" {
		t.Errorf("got %+v and %v, want the canceled one", some, err)
	}
}

func TestASeriesTellsItsNextStarts(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	d := upgrade()
	d.Key, d.Recurrence = "weekly", &status.Recurrence{Rule: "FREQ=WEEKLY"}
	made, err := c.CreateMaintenance(ctx, d)
	if err != nil || made.Maintenance == nil || made.Maintenance.Series == "" {
		t.Fatalf("got %+v and %v, want its first occurrence", made, err)
	}
	list, err := c.Series(ctx)
	if err != nil || len(list) != 1 || len(list[0].Next) != aheadStarts {
		t.Fatalf("got %+v and %v, want the series with its next starts", list, err)
	}
	if got, want := list[0].Next[1], d.Window.Start.AddDate(0, 0, 7); !got.Equal(want) {
		t.Errorf("got second start %s, want %s", got, want)
	}
}

func TestTokensAreMadeUsedSeenAndRevoked(t *testing.T) {
	h := newHouse(t)
	ctx, admin := t.Context(), h.as(access.Administer)
	made, err := admin.CreateToken(ctx, api.TokenRequest{Name: "pipeline", Scope: "read"})
	if err != nil {
		t.Fatal(err)
	}
	pipeline := &api.Client{Server: h.url, Token: made.Secret}
	v, err := pipeline.Version(ctx)
	if want := (api.Version{Version: "v0.0.0-test", API: "v1", Token: "pipeline", Scope: "read"}); err != nil || v != want {
		t.Errorf("got %+v and %v, want %+v", v, err, want)
	}
	h.door.errands.Wait()
	all, err := admin.Tokens(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, token := range all {
		if token.ID == made.ID {
			found = token.LastUsed.Equal(noon) && token.By == "administer token"
		}
	}
	if !found {
		t.Errorf("got %+v, want the pipeline's token, used and with its maker", all)
	}
	if err := admin.RevokeToken(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.Version(ctx)
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnauthorized || p.Detail != errRevokedToken.Error() {
		t.Errorf("got %v, want that the token is revoked", err)
	}
	if strings.Contains(h.log.String(), made.Secret) {
		t.Error("the log holds the secret")
	}
}

func TestTheAuditLogNamesWhoDidWhat(t *testing.T) {
	h := newHouse(t).furnish()
	ctx, c := t.Context(), h.as(access.Operate)
	m := h.plan()
	if _, err := c.BeginMaintenance(ctx, m.ID, api.Act{}); err != nil {
		t.Fatal(err)
	}
	var all []api.Event
	for after := ""; ; {
		page, err := c.Events(ctx, api.EventFilter{After: after, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			break
		}
	}
	last := all[len(all)-1]
	if last.Kind != status.Begun || last.Subject != m.Subject() || last.By != (status.Actor{Kind: status.Person, Name: "operate token"}) {
		t.Errorf("got %+v as the last entry, want the beginning of the maintenance", last)
	}
	whole, err := c.Events(ctx, api.EventFilter{Limit: 500})
	if err != nil || !cmp.Equal(whole.Items, all) {
		t.Errorf("the pages are not the log: %v\n%s", err, cmp.Diff(whole.Items, all))
	}
	rest, err := c.Events(ctx, api.EventFilter{After: all[1].ID})
	if err != nil || !cmp.Equal(rest.Items, all[2:]) {
		t.Errorf("after %s: %v\n%s", all[1].ID, err, cmp.Diff(rest.Items, all[2:]))
	}
}

func TestMetricsNeedATokenAndCountByRoute(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	h.exchange(http.MethodPost, "/maintenances/upgrade/complete", h.tokens[access.Operate], "")
	if answer, _ := h.ask(http.MethodGet, "/metrics", "", ""); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: got %d, want 401", answer.StatusCode)
	}
	_, text := h.ask(http.MethodGet, "/metrics", h.tokens[access.Read], "")
	for _, want := range []string{
		`interlude_http_requests_total{method="POST",route="POST /api/native/v1/maintenances",status="201"} 1`,
		`interlude_http_requests_total{method="GET",route="GET /metrics",status="401"} 1`,
		`interlude_acts_total{operation="create-maintenance",outcome="done"} 1`,
		`interlude_acts_total{operation="complete-maintenance",outcome="illegal"} 1`,
		`interlude_maintenances{state="scheduled"} 1`, `interlude_components{status="operational"} 4`,
		`interlude_overrun_seconds 0`, `interlude_board_age_seconds 0`, `interlude_http_request_seconds_bucket`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
}

func TestReadyNamesItsParts(t *testing.T) {
	h := newHouse(t)
	answer, text := h.ask(http.MethodGet, "/readyz", "", "")
	if want := `{"ready":true,"parts":{"board":{"ok":true,"as_of":"2027-01-10T12:00:00Z"},"clock":{"ok":true},"store":{"ok":true}}}` + "\n"; answer.StatusCode != http.StatusOK || text != want {
		t.Errorf("got %d %s, want 200 %s", answer.StatusCode, text, want)
	}
	h.clock.Set(noon.Add(time.Minute))
	answer, text = h.ask(http.MethodGet, "/readyz", "", "")
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "what is shown is old") {
		t.Errorf("got %d %s, want that the board is old", answer.StatusCode, text)
	}
}
