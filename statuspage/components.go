package statuspage

import (
	"net/http"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

const (
	componentsPath = "/pages/{page_id}/components"
	componentPath  = componentsPath + "/{component_id}"
)

func componentRoutes() []route {
	const tag = "components"
	return []route{
		{
			id: "list-components", tag: tag, summary: "All components, in the page's order", method: http.MethodGet, path: componentsPath,
			about: "The header of a group is among them, as a component with group: true.",
			scope: access.Read, query: []parameter{pageParameter, perPageParameter}, answer: []ManagedComponent{}, do: (*call).listComponents,
		},
		{
			id: "get-component", tag: tag, summary: "One component, or the header of a group", method: http.MethodGet, path: componentPath,
			scope: access.Read, answer: ManagedComponent{}, do: (*call).getComponent,
		},
		{
			id: "create-component", tag: tag, summary: "Put a component on the page, last in its place", method: http.MethodPost,
			path: componentsPath, scope: access.Administer, body: componentBody{}, wrapped: "component", answer: ManagedComponent{},
			code: http.StatusCreated, do: (*call).createComponent,
		},
		{
			id: "update-component", tag: tag, summary: "Change a component, or set its status", method: http.MethodPatch, path: componentPath,
			about: "What is not given stays. A token of scope operate may set the status; everything else needs administer. " +
				"A status that the component shows already changes nothing; another one overrules what open events say of it so far. " +
				"PUT does the same.",
			scope: access.Operate, body: componentBody{}, wrapped: "component", answer: ManagedComponent{}, do: (*call).updateComponent,
		},
		{
			id: "delete-component", tag: tag, summary: "Take a component from the page", method: http.MethodDelete, path: componentPath,
			about: "Its past stays in past events.", scope: access.Administer, do: (*call).deleteComponent,
		},
	}
}

// componentBody is what clients say of a component.
type componentBody struct {
	Name               *string `json:"name" example:"Mobile Push" doc:"What readers know it by; no other one in its place has the same name"`
	Description        *string `json:"description" example:"Notifications to phones." doc:"What it is; an empty text takes the description away"`
	Status             *string `json:"status" enum:"operational,under_maintenance,degraded_performance,partial_outage,major_outage" example:"operational" doc:"operational, under_maintenance, degraded_performance, partial_outage or major_outage"`
	GroupID            *string `json:"group_id" doc:"The group that it belongs to; an empty text takes it out of its group"`
	Showcase           *bool   `json:"showcase" doc:"Whether readers see the bars and the figure of its past; true unless it says otherwise"`
	OnlyShowIfDegraded *bool   `json:"only_show_if_degraded" doc:"Whether readers see it only while it is not operational"`
	StartDate          *day    `json:"start_date" doc:"The day from which its past counts, in the page's time zone; the day of its creation unless it says otherwise"`
}

// readComponent reads and checks what does not depend on the component.
func (c *call) readComponent() (componentBody, error) {
	b, err := bound[componentBody](c, "component")
	if err != nil {
		return b, err
	}
	if word := given(b.Status); word != "" {
		err = oneOf("status", word, conditionWords...)
	}
	return b, err
}

// over is a component with what the body says of it, but for its status.
func (b componentBody) over(c status.Component) status.Component {
	if name := given(b.Name); name != "" {
		c.Name = name
	}
	if b.Description != nil {
		c.Description = *b.Description
	}
	if b.GroupID != nil {
		c.GroupID = *b.GroupID
	}
	if b.Showcase != nil {
		c.HideUptime = !*b.Showcase
	}
	if b.OnlyShowIfDegraded != nil {
		c.OnlyIfDegraded = *b.OnlyShowIfDegraded
	}
	if b.StartDate != nil {
		c.Start = b.StartDate.date()
	}
	return c
}

func (d day) date() status.Date {
	return status.Date{Year: d.year, Month: time.Month(d.month), Day: d.day}
}

func (c *call) listComponents() (any, error) {
	v := c.view()
	page, err := paged(c, v.components())
	if err != nil {
		return nil, err
	}
	shown := make([]ManagedComponent, len(page))
	for i, one := range page {
		shown[i] = v.managedComponent(one)
	}
	return shown, nil
}

func (c *call) getComponent() (any, error) {
	v, id := c.view(), c.id("component_id")
	if g, found := v.p.Group(id); found && g.Removed.IsZero() {
		return v.managedComponent(v.group(g)), nil
	}
	one, found := v.p.Component(id)
	if !found || !one.Removed.IsZero() {
		return nil, notFound("Component")
	}
	return v.managedComponent(v.component(one)), nil
}

func (c *call) createComponent() (any, error) {
	b, err := c.readComponent()
	if err != nil {
		return nil, err
	}
	var made status.Component
	err = c.change(nil, func(book *status.Book, now time.Time) (err error) {
		made, err = book.AddComponent(b.over(status.Component{Condition: status.Condition(given(b.Status))}), now, c.by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.shownComponent(made), nil
}

func (c *call) updateComponent() (any, error) {
	b, err := c.readComponent()
	if err != nil {
		return nil, err
	}
	var is status.Component
	err = c.change(nil, func(book *status.Book, now time.Time) error {
		have, err := componentOf(book, c.id("component_id"))
		if err != nil {
			return err
		}
		if want := b.over(have); want != have {
			if err := c.needs(access.Administer, "changing more of a component than its status"); err != nil {
				return err
			}
			if _, err := book.AmendComponent(want, now, c.by); err != nil {
				return err
			}
		}
		// Clients that write back what they have read do not say anything by it: a maintenance that made the component what it
		// is goes on to release it.
		if to := status.Condition(given(b.Status)); to != "" && to != book.Conditions()[have.ID] {
			err = setConditions(book, map[string]status.Condition{have.ID: to}, now, c.by)
		}
		is, _ = book.Component(have.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.shownComponent(is), nil
}

func (c *call) deleteComponent() (any, error) {
	err := c.change(nil, func(book *status.Book, now time.Time) error {
		have, err := componentOf(book, c.id("component_id"))
		if err != nil {
			return err
		}
		return book.RemoveComponent(have.ID, now, c.by)
	})
	if err == nil {
		c.shown()
	}
	return nil, err
}

// componentOf is a component that is on the page. The header of a group reads as one, and cannot be written as one.
func componentOf(book *status.Book, id string) (status.Component, error) {
	have, found := book.Component(id)
	if found && have.Removed.IsZero() {
		return have, nil
	}
	if g, isGroup := book.Group(id); isGroup && g.Removed.IsZero() {
		return have, headerRefusal(g)
	}
	return have, notFound("Component")
}

func headerRefusal(g status.Group) error {
	return unprocessable("component_id names the group \"" + g.Name + "\", and must name a component. A group has the status of its " +
		"worst component; its name and its components are changed below component-groups")
}

// needs refuses a token of a narrower scope than part of an operation asks for.
func (c *call) needs(scope access.Scope, what string) error {
	token, _ := access.TokenOf(c.ctx)
	return needs(token, scope, what)
}

// shownComponent is a component that was just written, as the board shows it or, when that takes long, as it was saved.
func (c *call) shownComponent(saved status.Component) ManagedComponent {
	v := c.shown()
	if one, found := v.p.Component(saved.ID); found {
		saved = one
	}
	return v.managedComponent(v.component(saved))
}
