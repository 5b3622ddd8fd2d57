package notify

import (
	"context"
	"time"
)

// Recipient is what a delivery needs to know of a subscriber.
type Recipient struct {
	// N is the subscriber's number, by which deliveries are kept, and ID its id.
	N  int64
	ID string
	// Channel and Address are how it is reached, Contact whom to write to when that fails.
	Channel Channel
	Address string
	Contact string
	Zone    string
	// Event is the maintenance or incident that it asked about, and Chosen says that it chose components or groups.
	Event  string
	Chosen bool
	State  State
	// Strikes count what it did not take lately.
	Strikes int
}

// Delivery is one notice on its way to one subscriber.
type Delivery struct {
	Notice int64
	To     Recipient
	// By is the channel that it goes by: the subscriber's own, except for what its contact is told.
	By Channel
	// Attempts counts those that were made and did not succeed.
	Attempts int
	// Urgent ones go before others: somebody is waiting for them.
	Urgent bool
	// Granted says that it waited for its turn under a limit already.
	Granted bool
}

// Address is where it goes.
func (d Delivery) Address() string {
	if d.By == Email && d.To.Channel != Email {
		return d.To.Contact
	}
	return d.To.Address
}

// Parcel is a run of deliveries of one notice by one channel, taken by this node for a while. A million deliveries are a few
// thousand parcels, so that taking and giving back cost little.
type Parcel struct {
	ID         int64
	Notice     int64
	Channel    Channel
	Deliveries []Delivery
}

// Fate is what became of a delivery.
type Fate string

// The fates. Waiting ones are tried, again.
const (
	Waiting Fate = "waiting"
	Sent    Fate = "sent"
	Failed  Fate = "failed"
	// Dropped deliveries were overtaken, or their subscriber left before.
	Dropped Fate = "dropped"
)

// Outcome is what a delivery came to.
type Outcome struct {
	Delivery
	Fate Fate
	// Tries counts the attempts, this one included if it was one.
	Tries int
	// At is when, and Answer what the other side said, in one line.
	At     time.Time
	Answer string
	// Due is when a waiting one is tried again.
	Due time.Time
	// Mark changes the subscriber as a consequence and says what is told because of that, in the same transaction; nil for none.
	Mark func(*Subscriber) []Notice
}

// Outbox is the durable queue. Its methods may be called on several nodes at once.
type Outbox interface {
	// Take takes parcels of a channel that are due at now, until a time at which they are due again unless they are done by
	// then: about as many as hold most deliveries, the urgent and then the oldest first.
	Take(ctx context.Context, now, until time.Time, channel Channel, most int) ([]Parcel, error)
	// Settle records what deliveries came to, and that parcels are done, in one transaction. Waiting outcomes become
	// parcels of their own.
	Settle(ctx context.Context, now time.Time, outcomes []Outcome, done []int64) error
	// Hold changes until when parcels are taken; a time that has come gives them back.
	Hold(ctx context.Context, parcels []int64, until time.Time) error
	// Notice is a notice by its number.
	Notice(ctx context.Context, n int64) (Notice, error)
}
