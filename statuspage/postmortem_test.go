package statuspage_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// resolvedIncident opens an incident and resolves it.
func (s *site) resolvedIncident() string {
	s.Helper()
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "APIs fail"}})
	id, _ := made["id"].(string)
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{"status": "resolved", "body": "Over."}})
	return id
}

func TestAPostmortemIsWrittenPublishedAndTakenBack(t *testing.T) {
	s := open(t)
	id := s.resolvedIncident()
	path := "/incidents/" + id + "/postmortem"
	if got := s.call(http.StatusNotFound, http.MethodGet, path, nil); got["error"] != "Postmortem not found" {
		t.Errorf("got %v, want that there is none", got)
	}
	s.clock.Set(noon.Add(time.Hour))
	s.call(http.StatusOK, http.MethodPut, path, object{"postmortem": object{"body_draft": "## What happened"}})
	draft := s.call(http.StatusOK, http.MethodGet, path+".json", nil)
	want := object{
		"preview_key": nil, "body": nil, "body_updated_at": nil, "body_draft": "## What happened", "body_draft_updated_at": "2027-01-13T13:00:00Z",
		"published_at": nil, "notify_subscribers": false, "notify_twitter": false, "custom_tweet": nil,
		"created_at": "2027-01-13T13:00:00Z", "updated_at": "2027-01-13T13:00:00Z",
	}
	if fmt.Sprint(draft) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", draft, want)
	}
	if shown := fmt.Sprint(s.public("incidents.json")); strings.Contains(shown, "What happened") {
		t.Errorf("got %s, want the draft hidden from readers", shown)
	}
	s.clock.Set(noon.Add(2 * time.Hour))
	for range 2 { // a client that asks again changes nothing
		out := s.call(http.StatusOK, http.MethodPut, path+"/publish", object{"postmortem": object{"notify_subscribers": true, "notify_twitter": false, "custom_tweet": ""}})
		if out["body"] != "## What happened" || out["published_at"] != "2027-01-13T14:00:00Z" || out["notify_subscribers"] != true {
			t.Errorf("got %v, want it published", out)
		}
		s.clock.Set(noon.Add(3 * time.Hour))
	}
	incident := s.public("incidents.json")["incidents"].([]any)[0].(object)
	updates := incident["incident_updates"].([]any)
	if incident["status"] != "postmortem" || len(updates) != 3 || updates[0].(object)["body"] != "## What happened" {
		t.Errorf("got %v, want readers to see the postmortem once, last", incident)
	}
	managed := s.call(http.StatusOK, http.MethodGet, "/incidents/"+id, nil)
	if managed["postmortem_body"] != "## What happened" || managed["postmortem_notified_subscribers"] != true {
		t.Errorf("got %v", managed)
	}
	back := s.call(http.StatusOK, http.MethodPut, path+"/revert", nil)
	if back["body"] != nil || back["body_draft"] != "## What happened" || back["published_at"] != nil {
		t.Errorf("got %v, want a draft again", back)
	}
	incident = s.public("incidents.json")["incidents"].([]any)[0].(object)
	if incident["status"] != "resolved" || strings.Contains(fmt.Sprint(incident), "What happened") {
		t.Errorf("got %v, want readers to see it resolved", incident)
	}
	if got := s.call(http.StatusUnprocessableEntity, http.MethodPut, path+"/revert", nil); !strings.Contains(fmt.Sprint(got["error"]), "no postmortem is published") {
		t.Errorf("got %v, want that there is nothing to take back", got)
	}
}

