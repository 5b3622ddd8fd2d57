package statuspage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// The shapes that clients have recorded from Statuspage, in its order: a question mark marks what may be null, and x what is
// ours alone.
var (
	pageShape      = []string{"id", "name", "url", "time_zone", "updated_at"}
	componentShape = []string{
		"id", "name", "status", "created_at", "updated_at", "position", "description?", "showcase", "start_date?", "group_id?",
		"page_id", "group", "only_show_if_degraded",
	}
	headerShape = append(slices.Clone(componentShape), "components")
	updateShape = []string{
		"id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components?",
		"deliver_notifications", "custom_tweet?", "tweet_id?",
	}
	affectedShape = []string{"code", "name", "old_status", "new_status"}
	incidentShape = []string{
		"id", "name", "status", "created_at", "updated_at", "monitoring_at?", "resolved_at?", "impact", "shortlink", "started_at",
		"page_id", "incident_updates", "components",
	}
	maintenanceShape = append(slices.Clone(incidentShape), "scheduled_for", "scheduled_until", "interlude x")
	statusShape      = []string{"indicator", "description"}
)

// names are the names of an object's fields in the order in which they were sent.
func names(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	read := json.NewDecoder(bytes.NewReader(object))
	if open, err := read.Token(); err != nil || open != json.Delim('{') {
		t.Fatalf("got %s, want an object", object)
	}
	var all []string
	for read.More() {
		name, err := read.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := read.Decode(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(name))
	}
	return all
}

// has checks the names, their order and the nulls of an object.
func has(t *testing.T, what string, object json.RawMessage, shape []string) map[string]json.RawMessage {
	t.Helper()
	want := make([]string, len(shape))
	for i, name := range shape {
		want[i] = strings.TrimSuffix(strings.TrimSuffix(name, " x"), "?")
	}
	if got := names(t, object); !slices.Equal(got, want) {
		t.Errorf("%s: got the fields %v, want %v", what, got, want)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		t.Fatal(err)
	}
	for _, name := range shape {
		if plain := strings.TrimSuffix(strings.TrimSuffix(name, " x"), "?"); plain == name && string(values[name]) == "null" {
			t.Errorf("%s: %s is null, which clients have never seen", what, name)
		}
	}
	return values
}

func list(t *testing.T, raw json.RawMessage) []json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		t.Fatalf("got %s, want a list", raw)
	}
	return all
}

