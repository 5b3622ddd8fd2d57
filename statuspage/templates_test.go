package statuspage_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestATemplateIsKeptChangedAndForgotten(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incident_templates.json", object{"template": object{
		"name": "Upgrade", "title": "Database upgrade", "body": "We **upgrade**.", "update_status": "scheduled", "group_id": "g1",
		"should_tweet": false, "should_send_notifications": false, "component_ids": []string{s.ids["APIs"]},
	}})
	id, _ := made["id"].(string)
	components, _ := made["components"].([]any)
	if len(id) != 12 || len(components) != 1 || components[0].(object)["name"] != "APIs" {
		t.Fatalf("got %v, want an id and the component", made)
	}
	delete(made, "components")
	want := object{
		"id": id, "name": "Upgrade", "title": "Database upgrade", "body": "We **upgrade**.", "group_id": "g1", "update_status": "scheduled",
		"should_tweet": false, "should_send_notifications": false,
	}
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", made, want)
	}
	changed := s.call(http.StatusOK, http.MethodPatch, "/incident_templates/"+id, object{"template": object{
		"name": "", "title": nil, "body": "We upgrade.", "component_ids": []string{}, "should_send_notifications": true,
	}})
	if changed["name"] != "Upgrade" || changed["title"] != "Database upgrade" || changed["body"] != "We upgrade." ||
		changed["should_send_notifications"] != true || len(changed["components"].([]any)) != 0 {
		t.Errorf("got %v, want what was given changed, and nothing else", changed)
	}
	if read := s.call(http.StatusOK, http.MethodGet, "/incident_templates/"+id, nil); fmt.Sprint(read) != fmt.Sprint(changed) {
		t.Errorf("got %v, want %v", read, changed)
	}
	put := s.call(http.StatusOK, http.MethodPut, "/incident_templates/"+id, object{"template": object{"update_status": "investigating"}})
	gone := s.call(http.StatusOK, http.MethodDelete, "/incident_templates/"+id, nil)
	if fmt.Sprint(gone) != fmt.Sprint(put) || put["update_status"] != "investigating" {
		t.Errorf("got %v, want what was deleted: %v", gone, put)
	}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		if got := s.call(http.StatusNotFound, method, "/incident_templates/"+id, nil); got["error"] != "Incident template not found" {
			t.Errorf("%s: got %v", method, got)
		}
	}
	s.call(http.StatusNotFound, http.MethodDelete, "/incident_templates/%00", nil)
}

func TestTemplatesAreListedPageByPage(t *testing.T) {
	s := open(t)
	for n := range 5 {
		form := url.Values{"template[name]": {fmt.Sprint("T", n)}, "template[body]": {"Words."}, "template[component_ids][]": {s.ids["Email"]}}
		code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/incident_templates", "application/x-www-form-urlencoded", form.Encode())
		if code != http.StatusCreated {
			t.Fatalf("got %d %s", code, answer)
		}
	}
	seen := map[string]bool{}
	pages := 0
	for page := 1; ; page++ {
		some := s.list(fmt.Sprintf("/incident_templates?page=%d&per_page=2", page))
		if len(some) == 0 {
			break
		}
		pages++
		for _, one := range some {
			seen[fmt.Sprint(one["name"])] = true
		}
	}
	if pages != 3 || len(seen) != 5 {
		t.Errorf("got %d pages with %v, want 3 with five templates", pages, seen)
	}
}

func TestATemplateThatNoEventCouldHaveIsRefused(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		send object
		says string
	}{
		{object{"name": "X"}, "body is required: the words of an update that is made from the template"},
		{object{"body": "X", "update_status": "exploded"}, `update_status must be one of investigating, identified, monitoring, resolved, scheduled, in_progress, verifying, completed, not "exploded"`},
		{object{"body": "X", "should_tweet": true}, "should_tweet cannot be honoured: nothing is posted to Twitter"},
		{object{"body": "X", "component_ids": []string{"nothing"}}, `component_ids names no component of the page: "nothing"`},
		{object{"body": "X", "component_ids": object{"a": "b"}}, "component_ids must be a list of texts"},
		{object{"body": "X", "name": "two\r\nlines"}, "name must be one line"},
		{object{"body": "X", "title": strings.Repeat("ü", 256)}, "title must have at most 255 characters"},
		{object{"body": strings.Repeat("x", 70_000)}, "body must have at most 64 KiB"},
		{object{"body": "\x1b[2J"}, "body must not contain control characters"},
		{object{"body": "X", "should_send_notifications": "perhaps"}, "should_send_notifications must be true or false"},
	} {
		if got := s.refused(http.MethodPost, "/incident_templates", object{"template": c.send}); got != c.says {
			t.Errorf("%.80s: got %s, want %s", fmt.Sprint(c.send), got, c.says)
		}
	}
	for field, want := range map[string]string{"name": "name must be valid UTF-8", "body": "body must be valid UTF-8"} {
		form := "template[body]=X&template[" + field + "]=%ff"
		code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/incident_templates", "application/x-www-form-urlencoded", form)
		if code != http.StatusUnprocessableEntity || !strings.Contains(string(answer), want) {
			t.Errorf("%s: got %d %s, want %s", form, code, answer, want)
		}
	}
	if all := s.list("/incident_templates"); len(all) != 0 {
		t.Errorf("got %v, want none: every request was refused", all)
	}
}

// inParallel does something twenty times at once.
func inParallel(do func(n int)) {
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() { do(n) })
	}
	all.Wait()
}

func TestChangesAtTheSameTimeLoseNothing(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, "/incident_templates", object{"template": object{"name": "T", "body": "B"}})
	id, _ := made["id"].(string)
	fields := []string{"name", "title", "body", "group_id"}
	inParallel(func(n int) {
		field := fields[n%len(fields)]
		s.tryPatch("/incident_templates/"+id, object{"template": object{field: field + " as it was changed"}})
	})
	got := s.call(http.StatusOK, http.MethodGet, "/incident_templates/"+id, nil)
	for _, field := range fields {
		if got[field] != field+" as it was changed" {
			t.Errorf("got %v for %s, want the change that was answered with success", got[field], field)
		}
	}
}

// tryPatch changes something from a goroutine, which must not end the test.
func (s *site) tryPatch(path string, body object) {
	if code, text := s.send(http.MethodPatch, "/v1/pages/"+s.page+path, "application/json", body); code != http.StatusOK {
		s.Errorf("PATCH %s: got %d %s, want 200", path, code, text)
	}
}
