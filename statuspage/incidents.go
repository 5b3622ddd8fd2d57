package statuspage

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/board"
	"example.org/interlude/status"
)

const (
	incidentsPath = "/pages/{page_id}/incidents"
	incidentPath  = incidentsPath + "/{incident_id}"
)

func incidentRoutes() []route {
	const tag = "incidents"
	lists := []route{
		{
			id: "list-incidents", summary: "All events, the one created last first", path: incidentsPath,
			query: []parameter{{"q", "string", "Only those whose name or updates have this text"}, limitParameter, pageParameter},
			do:    listing(func(board.Event) bool { return true }),
		},
		{id: "list-unresolved", summary: "Incidents that are not resolved", path: incidentsPath + "/unresolved", do: listing(isUnresolved)},
		{id: "list-scheduled", summary: "Maintenances that have not begun", path: incidentsPath + "/scheduled", do: listing(isScheduled)},
		{id: "list-upcoming", summary: "Maintenances that have not begun", path: incidentsPath + "/upcoming", do: listing(isScheduled)},
		{id: "list-active", summary: "Maintenances that are under way", path: incidentsPath + "/active_maintenance", do: listing(isActive)},
	}
	for i := range lists {
		lists[i].method, lists[i].tag, lists[i].scope, lists[i].answer = http.MethodGet, tag, access.Read, []ManagedIncident{}
		if lists[i].query == nil {
			lists[i].query = []parameter{pageParameter, perPageParameter}
		}
	}
	return append(lists,
		route{
			id: "get-incident", tag: tag, summary: "One event", method: http.MethodGet, path: incidentPath, scope: access.Read,
			answer: ManagedIncident{}, do: (*call).getIncident,
		},
		route{
			id: "create-incident", tag: tag, summary: "Create an incident, announce a maintenance, or enter a past incident",
			about: "With scheduled_for and scheduled_until it is a maintenance, with backfilled an incident of the past. " +
				"A page that asks for a least notice refuses a maintenance that is announced later, unless short_notice gives a reason.",
			method: http.MethodPost, path: incidentsPath, scope: access.Operate, body: incidentBody{}, wrapped: "incident",
			answer: ManagedIncident{}, code: http.StatusCreated, do: (*call).createIncident,
		},
		route{
			id: "update-incident", tag: tag, summary: "Change an event, move it, or post an update",
			about:  "What is not given stays. With status or body an update is posted. PUT does the same.",
			method: http.MethodPatch, path: incidentPath, scope: access.Operate, body: incidentBody{}, wrapped: "incident",
			sample: fields{"incident": fields{"body": "We are half way."}},
			answer: ManagedIncident{}, do: (*call).updateIncident,
		},
		route{
			id: "delete-incident", tag: tag, summary: "Withdraw an event altogether", method: http.MethodDelete, path: incidentPath,
			about:  "Readers see nothing of it any more, and nobody is told. To call a maintenance off, complete it before its start.",
			answer: ManagedIncident{}, scope: access.Operate, do: (*call).deleteIncident,
		},
		route{
			id: "update-incident-update", tag: tag, summary: "Correct an update that stands", method: http.MethodPatch,
			path: incidentPath + "/incident_updates/{incident_update_id}", scope: access.Operate, body: correctionBody{},
			wrapped: "incident_update", answer: ManagedUpdate{}, do: (*call).correctUpdate,
		},
	)
}

func isUnresolved(e board.Event) bool { return e.Incident != nil && e.Incident.Open() }
func isScheduled(e board.Event) bool {
	return e.Maintenance != nil && e.Maintenance.State == status.Scheduled
}
func isActive(e board.Event) bool { return e.Maintenance != nil && e.Maintenance.Underway() }

