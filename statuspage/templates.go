package statuspage

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

const (
	templatesPath = "/pages/{page_id}/incident_templates"
	templatePath  = templatesPath + "/{template_id}"

	// kindTemplate are the records of templates, one for each: nothing else depends on them.
	kindTemplate = "incident_template"
)

func templateRoutes() []route {
	const tag, about = "incident templates", "A template holds words for an event that happens again and again. It changes nothing by itself."
	return []route{
		{
			id: "list-templates", tag: tag, summary: "All templates, the oldest first", about: about, method: http.MethodGet,
			path: templatesPath, scope: access.Read, query: []parameter{pageParameter, perPageParameter}, answer: []Template{},
			do: (*call).listTemplates,
		},
		{
			id: "create-template", tag: tag, summary: "Keep a template", about: about, method: http.MethodPost, path: templatesPath,
			scope: access.Operate, body: templateBody{}, wrapped: "template", answer: Template{}, code: http.StatusCreated,
			do: (*call).createTemplate,
		},
		{
			id: "get-template", tag: tag, summary: "One template", method: http.MethodGet, path: templatePath, scope: access.Read,
			answer: Template{}, do: (*call).getTemplate,
		},
		{
			id: "update-template", tag: tag, summary: "Change a template", about: "What is not given stays.", method: http.MethodPatch,
			path: templatePath, scope: access.Operate, body: templateBody{}, wrapped: "template", answer: Template{},
			do: (*call).updateTemplate,
		},
		{
			id: "delete-template", tag: tag, summary: "Forget a template", method: http.MethodDelete, path: templatePath,
			scope: access.Operate, answer: Template{}, do: (*call).deleteTemplate,
		},
	}
}

// Template is a template as version 1 shows it.
type Template struct {
	ID                string             `json:"id"`
	Name              string             `json:"name"`
	Title             string             `json:"title"`
	Body              string             `json:"body"`
	GroupID           *string            `json:"group_id"`
	UpdateStatus      *string            `json:"update_status"`
	ShouldTweet       bool               `json:"should_tweet"`
	SendNotifications bool               `json:"should_send_notifications"`
	Components        []ManagedComponent `json:"components"`
}

// templateBody is what clients say of a template.
type templateBody struct {
	Name              *string  `json:"name" example:"Slow" doc:"What operators know it by"`
	Title             *string  `json:"title" example:"Answers are slow" doc:"The name of an event that is made from it"`
	Body              *string  `json:"body" example:"We look into it." doc:"The words of its update, in Markdown; required of a new one"`
	GroupID           *string  `json:"group_id" doc:"A word by which programs group templates; kept as it is"`
	UpdateStatus      *string  `json:"update_status" enum:"investigating,identified,monitoring,resolved,scheduled,in_progress,verifying,completed" example:"investigating" doc:"The status of its update: that of an incident or of a maintenance"`
	ShouldTweet       *bool    `json:"should_tweet" cannot:"nothing is posted to Twitter"`
	SendNotifications *bool    `json:"should_send_notifications" doc:"Whether subscribers are told of an event that is made from it; true unless it says otherwise"`
	ComponentIDs      []string `json:"component_ids" doc:"The components that such an event affects; an empty list is none"`
}

// keptTemplate is a template as its record holds it.
type keptTemplate struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Title        string    `json:"title"`
	Body         string    `json:"body"`
	GroupID      string    `json:"group_id"`
	UpdateStatus string    `json:"update_status"`
	Quiet        bool      `json:"quiet"`
	Components   []string  `json:"components"`
	Created      time.Time `json:"created"`
}

func (v view) template(t keptTemplate) Template {
	return Template{
		ID: t.ID, Name: t.Name, Title: t.Title, Body: t.Body, GroupID: orNull(t.GroupID), UpdateStatus: orNull(t.UpdateStatus),
		SendNotifications: !t.Quiet, Components: v.present(t.Components),
	}
}

// apply makes a template what the body says.
func (b templateBody) apply(t *keptTemplate) {
	t.Name = cmp.Or(given(b.Name), t.Name)
	t.Title = cmp.Or(given(b.Title), t.Title)
	t.Body = cmp.Or(given(b.Body), t.Body)
	t.GroupID = cmp.Or(given(b.GroupID), t.GroupID)
	t.UpdateStatus = cmp.Or(given(b.UpdateStatus), t.UpdateStatus)
	if b.SendNotifications != nil {
		t.Quiet = !*b.SendNotifications
	}
	if b.ComponentIDs != nil {
		t.Components = status.Unique(b.ComponentIDs)
	}
}

// readTemplate reads and checks what does not depend on the template.
func (c *call) readTemplate() (templateBody, error) {
	b, err := bound[templateBody](c, "template")
	if err != nil {
		return b, err
	}
	if word := given(b.UpdateStatus); word != "" {
		err = oneOf("update_status", word, slices.DeleteFunc(slices.Clone(stateWords), func(s string) bool { return s == string(status.Postmortem) })...)
	}
	return b, cmp.Or(
		err, checkLine("name", given(b.Name)), checkLine("title", given(b.Title)), checkLine("group_id", given(b.GroupID)),
		checkText("body", given(b.Body)), c.view().onPage("component_ids", b.ComponentIDs),
	)
}

func (c *call) listTemplates() (any, error) {
	all, err := recordsOf[keptTemplate](c, kindTemplate)
	if err != nil {
		return nil, err
	}
	v := c.view()
	shown := make([]Template, len(all))
	for i, t := range all {
		shown[i] = v.template(t)
	}
	return paged(c, shown)
}

func (c *call) getTemplate() (any, error) {
	all, err := recordsOf[keptTemplate](c, kindTemplate)
	if err != nil {
		return nil, err
	}
	i, err := among(all, "Incident template", func(t keptTemplate) bool { return t.ID == c.id("template_id") })
	if err != nil {
		return nil, err
	}
	return c.view().template(all[i]), nil
}

func (c *call) createTemplate() (any, error) {
	b, err := c.readTemplate()
	if err != nil {
		return nil, err
	}
	if given(b.Body) == "" {
		return nil, unprocessable("body is required: the words of an update that is made from the template")
	}
	made := keptTemplate{ID: keeper.NewID(), Created: c.now}
	b.apply(&made)
	err = changeRecordOf(c, kindTemplate, made.ID, func(t *keptTemplate, _ bool) (bool, error) {
		*t = made
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return c.view().template(made), nil
}

// changeTemplate lets f change the template that the path names, and shows it.
func (c *call) changeTemplate(f func(*keptTemplate) (keep bool)) (any, error) {
	var is keptTemplate
	err := changeRecordOf(c, kindTemplate, c.id("template_id"), func(t *keptTemplate, found bool) (bool, error) {
		if !found {
			return false, notFound("Incident template")
		}
		keep := f(t)
		is = *t
		return keep, nil
	})
	if err != nil {
		return nil, err
	}
	return c.view().template(is), nil
}

func (c *call) updateTemplate() (any, error) {
	b, err := c.readTemplate()
	if err != nil {
		return nil, err
	}
	return c.changeTemplate(func(t *keptTemplate) bool {
		b.apply(t)
		return true
	})
}

func (c *call) deleteTemplate() (any, error) {
	return c.changeTemplate(func(*keptTemplate) bool { return false })
}
