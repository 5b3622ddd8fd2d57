package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestAnInterruptionFromItsOpeningToItsEnd(t *testing.T) {
	h := newHouse(t).furnish()
	m, c, ctx := h.beginUpgrade(), h.as(access.Operate), t.Context()
	i, err := c.Interrupt(ctx, "upgrade", api.InterruptionRequest{
		Flows: []string{" messenger ", "api"}, AtMost: status.Duration(2 * time.Minute), Expected: status.Duration(30 * time.Second), Reason: "restart",
	})
	want := status.Interruption{
		ID: i.ID, Flows: []string{"messenger", "api"}, Opened: m.Window.Start, Lapses: m.Window.Start.Add(2 * time.Minute),
		Expected: m.Window.Start.Add(30 * time.Second), Reason: "restart", By: status.Actor{Kind: status.Person, Name: "operate token"},
	}
	if diff := cmp.Diff(want, i); err != nil || i.ID == "" || diff != "" {
		t.Fatalf("got %v and %s", err, diff)
	}
	other, err := c.Interrupt(ctx, "upgrade", api.InterruptionRequest{Flows: []string{"api"}})
	if err != nil || other.ID == i.ID {
		t.Fatalf("got %+v and %v, want a second one", other, err)
	}
	if _, err := c.CompleteMaintenance(ctx, "upgrade", api.Act{}); err == nil || !strings.Contains(err.Error(), i.ID) || !strings.Contains(err.Error(), other.ID) {
		t.Errorf("got %v, want that both interruptions are open", err)
	}
	h.clock.Set(m.Window.Start.Add(time.Minute))
	if i, err = c.ExtendInterruption(ctx, "upgrade", i.ID, api.InterruptionExtension{AtMost: status.Duration(3 * time.Minute)}); err != nil || !i.Lapses.Equal(m.Window.Start.Add(4*time.Minute)) {
		t.Errorf("got %+v and %v, want it to lapse three minutes from now", i, err)
	}
	for range 2 { // what is told twice is no error
		if i, err = c.EndInterruption(ctx, m.ID, i.ID); err != nil || !i.Closed.Equal(h.clock.Now()) || i.Lapsed {
			t.Errorf("got %+v and %v, want it closed now", i, err)
		}
	}
	if _, err := c.ExtendInterruption(ctx, "upgrade", i.ID, api.InterruptionExtension{}); err == nil {
		t.Error("got no error for extending what has ended, want a refusal")
	}
	if other, err = c.EndInterruption(ctx, "upgrade", other.ID); err != nil {
		t.Fatal(err)
	}
	list, err := h.as(access.Read).Interruptions(ctx, "upgrade")
	if diff := cmp.Diff([]status.Interruption{i, other}, list); err != nil || diff != "" {
		t.Errorf("got %v and %s", err, diff)
	}
	if _, err := c.CompleteMaintenance(ctx, "upgrade", api.Act{}); err != nil {
		t.Errorf("got %v once both have ended, want it completed", err)
	}
}

func TestAnInterruptionThatCannotBeIsRefused(t *testing.T) {
	h := newHouse(t).furnish()
	c, ctx := h.as(access.Operate), t.Context()
	h.plan()
	ask := api.InterruptionRequest{Flows: []string{"messenger"}}
	var p *api.Problem
	if _, err := c.Interrupt(ctx, "upgrade", ask); !errors.As(err, &p) || p.Code != api.CodeIllegal {
		t.Errorf("got %v before it has begun, want a refusal", err)
	}
	h.clock.Set(upgrade().Window.Start)
	if _, err := c.BeginMaintenance(ctx, "upgrade", api.Act{}); err != nil {
		t.Fatal(err)
	}
	i, err := c.Interrupt(ctx, "upgrade", ask)
	if err != nil {
		t.Fatal(err)
	}
	path := "/maintenances/upgrade/interruptions"
	for _, x := range []struct{ path, body, want string }{
		{path, `{}`, "422 invalid: flows must be 1 to 50 names of flows, not 0 [flows]"},
		{path, `{"flow": ["a"]}`, `422 invalid: flow is no known field; did you mean "flows"? [flow]`},
		{path, `{"flows": ["a"], "at_most": "7h"}`, "422 invalid: at_most must be at most 6h, not 7h: extend it while it lasts [at_most]"},
		{path, `{"flows": ["a"], "at_most": "5"}`, `422 invalid: at_most must be a duration such as 90s, 5m, 48h or 2d, not "5" [at_most]`},
		{path, `{"flows": ["` + strings.Repeat("x", api.LargestBody) + `"]}`, "413 too_large: the request is larger than 1 MiB, the limit of this operation; nothing was changed"},
		{path + "/" + i.ID + "/extend", `{"at_most": "1m", "expected": "2m"}`, "422 invalid: expected must be at most what it may last (1m), not 2m [expected]"},
		{path + "/" + i.ID + "/close", `{"why": "x"}`, "422 invalid: why is no known field; it has none [why]"},
		{path + "/" + i.ID + "x/close", ``, `404 not_found: maintenance upgrade has no interruption with the id "` + i.ID + `x"`},
		{"/maintenances/upgrad/interruptions/" + i.ID + "/close", ``, `404 not_found: no maintenance has the id or key "upgrad"; did you mean "upgrade"?`},
		{"/maintenances/upgrad/interruptions", `{"flows": ["a"]}`, `404 not_found: no maintenance has the id or key "upgrad"; did you mean "upgrade"?`},
	} {
		if got := h.exchange(http.MethodPost, x.path, h.tokens[access.Operate], x.body); got != x.want {
			t.Errorf("%s %.80s:\ngot  %s\nwant %s", x.path, x.body, got, x.want)
		}
	}
	if got := h.exchange(http.MethodPost, path+"/"+i.ID+"/close", h.tokens[access.Operate], "", "If-Match", `"v1"`); !strings.HasPrefix(got, "412 conflict") {
		t.Errorf("got %s for a version that is gone, want 412", got)
	}
}

func TestARepeatedRequestOpensOneInterruption(t *testing.T) {
	h := newHouse(t).furnish()
	h.beginUpgrade()
	for range 2 {
		if got := h.exchange(http.MethodPost, "/maintenances/upgrade/interruptions", h.tokens[access.Operate], `{"flows": ["messenger"]}`, keyHeader, "one"); got != "201" {
			t.Errorf("got %s, want 201", got)
		}
	}
	if list, err := h.as(access.Read).Interruptions(t.Context(), "upgrade"); err != nil || len(list) != 1 {
		t.Errorf("got %+v and %v, want one", list, err)
	}
}
