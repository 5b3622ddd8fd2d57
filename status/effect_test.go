package status

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// seen makes effects readable: "c1 operational>under_maintenance".
func seen(effects []Effect, names map[string]string) string {
	var all []string
	for _, e := range effects {
		text := names[e.Component] + " " + string(e.Was)
		if e.Is != e.Was {
			text += ">" + string(e.Is)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// namesOf are the names of a book's components by id.
func namesOf(b *Book) map[string]string {
	names := map[string]string{}
	for _, c := range b.Components {
		names[c.ID] = c.Name
	}
	return names
}

// lived is a maintenance of "App" and "Mail" that is announced, begun, said to have an outage of Mail, and completed.
func lived(t *testing.T, change func(*Maintenance)) (*Book, Maintenance) {
	t.Helper()
	b, ids := shopBook(t)
	want := Maintenance{Key: "work", Title: "Work", State: Scheduled, Window: Window{start, end}, Affects: []string{ids["App"], ids["Mail"]}, ShortNotice: "It is a test."}
	change(&want)
	m, _, err := b.Announce(want, start, operator, Post{})
	if err != nil {
		t.Fatal(err)
	}
	m = shift(t, b, m, InProgress, start)
	outage := Post{Body: "Mail is down.", Conditions: map[string]Condition{ids["Mail"]: MajorOutage}}
	if m, err = b.MoveMaintenance(m, "", outage, start.Add(10*time.Minute), operator); err != nil {
		t.Fatal(err)
	}
	m = shift(t, b, m, Completed, end)
	return b, m
}

func TestWhatAnUpdateDidToComponentsIsKept(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Maintenance)
		want   []string
		after  string
	}{
		{"as usual", func(*Maintenance) {}, []string{
			"Mail operational, App operational", "Mail operational>under_maintenance, App operational>under_maintenance",
			"Mail under_maintenance>major_outage, App under_maintenance", "Mail major_outage>operational, App under_maintenance>operational",
		}, "Mail operational, App operational"},
		{"marking by hand", func(m *Maintenance) { m.Marks = Manual }, []string{
			"Mail operational, App operational", "Mail operational, App operational",
			"Mail operational>major_outage, App operational", "Mail major_outage>operational, App operational",
		}, "Mail operational, App operational"},
		{"releasing by hand", func(m *Maintenance) { m.Releases = Manual }, []string{
			"Mail operational, App operational", "Mail operational>under_maintenance, App operational>under_maintenance",
			"Mail under_maintenance>major_outage, App under_maintenance", "Mail major_outage, App under_maintenance",
		}, "Mail major_outage, App under_maintenance"},
	} {
		b, m := lived(t, c.change)
		for n, want := range c.want {
			if got := seen(m.Effects(n), namesOf(b)); got != want {
				t.Errorf("%s, update %d: got %s, want %s", c.name, n, got, want)
			}
		}
		shown := b.Conditions()
		var after []string
		for _, id := range m.Affects {
			after = append(after, namesOf(b)[id]+" "+string(shown[id]))
		}
		if got := strings.Join(after, ", "); got != c.after {
			t.Errorf("%s: got %s afterwards, want %s", c.name, got, c.after)
		}
	}
}

func TestWhatIsNotReleasedStaysUntilSomebodySetsIt(t *testing.T) {
	b, m := lived(t, func(m *Maintenance) { m.Releases = Manual })
	app := m.Affects[1]
	c, _ := b.Component(app)
	if c.Condition != UnderMaintenance || !c.SetAt.Equal(end) || len(b.Written.Settings) != 2 {
		t.Errorf("got %+v and settings %+v, want both components left as they were at the end", c, b.Written.Settings)
	}
	// Another maintenance that releases changes nothing of it.
	other, _, err := b.Announce(Maintenance{Key: "more", Title: "More", State: Scheduled, Window: Window{end, end.Add(time.Hour)}, Affects: []string{app}, ShortNotice: "It is a test."}, end, operator, Post{})
	if err != nil {
		t.Fatal(err)
	}
	shift(t, b, shift(t, b, other, InProgress, end), Completed, end.Add(time.Hour))
	if got := b.Conditions()[app]; got != UnderMaintenance {
		t.Errorf("got %s, want it still under maintenance", got)
	}
	c, e, err := c.Set(Operational, end.Add(2*time.Hour), operator)
	if err != nil {
		t.Fatal(err)
	}
	b.PutComponent(c)
	b.Say(e)
	if got := b.Conditions()[app]; got != Operational {
		t.Errorf("got %s once it was set, want operational", got)
	}
}

func copyOf(updates []Update) []Update { return append([]Update{}, updates...) }

func TestTheEffectsOfARecordFollowFromItsStates(t *testing.T) {
	b, _ := shopBook(t)
	at := func(minutes int, state State, says map[string]Condition) UpdateDocument {
		return UpdateDocument{At: start.Add(time.Duration(minutes)*time.Minute - 48*time.Hour), Status: state, Body: "x", Components: says}
	}
	record := MaintenanceDocument{
		Key: "before", Title: "Before", Window: Window{start.Add(-48 * time.Hour), start.Add(-47 * time.Hour)}, Affects: []string{"App"},
		Updates: []UpdateDocument{at(-60, Scheduled, nil), at(0, InProgress, nil), at(30, Verifying, nil), at(60, Completed, nil)},
	}
	incident := IncidentDocument{
		Key: "down", Title: "Down", Affects: []string{"App"},
		Updates: []UpdateDocument{
			at(0, Investigating, nil), at(1, Identified, map[string]Condition{"App": MajorOutage, "Mail": PartialOutage}), at(2, Monitoring, nil), at(3, Resolved, nil),
		},
	}
	applied(t, b, start, Document{Maintenance: &record}, Document{Incident: &incident})
	m, _ := b.Maintenance("before")
	for n, want := range []string{"App operational", "App operational>under_maintenance", "App under_maintenance", "App under_maintenance>operational"} {
		if got := seen(m.Effects(n), namesOf(b)); got != want {
			t.Errorf("maintenance, update %d: got %s, want %s", n, got, want)
		}
	}
	m.Marks, m.Updates = Manual, copyOf(m.Updates)
	for n := range m.Updates {
		m.Updates[n].Effects = nil // from before they were kept
	}
	if got, want := seen(m.Effects(1), namesOf(b)), "App operational"; got != want {
		t.Errorf("one that marks by hand: got %s, want %s", got, want)
	}
	i, _ := b.Incident("down")
	for n, want := range []string{
		"Mail operational, App operational", "Mail operational>partial_outage, App operational>major_outage",
		"Mail partial_outage, App major_outage", "Mail partial_outage>operational, App major_outage>operational",
	} {
		if got := seen(i.Effects(n), namesOf(b)); got != want {
			t.Errorf("incident, update %d: got %s, want %s", n, got, want)
		}
	}
}

func TestAnIncidentsEffectsAreWhatReadersSaw(t *testing.T) {
	b, ids := shopBook(t)
	c, _ := b.Component(ids["App"])
	c, _, _ = c.Set(DegradedPerformance, start, operator)
	b.PutComponent(c)
	i, err := b.OpenIncident(IncidentDraft{Title: "Down", NamedPost: NamedPost{Components: map[string]Condition{"App": PartialOutage}}}, end, operator)
	if err == nil {
		i, err = b.PostIncident(i, Resolved, NamedPost{Body: "Over."}, end.Add(time.Hour), operator)
	}
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"App degraded_performance>partial_outage", "App partial_outage>degraded_performance"} {
		if got := seen(i.Effects(n), namesOf(b)); got != want {
			t.Errorf("update %d: got %s, want %s", n, got, want)
		}
	}
}

