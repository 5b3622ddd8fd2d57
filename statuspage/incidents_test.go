package statuspage_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// maintenance is what a client sends to announce one.
func (s *site) maintenance(more object) object {
	m := object{
		"name": "Database upgrade", "status": "scheduled", "body": "We upgrade our databases.",
		"scheduled_for": "2027-01-15T06:00:00Z", "scheduled_until": "2027-01-15T07:00:00Z",
		"scheduled_remind_prior": true, "scheduled_auto_in_progress": true, "scheduled_auto_completed": true,
		"auto_transition_to_maintenance_state": true, "auto_transition_to_operational_state": true,
		"component_ids": []string{s.ids["Email"], s.ids["APIs"]},
	}
	for name, value := range more {
		m[name] = value
	}
	return object{"incident": m}
}

func TestAMaintenanceOfTheManagementAPIRunsByTheClock(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))
	if made["status"] != "scheduled" || made["impact"] != "maintenance" || made["scheduled_for"] != "2027-01-15T06:00:00Z" ||
		made["scheduled_auto_completed"] != true || made["scheduled_remind_prior"] != true || made["scheduled_reminded_at"] != nil {
		t.Errorf("got %v", made)
	}
	id, _ := made["id"].(string)
	states := map[string]string{"2027-01-15T05:00:00Z": "scheduled", "2027-01-15T06:00:00Z": "in_progress", "2027-01-15T07:00:00Z": "completed"}
	for _, at := range []string{"2027-01-15T05:00:00Z", "2027-01-15T06:00:00Z", "2027-01-15T07:00:00Z"} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		s.tick(when)
		got := s.call(http.StatusOK, http.MethodGet, "/incidents/"+id, nil)
		if got["status"] != states[at] {
			t.Errorf("at %s: got %v, want %s", at, got["status"], states[at])
		}
		want := "operational"
		if states[at] == "in_progress" {
			want = "under_maintenance"
		}
		if condition := s.condition("APIs"); condition != want {
			t.Errorf("at %s the component is %v, want %s", at, condition, want)
		}
		if got["scheduled_reminded_at"] != "2027-01-15T05:00:00Z" {
			t.Errorf("at %s it was reminded at %v, want an hour before its start", at, got["scheduled_reminded_at"])
		}
	}
}

// condition is what version 2 shows of a component.
func (s *site) condition(name string) string {
	s.Helper()
	components, _ := s.public("components.json")["components"].([]any)
	for _, c := range components {
		if c, _ := c.(object); c["name"] == name {
			word, _ := c["status"].(string)
			return word
		}
	}
	s.Fatalf("version 2 has no component %s", name)
	return ""
}

func TestWithoutAutomationAComponentStaysWhatClientsMakeIt(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Upgrade", "scheduled_for": "2027-01-15 06:00:00 +0000 UTC", "scheduled_until": "2027-01-15T07:00:00.0000000+00:00",
		"components": object{s.ids["APIs"]: "operational"},
	}})
	id, _ := made["id"].(string)
	s.tick(time.Date(2027, 1, 15, 6, 30, 0, 0, time.UTC))
	for _, step := range []struct {
		send   object
		status string
		shown  string
	}{
		{object{"name": "Upgrade of the API"}, "scheduled", "operational"},
		{object{"status": "in_progress"}, "in_progress", "operational"},
		{object{"components": object{s.ids["APIs"]: "under_maintenance"}}, "in_progress", "under_maintenance"},
		{object{"status": "verifying", "body": "Looking."}, "verifying", "under_maintenance"},
		{object{"status": "completed"}, "completed", "under_maintenance"},
	} {
		got := s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": step.send})
		if got["status"] != step.status || s.condition("APIs") != step.shown {
			t.Errorf("after %v: got %v and %s, want %s and %s", step.send, got["status"], s.condition("APIs"), step.status, step.shown)
		}
	}
}

func TestAnIncidentIsOpenedMovedAndResolved(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "APIs fail", "components": object{s.ids["APIs"]: "partial_outage"}, "impact_override": "", "body": "", "component_ids": nil,
		"metadata": object{"jira": object{"issue": "OPS-1", "n": 3}},
	}})
	if made["status"] != "investigating" || made["impact"] != "major" || made["impact_override"] != nil || s.condition("APIs") != "partial_outage" {
		t.Errorf("got %v, the component is %s", made, s.condition("APIs"))
	}
	metadata, _ := made["metadata"].(object)
	if jira, _ := metadata["jira"].(object); jira["issue"] != "OPS-1" || jira["n"] != 3.0 {
		t.Errorf("got the metadata %v", metadata)
	}
	id, _ := made["id"].(string)
	got := s.call(http.StatusOK, http.MethodPut, "/incidents/"+id, object{"incident": object{"status": "monitoring", "body": "Better."}})
	if got["monitoring_at"] == nil || got["resolved_at"] != nil {
		t.Errorf("got %v", got)
	}
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{"status": "resolved"}})
	if s.condition("APIs") != "partial_outage" {
		t.Errorf("the component is %s, want it as it was: nobody said otherwise", s.condition("APIs"))
	}
	if unresolved := s.list("/incidents/unresolved.json"); len(unresolved) != 0 {
		t.Errorf("got %v, want none", unresolved)
	}
	second := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Again", "components": object{s.ids["APIs"]: "major_outage"},
	}})
	id, _ = second["id"].(string)
	got = s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{
		"status": "resolved", "body": "Over.", "components": object{s.ids["APIs"]: "operational"},
	}})
	if s.condition("APIs") != "operational" || got["resolved_at"] == nil {
		t.Errorf("the component is %s, the incident %v", s.condition("APIs"), got)
	}
}

