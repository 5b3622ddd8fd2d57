package board

import (
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
	// Changed is when anything that it shows last changed.
	Changed time.Time
	// Moved tells for each component id when an update of an event last changed what readers see of it.
	Moved map[string]time.Time

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
		settings: map[string][]status.Setting{}, concerned: map[string][]Event{}, Moved: map[string]time.Time{}, replaced: make(chan struct{}),
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

// FullName is a component's name as documents write it, also when it has left the page.
func (p *Picture) FullName(id string) string {
	c, ok := p.components[id]
	if !ok {
		return ""
	}
	return c.FullName(p.groups[c.GroupID])
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
