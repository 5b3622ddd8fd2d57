package status

import "time"

// A document is a thing as people write it, in YAML or as the body of a request: names in place of ids, and only
// what they decide. Documents are data without behaviour; a [Book] turns them into changes.

// PageDocument describes a page and, in order, its components.
type PageDocument struct {
	Page       PageFields      `json:"page" yaml:"page"`
	Components []ComponentNode `json:"components,omitempty" yaml:"components"`
}

// PageFields are a page's own settings.
type PageFields struct {
	// ID takes over the identifier that the page has elsewhere, when it is first applied. Without one, one is made.
	ID                string     `json:"id,omitempty" yaml:"id"`
	Name              string     `json:"name" yaml:"name"`
	URL               string     `json:"url,omitempty" yaml:"url"`
	Description       string     `json:"description,omitempty" yaml:"description"`
	TimeZone          string     `json:"time_zone,omitempty" yaml:"time_zone"`
	LeastNotice       Duration   `json:"least_notice,omitempty" yaml:"least_notice"`
	Blackouts         []Blackout `json:"blackouts,omitempty" yaml:"blackouts"`
	MaintenanceCounts bool       `json:"maintenance_counts,omitempty" yaml:"maintenance_counts"`
}

// ComponentNode is a component, or a group with its components. In YAML a plain string is a component of that name.
type ComponentNode struct {
	// ID takes over the identifier that the component or group has elsewhere, and finds it again under another name.
	ID string `json:"id,omitempty" yaml:"id"`
	// Name is a component's, and empty for a group.
	Name string `json:"name,omitempty" yaml:"name"`
	// Group is a group's name, and empty for a component.
	Group       string `json:"group,omitempty" yaml:"group"`
	Description string `json:"description,omitempty" yaml:"description"`
	// HideUptime, OnlyIfDegraded and Start are a component's: see [Component].
	HideUptime     bool            `json:"hide_uptime,omitempty" yaml:"hide_uptime"`
	OnlyIfDegraded bool            `json:"only_if_degraded,omitempty" yaml:"only_if_degraded"`
	Start          Date            `json:"start,omitzero" yaml:"start"`
	Components     []ComponentNode `json:"components,omitempty" yaml:"components"`
}

// MaintenanceDocument describes a maintenance: planned, recurring, or past (with its updates).
type MaintenanceDocument struct {
	// ID takes over the identifier that the maintenance has elsewhere, when it is created.
	ID string `json:"id,omitempty" yaml:"id"`
	// Key names the maintenance across changes of its title and window. Without one it is made from both.
	Key    string `json:"key,omitempty" yaml:"key"`
	Title  string `json:"title" yaml:"title"`
	Window Window `json:"window" yaml:"window"`
	// Summary and Why are Markdown with placeholders.
	Summary string `json:"summary,omitempty" yaml:"summary"`
	Why     string `json:"why,omitempty" yaml:"why"`
	// Affects names groups, or components as "Group / Component", or components by their name alone where it is unique.
	Affects         []string    `json:"affects,omitempty" yaml:"affects"`
	Begin           Mode        `json:"begin,omitempty" yaml:"begin"`
	Complete        Mode        `json:"complete,omitempty" yaml:"complete"`
	Reminders       []Duration  `json:"reminders,omitempty" yaml:"reminders"`
	RemindEvery     Duration    `json:"remind_every,omitempty" yaml:"remind_every"`
	OverrunEvery    Duration    `json:"overrun_every,omitempty" yaml:"overrun_every"`
	ShortNotice     string      `json:"short_notice,omitempty" yaml:"short_notice"`
	DespiteBlackout string      `json:"despite_blackout,omitempty" yaml:"despite_blackout"`
	Promises        []Promise   `json:"promises,omitempty" yaml:"promises"`
	Recurrence      *Recurrence `json:"recurrence,omitempty" yaml:"recurrence"`
	// Updates, in either order, make it a record of the past.
	Updates []UpdateDocument `json:"updates,omitempty" yaml:"updates"`
}

// IncidentDocument describes an incident with its updates, in either order.
type IncidentDocument struct {
	// ID takes over the identifier that the incident has elsewhere, when it is created.
	ID      string           `json:"id,omitempty" yaml:"id"`
	Key     string           `json:"key,omitempty" yaml:"key"`
	Title   string           `json:"title" yaml:"title"`
	Affects []string         `json:"affects,omitempty" yaml:"affects"`
	Impact  Condition        `json:"impact,omitempty" yaml:"impact"`
	Updates []UpdateDocument `json:"updates,omitempty" yaml:"updates"`
}

// UpdateDocument is one past post.
type UpdateDocument struct {
	// ID takes over the identifier that the update has elsewhere.
	ID     string    `json:"id,omitempty" yaml:"id"`
	Status State     `json:"status" yaml:"status"`
	At     time.Time `json:"at" yaml:"at"`
	Body   string    `json:"body,omitempty" yaml:"body"`
	// Components are the statuses given with it, by component as in Affects.
	Components map[string]Condition `json:"components,omitempty" yaml:"components"`
}

// Document is one of the three, read from one place.
type Document struct {
	// Source is where it was read, such as "maintenance.yaml" or "all.yaml, document 2".
	Source      string               `json:"source,omitempty"`
	Page        *PageDocument        `json:"page,omitempty"`
	Maintenance *MaintenanceDocument `json:"maintenance,omitempty"`
	Incident    *IncidentDocument    `json:"incident,omitempty"`
}

// IncidentDraft describes an incident that happens now.
type IncidentDraft struct {
	Key     string   `json:"key,omitempty"`
	Title   string   `json:"title"`
	Affects []string `json:"affects,omitempty"`
	// Status is investigating when empty.
	Status State     `json:"status,omitempty"`
	Impact Condition `json:"impact,omitempty"`
	// Metadata is what programs keep with it, by their names.
	Metadata map[string]any `json:"metadata,omitempty"`
	// Releases says what becomes of its components when it ends: see [Incident].
	Releases Mode `json:"-"`
	NamedPost
}

// NamedPost is a post whose component statuses are given by name, as in Affects.
type NamedPost struct {
	Body       string               `json:"body,omitempty"`
	Quiet      bool                 `json:"quiet,omitempty"`
	Components map[string]Condition `json:"components,omitempty"`
}

// RefKey is the key by which the document finds what it made before.
func (d MaintenanceDocument) RefKey() string {
	switch {
	case d.Key != "":
		return d.Key
	case d.Recurrence != nil:
		return slug(d.Title)
	}
	return slug(d.Title) + d.Window.Start.UTC().Format(keyTime)
}

// RefKey is the key by which the document finds what it made before.
func (d IncidentDocument) RefKey() string {
	if d.Key != "" || len(d.Updates) == 0 {
		return d.Key
	}
	first := d.Updates[0].At
	if last := d.Updates[len(d.Updates)-1].At; last.Before(first) {
		first = last
	}
	return slug(d.Title) + first.UTC().Format(keyTime)
}

const keyTime = "-2006-01-02-1504"
