package statuspage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// An address is asked to confirm mostAsked times within asking, whoever asks for it: a token, or a reader on the page.
const (
	mostAsked = 3
	asking    = 24 * time.Hour
)

// confirmation asks a subscriber to confirm, with the names of what it would hear of, and counts that it was asked.
func (c *call) confirmation(s *notify.Subscriber) notify.Notice {
	if c.now.Sub(s.Asked) >= asking {
		s.AskedTimes = 0
	}
	s.Asked, s.AskedTimes = c.now, s.AskedTimes+1
	p := c.Board.Current()
	n := notify.Notice{Kind: notify.Confirm, At: c.now, Page: p.Page, Audience: notify.Audience{
		Only: s.ID, Event: s.Event, Components: s.Components, Groups: s.Groups,
	}}
	if e, found := p.Event(s.Event); found && s.Event != "" {
		n.Maintenance, n.Incident = e.Maintenance, e.Incident
	}
	for _, component := range p.Components {
		if slices.Contains(s.Components, component.ID) {
			n.Components = append(n.Components, component)
		}
	}
	for _, g := range p.Groups {
		holds := func(component status.Component) bool { return component.GroupID == g.ID }
		if slices.Contains(s.Groups, g.ID) || slices.ContainsFunc(n.Components, holds) {
			n.Groups = append(n.Groups, g)
		}
	}
	return n
}

// askable refuses a subscriber who cannot be asked again.
func (c *call) askable(s notify.Subscriber) error {
	switch {
	case s.State != notify.Unconfirmed:
		return unprocessable("The subscriber is " + string(s.State) + ": only one that is unconfirmed can be asked to confirm")
	case s.Channel != notify.Email:
		return unprocessable("The subscriber is told by " + wireMode(s.Channel) + ": only an e-mail address can be asked again to confirm")
	case s.AskedTimes >= mostAsked && c.now.Sub(s.Asked) < asking:
		return unprocessable("The subscriber was asked often enough within a day: it can be asked again from " + c.view().at(s.Asked.Add(asking)))
	}
	return nil
}

// askAgain asks one subscriber of an event, or of the page, to confirm.
func (c *call) askAgain(ctx context.Context, id, event string) error {
	return c.Subscribers.TellSubscriber(ctx, c.now, id, func(s *notify.Subscriber) ([]notify.Notice, error) {
		if err := cmp.Or(mine(*s, event), c.askable(*s)); err != nil {
			return nil, err
		}
		return []notify.Notice{c.confirmation(s)}, nil
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
