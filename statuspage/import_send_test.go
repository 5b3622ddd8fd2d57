package statuspage_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/statuspage"
)

// addressBook are the subscribers of a site with their states, in order.
func (s *site) addressBook() string {
	s.Helper()
	var all []string
	for _, state := range []string{"active", "unconfirmed", "quarantined"} {
		for _, one := range s.list("/subscribers?limit=100&state=" + state) {
			address, _ := one["endpoint"].(string)
			if address == "" {
				address, _ = one["email"].(string)
			}
			all = append(all, address+" "+state)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestSubscribersAndTemplatesComeOnce(t *testing.T) {
	here := empty(t)
	from := savedPage(t, "managed")
	_, found := here.take(from)
	if found.Report.Brought["subscriber"] != 3 || found.Report.Brought["template"] != 1 {
		t.Fatalf("got %v, not carried: %s", found.Report.Brought, lines(found.Report.NotCarried))
	}
	const want = "ada@example.com active, https://hooks.example.com/x active, new@example.com unconfirmed"
	if got := here.addressBook(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	templates := here.list("/incident_templates")
	if len(templates) != 1 || templates[0]["name"] != "Outage" || templates[0]["update_status"] != "investigating" {
		t.Errorf("got %v", templates)
	}
	planned := here.call(http.StatusOK, http.MethodGet, "/incidents/planned00001", nil)
	if jira, _ := planned["metadata"].(object)["jira"].(object); jira["issue"] != "OPS-1" || planned["auto_transition_deliver_notifications_at_start"] != false ||
		planned["scheduled_auto_completed"] != true || planned["scheduled_remind_prior"] != true {
		t.Errorf("got %v, want the settings that it has there", planned)
	}
	if hiccup := here.call(http.StatusOK, http.MethodGet, "/incidents/drafted00001", nil); hiccup["impact"] != "none" {
		t.Errorf("got the impact %v, want the none that was said of it there", hiccup["impact"])
	}

	for _, one := range here.list("/subscribers?state=all") {
		if one["email"] == "ada@example.com" {
			id, _ := one["id"].(string)
			here.call(http.StatusOK, http.MethodDelete, "/subscribers/"+id, nil)
		}
	}
	before := here.addressBook()
	foretold, err := statuspage.Import(from, here.present(), here.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	dry := statuspage.Recipient{Server: here.server.URL, Token: "administer", Page: here.page, Dry: true}
	if err := dry.Send(t.Context(), foretold.Extras, &foretold.Report); err != nil || here.addressBook() != before {
		t.Errorf("got %v and %s, want a dry run to change nothing", err, here.addressBook())
	}
	_, again := here.take(from)
	if diff := cmp.Diff(again.Report, foretold.Report); diff != "" {
		t.Errorf("a dry run foretells something else (- done, + foretold):\n%s", diff)
	}
	if again.Report.There["subscriber"] != 2 || again.Report.There["template"] != 1 || again.Report.Brought["subscriber"] != 0 {
		t.Errorf("got %v brought and %v there, want all there", again.Report.Brought, again.Report.There)
	}
	if got := lines(again.Report.LeftAlone); got != "subscriber ada@example.com: unsubscribed here\n" {
		t.Errorf("got %q, want the one who unsubscribed left alone", got)
	}
}

func TestAServerWithoutTheManagementAPISaysSo(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	found, err := statuspage.Import(savedPage(t, "managed"), statuspage.Present{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := (statuspage.Recipient{Server: server.URL, Page: "p"}).Send(t.Context(), found.Extras, &found.Report); err != nil {
		t.Fatal(err)
	}
	got := lines(found.Report.NotCarried) + lines(found.Report.LeftAlone)
	for _, want := range []string{
		"subscriber all 3: the server here refuses it: it answers 404, and has no management API at /v1/\n",
		"template all 1: the server here refuses it: it answers 404, and has no management API at /v1/\n",
		"setting Renew certificates: the server here refuses its auto_transition_deliver_notifications_at_start, metadata: it answers 404",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWhatWasWithdrawnHereDoesNotComeBack(t *testing.T) {
	here := empty(t)
	from := savedPage(t, "managed")
	here.take(from)
	here.call(http.StatusOK, http.MethodDelete, "/incidents/drafted00001", nil)
	changes, found := here.take(from)
	if got := lines(found.Report.LeftAlone); len(changes) != 0 || got != "incident A hiccup (drafted00001): was withdrawn here\n" {
		t.Errorf("got %v and %q, want it left alone", changes, got)
	}
}

func TestADocumentThatIsRefusedIsLeftOutWithWhatBelongsToIt(t *testing.T) {
	found, err := statuspage.Import(savedPage(t, "managed"), statuspage.Present{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found.Documents[1:] {
		found.Leave(d, "it is refused")
	}
	got := lines(found.Report.NotCarried)
	if !strings.Contains(got, "maintenance Renew certificates (planned00001): it is refused\n") || len(found.Extras.Patches) != 0 || found.Report.Brought["maintenance"] != 0 {
		t.Errorf("got %s, %v and %v", got, found.Extras.Patches, found.Report.Brought)
	}
}
