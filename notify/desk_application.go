package notify

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/interlude/mail"
	"example.org/interlude/status"
)

// Application is what somebody who wants to be told fills in.
type Application struct {
	Channel Channel
	// Address is an e-mail address or the URL of an endpoint, and Contact whom to write to when that endpoint fails.
	Address string
	Contact string
	// Event is the id of the maintenance or incident that it is for alone; empty for the page.
	Event string
	Choice
	// Client is the address of the network that it comes from, for limits.
	Client string
}

// Choice is what a subscriber may change of the own subscription.
type Choice struct {
	// Components and Groups are the ids of what is chosen; none of both means the whole page.
	Components []string
	Groups     []string
	// Zone is the IANA time zone to write times in; empty is the page's.
	Zone string
}

// The fields that refusals name.
const (
	fieldEmail      = "email"
	fieldEndpoint   = "endpoint"
	fieldContact    = "contact"
	fieldChannel    = "channel"
	fieldEvent      = "event"
	fieldComponents = "components"
	fieldZone       = "zone"
)

// subscriber is what an application asks for, or why that cannot be.
func (a Application) subscriber(offer Offer, channels []Channel) (Subscriber, error) {
	s := Subscriber{Channel: a.Channel, Address: strings.TrimSpace(a.Address), Event: a.Event}
	var err error
	if s.Channel == Email {
		s.Address, err = Mailbox(fieldEmail, s.Address)
	} else {
		if contact := strings.TrimSpace(a.Contact); contact != "" {
			s.Contact, err = Mailbox(fieldContact, contact)
		}
		if chat, known := ChatOf(s.Address); known {
			s.Channel = chat
		}
	}
	if err != nil {
		return s, err
	}
	if err := s.Validate(); err != nil {
		return s, err
	}
	if !slices.Contains(channels, s.Channel) {
		return s, &status.Invalid{Field: fieldChannel, Rule: "is not one that this page can tell anybody by: " + string(s.Channel)}
	}
	if a.Event != "" {
		if m, i := offer.Event(a.Event); m == nil && i == nil {
			return s, &status.Invalid{Field: fieldEvent, Rule: "has ended, or was never there: subscribe to the page instead"}
		}
	}
	return s, a.choose(&s, offer)
}

// choose sets what a subscriber hears of, if it is on offer. What is in a chosen group is not chosen by itself too, so
// that it goes when the group is given up.
func (c Choice) choose(s *Subscriber, offer Offer) error {
	zone := strings.TrimSpace(c.Zone)
	if _, err := status.LoadZone(zone); err != nil || len(zone) > longestZone {
		return &status.Invalid{Field: fieldZone, Rule: "must be the name of a time zone such as Europe/Berlin or UTC"}
	}
	var components, groups []string
	for _, g := range offer.Groups {
		if slices.Contains(c.Groups, g.ID) {
			groups = append(groups, g.ID)
		}
	}
	for _, component := range offer.Components {
		if slices.Contains(c.Components, component.ID) && !slices.Contains(groups, component.GroupID) {
			components = append(components, component.ID)
		}
	}
	switch {
	case s.Event != "":
		components, groups = nil, nil
	case len(components)+len(groups) == 0 && len(c.Components)+len(c.Groups) > 0:
		return &status.Invalid{Field: fieldComponents, Rule: "must be on the page, and none of those chosen is any more"}
	}
	s.Zone, s.Components, s.Groups = zone, components, groups
	return nil
}

// longestZone is more than any name of a zone has.
const longestZone = 64

// Mailbox gives an address in the one form in which it is kept: in small letters, its domain as the wire has it. Local
// parts that differ in case alone are the same person everywhere (RFC 5321, 2.4, advises against others).
func Mailbox(field, text string) (string, error) {
	text = strings.ToLower(text)
	if err := checkMailbox(field, text); err != nil {
		return text, err
	}
	parsed, err := mail.ParseMailbox(text)
	if err != nil {
		return text, &status.Invalid{Field: field, Rule: err.Error()}
	}
	return parsed.String(), nil
}

// ChatOf recognises the webhooks of chats, which read messages of their own shape and none of ours.
func ChatOf(address string) (Channel, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	for _, c := range []struct {
		channel Channel
		host    string
	}{
		{Slack, "hooks.slack.com"},
		{Slack, "hooks.slack-gov.com"},
		{Discord, "discord.com"},
		{Discord, "discordapp.com"},
		{Teams, "webhook.office.com"},
		{Teams, "environment.api.powerplatform.com"},
	} {
		if host == c.host || strings.HasSuffix(host, "."+c.host) {
			return c.channel, true
		}
	}
	return "", false
}

// strangeHost is the host that an application makes this server talk to, for limits. Those of mail and of the great chats are
// none: thousands share them, and one who used up what they may have would lock out the others.
func strangeHost(s Subscriber) string {
	if _, known := ChatOf(s.Address); known || s.Channel == Email {
		return ""
	}
	u, err := url.Parse(s.Address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// Confirmation asks a subscriber to say that the subscription is theirs.
func (o Offer) Confirmation(now time.Time, s Subscriber) Notice {
	return o.personal(Notice{Kind: Confirm, Audience: Audience{Only: s.ID}}, now, s)
}

// personal fills in a notice about a subscription: what it is for, with the names.
func (o Offer) personal(n Notice, now time.Time, s Subscriber) Notice {
	n.At, n.Page = now, o.Page
	n.Audience.Event, n.Audience.Components, n.Audience.Groups = s.Event, s.Components, s.Groups
	if s.Event != "" {
		n.Maintenance, n.Incident = o.Event(s.Event)
	}
	for _, c := range o.Components {
		if slices.Contains(s.Components, c.ID) {
			n.Components = append(n.Components, c)
		}
	}
	for _, g := range o.Groups {
		named := func(c status.Component) bool { return c.GroupID == g.ID }
		if slices.Contains(s.Groups, g.ID) || slices.ContainsFunc(n.Components, named) {
			n.Groups = append(n.Groups, g)
		}
	}
	return n
}
