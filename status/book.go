package status

import (
	"cmp"
	"slices"
	"time"
)

// Book is what one change may read and write: the page, its components, and every maintenance, incident and
// series that is still open, with those past ones that the change asked for.
//
// A store fills it, a function changes it through its Put methods, and the store saves what was put, with the
// events, in one transaction. A Book belongs to one goroutine.
type Book struct {
	Page         Page
	Groups       []Group
	Components   []Component
	Maintenances []Maintenance
	Incidents    []Incident
	Series       []Series

	// NewID makes identifiers. Its owner gives it, for this package has no randomness of its own.
	NewID func() string
	// KeyTaken tells whether something of a kind that the book does not hold, because it has ended, has a key. A store
	// gives it; without one only what the book holds counts.
	KeyTaken func(kind Kind, key string) bool
	// Lenient turns refusals by the page's rules (least notice, blackouts) into warnings, for previews.
	Lenient bool

	// Written is what is to be saved.
	Written Written

	groups, components, maintenances, incidents, series index

	past *Book // of withPast
}

// Written lists what a change put into a book, each thing once, in its last form.
type Written struct {
	Page         *Page
	Groups       []Group
	Components   []Component
	Maintenances []Maintenance
	Incidents    []Incident
	Series       []Series
	Settings     []Setting
	Events       []Event

	groups, components, maintenances, incidents, series index
}

// Empty reports whether nothing is to be saved.
func (w Written) Empty() bool {
	return w.Page == nil && len(w.Groups)+len(w.Components)+len(w.Maintenances)+len(w.Incidents)+len(w.Series)+len(w.Events) == 0
}

// PutPage replaces the page.
func (b *Book) PutPage(p Page) {
	if b.Written.Page == nil {
		p.Version = b.Page.Version + 1
	}
	b.Page, b.Written.Page = p, &p
}

// PutGroup adds or replaces a component group.
func (b *Book) PutGroup(g Group) {
	put(&b.groups, &b.Groups, &b.Written.groups, &b.Written.Groups, g)
	b.past = nil
}

// PutComponent adds or replaces a component, and keeps a change of its condition for its history.
func (b *Book) PutComponent(c Component) {
	was, known := b.Component(c.ID)
	if !c.SetAt.IsZero() && (!known || was.Condition != c.Condition || !was.SetAt.Equal(c.SetAt)) {
		b.Written.Settings = append(b.Written.Settings, Setting{c.ID, c.SetAt, c.Condition})
	}
	put(&b.components, &b.Components, &b.Written.components, &b.Written.Components, c)
	b.past = nil
}

// PutMaintenance adds or replaces a maintenance. One that does not release its components leaves them as they were, when it
// ends and when it no longer names them.
func (b *Book) PutMaintenance(m Maintenance) {
	was, known := b.Maintenance(m.ID)
	fresh := unidentified(m.Updates)
	m.Updates = b.identified(m.Updates)
	set := func() { put(&b.maintenances, &b.Maintenances, &b.Written.maintenances, &b.Written.Maintenances, m) }
	var left []string
	if m.Releases == Manual && known && was.Underway() && m.Removed.IsZero() {
		left = let(was.Affects, m.Affects, m.Underway())
	}
	b.watch(m.Open() || known && was.Open(), m.Changed, m.Updates, fresh, m.Affects, left, set)
}

// PutIncident adds or replaces an incident. One that does not release its components leaves them as they were, when it
// ends and when it no longer names them.
func (b *Book) PutIncident(i Incident) {
	was, known := b.Incident(i.ID)
	fresh := unidentified(i.Updates)
	i.Updates = b.identified(i.Updates)
	set := func() { put(&b.incidents, &b.Incidents, &b.Written.incidents, &b.Written.Incidents, i) }
	var left []string
	if i.Releases == Manual && known && was.Open() && i.Removed.IsZero() {
		left = let(was.Affects, i.Affects, i.Open())
	}
	b.watch(i.Open() || known && was.Open(), i.Changed, i.Updates, fresh, i.Affects, left, set)
}

// PutSeries adds or replaces a series.
func (b *Book) PutSeries(s Series) {
	put(&b.series, &b.Series, &b.Written.series, &b.Written.Series, s)
}

// unidentified is the place of the first update without an identifier: those from there on are new.
func unidentified(updates []Update) int {
	for i, u := range updates {
		if u.ID == "" {
			return i
		}
	}
	return len(updates)
}

// identified gives new updates their identifiers.
func (b *Book) identified(updates []Update) []Update {
	first := unidentified(updates)
	if first == len(updates) {
		return updates
	}
	updates = slices.Clone(updates)
	for i := first; i < len(updates); i++ {
		if updates[i].ID == "" {
			updates[i].ID = b.NewID()
		}
	}
	return updates
}