func TestAllEncodingsSayTheSame(t *testing.T) {
	form := url.Values{
		"incident[name]": {"Upgrade"}, "incident[status]": {"scheduled"}, "incident[message]": {"Words & more."},
		"incident[scheduled_for]": {"2027-01-15T06:00:00Z"}, "incident[scheduled_until]": {"2027-01-15T07:00:00Z"},
		"incident[scheduled_remind_prior]": {"t"}, "incident[wants_twitter_update]": {"f"},
	}
	const text = `{"incident": {"name": "Upgrade", "status": "scheduled", "body": "Words & more.", "scheduled_for": "2027-01-15T06:00:00Z",
		"scheduled_until": "2027-01-15T07:00:00Z", "scheduled_remind_prior": true}}`
	for name, c := range map[string]struct{ contentType, body string }{
		"JSON":              {"application/json", text},
		"JSON without type": {"", text},
		"JSON as a form":    {"application/x-www-form-urlencoded", text},
		"brackets":          {"application/x-www-form-urlencoded", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			body := c.body
			if body == "" {
				form["incident[component_ids][]"] = []string{s.ids["Email"], s.ids["APIs"]}
				body = form.Encode()
			}
			code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/incidents.json", c.contentType, body)
			if code != http.StatusCreated {
				t.Fatalf("got %d %s", code, answer)
			}
			m := s.board.Current().Maintenances[0]
			if m.Title != "Upgrade" || m.Updates[0].Body != "Words & more." || len(m.Reminders) != 1 || !m.Window.Start.Equal(time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)) {
				t.Errorf("got %+v", m)
			}
			if c.body == "" && len(m.Affects) != 2 {
				t.Errorf("got the components %v, want two", m.Affects)
			}
		})
	}
}

func TestWhatCannotBeHonouredIsRefusedInWords(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		send object
		code int
		says string
	}{
		{object{}, 422, "name is required: what readers see first"},
		{object{"name": "X", "status": "exploded"}, 422, "status must be one of investigating, identified, monitoring, resolved, postmortem, scheduled, in_progress, verifying, completed, not \"exploded\""},
		{object{"name": "X", "scheduled_for": "2027-01-15T06:00:00Z"}, 422, "scheduled_for and scheduled_until are both required for a maintenance"},
		{object{"name": "X", "scheduled_for": "2027-01-15T06:00:00Z", "scheduled_until": "2027-01-15T06:00:00Z"}, 422, ""},
		{object{"name": "X", "scheduled_for": "tomorrow", "scheduled_until": "2027-01-15T06:00:00Z"}, 422, "scheduled_for must be a time such as 2027-01-15T06:00:00Z"},
		{object{"name": "X", "auto_tweet_on_creation": true}, 422, "auto_tweet_on_creation cannot be honoured: nothing is posted to Twitter"},
		{object{"name": "X", "reminder_intervals": "[1,5]"}, 422, "reminder_intervals cannot be honoured: nobody is reminded of an incident that stays open. Send [] or leave it out"},
		{object{"name": "X", "component_ids": []string{"nothing"}}, 422, "component_ids names no component of the page: \"nothing\""},
		{object{"name": "X", "metadata": object{"a": 1}}, 422, "metadata.a must be an object"},
		{object{"name": "X", "backfilled": true, "components": object{s.ids["APIs"]: "operational"}}, 422, "components cannot be given for an incident of the past that is backfilled"},
	} {
		got := s.call(c.code, http.MethodPost, "/incidents", object{"incident": c.send})
		rules, _ := got["error"].([]any)
		if len(rules) != 1 || c.says != "" && rules[0] != c.says {
			t.Errorf("%v: got %v, want %q", c.send, got["error"], c.says)
		}
	}
	if p := s.board.Current(); len(p.Maintenances)+len(p.Incidents)+len(p.Past) != 0 {
		t.Errorf("got %d events, want none: every request was refused", len(p.Maintenances)+len(p.Incidents)+len(p.Past))
	}
}

func TestAPlannedMaintenanceIsCalledOffOrWithdrawn(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))
	id, _ := made["id"].(string)
	got := s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{"status": "completed", "body": "Not needed."}})
	extension, _ := got["interlude"].(object)
	if got["status"] != "completed" || extension["state"] != "canceled" || extension["began_at"] != nil || extension["canceled_at"] == nil {
		t.Errorf("got %v", got)
	}
	gone := s.call(http.StatusOK, http.MethodDelete, "/incidents/"+id, nil)
	if gone["id"] != id {
		t.Errorf("got %v, want what was deleted", gone)
	}
	s.call(http.StatusNotFound, http.MethodGet, "/incidents/"+id, nil)
	if all, _ := s.public("scheduled-maintenances.json")["scheduled_maintenances"].([]any); len(all) != 0 {
		t.Errorf("got %v, want readers to see nothing of it", all)
	}
}
