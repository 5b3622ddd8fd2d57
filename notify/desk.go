package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.org/interlude/status"
	"example.org/interlude/webhook"
)

// Register keeps subscribers.
type Register interface {
	// AddSubscriber saves a new subscriber, and what it is told, in one transaction. One whose address asked for the same thing is
	// a *status.Invalid, unless that one has unsubscribed: then it takes its place.
	AddSubscriber(ctx context.Context, now time.Time, s Subscriber, tell ...Notice) error
	// ChangeSubscribers lets f change subscribers; one that is not there is status.ErrNotFound.
	ChangeSubscribers(ctx context.Context, now time.Time, ids []string, f func(*Subscriber) error) error
	Subscriber(ctx context.Context, id string) (Subscriber, error)
	Subscribers(ctx context.Context, q Query) ([]Subscriber, error)
	// Tell saves notices for those in their audience.
	Tell(ctx context.Context, now time.Time, notices ...Notice) error
}

// Endpoints judges the URLs that strangers name.
type Endpoints interface {
	// Check refuses what cannot be posted to with webhook.ErrURL, and what leads inward with webhook.ErrInward.
	Check(ctx context.Context, url string) error
}

// Offer is what there is to subscribe to.
type Offer struct {
	Page status.Page
	// Groups and Components are those on the page.
	Groups     []status.Group
	Components []status.Component
	// Event finds the maintenance or incident with an id, if it is planned or under way: one of the two, or neither.
	Event func(id string) (*status.Maintenance, *status.Incident)
}

// Desk is where people subscribe, confirm, change what they hear of, and leave. Its fields are set before its first use and not
// afterwards.
//
// Nobody learns from it who is subscribed. Whoever applies gets the same answer after the same work, whether the address is new,
// active or gone; what there is to say goes to the address itself, at most three times a day. That holds for endpoints
// too: the address of a chat's webhook is known to its owner alone, but that of another one may be guessed.
type Desk struct {
	Register  Register
	Endpoints Endpoints
	// Offer is what there is to subscribe to now.
	Offer func() Offer
	// Channels are those by which this server can tell anybody.
	Channels []Channel
	Keys     Keys
	Clock    Clock
	// NewID makes an id that nothing has. It holds no full stop.
	NewID func() string

	limits limits
}

// Open are the channels by which somebody can subscribe now: an address cannot confirm by mail while the page has no URL that
// the link in the mail could begin with. An application for another one is refused.
func (d *Desk) Open() []Channel {
	if d.Offer().Page.URL != "" {
		return d.Channels
	}
	return slices.DeleteFunc(slices.Clone(d.Channels), func(c Channel) bool { return c == Email })
}

// Subscribe takes an application. The answer says nothing of whether the address is known: a new one is asked to confirm, one
// that has not confirmed is asked again with the newest choice, so is one that was found dead, and an active one is sent
// the link to change what it hears of.
//
// What cannot be is a *status.Invalid with the field of the form, and what is too much a *TooMany. Any other error means
// that nothing was begun and that it may work later.
func (d *Desk) Subscribe(ctx context.Context, a Application) error {
	now, offer := d.Clock.Now(), d.Offer()
	s, err := a.subscriber(offer, d.Open())
	if err != nil {
		return err
	}
	if err := d.limits.admit(now, a.Client, strangeHost(s)); err != nil {
		return err
	}
	if s.Channel != Email {
		if err := d.reachable(ctx, s.Address); err != nil {
			return err
		}
	}
	s.ID, s.State, s.Created = d.NewID(), Unconfirmed, now
	// Somebody else may add the same address in between; then it is known the second time.
	for range 2 {
		var known *status.Invalid
		if err = d.ask(ctx, now, offer, s); !errors.As(err, &known) {
			return err
		}
	}
	return fmt.Errorf("subscribe: %w", status.ErrConflict)
}

