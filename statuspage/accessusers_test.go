package statuspage_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// accessUser makes an access user and returns its id.
func (s *site) accessUser(email string) string {
	s.Helper()
	made := s.call(http.StatusCreated, http.MethodPost, "/page_access_users", object{"page_access_user": object{"email": email}})
	id, _ := made["id"].(string)
	return id
}

func TestAnAccessUserIsKeptChangedAndForgotten(t *testing.T) {
	s := open(t)
	group, _ := s.call(http.StatusCreated, http.MethodPost, "/page_access_groups", object{"page_access_group": object{"name": "Customers"}})["id"].(string)
	metric := s.metric("One")
	made := s.call(http.StatusCreated, http.MethodPost, "/page_access_users.json", object{"page_access_user": object{
		"email": "ada@example.com", "external_login": "ada", "page_access_group_ids": []string{group}, "component_ids": []string{s.ids["APIs"]},
		"metric_ids": []string{metric}, "subscribe_to_components": false,
	}})
	id, _ := made["id"].(string)
	want := object{
		"id": id, "page_id": s.page, "email": "ada@example.com", "external_login": "ada", "page_access_group_id": group,
		"page_access_group_ids": []any{group}, "component_ids": []any{s.ids["APIs"]}, "metric_ids": []any{metric},
		"subscribe_to_components": false, "created_at": "2027-01-13T12:00:00Z", "updated_at": "2027-01-13T12:00:00Z",
	}
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", made, want)
	}
	s.clock.Set(noon.Add(time.Hour))
	got := s.call(http.StatusOK, http.MethodPatch, "/page_access_users/"+id, object{"page_access_user": object{
		"external_login": "lovelace", "email": "", "page_access_group_ids": []string{}, "component_ids": nil,
	}})
	want["external_login"], want["page_access_group_id"], want["page_access_group_ids"], want["updated_at"] = "lovelace", nil, []any{}, "2027-01-13T13:00:00Z"
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	subscriber := s.call(http.StatusCreated, http.MethodPost, "/subscribers", object{"subscriber": object{"email": "ada@example.com", "page_access_user": id}})
	if subscriber["page_access_user_id"] != id {
		t.Errorf("got %v, want the subscriber to belong to the user", subscriber)
	}
	other := s.accessUser("bob@example.com")
	if got := s.list("/page_access_users?email=ADA@example.com"); len(got) != 1 || got[0]["id"] != id {
		t.Errorf("got %v, want the user with the address", got)
	}
	if got := s.list("/page_access_users?page=2&per_page=1"); len(got) != 1 || got[0]["id"] != other || len(s.list("/page_access_users?page=3&per_page=1")) != 0 {
		t.Errorf("got %v, want the second of two pages", got)
	}
	code, answer := s.send(http.MethodDelete, "/v1/pages/"+s.page+"/page_access_users/"+id, "", nil)
	if code != http.StatusNoContent || len(answer) != 0 {
		t.Errorf("got %d %s, want 204 without a body", code, answer)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		if got := s.call(http.StatusNotFound, method, "/page_access_users/"+id, nil); got["error"] != "Page access user not found" {
			t.Errorf("%s: got %v", method, got)
		}
	}
}

