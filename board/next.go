package board

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"example.org/interlude/status"
)

// with is the picture after a delta. What the delta does not touch is shared with p.
func (p *Picture) with(d status.Delta) *Picture {
	n := &Picture{
		Seq: d.Seq, Loaded: true, Page: p.Page, replaced: make(chan struct{}), Past: p.Past,
		groups: maps.Clone(p.groups), components: maps.Clone(p.components), maintenances: p.maintenances,
		incidents: p.incidents, changed: p.changed, Framed: p.Framed, series: maps.Clone(p.series), keys: p.keys, settings: maps.Clone(p.settings),
		concerned: maps.Clone(p.concerned), Moved: p.Moved, Touched: maps.Clone(p.Touched),
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
	n.date(p.Changed, d)
	n.arrange(p)
	return n
}

// date notes when anything last changed.
func (p *Picture) date(before time.Time, d status.Delta) {
	p.Changed = before
	note := func(at time.Time) {
		if at.After(p.Changed) {
			p.Changed = at
		}
	}
	note(p.Page.Changed)
	for _, g := range d.Groups {
		note(g.Changed)
	}
	for _, c := range d.Components {
		note(c.Created)
		note(c.Changed)
	}
	for _, m := range d.Maintenances {
		note(m.Changed)
	}
	for _, i := range d.Incidents {
		note(i.Changed)
	}
}

// takeEvents places changed maintenances and incidents into copies of the indexes.
func (p *Picture) takeEvents(d status.Delta) {
	if len(d.Maintenances)+len(d.Incidents) == 0 {
		return
	}
	p.keys, p.maintenances, p.incidents = maps.Clone(p.keys), maps.Clone(p.maintenances), maps.Clone(p.incidents)
	p.changed = maps.Clone(p.changed)
	p.Moved = maps.Clone(p.Moved)
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
			p.forget(was.Subject(), was.Key, m.Key)
		}
		p.move(m.Affects, m.Updates, m.Effects)
		if !m.Removed.IsZero() {
			delete(p.maintenances, m.ID)
			changed[m.Subject()] = true
			p.concern(Event{Maintenance: &m}, nil, before)
			continue
		}
		p.maintenances[m.ID] = &m
		place(Event{Maintenance: &m, Seq: d.Seq}, m.ID, m.Key, m.Open(), m.Affects, before)
	}
	for _, i := range d.Incidents {
		var before []string
		if was, known := p.incidents[i.ID]; known {
			before = was.Affects
			p.forget(was.Subject(), was.Key, i.Key)
		}
		p.move(i.Affects, i.Updates, i.Effects)
		if !i.Removed.IsZero() {
			delete(p.incidents, i.ID)
			changed[i.Subject()] = true
			p.concern(Event{Incident: &i}, nil, before)
			continue
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

// forget drops the key that an event had, when it has another one now or none, and nothing else has taken it since.
func (p *Picture) forget(of status.Subject, was, is string) {
	key := status.Subject{Kind: of.Kind, ID: was}
	if was != is && p.keys[key] == of.ID {
		delete(p.keys, key)
	}
}

// move notes when readers last saw the components change through the updates of an event.
func (p *Picture) move(affects []string, updates []status.Update, effects func(int) []status.Effect) {
	if len(affects) == 0 {
		return
	}
	for n, u := range updates {
		for _, e := range effects(n) {
			if e.Was != e.Is && u.At.After(p.Moved[e.Component]) {
				p.Moved[e.Component] = u.At
			}
		}
	}
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
func (p *Picture) arrange(before *Picture) {
	if p.Framed == before.Framed && before.Loaded { // neither groups nor components changed: their order stands
		p.Groups, p.Components = before.Groups, before.Components
	} else {
		p.arrangeFrame()
	}
	p.arrangeEvents()
}

// arrangeFrame puts the groups and components that are on the page into its order.
func (p *Picture) arrangeFrame() {
	for _, g := range p.groups {
		if g.Removed.IsZero() {
			p.Groups = append(p.Groups, g)
		}
	}
	slices.SortFunc(p.Groups, func(a, b status.Group) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.ID, b.ID))
	})
	var ids []string
	for id, c := range p.components {
		if c.Removed.IsZero() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var all []status.Component
	for _, id := range ids {
		all = append(all, p.components[id])
	}
	for _, id := range status.PageOrder(ids, p.Groups, all) {
		p.Components = append(p.Components, p.components[id])
	}
}

// arrangeEvents puts what is open into order, and works out what it makes of the components.
func (p *Picture) arrangeEvents() {
	book := status.Book{Components: p.Components}
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
	p.Conditions = book.Conditions()
}
