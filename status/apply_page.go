package status

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// applyPage makes the page and its components what the document says. Components that it no longer names leave the
// page; their past stays. A document without components leaves them alone.
func (b *Book) applyPage(d PageDocument, now time.Time, by Actor) ([]Change, error) {
	want := b.Page
	f := d.Page
	want.Name, want.URL, want.Description = strings.TrimSpace(f.Name), strings.TrimSuffix(f.URL, "/"), f.Description
	want.TimeZone, want.LeastNotice = cmp.Or(f.TimeZone, "UTC"), f.LeastNotice
	want.Blackouts, want.MaintenanceCounts = f.Blackouts, f.MaintenanceCounts
	if err := cmp.Or(checkID(f.ID), want.Validate()); err != nil {
		return nil, invalidIn(err, "page")
	}
	if f.ID != "" && want.ID != "" && f.ID != want.ID {
		return nil, &Invalid{Field: "page.id", Rule: "cannot change: the page has the id " + quote(want.ID) + ". Leave it out"}
	}
	var changes []Change
	if fields := pageFields(b.Page, want); len(fields) > 0 {
		action := Amend
		if want.ID == "" {
			want.ID, want.Created, action = cmp.Or(f.ID, b.NewID()), now, Create
		}
		want.Changed = now
		b.PutPage(want)
		b.Say(Event{Kind: PageChanged, Subject: Subject{KindPage, want.ID}, At: now, By: by})
		changes = append(changes, Change{Action: action, Subject: Subject{KindPage, want.ID}, Name: want.Name, Fields: fields})
	}
	if d.Components == nil {
		return changes, nil
	}
	more, err := b.applyComponents(d.Components, now, by)
	return append(changes, more...), err
}

// wanted is a component that the document names, with its group.
type wanted struct {
	ComponentNode
	// field is its place in the document.
	field                    string
	group, name, description string
	groupAt, at              int
}

// takes reports whether the document may mean something that is there by its name: not when that has another identifier
// and left the page, or when the document gives its identifier to another entry, which then has another name.
func (w wanted) takes(id string, removed bool, all []wanted) bool {
	if w.ID != "" && w.ID != id && removed {
		return false
	}
	return !slices.ContainsFunc(all, func(o wanted) bool { return o.ID == id && o.field != w.field })
}

// sameID refuses an identifier for something that has another one.
func (w wanted) sameID(have string) error {
	if w.ID == "" || have == "" || w.ID == have {
		return nil
	}
	return &Invalid{Field: w.field + ".id", Rule: "cannot change: what has this name has the id " + quote(have) + ". Leave it out"}
}

func (b *Book) applyComponents(nodes []ComponentNode, now time.Time, by Actor) ([]Change, error) {
	groups, components, err := flatten(nodes)
	if err != nil {
		return nil, err
	}
	before := b.shownOrder()
	changes, err := b.applyGroups(groups, now)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]bool)
	matches := make([]Component, len(components))
	for pass := range 2 { // first those that stayed in their group, so that a move cannot take them
		for i, w := range components {
			if matches[i].ID != "" {
				continue
			}
			if c, ok := b.match(w, kept, pass == 1, components); ok {
				if err := w.sameID(c.ID); err != nil {
					return nil, err
				}
				matches[i], kept[c.ID] = c, true
			}
		}
	}
	for i, w := range components {
		if c, changed := b.applyComponent(matches[i], w, now, by); changed.Action != "" {
			changes, kept[c] = append(changes, changed), true
		}
	}
	for _, c := range b.Components {
		if c.Removed.IsZero() && !kept[c.ID] {
			name := FullName(c.ID, b.Groups, b.Components)
			c.Removed, c.Changed = now, now
			b.PutComponent(c)
			b.Say(Event{Kind: ComponentRemoved, Subject: Subject{KindComponent, c.ID}, At: now, By: by})
			changes = append(changes, Change{Action: Remove, Subject: Subject{KindComponent, c.ID}, Name: name})
		}
	}
	changes = append(changes, b.dropGroups(groups, now)...)
	if after := b.shownOrder(); len(changes) == 0 && before != after {
		page := Subject{KindPage, b.Page.ID}
		changes = append(changes, Change{Action: Amend, Subject: page, Name: b.Page.Name, Fields: []FieldChange{{"order of components", before, after}}})
	}
	return changes, nil
}

