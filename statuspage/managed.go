package statuspage

import (
	"slices"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// ManagedComponent is a component as version 1 shows it.
type ManagedComponent struct {
	Component
	// AutomationEmail is null: components are not set by mail here.
	AutomationEmail *string `json:"automation_email"`
}

// ManagedUpdate is a post as version 1 shows it.
type ManagedUpdate struct {
	Update
	TwitterUpdatedAt   *string `json:"twitter_updated_at"`
	WantsTwitterUpdate bool    `json:"wants_twitter_update"`
}

// ManagedIncident is an event, planned or not, as version 1 shows it.
type ManagedIncident struct {
	ID                       string             `json:"id"`
	Components               []ManagedComponent `json:"components"`
	CreatedAt                string             `json:"created_at"`
	Impact                   string             `json:"impact" enum:"none,maintenance,minor,major,critical"`
	ImpactOverride           *string            `json:"impact_override" enum:"none,maintenance,minor,major,critical"`
	IncidentUpdates          []ManagedUpdate    `json:"incident_updates"`
	IncidentImpacts          []string           `json:"incident_impacts"`
	Metadata                 map[string]any     `json:"metadata"`
	MonitoringAt             *string            `json:"monitoring_at"`
	Name                     string             `json:"name"`
	PageID                   string             `json:"page_id"`
	PostmortemBody           *string            `json:"postmortem_body"`
	PostmortemBodyUpdatedAt  *string            `json:"postmortem_body_last_updated_at"`
	PostmortemIgnored        bool               `json:"postmortem_ignored"`
	PostmortemNotified       bool               `json:"postmortem_notified_subscribers"`
	PostmortemTweeted        bool               `json:"postmortem_notified_twitter"`
	PostmortemPublishedAt    *string            `json:"postmortem_published_at"`
	ResolvedAt               *string            `json:"resolved_at"`
	StartedAt                string             `json:"started_at"`
	ScheduledAutoCompleted   bool               `json:"scheduled_auto_completed"`
	ScheduledAutoInProgress  bool               `json:"scheduled_auto_in_progress"`
	ScheduledFor             *string            `json:"scheduled_for"`
	DeliverAtEnd             *bool              `json:"auto_transition_deliver_notifications_at_end"`
	DeliverAtStart           *bool              `json:"auto_transition_deliver_notifications_at_start"`
	AutoTransitionToMaint    *bool              `json:"auto_transition_to_maintenance_state"`
	AutoTransitionToOperable *bool              `json:"auto_transition_to_operational_state"`
	ScheduledRemindPrior     bool               `json:"scheduled_remind_prior"`
	ScheduledRemindedAt      *string            `json:"scheduled_reminded_at"`
	ScheduledUntil           *string            `json:"scheduled_until"`
	Shortlink                string             `json:"shortlink"`
	Status                   string             `json:"status"`
	UpdatedAt                string             `json:"updated_at"`
	ReminderIntervals        *string            `json:"reminder_intervals"`
	Backfilled               bool               `json:"backfilled"`
	Interlude                *Extension         `json:"interlude,omitempty"`
}

// hourBefore is the one lead time of reminders that Statuspage knows.
const hourBefore = status.Duration(time.Hour)

func (v view) managedComponent(c Component) ManagedComponent { return ManagedComponent{Component: c} }

// managed gives an incident the fields that version 1 adds.
func (v view) managed(i Incident) ManagedIncident {
	shown := ManagedIncident{
		ID: i.ID, Components: make([]ManagedComponent, len(i.Components)), CreatedAt: i.CreatedAt, Impact: i.Impact,
		IncidentUpdates: make([]ManagedUpdate, len(i.IncidentUpdates)), IncidentImpacts: []string{}, Metadata: map[string]any{},
		MonitoringAt: i.MonitoringAt, Name: i.Name, PageID: i.PageID, ResolvedAt: i.ResolvedAt, StartedAt: i.StartedAt,
		Shortlink: i.Shortlink, Status: i.Status, UpdatedAt: i.UpdatedAt,
	}
	for n, c := range i.Components {
		shown.Components[n] = v.managedComponent(c)
	}
	for n, u := range i.IncidentUpdates {
		shown.IncidentUpdates[n] = ManagedUpdate{Update: u}
	}
	return shown
}

func (v view) managedIncident(i *status.Incident) ManagedIncident {
	shown := v.managed(v.incident(i))
	if i.ImpactSaid {
		shown.ImpactOverride = orNull(impactOf(i.Impact))
	}
	if len(i.Metadata) > 0 {
		shown.Metadata = i.Metadata
	}
	shown.Backfilled = i.Backfilled
	for _, u := range i.Updates {
		if u.State == status.Postmortem {
			shown.PostmortemBody, shown.PostmortemPublishedAt = orNull(u.Body), v.atOrNull(u.At)
			shown.PostmortemBodyUpdatedAt = v.atOrNull(latest(u.At, u.Edited))
			shown.PostmortemNotified = !u.Quiet
		}
	}
	return shown
}

func (v view) managedMaintenance(m *status.Maintenance) ManagedIncident {
	wire := v.maintenance(m)
	shown := v.managed(wire.Incident)
	shown.Interlude = wire.Interlude
	shown.ScheduledFor, shown.ScheduledUntil = &wire.ScheduledFor, &wire.ScheduledUntil
	shown.ScheduledAutoInProgress, shown.ScheduledAutoCompleted = m.Begins != status.Manual, m.Completes == status.Automatic
	marks, releases := m.Marks != status.Manual, m.Releases != status.Manual
	atStart, atEnd := !m.QuietBegin, !m.QuietEnd
	shown.AutoTransitionToMaint, shown.AutoTransitionToOperable = &marks, &releases
	shown.DeliverAtStart, shown.DeliverAtEnd = &atStart, &atEnd
	shown.ScheduledRemindPrior = slices.Contains(m.Reminders, hourBefore)
	if slices.Contains(m.Reminded, hourBefore) {
		shown.ScheduledRemindedAt = v.atOrNull(m.Window.Start.Add(-time.Duration(hourBefore)))
	}
	if m.Impact != "" {
		shown.ImpactOverride = orNull(impactOf(m.Impact))
	}
	if len(m.Metadata) > 0 {
		shown.Metadata = m.Metadata
	}
	shown.Backfilled = m.Backfilled
	return shown
}

// managedEvent shows an event, whichever it is.
func (v view) managedEvent(e board.Event) ManagedIncident {
	if e.Maintenance != nil {
		return v.managedMaintenance(e.Maintenance)
	}
	return v.managedIncident(e.Incident)
}

// event finds an event by id. Keys of documents are not on the wire, but harm nobody.
func (v view) event(id string) (board.Event, error) {
	e, ok := v.p.Event(id)
	if !ok {
		return e, notFound("Incident")
	}
	return e, nil
}
