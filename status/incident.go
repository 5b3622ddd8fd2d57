package status

import (
	"maps"
	"slices"
	"time"
)

// Incident is an unplanned event, from its first report to its postmortem.
//
//	investigating ⇄ identified ⇄ monitoring ──► resolved ──► postmortem
//	      └──────────────┴────────────────────────►┘
//
// It may move between its open states in any order; a person may take it back from resolved. Its methods never
// change the receiver.
type Incident struct {
	ID    string `json:"id"`
	Key   string `json:"key"`
	Title string `json:"title"`
	State State  `json:"state"`
	// Impact is the worst condition that it claimed for any component, or what a person said of it.
	Impact Condition `json:"impact"`
	// ImpactSaid is set when a person said it, so that later claims leave it alone.
	ImpactSaid bool `json:"impact_said,omitempty"`
	// Affects are component ids, in the order of the page.
	Affects []string `json:"affects"`
	// Began is its first update's time, Ended when it was resolved (zero before).
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended,omitzero"`
	Backfilled bool      `json:"backfilled,omitempty"`
	Updates    []Update  `json:"updates"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
	// Releases says whether its components become what they otherwise are when it ends, as by default, or stay as they are
	// until a person sets them.
	Releases Mode `json:"releases,omitempty"`
	// Metadata is what programs keep with it, by their names.
	Metadata map[string]any `json:"metadata,omitempty"`
	// Draft is a postmortem that is being written, and DraftAt when it was last changed.
	Draft   string    `json:"draft,omitempty"`
	DraftAt time.Time `json:"draft_at,omitzero"`
	Version int64     `json:"version"`
	// Removed is when it was withdrawn altogether; readers see nothing of it.
	Removed time.Time `json:"removed,omitzero"`
}

// Subject names the incident in events and errors.
func (i Incident) Subject() Subject { return Subject{KindIncident, i.ID} }

// Open reports whether it is not resolved.
func (i Incident) Open() bool { return !i.State.Ended() && i.Removed.IsZero() }

// Claims are the conditions that the incident now claims, by component: the last ones that its updates gave.
func (i Incident) Claims() map[string]Condition {
	claims := make(map[string]Condition)
	for _, u := range i.Updates {
		maps.Copy(claims, u.Conditions)
	}
	return claims
}

func (i Incident) clone() Incident {
	i.Affects = slices.Clone(i.Affects)
	i.Updates = slices.Clone(i.Updates)
	return i
}
