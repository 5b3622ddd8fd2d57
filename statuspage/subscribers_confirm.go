package statuspage

import (
	"cmp"
	"context"
	"errors"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// offer is what a confirmation names.
func (c *call) offer() notify.Offer {
	p := c.Board.Current()
	return notify.Offer{
		Page: p.Page, Groups: p.Groups, Components: p.Components,
		Event: func(id string) (*status.Maintenance, *status.Incident) {
			e, found := p.Event(id)
			if !found {
				return nil, nil
			}
			return e.Maintenance, e.Incident
		},
	}
}

// askable refuses a subscriber who cannot be asked again.
func (c *call) askable(s notify.Subscriber) error {
	switch {
	case s.State != notify.Unconfirmed:
		return unprocessable("The subscriber is " + string(s.State) + ": only one that is unconfirmed can be asked to confirm")
	case s.Channel != notify.Email:
		return unprocessable("The subscriber is told by " + wireMode(s.Channel) + ": only an e-mail address can be asked again to confirm")
	case !s.Ask(c.now): // of this copy
		return unprocessable("The subscriber was asked often enough within a day: it can be asked again from " + c.view().at(s.Asked.Add(24*time.Hour)))
	}
	return nil
}

// askAgain asks one subscriber of an event, or of the page, to confirm.
func (c *call) askAgain(ctx context.Context, id, event string) error {
	return c.Subscribers.TellSubscriber(ctx, c.now, id, func(s *notify.Subscriber) ([]notify.Notice, error) {
		if err := cmp.Or(mine(*s, event), c.askable(*s)); err != nil {
			return nil, err
		}
		s.Ask(c.now)
		return []notify.Notice{c.offer().Confirmation(c.now, *s)}, nil
	})
}

// errNoMail says that nobody can be asked, and what can be done instead.
var errNoMail = unprocessable("This server sends no mail, so that nobody can be asked to confirm. Delete the subscriber, and create it with " +
	"skip_confirmation_notification when you vouch for its address")

func (c *call) resendConfirmation() (any, error) {
	event, err := c.eventOf()
	switch {
	case err != nil:
		return nil, err
	case !c.Mail:
		return nil, errNoMail
	}
	return nil, noSubscriber(c.askAgain(c.ctx, c.id("subscriber_id"), event))
}

// resendConfirmations asks each of several by itself: one who was faster, and confirmed or left, keeps nobody else from it.
// The first who is asked takes the request's idempotency key.
func (c *call) resendConfirmations() (any, error) {
	all, err := c.readCrowd(notify.Unconfirmed)
	switch {
	case err != nil:
		return nil, err
	case !c.Mail:
		return nil, errNoMail
	}
	ctx := c.ctx
	for _, s := range all {
		if c.askable(s) != nil {
			continue
		}
		var refused *failure
		switch err := c.askAgain(ctx, s.ID, ""); {
		case err == nil:
			if act, ok := access.ActOf(ctx); ok {
				act.Repeat = nil
				ctx = access.WithAct(ctx, act)
			}
		case !errors.As(err, &refused) && !errors.Is(err, status.ErrNotFound):
			return nil, err
		}
	}
	return nil, nil
}
