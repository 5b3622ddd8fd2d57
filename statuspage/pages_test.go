package statuspage_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// pageFields are the fields of a page as Statuspage shows it.
var pageFields = []string{
	"id", "created_at", "updated_at", "name", "page_description", "headline", "branding", "subdomain", "domain", "url", "support_url",
	"hidden_from_search", "allow_page_subscribers", "allow_incident_subscribers", "allow_email_subscribers", "allow_sms_subscribers",
	"allow_rss_atom_feeds", "allow_webhook_subscribers", "notifications_from_email", "notifications_email_footer", "activity_score",
	"twitter_username", "viewers_must_be_team_members", "ip_restrictions", "city", "state", "country", "time_zone",
	"css_body_background_color", "css_font_color", "css_light_font_color", "css_greens", "css_yellows", "css_oranges", "css_blues",
	"css_reds", "css_border_color", "css_graph_color", "css_link_color", "css_no_data", "favicon_logo", "transactional_logo",
	"hero_cover", "email_logo", "twitter_logo",
}

func TestThePageHasEveryFieldThatStatuspageHas(t *testing.T) {
	s := open(t)
	shown := s.call(http.StatusOK, http.MethodGet, ".json", nil)
	for _, name := range pageFields {
		if _, has := shown[name]; !has {
			t.Errorf("the page has no %s", name)
		}
	}
	if len(shown) != len(pageFields) {
		t.Errorf("got %d fields, want %d", len(shown), len(pageFields))
	}
	s.holds("the page", shown, object{
		"id": s.page, "name": "Northwind", "time_zone": "UTC", "domain": "status.northwind.example", "url": "https://status.northwind.example",
		"page_description": nil, "headline": nil, "allow_sms_subscribers": false, "allow_rss_atom_feeds": true,
		"viewers_must_be_team_members": false, "created_at": "2027-01-13T12:00:00Z", "updated_at": "2027-01-13T12:00:00Z",
		"favicon_logo": object{"updated_at": nil, "size": nil, "url": ""},
	})
	code, text := s.send(http.MethodGet, "/v1/pages.json", "", nil)
	var all []object
	if err := json.Unmarshal(text, &all); err != nil || code != http.StatusOK || len(all) != 1 || all[0]["id"] != s.page {
		t.Errorf("got %d %s, want a list of the page", code, text)
	}
	if code, text := s.send(http.MethodGet, "/v1/pages?page=2", "", nil); code != http.StatusOK || string(text) != "[]\n" {
		t.Errorf("got %d %s, want an empty list behind the last page", code, text)
	}
	if code, _ := s.send(http.MethodGet, "/v1/pages/another", "", nil); code != http.StatusNotFound {
		t.Errorf("got %d for another page, want 404", code)
	}
}

