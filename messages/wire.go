package messages

import (
	"time"

	"example.org/interlude/spool"
)

// Delivery is a message that is to be delivered: either a request or a mail.
type Delivery struct {
	// DeliverAt is when it leaves at the earliest; zero or past is at once, and 366 days ahead is the latest.
	DeliverAt time.Time `json:"deliver_at,omitzero"`
	// Expires is when it is given up; zero leaves that to the spool.
	Expires time.Time `json:"expires,omitzero"`
	// Order keeps the messages that share it one after another; empty is no order.
	Order string `json:"order,omitempty"`
	// Request is what to send to a flow of URLs, Mail to one of mail.
	Request *Request `json:"request,omitempty"`
	Mail    *Mail    `json:"mail,omitempty"`
	// Key is the idempotency key: the same one is accepted once. Empty is none.
	Key string `json:"-"`
}

// Request is an HTTP request that is to be sent.
type Request struct {
	// Method is GET, POST, PUT, PATCH or DELETE; empty is POST.
	Method string `json:"method,omitempty"`
	// URL begins as one of the flow's targets does.
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body_base64,omitempty"`
}

// Mail is a mail that is to be sent: its envelope, and the message of RFC 5322 as it is.
type Mail struct {
	// From is the address that bounces go to; empty is that there are none.
	From    string   `json:"from"`
	To      []string `json:"to"`
	Message []byte   `json:"message_base64"`
}

// Receipt is the answer to a delivery: it is durable.
type Receipt struct {
	ID        string      `json:"id"`
	Flow      string      `json:"flow"`
	State     spool.State `json:"state"`
	DeliverAt time.Time   `json:"deliver_at"`
	// Known says that a message with this key had been accepted before, and that this is what became of it.
	Known bool `json:"known"`
}

// Message is what is known of a message. It holds nothing of what the message says.
type Message struct {
	ID    string      `json:"id"`
	Flow  string      `json:"flow"`
	State spool.State `json:"state"`
	// About tells people where it goes, Key is its idempotency key, Bytes its size.
	About string `json:"about"`
	Order string `json:"order,omitempty"`
	Key   string `json:"key,omitempty"`
	Bytes int64  `json:"bytes"`

	Accepted  time.Time `json:"accepted"`
	DeliverAt time.Time `json:"deliver_at"`
	Expires   time.Time `json:"expires,omitzero"`
	// Attempts is how often it was tried, Next when it will be again, Reason why it was not taken last.
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	// Moving says that it is being handed over now.
	Moving bool `json:"moving,omitempty"`
	// Settled is when it was delivered, canceled or shelved.
	Settled time.Time `json:"settled,omitzero"`
}

// List is a part of the messages of a flow, by their ids, which sort by time.
type List struct {
	Items []Message `json:"items"`
	// Next is the id to go on after; empty is that there are no more.
	Next string `json:"next,omitempty"`
}

// view is what the API shows of an item.
func view(i spool.Item) Message {
	return Message{
		ID: i.ID, Flow: i.Flow, State: i.State, About: i.About, Order: i.Lane, Key: shownKey(i.Key), Bytes: i.Bytes,
		Accepted: i.Accepted, DeliverAt: i.Due, Expires: i.Expires,
		Attempts: i.Attempts, Next: i.Next, Reason: i.Reason, Moving: i.Moving, Settled: i.Settled,
	}
}