// told makes a site with an incident and maintenances in every state.
func told(t *testing.T) *site {
	s := open(t)
	apply := func(d status.MaintenanceDocument) {
		if _, err := s.keeper.Schedule(t.Context(), d, keeper.Request{By: status.Actor{Kind: status.Person, Name: "Ada"}}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(day, hour int) time.Time { return time.Date(2027, 1, day, hour, 0, 0, 0, time.UTC) }
	for name, w := range map[string]status.Window{
		"past": {Start: at(14, 6), End: at(14, 7)}, "running": {Start: at(15, 6), End: at(15, 7)}, "planned": {Start: at(20, 6), End: at(20, 7)},
		"off": {Start: at(21, 6), End: at(21, 7)},
	} {
		apply(status.MaintenanceDocument{
			Key: name, Title: name, Window: w, Affects: []string{"Message delivery", "APIs"}, Complete: status.Automatic,
			Promises: []status.Promise{{Audience: "Developers", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)}},
		})
	}
	if _, err := s.keeper.Cancel(t.Context(), "off", status.Post{}, keeper.Request{By: status.Actor{Kind: status.Person, Name: "Ada"}}); err != nil {
		t.Fatal(err)
	}
	for when := at(13, 13); !when.After(at(15, 6)); when = when.Add(time.Hour) {
		s.tick(when)
	}
	_, err := s.keeper.OpenIncident(t.Context(), status.IncidentDraft{
		Title: "Push is slow", NamedPost: status.NamedPost{Body: "We look.", Components: map[string]status.Condition{"Mobile Push": status.DegradedPerformance}},
	}, keeper.Request{By: status.Actor{Kind: status.Person, Name: "Ada"}})
	if err != nil {
		t.Fatal(err)
	}
	s.refresh()
	return s
}

func TestVersionTwoHasTheShapesThatClientsRecorded(t *testing.T) {
	s := told(t)
	for name, fields := range map[string][]string{
		"summary": {"page", "components", "incidents", "scheduled_maintenances", "status"}, "status": {"page", "status"},
		"components": {"page", "components"}, "incidents": {"page", "incidents"}, "incidents/unresolved": {"page", "incidents"},
		"scheduled-maintenances": {"page", "scheduled_maintenances"}, "scheduled-maintenances/upcoming": {"page", "scheduled_maintenances"},
		"scheduled-maintenances/active": {"page", "scheduled_maintenances"},
	} {
		_, text := s.send(http.MethodGet, "/api/v2/"+name+".json", "", nil)
		answer := has(t, name, text, fields)
		has(t, name+": page", answer["page"], pageShape)
		if raw, there := answer["status"]; there {
			has(t, name+": status", raw, statusShape)
		}
		if raw, there := answer["components"]; there {
			hasComponents(t, name, raw)
		}
		if raw, there := answer["incidents"]; there {
			hasEvents(t, name, raw, incidentShape)
		}
		if raw, there := answer["scheduled_maintenances"]; there {
			hasEvents(t, name, raw, maintenanceShape)
		}
	}
}

func hasComponents(t *testing.T, what string, raw json.RawMessage) {
	t.Helper()
	for _, c := range list(t, raw) {
		shape := componentShape
		if strings.Contains(string(c), `"group":true`) {
			shape = headerShape
		}
		has(t, what+": component", c, shape)
	}
}

func hasEvents(t *testing.T, what string, raw json.RawMessage, shape []string) {
	t.Helper()
	events := list(t, raw)
	if len(events) == 0 {
		t.Errorf("%s has no events, want some", what)
	}
	for _, e := range events {
		values := has(t, what, e, shape)
		for _, u := range list(t, values["incident_updates"]) {
			update := has(t, what+": update", u, updateShape)
			for _, a := range list(t, update["affected_components"]) {
				has(t, what+": affected", a, affectedShape)
			}
		}
		hasComponents(t, what, values["components"])
	}
}

func TestTimesAreInThePagesZoneWithMilliseconds(t *testing.T) {
	s := told(t)
	form := regexp.MustCompile(`"[a-z_]+_(?:at|for|until)":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"`)
	_, text := s.send(http.MethodGet, "/api/v2/summary.json", "", nil)
	if all, times := form.FindAllString(string(text), -1), strings.Count(string(text), "T06:00:00"); len(all) == 0 || times == 0 {
		t.Errorf("got %s, want times such as 2027-01-15T06:00:00.000Z", text)
	}
	s.call(http.StatusOK, http.MethodGet, "/incidents/"+s.board.Current().Maintenances[0].ID, nil)
	document := status.PageDocument{Page: status.PageFields{Name: "Northwind", TimeZone: "Africa/Johannesburg"}}
	if _, err := s.keeper.Apply(t.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	s.refresh()
	_, text = s.send(http.MethodGet, "/api/v2/summary.json", "", nil)
	if !strings.Contains(string(text), `"scheduled_for":"2027-01-15T08:00:00.000+02:00"`) || !strings.Contains(string(text), `"time_zone":"Africa/Johannesburg"`) {
		t.Errorf("got %s, want the offset of the page's zone", text)
	}
	code, managed := s.send(http.MethodGet, "/v1/pages/"+s.page+"/incidents/active_maintenance", "", nil)
	if code != http.StatusOK || !strings.Contains(string(managed), `"scheduled_for":"2027-01-15T06:00:00Z"`) {
		t.Errorf("got %s, want UTC and seconds in version 1", managed)
	}
}

func TestWhatTheFormatLacksStandsInAnObjectOfOurs(t *testing.T) {
	s := told(t)
	var answer struct {
		All []struct {
			Name, Status string
			Interlude    struct {
				State      string
				BeganAt    *string `json:"began_at"`
				EndedAt    *string `json:"ended_at"`
				CanceledAt *string `json:"canceled_at"`
				Promises   []struct {
					Audience string
					Most     int `json:"at_most_seconds"`
				}
			}
		} `json:"scheduled_maintenances"`
	}
	_, text := s.send(http.MethodGet, "/api/v2/scheduled-maintenances.json", "", nil)
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, m := range answer.All {
		x := m.Interlude
		got[m.Name] = fmt.Sprintf("%s %s began:%v ended:%v canceled:%v %s %d", m.Status, x.State, x.BeganAt != nil, x.EndedAt != nil, x.CanceledAt != nil,
			x.Promises[0].Audience, x.Promises[0].Most)
	}
	for name, want := range map[string]string{
		"past":    "completed completed began:true ended:true canceled:false Developers 300",
		"running": "in_progress in_progress began:true ended:false canceled:false Developers 300",
		"planned": "scheduled scheduled began:false ended:false canceled:false Developers 300",
		"off":     "completed canceled began:false ended:false canceled:true Developers 300",
	} {
		if got[name] != want {
			t.Errorf("%s: got %s, want %s", name, got[name], want)
		}
	}
}

func TestVersionTwoIsOpenToEverySiteAndCached(t *testing.T) {
	s := told(t)
	do := func(method, path string, header http.Header) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			r.Header[name] = values
		}
		answer, err := s.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	first := do(http.MethodGet, "/api/v2/summary.json", http.Header{"Accept-Encoding": {"br"}})
	if got := first.Header; got.Get("Access-Control-Allow-Origin") != "*" || got.Get("Content-Encoding") != "br" || got.Get("Etag") == "" ||
		got.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("got %v", got)
	}
	again := do(http.MethodGet, "/api/v2/summary.json", http.Header{"Accept-Encoding": {"br"}, "If-None-Match": {first.Header.Get("Etag")}})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("got %d for what the reader has, want 304", again.StatusCode)
	}
	for path, want := range map[string]int{
		"/api/v2/components.json": 200, "/api/v2/summary": 200, "/api/v2/nothing.json": 404,
		"/api/v2/incidents/" + s.board.Current().Incidents[0].ID + ".json": 200, "/api/v2/incidents/nothing.json": 404,
	} {
		head := do(http.MethodHead, path, nil)
		body, err := io.ReadAll(head.Body)
		if err != nil || head.StatusCode != want || len(body) != 0 {
			t.Errorf("HEAD %s: got %d and %d bytes, want %d and none", path, head.StatusCode, len(body), want)
		}
	}
	if answer := do(http.MethodOptions, "/api/v2/summary.json", http.Header{"Origin": {"https://example.com"}}); answer.StatusCode != http.StatusNoContent ||
		answer.Header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("got %d %v for a browser's question", answer.StatusCode, answer.Header)
	}
	if answer := do(http.MethodPost, "/api/v2/summary.json", nil); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %d for a POST, want 405", answer.StatusCode)
	}
}

