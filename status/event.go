package status

import "time"

// Event is a fact: something that happened to a subject. The feed of events is what boards follow, and what
// notices are made from.
type Event struct {
	Kind    EventKind `json:"kind"`
	Subject Subject   `json:"subject"`
	// At is when it happened, and Due when the announcement had it (zero when they are the same).
	At  time.Time `json:"at"`
	Due time.Time `json:"due,omitzero"`
	By  Actor     `json:"by"`
	// Was is the window before a change that moved it.
	Was Window `json:"was,omitzero"`
	// Lead is how long before the start a reminder speaks.
	Lead time.Duration `json:"lead,omitempty"`
	// Told says that subscribers are to hear of it.
	Told bool `json:"told,omitempty"`
}

// EventKind is a sort of fact.
type EventKind string

// What happens to a maintenance.
const (
	Announced EventKind = "announced"
	Changed   EventKind = "changed"
	Reminded  EventKind = "reminded"
	Delayed   EventKind = "delayed"
	Begun     EventKind = "begun"
	Running   EventKind = "running" // it goes on as announced; no update on the page
	Updated   EventKind = "updated"
	Overran   EventKind = "overran"
	Extended  EventKind = "extended"
	Estimated EventKind = "estimated"
	Verified  EventKind = "verifying"
	Finished  EventKind = "completed"
	CalledOff EventKind = "canceled"
	Reopened  EventKind = "reopened"
	Recorded  EventKind = "recorded"  // entered afterwards, told to nobody
	Corrected EventKind = "corrected" // an update of it, told to nobody
	Withdrawn EventKind = "withdrawn" // as if it had never been, told to nobody
)

// What happens at the gates during a maintenance: told to nobody, and not on the page.
const (
	InterruptionOpened   EventKind = "interruption_opened"
	InterruptionExtended EventKind = "interruption_extended"
	InterruptionClosed   EventKind = "interruption_closed"
)

// What happens to an incident.
const (
	Opened        EventKind = "opened"
	Moved         EventKind = "moved"
	Ended         EventKind = "resolved"
	PostmortemOut EventKind = "postmortem"
)

// What happens to a page and its parts.
const (
	PageChanged      EventKind = "page_changed"
	ComponentSet     EventKind = "component_set"
	ComponentChanged EventKind = "component_changed"
	ComponentRemoved EventKind = "component_removed"
	SeriesChanged    EventKind = "series_changed"
	WorkOpened       EventKind = "work_opened"
	WorkClosed       EventKind = "work_closed"
)