// Say records events, in order.
func (b *Book) Say(events ...Event) { b.Written.Events = append(b.Written.Events, events...) }

// keyTaken reports whether another thing of the kind has the key: open, or ended long ago.
func (b *Book) keyTaken(kind Kind, key string) bool {
	switch kind {
	case KindMaintenance:
		if _, there := b.Maintenance(key); there {
			return true
		}
	case KindIncident:
		if _, there := b.Incident(key); there {
			return true
		}
	}
	return b.KeyTaken != nil && b.KeyTaken(kind, key)
}

// Component finds a component by id.
func (b *Book) Component(id string) (Component, bool) {
	return get(&b.components, b.Components, id)
}

// Group finds a group by id.
func (b *Book) Group(id string) (Group, bool) {
	return get(&b.groups, b.Groups, id)
}

// Maintenance finds a maintenance by id or key.
func (b *Book) Maintenance(ref string) (Maintenance, bool) {
	return get(&b.maintenances, b.Maintenances, ref)
}

// Incident finds an incident by id or key.
func (b *Book) Incident(ref string) (Incident, bool) {
	return get(&b.incidents, b.Incidents, ref)
}

// FindSeries finds a series by id or key.
func (b *Book) FindSeries(ref string) (Series, bool) {
	return get(&b.series, b.Series, ref)
}

// Conditions is what readers see of each component that is on the page, by component id: the worst of its own
// condition and of what open events claim for it.
func (b *Book) Conditions() map[string]Condition {
	claims := openClaims(b.Maintenances, b.Incidents)
	shown := make(map[string]Condition, len(b.Components))
	for _, c := range b.Components {
		if c.Removed.IsZero() {
			shown[c.ID] = effective(c, claims[c.ID])
		}
	}
	return shown
}

// Claim is what an open event says of a component, since when.
type Claim struct {
	Subject   Subject
	Condition Condition
	Since     time.Time
}

// effective is the worst of the component's own condition and of the claims that it was not set after.
func effective(c Component, claims []Claim) Condition {
	worst := c.Condition
	for _, claim := range claims {
		if !claim.Since.Before(c.SetAt) {
			worst = Worst(worst, claim.Condition)
		}
	}
	return worst
}

func openClaims(maintenances []Maintenance, incidents []Incident) map[string][]Claim {
	claims := make(map[string][]Claim)
	claim := func(id string, c Claim) {
		claims[id] = append(slices.DeleteFunc(claims[id], func(o Claim) bool { return o.Subject == c.Subject }), c)
	}
	for _, m := range maintenances {
		if !m.Underway() {
			continue
		}
		since := m.claimedSince()
		if m.Marks != Manual {
			for _, id := range m.Affects {
				claim(id, Claim{m.Subject(), UnderMaintenance, since})
			}
		}
		for _, u := range m.Updates {
			for id, condition := range u.Conditions {
				if slices.Contains(m.Affects, id) {
					claim(id, Claim{m.Subject(), condition, later(u.At, since)})
				}
			}
		}
	}
	for _, i := range incidents {
		if !i.Open() {
			continue
		}
		for _, u := range i.Updates {
			for id, condition := range u.Conditions {
				if slices.Contains(i.Affects, id) {
					claim(id, Claim{i.Subject(), condition, u.At})
				}
			}
		}
	}
	return claims
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// claimedSince is when the maintenance last took its components: its beginning, or its reopening.
func (m Maintenance) claimedSince() time.Time {
	since := m.Began
	for _, u := range m.Updates {
		if u.Event == Reopened {
			since = u.At
		}
	}
	return since
}

// PageOrder sorts component ids as the page shows them: by the position of their group or, ungrouped, their own.
func PageOrder(ids []string, groups []Group, components []Component) []string {
	if len(ids) < 2 {
		return slices.Clone(ids)
	}
	type place struct{ outer, inner int }
	places := make(map[string]place, len(components))
	outer := make(map[string]int, len(groups))
	for _, g := range groups {
		outer[g.ID] = g.Position
	}
	for _, c := range components {
		if c.GroupID == "" {
			places[c.ID] = place{c.Position, 0}
		} else {
			places[c.ID] = place{outer[c.GroupID], c.Position}
		}
	}
	sorted := slices.Clone(ids)
	slices.SortStableFunc(sorted, func(a, b string) int {
		return cmp.Or(cmp.Compare(places[a].outer, places[b].outer), cmp.Compare(places[a].inner, places[b].inner))
	})
	return slices.Compact(sorted)
}
