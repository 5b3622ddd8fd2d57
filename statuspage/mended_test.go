package statuspage_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// patch changes an event and returns it.
func (s *site) patch(want int, id any, fields object) object {
	s.Helper()
	return s.call(want, http.MethodPatch, fmt.Sprint("/incidents/", id), object{"incident": fields})
}

// bodies are the words of an event's updates, newest first.
func bodies(event object) []string {
	var all []string
	updates, _ := event["incident_updates"].([]any)
	for _, u := range updates {
		u, _ := u.(object)
		all = append(all, fmt.Sprint(u["body"]))
	}
	return all
}

func TestAMaintenanceMayBeginNow(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Now", "status": "in_progress", "scheduled_for": "2027-01-13T11:59:58Z", "scheduled_until": "2027-01-13T13:00:00Z",
	}})
	if made["status"] != "in_progress" {
		t.Errorf("got %v", made)
	}
	document := status.PageDocument{Page: status.PageFields{Name: "Northwind", LeastNotice: status.Duration(48 * time.Hour)}}
	if _, err := s.keeper.Apply(t.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	s.refresh()
	fields := object{"name": "Soon", "scheduled_for": "2027-01-13T13:00:00Z", "scheduled_until": "2027-01-13T14:00:00Z"}
	s.call(http.StatusUnprocessableEntity, http.MethodPost, "/incidents", object{"incident": fields})
	fields["short_notice"] = "A security hole."
	s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": fields})
}

func TestAMaintenanceOfThePastIsEntered(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Last week", "status": "completed", "scheduled_for": "2027-01-06T06:00:00Z", "scheduled_until": "2027-01-06T07:00:00Z",
		"body": "Done.", "component_ids": []string{s.ids["APIs"]}, "metadata": object{"a": object{"b": "c"}},
	}})
	if made["status"] != "completed" || made["backfilled"] != true || made["resolved_at"] != "2027-01-06T07:00:00Z" || bodies(made)[0] != "Done." {
		t.Errorf("got %v", made)
	}
	if metadata, _ := made["metadata"].(object); metadata["a"] == nil {
		t.Errorf("got the metadata %v", made["metadata"])
	}
}

func TestWhatWasReadCanBeSentBack(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(object{
		"scheduled_for": "2027-01-15T06:00:00.123456+00:00", "scheduled_until": "2027-01-15T07:00:00.987654+00:00",
	}))
	s.tick(time.Date(2027, 1, 15, 6, 1, 0, 0, time.UTC))
	read := s.call(http.StatusOK, http.MethodGet, fmt.Sprint("/incidents/", made["id"]), nil)
	updates := len(bodies(read))
	back := s.call(http.StatusOK, http.MethodPut, fmt.Sprint("/incidents/", made["id"]), object{"incident": read})
	if len(bodies(back)) != updates || back["status"] != "in_progress" || len(back["components"].([]any)) != 2 { //nolint:forcetypeassert // a panic fails the test too
		t.Errorf("got %v, want what was sent, and nothing posted", back)
	}
	longer := s.patch(http.StatusOK, made["id"], object{"scheduled_for": read["scheduled_for"], "scheduled_until": "2027-01-15T08:00:00Z", "body": "It takes longer."})
	if longer["scheduled_until"] != "2027-01-15T08:00:00Z" || len(bodies(longer)) != updates+1 || !strings.HasPrefix(bodies(longer)[0], "It takes longer.") {
		t.Errorf("got %v, want the new end told once, with the words given", bodies(longer))
	}
	shorter := s.patch(http.StatusOK, made["id"], object{"scheduled_until": "2027-01-15T07:30:00Z"})
	if shorter["scheduled_until"] != "2027-01-15T07:30:00Z" || !strings.Contains(bodies(shorter)[0], "earlier than announced: by 07:30 UTC in place of 08:00 UTC") {
		t.Errorf("got %v", shorter)
	}
	s.patch(http.StatusUnprocessableEntity, made["id"], object{"scheduled_until": "2027-01-15T06:00:30Z"})
	over := s.patch(http.StatusOK, made["id"], object{"status": "completed", "scheduled_until": "2027-01-15T06:01:00Z"})
	if over["status"] != "completed" || over["scheduled_until"] != "2027-01-15T07:30:00Z" {
		t.Errorf("got %v, want it completed early, and the announced end as it was", over)
	}
}

