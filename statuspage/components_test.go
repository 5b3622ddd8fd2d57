package statuspage_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// as sends JSON below the page with a token of a scope.
func (s *site) as(scope, method, path string, body any) (int, object) {
	s.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.server.URL+"/v1/pages/"+s.page+path, strings.NewReader(string(text)))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "OAuth "+scope)
	answer, err := s.server.Client().Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	var said object
	_ = json.NewDecoder(answer.Body).Decode(&said) // an answer without a body has nothing to say
	return answer.StatusCode, said
}

// component wraps what is said of one.
func component(fields object) object { return object{"component": fields} }

// holds reports the fields of an answer that are not as wanted.
func (s *site) holds(what string, got, want object) {
	s.Helper()
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			s.Errorf("%s: got %s %v, want %v", what, name, got[name], value)
		}
	}
}

// inPublic is a component as version 2 shows it.
func (s *site) inPublic(id string) object {
	s.Helper()
	all, _ := s.public("components.json")["components"].([]any)
	for _, c := range all {
		if c, _ := c.(object); c["id"] == id {
			return c
		}
	}
	return nil
}

func TestAComponentIsTheSameInBothVersions(t *testing.T) {
	s := open(t)
	said := object{
		"name": "Exports", "description": "Files by mail.", "status": "degraded_performance", "group_id": s.ids["Message delivery"],
		"showcase": false, "only_show_if_degraded": true, "start_date": "2026-11-02",
	}
	made := s.call(http.StatusCreated, http.MethodPost, "/components.json", component(said))
	id, _ := made["id"].(string)
	s.holds("created", made, said)
	s.holds("created", made, object{"automation_email": nil, "group": false, "position": 3.0, "page_id": s.page})
	s.holds("read", s.call(http.StatusOK, http.MethodGet, "/components/"+id, nil), made)
	public := s.inPublic(id)
	for _, name := range []string{"name", "description", "status", "group_id", "showcase", "only_show_if_degraded", "start_date", "position"} {
		if public[name] != made[name] {
			t.Errorf("version 2: got %s %v, want %v", name, public[name], made[name])
		}
	}
	c, _ := s.board.Current().Component(id)
	want := status.Component{
		ID: id, Name: "Exports", GroupID: s.ids["Message delivery"], Description: "Files by mail.", Position: 3, Version: 1,
		Condition: status.DegradedPerformance, SetAt: noon, HideUptime: true, OnlyIfDegraded: true,
		Start: status.Date{Year: 2026, Month: time.November, Day: 2}, Created: noon, Changed: noon,
	}
	if c != want {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestAPatchLeavesWhatItDoesNotName(t *testing.T) {
	s := open(t)
	path := "/components/" + s.ids["Email"]
	s.call(http.StatusOK, http.MethodPatch, path, component(object{"description": "By mail.", "status": "partial_outage", "showcase": false, "start_date": "2026-01-02"}))
	group := s.ids["Message delivery"]
	for _, step := range []struct{ send, want object }{
		{object{}, object{"description": "By mail.", "status": "partial_outage", "showcase": false, "group_id": group}},
		{object{"description": nil, "status": nil, "showcase": nil, "group_id": nil, "start_date": nil}, object{"description": "By mail.", "status": "partial_outage", "showcase": false, "group_id": group, "start_date": "2026-01-02"}},
		{object{"name": "", "status": "", "start_date": ""}, object{"name": "Email", "status": "partial_outage", "start_date": "2026-01-02"}},
		{object{"description": ""}, object{"description": nil, "group_id": group}},
		{object{"group_id": ""}, object{"group_id": nil, "name": "Email", "position": 4.0}},
		{object{"group_id": group, "name": "Mail"}, object{"group_id": group, "name": "Mail", "position": 3.0}},
		{object{"showcase": true, "status": "operational"}, object{"showcase": true, "status": "operational"}},
	} {
		s.holds("PATCH", s.call(http.StatusOK, http.MethodPatch, path, component(step.send)), step.want)
		s.holds("GET", s.call(http.StatusOK, http.MethodGet, path, nil), step.want)
	}
	if code, _ := s.send(http.MethodPut, "/v1/pages/"+s.page+path+".json", "application/x-www-form-urlencoded", "component[name]=E-mail&component[showcase]=f"); code != http.StatusOK {
		t.Errorf("got %d for a form by PUT, want 200", code)
	}
	s.holds("by a form", s.call(http.StatusOK, http.MethodGet, path, nil), object{"name": "E-mail", "showcase": false})
}

func TestAStatusIsAPersonsWord(t *testing.T) {
	s := open(t)
	path := "/components/" + s.ids["APIs"]
	set := func(word, want string) {
		t.Helper()
		s.holds("set to "+word, s.call(http.StatusOK, http.MethodPatch, path, component(object{"status": word})), object{"status": want})
		if got := s.condition("APIs"); got != want {
			t.Errorf("version 2 shows %s, want %s", got, want)
		}
	}
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "APIs fail", "components": object{s.ids["APIs"]: "major_outage"},
	}})
	if got := s.condition("APIs"); got != "major_outage" {
		t.Fatalf("got %s, want the incident's word", got)
	}
	s.clock.Set(noon.Add(time.Minute))
	set("operational", "operational") // it was so by itself, and the incident claims otherwise
	id, _ := made["id"].(string)
	s.clock.Set(noon.Add(2 * time.Minute))
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{"status": "identified", "body": "Again.", "components": object{s.ids["APIs"]: "partial_outage"}}})
	set("", "partial_outage")
	s.clock.Set(noon.Add(3 * time.Minute))
	set("degraded_performance", "degraded_performance")
	if c, _ := s.board.Current().Component(s.ids["APIs"]); c.Condition != status.DegradedPerformance || !c.SetAt.Equal(noon.Add(3*time.Minute)) {
		t.Errorf("got %+v, want what was set last", c)
	}
}

