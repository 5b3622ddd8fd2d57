package statuspage_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/interlude/page"
)

// index is the page as readers get it.
func (s *site) index() string {
	s.Helper()
	answer := httptest.NewRecorder()
	page.New(s.board, s.clock, slog.New(slog.DiscardHandler)).ServeHTTP(answer, httptest.NewRequestWithContext(s.Context(), http.MethodGet, "/", nil))
	if answer.Code != http.StatusOK {
		s.Fatalf("the page answered %d", answer.Code)
	}
	return answer.Body.String()
}

// line is what the page says of a component, empty when it does not list it.
func (s *site) line(id string) string {
	s.Helper()
	_, after, found := strings.Cut(s.index(), `id="c-`+id+`"`)
	if !found {
		return ""
	}
	line, _, _ := strings.Cut(after, "</div>")
	return line
}

func TestReadersSeeWhatClientsSayOfAComponent(t *testing.T) {
	s := open(t)
	s.clock.Set(noon.Add(12 * time.Hour))
	id := s.ids["APIs"]
	say := func(what object) string {
		t.Helper()
		s.call(http.StatusOK, http.MethodPatch, "/components/"+id, component(what))
		return s.line(id)
	}
	if got := say(object{"description": "For developers.", "name": "API"}); !strings.Contains(got, "For developers.") || !strings.Contains(got, ">API<") || !strings.Contains(got, `class="bar"`) {
		t.Errorf("got %s, want its name, what it is and its bar", got)
	}
	if got := say(object{"start_date": "2027-01-01"}); !strings.Contains(got, "until December 31: No data") {
		t.Errorf("got %s, want its past from the first day of the year", got)
	}
	if got := say(object{"showcase": false}); strings.Contains(got, `class="bar"`) || strings.Contains(got, "%") {
		t.Errorf("got %s, want neither bar nor figure", got)
	}
	if got := say(object{"only_show_if_degraded": true}); got != "" {
		t.Errorf("got %s, want nothing of it while it is operational", got)
	}
	if got := say(object{"status": "degraded_performance"}); !strings.Contains(got, "Degraded performance") {
		t.Errorf("got %s, want it while it is degraded", got)
	}
	if got := s.inPublic(id); got["only_show_if_degraded"] != true || got["status"] != "degraded_performance" {
		t.Errorf("version 2 shows %v, want the same", got)
	}
	if got := say(object{"status": "operational", "only_show_if_degraded": false, "showcase": true}); !strings.Contains(got, `class="bar"`) {
		t.Errorf("got %s, want it as it was", got)
	}
}
