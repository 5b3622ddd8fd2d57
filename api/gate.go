package api

import (
	"time"

	"example.org/interlude/status"
)

// Plan is all that a gate has to know of the server: which maintenances there are, and which of their interruptions
// are open. It is whole each time, so that a gate that missed some needs only the latest.
type Plan struct {
	// Revision is the point of the server's feed that it shows; a later plan of the same server has a higher one, or the same
	// when only time has passed.
	Revision int64 `json:"revision"`
	// At is when the server wrote it.
	At time.Time `json:"at"`
	// Page is the name of the page, and URL where readers find it; either may be empty.
	Page string `json:"page"`
	URL  string `json:"url,omitempty"`
	// Maintenances are those that have not ended and begin within a week, the next one first.
	Maintenances []PlannedMaintenance `json:"maintenances"`
}

// PlannedMaintenance is what a gate has to know of a maintenance.
type PlannedMaintenance struct {
	ID     string        `json:"id"`
	Title  string        `json:"title"`
	State  status.State  `json:"state"`
	Window status.Window `json:"window"`
	// Expected is the best estimate of its end.
	Expected time.Time `json:"expected"`
	// Report is the path of its report on the page.
	Report   string           `json:"report"`
	Promises []status.Promise `json:"promises"`
	// Interruptions are those that are open.
	Interruptions []status.Interruption `json:"interruptions"`
}

// GateState is what a gate says of itself: what is in force there. It tells it when it changes, and every few seconds.
type GateState struct {
	// Revision is that of the plan in force.
	Revision int64  `json:"revision"`
	Version  string `json:"version"`
	// Flows are all of its flows, by name.
	Flows []FlowState `json:"flows"`
}

// FlowState is the state of one flow at one gate.
type FlowState struct {
	Flow string `json:"flow"`
	// State is normal, interrupted or draining.
	State string `json:"state" enum:"normal,interrupted,draining"`
	// Does is what the flow does while it is interrupted: pass, reject, hold, stale, queue.
	Does string `json:"does"`
	// Interruptions are the ids of those in force, those that the gate found itself among them.
	Interruptions []string `json:"interruptions,omitempty"`
	// InFlight is how many requests are with the product, Held how many wait, and Bytes what their bodies take.
	InFlight int64 `json:"in_flight"`
	Held     int64 `json:"held"`
	Bytes    int64 `json:"bytes"`
	// Spool is what was accepted and is still to be handed over; nil for a flow that has none.
	Spool *SpoolState `json:"spool,omitempty"`
}

// SpoolState is what a gate has accepted for one flow and not handed over yet.
type SpoolState struct {
	// Waiting are those that are to be handed over, the ones under way among them, and Shelved those that nobody takes.
	Waiting int64 `json:"waiting"`
	Shelved int64 `json:"shelved"`
	// Later are those of the waiting that are not due yet: nobody has to wait for them.
	Later int64 `json:"later"`
	// Bytes are what all of them take.
	Bytes int64 `json:"bytes"`
	// Oldest is when the oldest that waits and is due was due; zero when none is.
	Oldest time.Time `json:"oldest,omitzero"`
	// Rate is how many a second are handed over, LeftSeconds how long until all that is due is gone: 0 when nothing is, below 0 when
	// nobody knows.
	Rate        float64 `json:"rate"`
	LeftSeconds float64 `json:"left_seconds"`
	// Held says that it waits for the product, Paused that a person stopped it.
	Held   bool `json:"held"`
	Paused bool `json:"paused"`
}

// The states of a flow.
const (
	FlowNormal      = "normal"
	FlowInterrupted = "interrupted"
	FlowDraining    = "draining"
)

// Gate is a gate as the server knows it.
type Gate struct {
	Name string `json:"name"`
	// Seen is when it was last heard.
	Seen  time.Time `json:"seen"`
	State GateState `json:"state"`
}

// OutcomeBatch is a part of what a gate measured. Each is counted once, however often it is sent.
type OutcomeBatch struct {
	// Epoch names one process of a gate, and Number counts its batches from 1.
	Epoch    string    `json:"epoch"`
	Number   int64     `json:"number"`
	Outcomes []Outcome `json:"outcomes"`
	Spans    []Span    `json:"spans"`
}

