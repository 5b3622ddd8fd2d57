package notify

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Channel is a way to reach a subscriber.
type Channel string

// The channels.
const (
	Email   Channel = "email"
	Webhook Channel = "webhook"
	// Slack, Teams and Discord are incoming webhooks of chats, which read a message of their own shape.
	Slack   Channel = "slack"
	Teams   Channel = "teams"
	Discord Channel = "discord"
)

// Channels lists every channel.
var Channels = []Channel{Email, Webhook, Slack, Teams, Discord}

// State is whether a subscriber is told.
type State string

// The states. Active ones are told.
const (
	Unconfirmed  State = "unconfirmed"
	Active       State = "active"
	Quarantined  State = "quarantined"
	Unsubscribed State = "unsubscribed"
)

// States lists every state.
var States = []State{Unconfirmed, Active, Quarantined, Unsubscribed}

// Subscriber is somebody who asked to be told.
type Subscriber struct {
	ID      string
	Version int64
	// N is its number, which no other has ever had. The store gives it.
	N       int64
	Channel Channel
	// Address is an e-mail address or the URL of a webhook.
	Address string
	// Contact is where to write when a webhook fails; empty when nobody is to be written to.
	Contact string
	// Event is the maintenance or incident that the subscriber asked about; empty for the page.
	Event string
	// Components and Groups are the ids of those that were chosen; none of both means the whole page. A group means whatever is
	// in it at the time.
	Components []string
	Groups     []string
	// Zone is the IANA time zone that it reads times in; empty when it did not say.
	Zone string
	// AccessUser is the page-access user whom it belongs to, if any.
	AccessUser string
	State      State
	// SkipConfirmation says that an operator vouched for the address, so that no confirmation was asked for.
	SkipConfirmation bool
	Created          time.Time
	// Confirmed is when it said that it wants to be told, and Asked when it was last asked to: AskedTimes in one day.
	Confirmed  time.Time
	Asked      time.Time
	AskedTimes int
	// Strikes count deliveries that it did not take, the last of them at Struck.
	Strikes int
	Struck  time.Time
	// Quarantined is when the address was found dead, Reason why, in words for operators, and Purge when it is forgotten unless
	// somebody takes it back.
	Quarantined time.Time
	Reason      string
	Purge       time.Time
}

// longestAddress bounds addresses: RFC 5321, 4.5.3.1.3 allows 254 for a mailbox; URLs are bounded as browsers do.
const (
	longestMailbox = 254
	longestURL     = 2048
)

// Unsubscribe takes a subscriber out of those who are told. The row stays, so that one can see who left; what it waited
// for is over.
func (s *Subscriber) Unsubscribe() {
	s.State = Unsubscribed
	s.forgive()
}

// forgive ends what a subscriber was in quarantine for.
func (s *Subscriber) forgive() {
	s.Quarantined, s.Purge, s.Struck, s.Strikes, s.Reason = time.Time{}, time.Time{}, time.Time{}, 0, ""
}

// quarantineLife is how long an address that was found dead is kept for somebody to take it back.
const quarantineLife = 90 * 24 * time.Hour

// Quarantine stops telling an address that was found dead at now, until somebody takes it back. Who was not told before stays
// as they were.
func (s *Subscriber) Quarantine(now time.Time, reason string) {
	if s.State == Active {
		s.State, s.Quarantined, s.Purge, s.Reason = Quarantined, now, now.Add(quarantineLife), reason
	}
}

// A subscriber that did not take mostStrikes deliveries is dead, unless strikeLife passed without another one.
const (
	mostStrikes = 3
	strikeLife  = 30 * 24 * time.Hour
)

// Strike notes a delivery that could not be made, for good, at now. One alone may be the message's fault; several in a row
// are the address's.
func (s *Subscriber) Strike(now time.Time, reason string) {
	if now.Sub(s.Struck) > strikeLife {
		s.Strikes = 0
	}
	s.Strikes, s.Struck = s.Strikes+1, now
	if s.Strikes >= mostStrikes {
		s.Quarantine(now, reason)
	}
}

// Confirm makes a subscriber active who was asked, at now, and reports whether it was waiting for that.
func (s *Subscriber) Confirm(now time.Time) bool {
	if s.State != Unconfirmed {
		return false
	}
	s.State, s.Confirmed = Active, now
	return true
}

// Reactivate takes a subscriber back from quarantine, and reports whether it was there.
func (s *Subscriber) Reactivate() bool {
	if s.State != Quarantined {
		return false
	}
	s.State = Active
	s.forgive()
	return true
}

// Validate refuses a subscriber that could never be told, with the field as the Statuspage API calls it.
func (s Subscriber) Validate() error {
	switch s.Channel {
	case Email:
		return checkMailbox("email", s.Address)
	case Webhook, Slack, Teams, Discord:
		if s.Contact != "" {
			if err := checkMailbox("email", s.Contact); err != nil {
				return err
			}
		}
		return checkEndpoint(s.Address)
	}
	return &status.Invalid{Field: "channel", Rule: fmt.Sprintf("must be one of %s, not %q", channelNames(), s.Channel)}
}

func channelNames() string {
	names := make([]string, len(Channels))
	for i, c := range Channels {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

// checkMailbox refuses what is not one bare address (RFC 5322, 3.4.1).
func checkMailbox(field, text string) error {
	if text == "" {
		return &status.Invalid{Field: field, Rule: "is required: an address such as ops@example.com"}
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > longestMailbox || strings.ContainsAny(text, "\r\n") {
		return &status.Invalid{Field: field, Rule: fmt.Sprintf("must be one e-mail address such as ops@example.com, not %q", text)}
	}
	return nil
}

// checkEndpoint refuses what is not a URL that something can be posted to. Whether its host may be reached is decided
// when it is, after its name was resolved.
func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return &status.Invalid{Field: "endpoint", Rule: "is required: a URL such as https://example.com/hook"}
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || len(text) > longestURL:
		return &status.Invalid{Field: "endpoint", Rule: fmt.Sprintf("must be a URL such as https://example.com/hook, not %q", text)}
	case u.User != nil:
		return &status.Invalid{Field: "endpoint", Rule: "must not hold a user name or a password"}
	}
	return nil
}

// Order is by what a list of subscribers is sorted. Those that are alike follow one another in the same way each time.
type Order string

// The orders. The oldest comes first unless another one is asked for.
const (
	ByCreation   Order = ""
	ByAddress    Order = "address"
	ByQuarantine Order = "quarantine"
)

// Query chooses subscribers.
type Query struct {
	// IDs chooses those; none is all.
	IDs []string
	// Text is part of an address or of a contact, in whatever case; empty is all.
	Text string
	// Address is the whole of an address, as it was saved; empty is all.
	Address string
	// Channel and State choose those; empty is all.
	Channel Channel
	State   State
	// Subscribed leaves out those who unsubscribed.
	Subscribed bool
	// Event chooses those of one event; empty is those of the page.
	Event string
	// AnyEvent chooses those of the page and of every event.
	AnyEvent bool
	// Order sorts, and Newest turns it round: the newest, or whatever would be last, first.
	Order  Order
	Newest bool
	// Skip passes over the first ones, and Limit bounds the rest; 0 is no bound.
	Skip, Limit int
}

// Tally counts subscribers by channel and state.
type Tally map[Channel]map[State]int

// Known reports whether the channel is one of ours.
func (c Channel) Known() bool { return slices.Contains(Channels, c) }

// Known reports whether the state is one of ours.
func (s State) Known() bool { return slices.Contains(States, s) }
