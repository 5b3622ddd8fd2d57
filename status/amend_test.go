package status

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// shopBook is a book with Northwind's page, and the ids of its components and its group by their names.
func shopBook(t *testing.T) (*Book, map[string]string) {
	t.Helper()
	b := newBook()
	applied(t, b, start, page(shop()))
	ids := map[string]string{}
	for _, c := range b.Components {
		ids[c.Name] = c.ID
	}
	for _, g := range b.Groups {
		ids[g.Name] = g.ID
	}
	return b.reopened(), ids
}

// layout is the page as readers see it: "Delivery(Mail Push) App APIs".
func layout(b *Book) string {
	type place struct {
		at   int
		text string
	}
	var places []place
	for _, g := range b.Groups {
		if !g.Removed.IsZero() {
			continue
		}
		var inner []Component
		for _, id := range b.members(g.ID) {
			c, _ := b.Component(id)
			inner = append(inner, c)
		}
		slices.SortFunc(inner, func(x, y Component) int { return x.Position - y.Position })
		var names []string
		for _, c := range inner {
			names = append(names, c.Name)
		}
		places = append(places, place{g.Position, g.Name + "(" + strings.Join(names, " ") + ")"})
	}
	for _, c := range b.Components {
		if c.Removed.IsZero() && c.GroupID == "" {
			places = append(places, place{c.Position, c.Name})
		}
	}
	slices.SortFunc(places, func(x, y place) int { return x.at - y.at })
	var all []string
	for _, p := range places {
		all = append(all, p.text)
	}
	return strings.Join(all, " ")
}

func TestAComponentIsAmendedOrToldWhyNot(t *testing.T) {
	now := start.Add(time.Hour)
	for _, c := range []struct {
		name   string
		of     string
		change func(c *Component, ids map[string]string)
		kind   EventKind
		layout string
		want   string
	}{
		{"nothing", "App", func(*Component, map[string]string) {}, "", "Delivery(Mail Push) App APIs", ""},
		{"its name", "App", func(c *Component, _ map[string]string) { c.Name = " Application " }, ComponentChanged, "Delivery(Mail Push) Application APIs", ""},
		{"its condition", "App", func(c *Component, _ map[string]string) { c.Condition, c.SetAt = MajorOutage, now }, ComponentSet, "Delivery(Mail Push) App APIs", ""},
		{"into a group", "App", func(c *Component, ids map[string]string) { c.GroupID = ids["Delivery"] }, ComponentChanged, "Delivery(Mail Push App) APIs", ""},
		{"out of a group", "Mail", func(c *Component, _ map[string]string) { c.GroupID = "" }, ComponentChanged, "Delivery(Push) App APIs Mail", ""},
		{"what it hides", "App", func(c *Component, _ map[string]string) { c.HideUptime, c.OnlyIfDegraded = true, true }, ComponentChanged, "Delivery(Mail Push) App APIs", ""},
		{"no name", "App", func(c *Component, _ map[string]string) { c.Name = " " }, "", "", "name is required"},
		{"two lines", "App", func(c *Component, _ map[string]string) { c.Name = "a\nb" }, "", "", "name must be one line"},
		{"another's name", "App", func(c *Component, _ map[string]string) { c.Name = "APIs" }, "", "", "name is that of another component in the same place"},
		{"no such group", "App", func(c *Component, _ map[string]string) { c.GroupID = "nope" }, "", "", "group_id names no group of the page"},
		{"no such condition", "App", func(c *Component, _ map[string]string) { c.Condition = "down" }, "", "", "status must be one of"},
		{"a long description", "App", func(c *Component, _ map[string]string) { c.Description = strings.Repeat("x", mostBody+1) }, "", "", "description must have at most"},
		{"another id", "App", func(c *Component, _ map[string]string) { c.ID = "nope" }, "", "", "component nope: not found"},
	} {
		b, ids := shopBook(t)
		component, _ := b.Component(ids[c.of])
		c.change(&component, ids)
		got, err := b.AmendComponent(component, now, operator)
		if c.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || !b.Written.Empty() {
				t.Errorf("%s: got %v, want %s and nothing written", c.name, err, c.want)
			}
			continue
		}
		if shown := layout(b); err != nil || shown != c.layout {
			t.Errorf("%s: got %s and %v, want %s", c.name, shown, err, c.layout)
		}
		if (c.kind == "") != b.Written.Empty() || c.kind != "" && (b.Written.Events[0].Kind != c.kind || !got.Changed.Equal(now)) {
			t.Errorf("%s: got %+v, want the event %q", c.name, b.Written.Events, c.kind)
		}
	}
}

