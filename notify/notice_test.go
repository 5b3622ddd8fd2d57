package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

var six = time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)

// bookOf is a page with two components and a maintenance of the first one.
func bookOf() *status.Book {
	n := 0
	b := &status.Book{
		Page:       status.Page{ID: "page", Name: "Northwind", URL: "https://status.northwind.example"},
		Groups:     []status.Group{{ID: "g", Name: "Messenger"}},
		Components: []status.Component{{ID: "web", Name: "Web", GroupID: "g", Condition: status.Operational}, {ID: "api", Name: "APIs", Condition: status.Operational}},
		Maintenances: []status.Maintenance{{
			ID: "m", Title: "Database", State: status.Scheduled, Affects: []string{"web"}, Window: status.Window{Start: six, End: six.Add(time.Hour)},
			Version: 1, Created: six.Add(-48 * time.Hour),
			Updates: []status.Update{{ID: "u0", State: status.Scheduled, Event: status.Announced, At: six.Add(-48 * time.Hour), Body: "Soon"}},
		}},
		NewID: func() string { n++; return fmt.Sprintf("made%d", n) },
	}
	return b
}

func TestWhoeverAChangeLeavesOutHearsOfItAndIsToldSo(t *testing.T) {
	b := bookOf()
	was := Look(b)
	m, _ := b.Maintenance("m")
	m.Affects = []string{"api"}
	b.PutMaintenance(m)
	b.Say(status.Event{Kind: status.Changed, Subject: m.Subject(), At: six.Add(-time.Hour), Told: true})
	all := was.Notices(b)
	if len(all) != 1 {
		t.Fatalf("got %d notices, want 1", len(all))
	}
	n := all[0]
	if !slices.Equal(n.Audience.Components, []string{"api", "web"}) || !slices.Equal(n.Audience.Groups, []string{"g"}) || n.Audience.Event != "m" {
		t.Errorf("got the audience %+v, want both components, the group and the event", n.Audience)
	}
	if w := word(&n, ""); !strings.HasSuffix(w.Affected, "No longer affected: Messenger / Web.") {
		t.Errorf("got %q, want what is no longer affected", w.Affected)
	}
}

func TestWhatHappensIsToldInItsOrderAndWhatIsOvertakenIsNot(t *testing.T) {
	b := bookOf()
	was := Look(b)
	m, _ := b.Maintenance("m")
	m, begun, err := m.Begin(six, status.ByClock, status.Post{})
	if err != nil {
		t.Fatal(err)
	}
	b.PutMaintenance(m)
	reminded := status.Event{Kind: status.Reminded, Subject: m.Subject(), At: six, Told: true}
	quiet := status.Event{Kind: status.Updated, Subject: m.Subject(), At: six}
	b.Say(reminded, begun, quiet)
	var kinds []string
	for _, n := range was.Notices(b) {
		kinds = append(kinds, string(n.Kind)+" "+n.Update+" "+string(n.Was)+" "+n.Component)
	}
	want := []string{"begun made1  ", "component  operational web"}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %q, want %q: no reminder, nothing quiet, and webhooks told of the component", kinds, want)
	}
}