func TestNothingThatAsksIsPassedOver(t *testing.T) {
	s := open(t)
	incident := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "Down"}})
	for _, c := range []struct {
		send object
		says string
	}{
		{object{"name": "X", "reminder_intervals": "4"}, "reminder_intervals cannot be honoured"},
		{object{"name": "X", "reminder_intervals": 4}, "reminder_intervals cannot be honoured"},
		{object{"name": "X", "backfill_date": "2027-01-01"}, "backfill_date is that of an incident of the past"},
		{object{"name": "X", "backfilled": true, "status": "investigating"}, "status of an incident of the past that is backfilled is resolved"},
		{object{"name": "X", "backfilled": true, "scheduled_for": "2027-01-01T06:00:00Z"}, "scheduled_for cannot be given for an incident of the past"},
		{object{"name": "X", "scheduled_auto_completed": true}, "scheduled_auto_completed is a maintenance's"},
		{object{"name": "X", "scheduled_for": "2027-01-15T06:00:00Z", "scheduled_until": "2027-01-15T07:00:00Z", "status": "investigating"}, "status must be one of scheduled"},
		{object{"name": "X", "scheduled_for": "9999-12-30T23:59:59Z", "scheduled_until": "9999-12-31T23:59:59-12:00"}, "scheduled_for must be a time"},
		{object{"name": "X", "backfilled": true, "backfill_date": "0000-01-01"}, "backfill_date must be a day"},
	} {
		got := s.call(http.StatusUnprocessableEntity, http.MethodPost, "/incidents", object{"incident": c.send})
		if rules := fmt.Sprint(got["error"]); !strings.Contains(rules, c.says) {
			t.Errorf("%v: got %s, want %q", c.send, rules, c.says)
		}
	}
	for _, send := range []object{
		{"backfilled": true}, {"backfill_date": "2027-01-01"}, {"scheduled_remind_prior": true}, {"auto_transition_to_operational_state": true},
	} {
		s.patch(http.StatusUnprocessableEntity, incident["id"], send)
	}
	past := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Y", "backfilled": true, "backfill_date": "2027-01-01", "metadata": object{"a": object{"b": "c"}}, "reminder_intervals": "[]",
	}})
	if metadata, _ := past["metadata"].(object); metadata["a"] == nil || past["created_at"] != "2027-01-01T00:00:00Z" {
		t.Errorf("got %v", past)
	}
	s.patch(http.StatusOK, past["id"], object{"backfilled": true, "name": "Z"})
}

func TestAComponentThatAnIncidentNoLongerNamesStaysAsItWas(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Down", "components": object{s.ids["APIs"]: "major_outage", s.ids["Email"]: "partial_outage"},
	}})
	s.patch(http.StatusOK, made["id"], object{"component_ids": []string{s.ids["Email"]}})
	if got := s.condition("APIs"); got != "major_outage" {
		t.Errorf("got %s, want it as it was: nobody said otherwise", got)
	}
	s.call(http.StatusOK, http.MethodPatch, "/components/"+s.ids["APIs"], object{"component": object{"status": "operational"}})
	s.patch(http.StatusOK, made["id"], object{"status": "resolved"})
	if got := s.condition("APIs") + " " + s.condition("Email"); got != "operational partial_outage" {
		t.Errorf("got %s, want what was set, and what was left", got)
	}
}

func TestEarlierUpdatesKeepWhatTheySaid(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "Down"}})
	s.clock.Set(noon.Add(time.Hour))
	got := s.patch(http.StatusOK, made["id"], object{"component_ids": []string{s.ids["APIs"]}})
	updates, _ := got["incident_updates"].([]any)
	first, _ := updates[0].(object)
	if first["affected_components"] != nil {
		t.Errorf("got %v for an update that named none, want null", first["affected_components"])
	}
	path := fmt.Sprintf("/incidents/%v/incident_updates/%v", made["id"], first["id"])
	s.call(http.StatusOK, http.MethodPatch, path, object{"incident_update": object{"display_at": first["display_at"]}})
	moved := s.call(http.StatusOK, http.MethodPatch, path, object{"incident_update": object{"display_at": "2027-01-13T11:00:00Z"}})
	if moved["display_at"] != "2027-01-13T11:00:00.000Z" || moved["created_at"] != first["created_at"] {
		t.Errorf("got %v, want it moved, and when it was made as it was", moved)
	}
	s.call(http.StatusUnprocessableEntity, http.MethodPatch, path, object{"incident_update": object{"display_at": "0001-01-01T00:00:00Z"}})
}

func TestAnIncidentRaisesTheStatusWhenAPersonSaysSo(t *testing.T) {
	s := open(t)
	overall := func() string {
		all, _ := s.public("status.json")["status"].(object)
		return fmt.Sprint(all["indicator"], " ", all["description"])
	}
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Down", "components": object{s.ids["APIs"]: "partial_outage"},
	}})
	if got, want := overall(), "minor Minor Service Outage"; got != want {
		t.Errorf("got %s, want %s: as its component shows", got, want)
	}
	s.patch(http.StatusOK, made["id"], object{"impact_override": "critical"})
	if got, want := overall(), "critical Major System Outage"; got != want {
		t.Errorf("got %s, want %s: a person said so", got, want)
	}
}

