package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AmendPage gives the page its settings, and its identifier when it has none yet.
func (b *Book) AmendPage(p Page, now time.Time, by Actor) (Page, error) {
	if err := p.Validate(); err != nil {
		return p, err
	}
	if len(pageFields(b.Page, p)) == 0 {
		return b.Page, nil
	}
	if p.ID == "" {
		p.ID = b.NewID()
	}
	if p.Created.IsZero() && b.Page.ID == "" {
		p.Created = now
	}
	p.Changed = now
	b.PutPage(p)
	b.Say(Event{Kind: PageChanged, Subject: Subject{KindPage, p.ID}, At: now, By: by})
	return b.Page, nil
}

// AddComponent puts a component on the page, last in its group or, without one, last on the page. A condition other
// than operational counts as set by whoever adds it.
func (b *Book) AddComponent(c Component, now time.Time, by Actor) (Component, error) {
	c.ID, c.Created, c.Changed = b.NewID(), now, now
	if err := b.checkComponent(&c); err != nil {
		return c, err
	}
	c.Position = b.nextPosition(c.GroupID)
	if c.Condition != "" && c.Condition != Operational {
		c.SetAt = now
	} else {
		c.Condition = Operational
	}
	b.PutComponent(c)
	b.Say(Event{Kind: ComponentChanged, Subject: Subject{KindComponent, c.ID}, At: now, By: by})
	stored, _ := b.Component(c.ID)
	return stored, nil
}

// AmendComponent makes a component what c is. Another group puts it last there.
func (b *Book) AmendComponent(c Component, now time.Time, by Actor) (Component, error) {
	have, found := b.Component(c.ID)
	if !found || !have.Removed.IsZero() {
		return c, fmt.Errorf("component %s: %w", c.ID, ErrNotFound)
	}
	if err := b.checkComponent(&c); err != nil {
		return c, err
	}
	if c == have {
		return have, nil
	}
	if c.GroupID != have.GroupID {
		c.Position = b.nextPosition(c.GroupID)
	}
	c.Changed = now
	kind := ComponentChanged
	if c.SetAt != have.SetAt || c.Condition != have.Condition {
		kind = ComponentSet
	}
	b.PutComponent(c)
	b.Say(Event{Kind: kind, Subject: Subject{KindComponent, c.ID}, At: now, By: by})
	stored, _ := b.Component(c.ID)
	return stored, nil
}

// SetComponent gives a component a condition, as [Component.Set] does, and tells of it.
func (b *Book) SetComponent(c Component, to Condition, now time.Time, by Actor) (Component, error) {
	c, e, err := c.Set(to, now, by)
	if err != nil {
		return c, err
	}
	b.PutComponent(c)
	b.Say(e)
	stored, _ := b.Component(c.ID)
	return stored, nil
}

// RemoveComponent takes a component from the page. Its past stays in past events.
func (b *Book) RemoveComponent(id string, now time.Time, by Actor) error {
	c, found := b.Component(id)
	if !found || !c.Removed.IsZero() {
		return fmt.Errorf("component %s: %w", id, ErrNotFound)
	}
	c.Removed, c.Changed = now, now
	b.PutComponent(c)
	b.Say(Event{Kind: ComponentRemoved, Subject: Subject{KindComponent, id}, At: now, By: by})
	return nil
}

// checkComponent refuses a name that is missing or could not be told from another's, and a group or a condition that
// there is not.
func (b *Book) checkComponent(c *Component) error {
	c.Name = strings.TrimSpace(c.Name)
	if err := b.checkName(c.Name, c.ID, c.GroupID); err != nil {
		return err
	}
	if g, found := b.Group(c.GroupID); c.GroupID != "" && (!found || !g.Removed.IsZero()) {
		return &Invalid{Field: "group_id", Rule: "names no group of the page: " + quote(c.GroupID)}
	}
	if c.Condition != "" && c.Condition.Rank() < 0 {
		return &Invalid{Field: "status", Rule: "must be one of " + joinConditions() + ", not " + quote(string(c.Condition))}
	}
	return checkText("description", c.Description)
}

// checkName refuses a name that another component in the same group, or without one, has.
func (b *Book) checkName(name, id, groupID string) error {
	if name == "" {
		return &Invalid{Field: "name", Rule: "is required: what readers know it by"}
	}
	if strings.Contains(name, " / ") {
		return &Invalid{Field: "name", Rule: "must not contain \" / \", which stands between a group and its component: " + quote(name)}
	}
	if err := checkLine("name", name); err != nil {
		return err
	}
	for _, c := range b.Components {
		if c.Removed.IsZero() && c.ID != id && c.GroupID == groupID && c.Name == name {
			return &Invalid{Field: "name", Rule: "is that of another component in the same place: " + quote(name)}
		}
	}
	return nil
}

