package spool

import (
	"context"
	"errors"
	"time"
)

// Kind is what sort of thing an entry is.
type Kind string

// The kinds.
const (
	// Mail came by SMTP. Post is an HTTP request that is replayed, and Message one that somebody asked to have delivered.
	Mail    Kind = "mail"
	Post    Kind = "post"
	Message Kind = "message"
)

// Entry is something that is to be handed over.
type Entry struct {
	// ID is made by [Spool.Accept]: text of letters and digits that sorts by time. It is the same each time the entry is handed over.
	ID string
	// Flow is the flow that it belongs to: one of [Config.Flows].
	Flow string
	Kind Kind
	// Lane keeps order: entries of one flow and lane are handed over one after another, by Due and then in the order in which they
	// were accepted. Empty is no order.
	Lane string
	// Key makes it idempotent: of entries of one flow with one key only the first is accepted. Empty is none.
	Key string
	// About tells people in one line what it is: POST /hooks/stripe.
	About string
	// Accepted is made by Accept. Due is when it is to be handed over at the earliest; zero is at once.
	Accepted time.Time
	Due      time.Time
	// Expires is when it is given up: it is not handed over after that. Zero is when an attempt fails [Limits.Age] after it was due;
	// so what had to wait for longer than that, because its destination was away, is tried all the same.
	Expires time.Time
	// Head is what its courier has to know, in the courier's own form, and Body the rest, byte for byte.
	Head []byte
	Body []byte
}

// Receipt says what became of an entry that was to be accepted.
type Receipt struct {
	ID string
	// Known says that an entry with this key was accepted before: it is that one's id.
	Known bool
}

// State is where an entry stands.
type State string

// The states.
//
//	waiting ──taken──► delivered
//	   │ ▲
//	   │ └─retried─┐
//	   ├─refused─► shelved ──removed──► removed
//	   ├─too old─► shelved
//	   ├─shelved─► shelved
//	   └─removed─► removed
const (
	Waiting   State = "waiting"
	Shelved   State = "shelved"
	Delivered State = "delivered"
	Removed   State = "removed"
)

// Ended reports whether nothing more will be done with it: its content is not kept any more.
func (s State) Ended() bool { return s == Delivered || s == Removed }

// Item is what is known of an entry without its content.
type Item struct {
	ID    string `json:"id"`
	Flow  string `json:"flow"`
	Kind  Kind   `json:"kind"`
	Lane  string `json:"lane,omitempty"`
	Key   string `json:"key,omitempty"`
	About string `json:"about"`
	// Bytes are those of head and body.
	Bytes    int64     `json:"bytes"`
	State    State     `json:"state"`
	Accepted time.Time `json:"accepted"`
	Due      time.Time `json:"due"`
	Expires  time.Time `json:"expires"`
	// Attempts is how often it was handed to the courier, Next when it will be again, and Reason why it was not taken last.
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	// Moving says that a courier has it now.
	Moving bool `json:"moving,omitempty"`
	// Settled is when it was delivered, removed or shelved.
	Settled time.Time `json:"settled,omitzero"`
}

// Courier hands entries over to where they belong. It is called by many goroutines.
type Courier interface {
	// Deliver hands an entry over, and says how that went. When ctx ends it has to return soon: then the spool has stopped, its
	// grace is over ([Config.Grace]), and what is under way is handed over again later.
	Deliver(ctx context.Context, e Entry) Outcome
}

// Outcome is how handing over went.
type Outcome struct {
	Result Result
	// Reason says in one line why it was not taken.
	Reason string
	// After is how long the destination wants to be left alone (Retry-After), zero when it did not say.
	After time.Duration
	// Away says that the destination is at fault and not the entry: others would fare the same, so the whole flow waits.
	Away bool
}

// Result is the sort of outcome.
type Result int8

// The results. The zero value is Retry, so that a courier that says nothing loses nothing.
const (
	// Retry is not now; Taken is done; Refused is never: it goes to the shelf.
	Retry Result = iota
	Taken
	Refused
	// Dropped is ended without having been delivered, and without anything for people to do: a bounce was sent instead.
	Dropped
)

// What Accept and others may answer.
var (
	// ErrFull is that there is no room: the limits are reached, or the disk is nearly full. Whoever sends has to keep it.
	ErrFull = errors.New("the spool is full")
	// ErrTooLarge is that this entry alone is larger than any may be.
	ErrTooLarge = errors.New("larger than what is accepted")
	// ErrUnknownFlow is that the flow is not one of the spool's.
	ErrUnknownFlow = errors.New("the spool has no such flow")
	// ErrNotFound is that there is no entry with this id, or not any more.
	ErrNotFound = errors.New("no such entry in the spool")
	// ErrMoving is that a courier has the entry in its hands: what becomes of it is not known yet.
	ErrMoving = errors.New("it is being handed over at this moment")
	// ErrEnded is that nothing can be done with it any more: it was delivered or removed.
	ErrEnded = errors.New("it was delivered or removed already")
	// ErrClosed is that the spool does not work any more, or its journal does not.
	ErrClosed = errors.New("the spool is closed")
)