func TestHostileBodiesHarmNobody(t *testing.T) {
	s := open(t)
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/incidents", "application/json", `{"incident": {"name": "X", "metadata": `+deep+`}}`)
	if code != http.StatusBadRequest {
		t.Errorf("got %d %.200s for metadata that lies too deep, want 400", code, answer)
	}
	ids := make([]string, 100_000)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	s.call(http.StatusUnprocessableEntity, http.MethodPost, "/component-groups", object{"component_group": object{"name": "G", "components": ids}})
	if code, answer = s.send(http.MethodPost, "/v1/pages/"+s.page+"/incidents", "", "\ufeff{\"incident\": {\"name\": \"X\"}}"); code != http.StatusCreated {
		t.Errorf("got %d %s for a body behind a byte order mark, want 201", code, answer)
	}
	form := "incident[name]=X&incident[scheduled_for]=2027-01-15T06:00:00+00:00&incident[scheduled_until]=2027-01-15T08:00:00+01:00"
	if code, answer = s.send(http.MethodPost, "/v1/pages/"+s.page+"/incidents", "application/x-www-form-urlencoded", form); code != http.StatusCreated {
		t.Errorf("got %d %s for a plus that was not escaped, want 201", code, answer)
	}
	headers := s.list("/components")
	empty := s.call(http.StatusCreated, http.MethodPost, "/component-groups", object{"component_group": object{"name": "Empty"}})
	found := slices.ContainsFunc(s.list("/components"), func(c object) bool {
		members, isList := c["components"].([]any)
		return c["id"] == empty["id"] && isList && len(members) == 0
	})
	if !found || len(headers) == 0 {
		t.Error("got no header with an empty list of components for an empty group")
	}
}

func TestAnEventOutlivesAComponentThatItNames(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/components", object{"component": object{"name": "Trial"}})
	trial := fmt.Sprint(made["id"])
	incident := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Down", "components": object{trial: "major_outage", s.ids["APIs"]: "partial_outage"},
	}})
	s.call(http.StatusNoContent, http.MethodDelete, "/components/"+trial, nil)
	read := s.call(http.StatusOK, http.MethodGet, fmt.Sprint("/incidents/", incident["id"]), nil)
	s.patch(http.StatusOK, incident["id"], read)
	over := s.patch(http.StatusOK, incident["id"], object{
		"status": "resolved", "component_ids": []string{trial, s.ids["APIs"]}, "components": object{trial: "operational", s.ids["APIs"]: "operational"},
	})
	if over["status"] != "resolved" || s.condition("APIs") != "operational" {
		t.Errorf("got %v and %s", over["status"], s.condition("APIs"))
	}
	s.patch(http.StatusUnprocessableEntity, s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "Other"}})["id"],
		object{"component_ids": []string{trial}})
}

func TestTheWindowOfWhatIsOverStays(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))
	s.patch(http.StatusOK, made["id"], object{"status": "completed"})
	for _, until := range []string{"2027-01-15T06:30:00Z", "2027-01-15T08:00:00Z"} {
		got := s.patch(http.StatusUnprocessableEntity, made["id"], object{"scheduled_until": until})
		if rules := fmt.Sprint(got["error"]); !strings.Contains(rules, "scheduled_until cannot be changed any more") {
			t.Errorf("got %s, want the field that was sent", rules)
		}
	}
}

func TestWhatIsSetWithoutWordsCountsForTheImpact(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "Slow", "components": object{s.ids["APIs"]: "degraded_performance"},
	}})
	got := s.patch(http.StatusOK, made["id"], object{"components": object{s.ids["APIs"]: "major_outage"}})
	if got["impact"] != "critical" || s.condition("APIs") != "major_outage" {
		t.Errorf("got the impact %v and the component %s, want critical and major_outage", got["impact"], s.condition("APIs"))
	}
}

func TestASubscriberThatWasReadCanBeSentBack(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/subscribers", object{"subscriber": object{
		"email": "ada@example.com", "component_ids": []string{s.ids["APIs"]},
	}})
	path := fmt.Sprint("/subscribers/", made["id"])
	back := s.call(http.StatusOK, http.MethodPatch, path, s.call(http.StatusOK, http.MethodGet, path, nil))
	if fmt.Sprint(back["components"]) != fmt.Sprint([]any{s.ids["APIs"]}) {
		t.Errorf("got the components %v, want what was sent", back["components"])
	}
	if all := s.call(http.StatusOK, http.MethodPatch, path, object{}); all["components"] != nil {
		t.Errorf("got %v, want all components when none are named", all["components"])
	}
}
