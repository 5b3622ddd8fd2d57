package statuspage_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
)

// group wraps what is said of one.
func group(fields object) object { return object{"component_group": fields} }

func TestAGroupIsMadeChangedAndTakenAway(t *testing.T) {
	s := open(t)
	ids := func(names ...string) []any {
		var all []any
		for _, name := range names {
			all = append(all, s.ids[name])
		}
		return all
	}
	made := s.call(http.StatusCreated, http.MethodPost, "/component-groups.json", group(object{
		"name": "Front", "description": "What people see.", "components": ids("APIs", "Email"),
	}))
	s.holds("created", made, object{
		"name": "Front", "description": "What people see.", "components": ids("APIs", "Email"), "position": 4.0, "page_id": s.page,
		"created_at": "2027-01-13T12:00:00Z", "updated_at": "2027-01-13T12:00:00Z",
	})
	id, _ := made["id"].(string)
	path := "/component-groups/" + id
	for _, step := range []struct{ send, want object }{
		{group(object{"name": "Faces"}), object{"name": "Faces", "description": "What people see.", "components": ids("APIs", "Email")}},
		{group(object{"components": ids("Email", "Web Application", "APIs", "Email")}), object{"components": ids("Email", "Web Application", "APIs")}},
		{group(object{"components": nil, "description": nil, "name": ""}), object{"name": "Faces", "description": "What people see.", "components": ids("Email", "Web Application", "APIs")}},
		{object{"component_group": object{"name": "Front"}, "description": "All that is seen."}, object{"name": "Front", "description": "All that is seen."}},
		{group(object{"description": ""}), object{"description": nil}},
		{group(object{"components": ids("APIs")}), object{"components": ids("APIs")}},
		{group(object{"components": []string{}}), object{"components": []any{}}},
		{group(object{"components": ids("Web Application")}), object{"components": ids("Web Application")}},
	} {
		s.holds("PATCH", s.call(http.StatusOK, http.MethodPatch, path, step.send), step.want)
		s.holds("GET", s.call(http.StatusOK, http.MethodGet, path, nil), step.want)
	}
	s.holds("the group that it left", s.call(http.StatusOK, http.MethodGet, "/component-groups/"+s.ids["Message delivery"], nil), object{"components": ids("Mobile Push")})
	s.holds("deleted", s.call(http.StatusOK, http.MethodDelete, path, nil), object{"id": id, "name": "Front", "components": ids("Web Application")})
	if got := s.call(http.StatusNotFound, http.MethodGet, path, nil); got["error"] != "Component group not found" {
		t.Errorf("got %v", got)
	}
	s.call(http.StatusNotFound, http.MethodDelete, path, nil)
	s.call(http.StatusNotFound, http.MethodPatch, path, group(object{"name": "X"}))
	s.holds("its component", s.call(http.StatusOK, http.MethodGet, "/components/"+s.ids["Web Application"], nil), object{"group_id": nil})
	if all := s.list("/component-groups"); len(all) != 1 || all[0]["name"] != "Message delivery" {
		t.Errorf("got %v, want the group that is left", all)
	}
}

func TestAGroupIsReadFromAForm(t *testing.T) {
	s := open(t)
	body := "component_group[name]=Front&description=Seen&component_group[components][]=" + s.ids["APIs"] + "&component_group[components][]=" + s.ids["Email"]
	code, text := s.send(http.MethodPost, "/v1/pages/"+s.page+"/component-groups", "application/x-www-form-urlencoded", body)
	var made object
	if err := json.Unmarshal(text, &made); err != nil || code != http.StatusCreated {
		t.Fatalf("got %d %s: %v", code, text, err)
	}
	s.holds("made", made, object{"name": "Front", "description": "Seen", "components": []any{s.ids["APIs"], s.ids["Email"]}})
}

func TestGroupsAreTheSameInBothVersions(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/component-groups", group(object{"name": "Front", "components": []string{s.ids["APIs"], s.ids["Web Application"]}}))
	id, _ := made["id"].(string)
	header := s.inPublic(id)
	s.holds("version 2", header, object{
		"name": "Front", "group": true, "group_id": nil, "position": made["position"], "status": "operational", "components": made["components"],
	})
	if got := s.inPublic(s.ids["APIs"])["group_id"]; got != id {
		t.Errorf("got the group %v, want %s", got, id)
	}
	var order []string
	for _, c := range s.board.Current().Components {
		order = append(order, c.Name)
	}
	if want := []string{"Email", "Mobile Push", "APIs", "Web Application"}; !reflect.DeepEqual(order, want) {
		t.Errorf("readers see %v, want %v", order, want)
	}
}

func TestGroupsAreRefusedInWords(t *testing.T) {
	s := open(t)
	const clash = `components[1] is called "Email" as another one of the group is; names in a group must differ`
	other := s.call(http.StatusCreated, http.MethodPost, "/components", component(object{"name": "Email"}))
	otherID, _ := other["id"].(string)
	for _, c := range []struct {
		send object
		says string
	}{
		{object{"components": []string{s.ids["APIs"]}}, "name is required: what readers know the group by"},
		{object{"name": "Message delivery"}, `name is that of another group: "Message delivery"`},
		{object{"name": "X", "components": []string{"nothing"}}, `components[0] names no component of the page: "nothing"`},
		{object{"name": "X", "components": []string{s.ids["Message delivery"]}}, `components[0] names no component of the page: "` + s.ids["Message delivery"] + `"`},
		{object{"name": "X", "components": []string{s.ids["Email"], otherID}}, clash},
		{object{"name": "X", "components": 3}, "components must be a list of texts"},
	} {
		got := s.call(http.StatusUnprocessableEntity, http.MethodPost, "/component-groups", group(c.send))
		if rules, _ := got["error"].([]any); len(rules) != 1 || rules[0] != c.says {
			t.Errorf("%v: got %v, want %q", c.send, got["error"], c.says)
		}
	}
	got := s.call(http.StatusUnprocessableEntity, http.MethodDelete, "/component-groups/"+s.ids["Message delivery"], nil)
	want := `components "Email" would stand beside another component of that name without its group: rename one first`
	if rules, _ := got["error"].([]any); len(rules) != 1 || rules[0] != want {
		t.Errorf("got %v, want %q", got["error"], want)
	}
	if groups := s.board.Current().Groups; len(groups) != 1 {
		t.Errorf("got %d groups, want the one that was there", len(groups))
	}
	if code, _ := s.as("operate", http.MethodPost, "/component-groups", group(object{"name": "X"})); code != http.StatusForbidden {
		t.Errorf("got %d for a token of scope operate, want 403", code)
	}
}