// Outcome is what became of the requests of one flow, during one maintenance, in one stretch of time.
type Outcome struct {
	Maintenance string    `json:"maintenance"`
	Flow        string    `json:"flow"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Counts
}

// Counts say what became of requests. Each request is in exactly one of Passed, Held, Rejected, Stale, Queued, Failed,
// Gone and Bypassed, so that these add up to Requests.
type Counts struct {
	Requests int64 `json:"requests"`
	// Passed were answered by the product at once, Held after a wait in the gate, Stale from stored responses, Queued
	// accepted for later.
	Passed int64 `json:"passed"`
	Held   int64 `json:"held"`
	Stale  int64 `json:"stale"`
	Queued int64 `json:"queued"`
	// Rejected were refused by the gate: with 503, or for good where it could never accept them for later. Evicted of these were in a hold that was full, and Expired had waited
	// as long as they may.
	Rejected int64 `json:"rejected"`
	Evicted  int64 `json:"evicted"`
	Expired  int64 `json:"expired"`
	// Failed got a 5xx that was not the gate's refusal, or an answer that broke off.
	Failed int64 `json:"failed"`
	// Gone were given up by their clients while they waited or before their answer was complete.
	Gone int64 `json:"gone"`
	// Bypassed were let through for somebody with a bypass.
	Bypassed int64 `json:"bypassed"`
	// Retried were sent to the product more than once; they are counted where they ended, too.
	Retried int64 `json:"retried"`
	// WaitMicros is the sum of all waits, in microseconds, LongestMicros the longest, and Waits counts them by length: the
	// number at place i, from 0, is of those that lasted less than 2^i milliseconds and at least half of that; the last
	// takes all that are longer.
	WaitMicros    int64   `json:"wait_us"`
	LongestMicros int64   `json:"longest_us"`
	Waits         []int64 `json:"waits,omitempty"`
	// TookMicros is the sum of how long the product took to answer, and Took counts these times as Waits counts waits.
	TookMicros int64   `json:"took_us"`
	Took       []int64 `json:"took,omitempty"`
	// Delivered are those that were queued, in this stretch or before, and have been handed over since; Shelved those that the
	// product did not take. They are counted as Queued where they came, so they are no part of Requests.
	Delivered int64 `json:"delivered"`
	Shelved   int64 `json:"shelved"`
	// DelayMicros is the sum of the delays of those delivered, from when they were due, LongestDelayMicros the longest, and Delays
	// counts them as Waits counts waits.
	DelayMicros        int64   `json:"delay_us"`
	LongestDelayMicros int64   `json:"longest_delay_us"`
	Delays             []int64 `json:"delays,omitempty"`
}

// WaitBuckets is how many numbers Waits has at most: the last begins at about nine minutes.
const WaitBuckets = 20

// Span is a stretch in which a flow was not normal at a gate.
type Span struct {
	// ID is the same each time the span is told; a later batch closes what an earlier one opened.
	ID          string `json:"id"`
	Maintenance string `json:"maintenance"`
	Flow        string `json:"flow"`
	// Interruption is the server's interruption that caused it, empty for one that the gate found.
	Interruption string `json:"interruption,omitempty"`
	// Cause says why the gate opened it, for people.
	Cause  string    `json:"cause,omitempty"`
	Opened time.Time `json:"opened"`
	// Quiet is when the last request that had been under way at its opening was answered; zero until then.
	Quiet time.Time `json:"quiet,omitzero"`
	// Closed is when new requests were let through again, and Drained when the last that had waited was let go.
	Closed  time.Time `json:"closed,omitzero"`
	Drained time.Time `json:"drained,omitzero"`
}

// Measured is what the gates measured of a maintenance.
type Measured struct {
	Flows []MeasuredFlow `json:"flows"`
	Spans []GateSpan     `json:"spans"`
}

// MeasuredFlow is the sum over all gates for one flow.
type MeasuredFlow struct {
	Flow string `json:"flow"`
	// Gates are those that have told of it.
	Gates []string  `json:"gates"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Counts
}

// GateSpan is a span with the gate that told of it.
type GateSpan struct {
	Gate string `json:"gate"`
	Span
}

// InterruptionRequest opens an interruption.
type InterruptionRequest struct {
	// Flows are the names of the flows that it concerns.
	Flows []string `json:"flows"`
	// AtMost is how long it may last unless it is extended: gates end it by themselves then, so that nobody waits for a
	// runner that has died. Zero is five minutes.
	AtMost status.Duration `json:"at_most,omitempty"`
	// Expected is how long it is expected to last, for what clients are told; zero is unknown.
	Expected status.Duration `json:"expected,omitempty"`
	Reason   string          `json:"reason,omitempty"`
}
