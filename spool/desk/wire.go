package desk

import (
	"time"

	"example.org/interlude/spool"
)

// Overview is what there is of each flow.
type Overview struct {
	Flows []Flow `json:"flows"`
}

// Flow is what a spool has of one flow, and what became of the rest since the gate began.
type Flow struct {
	Flow string `json:"flow"`
	// Waiting are to be handed over, Later of these are not due yet, and Moving are with a courier. Shelved are taken by nobody.
	Waiting int64 `json:"waiting"`
	Later   int64 `json:"later"`
	Moving  int64 `json:"moving"`
	Shelved int64 `json:"shelved"`
	Bytes   int64 `json:"bytes"`
	// Oldest is when the oldest was due that waits and is due.
	Oldest time.Time `json:"oldest,omitzero"`
	// Rate is how many a second are handed over, and LeftSeconds how long until all that is due is gone; below 0 nobody knows.
	Rate        float64 `json:"rate"`
	LeftSeconds float64 `json:"left_seconds"`
	// Held says that it waits for the product, Paused that a person stopped it.
	Held   bool `json:"held"`
	Paused bool `json:"paused"`
	// Accepted and the others are counted since the gate began.
	Accepted  int64 `json:"accepted"`
	Delivered int64 `json:"delivered"`
	Retried   int64 `json:"retried"`
	Refused   int64 `json:"refused"`
	Dropped   int64 `json:"dropped"`
	Removed   int64 `json:"removed"`
}

// List is a page of entries. More is the id to go on after, empty at the end.
type List struct {
	Items []spool.Item `json:"items"`
	More  string       `json:"more,omitempty"`
}

// Done is how many entries an act on many has changed.
type Done struct {
	Done int `json:"done"`
}

// Problem is why something was not done (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// Error is the detail, for people.
func (p *Problem) Error() string { return p.Detail }

// flowOf is the wire's form of figures.
func flowOf(name string, f spool.Figures) Flow {
	return Flow{
		Flow: name, Waiting: f.Waiting, Later: f.Later, Moving: f.Moving, Shelved: f.Shelved, Bytes: f.Bytes, Oldest: f.Oldest,
		Rate: f.Rate, LeftSeconds: seconds(f.Left), Held: f.Held, Paused: f.Paused,
		Accepted: f.Accepted, Delivered: f.Taken, Retried: f.Retried, Refused: f.Refused, Dropped: f.Dropped, Removed: f.Removed,
	}
}

// seconds is a length of time; -1 is one that nobody knows.
func seconds(d time.Duration) float64 {
	if d < 0 {
		return -1
	}
	return d.Seconds()
}