func TestWhoWritesBackWhatItReadSaysNothingOfTheStatus(t *testing.T) {
	s := open(t)
	s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))
	s.tick(time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC))
	path := "/components/" + s.ids["APIs"]
	read := s.call(http.StatusOK, http.MethodGet, path, nil)
	if read["status"] != "under_maintenance" {
		t.Fatalf("got %v, want a component under maintenance", read)
	}
	s.call(http.StatusOK, http.MethodPatch, path, component(object{"status": read["status"], "description": "For developers."}))
	s.tick(time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC))
	if got := s.condition("APIs"); got != "operational" {
		t.Errorf("the component is %s, want it released with the maintenance", got)
	}
}

func TestComponentsAreRefusedInWords(t *testing.T) {
	s := open(t)
	group, email := s.ids["Message delivery"], s.ids["Email"]
	const header = `component_id names the group "Message delivery", and must name a component. A group has the status of its ` +
		`worst component; its name and its components are changed below component-groups`
	for _, c := range []struct {
		method, path string
		send         object
		code         int
		says         string
	}{
		{http.MethodPost, "/components", object{}, 422, "name is required: what readers know it by"},
		{http.MethodPost, "/components", object{"name": "APIs"}, 422, `name is that of another component in the same place: "APIs"`},
		{http.MethodPost, "/components", object{"name": "X", "status": "broken"}, 422, `status must be one of operational, under_maintenance, degraded_performance, partial_outage, major_outage, not "broken"`},
		{http.MethodPost, "/components", object{"name": "X", "group_id": email}, 422, `group_id names no group of the page: "` + email + `"`},
		{http.MethodPost, "/components", object{"name": "X", "start_date": "soon"}, 422, "start_date must be a day such as 2027-01-15"},
		{http.MethodPost, "/components", object{"name": "X\nY"}, 422, "name must be one line"},
		{http.MethodPatch, "/components/" + group, object{"status": "operational"}, 422, header},
		{http.MethodDelete, "/components/" + group, nil, 422, header},
		{http.MethodGet, "/components/" + group + "/uptime", nil, 422, header},
		{http.MethodPatch, "/components/" + s.ids["APIs"], object{"name": "Web Application"}, 422, `name is that of another component in the same place: "Web Application"`},
		{http.MethodGet, "/components/nothing", nil, 404, "Component not found"},
		{http.MethodPatch, "/components/nothing", object{"name": "X"}, 404, "Component not found"},
		{http.MethodDelete, "/components/nothing", nil, 404, "Component not found"},
	} {
		got := s.call(c.code, c.method, c.path, component(c.send))
		said := got["error"]
		if rules, isList := said.([]any); isList && len(rules) == 1 {
			said = rules[0]
		}
		if said != c.says {
			t.Errorf("%s %s %v: got %v, want %q", c.method, c.path, c.send, said, c.says)
		}
	}
	if n := len(s.board.Current().Components); n != 4 {
		t.Errorf("got %d components, want the four that were there", n)
	}
}