// nextPosition is the one after the last in a group or, without one, on the page.
func (b *Book) nextPosition(groupID string) int {
	last := 0
	for _, c := range b.Components {
		if c.Removed.IsZero() && c.GroupID == groupID {
			last = max(last, c.Position)
		}
	}
	for _, g := range b.Groups {
		if g.Removed.IsZero() && groupID == "" {
			last = max(last, g.Position)
		}
	}
	return last + 1
}

// PlaceGroup puts a group on the page, or makes the one that has its id what g is. members, when it is not nil, are the
// ids of its components in order; those that it no longer names stay on the page without a group.
func (b *Book) PlaceGroup(g Group, members []string, now time.Time, by Actor) (Group, error) {
	g.Name = strings.TrimSpace(g.Name)
	if err := b.checkGroup(g, members); err != nil {
		return g, err
	}
	have, found := b.Group(g.ID)
	if g.ID == "" {
		g.ID, g.Created, g.Position = b.NewID(), now, b.nextPosition("")
	} else if !found || !have.Removed.IsZero() {
		return g, fmt.Errorf("component group %s: %w", g.ID, ErrNotFound)
	}
	if g != have {
		g.Changed = now
		b.PutGroup(g)
		b.Say(Event{Kind: ComponentChanged, Subject: Subject{KindGroup, g.ID}, At: now, By: by})
	}
	if members != nil {
		b.gather(g.ID, members, now, by)
	}
	stored, _ := b.Group(g.ID)
	return stored, nil
}

func (b *Book) checkGroup(g Group, members []string) error {
	if g.Name == "" {
		return &Invalid{Field: "name", Rule: "is required: what readers know the group by"}
	}
	if err := checkLine("name", g.Name); err != nil {
		return err
	}
	for _, o := range b.Groups {
		if o.Removed.IsZero() && o.ID != g.ID && o.Name == g.Name {
			return &Invalid{Field: "name", Rule: "is that of another group: " + quote(g.Name)}
		}
	}
	names := make(map[string]bool)
	for i, id := range members {
		c, found := b.Component(id)
		switch {
		case !found || !c.Removed.IsZero():
			return &Invalid{Field: indexed("components", i), Rule: "names no component of the page: " + quote(id)}
		case names[c.Name]:
			return &Invalid{Field: indexed("components", i), Rule: "is called " + quote(c.Name) + " as another one of the group is; names in a group must differ"}
		}
		names[c.Name] = true
	}
	if members != nil && g.ID != "" {
		if err := b.checkLeaving(g.ID, members); err != nil {
			return err
		}
	}
	return checkText("description", g.Description)
}

// checkLeaving refuses that a component which is no member any more comes to stand beside one of its name.
func (b *Book) checkLeaving(groupID string, members []string) error {
	for _, id := range b.members(groupID) {
		c, _ := b.Component(id)
		beside := func(o Component) bool {
			return o.Removed.IsZero() && o.GroupID == "" && o.Name == c.Name && !slices.Contains(members, o.ID)
		}
		if !slices.Contains(members, id) && slices.ContainsFunc(b.Components, beside) {
			return &Invalid{Field: "components", Rule: quote(c.Name) + " would stand beside another component of that name without its group: rename one first"}
		}
	}
	return nil
}

// gather makes the members of a group those, in their order.
func (b *Book) gather(groupID string, members []string, now time.Time, by Actor) {
	for _, c := range slices.Clone(b.Components) {
		if !c.Removed.IsZero() {
			continue
		}
		was, place := c, slices.Index(members, c.ID)
		switch {
		case place >= 0:
			c.GroupID, c.Position = groupID, place+1
		case c.GroupID == groupID:
			c.GroupID, c.Position = "", b.nextPosition("")
		}
		if c != was {
			c.Changed = now
			b.PutComponent(c)
			b.Say(Event{Kind: ComponentChanged, Subject: Subject{KindComponent, c.ID}, At: now, By: by})
		}
	}
}

// RemoveGroup takes a group from the page; its components stay, without one.
func (b *Book) RemoveGroup(id string, now time.Time, by Actor) error {
	g, found := b.Group(id)
	if !found || !g.Removed.IsZero() {
		return fmt.Errorf("component group %s: %w", id, ErrNotFound)
	}
	if err := b.checkLeaving(id, nil); err != nil {
		return err
	}
	b.gather(id, nil, now, by)
	g.Removed, g.Changed = now, now
	b.PutGroup(g)
	b.Say(Event{Kind: ComponentRemoved, Subject: Subject{KindGroup, id}, At: now, By: by})
	return nil
}
