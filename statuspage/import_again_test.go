package statuspage_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
)

// settings are what version 1 says of the events beyond what everybody may read. The impact of an incident that was brought
// over counts as said, and a reminder that was spoken elsewhere as not spoken here.
func (s *site) settings() map[string]object {
	s.Helper()
	all := make(map[string]object)
	for _, e := range s.list("/incidents?limit=100") {
		name, _ := e["name"].(string)
		all[name] = object{}
		for field, value := range e {
			if field == "metadata" || strings.HasPrefix(field, "impact") || strings.HasPrefix(field, "scheduled_") || strings.HasPrefix(field, "auto_transition") {
				all[name][field] = value
			}
		}
		delete(all[name], "scheduled_reminded_at")
		if e["scheduled_for"] == nil {
			delete(all[name], "impact_override")
		}
	}
	return all
}

// event finds the identifier of an event by its name.
func (s *site) event(name string) string {
	s.Helper()
	for _, e := range s.list("/incidents?limit=100") {
		if e["name"] == name {
			id, _ := e["id"].(string)
			return id
		}
	}
	s.Fatalf("there is no event %q", name)
	return ""
}

// alter changes fields of an event that is found by its name.
func (s *site) alter(name string, fields object) {
	s.Helper()
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+s.event(name), object{"incident": fields})
}

// idle wants an import of what is here already to change nothing.
func (s *site) idle(from statuspage.Source) {
	s.Helper()
	before := s.shown()
	changes, found := s.take(from)
	if len(changes) != 0 || len(found.Documents) != 1 || len(found.Extras.Patches) != 0 || len(found.Report.LeftAlone) != 0 {
		s.Errorf("importing again: got the changes %v, %d documents, the settings %v and left %s, want nothing to do",
			changes, len(found.Documents), found.Extras.Patches, lines(found.Report.LeftAlone))
	}
	if diff := cmp.Diff(before, s.shown()); diff != "" {
		s.Errorf("importing again changed what is shown:\n%s", diff)
	}
}

func TestTheKeyBringsTheSettingsOfWhatCameWithoutIt(t *testing.T) {
	there, here := open(t), empty(t)
	there.lived()
	there.alter("Long work", object{"auto_transition_deliver_notifications_at_end": false})
	there.alter("Database upgrade", object{"metadata": object{"jira": object{"issue": "OPS-2"}}})
	here.clock.Set(there.clock.Now())
	here.take(there.read(false))
	if cmp.Equal(there.settings(), here.settings()) {
		t.Fatal("version 2 tells all settings by now, so that this test shows nothing")
	}
	here.take(there.read(true))
	if diff := cmp.Diff(there.settings(), here.settings()); diff != "" {
		t.Errorf("settings differ (- there, + here):\n%s", diff)
	}
	if diff := cmp.Diff(there.shown(), here.shown(), unlikeElsewhere); diff != "" {
		t.Errorf("version 2 differs (- there, + here):\n%s", diff)
	}
	here.idle(there.read(true))
	here.idle(there.read(false))
}

func TestSettingsThatChangeThereWithoutAnUpdateCome(t *testing.T) {
	there, here := open(t), empty(t)
	there.lived()
	here.clock.Set(there.clock.Now())
	here.take(there.read(true))
	here.alter("E-mail is late", object{"metadata": object{"jira": object{"issue": "OPS-1"}, "ours": object{"team": "mail"}}})
	there.alter("E-mail is late", object{"impact_override": "critical", "metadata": object{"jira": object{"issue": "OPS-9", "votes": 2}}})
	there.alter("Long work", object{"scheduled_auto_completed": false, "impact_override": "minor"})
	there.alter("Not needed", object{
		"scheduled_remind_prior": false, "scheduled_auto_in_progress": false, "auto_transition_to_maintenance_state": true,
		"auto_transition_to_operational_state": false, "auto_transition_deliver_notifications_at_start": false,
	})
	_, found := here.take(there.read(true))
	if found.Report.Brought["setting"] != 3 {
		t.Errorf("got %v, want the settings of three events", found.Report.Brought)
	}
	want := there.settings()
	late, _ := want["E-mail is late"]["metadata"].(object)
	late["ours"] = object{"team": "mail"} // what is here alone stays
	if diff := cmp.Diff(want, here.settings()); diff != "" {
		t.Errorf("settings differ (- there, + here):\n%s", diff)
	}
	here.idle(there.read(true))
}

