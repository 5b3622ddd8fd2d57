package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// newBook is an empty book whose identifiers count from id1.
func newBook() *Book {
	n := 0
	return &Book{NewID: func() string { n++; return fmt.Sprintf("id%d", n) }}
}

// reopened is the book as a store would give it to the next change.
func (b *Book) reopened() *Book {
	next := *b
	next.Written = Written{}
	return &next
}

func shop() PageDocument {
	return PageDocument{
		Page: PageFields{Name: "Northwind", TimeZone: "UTC", LeastNotice: Duration(48 * time.Hour)},
		Components: []ComponentNode{
			{Group: "Delivery", Components: []ComponentNode{{Name: "Mail"}, {Name: "Push"}}},
			{Name: "App"},
			{Name: "APIs"},
		},
	}
}

func plan() MaintenanceDocument {
	return MaintenanceDocument{Title: "Database maintenance", Window: Window{start, end}, Affects: []string{"Delivery", "APIs"}}
}

// applied applies documents that have to be right.
func applied(t *testing.T, b *Book, now time.Time, documents ...Document) ([]Change, []Warning) {
	t.Helper()
	changes, warnings, err := b.Apply(documents, now, operator)
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	return changes, warnings
}

func page(d PageDocument) Document { return Document{Source: "page.yaml", Page: &d} }
func maintenance(d MaintenanceDocument) Document {
	return Document{Source: "plan.yaml", Maintenance: &d}
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	b := newBook()
	now := start.Add(-72 * time.Hour)
	first, _ := applied(t, b, now, maintenance(plan()), page(shop()))
	if len(first) != 7 {
		t.Errorf("got %d changes, want 7: the page, a group, four components and a maintenance", len(first))
	}
	b = b.reopened()
	if again, _ := applied(t, b, now.Add(time.Hour), page(shop()), maintenance(plan())); len(again) != 0 || !b.Written.Empty() {
		t.Errorf("got %v and a write, want nothing the second time", again)
	}
}

func TestADocumentMovesItsMaintenance(t *testing.T) {
	b := newBook()
	now := start.Add(-96 * time.Hour)
	d := plan()
	d.Key = "db"
	applied(t, b, now, page(shop()), maintenance(d))
	b = b.reopened()
	d.Window = Window{start.Add(24 * time.Hour), end.Add(24 * time.Hour)}
	changes, _ := applied(t, b, now, maintenance(d))
	if len(changes) != 1 || changes[0].Action != Amend || len(changes[0].Fields) != 1 || changes[0].Fields[0].Field != "window" {
		t.Fatalf("got %+v, want one amended window", changes)
	}
	m, _ := b.Maintenance("db")
	if last := m.Updates[len(m.Updates)-1]; !strings.Contains(last.Body, "Jan 15, 2027") || !strings.Contains(last.Body, "Jan 16, 2027") {
		t.Errorf("got %q, want both windows", last.Body)
	}
	if e := b.Written.Events[0]; e.Kind != Changed || !e.Was.Start.Equal(start) || !e.Told {
		t.Errorf("got %+v, want a change that tells the old window", e)
	}
}