func TestTheHistoryFollowsWhatAMaintenanceSaid(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Maintenance)
		want   map[string]string
	}{
		{"as usual", func(*Maintenance) {}, map[string]string{
			"App":  "05:00 operational 06:00, 06:00 under_maintenance 07:00, 07:00 operational 08:00",
			"Mail": "05:00 operational 06:00, 06:00 under_maintenance 06:10, 06:10 major_outage 07:00, 07:00 operational 08:00",
		}},
		{"marking by hand", func(m *Maintenance) { m.Marks = Manual }, map[string]string{
			"App":  "05:00 operational 08:00",
			"Mail": "05:00 operational 06:10, 06:10 major_outage 07:00, 07:00 operational 08:00",
		}},
		{"releasing by hand", func(m *Maintenance) { m.Releases = Manual }, map[string]string{
			"App":  "05:00 operational 06:00, 06:00 under_maintenance 08:00",
			"Mail": "05:00 operational 06:00, 06:00 under_maintenance 06:10, 06:10 major_outage 08:00",
		}},
	} {
		b, m := lived(t, c.change)
		for _, one := range b.Components {
			want, asked := c.want[one.Name]
			if !asked {
				continue
			}
			one.Created = start.Add(-24 * time.Hour)
			history := History(one, b.Written.Settings, []Maintenance{m}, nil, at("05:00"), at("08:00"))
			if got := stretches(history); got != want {
				t.Errorf("%s, %s: got %s, want %s", c.name, one.Name, got, want)
			}
			// What readers see now is where the history ends.
			if last := history[len(history)-1].Condition; last != b.Conditions()[one.ID] {
				t.Errorf("%s, %s: got %s at the end of its history, want %s", c.name, one.Name, last, b.Conditions()[one.ID])
			}
		}
	}
}

