package statuspage_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"example.org/interlude/status"
	"example.org/interlude/statuspage"
)

// The shapes of webhooks that readers have recorded, as in public_test.go.
var (
	hookMetaShape      = []string{"unsubscribe", "documentation", "generated_at"}
	hookPageShape      = []string{"id", "status_indicator", "status_description"}
	hookComponentShape = []string{
		"status", "name", "created_at", "updated_at", "position", "description?", "showcase", "id", "page_id", "group_id?",
	}
	hookUpdateShape = []string{
		"status", "body", "created_at", "wants_twitter_update", "twitter_updated_at?", "updated_at", "display_at",
		"affected_components?", "custom_tweet?", "deliver_notifications", "id", "incident_id",
	}
	hookIncidentShape = []string{
		"name", "status", "created_at", "updated_at", "monitoring_at?", "resolved_at?", "impact", "shortlink", "postmortem_ignored",
		"postmortem_body?", "postmortem_body_last_updated_at?", "postmortem_published_at?", "postmortem_notified_subscribers",
		"postmortem_notified_twitter", "backfilled", "scheduled_for?", "scheduled_until?", "scheduled_remind_prior",
		"scheduled_reminded_at?", "impact_override?", "scheduled_auto_in_progress", "scheduled_auto_completed", "id", "page_id",
		"incident_updates", "components",
	}
	hookMaintenanceShape = append(slices.Clone(hookIncidentShape), "interlude x")
	hookChangeShape      = []string{"old_status", "new_status", "created_at", "component_type", "id", "component_id"}
)

const leave = "https://status.northwind.example/subscriptions/abc/unsubscribe"

var generated = time.Date(2027, 1, 15, 6, 30, 0, 123e6, time.FixedZone("", 3600))

// seen are a site's components as readers see them.
func seen(s *site) []status.Component {
	all := slices.Clone(s.board.Current().Components)
	for n := range all {
		all[n].Condition = s.board.Current().Conditions[all[n].ID]
	}
	return all
}

// framed checks what both shapes have in common, and which of the two a reader takes it for.
func framed(t *testing.T, body []byte, keys ...string) map[string]json.RawMessage {
	t.Helper()
	whole := has(t, "a webhook", body, append([]string{"meta", "page"}, keys...))
	meta := has(t, "meta", whole["meta"], hookMetaShape)
	if string(meta["unsubscribe"]) != `"`+leave+`"` || string(meta["generated_at"]) != `"2027-01-15T05:30:00.123Z"` {
		t.Errorf("got the meta %s, want the link to leave, and the time in UTC with milliseconds", whole["meta"])
	}
	has(t, "page", whole["page"], hookPageShape)
	return whole
}

// event renders an event, and checks its shape.
func event(t *testing.T, s *site, m *status.Maintenance, i *status.Incident, shape []string) map[string]json.RawMessage {
	t.Helper()
	p := s.board.Current()
	body, err := statuspage.Hook{}.EventPayload(m, i, p.Page, p.Groups, seen(s), leave, generated)
	if err != nil {
		t.Fatal(err)
	}
	fields := has(t, "incident", framed(t, body, "incident")["incident"], shape)
	for _, u := range list(t, fields["incident_updates"]) {
		update := has(t, "an update", u, hookUpdateShape)
		for _, a := range list(t, update["affected_components"]) {
			has(t, "an affected component", a, affectedShape)
		}
	}
	for _, c := range list(t, fields["components"]) {
		has(t, "a component", c, hookComponentShape)
	}
	return fields
}