func TestTheOverallStatusFollowsTheComponents(t *testing.T) {
	all := []string{"Email", "Mobile Push", "Web Application", "APIs"}
	for _, c := range []struct {
		set  map[string]string
		want string
	}{
		{nil, "none All Systems Operational"},
		{map[string]string{"APIs": "under_maintenance"}, "maintenance Service Under Maintenance"},
		{map[string]string{"APIs": "degraded_performance", "Email": "under_maintenance"}, "minor Partially Degraded Service"},
		{map[string]string{"all": "degraded_performance"}, "minor Degraded System Service"},
		{map[string]string{"APIs": "partial_outage"}, "minor Minor Service Outage"},
		{map[string]string{"all": "partial_outage"}, "major Partial System Outage"},
		{map[string]string{"APIs": "major_outage"}, "major Partial System Outage"},
		{map[string]string{"all": "major_outage"}, "critical Major System Outage"},
	} {
		s := open(t)
		for name, word := range c.set {
			names := []string{name}
			if name == "all" {
				names = all
			}
			for _, n := range names {
				if _, err := s.keeper.SetComponent(t.Context(), s.ids[n], status.Condition(word), keeper.Request{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.refresh()
		overall, _ := s.public("status.json")["status"].(object)
		if got := fmt.Sprint(overall["indicator"], " ", overall["description"]); got != c.want {
			t.Errorf("%v: got %s, want %s", c.set, got, c.want)
		}
	}
}