func TestAPostmortemIsWrittenAnewAndDeleted(t *testing.T) {
	s := open(t)
	id := s.resolvedIncident()
	path := "/incidents/" + id + "/postmortem"
	write := func(text string) {
		form := url.Values{"postmortem[body_draft]": {text}}.Encode()
		if code, answer := s.send(http.MethodPut, "/v1/pages/"+s.page+path+".json", "application/x-www-form-urlencoded", form); code != http.StatusOK {
			t.Fatalf("got %d %s", code, answer)
		}
		s.call(http.StatusOK, http.MethodPut, path+"/publish", nil)
	}
	write("First.")
	s.clock.Set(noon.Add(time.Hour))
	write("Second.")
	got := s.call(http.StatusOK, http.MethodGet, path, nil)
	if got["body"] != "Second." || got["notify_subscribers"] != false || got["created_at"] != "2027-01-13T12:00:00Z" || got["body_updated_at"] != "2027-01-13T13:00:00Z" {
		t.Errorf("got %v, want the second text, told to nobody", got)
	}
	shown := func() int {
		incident := s.public("incidents.json")["incidents"].([]any)[0].(object)
		return len(incident["incident_updates"].([]any))
	}
	if n := shown(); n != 3 {
		t.Errorf("readers see %d updates, want 3: words that were replaced are not told twice", n)
	}
	told := s.call(http.StatusOK, http.MethodPut, path+"/publish", object{"postmortem": object{"notify_subscribers": true}})
	if n := shown(); n != 4 || told["notify_subscribers"] != true {
		t.Errorf("readers see %d updates and %v, want another one that subscribers are told of", n, told)
	}
	code, answer := s.send(http.MethodDelete, "/v1/pages/"+s.page+path, "", nil)
	if code != http.StatusNoContent || len(answer) != 0 {
		t.Errorf("got %d %s, want 204 without a body", code, answer)
	}
	s.call(http.StatusNotFound, http.MethodGet, path, nil)
	s.call(http.StatusNotFound, http.MethodDelete, path, nil)
	if incident := s.call(http.StatusOK, http.MethodGet, "/incidents/"+id, nil); incident["status"] != "resolved" || incident["postmortem_body"] != nil {
		t.Errorf("got %v, want it resolved without a postmortem", incident)
	}
}

func TestOnlyAResolvedIncidentHasAPostmortem(t *testing.T) {
	s := open(t)
	maintenance, _ := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))["id"].(string)
	incident, _ := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "APIs fail"}})["id"].(string)
	done := s.resolvedIncident()
	text := object{"postmortem": object{"body_draft": "Words."}}
	for _, c := range []struct {
		method, path string
		send         any
		says         string
	}{
		{http.MethodGet, "/incidents/" + maintenance + "/postmortem", nil, "A maintenance has no postmortem: what was done and how long it took stands in its report"},
		{http.MethodPut, "/incidents/" + maintenance + "/postmortem", text, "A maintenance has no postmortem: what was done and how long it took stands in its report"},
		{http.MethodPut, "/incidents/" + incident + "/postmortem", text, "The incident is investigating: only one that is resolved has a postmortem"},
		{http.MethodPut, "/incidents/" + incident + "/postmortem/publish", nil, "The incident is investigating: only one that is resolved has a postmortem"},
		{http.MethodPut, "/incidents/" + done + "/postmortem", object{}, "body_draft is required: what readers are to know once it is published"},
		{http.MethodPut, "/incidents/" + done + "/postmortem", object{"postmortem": object{"body_draft": strings.Repeat("x", 70_000)}}, "body must have at most 64 KiB, not 68"},
		{http.MethodPut, "/incidents/" + done + "/postmortem/publish", nil, "postmortem has no draft yet: write one before it is published"},
		{http.MethodPut, "/incidents/" + done + "/postmortem/publish", object{"postmortem": object{"notify_twitter": true}}, "notify_twitter cannot be honoured: nothing is posted to Twitter"},
		{http.MethodPut, "/incidents/" + done + "/postmortem/publish", object{"postmortem": object{"custom_tweet": "Oh."}}, "custom_tweet cannot be honoured: nothing is posted to Twitter"},
	} {
		if got := s.refused(c.method, c.path, c.send); got != c.says {
			t.Errorf("%s %s: got %s, want %s", c.method, c.path, got, c.says)
		}
	}
	s.call(http.StatusNotFound, http.MethodGet, "/incidents/nothing/postmortem", nil)
	s.call(http.StatusNotFound, http.MethodPut, "/incidents/nothing/postmortem", text)
	s.call(http.StatusMethodNotAllowed, http.MethodPost, "/incidents/"+done+"/postmortem", text)
}
