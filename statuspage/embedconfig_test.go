package statuspage_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestTheBoxIsDescribedAsItIs(t *testing.T) {
	s := open(t)
	shown := s.call(http.StatusOK, http.MethodGet, "/status_embed_config.json", nil)
	s.holds("read", shown, object{
		"page_id": s.page, "position": "bottom-right", "incident_background_color": "#ffffff", "incident_text_color": "#15181e",
		"maintenance_background_color": "#ffffff", "maintenance_text_color": "#15181e",
	})
	style, err := os.ReadFile("../page/assets/embed.css")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../page/assets/embed.js")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(style), "--paper: #fff; --ink: #15181e;") || !strings.Contains(string(script), `right: "20px", bottom: "20px"`) {
		t.Error("the box of package page has other colours or another place than what is said of it")
	}
	s.holds("the same", s.call(http.StatusOK, http.MethodPut, "/status_embed_config", object{"status_embed_config": shown}), shown)
	s.holds("in other words", s.call(http.StatusOK, http.MethodPatch, "/status_embed_config", object{"status_embed_config": object{
		"position": "", "incident_background_color": "FFF", "incident_text_color": "#15181E", "maintenance_text_color": nil,
	}}), shown)
}

func TestTheBoxRefusesToLookOtherwise(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		send object
		says string
	}{
		{object{"position": "top-left"}, "position cannot be honoured: the box stands at the bottom-right"},
		{object{"position": "middle"}, `position must be one of top-left, top-right, bottom-left, bottom-right, not "middle"`},
		{object{"incident_text_color": "red"}, `incident_text_color must be a colour such as #fff or #15181e, not "red"`},
		{object{"maintenance_background_color": "#1d56b4"}, "maintenance_background_color cannot be honoured: the box has colours of its own, by day and by night, and it is #ffffff"},
	} {
		got := s.call(http.StatusUnprocessableEntity, http.MethodPatch, "/status_embed_config", object{"status_embed_config": c.send})
		if rules, _ := got["error"].([]any); len(rules) != 1 || rules[0] != c.says {
			t.Errorf("%v: got %v, want %q", c.send, got["error"], c.says)
		}
	}
}
