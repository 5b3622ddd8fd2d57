package board

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"example.org/interlude/status"
)

// Picture is everything there is to show, at one point of the feed. It never changes, and neither may who reads it
// change what it points to.
type Picture struct {
	// Seq is the point of the feed that it shows. Loaded is false for the empty picture before the first answer.
	Seq    int64
	Loaded bool

	Page       status.Page
	Groups     []status.Group     // those on the page, in its order
	Components []status.Component // those on the page, in its order
	// Open maintenances by start, open incidents by beginning, and series by title.
	Maintenances []*status.Maintenance
	Incidents    []*status.Incident
	Series       []*status.Series
	// Past events, the latest end first.
	Past []Event
	// Conditions is what readers see of each component.
	Conditions map[string]status.Condition
	// Touched is the point of the feed at which something last concerned each component, and Framed the one at which
	// the page itself, its groups or its components last changed.
	Touched map[string]int64
	Framed  int64

	groups       map[string]status.Group
	components   map[string]status.Component
	maintenances map[string]*status.Maintenance
	incidents    map[string]*status.Incident
	changed      map[string]int64 // the point of the feed at which each event last changed
	series       map[string]*status.Series
	keys         map[status.Subject]string // of maintenances and incidents, with the key in place of the id, to ids
	settings     map[string][]status.Setting
	concerned    map[string][]Event
	replaced     chan struct{}
}

// Event is a maintenance or an incident: one of the two is set.
type Event struct {
	Maintenance *status.Maintenance
	Incident    *status.Incident
	// Seq is the point of the feed at which it last changed.
	Seq int64
}

// Open reports whether the event is planned or under way.
func (e Event) Open() bool {
	if e.Maintenance != nil {
		return e.Maintenance.Open()
	}
	return e.Incident.Open()
}

// Subject names what the event is.
func (e Event) Subject() status.Subject {
	if e.Maintenance != nil {
		return e.Maintenance.Subject()
	}
	return e.Incident.Subject()
}

// At is when the event ended or, while it has not, when it began or will begin: where it stands in a history.
func (e Event) At() time.Time {
	if m := e.Maintenance; m != nil {
		switch {
		case !m.Ended.IsZero():
			return m.Ended
		case m.State == status.Canceled && len(m.Updates) > 0:
			return m.Updates[len(m.Updates)-1].At
		case !m.Began.IsZero():
			return m.Began
		}
		return m.Window.Start
	}
	if !e.Incident.Ended.IsZero() {
		return e.Incident.Ended
	}
	return e.Incident.Began
}

func blank() *Picture {
	return &Picture{
		Conditions: map[string]status.Condition{}, Touched: map[string]int64{}, groups: map[string]status.Group{},
		components: map[string]status.Component{}, maintenances: map[string]*status.Maintenance{},
		incidents: map[string]*status.Incident{}, changed: map[string]int64{}, series: map[string]*status.Series{}, keys: map[status.Subject]string{},
		settings: map[string][]status.Setting{}, concerned: map[string][]Event{}, replaced: make(chan struct{}),
	}
}

// Of makes the picture of a book, for a preview without a store. Nothing follows it.
func Of(b *status.Book) *Picture {
	return blank().with(status.Delta{
		Seq: 1, Page: &b.Page, Groups: b.Groups, Components: b.Components,
		Maintenances: b.Maintenances, Incidents: b.Incidents, Series: b.Series,
	})
}

// Replaced is closed when a newer picture has taken its place.
func (p *Picture) Replaced() <-chan struct{} { return p.replaced }

// Maintenance finds a maintenance, open or past, by id or key.
func (p *Picture) Maintenance(ref string) (*status.Maintenance, bool) {
	m, ok := p.maintenances[ref]
	if !ok {
		m, ok = p.maintenances[p.keys[status.Subject{Kind: status.KindMaintenance, ID: ref}]]
	}
	return m, ok
}

