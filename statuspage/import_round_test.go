package statuspage_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
	"example.org/interlude/store"
)

// empty is a site without a page.
func empty(t *testing.T) *site {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log := slog.New(slog.DiscardHandler)
	s := &site{T: t, store: db, clock: clock.NewDriven(noon, 0), ids: map[string]string{}}
	s.board = board.New(db, s.clock, log)
	s.keeper = keeper.New(db, s.clock, alone{}, log, s.board.Prod)
	s.refresh()
	managed := (&statuspage.Management{
		Keeper: s.keeper, Board: s.board, Records: db, Points: db, Subscribers: db, Clock: s.clock, Log: log, Mail: true,
	}).Handler()
	mux := http.NewServeMux()
	mux.Handle("/api/v2/", &statuspage.Public{Board: s.board})
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		if scope, err := access.ParseScope(strings.TrimPrefix(r.Header.Get("Authorization"), "OAuth ")); err == nil {
			r = r.WithContext(access.WithToken(r.Context(), access.Token{ID: "t", Name: "Ada", Scope: scope}))
		}
		managed.ServeHTTP(w, r)
	})
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	return s
}

// present is what the site has, as the native API tells it.
func (s *site) present() statuspage.Present {
	s.Helper()
	s.refresh()
	p := s.board.Current()
	have := statuspage.Present{Page: p.Page, Withdrawn: map[string]bool{}}
	events, err := s.store.Events(s.Context(), 0, 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == status.Withdrawn {
			have.Withdrawn[e.Subject.ID] = true
		}
	}
	for _, c := range p.Components {
		group, _ := p.Group(c.GroupID)
		have.Components = append(have.Components, api.Component{Component: c, Group: group.Name, Status: p.Conditions[c.ID]})
	}
	for _, m := range p.Maintenances {
		have.Maintenances = append(have.Maintenances, *m)
	}
	for _, i := range p.Incidents {
		have.Incidents = append(have.Incidents, *i)
	}
	for _, e := range p.Past {
		if e.Maintenance != nil {
			have.Maintenances = append(have.Maintenances, *e.Maintenance)
		} else {
			have.Incidents = append(have.Incidents, *e.Incident)
		}
	}
	return have
}

// take imports a source as the command does, and returns what that changed.
func (s *site) take(from statuspage.Source) ([]status.Change, *statuspage.Imported) {
	s.Helper()
	found, err := statuspage.Import(from, s.present(), s.clock.Now())
	if err != nil {
		s.Fatal(err)
	}
	done, err := s.keeper.Apply(s.Context(), found.Documents, false, keeper.Request{By: status.Actor{Kind: status.Person, Name: "import"}})
	if err != nil {
		s.Fatal(err)
	}
	for _, x := range found.Extras.Settings {
		if _, err := s.keeper.SetComponent(s.Context(), x.ID, x.Status, keeper.Request{}); err != nil {
			s.Fatal(err)
		}
	}
	s.refresh()
	s.page = s.board.Current().Page.ID
	to := statuspage.Recipient{Server: s.server.URL, Token: "administer", Page: s.page}
	if err := to.Send(s.Context(), found.Extras, &found.Report); err != nil {
		s.Fatal(err)
	}
	s.refresh()
	return done.Changes, found
}

// shown are the documents of version 2.
func (s *site) shown() object {
	s.Helper()
	all := object{}
	for _, name := range []string{"summary", "components", "incidents", "scheduled-maintenances", "scheduled-maintenances/active", "incidents/unresolved"} {
		all[name] = s.public(name + ".json")
	}
	return all
}

// unlikeElsewhere is what differs between two servers: addresses, when things were last changed, when a component came, and
// whether anybody was told, for the server that keeps a record told nobody.
var unlikeElsewhere = cmp.FilterPath(func(p cmp.Path) bool {
	key, isKey := p.Last().(cmp.MapIndex)
	if !isKey {
		return false
	}
	switch key.Key().String() {
	case "updated_at", "shortlink", "url", "deliver_notifications":
		return true
	case "created_at":
		return strings.Contains(p.GoString(), `["components"]`)
	}
	return false
}, cmp.Ignore())

// lived gives a site a past and a present.
func (s *site) lived() {
	s.Helper()
	slow := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "APIs fail", "body": "Looking. {{ not a placeholder", "components": object{s.ids["APIs"]: "partial_outage"},
	}})
	s.tick(noon.Add(time.Hour))
	id, _ := slow["id"].(string)
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{"status": "monitoring", "body": "Better."}})
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{
		"status": "resolved", "body": "Over.", "components": object{s.ids["APIs"]: "operational"},
	}})
	s.tick(noon.Add(2 * time.Hour))
	s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": "E-mail is late", "body": "Known.", "status": "identified", "components": object{s.ids["Mobile Push"]: "degraded_performance"},
		"metadata": object{"jira": object{"issue": "OPS-1"}},
	}})
	s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))
	s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(object{
		"name": "Not needed", "scheduled_for": "2027-02-15T06:00:00Z", "scheduled_until": "2027-02-15T07:00:00Z",
		"auto_transition_to_maintenance_state": false, "body": "With {{ .Title }} in it.",
	}))
	s.tick(time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC))
	s.tick(time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC))
	s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(object{
		"name": "Long work", "scheduled_for": "2027-01-16T06:00:00Z", "scheduled_until": "2027-01-16T09:00:00Z",
	}))
	s.tick(time.Date(2027, 1, 16, 6, 0, 0, 0, time.UTC))
	s.tick(time.Date(2027, 1, 16, 6, 30, 0, 0, time.UTC))
}

