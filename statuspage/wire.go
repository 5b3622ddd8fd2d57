package statuspage

// The shapes of the public API, version 2, and what version 1 has in common with it. Names, order and nulls are those
// that clients have seen from Statuspage; what its format lacks stands in [Extension], which they pass over.

// Page is the page as every answer of version 2 names it.
type Page struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	TimeZone  string `json:"time_zone"`
	UpdatedAt string `json:"updated_at"`
}

// Status is the page's overall status.
type Status struct {
	Indicator   string `json:"indicator" enum:"none,minor,major,critical,maintenance"`
	Description string `json:"description"`
}

// Component is a component, or the header of a group.
type Component struct {
	ID                 string   `json:"id"`
	Name               string   `json:"name"`
	Status             string   `json:"status" enum:"operational,under_maintenance,degraded_performance,partial_outage,major_outage"`
	CreatedAt          string   `json:"created_at"`
	UpdatedAt          string   `json:"updated_at"`
	Position           int      `json:"position"`
	Description        *string  `json:"description"`
	Showcase           bool     `json:"showcase"`
	StartDate          *string  `json:"start_date"`
	GroupID            *string  `json:"group_id"`
	PageID             string   `json:"page_id"`
	Group              bool     `json:"group"`
	OnlyShowIfDegraded bool     `json:"only_show_if_degraded"`
	Components         []string `json:"components,omitzero"`
}

// Affected is a component as an update found it and left it.
type Affected struct {
	Code string `json:"code"`
	// Name is "Group - Component" for one that has a group.
	Name      string `json:"name"`
	OldStatus string `json:"old_status"`
	NewStatus string `json:"new_status"`
}

// Update is a post of an incident or of a maintenance.
type Update struct {
	ID                   string     `json:"id"`
	Status               string     `json:"status"`
	Body                 string     `json:"body"`
	IncidentID           string     `json:"incident_id"`
	CreatedAt            string     `json:"created_at"`
	UpdatedAt            string     `json:"updated_at"`
	DisplayAt            string     `json:"display_at"`
	AffectedComponents   []Affected `json:"affected_components"`
	DeliverNotifications bool       `json:"deliver_notifications"`
	CustomTweet          *string    `json:"custom_tweet"`
	TweetID              *string    `json:"tweet_id"`
}

// Incident is an unplanned event.
type Incident struct {
	ID              string      `json:"id"`
	Name            string      `json:"name"`
	Status          string      `json:"status"`
	CreatedAt       string      `json:"created_at"`
	UpdatedAt       string      `json:"updated_at"`
	MonitoringAt    *string     `json:"monitoring_at"`
	ResolvedAt      *string     `json:"resolved_at"`
	Impact          string      `json:"impact" enum:"none,maintenance,minor,major,critical"`
	Shortlink       string      `json:"shortlink"`
	StartedAt       string      `json:"started_at"`
	PageID          string      `json:"page_id"`
	IncidentUpdates []Update    `json:"incident_updates"`
	Components      []Component `json:"components"`
}

// Maintenance is a planned event, which Statuspage calls a scheduled incident.
type Maintenance struct {
	Incident
	ScheduledFor   string     `json:"scheduled_for"`
	ScheduledUntil string     `json:"scheduled_until"`
	Interlude      *Extension `json:"interlude,omitempty"`
}

// Extension is what Statuspage's format has no place for: whether a maintenance was called off, when work really began
// and ended, and whether it went on for longer than announced.
type Extension struct {
	// State is one of scheduled, in_progress, verifying, completed, canceled.
	State string `json:"state"`
	// AnnouncedFor and AnnouncedUntil are the window as it was first told.
	AnnouncedFor   string  `json:"announced_for"`
	AnnouncedUntil string  `json:"announced_until"`
	BeganAt        *string `json:"began_at"`
	EndedAt        *string `json:"ended_at"`
	// ExpectedEndAt is when it is to end as of now, null when it has.
	ExpectedEndAt *string `json:"expected_end_at"`
	// OverrunSince is the announced end, when that has passed and the work went on; null when it did not.
	OverrunSince *string   `json:"overrun_since"`
	CanceledAt   *string   `json:"canceled_at"`
	Promises     []Promise `json:"promises"`
}

// Promise is what an audience will experience.
type Promise struct {
	Audience string `json:"audience"`
	Promise  string `json:"promise" enum:"uninterrupted,unavailable,limited,delayed,queued"`
	// AtMostSeconds is the longest interruption or delay, null without a bound.
	AtMostSeconds *int64 `json:"at_most_seconds"`
}