// listing answers with the events that belong, the one created last first.
func listing(belongs func(board.Event) bool) func(*call) (any, error) {
	return func(c *call) (any, error) {
		v := c.view()
		text, _ := c.body["q"].(string)
		var found []board.Event
		for e := range v.events() {
			if belongs(e) && mentions(e, strings.ToLower(text)) {
				found = append(found, e)
			}
		}
		slices.SortStableFunc(found, func(a, b board.Event) int { return createdAt(b).Compare(createdAt(a)) })
		page, err := paged(c, found)
		if err != nil {
			return nil, err
		}
		shown := make([]ManagedIncident, len(page))
		for i, e := range page {
			shown[i] = v.managedEvent(e)
		}
		return shown, nil
	}
}

// events are all events of the picture, open and past.
func (v view) events() func(yield func(board.Event) bool) {
	return func(yield func(board.Event) bool) {
		for _, m := range v.p.Maintenances {
			if !yield(board.Event{Maintenance: m}) {
				return
			}
		}
		for _, i := range v.p.Incidents {
			if !yield(board.Event{Incident: i}) {
				return
			}
		}
		for _, e := range v.p.Past {
			if !yield(e) {
				return
			}
		}
	}
}

func createdAt(e board.Event) time.Time {
	if e.Maintenance != nil {
		return e.Maintenance.Created
	}
	return e.Incident.Created
}

// mentions reports whether the text, in lower case, stands in the name or an update.
func mentions(e board.Event, text string) bool {
	if text == "" {
		return true
	}
	var title string
	var updates []status.Update
	if e.Maintenance != nil {
		title, updates = e.Maintenance.Title, e.Maintenance.Updates
	} else {
		title, updates = e.Incident.Title, e.Incident.Updates
	}
	return strings.Contains(strings.ToLower(title), text) || slices.ContainsFunc(updates, func(u status.Update) bool {
		return strings.Contains(strings.ToLower(u.Body), text)
	})
}

func (c *call) getIncident() (any, error) {
	v := c.view()
	e, err := v.event(c.id("incident_id"))
	if err != nil {
		return nil, err
	}
	return v.managedEvent(e), nil
}

func (c *call) deleteIncident() (any, error) {
	v := c.view()
	e, err := v.event(c.id("incident_id"))
	if err != nil {
		return nil, err
	}
	shown := v.managedEvent(e)
	err = c.change([]string{e.Subject().ID}, func(b *status.Book, now time.Time) error {
		return b.Withdraw(e.Subject(), now, c.by)
	})
	if err != nil {
		return nil, err
	}
	c.shown()
	return shown, nil
}

// correctionBody is what may be corrected of an update.
type correctionBody struct {
	Body                 *string    `json:"body" example:"We upgrade our databases tonight." doc:"What readers are told, in Markdown"`
	DisplayAt            *time.Time `json:"display_at" doc:"When it is shown to have been posted, between the updates before and after it"`
	DeliverNotifications *bool      `json:"deliver_notifications" doc:"Whether the update counts as told"`
	WantsTwitterUpdate   *bool      `json:"wants_twitter_update" cannot:"nothing is posted to Twitter"`
}

func (c *call) correctUpdate() (any, error) {
	e, err := c.view().event(c.id("incident_id"))
	if err != nil {
		return nil, err
	}
	body, err := bound[correctionBody](c, "incident_update")
	if err != nil {
		return nil, err
	}
	correction := status.Correction{At: body.DisplayAt}
	if text := given(body.Body); text != "" {
		correction.Body = &text
	}
	if body.DeliverNotifications != nil {
		quiet := !*body.DeliverNotifications
		correction.Quiet = &quiet
	}
	id := c.id("incident_update_id")
	err = c.change([]string{e.Subject().ID}, func(b *status.Book, now time.Time) error {
		return b.Correct(e.Subject(), id, correction, now, c.by)
	})
	if err != nil {
		return nil, err
	}
	v := c.shown()
	if e, err = v.event(e.Subject().ID); err != nil {
		return nil, err
	}
	for _, u := range v.managedEvent(e).IncidentUpdates {
		if u.ID == id {
			return u, nil
		}
	}
	return nil, notFound("Incident update")
}

// given is a text, or nothing where none or an empty one was given.
func given(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// bodyOf is the words that go out: body, or message as old clients call it.
func (b incidentBody) bodyOf() string { return cmp.Or(given(b.Body), given(b.Message)) }