func TestAComponentIsAddedLastAndRemovedOnce(t *testing.T) {
	b, ids := shopBook(t)
	inner, err := b.AddComponent(Component{Name: "SMS", GroupID: ids["Delivery"]}, start, operator)
	if err != nil || inner.Condition != Operational || !inner.SetAt.IsZero() {
		t.Errorf("got %+v and %v, want it operational, set by nobody", inner, err)
	}
	outer, err := b.AddComponent(Component{Name: "Mail", Condition: PartialOutage}, start, operator)
	if err != nil || !outer.SetAt.Equal(start) || b.Conditions()[outer.ID] != PartialOutage {
		t.Errorf("got %+v and %v, want its condition set now", outer, err)
	}
	if got, want := layout(b), "Delivery(Mail Push SMS) App APIs Mail"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := b.AddComponent(Component{Name: "App"}, start, operator); err == nil {
		t.Error("got no error for a name that is there, want one")
	}
	if err := b.RemoveComponent(outer.ID, end, operator); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveComponent(outer.ID, end, operator); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: got %v, want %v", err, ErrNotFound)
	}
	if _, err := b.AmendComponent(outer, end, operator); !errors.Is(err, ErrNotFound) {
		t.Errorf("amended afterwards: got %v, want %v", err, ErrNotFound)
	}
	if _, err := b.AddComponent(Component{Name: "Mail"}, end, operator); err != nil {
		t.Errorf("got %v, want that the name is free", err)
	}
}

func TestAGroupIsPlacedWithItsMembers(t *testing.T) {
	for _, c := range []struct {
		name    string
		group   string
		as      string
		members []string
		layout  string
		want    string
	}{
		{"a new one", "", "Front", []string{"APIs", "App"}, "Delivery(Mail Push) Front(APIs App)", ""},
		{"a new one that takes another's", "", "Front", []string{"Mail"}, "Delivery(Push) App APIs Front(Mail)", ""},
		{"in another order", "Delivery", "Delivery", []string{"Push", "Mail"}, "Delivery(Push Mail) App APIs", ""},
		{"under another name", "Delivery", "Sending", nil, "Sending(Mail Push) App APIs", ""},
		{"with fewer", "Delivery", "Delivery", []string{"Push"}, "Delivery(Push) App APIs Mail", ""},
		{"with none", "Delivery", "Delivery", []string{}, "Delivery() App APIs Mail Push", ""},
		{"with more", "Delivery", "Delivery", []string{"Mail", "App", "Push"}, "Delivery(Mail App Push) APIs", ""},
		{"without a name", "Delivery", " ", nil, "", "name is required"},
		{"with another's name", "", "Delivery", nil, "", "name is that of another group"},
		{"with nothing", "", "Front", []string{"nope"}, "", "components[0] names no component of the page"},
		{"with one twice", "", "Front", []string{"App", "App"}, "", "components[1] is called"},
		{"that there is not", "nope", "Front", nil, "", "component group nope: not found"},
	} {
		b, ids := shopBook(t)
		g, _ := b.Group(ids[c.group])
		if c.group != "" && g.ID == "" {
			g.ID = c.group
		}
		g.Name = c.as
		members := slices.Clone(c.members)
		for i, name := range members {
			if id, known := ids[name]; known {
				members[i] = id
			}
		}
		placed, err := b.PlaceGroup(g, members, end, operator)
		if c.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || !b.Written.Empty() {
				t.Errorf("%s: got %v, want %s and nothing written", c.name, err, c.want)
			}
			continue
		}
		if got := layout(b); err != nil || got != c.layout || placed.ID == "" {
			t.Errorf("%s: got %s and %v, want %s", c.name, got, err, c.layout)
		}
	}
}