func TestWhoOperatesSetsAStatusAndNothingElse(t *testing.T) {
	s := open(t)
	path := "/components/" + s.ids["APIs"]
	for _, c := range []struct {
		scope, method, path string
		send                object
		code                int
	}{
		{"operate", http.MethodPatch, path, object{"status": "partial_outage"}, 200},
		{"operate", http.MethodPatch, path, object{"status": "operational", "name": "APIs", "showcase": true}, 200},
		{"operate", http.MethodPatch, path, object{"status": "major_outage", "name": "API"}, 403},
		{"operate", http.MethodPost, "/components", object{"name": "X"}, 403},
		{"operate", http.MethodDelete, path, nil, 403},
		{"read", http.MethodPatch, path, object{"status": "partial_outage"}, 403},
		{"read", http.MethodGet, path, nil, 200},
		{"read", http.MethodGet, path + "/uptime", nil, 200},
		{"nobody", http.MethodGet, path, nil, 401},
	} {
		if code, said := s.as(c.scope, c.method, c.path, component(c.send)); code != c.code {
			t.Errorf("%s %s by %s: got %d %v, want %d", c.method, c.path, c.scope, code, said, c.code)
		}
	}
	if c, _ := s.board.Current().Component(s.ids["APIs"]); c.Name != "APIs" || c.Condition != status.Operational {
		t.Errorf("got %+v, want the refused change to have done nothing", c)
	}
	_, said := s.as("operate", http.MethodPatch, path, component(object{"name": "API"}))
	if want := "The token Ada has the scope operate, and changing more of a component than its status needs administer"; said["error"] != want {
		t.Errorf("got %v, want %q", said["error"], want)
	}
}

func TestADeletedComponentIsGoneEverywhere(t *testing.T) {
	s := open(t)
	path := "/components/" + s.ids["APIs"]
	code, body := s.send(http.MethodDelete, "/v1/pages/"+s.page+path+".json", "", nil)
	if code != http.StatusNoContent || len(body) != 0 {
		t.Errorf("got %d %s, want 204 without a body", code, body)
	}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		if got := s.call(http.StatusNotFound, method, path, component(object{"name": "X"})); got["error"] != "Component not found" {
			t.Errorf("%s: got %v", method, got)
		}
	}
	if c := s.inPublic(s.ids["APIs"]); c != nil {
		t.Errorf("version 2 shows %v, want nothing", c)
	}
}

func TestAListOfComponentsEnds(t *testing.T) {
	s := open(t)
	var names []any
	for page := range 10 {
		got := s.list("/components.json?per_page=2&page=" + string(rune('1'+page)))
		for _, c := range got {
			names = append(names, c["name"])
		}
		if len(got) == 0 {
			break
		}
	}
	want := []any{"Message delivery", "Email", "Mobile Push", "Web Application", "APIs"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	header := s.call(http.StatusOK, http.MethodGet, "/components/"+s.ids["Message delivery"], nil)
	s.holds("the header", header, object{"group": true, "group_id": nil, "components": []any{s.ids["Email"], s.ids["Mobile Push"]}})
}

func TestADocumentAppliedAfterwardsWins(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/components", component(object{"name": "Exports", "showcase": false}))
	s.call(http.StatusOK, http.MethodPatch, "/components/"+s.ids["APIs"], component(object{"description": "For developers.", "only_show_if_degraded": true}))
	document := status.PageDocument{
		Page:       status.PageFields{Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "UTC"},
		Components: []status.ComponentNode{{Name: "APIs", Description: "Version 3"}, {Name: "Web Application"}},
	}
	if _, err := s.keeper.Apply(t.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	s.refresh()
	s.holds("afterwards", s.call(http.StatusOK, http.MethodGet, "/components/"+s.ids["APIs"], nil), object{
		"description": "Version 3", "only_show_if_degraded": false, "position": 1.0,
	})
	id, _ := made["id"].(string)
	s.call(http.StatusNotFound, http.MethodGet, "/components/"+id, nil)
	if all := s.list("/components"); len(all) != 2 {
		t.Errorf("got %d components, want the two of the document", len(all))
	}
}