// shownOrder lists the components as the page shows them.
func (b *Book) shownOrder() string {
	var ids []string
	for _, c := range b.Components {
		if c.Removed.IsZero() {
			ids = append(ids, c.ID)
		}
	}
	return namesField(ids, b)
}

// flatten lists groups and components with their positions, and refuses names that could not be told apart.
func flatten(nodes []ComponentNode) (groups []wanted, components []wanted, err error) {
	seen := make(map[[2]string]bool)
	idOnce := identifiers()
	add := func(field string, w wanted) error {
		w.name, w.field = strings.TrimSpace(w.name), field
		if err := idOnce("component", w.ID); err != nil {
			return invalidIn(err, field)
		}
		switch {
		case strings.Contains(w.name, " / "):
			return &Invalid{Field: field, Rule: "must not contain \" / \", which stands between a group and its component: " + quote(w.name)}
		case w.name == "":
			return &Invalid{Field: field, Rule: "must have a name"}
		case seen[[2]string{w.group, w.name}]:
			return &Invalid{Field: field, Rule: "is named twice: " + quote(w.name)}
		}
		seen[[2]string{w.group, w.name}] = true
		components = append(components, w)
		return nil
	}
	names := make(map[string]bool)
	for i, n := range nodes {
		at, field := i+1, indexed("components", i)
		if n.Group == "" {
			if err := add(field, wanted{ComponentNode: n, name: n.Name, description: n.Description, at: at}); err != nil {
				return nil, nil, err
			}
			continue
		}
		if names[n.Group] {
			return nil, nil, &Invalid{Field: field, Rule: "names the group " + quote(n.Group) + " a second time"}
		}
		names[n.Group] = true
		if err := idOnce("group", n.ID); err != nil {
			return nil, nil, invalidIn(err, field)
		}
		groups = append(groups, wanted{ComponentNode: n, field: field, name: n.Group, description: n.Description, at: at})
		for j, c := range n.Components {
			inner := field + "." + indexed("components", j)
			if c.Group != "" {
				return nil, nil, &Invalid{Field: inner, Rule: "is a group within a group; groups hold components only"}
			}
			if err := add(inner, wanted{ComponentNode: c, group: n.Group, name: c.Name, description: c.Description, groupAt: at, at: j + 1}); err != nil {
				return nil, nil, err
			}
		}
	}
	return groups, components, nil
}

// identifiers refuses an identifier that is odd, or that is given to a second thing of its kind.
func identifiers() func(kind, id string) error {
	seen := make(map[[2]string]bool)
	return func(kind, id string) error {
		if id != "" && seen[[2]string{kind, id}] {
			return &Invalid{Field: "id", Rule: "is that of another " + kind + " too: " + quote(id)}
		}
		seen[[2]string{kind, id}] = true
		return checkID(id)
	}
}

func (b *Book) applyGroups(groups []wanted, now time.Time) ([]Change, error) {
	var changes []Change
	for _, w := range groups {
		g, exists := b.Group(w.ID)
		if !exists {
			g, exists = first(b.Groups, func(g Group) bool { return g.Name == w.name && w.takes(g.ID, !g.Removed.IsZero(), groups) })
		}
		if err := w.sameID(g.ID); err != nil {
			return nil, err
		}
		was, gone := g, !g.Removed.IsZero()
		g.Name, g.Description, g.Position, g.Removed = w.name, w.description, w.at, time.Time{}
		var d differences
		if exists {
			d.add("name", was.Name, g.Name)
		}
		d.add("description", was.Description, g.Description)
		action := Amend
		if !exists || gone {
			action = Create
		}
		if !exists {
			g.ID, g.Created = cmp.Or(w.ID, b.NewID()), now
		}
		if action == Create || len(d) > 0 || was.Position != g.Position {
			g.Changed = now
			b.PutGroup(g)
		}
		if action == Create || len(d) > 0 {
			changes = append(changes, Change{Action: action, Subject: Subject{KindGroup, g.ID}, Name: g.Name, Fields: d})
		}
	}
	return changes, nil
}