func TestWhatIsRefused(t *testing.T) {
	early := start.Add(-72 * time.Hour)
	tests := []struct {
		name string
		now  time.Time
		edit func(*MaintenanceDocument)
		want string
	}{
		{"less than the least notice", start.Add(-time.Hour), nil, "window.start is 1 hour from now, and the page promises a notice of 2 days"},
		{"a window that has passed", end.Add(time.Hour), nil, "window.end has passed"},
		{"a window that ends before it begins", early, func(d *MaintenanceDocument) { d.Window.End = start }, "window.end must be after"},
		{"a component that nobody knows", early, func(d *MaintenanceDocument) { d.Affects = []string{"APIs", "Delivry"} }, `affects[1] names no group or component of the page: "Delivry"; did you mean "Delivery"?`},
		{"a blackout", early, nil, "which are kept free of maintenance (frozen)"},
		{"a placeholder that nobody knows", early, func(d *MaintenanceDocument) { d.Summary = "At {{ .Windw }}" }, "Window"},
		{"a promise of an unknown sort", early, func(d *MaintenanceDocument) { d.Promises = []Promise{{Audience: "All", Promise: "sometimes"}} }, "promises[0].promise must be one of"},
		{"a reminder of no time", early, func(d *MaintenanceDocument) { d.Reminders = []Duration{Duration(time.Second)} }, "reminders[0] must be at least 1m"},
		{"a mode that is none", early, func(d *MaintenanceDocument) { d.Begin = "later" }, "begin must be automatic or manual"},
		{"no title", early, func(d *MaintenanceDocument) { d.Title = " " }, "title is required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook()
			p := shop()
			if tt.name == "a blackout" {
				day := DateOf(start)
				p.Page.Blackouts = []Blackout{{From: day, To: day, Reason: "frozen"}}
			}
			applied(t, b, early, page(p))
			d := plan()
			if tt.edit != nil {
				tt.edit(&d)
			}
			_, _, err := b.Apply([]Document{maintenance(d)}, tt.now, operator)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if where := new(DocumentError); !errors.As(err, &where) || where.Source != "plan.yaml" {
				t.Errorf("got %v, want an error that names plan.yaml", err)
			}
		})
	}
}

func TestReasonsForBreakingTheRulesAreShown(t *testing.T) {
	b := newBook()
	p := shop()
	p.Page.Blackouts = []Blackout{{From: DateOf(start), To: DateOf(start)}}
	d := plan()
	d.ShortNotice, d.DespiteBlackout = "A disk is failing.", "It cannot wait."
	applied(t, b, start.Add(-time.Hour), page(p), maintenance(d))
	body := b.Maintenances[0].Updates[0].Body
	if !strings.Contains(body, "A disk is failing.") || !strings.Contains(body, "It cannot wait.") {
		t.Errorf("got %q, want both reasons", body)
	}
}

func TestCautionsAreWarnings(t *testing.T) {
	b := newBook()
	now := start.Add(-96 * time.Hour)
	d := plan()
	d.Summary = "On 2027-01-16 the database restarts."
	other := plan()
	other.Title = "Network maintenance"
	_, warnings := applied(t, b, now, page(shop()), maintenance(other), maintenance(d))
	var text strings.Builder
	for _, w := range warnings {
		text.WriteString(w.Source + " " + w.Field + " " + w.Text + "\n")
	}
	for _, want := range []string{`plan.yaml window overlaps with "Network maintenance"`, "Delivery / Mail", "2027-01-16"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", text.String(), want)
		}
	}
}

func TestComponentsFollowTheirDocument(t *testing.T) {
	b := newBook()
	now := start.Add(-96 * time.Hour)
	applied(t, b, now, page(shop()))
	mail := b.Components[0].ID
	b = b.reopened()
	changed := shop()
	changed.Components = []ComponentNode{{Group: "Messages", Components: []ComponentNode{{Name: "Mail"}}}, {Name: "APIs"}, {Name: "Search"}}
	changes, _ := applied(t, b, now, page(changed))
	var got []string
	for _, c := range changes {
		got = append(got, string(c.Action)+" "+c.Name)
	}
	want := "create Messages, amend Messages / Mail, create Search, remove Delivery / Push, remove App, remove Delivery"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, ", "), want)
	}
	if c, _ := b.Component(mail); FullName(mail, b.Groups, b.Components) != "Messages / Mail" {
		t.Errorf("got %v, want the same component in its new group", c)
	}
	b = b.reopened()
	applied(t, b, now.Add(time.Hour), page(shop()))
	if c, _ := b.Component(mail); !c.Removed.IsZero() || FullName(mail, b.Groups, b.Components) != "Delivery / Mail" {
		t.Errorf("got %v, want it back where it was, with its past", c)
	}
}

