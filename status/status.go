// Package status is the language of Interlude: pages, components, maintenances, incidents and their updates,
// and the life cycle of each as pure functions of a value and a time.
//
// Nothing here reads a clock, a file or the environment. Every function that depends on the time takes it as
// an argument, so that a maintenance of two hours is tested in a microsecond, and so that the server, the
// command line and a preview without any server come to the same result.
//
// Begin with [Maintenance] and its transitions ([Maintenance.Begin], [Maintenance.Complete], …), which return
// the next value and the [Event] that tells of it, or say why not and what would be legal. [Maintenance.Advance]
// is what the clock does by itself. A [Book] is what a change may read and write at once: the page, its components
// and everything that is still open; rules that concern several of them (overlap, least notice, the worst status
// of a component) are methods of it. A [MaintenanceDocument] is a maintenance as people write it, with names in
// place of ids. A [Report] is what readers see in the end.
//
// What this package promises: a value that it returned is valid, an illegal transition changes nothing, and a
// completed maintenance was complete. The promise ends at durability: storing a value and telling people of it
// is the keeper's.
package status

import "time"

// Subject says what an event or a post is about.
type Subject struct {
	// Kind is one of the Kind constants.
	Kind Kind `json:"kind"`
	// ID is the identifier of the subject within its kind.
	ID string `json:"id"`
}

// Kind is a sort of subject.
type Kind string

// The kinds of subject.
const (
	KindPage        Kind = "page"
	KindGroup       Kind = "group"
	KindComponent   Kind = "component"
	KindMaintenance Kind = "maintenance"
	KindIncident    Kind = "incident"
	KindSeries      Kind = "series"
)

// Actor is who did something. The clock is an actor too, and may do less than a person.
type Actor struct {
	// Kind tells people from machines.
	Kind ActorKind `json:"kind"`
	// Name is the person's or token's name, or empty for the clock.
	Name string `json:"name,omitempty"`
}

// ActorKind is the sort of an actor.
type ActorKind string

// The sorts of actor. Only a person may go back in the life cycle.
const (
	Person ActorKind = "person"
	Clock  ActorKind = "clock"
	Runner ActorKind = "runner"
	Gate   ActorKind = "gate"
)

// ByClock is the actor of everything that happens on time by itself.
var ByClock = Actor{Kind: Clock}

// Mode says whether a transition happens on time by itself or waits for a person.
type Mode string

// The two modes.
const (
	Automatic Mode = "automatic"
	Manual    Mode = "manual"
)

// Window is an announced span of time: [Start, End).
type Window struct {
	Start time.Time `json:"start" yaml:"start"`
	End   time.Time `json:"end" yaml:"end"`
}

// Duration is the length of the window.
func (w Window) Duration() time.Duration { return w.End.Sub(w.Start) }

// Overlaps reports whether the two windows share a moment.
func (w Window) Overlaps(o Window) bool { return w.Start.Before(o.End) && o.Start.Before(w.End) }

// Equal reports whether the two windows are the same instants.
func (w Window) Equal(o Window) bool { return w.Start.Equal(o.Start) && w.End.Equal(o.End) }

// Validate refuses a window without a start or that does not end after it.
func (w Window) Validate() error {
	switch {
	case w.Start.IsZero():
		return &Invalid{Field: "window.start", Rule: "is required, for example 2027-01-15T06:00:00Z"}
	case w.End.IsZero():
		return &Invalid{Field: "window.end", Rule: "is required, for example 2027-01-15T07:00:00Z"}
	case CheckYear("window.start", w.Start) != nil:
		return CheckYear("window.start", w.Start)
	case CheckYear("window.end", w.End) != nil:
		return CheckYear("window.end", w.End)
	case !w.End.After(w.Start):
		return &Invalid{Field: "window.end", Rule: "must be after window.start (" + w.Start.UTC().Format(time.RFC3339) + ")"}
	}
	return nil
}