func TestAnAccessGroupHasItsUsers(t *testing.T) {
	s := open(t)
	ada, bob := s.accessUser("ada@example.com"), s.accessUser("bob@example.com")
	form := url.Values{
		"page_access_group[name]": {"Customers"}, "page_access_group[external_identifier]": {"crm-1"},
		"page_access_group[component_ids][]": {s.ids["APIs"]}, "page_access_group[page_access_user_ids][]": {ada, bob},
	}
	code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/page_access_groups", "application/x-www-form-urlencoded", form.Encode())
	if code != http.StatusCreated {
		t.Fatalf("got %d %s", code, answer)
	}
	group := s.list("/page_access_groups")[0]
	id, _ := group["id"].(string)
	want := object{
		"id": id, "page_id": s.page, "name": "Customers", "external_identifier": "crm-1", "component_ids": []any{s.ids["APIs"]},
		"metric_ids": []any{}, "page_access_user_ids": []any{ada, bob}, "created_at": "2027-01-13T12:00:00Z", "updated_at": "2027-01-13T12:00:00Z",
	}
	if fmt.Sprint(group) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", group, want)
	}
	got := s.call(http.StatusOK, http.MethodPut, "/page_access_groups/"+id, object{"page_access_group": object{"page_access_user_ids": []string{bob}}})
	if fmt.Sprint(got["page_access_user_ids"]) != fmt.Sprint([]any{bob}) || got["name"] != "Customers" {
		t.Errorf("got %v, want one user left", got)
	}
	if user := s.call(http.StatusOK, http.MethodGet, "/page_access_users/"+ada, nil); user["page_access_group_id"] != nil {
		t.Errorf("got %v, want a user without a group", user)
	}
	if user := s.call(http.StatusOK, http.MethodGet, "/page_access_users/"+bob, nil); user["page_access_group_id"] != id {
		t.Errorf("got %v, want a user in the group", user)
	}
	s.call(http.StatusOK, http.MethodGet, "/page_access_groups/"+id, nil)
	if gone := s.call(http.StatusOK, http.MethodDelete, "/page_access_groups/"+id, nil); fmt.Sprint(gone["page_access_user_ids"]) != fmt.Sprint([]any{bob}) {
		t.Errorf("got %v, want what was deleted", gone)
	}
	if user := s.call(http.StatusOK, http.MethodGet, "/page_access_users/"+bob, nil); user["page_access_group_id"] != nil {
		t.Errorf("got %v, want the user to stay, without the group", user)
	}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		s.call(http.StatusNotFound, method, "/page_access_groups/"+id, nil)
	}
}

func TestComponentsAndMetricsAreAddedReplacedAndTakenAway(t *testing.T) {
	s := open(t)
	user := "/page_access_users/" + s.accessUser("ada@example.com")
	made := s.call(http.StatusCreated, http.MethodPost, "/page_access_groups", object{"page_access_group": object{"name": "Customers"}})
	group := fmt.Sprint("/page_access_groups/", made["id"])
	for owner, parts := range map[string]struct {
		path, field string
		a, b        string
	}{
		user:       {"/components", "component_ids", s.ids["Email"], s.ids["APIs"]},
		group:      {"/components", "component_ids", s.ids["Email"], s.ids["APIs"]},
		user + "?": {"/metrics", "metric_ids", s.metric("A"), s.metric("B")},
	} {
		path := strings.TrimSuffix(owner, "?") + parts.path
		for _, step := range []struct {
			method, path string
			send         any
			code         int
			want         []any
		}{
			{http.MethodPatch, "", []string{parts.a}, http.StatusOK, []any{parts.a}},
			{http.MethodPut, "", []string{parts.b, parts.a}, http.StatusOK, []any{parts.a, parts.b}},
			{http.MethodDelete, "/" + parts.a, nil, http.StatusOK, []any{parts.b}},
			{http.MethodDelete, "/" + parts.a, nil, http.StatusOK, []any{parts.b}},
			{http.MethodPost, "", []string{parts.a}, http.StatusCreated, []any{parts.a}},
			{http.MethodDelete, "", []string{parts.a, "gone"}, http.StatusOK, []any{}},
			{http.MethodPost, "", []string{}, http.StatusCreated, []any{}},
		} {
			var body any
			if step.send != nil {
				body = object{parts.field: step.send}
			}
			got := s.call(step.code, step.method, path+step.path, body)
			if fmt.Sprint(got[parts.field]) != fmt.Sprint(step.want) {
				t.Errorf("%s %s%s: got %v, want %v", step.method, path, step.path, got[parts.field], step.want)
			}
		}
		s.call(http.StatusCreated, http.MethodPost, path, object{parts.field: []string{parts.a, parts.b}})
		list := s.list(path + "?per_page=1")
		if len(list) != 1 || list[0]["id"] != parts.a || len(s.list(path+"?page=3&per_page=1")) != 0 {
			t.Errorf("%s: got %v, want the first of two", path, list)
		}
		for _, wrong := range []any{nil, object{}, object{parts.field: []string{"nothing"}}, object{parts.field: object{}}} {
			s.refused(http.MethodPatch, path, wrong)
		}
	}
	s.call(http.StatusNotFound, http.MethodGet, "/page_access_users/nobody/components", nil)
	s.call(http.StatusNotFound, http.MethodGet, "/page_access_groups/none/components", nil)
	s.call(http.StatusNotFound, http.MethodPatch, "/page_access_users/nobody/metrics", object{"metric_ids": []string{}})
	s.call(http.StatusNotFound, http.MethodPatch, "/page_access_groups/none/components", object{"component_ids": []string{}})
}