func TestAGroupThatGoesLeavesItsComponents(t *testing.T) {
	b, ids := shopBook(t)
	if err := b.RemoveGroup(ids["Delivery"], end, operator); err != nil {
		t.Fatal(err)
	}
	if got, want := layout(b), "App APIs Mail Push"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := b.RemoveGroup(ids["Delivery"], end, operator); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: got %v, want %v", err, ErrNotFound)
	}
}

func TestNoTwoComponentsOfOneNameComeToStandSideBySide(t *testing.T) {
	want := `components "Mail" would stand beside another component of that name without its group: rename one first`
	b, ids := shopBook(t)
	if _, err := b.AddComponent(Component{Name: "Mail"}, start, operator); err != nil {
		t.Fatal(err)
	}
	b = b.reopened()
	g, _ := b.Group(ids["Delivery"])
	_, placed := b.PlaceGroup(g, []string{ids["Push"]}, end, operator)
	for name, err := range map[string]error{"removing the group": b.RemoveGroup(g.ID, end, operator), "placing it without": placed} {
		if err == nil || err.Error() != want || !b.Written.Empty() {
			t.Errorf("%s: got %v, want %s and nothing written", name, err, want)
		}
	}
	// They may change places at once.
	lone := b.Components[len(b.Components)-1].ID
	if _, err := b.PlaceGroup(g, []string{lone, ids["Push"]}, end, operator); err != nil || layout(b) != "Delivery(Mail Push) App APIs Mail" {
		t.Errorf("got %s and %v, want the two in each other's place", layout(b), err)
	}
}

func TestThePageIsAmended(t *testing.T) {
	b, _ := shopBook(t)
	p := b.Page
	if _, err := b.AmendPage(p, end, operator); err != nil || !b.Written.Empty() {
		t.Errorf("got %v and %+v for the page as it is, want nothing written", err, b.Written.Events)
	}
	p.Name = "Southwind"
	if got, err := b.AmendPage(p, end, operator); err != nil || got.Name != "Southwind" || got.ID != b.Page.ID || len(b.Written.Events) != 1 {
		t.Errorf("got %+v and %v, want the page under its new name", got, err)
	}
	p.Name = ""
	if _, err := b.AmendPage(p, end, operator); err == nil {
		t.Error("got no error for a page without a name, want one")
	}
}

// known gives the page of shop the ids a1, a2, … from elsewhere.
func known() PageDocument {
	d := shop()
	n := 0
	next := func() string { n++; return fmt.Sprintf("a%d", n) }
	d.Page.ID = next()
	for i := range d.Components {
		d.Components[i].ID = next()
		for j := range d.Components[i].Components {
			d.Components[i].Components[j].ID = next()
		}
	}
	return d
}

func TestIdentifiersComeAlongAndFindTheirThingsAgain(t *testing.T) {
	b := newBook()
	applied(t, b, start, page(known()))
	ids := func() string {
		all := []string{b.Page.ID}
		for _, g := range b.Groups {
			if g.Removed.IsZero() {
				all = append(all, g.ID+"="+g.Name)
			}
		}
		for _, c := range b.Components {
			if c.Removed.IsZero() {
				all = append(all, c.ID+"="+c.Name)
			}
		}
		return strings.Join(all, " ")
	}
	if got, want := ids(), "a1 a2=Delivery a3=Mail a4=Push a5=App a6=APIs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Other names, and two that change them with each other.
	d := known()
	d.Components[0].Group, d.Components[0].Components[0].Name = "Sending", "Letters"
	d.Components[1].Name, d.Components[2].Name = "APIs", "App"
	b = b.reopened()
	applied(t, b, start, page(d))
	if got, want := ids(), "a1 a2=Sending a3=Letters a4=Push a5=APIs a6=App"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b = b.reopened()
	if again, _ := applied(t, b, start, page(d)); len(again) != 0 {
		t.Errorf("got %+v for the same again, want no change", again)
	}
	// A name that was given up goes to a new thing, although its owner is named after it.
	d.Components = append([]ComponentNode{{Name: "APIs"}}, d.Components...)
	d.Components[2].Name = "Gateway"
	applied(t, b, start, page(d))
	if got, want := ids(), "a1 a2=Sending a3=Letters a4=Push a5=Gateway a6=App id"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "=APIs") {
		t.Errorf("got %s, want %s…=APIs", got, want)
	}
}

func TestAnIdentifierThatWouldChangeIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*PageDocument)
		want   string
	}{
		{"the page's", func(d *PageDocument) { d.Page.ID = "other" }, `page.id cannot change: the page has the id "a1". Leave it out`},
		{"a component's", func(d *PageDocument) { d.Components[1].ID = "other" }, `components[1].id cannot change: what has this name has the id "a5". Leave it out`},
		{"a grouped component's", func(d *PageDocument) { d.Components[0].Components[1].ID = "other" }, `components[0].components[1].id cannot change: what has this name has the id "a4". Leave it out`},
		{"a group's", func(d *PageDocument) { d.Components[0].ID = "other" }, `components[0].id cannot change: what has this name has the id "a2". Leave it out`},
		{"one for two", func(d *PageDocument) { d.Components[1].ID = "a6" }, `components[2].id is that of another component too: "a6"`},
		{"an odd one", func(d *PageDocument) { d.Components[1].ID = "a/b" }, `components[1].id must be at most 64 letters, digits, - and _, not "a/b"`},
	} {
		b := newBook()
		applied(t, b, start, page(known()))
		d := known()
		c.change(&d)
		_, _, err := b.reopened().Apply([]Document{{Page: &d}}, end, operator)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestEventsKeepTheirIdentifiers(t *testing.T) {
	b := newBook()
	applied(t, b, start.Add(-72*time.Hour), page(shop()))
	past := func(at time.Time, state State) UpdateDocument {
		return UpdateDocument{At: at, Status: state, Body: "x"}
	}
	m, i := plan(), IncidentDocument{ID: "i7", Key: "down", Title: "Down", Updates: []UpdateDocument{past(start.Add(-99*time.Hour), Resolved)}}
	m.ID, m.Key = "m7", "upgrade"
	record := MaintenanceDocument{ID: "r7", Key: "before", Title: "Before", Window: Window{start.Add(-98 * time.Hour), start.Add(-97 * time.Hour)}, Updates: []UpdateDocument{past(start.Add(-97*time.Hour), Completed)}}
	all := func() []Document { return []Document{{Maintenance: &m}, {Maintenance: &record}, {Incident: &i}} }
	now := start.Add(-72 * time.Hour)
	applied(t, b, now, all()...)
	for _, key := range []string{"upgrade", "before"} {
		if got, _ := b.Maintenance(key); got.ID != map[string]string{"upgrade": "m7", "before": "r7"}[key] {
			t.Errorf("got the id %s for %s, want the document's", got.ID, key)
		}
	}
	if got, _ := b.Incident("down"); got.ID != "i7" {
		t.Errorf("got the id %s for the incident, want the document's", got.ID)
	}
	b = b.reopened()
	if again, _ := applied(t, b, now, all()...); len(again) != 0 {
		t.Errorf("got %+v for the same again, want no change", again)
	}
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() { m.ID = "other" }, `id cannot change: what has this key has the id "m7". Leave it out`},
		{func() { m.ID, record.ID = "m7", "other" }, `id cannot change: what has this key has the id "r7". Leave it out`},
		{func() { record.ID, i.ID = "r7", "other" }, `id cannot change: what has this key has the id "i7". Leave it out`},
		{func() { i.ID, m.ID, m.Key = "i7", "m7", "another" }, `id is that of something with another key: "m7"`},
	} {
		c.change()
		if _, _, err := b.reopened().Apply(all(), now, operator); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
