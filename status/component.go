package status

import (
	"slices"
	"strings"
	"time"
)

// Condition is the status of a component.
type Condition string

// The conditions, from best to worst. Planned work ranks below every fault, so that it never hides one.
const (
	Operational         Condition = "operational"
	UnderMaintenance    Condition = "under_maintenance"
	DegradedPerformance Condition = "degraded_performance"
	PartialOutage       Condition = "partial_outage"
	MajorOutage         Condition = "major_outage"
)

// Conditions lists every condition, best first.
var Conditions = []Condition{Operational, UnderMaintenance, DegradedPerformance, PartialOutage, MajorOutage}

// Rank orders conditions: 0 for operational, higher is worse, -1 for what is not a condition.
func (c Condition) Rank() int { return slices.Index(Conditions, c) }

// Label is the condition in words, such as "Under maintenance".
func (c Condition) Label() string { return sentenceCase(string(c)) }

// Worst is the worst of the given conditions, operational when there are none.
func Worst(of ...Condition) Condition {
	worst := Operational
	for _, c := range of {
		if c.Rank() > worst.Rank() {
			worst = c
		}
	}
	return worst
}

// Group gathers components under a name on the page.
type Group struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Position    int       `json:"position"`
	Created     time.Time `json:"created,omitzero"`
	// Changed is when it was last changed, zero for those that were not since that is kept.
	Changed time.Time `json:"changed,omitzero"`
	Version int64     `json:"version"`
	// Removed is when the group left the page; its components may have stayed.
	Removed time.Time `json:"removed,omitzero"`
}

// Component is a part of the product that readers know by name.
//
// Condition is what people set. What readers see is [Book.Conditions]: the worst of it and of what open
// maintenances and incidents claim, so that ending one event never clears what another one says.
type Component struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	GroupID     string `json:"group_id,omitempty"`
	Description string `json:"description,omitempty"`
	// Position orders groups and ungrouped components together on the page, and components within their group.
	Position int `json:"position"`
	// Condition was set by a person or a program at SetAt, which is zero while nobody has. Claims that began before
	// SetAt are overruled by it.
	Condition Condition `json:"condition"`
	SetAt     time.Time `json:"set_at,omitzero"`
	// HideUptime leaves the bars and the figure of its past out of the page.
	HideUptime bool `json:"hide_uptime,omitempty"`
	// OnlyIfDegraded leaves the component itself out of the page while it is operational.
	OnlyIfDegraded bool `json:"only_if_degraded,omitempty"`
	// Start is the day from which its past counts; none is the day of its creation.
	Start   Date      `json:"start,omitzero"`
	Created time.Time `json:"created"`
	// Changed is when it, or what a person set, was last changed.
	Changed time.Time `json:"changed,omitzero"`
	Version int64     `json:"version"`
	// Removed is when the component left the page; its past remains in past events.
	Removed time.Time `json:"removed,omitzero"`
}

// FullName is the component's name as documents write it: "Group / Component", or its name alone when it has no group.
// The group is the zero Group then.
func (c Component) FullName(in Group) string {
	if in.ID == "" {
		return c.Name
	}
	return in.Name + " / " + c.Name
}

// Setting is one change of a component's own condition, kept for its history.
type Setting struct {
	ComponentID string    `json:"component_id"`
	At          time.Time `json:"at"`
	Condition   Condition `json:"condition"`
}

// Set gives the component a condition at now, overruling what open events claimed so far.
func (c Component) Set(to Condition, now time.Time, by Actor) (Component, Event, error) {
	if to.Rank() < 0 {
		return c, Event{}, &Invalid{Field: "status", Rule: "must be one of " + joinConditions() + ", not " + quote(string(to))}
	}
	c.Condition, c.SetAt, c.Changed = to, now, now
	return c, Event{Kind: ComponentSet, Subject: Subject{KindComponent, c.ID}, At: now, By: by}, nil
}

func joinConditions() string {
	names := make([]string, len(Conditions))
	for i, c := range Conditions {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
