package statuspage

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// Hook writes what webhooks carry, in the two shapes that Statuspage sends. Their readers tell them apart by the key incident,
// which a maintenance has too, or component. Times are UTC with milliseconds, links begin with the page's URL.
//
// What is written follows from the arguments alone: it says how it was when they were put together, however late it is
// delivered.
type Hook struct{}

// The shapes of webhooks, in the order that readers recorded.
type (
	hookMeta struct {
		Unsubscribe   string `json:"unsubscribe"`
		Documentation string `json:"documentation"`
		GeneratedAt   string `json:"generated_at"`
	}
	hookPage struct {
		ID          string `json:"id"`
		Indicator   string `json:"status_indicator"`
		Description string `json:"status_description"`
	}
	hookUpdate struct {
		Status               string     `json:"status"`
		Body                 string     `json:"body"`
		CreatedAt            string     `json:"created_at"`
		WantsTwitterUpdate   bool       `json:"wants_twitter_update"`
		TwitterUpdatedAt     *string    `json:"twitter_updated_at"`
		UpdatedAt            string     `json:"updated_at"`
		DisplayAt            string     `json:"display_at"`
		AffectedComponents   []Affected `json:"affected_components"`
		CustomTweet          *string    `json:"custom_tweet"`
		DeliverNotifications bool       `json:"deliver_notifications"`
		ID                   string     `json:"id"`
		IncidentID           string     `json:"incident_id"`
	}
	hookComponent struct {
		Status      string  `json:"status"`
		Name        string  `json:"name"`
		CreatedAt   string  `json:"created_at"`
		UpdatedAt   string  `json:"updated_at"`
		Position    int     `json:"position"`
		Description *string `json:"description"`
		Showcase    bool    `json:"showcase"`
		ID          string  `json:"id"`
		PageID      string  `json:"page_id"`
		GroupID     *string `json:"group_id"`
	}
	hookIncident struct {
		Name                    string          `json:"name"`
		Status                  string          `json:"status"`
		CreatedAt               string          `json:"created_at"`
		UpdatedAt               string          `json:"updated_at"`
		MonitoringAt            *string         `json:"monitoring_at"`
		ResolvedAt              *string         `json:"resolved_at"`
		Impact                  string          `json:"impact"`
		Shortlink               string          `json:"shortlink"`
		PostmortemIgnored       bool            `json:"postmortem_ignored"`
		PostmortemBody          *string         `json:"postmortem_body"`
		PostmortemBodyUpdatedAt *string         `json:"postmortem_body_last_updated_at"`
		PostmortemPublishedAt   *string         `json:"postmortem_published_at"`
		PostmortemNotified      bool            `json:"postmortem_notified_subscribers"`
		PostmortemTweeted       bool            `json:"postmortem_notified_twitter"`
		Backfilled              bool            `json:"backfilled"`
		ScheduledFor            *string         `json:"scheduled_for"`
		ScheduledUntil          *string         `json:"scheduled_until"`
		ScheduledRemindPrior    bool            `json:"scheduled_remind_prior"`
		ScheduledRemindedAt     *string         `json:"scheduled_reminded_at"`
		ImpactOverride          *string         `json:"impact_override"`
		ScheduledAutoInProgress bool            `json:"scheduled_auto_in_progress"`
		ScheduledAutoCompleted  bool            `json:"scheduled_auto_completed"`
		ID                      string          `json:"id"`
		PageID                  string          `json:"page_id"`
		IncidentUpdates         []hookUpdate    `json:"incident_updates"`
		Components              []hookComponent `json:"components"`
		Interlude               *Extension      `json:"interlude,omitempty"`
	}
	hookChange struct {
		OldStatus     string `json:"old_status"`
		NewStatus     string `json:"new_status"`
		CreatedAt     string `json:"created_at"`
		ComponentType string `json:"component_type"`
		ID            string `json:"id"`
		ComponentID   string `json:"component_id"`
	}
)

// EventPayload tells of a maintenance or an incident, whichever is given, with all its updates. components are those on
// the page, their condition being what readers see; unsubscribe is the link by which the endpoint leaves.
func (Hook) EventPayload(m *status.Maintenance, i *status.Incident, p status.Page, groups []status.Group, components []status.Component, unsubscribe string, now time.Time) ([]byte, error) {
	b := status.Book{Page: p, Groups: groups, Components: components}
	switch {
	case m != nil:
		b.Maintenances = []status.Maintenance{*m}
	case i != nil:
		b.Incidents = []status.Incident{*i}
	default:
		return nil, fmt.Errorf("write a webhook: neither a maintenance nor an incident is given: %w", status.ErrNotFound)
	}
	v := told(&b)
	var shown ManagedIncident
	if m != nil {
		shown = v.managedMaintenance(m)
	} else {
		shown = v.managedIncident(i)
	}
	return json.Marshal(struct {
		Meta     hookMeta     `json:"meta"`
		Page     hookPage     `json:"page"`
		Incident hookIncident `json:"incident"`
	}{v.hookMeta(unsubscribe, now), v.hookPage(), hooked(shown)})
}

