package notify

import (
	"time"

	"example.org/interlude/status"
)

// Progress is how far a notice has come.
type Progress struct {
	Notice  int64
	Kind    Kind
	Subject status.Subject
	// Title is that of the maintenance or incident, or the component's name.
	Title   string
	At      time.Time
	Fanouts []Fanout
}

// Fanout is how far a notice has come by one channel.
type Fanout struct {
	Channel Channel
	Total   int64
	Sent    int64
	Failed  int64
	Dropped int64
	// Retrying are those that wait for another attempt.
	Retrying int64
	// Began is when the first delivery was settled, and Latest when the last one was; both zero before.
	Began  time.Time
	Latest time.Time
}

// Waiting are those that are not settled, the retrying ones among them.
func (f Fanout) Waiting() int64 { return max(0, f.Total-f.Sent-f.Failed-f.Dropped) }

// Rate is how many deliveries a second were settled on average, 0 while that is not known.
func (f Fanout) Rate() float64 {
	took := f.Latest.Sub(f.Began)
	settled := f.Total - f.Waiting()
	if f.Began.IsZero() || took <= 0 || settled <= 1 {
		return 0
	}
	return float64(settled) / took.Seconds()
}

// Left estimates how long the deliveries that were not tried yet take at that rate, 0 when none is left or the rate is
// not known. Those that are tried again are left out: they wait for others.
func (f Fanout) Left() time.Duration {
	rate, left := f.Rate(), f.Waiting()-f.Retrying
	if rate == 0 || left <= 0 {
		return 0
	}
	return time.Duration(float64(left) / rate * float64(time.Second))
}

// Delivered is a delivery as operators see it.
type Delivered struct {
	Notice  int64
	Kind    Kind
	Subject status.Subject
	// Noticed is when the notice was made.
	Noticed time.Time
	// N is the subscriber's number, Subscriber its id and Address its address; the latter two are empty for one that was forgotten.
	N          int64
	Subscriber string
	Address    string
	Channel    Channel
	Fate       Fate
	// Attempts counts those that were made, At is when the last one was, and Answer what came of it.
	Attempts int
	At       time.Time
	Answer   string
	// Due is when the next attempt is made, zero when it waits for its first one or for none.
	Due time.Time
}

// Backlog is what the queue of a channel holds.
type Backlog struct {
	Waiting int64
	// Due is since when the one that waits longest is due; it lies ahead when all wait for another attempt.
	Due time.Time
}
