package statuspage

import (
	"net/http"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

const (
	groupsPath = "/pages/{page_id}/component-groups"
	groupPath  = groupsPath + "/{id}"
)

func groupRoutes() []route {
	const tag = "component groups"
	const beside = "The description may also stand beside component_group, in place of within it. "
	return []route{
		{
			id: "list-component-groups", tag: tag, summary: "All component groups, in the page's order", method: http.MethodGet,
			path: groupsPath, scope: access.Read, query: []parameter{pageParameter, perPageParameter}, answer: []ComponentGroup{},
			do: (*call).listGroups,
		},
		{
			id: "get-component-group", tag: tag, summary: "One component group", method: http.MethodGet, path: groupPath,
			scope: access.Read, answer: ComponentGroup{}, do: (*call).getGroup,
		},
		{
			id: "create-component-group", tag: tag, summary: "Gather components under a name, last on the page", method: http.MethodPost,
			about: beside + "Components that have another group leave it.", path: groupsPath, scope: access.Administer, body: groupBody{},
			wrapped: "component_group", answer: ComponentGroup{}, code: http.StatusCreated, do: (*call).createGroup,
		},
		{
			id: "update-component-group", tag: tag, summary: "Change a component group", method: http.MethodPatch, path: groupPath,
			about: beside + "What is not given stays. Components that the list no longer names stay on the page, without a group. " +
				"PUT does the same.",
			scope: access.Administer, body: groupBody{}, wrapped: "component_group", answer: ComponentGroup{}, do: (*call).updateGroup,
		},
		{
			id: "delete-component-group", tag: tag, summary: "Take a component group from the page", method: http.MethodDelete,
			about: "Its components stay, without a group. The answer is the group as it was.", path: groupPath, scope: access.Administer,
			answer: ComponentGroup{}, do: (*call).deleteGroup,
		},
	}
}

// ComponentGroup is a component group as version 1 shows it.
type ComponentGroup struct {
	ID          string  `json:"id"`
	PageID      string  `json:"page_id"`
	Name        string  `json:"name"`
	Description *string `json:"description"`
	// Components are the ids of its components, in their order.
	Components []string `json:"components" doc:"The ids of its components, in their order"`
	Position   int      `json:"position"`
	CreatedAt  string   `json:"created_at"`
	UpdatedAt  string   `json:"updated_at"`
}

// groupBody is what clients say of a component group.
type groupBody struct {
	Name        *string  `json:"name" example:"Message delivery" doc:"What readers know the group by; no other group has the same name"`
	Description *string  `json:"description" doc:"What it holds; an empty text takes the description away"`
	Components  []string `json:"components" doc:"The ids of its components, in the order in which readers see them"`
}

// readGroup reads the body. Statuspage's own description has the group's description beside the object, and clients send
// it within.
func (c *call) readGroup() (groupBody, error) {
	b, err := bound[groupBody](c, "component_group")
	if err != nil || b.Description != nil {
		return b, err
	}
	var outer struct {
		Description *string `json:"description"`
	}
	err = bind(c.body, &outer)
	b.Description = outer.Description
	return b, err
}

// over is a group with what the body says of it, and the components that it is to have: nil when nothing was said of them.
func (b groupBody) over(g status.Group) (status.Group, []string) {
	if name := given(b.Name); name != "" {
		g.Name = name
	}
	if b.Description != nil {
		g.Description = *b.Description
	}
	if b.Components == nil {
		return g, nil
	}
	return g, append([]string{}, status.Unique(b.Components)...)
}

func (v view) componentGroup(g status.Group) ComponentGroup {
	header := v.group(g)
	return ComponentGroup{
		ID: g.ID, PageID: header.PageID, Name: g.Name, Description: header.Description, Components: header.Components, Position: g.Position,
		CreatedAt: header.CreatedAt, UpdatedAt: header.UpdatedAt,
	}
}

func (c *call) listGroups() (any, error) {
	v := c.view()
	page, err := paged(c, v.p.Groups)
	if err != nil {
		return nil, err
	}
	shown := make([]ComponentGroup, len(page))
	for i, g := range page {
		shown[i] = v.componentGroup(g)
	}
	return shown, nil
}

func (c *call) getGroup() (any, error) {
	v := c.view()
	g, err := v.groupOf(c.id("id"))
	if err != nil {
		return nil, err
	}
	return v.componentGroup(g), nil
}

// groupOf is a group that is on the page.
func (v view) groupOf(id string) (status.Group, error) {
	g, found := v.p.Group(id)
	if !found || !g.Removed.IsZero() {
		return g, notFound("Component group")
	}
	return g, nil
}

func (c *call) createGroup() (any, error) { return c.placeGroup("") }

func (c *call) updateGroup() (any, error) { return c.placeGroup(c.id("id")) }

// placeGroup makes a group what the body says: a new one where no id is given.
func (c *call) placeGroup(id string) (any, error) {
	b, err := c.readGroup()
	if err != nil {
		return nil, err
	}
	var placed status.Group
	err = c.change(nil, func(book *status.Book, now time.Time) (err error) {
		have, found := book.Group(id)
		if id != "" && (!found || !have.Removed.IsZero()) {
			return notFound("Component group")
		}
		want, members := b.over(have)
		placed, err = book.PlaceGroup(want, members, now, c.by)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := c.shown()
	if g, found := v.p.Group(placed.ID); found {
		placed = g
	}
	return v.componentGroup(placed), nil
}

func (c *call) deleteGroup() (any, error) {
	v := c.view()
	g, err := v.groupOf(c.id("id"))
	if err != nil {
		return nil, err
	}
	was := v.componentGroup(g)
	err = c.change(nil, func(book *status.Book, now time.Time) error {
		if have, found := book.Group(g.ID); !found || !have.Removed.IsZero() {
			return notFound("Component group")
		}
		return book.RemoveGroup(g.ID, now, c.by)
	})
	if err != nil {
		return nil, err
	}
	c.shown()
	return was, nil
}