// Incident finds an incident, open or past, by id or key.
func (p *Picture) Incident(ref string) (*status.Incident, bool) {
	i, ok := p.incidents[ref]
	if !ok {
		i, ok = p.incidents[p.keys[status.Subject{Kind: status.KindIncident, ID: ref}]]
	}
	return i, ok
}

// Event finds a maintenance or an incident by id or key.
func (p *Picture) Event(ref string) (Event, bool) {
	if m, ok := p.Maintenance(ref); ok {
		return Event{Maintenance: m, Seq: p.changed[m.ID]}, true
	}
	i, ok := p.Incident(ref)
	if !ok {
		return Event{}, false
	}
	return Event{Incident: i, Seq: p.changed[i.ID]}, true
}

// Component finds a component by id, on the page or removed from it.
func (p *Picture) Component(id string) (status.Component, bool) {
	c, ok := p.components[id]
	return c, ok
}

// Group finds a group by id, on the page or removed from it.
func (p *Picture) Group(id string) (status.Group, bool) {
	g, ok := p.groups[id]
	return g, ok
}

// SeriesOf finds a series by id.
func (p *Picture) SeriesOf(id string) (*status.Series, bool) {
	s, ok := p.series[id]
	return s, ok
}

// Concerning lists the events, open and past, that affect a component, in no particular order.
func (p *Picture) Concerning(componentID string) []Event { return p.concerned[componentID] }

// Settings lists the changes of a component's own condition, oldest first.
func (p *Picture) Settings(componentID string) []status.Setting { return p.settings[componentID] }

// Report makes the report of a maintenance or incident.
func (p *Picture) Report(ref string) (status.Report, bool) {
	if m, ok := p.Maintenance(ref); ok {
		groups, components := p.named(m.Affects)
		return status.ReportMaintenance(*m, p.Page, groups, components), true
	}
	if i, ok := p.Incident(ref); ok {
		groups, components := p.named(i.Affects)
		return status.ReportIncident(*i, p.Page, groups, components), true
	}
	return status.Report{}, false
}

// named are the components of a list of ids, with their groups: also those that have left the page.
func (p *Picture) named(ids []string) (groups []status.Group, components []status.Component) {
	for _, id := range ids {
		c, ok := p.components[id]
		if !ok {
			continue
		}
		components = append(components, c)
		if g, ok := p.groups[c.GroupID]; ok && !slices.ContainsFunc(groups, func(o status.Group) bool { return o.ID == g.ID }) {
			groups = append(groups, g)
		}
	}
	return groups, components
}

// with is the picture after a delta. What the delta does not touch is shared with p.
func (p *Picture) with(d status.Delta) *Picture {
	n := &Picture{
		Seq: d.Seq, Loaded: true, Page: p.Page, replaced: make(chan struct{}), Past: p.Past,
		groups: maps.Clone(p.groups), components: maps.Clone(p.components), maintenances: p.maintenances,
		incidents: p.incidents, changed: p.changed, Framed: p.Framed, series: maps.Clone(p.series), keys: p.keys, settings: maps.Clone(p.settings),
		concerned: maps.Clone(p.concerned), Touched: maps.Clone(p.Touched),
	}
	if d.Page != nil {
		n.Page = *d.Page
	}
	if d.Page != nil || len(d.Groups)+len(d.Components) > 0 {
		n.Framed = d.Seq
	}
	for _, g := range d.Groups {
		n.groups[g.ID] = g
	}
	for _, c := range d.Components {
		n.components[c.ID], n.Touched[c.ID] = c, d.Seq
	}
	for _, s := range d.Series {
		n.series[s.ID] = &s
	}
	for _, s := range d.Settings {
		n.settings[s.ComponentID] = append(slices.Clip(n.settings[s.ComponentID]), s)
		n.Touched[s.ComponentID] = d.Seq
	}
	n.takeEvents(d)
	n.arrange()
	return n
}

