package statuspage_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.org/interlude/notify"
)

// subscribe adds a subscriber and returns its id.
func (s *site) subscribe(path string, of object) string {
	s.Helper()
	id, _ := s.call(http.StatusCreated, http.MethodPost, path, object{"subscriber": of})["id"].(string)
	return id
}

// refused sends a request that must be refused for one reason, and returns it.
func (s *site) refused(method, path string, body any) string {
	s.Helper()
	rules, _ := s.call(http.StatusUnprocessableEntity, method, path, body)["error"].([]any)
	if len(rules) != 1 {
		s.Fatalf("%s %s %v: got %v, want one reason", method, path, body, rules)
	}
	why, _ := rules[0].(string)
	return why
}

// addresses are what a list shows, in its order.
func addresses(list []object) string {
	var all []string
	for _, one := range list {
		address := one["endpoint"]
		if address == nil {
			address = one["email"]
		}
		all = append(all, fmt.Sprint(address))
	}
	return strings.Join(all, " ")
}

func TestASubscriberHasTheShapeThatClientsKnow(t *testing.T) {
	s := open(t)
	got := s.call(http.StatusCreated, http.MethodPost, "/subscribers", object{"subscriber": object{
		"email": "ops@example.com", "component_ids": []string{s.ids["APIs"], s.ids["APIs"]},
	}})
	id := got["id"]
	want := object{
		"id": id, "skip_confirmation_notification": false, "mode": "email", "email": "ops@example.com", "endpoint": nil,
		"phone_number": nil, "phone_country": nil, "display_phone_number": nil, "obfuscated_channel_name": nil, "workspace_name": nil,
		"quarantined_at": nil, "purge_at": nil, "components": []any{s.ids["APIs"]}, "page_access_user_id": nil,
		"created_at": "2027-01-13T12:00:00Z", "interlude": object{"state": "unconfirmed"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	read := s.call(http.StatusOK, http.MethodGet, fmt.Sprintf("/subscribers/%s.json", id), nil)
	if fmt.Sprint(read) != fmt.Sprint(want) {
		t.Errorf("read: got  %v\nwant %v", read, want)
	}
	hook := s.call(http.StatusCreated, http.MethodPost, "/subscribers", object{"subscriber": object{
		"endpoint": "https://example.com/hook", "email": "ops@example.com", "phone_number": "", "skip_confirmation_notification": nil,
	}})
	if hook["mode"] != "webhook" || hook["endpoint"] != "https://example.com/hook" || hook["email"] != "ops@example.com" || hook["components"] != nil {
		t.Errorf("got %v, want a webhook with a contact", hook)
	}
	if state := hook["interlude"].(object)["state"]; state != "active" {
		t.Errorf("the webhook is %v, want active", state)
	}
}

func TestAFormSubscribesAsJSONDoes(t *testing.T) {
	s := open(t)
	form := url.Values{
		"subscriber[email]": {"ops+status@example.com"}, "subscriber[skip_confirmation_notification]": {"true"},
		"subscriber[component_ids][]": {s.ids["Email"], s.ids["APIs"]},
	}
	code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/subscribers.json", "application/x-www-form-urlencoded", form.Encode())
	if code != http.StatusCreated {
		t.Fatalf("got %d %s", code, answer)
	}
	list := s.list("/subscribers")
	if len(list) != 1 || list[0]["email"] != "ops+status@example.com" || len(list[0]["components"].([]any)) != 2 {
		t.Errorf("got %v, want the subscriber active at once, with two components", list)
	}
}

func TestWhoCannotBeToldIsRefusedInWords(t *testing.T) {
	s := open(t)
	s.subscribe("/subscribers", object{"email": "ops@example.com"})
	for _, c := range []struct {
		send object
		says string
	}{
		{object{}, "email or endpoint is required: where the subscriber is to be told"},
		{object{"email": "ops@example.com"}, `email has subscribed already: "ops@example.com"`},
		{object{"email": "a@example.com\r\nBcc: b@example.com"}, `email must be one e-mail address such as ops@example.com, not "a@example.com\r\nbcc: b@example.com"`},
		{object{"email": []string{"a@example.com"}}, "email must be a text"},
		{object{"endpoint": "ftp://example.com"}, `endpoint must be a URL such as https://example.com/hook, not "ftp://example.com"`},
		{object{"endpoint": "https://hooks.slack.com/services/x"}, "endpoint cannot be honoured: Slack reads no webhooks of Statuspage's form. Subscribe it on the page"},
		{object{"phone_number": "5551234"}, "phone_number cannot be honoured: no SMS is sent"},
		{object{"mode": "teams", "email": "b@example.com"}, "mode cannot be honoured: email and webhook are subscribed here, and teams on the page"},
		{object{"mode": "sms", "email": "b@example.com"}, "mode cannot be honoured: no SMS is sent"},
		{object{"mode": "pigeon", "email": "b@example.com"}, `mode must be one of email, not "pigeon"`},
		{object{"mode": "webhook", "email": "b@example.com"}, "endpoint is required: a URL such as https://example.com/hook"},
		{object{"email": "b@example.com", "component_ids": []string{}}, "component_ids must name at least one component; leave it out for all"},
		{object{"email": "b@example.com", "component_ids": []string{"nothing"}}, `component_ids names no component of the page: "nothing"`},
		{object{"email": "b@example.com", "component_ids": []string{s.ids["Message delivery"]}}, `component_ids names no component of the page: "` + s.ids["Message delivery"] + `"`},
		{object{"email": "b@example.com", "page_access_user": "nobody"}, `page_access_user names no access user of the page: "nobody"`},
	} {
		if got := s.refused(http.MethodPost, "/subscribers", object{"subscriber": c.send}); got != c.says {
			t.Errorf("%v: got %s, want %s", c.send, got, c.says)
		}
	}
	if list := s.list("/subscribers?state=all"); len(list) != 1 {
		t.Errorf("got %v, want the one who could be told", list)
	}
}

func TestComponentsAreChosenAndTheChoiceIsDropped(t *testing.T) {
	s := open(t)
	id := s.subscribe("/subscribers", object{"email": "ops@example.com"})
	for _, c := range []struct {
		method string
		send   object
		want   string
	}{
		{http.MethodPatch, object{"component_ids": []string{s.ids["APIs"]}}, fmt.Sprint([]any{s.ids["APIs"]})},
		{http.MethodPut, object{"subscriber": object{"component_ids": []string{s.ids["Email"]}}}, fmt.Sprint([]any{s.ids["Email"]})},
		{http.MethodPatch, object{}, "<nil>"},
	} {
		got := s.call(http.StatusOK, c.method, "/subscribers/"+id, c.send)
		if fmt.Sprint(got["components"]) != c.want {
			t.Errorf("%v: got %v, want %s", c.send, got["components"], c.want)
		}
	}
	if got := s.refused(http.MethodPatch, "/subscribers/"+id, object{"component_ids": []string{}}); !strings.HasPrefix(got, "component_ids must name") {
		t.Errorf("got %s, want the empty list refused", got)
	}
}

func TestListsOfSubscribersAreFilteredSortedAndEnd(t *testing.T) {
	s := open(t)
	for n := range 25 {
		s.clock.Set(noon.Add(time.Duration(n) * time.Minute))
		s.subscribe("/subscribers", object{"email": fmt.Sprintf("user%02d@example.com", (n+10)%25), "skip_confirmation_notification": true})
	}
	s.subscribe("/subscribers", object{"email": "waiting@example.com"})
	s.subscribe("/subscribers", object{"endpoint": "https://hook.example.com/a_b", "email": "hookmaster@example.com"})
	for query, want := range map[string]string{
		"q=user07":                      "user07@example.com",
		"q=USER07&sort_field=relevance": "user07@example.com",
		"q=hookmaster":                  "https://hook.example.com/a_b",
		"q=a_b":                         "https://hook.example.com/a_b",
		"q=a%25b":                       "",
		"q=r_7":                         "",
		"q=%27+OR+1%3D1+--":             "",
		"type=webhook":                  "https://hook.example.com/a_b",
		"type=sms":                      "",
		"state=unconfirmed":             "waiting@example.com",
		"state=quarantined":             "",
		"limit=2&page=0":                "https://hook.example.com/a_b user00@example.com",
		"limit=2&page=1":                "user01@example.com user02@example.com",
		"limit=1&sort_field=created_at": "user10@example.com",
		"limit=1&sort_direction=desc":   "user24@example.com",
		"limit=3&page=99":               "",
		"limit=2&sort_field=quarantined_at&type=webhook": "https://hook.example.com/a_b",
	} {
		if got := addresses(s.list("/subscribers?" + query)); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	seen := map[string]bool{}
	for page := 0; ; page++ { // the loop of clients: until a page is empty
		some := s.list(fmt.Sprintf("/subscribers.json?limit=10&page=%d&state=all", page))
		for _, one := range some {
			seen[fmt.Sprint(one["id"])] = true
		}
		if len(some) == 0 {
			if page != 3 {
				t.Errorf("the loop ended at page %d, want 3", page)
			}
			break
		}
	}
	if len(seen) != 27 {
		t.Errorf("got %d subscribers, want each of 27 once", len(seen))
	}
	for _, query := range []string{
		"state=sleeping", "type=pigeon", "sort_field=shoe_size", "sort_field=relevance", "sort_direction=up", "limit=0", "limit=many",
		"page=1000000000", "q=" + strings.Repeat("x", 3000), "q=%00",
	} {
		s.call(http.StatusUnprocessableEntity, http.MethodGet, "/subscribers?"+query, nil)
	}
}

func TestWhoLeavesIsListedAmongTheUnsubscribedAndMayComeBack(t *testing.T) {
	s := open(t)
	id := s.subscribe("/subscribers", object{"email": "ops@example.com", "skip_confirmation_notification": true})
	gone := s.call(http.StatusOK, http.MethodDelete, "/subscribers/"+id+"?skip_unsubscription_notification=true", nil)
	if gone["id"] != id || gone["email"] != "ops@example.com" {
		t.Errorf("got %v, want the subscriber who left", gone)
	}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		if got := s.call(http.StatusNotFound, method, "/subscribers/"+id, nil); got["error"] != "Subscriber not found" {
			t.Errorf("%s: got %v, want words for who is not there", method, got)
		}
	}
	s.call(http.StatusNotFound, http.MethodGet, "/subscribers/%00", nil)
	s.call(http.StatusNotFound, http.MethodDelete, "/subscribers/%00", nil)
	if left := addresses(s.list("/subscribers/unsubscribed")); left != "ops@example.com" {
		t.Errorf("got the unsubscribed %q, want ops@example.com", left)
	}
	if more := s.list("/subscribers/unsubscribed?page=2"); len(more)+len(s.list("/subscribers?state=all")) != 0 {
		t.Errorf("got %v on the second page, or somebody in the list, want nobody", more)
	}
	s.subscribe("/subscribers", object{"email": "ops@example.com"})
	if left := s.list("/subscribers/unsubscribed"); len(left) != 0 {
		t.Errorf("got %v, want nobody: the address subscribed anew", left)
	}
}

func TestSubscribersAreCountedByTypeAndState(t *testing.T) {
	s := open(t)
	s.subscribe("/subscribers", object{"email": "a@example.com", "skip_confirmation_notification": true})
	s.subscribe("/subscribers", object{"email": "b@example.com"})
	s.subscribe("/subscribers", object{"endpoint": "https://example.com/hook"})
	s.call(http.StatusOK, http.MethodDelete, "/subscribers/"+s.subscribe("/subscribers", object{"email": "c@example.com"}), nil)
	none := object{"active": 0.0, "unconfirmed": 0.0, "quarantined": 0.0, "total": 0.0}
	for path, want := range map[string]object{
		"/subscribers/count":                        {"email": 1.0, "sms": 0.0, "webhook": 1.0, "integration_partner": 0.0, "slack": 0.0, "teams": 0.0},
		"/subscribers/count?state=all":              {"email": 2.0, "sms": 0.0, "webhook": 1.0, "integration_partner": 0.0, "slack": 0.0, "teams": 0.0},
		"/subscribers/count?state=all&type=webhook": {"email": 0.0, "sms": 0.0, "webhook": 1.0, "integration_partner": 0.0, "slack": 0.0, "teams": 0.0},
		"/subscribers/count.json?state=quarantined": {"email": 0.0, "sms": 0.0, "webhook": 0.0, "integration_partner": 0.0, "slack": 0.0, "teams": 0.0},
		"/subscribers/histogram_by_state": {
			"email": object{"active": 1.0, "unconfirmed": 1.0, "quarantined": 0.0, "total": 2.0}, "sms": none,
			"webhook": object{"active": 1.0, "unconfirmed": 0.0, "quarantined": 0.0, "total": 1.0}, "integration_partner": none,
			"slack": none, "teams": none,
		},
	} {
		if got := s.call(http.StatusOK, http.MethodGet, path, nil); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	s.call(http.StatusUnprocessableEntity, http.MethodGet, "/subscribers/count?state=asleep", nil)
}

func TestSeveralLeaveAtOnce(t *testing.T) {
	s := open(t)
	var ids []string
	for _, name := range []string{"a", "b", "c"} {
		ids = append(ids, s.subscribe("/subscribers", object{"email": name + "@example.com", "skip_confirmation_notification": true}))
	}
	waiting := s.subscribe("/subscribers", object{"email": "waiting@example.com"})
	many := make([]string, 101)
	for n := range many {
		many[n] = fmt.Sprint(n)
	}
	for _, c := range []struct {
		send object
		says string
	}{
		{object{}, "subscribers must be a list of ids, or all"},
		{object{"subscribers": object{"a": 1}}, "subscribers must be a list of ids, or all"},
		{object{"subscribers": []int{1}}, "subscribers must be a list of ids, or all"},
		{object{"subscribers": many}, "subscribers must be at most 100 at once, not 101"},
		{object{"subscribers": []string{ids[0], "nobody"}}, `subscribers names no subscriber of the page: "nobody"`},
		{object{"subscribers": "all", "state": "asleep"}, `state must be one of active, unconfirmed, quarantined, all, not "asleep"`},
	} {
		if got := s.refused(http.MethodPost, "/subscribers/unsubscribe", c.send); got != c.says {
			t.Errorf("%v: got %s, want %s", c.send, got, c.says)
		}
	}
	if list := s.list("/subscribers"); len(list) != 3 {
		t.Fatalf("got %v, want all three: every request was refused", list)
	}
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": []string{ids[0], ids[0], waiting}})
	if got := addresses(s.list("/subscribers?state=all")); got != "b@example.com c@example.com waiting@example.com" {
		t.Errorf("got %s, want only the active one of the two to have left", got)
	}
	form := url.Values{"subscribers[]": {waiting}, "state": {"all"}, "skip_unsubscription_notification": {"t"}}
	code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/subscribers/unsubscribe", "application/x-www-form-urlencoded", form.Encode())
	if code != http.StatusCreated || len(answer) != 0 {
		t.Errorf("got %d %s, want 201 without a body", code, answer)
	}
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": "all", "type": "webhook"})
	if got := addresses(s.list("/subscribers?state=all")); got != "b@example.com c@example.com" {
		t.Errorf("got %s, want those who are no webhooks", got)
	}
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": "all"})
	if got := s.list("/subscribers?state=all"); len(got) != 0 {
		t.Errorf("got %v, want nobody", got)
	}
}

func TestAllIsForFewerThanAHundred(t *testing.T) {
	s := open(t)
	add := func(n int) {
		one := notify.Subscriber{ID: fmt.Sprint("s", n), Channel: notify.Email, Address: fmt.Sprintf("u%d@example.com", n), State: notify.Active, Created: noon}
		if err := s.store.AddSubscriber(t.Context(), noon, one); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 100 {
		add(n)
	}
	want := "subscribers must name them by their ids: there are 100 or more, and all is for fewer"
	if got := s.refused(http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": "all"}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.call(http.StatusOK, http.MethodDelete, "/subscribers/s1", nil)
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": "all"})
	if got := s.list("/subscribers/unsubscribed?per_page=1000"); len(got) != 100 {
		t.Errorf("got %d, want 100", len(got))
	}
}

func TestAQuarantinedSubscriberIsTakenBack(t *testing.T) {
	s := open(t)
	later := s.subscribe("/subscribers", object{"endpoint": "https://example.com/a"})
	s.clock.Set(noon.Add(time.Minute))
	id := s.subscribe("/subscribers", object{"endpoint": "https://example.com/hook"})
	other := s.subscribe("/subscribers", object{"email": "ops@example.com"})
	for one, at := range map[string]time.Time{later: noon.Add(time.Hour), id: noon} {
		err := s.store.ChangeSubscribers(t.Context(), noon, []string{one}, func(n *notify.Subscriber) error {
			n.Quarantine(at, "gone")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"": "https://example.com/a https://example.com/hook", "&sort_field=quarantined_at": "https://example.com/hook https://example.com/a",
		"&sort_field=quarantined_at&sort_direction=desc": "https://example.com/a https://example.com/hook",
	} {
		if got := addresses(s.list("/subscribers?state=quarantined" + query)); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	s.call(http.StatusOK, http.MethodDelete, "/subscribers/"+later, nil)
	list := s.list("/subscribers?state=quarantined")
	if len(list) != 1 || list[0]["quarantined_at"] != "2027-01-13T12:00:00Z" || list[0]["purge_at"] != "2027-04-13T12:00:00Z" {
		t.Fatalf("got %v, want the webhook, to be forgotten after 90 days", list)
	}
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/reactivate", object{"subscribers": []string{id, other}, "type": "email"})
	if got := s.list("/subscribers"); len(got) != 0 {
		t.Errorf("got %v, want nobody active: the quarantined one is no e-mail address", got)
	}
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/reactivate", object{"subscribers": []string{id, other}})
	got := s.call(http.StatusOK, http.MethodGet, "/subscribers/"+id, nil)
	if got["interlude"].(object)["state"] != "active" || got["quarantined_at"] != nil || got["purge_at"] != nil {
		t.Errorf("got %v, want it active", got)
	}
	if got := s.list("/subscribers?state=unconfirmed"); len(got) != 1 {
		t.Errorf("got %v, want the address to stay unconfirmed", got)
	}
}

func TestSubscribersOfAnEventAreApartFromThoseOfThePage(t *testing.T) {
	s := open(t)
	event, _ := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))["id"].(string)
	path := "/incidents/" + event + "/subscribers"
	id := s.subscribe(path, object{"email": "ops@example.com"})
	ofPage := s.subscribe("/subscribers", object{"email": "ops@example.com"})
	if got := addresses(s.list(path + ".json")); got != "ops@example.com" {
		t.Errorf("got %s, want the subscriber of the event", got)
	}
	if got := s.list(path + "?page=2&per_page=1"); len(got) != 0 {
		t.Errorf("got %v on the second page, want nobody", got)
	}
	s.refused(http.MethodPost, path, object{"subscriber": object{"email": "ops@example.com"}})
	s.call(http.StatusOK, http.MethodGet, path+"/"+id, nil)
	for _, wrong := range []string{"/subscribers/" + id, path + "/" + ofPage, "/incidents/nothing/subscribers/" + id, "/incidents/nothing/subscribers"} {
		s.call(http.StatusNotFound, http.MethodGet, wrong, nil)
	}
	if got := s.refused(http.MethodPost, "/subscribers/unsubscribe", object{"subscribers": []string{id}}); !strings.Contains(got, id) {
		t.Errorf("got %s, want the subscriber of an event refused", got)
	}
	gone := s.call(http.StatusOK, http.MethodDelete, path+"/"+id, nil)
	if gone["id"] != id || len(s.list(path)) != 0 {
		t.Errorf("got %v and %v left, want nobody", gone, s.list(path))
	}
	if got := s.list("/subscribers?state=all"); len(got) != 1 {
		t.Errorf("got %v, want the subscriber of the page to stay", got)
	}
	s.call(http.StatusNotFound, http.MethodPost, "/incidents/nothing/subscribers", object{"subscriber": object{"email": "x@example.com"}})
}

func TestAddressesNeedMoreThanReading(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/subscribers", "/subscribers/unsubscribed", "/page_access_users", "/page_access_groups"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/v1/pages/"+s.page+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for scope, want := range map[string]int{"read": http.StatusForbidden, "operate": http.StatusOK} {
			r.Header.Set("Authorization", "OAuth "+scope)
			answer, err := s.server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s with the scope %s: got %d, want %d", path, scope, answer.StatusCode, want)
			}
		}
	}
}