func TestAccessThatWouldBeAFalsePromiseIsRefused(t *testing.T) {
	s := open(t)
	s.accessUser("ada@example.com")
	for _, c := range []struct {
		what string
		send object
		says string
	}{
		{"user", object{}, "email or external_login is required: what the user is known by"},
		{"user", object{"email": "Ada@Example.com"}, `email is that of another access user: "Ada@Example.com"`},
		{"user", object{"email": "a@example.com\r\nBcc: b@example.com"}, `email must be one e-mail address such as ops@example.com, not "a@example.com\r\nBcc: b@example.com"`},
		{"user", object{"email": "b@example.com", "subscribe_to_components": true}, "subscribe_to_components cannot be honoured: nobody is subscribed on the side. Create a subscriber with page_access_user"},
		{"user", object{"email": "b@example.com", "page_access_group_ids": []string{"none"}}, `page_access_group_ids names no access group of the page: "none"`},
		{"user", object{"email": "b@example.com", "component_ids": []string{"none"}}, `component_ids names no component of the page: "none"`},
		{"user", object{"email": "b@example.com", "metric_ids": []string{"none"}}, `metric_ids names no metric of the page: "none"`},
		{"user", object{"external_login": "two\nlines"}, "external_login must be one line"},
		{"group", object{}, "name is required: what the group is called"},
		{"group", object{"name": "G", "page_access_user_ids": []string{"nobody"}}, `page_access_user_ids names no access user of the page: "nobody"`},
		{"group", object{"name": "G", "component_ids": 7}, "component_ids must be a list of texts"},
	} {
		if got := s.refused(http.MethodPost, "/page_access_"+c.what+"s", object{"page_access_" + c.what: c.send}); got != c.says {
			t.Errorf("%v: got %s, want %s", c.send, got, c.says)
		}
	}
	if users, groups := s.list("/page_access_users"), s.list("/page_access_groups"); len(users) != 1 || len(groups) != 0 {
		t.Errorf("got %v and %v, want nothing made: every request was refused", users, groups)
	}
}

func TestHugeListsAreAnsweredLikeSmallOnes(t *testing.T) {
	s := open(t)
	user := s.accessUser("ada@example.com")
	same, others := make([]string, 50_000), make([]string, 50_000)
	for n := range same {
		same[n], others[n] = s.ids["APIs"], fmt.Sprintf("nobody%06d", n)
	}
	got := s.call(http.StatusOK, http.MethodPatch, "/page_access_users/"+user+"/components", object{"component_ids": same})
	if fmt.Sprint(got["component_ids"]) != fmt.Sprint([]any{s.ids["APIs"]}) {
		t.Errorf("got %v, want the component once", got["component_ids"])
	}
	group := object{"page_access_group": object{"name": "G", "page_access_user_ids": others}}
	if got := s.refused(http.MethodPost, "/page_access_groups", group); got != `page_access_user_ids names no access user of the page: "nobody000000"` {
		t.Errorf("got %s, want the first one named", got)
	}
	if got := s.refused(http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": others}); got != "subscribers must be at most 100 at once, not 50000" {
		t.Errorf("got %s, want them counted", got)
	}
	code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/page_access_groups", "application/json", strings.Repeat(" ", 1<<20)+"{}")
	if code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s, want a body of more than 1 MiB refused", code, answer)
	}
}

func TestAccessChangedAtTheSameTimeLosesNothing(t *testing.T) {
	s := open(t)
	path := "/page_access_users/" + s.accessUser("ada@example.com")
	components := []string{"Email", "Mobile Push", "Web Application", "APIs"}
	inParallel(func(n int) {
		s.tryPatch(path+"/components", object{"component_ids": []string{s.ids[components[n%len(components)]]}})
	})
	inParallel(func(n int) {
		code, text := s.send(http.MethodPost, "/v1/pages/"+s.page+"/page_access_users", "application/json",
			object{"page_access_user": object{"email": fmt.Sprintf("u%d@example.com", n/2)}})
		if code != http.StatusCreated && code != http.StatusUnprocessableEntity {
			t.Errorf("got %d %s, want each address once", code, text)
		}
	})
	if got := s.call(http.StatusOK, http.MethodGet, path, nil)["component_ids"].([]any); len(got) != len(components) {
		t.Errorf("got the components %v, want all four", got)
	}
	if got := s.list("/page_access_users"); len(got) != 11 {
		t.Errorf("got %d users, want one for each of ten addresses, and the first", len(got))
	}
}