// ComponentPayload tells that readers see another condition of a component since at. components are those on the page.
func (Hook) ComponentPayload(c status.Component, was, is status.Condition, p status.Page, groups []status.Group, components []status.Component, unsubscribe string, at, now time.Time) ([]byte, error) {
	v := told(&status.Book{Page: p, Groups: groups, Components: components})
	v.p.Conditions[c.ID], v.p.Moved[c.ID] = is, at
	return json.Marshal(struct {
		Meta      hookMeta      `json:"meta"`
		Page      hookPage      `json:"page"`
		Component hookComponent `json:"component"`
		Change    hookChange    `json:"component_update"`
	}{
		v.hookMeta(unsubscribe, now), v.hookPage(), hookedComponent(v.component(c)),
		hookChange{
			OldStatus: string(was), NewStatus: string(is), CreatedAt: v.at(at), ComponentType: "Component",
			ID: changeID(c.ID, at), ComponentID: c.ID,
		},
	})
}

// told is the view of a book whose components already have the conditions that readers see, which what the book's
// events claim would change once more.
func told(b *status.Book) view {
	v := view{p: board.Of(b), home: strings.TrimSuffix(b.Page.URL, "/"), zone: time.UTC, moments: millis, posted: millis}
	for _, c := range b.Components {
		v.p.Conditions[c.ID] = c.Condition
	}
	return v
}

func (v view) hookMeta(unsubscribe string, now time.Time) hookMeta {
	return hookMeta{Unsubscribe: unsubscribe, Documentation: v.home + "/api", GeneratedAt: v.at(now)}
}

func (v view) hookPage() hookPage {
	overall := v.overall()
	return hookPage{ID: v.p.Page.ID, Indicator: overall.Indicator, Description: overall.Description}
}

// hooked puts an event as version 1 shows it into the order of webhooks, and leaves out what they do not have.
func hooked(m ManagedIncident) hookIncident {
	shown := hookIncident{
		Name: m.Name, Status: m.Status, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, MonitoringAt: m.MonitoringAt,
		ResolvedAt: m.ResolvedAt, Impact: m.Impact, Shortlink: m.Shortlink, PostmortemIgnored: m.PostmortemIgnored,
		PostmortemBody: m.PostmortemBody, PostmortemBodyUpdatedAt: m.PostmortemBodyUpdatedAt,
		PostmortemPublishedAt: m.PostmortemPublishedAt, PostmortemNotified: m.PostmortemNotified, PostmortemTweeted: m.PostmortemTweeted,
		Backfilled: m.Backfilled, ScheduledFor: m.ScheduledFor, ScheduledUntil: m.ScheduledUntil,
		ScheduledRemindPrior: m.ScheduledRemindPrior, ScheduledRemindedAt: m.ScheduledRemindedAt, ImpactOverride: m.ImpactOverride,
		ScheduledAutoInProgress: m.ScheduledAutoInProgress, ScheduledAutoCompleted: m.ScheduledAutoCompleted, ID: m.ID, PageID: m.PageID,
		IncidentUpdates: make([]hookUpdate, len(m.IncidentUpdates)), Components: make([]hookComponent, len(m.Components)), Interlude: m.Interlude,
	}
	for n, u := range m.IncidentUpdates {
		shown.IncidentUpdates[n] = hookUpdate{
			Status: u.Status, Body: u.Body, CreatedAt: u.CreatedAt, WantsTwitterUpdate: u.WantsTwitterUpdate,
			TwitterUpdatedAt: u.TwitterUpdatedAt, UpdatedAt: u.UpdatedAt, DisplayAt: u.DisplayAt, AffectedComponents: u.AffectedComponents,
			CustomTweet: u.CustomTweet, DeliverNotifications: u.DeliverNotifications, ID: u.ID, IncidentID: u.IncidentID,
		}
	}
	for n, c := range m.Components {
		shown.Components[n] = hookedComponent(c.Component)
	}
	return shown
}

func hookedComponent(c Component) hookComponent {
	return hookComponent{
		Status: c.Status, Name: c.Name, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Position: c.Position,
		Description: c.Description, Showcase: c.Showcase, ID: c.ID, PageID: c.PageID, GroupID: c.GroupID,
	}
}

// changeID names the change of a component: it has no id of its own, and each attempt to tell of it has to say the same.
func changeID(component string, at time.Time) string {
	sum := sha256.Sum256([]byte(component + at.UTC().Format(time.RFC3339Nano)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:12]
}
