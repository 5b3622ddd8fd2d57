package status

import "time"

// State is where a maintenance or an incident stands.
type State string

// The states of a maintenance.
const (
	Scheduled  State = "scheduled"
	InProgress State = "in_progress"
	Verifying  State = "verifying"
	Completed  State = "completed"
	Canceled   State = "canceled"
)

// The states of an incident.
const (
	Investigating State = "investigating"
	Identified    State = "identified"
	Monitoring    State = "monitoring"
	Resolved      State = "resolved"
	Postmortem    State = "postmortem"
)

// The states of each kind of event, in the order of their lives.
var (
	MaintenanceStates = []State{Scheduled, InProgress, Verifying, Completed, Canceled}
	IncidentStates    = []State{Investigating, Identified, Monitoring, Resolved, Postmortem}
)

// Label is the state in words, such as "In progress".
func (s State) Label() string { return sentenceCase(string(s)) }

// Ended reports whether nothing more is expected after the state.
func (s State) Ended() bool {
	return s == Completed || s == Canceled || s == Resolved || s == Postmortem
}

// Update is one post in the life of a maintenance or an incident. Updates are kept oldest first.
type Update struct {
	// ID is given by the keeper when the update is first stored.
	ID string `json:"id"`
	// State is the one that the update left the subject in.
	State State `json:"state"`
	// Event is what the update tells of.
	Event EventKind `json:"event"`
	// At is when it was posted.
	At time.Time `json:"at"`
	// Due is when the announcement had it, for what the clock did late; zero otherwise.
	Due time.Time `json:"due,omitzero"`
	// Body is Markdown, with its placeholders already replaced: what was said stays as it was said.
	Body string `json:"body"`
	// By is who posted it.
	By Actor `json:"by"`
	// Conditions are the component statuses that the update gave, by component id.
	Conditions map[string]Condition `json:"conditions,omitempty"`
	// Effects are what readers saw the update change of the components that its subject affects, in the page's order.
	// Records have none; [Maintenance.Effects] and [Incident.Effects] work them out.
	Effects []Effect `json:"effects,omitempty"`
	// First is when it was posted, where its time was corrected afterwards; zero otherwise.
	First time.Time `json:"first,omitzero"`
	// Edited is when its words or its time were corrected, zero when never.
	Edited time.Time `json:"edited,omitzero"`
	// Quiet updates stand on the page and are told to nobody.
	Quiet bool `json:"quiet,omitempty"`
}

// Heading is the title that readers see above an update: its state in words, or "Update" when the state is the
// same as before. previous is empty for the first one.
func (u Update) Heading(previous State) string {
	if u.State == previous {
		return "Update"
	}
	return u.State.Label()
}