func (b *Book) dropGroups(groups []wanted, now time.Time) []Change {
	var changes []Change
	for _, g := range b.Groups {
		_, named := first(groups, func(w wanted) bool { return w.name == g.Name })
		if named || !g.Removed.IsZero() {
			continue
		}
		g.Removed, g.Changed = now, now
		b.PutGroup(g)
		changes = append(changes, Change{Action: Remove, Subject: Subject{KindGroup, g.ID}, Name: g.Name})
	}
	return changes
}

// match finds the component that the document means: the one of that id, the one of that name in that group or, when
// moved, the only one of that name anywhere. A removed one is taken up again.
func (b *Book) match(w wanted, taken map[string]bool, moved bool, all []wanted) (Component, bool) {
	if c, ok := b.Component(w.ID); ok && !taken[c.ID] {
		return c, true
	}
	var found []Component
	for _, c := range b.Components {
		if c.Name != w.name || taken[c.ID] || !w.takes(c.ID, !c.Removed.IsZero(), all) {
			continue
		}
		g, _ := b.Group(c.GroupID)
		if g.Name == w.group {
			return c, true
		}
		found = append(found, c)
	}
	sameName := 0
	for _, o := range all {
		if o.name == w.name {
			sameName++
		}
	}
	if moved && len(found) == 1 && sameName == 1 && found[0].Removed.IsZero() {
		return found[0], true
	}
	return Component{}, false
}

func (b *Book) applyComponent(c Component, w wanted, now time.Time, by Actor) (string, Change) {
	was, wasGroup := c, ""
	if g, ok := b.Group(c.GroupID); ok {
		wasGroup = g.Name
	}
	created := c.ID == ""
	revived := !c.Removed.IsZero()
	if created {
		c = Component{ID: cmp.Or(w.ID, b.NewID()), Condition: Operational, Created: now} // nobody has set it, so earlier claims count
	}
	c.Name, c.Description, c.Position, c.Removed, c.GroupID = w.name, w.description, w.at, time.Time{}, ""
	c.HideUptime, c.OnlyIfDegraded, c.Start, c.Changed = w.HideUptime, w.OnlyIfDegraded, w.Start, now
	if g, ok := first(b.Groups, func(g Group) bool { return g.Name == w.group && w.group != "" && g.Removed.IsZero() }); ok {
		c.GroupID = g.ID
	}
	var d differences
	if !created {
		d.add("name", was.Name, c.Name)
	}
	d.add("group", wasGroup, w.group)
	d.add("description", was.Description, c.Description)
	d.add("hide_uptime", boolField(was.HideUptime), boolField(c.HideUptime))
	d.add("only_if_degraded", boolField(was.OnlyIfDegraded), boolField(c.OnlyIfDegraded))
	d.add("start", dateField(was.Start), dateField(c.Start))
	if !created && !revived && len(d) == 0 {
		if was.Position != c.Position {
			b.PutComponent(c)
		}
		return c.ID, Change{}
	}
	action := Amend
	if created || revived {
		action, d = Create, nil
	}
	b.PutComponent(c)
	b.Say(Event{Kind: ComponentChanged, Subject: Subject{KindComponent, c.ID}, At: now, By: by})
	return c.ID, Change{Action: action, Subject: Subject{KindComponent, c.ID}, Name: FullName(c.ID, b.Groups, b.Components), Fields: d}
}