func TestTheClockIsQuietWhereItWasAskedToBe(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		m := planned()
		m.Completes, m.QuietBegin, m.QuietEnd = Automatic, quiet, quiet
		_, events := m.Advance(end, time.UTC)
		var told []string
		for _, e := range events {
			told = append(told, fmt.Sprint(e.Kind, " ", e.Told))
		}
		if got, want := strings.Join(told, ", "), fmt.Sprintf("begun %t, completed %t", !quiet, !quiet); got != want {
			t.Errorf("quiet %t: got %s, want %s", quiet, got, want)
		}
	}
}

func TestOfWhatHappensAtOnceTheFirstHasTheEffect(t *testing.T) {
	b, ids := shopBook(t)
	_, _, err := b.Announce(Maintenance{Key: "work", Title: "Work", State: Scheduled, Window: Window{start, end}, Affects: []string{ids["App"]}, ShortNotice: "It is a test."}, start.Add(-time.Hour), operator, Post{})
	if err != nil {
		t.Fatal(err)
	}
	b.Tick(end.Add(time.Minute)) // the machine slept: it begins and overruns at once
	m, _ := b.Maintenance("work")
	for n, want := range []string{"App operational", "App operational>under_maintenance", "App under_maintenance"} {
		if got := seen(m.Effects(n), namesOf(b)); len(m.Updates) != 3 || got != want {
			t.Errorf("update %d of %d: got %s, want %s", n, len(m.Updates), got, want)
		}
	}
}

func TestARecordThatIsRewrittenTellsItsNewEffects(t *testing.T) {
	b, _ := shopBook(t)
	at := start.Add(-48 * time.Hour)
	record := func(condition Condition) Document {
		return Document{Incident: &IncidentDocument{Key: "down", Title: "Down", Updates: []UpdateDocument{
			{At: at, Status: Investigating, Body: "x", Components: map[string]Condition{"App": condition}}, {At: at.Add(time.Hour), Status: Resolved, Body: "y"},
		}}}
	}
	applied(t, b, start, record(PartialOutage))
	b = b.reopened()
	applied(t, b, start, record(MajorOutage))
	i, _ := b.Incident("down")
	if got, want := seen(i.Effects(0), namesOf(b)), "App operational>major_outage"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatWentOnElsewhereKeepsWhatWasSeenHere(t *testing.T) {
	b, _ := shopBook(t)
	updates := []UpdateDocument{{ID: "u1", At: start.Add(-time.Hour), Status: Investigating, Body: "x", Components: map[string]Condition{"App": PartialOutage}}}
	applied(t, b, start, Document{Incident: &IncidentDocument{ID: "i1", Key: "down", Title: "Down", Updates: updates}})
	b = b.reopened()
	updates = append(updates, UpdateDocument{ID: "u2", At: start.Add(time.Hour), Status: Resolved, Body: "y"})
	applied(t, b, start.Add(2*time.Hour), Document{Incident: &IncidentDocument{ID: "i1", Key: "down", Title: "Down", Updates: updates}})
	i, _ := b.Incident("down")
	if i.State != Resolved || len(i.Updates) != 2 {
		t.Fatalf("got %s with %d updates, want it resolved by a second one", i.State, len(i.Updates))
	}
	for n, want := range []string{"App operational>partial_outage", "App partial_outage>operational"} {
		if got := seen(i.Effects(n), namesOf(b)); got != want {
			t.Errorf("update %d: got %s, want %s", n, got, want)
		}
	}
}
