package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

func (s *Site) embedded(t testing.TB) embedState {
	t.Helper()
	var state embedState
	if err := json.Unmarshal(s.document(t, embedStatePath), &state); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestAFrameShowsWhatIsGoingOnTheWorstFirst(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	if got := w.site("2027-01-13 17:00").embedded(t); got.Headline != "All systems operational" || len(got.Events) != 0 || got.Condition != status.Operational {
		t.Errorf("got %+v, want nothing going on before the maintenance begins", got)
	}
	w.begin("db", "2027-01-15 06:00")
	got := w.site("2027-01-15 06:30").embedded(t)
	if len(got.Events) != 1 || got.Condition != status.UnderMaintenance {
		t.Fatalf("got %+v, want the maintenance", got)
	}
	m := got.Events[0]
	want := embedEvent{
		ID: w.Maintenances[0].ID, Kind: status.KindMaintenance, Condition: status.UnderMaintenance, State: "Maintenance in progress",
		Title: "Scheduled database maintenance", Text: "Until 07:00 UTC", URL: "https://status.northwind.example/incidents/" + w.Maintenances[0].ID,
		Began: at("2027-01-15 06:00"), Until: at("2027-01-15 07:00"),
	}
	if m != want {
		t.Errorf("got %+v, want %+v", m, want)
	}
	i := w.trouble("Push is late", "2027-01-15 06:40", status.PartialOutage, "Mobile Push")
	got = w.site("2027-01-15 07:10").embedded(t)
	if len(got.Events) != 2 || got.Events[0].ID != i.ID || got.Events[0].Text != "Since 06:40 UTC" || got.Condition != status.PartialOutage {
		t.Fatalf("got %+v, want the incident before the maintenance", got)
	}
	if over := got.Events[1]; over.State != "Overrun" || over.Text != "It was to end at 07:00 UTC" || !over.Until.Equal(time.Time{}) {
		t.Errorf("got %+v, want an overrun without an end", over)
	}
}

func TestAFrameMayStandOnEverySiteAndLeadsOutOfIt(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:00")
	s := w.site("2027-01-15 06:30")
	answer := httptest.NewRecorder()
	answer.Header().Set("X-Frame-Options", "DENY") // as the door does
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, embedFramePath+"?mobile=true", nil))
	policy := answer.Header().Get("Content-Security-Policy")
	if answer.Header().Get("X-Frame-Options") != "" || !strings.Contains(policy, "frame-ancestors *") {
		t.Errorf("got %q and X-Frame-Options %q, want everybody allowed to frame it", policy, answer.Header().Get("X-Frame-Options"))
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(answer.Body.String())
	sum := sha256.Sum256([]byte(style[1]))
	if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") || strings.Contains(policy, "unsafe") {
		t.Errorf("got %q, want the one style sheet by its hash", policy)
	}
	frame := parsed(t, answer.Body.Bytes())
	link := frame.one("h1").one("a")
	link.reads("Scheduled database maintenance")
	if link.attr("href") != "https://status.northwind.example/incidents/"+w.Maintenances[0].ID || link.attr("target") != "_blank" || link.attr("rel") != "noopener" {
		t.Errorf("got a link to %s in %q %q, want the report in a tab of its own", link.attr("href"), link.attr("target"), link.attr("rel"))
	}
	frame.one("main").reads("Maintenance in progress Scheduled database maintenance Until 07:00 UTC")
	if src := frame.one("script").attr("src"); src != embedFrameScriptPath || s.fetch(t, http.MethodGet, "status.example", src).Code != http.StatusOK {
		t.Errorf("got the script %s, want the one that is served", src)
	}
	calm := parsed(t, northwind(t).site("2027-01-13 17:00").document(t, embedFramePath))
	calm.one("main").reads("Northwind All systems operational")
	if got := calm.one("h1").one("a").attr("href"); got != "https://status.northwind.example/" {
		t.Errorf("got a link to %s, want the page", got)
	}
	_, page := s.get(t, "/")
	if got := page.Header().Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("got %q for the page itself, want nobody to frame it", got)
	}
}

func TestAFrameIsSmallAndInert(t *testing.T) {
	const most = 4 << 10
	if got := sent(embedScriptDocument); got > most/2 {
		t.Errorf("got %d bytes of the script that sites include, want %d at most", got, most/2)
	}
	s := everyState(t)["hostile"]
	frame := parsed(t, s.document(t, embedFramePath))
	if got := len(frame.all("script")); got != 1 {
		t.Errorf("got %d scripts, want one", got)
	}
	for _, name := range []string{"img", "iframe", "form", "object"} {
		if len(frame.all(name)) > 0 {
			t.Errorf("got a <%s>, want none", name)
		}
	}
	for _, e := range frame.all("") {
		for _, a := range e.node.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("got <%s %s>, which the policy forbids", e.node.Data, a.Key)
			}
		}
	}
}