// takeEvents places changed maintenances and incidents into copies of the indexes.
func (n *Picture) takeEvents(d status.Delta) {
	if len(d.Maintenances)+len(d.Incidents) == 0 {
		return
	}
	n.keys, n.maintenances, n.incidents = maps.Clone(n.keys), maps.Clone(n.maintenances), maps.Clone(n.incidents)
	n.changed = maps.Clone(n.changed)
	changed := make(map[status.Subject]bool, len(d.Maintenances)+len(d.Incidents))
	var ended []Event
	place := func(e Event, id, key string, open bool, affects, before []string) {
		n.keys[status.Subject{Kind: e.Subject().Kind, ID: key}], n.changed[id] = id, d.Seq
		changed[e.Subject()] = true
		if !open {
			ended = append(ended, e)
		}
		n.concern(e, affects, before)
	}
	for _, m := range d.Maintenances {
		var before []string
		if was, known := n.maintenances[m.ID]; known {
			before = was.Affects
		}
		n.maintenances[m.ID] = &m
		place(Event{Maintenance: &m, Seq: d.Seq}, m.ID, m.Key, m.Open(), m.Affects, before)
	}
	for _, i := range d.Incidents {
		var before []string
		if was, known := n.incidents[i.ID]; known {
			before = was.Affects
		}
		n.incidents[i.ID] = &i
		place(Event{Incident: &i, Seq: d.Seq}, i.ID, i.Key, i.Open(), i.Affects, before)
	}
	past := make([]Event, 0, len(n.Past)+len(ended))
	for _, e := range n.Past {
		if !changed[e.Subject()] {
			past = append(past, e)
		}
	}
	n.Past = append(past, ended...)
	slices.SortStableFunc(n.Past, func(a, b Event) int { return b.At().Compare(a.At()) })
}

// concern notes an event at the components that it affects, and takes it from those that it no longer does.
func (n *Picture) concern(e Event, affects, before []string) {
	for _, id := range before {
		n.concerned[id] = slices.DeleteFunc(slices.Clone(n.concerned[id]), func(o Event) bool { return o.Subject() == e.Subject() })
		n.Touched[id] = n.Seq
	}
	for _, id := range affects {
		n.concerned[id] = append(slices.Clip(n.concerned[id]), e)
		n.Touched[id] = n.Seq
	}
}

// arrange derives what readers see from the indexes.
func (n *Picture) arrange() {
	shown := func(g status.Group) bool { return g.Removed.IsZero() }
	for _, g := range n.groups {
		if shown(g) {
			n.Groups = append(n.Groups, g)
		}
	}
	slices.SortFunc(n.Groups, func(a, b status.Group) int { return a.Position - b.Position })
	var ids []string
	book := status.Book{}
	for _, c := range n.components {
		if c.Removed.IsZero() {
			n.Components = append(n.Components, c)
		}
	}
	slices.SortFunc(n.Components, func(a, b status.Component) int { return a.Position - b.Position })
	for _, c := range n.Components {
		ids = append(ids, c.ID)
	}
	place := make(map[string]int, len(ids))
	for i, id := range status.PageOrder(ids, n.Groups, n.Components) {
		place[id] = i
	}
	slices.SortFunc(n.Components, func(a, b status.Component) int { return place[a.ID] - place[b.ID] })
	for _, m := range n.maintenances {
		if m.Open() {
			n.Maintenances = append(n.Maintenances, m)
			book.Maintenances = append(book.Maintenances, *m)
		}
	}
	slices.SortFunc(n.Maintenances, func(a, b *status.Maintenance) int {
		return cmp.Or(a.Window.Start.Compare(b.Window.Start), cmp.Compare(a.ID, b.ID))
	})
	for _, i := range n.incidents {
		if i.Open() {
			n.Incidents = append(n.Incidents, i)
			book.Incidents = append(book.Incidents, *i)
		}
	}
	slices.SortFunc(n.Incidents, func(a, b *status.Incident) int {
		return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range n.series {
		n.Series = append(n.Series, s)
	}
	slices.SortFunc(n.Series, func(a, b *status.Series) int { return cmp.Compare(a.Key, b.Key) })
	book.Components = n.Components
	n.Conditions = book.Conditions()
}