func TestARecordIsEnteredAsItWas(t *testing.T) {
	record := func(states ...State) MaintenanceDocument {
		d := plan()
		for i, s := range states {
			d.Updates = append(d.Updates, UpdateDocument{Status: s, At: start.Add(time.Duration(i) * time.Minute), Body: "Body\n"})
		}
		return d
	}
	b := newBook()
	now := end.Add(24 * time.Hour)
	d := record(Scheduled, Scheduled, InProgress, Completed)
	d.Updates[0], d.Updates[1], d.Updates[2], d.Updates[3] = d.Updates[3], d.Updates[2], d.Updates[1], d.Updates[0]
	applied(t, b, now, page(shop()), maintenance(d))
	m := b.Maintenances[0]
	if m.State != Completed || !m.Began.Equal(start.Add(2*time.Minute)) || !m.Ended.Equal(start.Add(3*time.Minute)) || m.Updates[0].Body != "Body" {
		t.Errorf("got %+v, want it completed, oldest update first, with its measured times", m)
	}
	for _, e := range b.Written.Events {
		if e.Told {
			t.Errorf("got %s told to subscribers, want a record told to nobody", e.Kind)
		}
	}
	b = b.reopened()
	if changes, _ := applied(t, b, now, maintenance(d)); len(changes) != 0 {
		t.Errorf("got %v the second time, want nothing", changes)
	}
	for _, right := range [][]State{{Completed}, {Scheduled, Completed}, {Scheduled, InProgress, Completed, InProgress, Completed}, {Scheduled, Canceled}} {
		if _, _, err := newBookWith(t, now).Apply([]Document{maintenance(record(right...))}, now, operator); err != nil {
			t.Errorf("got %v for %v, want it entered", err, right)
		}
	}
	for _, wrong := range [][]State{{Scheduled, Canceled, InProgress}, {InProgress, Scheduled}, {Completed, Scheduled}, {Scheduled, Resolved}, {"done"}} {
		if _, _, err := newBookWith(t, now).Apply([]Document{maintenance(record(wrong...))}, now, operator); err == nil {
			t.Errorf("got no error for %v, want a refusal", wrong)
		}
	}
}

func newBookWith(t *testing.T, now time.Time) *Book {
	t.Helper()
	b := newBook()
	applied(t, b, now, page(shop()))
	return b.reopened()
}

