package board

import (
	"cmp"
	"maps"
	"slices"

	"example.org/interlude/status"
)

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
func (p *Picture) takeEvents(d status.Delta) {
	if len(d.Maintenances)+len(d.Incidents) == 0 {
		return
	}
	p.keys, p.maintenances, p.incidents = maps.Clone(p.keys), maps.Clone(p.maintenances), maps.Clone(p.incidents)
	p.changed = maps.Clone(p.changed)
	changed := make(map[status.Subject]bool, len(d.Maintenances)+len(d.Incidents))
	var ended []Event
	place := func(e Event, id, key string, open bool, affects, before []string) {
		p.keys[status.Subject{Kind: e.Subject().Kind, ID: key}], p.changed[id] = id, d.Seq
		changed[e.Subject()] = true
		if !open {
			ended = append(ended, e)
		}
		p.concern(e, affects, before)
	}
	for _, m := range d.Maintenances {
		var before []string
		if was, known := p.maintenances[m.ID]; known {
			before = was.Affects
		}
		p.maintenances[m.ID] = &m
		place(Event{Maintenance: &m, Seq: d.Seq}, m.ID, m.Key, m.Open(), m.Affects, before)
	}
	for _, i := range d.Incidents {
		var before []string
		if was, known := p.incidents[i.ID]; known {
			before = was.Affects
		}
		p.incidents[i.ID] = &i
		place(Event{Incident: &i, Seq: d.Seq}, i.ID, i.Key, i.Open(), i.Affects, before)
	}
	past := make([]Event, 0, len(p.Past)+len(ended))
	for _, e := range p.Past {
		if !changed[e.Subject()] {
			past = append(past, e)
		}
	}
	past = append(past, ended...)
	p.Past = past
	slices.SortStableFunc(p.Past, func(a, b Event) int { return b.At().Compare(a.At()) })
}

// concern notes an event at the components that it affects, and takes it from those that it no longer does.
func (p *Picture) concern(e Event, affects, before []string) {
	for _, id := range before {
		p.concerned[id] = slices.DeleteFunc(slices.Clone(p.concerned[id]), func(o Event) bool { return o.Subject() == e.Subject() })
		p.Touched[id] = p.Seq
	}
	for _, id := range affects {
		p.concerned[id] = append(slices.Clip(p.concerned[id]), e)
		p.Touched[id] = p.Seq
	}
}

// arrange derives what readers see from the indexes.
func (p *Picture) arrange() {
	shown := func(g status.Group) bool { return g.Removed.IsZero() }
	for _, g := range p.groups {
		if shown(g) {
			p.Groups = append(p.Groups, g)
		}
	}
	slices.SortFunc(p.Groups, func(a, b status.Group) int { return a.Position - b.Position })
	var ids []string
	book := status.Book{}
	for _, c := range p.components {
		if c.Removed.IsZero() {
			p.Components = append(p.Components, c)
		}
	}
	slices.SortFunc(p.Components, func(a, b status.Component) int { return a.Position - b.Position })
	for _, c := range p.Components {
		ids = append(ids, c.ID)
	}
	place := make(map[string]int, len(ids))
	for i, id := range status.PageOrder(ids, p.Groups, p.Components) {
		place[id] = i
	}
	slices.SortFunc(p.Components, func(a, b status.Component) int { return place[a.ID] - place[b.ID] })
	for _, m := range p.maintenances {
		if m.Open() {
			p.Maintenances = append(p.Maintenances, m)
			book.Maintenances = append(book.Maintenances, *m)
		}
	}
	slices.SortFunc(p.Maintenances, func(a, b *status.Maintenance) int {
		return cmp.Or(a.Window.Start.Compare(b.Window.Start), cmp.Compare(a.ID, b.ID))
	})
	for _, i := range p.incidents {
		if i.Open() {
			p.Incidents = append(p.Incidents, i)
			book.Incidents = append(book.Incidents, *i)
		}
	}
	slices.SortFunc(p.Incidents, func(a, b *status.Incident) int {
		return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range p.series {
		p.Series = append(p.Series, s)
	}
	slices.SortFunc(p.Series, func(a, b *status.Series) int { return cmp.Compare(a.Key, b.Key) })
	book.Components = p.Components
	p.Conditions = book.Conditions()
}