// read reads a site over the network: version 2, or version 1 too.
func (s *site) read(managed bool) statuspage.Source {
	s.Helper()
	up := statuspage.Upstream{Address: s.server.URL}
	if managed {
		up.API, up.Key = s.server.URL+"/v1", "administer"
	}
	from, err := up.Read(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return from
}

func TestAPageThatIsBroughtOverLooksTheSame(t *testing.T) {
	for name, managed := range map[string]bool{"version 1": true, "version 2": false} {
		t.Run(name, func(t *testing.T) {
			there, here := open(t), empty(t)
			there.lived()
			here.clock.Set(there.clock.Now())
			if _, err := there.keeper.SetComponent(t.Context(), there.ids["Web Application"], status.MajorOutage, keeper.Request{}); err != nil {
				t.Fatal(err)
			}
			there.refresh()
			from := there.read(managed)
			_, found := here.take(from)
			if diff := cmp.Diff(there.shown(), here.shown(), unlikeElsewhere); diff != "" {
				t.Errorf("version 2 differs (- there, + here):\n%s", diff)
			}
			if managed {
				if n := found.Report.Brought["setting"]; n == 0 {
					t.Errorf("got %v, want settings among it; not carried: %s", found.Report.Brought, lines(found.Report.NotCarried))
				}
				again := here.read(true)
				if diff := cmp.Diff(countParts(from), countParts(again)); diff != "" {
					t.Errorf("version 1 has other lists (- there, + here):\n%s", diff)
				}
			}
			before := here.shown()
			changes, second := here.take(from)
			if len(changes) != 0 || len(second.Documents) != 1 || len(second.Extras.Settings) != 0 || len(second.Report.LeftAlone) != 0 {
				t.Errorf("importing again: got the changes %v, %d documents, %v, want none but the page's", changes, len(second.Documents), second.Report.LeftAlone)
			}
			if diff := cmp.Diff(before, here.shown()); diff != "" {
				t.Errorf("importing again changed what is shown:\n%s", diff)
			}
		})
	}
}

func countParts(from statuspage.Source) map[statuspage.PartKind]int {
	count := make(map[statuspage.PartKind]int)
	for _, p := range from.Parts {
		count[p.Kind]++
	}
	return count
}

func TestWhatIsNewThereIsAddedAndWhatWentOnHereIsLeft(t *testing.T) {
	there, here := open(t), empty(t)
	there.lived()
	here.clock.Set(there.clock.Now())
	here.take(there.read(true))
	var late, long string
	for _, i := range here.board.Current().Incidents {
		late = i.ID
	}
	for _, m := range here.board.Current().Maintenances {
		if m.Title == "Long work" {
			long = m.ID
		}
	}
	at := there.clock.Now().Add(time.Hour)
	there.tick(at)
	here.tick(at)
	here.call(http.StatusOK, http.MethodPatch, "/incidents/"+long, object{"incident": object{"body": "Half done, says the new page."}})
	here.call(http.StatusOK, http.MethodPatch, "/incidents/"+late, object{"incident": object{"body": "Known here too."}})
	there.call(http.StatusOK, http.MethodPatch, "/incidents/"+late, object{"incident": object{"body": "Nearly done there."}})
	fresh := there.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "Another one"}})
	there.call(http.StatusOK, http.MethodPatch, "/incidents/"+fresh["id"].(string), object{"incident": object{"status": "resolved"}})

	changes, found := here.take(there.read(true))
	if len(changes) != 1 || changes[0].Name != "Another one" || changes[0].Subject.ID != fresh["id"] {
		t.Errorf("got %v, want the new incident alone", changes)
	}
	if got := lines(found.Report.LeftAlone); !strings.Contains(got, "("+late+"): went on here, where it is identified") || strings.Contains(got, long) {
		t.Errorf("got %q, want the incident that went on at both", got)
	}
	own := here.call(http.StatusOK, http.MethodGet, "/incidents/"+late, nil)
	if updates, _ := own["incident_updates"].([]any); len(updates) != 2 {
		t.Errorf("got %v, want what was said here", updates)
	}
}

func TestAnImportTakesNothingAway(t *testing.T) {
	here := empty(t)
	here.clock.Set(time.Date(2027, 1, 13, 12, 0, 0, 0, time.UTC))
	here.take(savedPage(t, "zoned"))
	p := here.board.Current().Page
	document := status.PageDocument{
		Page: status.PageFields{Name: p.Name, URL: p.URL, TimeZone: p.TimeZone, Description: "Ours.", LeastNotice: status.Duration(48 * time.Hour)},
		Components: []status.ComponentNode{
			{Name: "Cards", Description: "Credit & cheque cards", Start: status.Date{Year: 2021, Month: 1, Day: 1}}, {Name: "New"}, {Group: "Own", Components: []status.ComponentNode{{Name: "Inner"}}},
		},
	}
	if _, err := here.keeper.Apply(t.Context(), []status.Document{{Page: &document}}, false, keeper.Request{}); err != nil {
		t.Fatal(err)
	}
	changes, found := here.take(savedPage(t, "zoned"))
	if len(changes) != 0 {
		t.Errorf("got %v, want nothing; report %+v", changes, found.Report)
	}
	if got := here.board.Current().Page; got.LeastNotice == 0 || got.Description != "Ours." {
		t.Errorf("got %+v, want the page's own rules to stay", got)
	}
}