func TestTheWorstOfSeveralEventsIsShown(t *testing.T) {
	now := start.Add(-96 * time.Hour)
	b := newBook()
	d, other := plan(), plan()
	other.Title = "Network maintenance"
	other.Window.End = end.Add(time.Hour)
	other.Affects = []string{"APIs"}
	applied(t, b, now, page(shop()), maintenance(d), maintenance(other))
	api := b.Components[3].ID
	shown := func(want Condition) {
		t.Helper()
		if got := b.Conditions()[api]; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	shown(Operational)
	_ = b.Tick(start)
	shown(UnderMaintenance)
	i, err := b.OpenIncident(IncidentDraft{Title: "APIs fail", NamedPost: NamedPost{Components: map[string]Condition{"APIs": MajorOutage}}}, start.Add(time.Minute), operator)
	if err != nil {
		t.Fatal(err)
	}
	shown(MajorOutage)
	i, err = b.PostIncident(i, Resolved, NamedPost{Body: "Mended."}, start.Add(2*time.Minute), operator)
	if err != nil || i.Impact != MajorOutage {
		t.Fatalf("got %v and impact %s, want it resolved with its worst impact kept", err, i.Impact)
	}
	shown(UnderMaintenance)
	m, e, err := b.Maintenances[0].Complete(start.Add(30*time.Minute), operator, Post{})
	b.PutMaintenance(must(t, m, e, err))
	shown(UnderMaintenance)
	c, _, _ := b.Components[3].Set(Operational, start.Add(40*time.Minute), operator)
	b.PutComponent(c)
	shown(Operational)
	c, _, _ = b.Components[3].Set(DegradedPerformance, start.Add(41*time.Minute), operator)
	b.PutComponent(c)
	m, e, err = b.Maintenances[1].Complete(start.Add(50*time.Minute), operator, Post{})
	b.PutMaintenance(must(t, m, e, err))
	shown(DegradedPerformance)
}

func TestADocumentNeedNotKnowThatItsMaintenanceWasExtended(t *testing.T) {
	b := newBook()
	d := plan()
	d.Key = "db"
	applied(t, b, start.Add(-72*time.Hour), page(shop()), maintenance(d))
	_ = b.Tick(start)
	m, e, err := b.Maintenances[0].Extend(end.Add(time.Hour), start.Add(30*time.Minute), operator, Post{Body: "A slow disk."})
	m = must(t, m, e, err)
	if body := m.Updates[len(m.Updates)-1].Body; !strings.HasPrefix(body, "A slow disk.\n\n") || !strings.Contains(body, "08:00 UTC") {
		t.Errorf("got %q, want the words given and the new end", body)
	}
	b.PutMaintenance(m)
	b = b.reopened()
	if changes, _ := applied(t, b, start.Add(40*time.Minute), maintenance(d)); len(changes) != 0 {
		t.Errorf("got %+v, want nothing to do", changes)
	}
	longer := d
	longer.Window.End = end.Add(3 * time.Hour)
	if _, _, err := b.Apply([]Document{maintenance(longer)}, start.Add(40*time.Minute), operator); err == nil || !strings.Contains(err.Error(), "window cannot be changed: the maintenance has begun. Extend it") {
		t.Errorf("got %v, want a refusal that says how", err)
	}
	m, e, err = m.Complete(end.Add(20*time.Minute), operator, Post{})
	m = must(t, m, e, err)
	if got, want := m.Updates[len(m.Updates)-1].Body, "within its extended window and 20 minutes after the end first announced, 07:00 UTC"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	b.PutMaintenance(m)
	b = b.reopened()
	if changes, _ := applied(t, b, end.Add(30*time.Minute), maintenance(d)); len(changes) != 0 {
		t.Errorf("got %+v after it was completed, want nothing to do", changes)
	}
	d.Title = "Another title"
	if _, _, err := b.Apply([]Document{maintenance(d)}, end.Add(30*time.Minute), operator); err == nil || !strings.Contains(err.Error(), "title cannot be changed any more: the maintenance is completed") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestAnOpenIncidentFromADocumentIsShownOnItsComponents(t *testing.T) {
	b := newBook()
	incident := IncidentDocument{Key: "i", Title: "APIs fail", Updates: []UpdateDocument{
		{Status: Investigating, At: start.Add(-20 * time.Minute), Body: "We are looking.", Components: map[string]Condition{"APIs": MajorOutage}},
	}}
	applied(t, b, start, page(shop()), Document{Incident: &incident})
	if got := b.Conditions()[b.Components[3].ID]; got != MajorOutage {
		t.Errorf("got %s, want major_outage although the component is younger than the incident", got)
	}
}

func TestUpdatesOfOneMomentAreEnteredInTheOrderOfTheirStates(t *testing.T) {
	now := end.Add(time.Hour)
	orders := map[string][]State{
		"newest first": {Completed, InProgress, Scheduled}, "oldest first": {Scheduled, InProgress, Completed},
	}
	for name, states := range orders {
		t.Run(name, func(t *testing.T) {
			d := plan()
			for _, s := range states {
				d.Updates = append(d.Updates, UpdateDocument{Status: s, At: start, Body: string(s)})
			}
			b := newBookWith(t, now)
			applied(t, b, now, maintenance(d))
			if m := b.Maintenances[0]; m.State != Completed || m.Updates[0].State != Scheduled {
				t.Errorf("got %s beginning with %s, want it completed, scheduled first", m.State, m.Updates[0].State)
			}
		})
	}
}

func TestTwoDocumentsForOneThingAreRefused(t *testing.T) {
	b := newBook()
	moved := plan()
	moved.Key, moved.Window = "db", Window{start.Add(24 * time.Hour), end.Add(24 * time.Hour)}
	first := plan()
	first.Key = "db"
	_, _, err := b.Apply([]Document{page(shop()), {Source: "a.yaml", Maintenance: &first}, {Source: "b.yaml", Maintenance: &moved}}, start.Add(-96*time.Hour), operator)
	if err == nil || !strings.Contains(err.Error(), `b.yaml: key is that of another document too, a.yaml: "db"`) {
		t.Errorf("got %v, want a refusal that names both", err)
	}
}

func TestARecordNamesComponentsThatHaveLeft(t *testing.T) {
	now := end.Add(24 * time.Hour)
	b := newBookWith(t, now)
	d := plan()
	d.Affects = []string{"Delivery", "App"}
	d.Updates = []UpdateDocument{{Status: InProgress, At: start, Body: "Begun {{ with braces }}."}, {Status: Completed, At: end, Body: "Done."}}
	smaller := shop()
	smaller.Components = []ComponentNode{{Name: "APIs"}}
	applied(t, b, now, page(smaller))
	b = b.reopened()
	applied(t, b, now, maintenance(d))
	m := b.Maintenances[0]
	if got, want := Affected(KindMaintenance, false, m.Affects, b.Groups, b.Components), "This scheduled maintenance affected: Delivery (Mail, Push) and App."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := m.Updates[0].Body; got != "Begun {{ with braces }}." {
		t.Errorf("got %q, want what was said then", got)
	}
	planned := plan()
	planned.Window = Window{now.Add(96 * time.Hour), now.Add(97 * time.Hour)}
	planned.Affects = []string{"App"}
	if _, _, err := b.Apply([]Document{maintenance(planned)}, now, operator); err == nil {
		t.Error("got a plan for a component that has left the page, want a refusal")
	}
}

func TestARecordThatIsStillToComeKeepsTheRules(t *testing.T) {
	now := start.Add(-time.Hour)
	d := plan()
	d.Updates = []UpdateDocument{{Status: Scheduled, At: now.Add(-time.Minute), Body: "Soon."}}
	if _, _, err := newBookWith(t, now).Apply([]Document{maintenance(d)}, now, operator); err == nil || !strings.Contains(err.Error(), "a notice of 2 days") {
		t.Errorf("got %v, want the least notice kept", err)
	}
	d.Updates[0].At = start.Add(-72 * time.Hour)
	b := newBookWith(t, now)
	applied(t, b, now, maintenance(d))
	b = b.reopened()
	d.Why = "A disk is old."
	if changes, warnings := applied(t, b, now, maintenance(d)); len(changes) != 1 || len(warnings) != 0 {
		t.Errorf("got %v and %v for one that is amended, want one change, and no overlap with itself", changes, warnings)
	}
}

func TestApplyingAgainDoesNotUndoAReopening(t *testing.T) {
	b := newBook()
	d := plan()
	d.Key, d.Complete = "db", Automatic
	applied(t, b, start.Add(-72*time.Hour), page(shop()), maintenance(d))
	_ = b.Tick(end)
	m, e, err := b.Maintenances[0].Reopen(end.Add(time.Minute), operator, Post{})
	b.PutMaintenance(must(t, m, e, err))
	b = b.reopened()
	if changes, _ := applied(t, b, end.Add(2*time.Minute), maintenance(d)); len(changes) != 0 {
		t.Errorf("got %+v, want nothing to do", changes)
	}
	_ = b.Tick(end.Add(3 * time.Minute))
	if got := b.Maintenances[0].State; got != InProgress {
		t.Errorf("got %s, want it in progress until a person completes it", got)
	}
}

func TestTextsHaveBounds(t *testing.T) {
	for name, edit := range map[string]func(*MaintenanceDocument){
		"a title of a thousand letters": func(d *MaintenanceDocument) { d.Title = strings.Repeat("x", 1000) },
		"a title of two lines":          func(d *MaintenanceDocument) { d.Title = "one\ntwo" },
		"a key with a slash":            func(d *MaintenanceDocument) { d.Key = "a/b" },
		"a summary of a megabyte":       func(d *MaintenanceDocument) { d.Summary = strings.Repeat("x", 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			d := plan()
			edit(&d)
			if _, _, err := newBookWith(t, start.Add(-96*time.Hour)).Apply([]Document{maintenance(d)}, start.Add(-96*time.Hour), operator); err == nil {
				t.Error("got no error, want a refusal")
			}
		})
	}
}