func TestAnImportThatStoppedBeforeTheSettingsIsFinishedByTheNext(t *testing.T) {
	there, here := open(t), empty(t)
	there.lived()
	here.clock.Set(there.clock.Now())
	from := there.read(true)
	found, err := statuspage.Import(from, statuspage.Present{}, here.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.keeper.Apply(t.Context(), found.Documents, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	changes, again := here.take(from)
	if len(changes) != 0 || again.Report.Brought["setting"] == 0 {
		t.Errorf("got the changes %v and brought %v, want settings alone", changes, again.Report.Brought)
	}
	if diff := cmp.Diff(there.settings(), here.settings()); diff != "" {
		t.Errorf("settings differ (- there, + here):\n%s", diff)
	}
	here.idle(from)
}

func TestAnEventThatWentOnHereKeepsItsSettings(t *testing.T) {
	there, here := open(t), empty(t)
	there.lived()
	here.clock.Set(there.clock.Now())
	here.take(there.read(false))
	here.alter("Long work", object{"body": "Half done, says the new page."})
	before := here.settings()["Long work"]
	_, found := here.take(there.read(true))
	const want = "went on here, where it is in_progress, and keeps what it has of scheduled_auto_completed, scheduled_remind_prior\n"
	if got := lines(found.Report.LeftAlone); !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q, want one line that ends in %q", got, want)
	}
	if diff := cmp.Diff(before, here.settings()["Long work"]); diff != "" {
		t.Errorf("its settings changed:\n%s", diff)
	}
}

func TestWhatAnotherInterludeDoesNotTellIsSaidAndNotTakenAway(t *testing.T) {
	there, here := open(t), empty(t)
	there.lived()
	here.clock.Set(there.clock.Now())
	_, found := here.take(there.read(true))
	const said = "maintenances: the former page is an Interlude too, and tells no reminders but those of an hour before the start"
	if got := lines(found.Report.NotCarried); !strings.Contains(got, said) {
		t.Errorf("got %s, want %s", got, said)
	}
	planned := here.event("Not needed")
	window := status.Window{Start: time.Date(2027, 2, 15, 6, 0, 0, 0, time.UTC), End: time.Date(2027, 2, 15, 7, 0, 0, 0, time.UTC)}
	d := status.MaintenanceDocument{
		Key: planned, Title: "Not needed", Window: window, Affects: []string{"Message delivery / Email", "APIs"}, Complete: status.Automatic,
		Reminders: []status.Duration{status.Duration(24 * time.Hour), status.Duration(time.Hour)}, Summary: "Ours.",
	}
	if _, err := here.keeper.Apply(t.Context(), []status.Document{{Maintenance: &d}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	here.refresh()
	there.alter("Not needed", object{"body": "Still planned.", "scheduled_auto_in_progress": false})
	changes, _ := here.take(there.read(true))
	if len(changes) != 1 {
		t.Errorf("got %v, want the further update alone", changes)
	}
	for _, m := range here.present().Maintenances {
		if m.ID == planned && (len(m.Reminders) != 2 || m.Summary != "Ours." || m.Begins != status.Manual || len(m.Updates) != 2) {
			t.Errorf("got %+v, want its own reminders and summary beside what was said there", m)
		}
	}
	here.idle(there.read(true))
}

// plan is a page with one maintenance, as version 2 tells it.
func plan(state, from, until, updates string) statuspage.Source {
	return statuspage.Source{Parts: []statuspage.Part{
		{Kind: statuspage.PartSummary, Name: "summary.json", Data: []byte(`{"page":{"id":"p1","name":"Northwind"}}`)},
		{Kind: statuspage.PartMaintenances, Name: "maintenances.json", Data: []byte(`{"scheduled_maintenances":[{"id":"m1","name":"Upgrade","status":"` +
			state + `","scheduled_for":"` + from + `","scheduled_until":"` + until + `","created_at":"2027-01-10T00:00:00Z","incident_updates":[` + updates + `]}]}`)},
	}}
}

func TestAnAnnouncementWithoutWordsGoesOnWithThoseThatItGotHere(t *testing.T) {
	const from, until = "2027-02-15T06:00:00Z", "2027-02-15T07:00:00Z"
	const wordless = `{"id":"u1","status":"scheduled","body":"","display_at":"2027-01-10T00:00:00Z"}`
	const begun = `{"id":"u2","status":"in_progress","body":"Early.","display_at":"2027-01-13T13:00:00Z"}`
	for name, updates := range map[string]string{"none at all": "", "an empty one": wordless} {
		t.Run(name, func(t *testing.T) {
			here := empty(t)
			here.take(plan("scheduled", from, until, updates))
			here.idle(plan("scheduled", from, until, updates))
			later := plan("scheduled", "2027-02-16T06:00:00Z", "2027-02-16T07:00:00Z", updates)
			if changes, found := here.take(later); len(changes) != 1 || changes[0].Fields[0].Field != "window" {
				t.Errorf("moved there: got %v and left %s, want the window moved", changes, lines(found.Report.LeftAlone))
			}
			here.tick(noon.Add(2 * time.Hour))
			changes, found := here.take(plan("in_progress", "2027-02-16T06:00:00Z", "2027-02-16T07:00:00Z", strings.TrimPrefix(updates+","+begun, ",")))
			if len(changes) != 1 || here.present().Maintenances[0].State != status.InProgress {
				t.Errorf("begun there: got %v and left %s, want it begun", changes, lines(found.Report.LeftAlone))
			}
			if u := here.present().Maintenances[0].Updates; len(u) != 2 || u[0].Body == "" || u[1].ID != "u2" {
				t.Errorf("got %+v, want the announcement and the beginning", u)
			}
		})
	}
}

// unlikeOverlapping is what differs where events overlap: what each update did to their components is derived here.
var unlikeOverlapping = cmp.FilterPath(func(p cmp.Path) bool {
	key, isKey := p.Last().(cmp.MapIndex)
	return isKey && key.Key().String() == "affected_components"
}, cmp.Ignore())

func TestWhatGoesOnThereGoesOnHere(t *testing.T) {
	for name, managed := range map[string]bool{"version 1": true, "version 2": false} {
		t.Run(name, func(t *testing.T) {
			there, here := open(t), empty(t)
			there.lived()
			at := there.clock.Now()
			here.clock.Set(at)
			here.take(there.read(managed))
			for _, next := range []struct {
				after               time.Duration
				incident, scheduled string
			}{{time.Minute, "monitoring", "in_progress"}, {2 * time.Minute, "resolved", "completed"}} {
				there.tick(at.Add(next.after))
				here.clock.Set(at.Add(next.after))
				there.alter("E-mail is late", object{"status": next.incident, "body": "It went on."})
				there.alter("Not needed", object{"status": next.scheduled, "body": "By hand."})
				changes, found := here.take(there.read(managed))
				if len(changes) != 2 || len(found.Report.LeftAlone) != 0 {
					t.Errorf("%s: got the changes %v and left %s, want both events to go on", next.incident, changes, lines(found.Report.LeftAlone))
				}
				if diff := cmp.Diff(there.shown(), here.shown(), unlikeElsewhere, unlikeOverlapping); diff != "" {
					t.Errorf("%s: version 2 differs (- there, + here):\n%s", next.incident, diff)
				}
			}
			here.idle(there.read(managed))
		})
	}
}