func TestAWebhookOfAnEventHasTheShapeThatReadersRecorded(t *testing.T) {
	s := told(t)
	for key, want := range map[string]struct{ status, state string }{
		"past": {"completed", "completed"}, "running": {"in_progress", "in_progress"}, "planned": {"scheduled", "scheduled"},
		"off": {"completed", "canceled"},
	} {
		m, _ := s.board.Current().Maintenance(key)
		fields := event(t, s, m, nil, hookMaintenanceShape)
		var ours struct{ State string }
		if err := json.Unmarshal(fields["interlude"], &ours); err != nil {
			t.Fatal(err)
		}
		if string(fields["status"]) != `"`+want.status+`"` || ours.State != want.state || string(fields["impact"]) != `"maintenance"` {
			t.Errorf("%s: got the status %s, state %s and impact %s, want %s, %s and maintenance", key, fields["status"], ours.State, fields["impact"], want.status, want.state)
		}
		if string(fields["name"]) != `"`+key+`"` || len(list(t, fields["components"])) != len(m.Affects) {
			t.Errorf("%s: got %s with the components %s, want its own name and %d", key, fields["name"], fields["components"], len(m.Affects))
		}
		if window := m.Window.Start.Format(`"2006-01-02T15:04:05.000Z"`); string(fields["scheduled_for"]) != window {
			t.Errorf("%s: got the start %s, want %s", key, fields["scheduled_for"], window)
		}
	}
	fields := event(t, s, nil, s.board.Current().Incidents[0], hookIncidentShape)
	for _, name := range []string{"scheduled_for", "scheduled_until", "scheduled_reminded_at", "monitoring_at", "resolved_at", "postmortem_body", "impact_override"} {
		if string(fields[name]) != "null" {
			t.Errorf("%s: got %s, want null", name, fields[name])
		}
	}
}

func TestAWebhookHasTheUpdatesOfItsEventTheNewestFirst(t *testing.T) {
	s := told(t)
	m, _ := s.board.Current().Maintenance("past")
	var first struct{ Status string }
	updates := list(t, event(t, s, m, nil, hookMaintenanceShape)["incident_updates"])
	if err := json.Unmarshal(updates[0], &first); err != nil || first.Status != "completed" || len(updates) != len(m.Updates) {
		t.Errorf("got %d updates, the first %s, want %d, the first completed", len(updates), first.Status, len(m.Updates))
	}
}

func TestAWebhookSaysOfComponentsWhatReadersSee(t *testing.T) {
	s := told(t)
	i, p := s.board.Current().Incidents[0], s.board.Current().Page
	for condition, indicator := range map[status.Condition]string{status.Operational: "none", status.DegradedPerformance: "minor", status.MajorOutage: "critical"} {
		// Each is so, whatever the incident said of one of them: somebody overruled it since.
		components := seen(s)
		for n := range components {
			components[n].Condition = condition
		}
		body, err := statuspage.Hook{}.EventPayload(nil, i, p, nil, components, leave, generated)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Page struct {
				Indicator string `json:"status_indicator"`
			}
			Incident struct {
				Components []struct{ Status status.Condition }
			}
		}
		if err := json.Unmarshal(body, &got); err != nil || len(got.Incident.Components) != 1 {
			t.Fatalf("got %s (%v), want one component", body, err)
		}
		if got.Page.Indicator != indicator || got.Incident.Components[0].Status != condition {
			t.Errorf("got %+v, want the indicator %s and the component %s", got, indicator, condition)
		}
	}
}

func TestAWebhookOfAComponentHasTheShapeThatReadersRecorded(t *testing.T) {
	s := told(t)
	p, all := s.board.Current(), seen(s)
	c, at := all[0], time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	render := func() []byte {
		body, err := statuspage.Hook{}.ComponentPayload(c, status.Operational, status.PartialOutage, p.Page, p.Groups, all, leave, at, generated)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	first := render()
	whole := framed(t, first, "component", "component_update")
	component := has(t, "component", whole["component"], hookComponentShape)
	if string(component["status"]) != `"partial_outage"` || string(component["updated_at"]) != `"2027-01-15T06:00:00.000Z"` {
		t.Errorf("got %s, want a partial outage since 06:00", whole["component"])
	}
	change := has(t, "component_update", whole["component_update"], hookChangeShape)
	for name, want := range map[string]string{
		"old_status": "operational", "new_status": "partial_outage", "created_at": "2027-01-15T06:00:00.000Z",
		"component_type": "Component", "component_id": c.ID,
	} {
		if string(change[name]) != `"`+want+`"` {
			t.Errorf("%s: got %s, want %s", name, change[name], want)
		}
	}
	if again := render(); string(again) != string(first) {
		t.Errorf("got %s for the same change, want %s, its id too", again, first)
	}
}

func TestAWebhookOfNothingIsNotWritten(t *testing.T) {
	if body, err := (statuspage.Hook{}).EventPayload(nil, nil, status.Page{}, nil, nil, leave, generated); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %s, %v, want %v", body, err, status.ErrNotFound)
	}
}