// reachable refuses an endpoint that may not be posted to.
func (d *Desk) reachable(ctx context.Context, url string) error {
	err := d.Endpoints.Check(ctx, url)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, webhook.ErrURL), errors.Is(err, webhook.ErrInward):
		return &status.Invalid{Field: fieldEndpoint, Rule: "cannot be used: " + err.Error()}
	}
	return &status.Invalid{Field: fieldEndpoint, Rule: "cannot be checked, because names cannot be looked up at the moment; try again in a minute"}
}

// mostAsked bounds the confirmations and links that an address is sent within asking, however often somebody applies in
// its name, and for however many events.
const (
	mostAsked = 3
	asking    = 24 * time.Hour
)

// ask saves an application and tells its address what comes next: two transactions whatever is known of it, so that the
// time that they take says nothing either.
func (d *Desk) ask(ctx context.Context, now time.Time, offer Offer, s Subscriber) error {
	all, err := d.Register.Subscribers(ctx, Query{Channel: s.Channel, Address: s.Address, AnyEvent: true})
	if err != nil {
		return fmt.Errorf("look up who applied: %w", err)
	}
	var same *Subscriber
	elsewhere := 0
	for i := range all {
		if all[i].Event == s.Event {
			same = &all[i]
		} else {
			elsewhere += all[i].askedLately(now)
		}
	}
	var notice *Notice
	if same == nil || same.State == Unsubscribed {
		notice, err = d.add(ctx, now, s, same, elsewhere)
	} else {
		notice, err = d.again(ctx, now, s, same.ID, elsewhere)
	}
	if err != nil {
		return fmt.Errorf("save who applied: %w", err)
	}
	var tell []Notice
	if notice != nil {
		tell = append(tell, offer.personal(*notice, now, s))
	}
	if err := d.Register.Tell(ctx, now, tell...); err != nil {
		return fmt.Errorf("tell who applied: %w", err)
	}
	return nil
}

// add saves one who is new, or who comes back after having left; what it was asked before still counts.
func (d *Desk) add(ctx context.Context, now time.Time, s Subscriber, former *Subscriber, elsewhere int) (*Notice, error) {
	if former != nil {
		s.Asked, s.AskedTimes = former.Asked, former.askedLately(now)
	}
	told := s.noteAsked(now, elsewhere)
	if err := d.Register.AddSubscriber(ctx, now, s); err != nil || !told {
		return nil, err
	}
	return &Notice{Kind: Confirm, Audience: Audience{Only: s.ID}}, nil
}

// again is the application of one who is known. Only what has not been confirmed is changed by it, because anybody may
// apply in anybody's name.
func (d *Desk) again(ctx context.Context, now time.Time, s Subscriber, id string, elsewhere int) (*Notice, error) {
	notice := &Notice{Kind: Link, Audience: Audience{Only: id}}
	told := false
	err := d.Register.ChangeSubscribers(ctx, now, []string{id}, func(known *Subscriber) error {
		if known.State != Active {
			known.forgive()
			known.State, notice.Kind = Unconfirmed, Confirm
			known.Contact, known.Components, known.Groups, known.Zone = s.Contact, s.Components, s.Groups, s.Zone
		}
		told = known.noteAsked(now, elsewhere)
		return nil
	})
	if err != nil || !told {
		return nil, err
	}
	return notice, nil
}

// askedLately is how often a subscriber was sent a confirmation or a link within the last day.
func (s *Subscriber) askedLately(now time.Time) int {
	if now.Sub(s.Asked) >= asking {
		return 0
	}
	return s.AskedTimes
}

// Ask notes that a subscriber is sent a confirmation or a link at now, and reports whether it may be: at most three times a day.
func (s *Subscriber) Ask(now time.Time) bool { return s.noteAsked(now, 0) }

// noteAsked counts one more, and reports whether it is not one too many.
func (s *Subscriber) noteAsked(now time.Time, elsewhere int) bool {
	lately := s.askedLately(now)
	if lately+elsewhere >= mostAsked {
		return false
	}
	s.Asked, s.AskedTimes = now, lately+1
	return true
}