func TestThePageIsChanged(t *testing.T) {
	s := open(t)
	for _, step := range []struct{ send, want object }{
		{object{"name": "Southwind", "page_description": "How we are."}, object{"name": "Southwind", "page_description": "How we are.", "time_zone": "UTC"}},
		{object{"time_zone": "Europe/Berlin", "name": nil}, object{"name": "Southwind", "time_zone": "Europe/Berlin", "page_description": "How we are."}},
		{object{"domain": "Status.Southwind.example"}, object{"domain": "status.southwind.example", "url": "https://status.southwind.example"}},
		{object{"page_description": "", "domain": "", "time_zone": "", "name": ""}, object{"page_description": nil, "domain": "status.southwind.example", "name": "Southwind", "time_zone": "Europe/Berlin"}},
		{object{"domain": "status.southwind.example:8443"}, object{"domain": "status.southwind.example:8443", "url": "https://status.southwind.example:8443"}},
	} {
		s.holds("PATCH", s.call(http.StatusOK, http.MethodPatch, "", object{"page": step.send}), step.want)
		s.holds("PUT of nothing", s.call(http.StatusOK, http.MethodPut, "", object{"page": object{}}), step.want)
		s.holds("GET", s.call(http.StatusOK, http.MethodGet, "", nil), step.want)
	}
	page, _ := s.public("status.json")["page"].(object)
	s.holds("version 2", page, object{"name": "Southwind", "time_zone": "Europe/Berlin", "url": "https://status.southwind.example:8443"})
	document := status.PageDocument{Page: status.PageFields{Name: "Northwind", URL: "https://status.northwind.example"}}
	if _, err := s.keeper.Apply(t.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	s.refresh()
	s.holds("after a document", s.call(http.StatusOK, http.MethodGet, "", nil), object{"name": "Northwind", "time_zone": "UTC", "domain": "status.northwind.example"})
}

func TestWhatThePageHasMayBeSentBack(t *testing.T) {
	s := open(t)
	shown := s.call(http.StatusOK, http.MethodGet, "", nil)
	shown["updated_at"] = "2026-01-01T00:00:00Z"
	s.call(http.StatusOK, http.MethodPatch, "", object{"page": shown})
	form := "page[name]=Northwind&page[allow_sms_subscribers]=f&page[allow_rss_atom_feeds]=t&page[headline]=&page[activity_score]=0&page[branding]=basic&page[unheard_of]=1"
	if code, text := s.send(http.MethodPatch, "/v1/pages/"+s.page, "application/x-www-form-urlencoded", form); code != http.StatusOK {
		t.Errorf("got %d %s, want what is so to pass", code, text)
	}
}

func TestThePageRefusesWhatItCannotBe(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		send object
		says string
	}{
		{object{"allow_sms_subscribers": true}, "allow_sms_subscribers cannot be set to another value than false: no SMS is sent"},
		{object{"allow_rss_atom_feeds": false}, "allow_rss_atom_feeds cannot be set to another value than true: nothing on the page would follow it"},
		{object{"allow_rss_atom_feeds": "f"}, "allow_rss_atom_feeds cannot be set to another value than true: nothing on the page would follow it"},
		{object{"viewers_must_be_team_members": "t"}, "viewers_must_be_team_members cannot be set to another value than false: the page is public"},
		{object{"css_greens": "1e8542"}, "css_greens cannot be set to another value than null: nothing on the page would follow it"},
		{object{"url": "https://northwind.example"}, `url cannot be set to another value than "https://status.northwind.example": the page's name leads to the page itself, at the address that follows from domain`},
		{object{"subdomain": "northwind"}, "subdomain cannot be set to another value than null: the page has no address below a domain of somebody else's; set domain"},
		{object{"branding": "premium"}, `branding cannot be set to another value than "basic": nothing on the page would follow it`},
		{object{"time_zone": "Berlin"}, `time_zone must be an IANA name such as UTC or Europe/Berlin, not "Berlin"`},
		{object{"domain": "https://status.northwind.example"}, `domain must be a host such as status.example.com, not "https://status.northwind.example"`},
		{object{"domain": "status.northwind.example/path"}, `domain must be a host such as status.example.com, not "status.northwind.example/path"`},
		{object{"domain": "user@evil.example"}, `domain must be a host such as status.example.com, not "user@evil.example"`},
		{object{"domain": "a b"}, `domain must be a host such as status.example.com, not "a b"`},
		{object{"domain": ":80"}, `domain must be a host such as status.example.com, not ":80"`},
		{object{"name": " "}, "name is required: the organisation's name as readers know it"},
	} {
		got := s.call(http.StatusUnprocessableEntity, http.MethodPatch, "", object{"page": c.send})
		if rules, _ := got["error"].([]any); len(rules) != 1 || rules[0] != c.says {
			t.Errorf("%v: got %v, want %q", c.send, got["error"], c.says)
		}
	}
	if p := s.board.Current().Page; p.Name != "Northwind" || p.Version != 1 {
		t.Errorf("got %+v, want the page as it was", p)
	}
	if code, _ := s.as("operate", http.MethodPatch, "", object{"page": object{"name": "X"}}); code != http.StatusForbidden {
		t.Errorf("got %d for a token of scope operate, want 403", code)
	}
}

// counting says whether planned work counts as downtime.
func (s *site) counting(counts bool) {
	s.Helper()
	document := status.PageDocument{Page: status.PageFields{
		Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "UTC", MaintenanceCounts: counts,
	}}
	if _, err := s.keeper.Apply(s.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		s.Fatal(err)
	}
	s.refresh()
}
