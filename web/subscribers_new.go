package web

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// newSubscriber is what somebody asked for who may vouch for addresses.
func newSubscriber(p *board.Picture, now time.Time, ask api.NewSubscriber) (notify.Subscriber, error) {
	s, err := reached(ask.Channel, ask.Address, ask.Contact)
	if err != nil {
		return s, err
	}
	s.ID, s.Created = keeper.NewID(), now
	if ask.SkipConfirmation {
		s.State, s.SkipConfirmation = notify.Active, true
	} else {
		s.State, s.Asked, s.AskedTimes = notify.Unconfirmed, now, 1
	}
	if ask.Event != "" {
		e, ok := p.Event(ask.Event)
		switch {
		case !ok:
			return s, inField(absent(p, ask.Event, status.KindMaintenance, status.KindIncident), "event")
		case !e.Open():
			return s, &status.Invalid{Field: "event", Rule: "has ended: " + ask.Event}
		}
		s.Event = e.Subject().ID
	}
	return s, choose(p, &s, ask.SubscriberChoice)
}

// reached is a subscriber as far as it is how somebody is reached.
func reached(channel, address, contact string) (notify.Subscriber, error) {
	s := notify.Subscriber{Address: strings.TrimSpace(address), Contact: strings.ToLower(strings.TrimSpace(contact))}
	if s.Address == "" {
		return s, &status.Invalid{Field: "address", Rule: "is required: an e-mail address, or the URL of an endpoint"}
	}
	var err error
	if s.Channel, err = channelOf(channel, s.Address); err != nil {
		return s, err
	}
	if s.Channel == notify.Email {
		if s.Address, err = notify.Mailbox("address", s.Address); err != nil {
			return s, err
		}
		if s.Contact != "" {
			return s, &status.Invalid{Field: "contact", Rule: "has no meaning here: it is for endpoints"}
		}
	}
	return s, ofAddress(s.Validate(), s.Channel)
}

// channelOf is the channel that a word means, or the one that an address suggests.
func channelOf(word, address string) (notify.Channel, error) {
	c := notify.Channel(word)
	switch {
	case c.Known():
		return c, nil
	case word != "":
		words := make([]string, len(notify.Channels))
		for i, known := range notify.Channels {
			words[i] = string(known)
		}
		return "", &status.Invalid{Field: "channel", Rule: fmt.Sprintf("must be one of %s, not %q", strings.Join(words, ", "), word)}
	case !strings.Contains(address, "://"):
		return notify.Email, nil
	}
	if chat, is := notify.ChatOf(address); is {
		return chat, nil
	}
	return notify.Webhook, nil
}

// ofAddress gives what is wrong with an address the name of our field. An endpoint's e-mail address is its contact.
func ofAddress(err error, c notify.Channel) error {
	var invalid *status.Invalid
	switch {
	case !errors.As(err, &invalid):
		return err
	case invalid.Field == "email" && c != notify.Email:
		return &status.Invalid{Field: "contact", Rule: invalid.Rule}
	case invalid.Field == "email" || invalid.Field == "endpoint":
		return &status.Invalid{Field: "address", Rule: invalid.Rule}
	}
	return err
}

// inField makes of an error a refusal of a field of the request.
func inField(err error, field string) error {
	var invalid *status.Invalid
	var gone *missing
	switch {
	case errors.As(err, &invalid) && invalid.Field == "address":
		return &status.Invalid{Field: field, Rule: invalid.Rule}
	case errors.As(err, &gone):
		return &status.Invalid{Field: field, Rule: "is not known: " + gone.detail}
	}
	return err
}

// choose sets what a subscriber hears of, and in which zone.
func choose(p *board.Picture, s *notify.Subscriber, c api.SubscriberChoice) error {
	if s.Event != "" && len(c.Components)+len(c.Groups) > 0 {
		return &status.Invalid{Field: "components", Rule: "and groups have no meaning for one who is told of a single event"}
	}
	if err := checkZone(c.Zone); err != nil {
		return err
	}
	book := &status.Book{Page: p.Page, Groups: p.Groups, Components: p.Components}
	components, err := book.Resolve(c.Components)
	var invalid *status.Invalid
	if errors.As(err, &invalid) {
		return invalid.In("components")
	}
	groups := make([]string, len(c.Groups))
	for i, name := range c.Groups {
		at := slices.IndexFunc(p.Groups, func(g status.Group) bool { return g.ID == name || g.Name == strings.TrimSpace(name) })
		if at < 0 {
			names := make([]string, len(p.Groups))
			for i, g := range p.Groups {
				names[i] = g.Name
			}
			return &status.Invalid{Field: fmt.Sprintf("groups[%d]", i), Rule: unknown(fmt.Sprintf("group of the page: %q", name), name, names)}
		}
		groups[i] = p.Groups[at].ID
	}
	s.Components, s.Groups, s.Zone = components, status.Unique(groups), strings.TrimSpace(c.Zone)
	return nil
}
