package notify

import (
	"context"
	"errors"
	"fmt"

	"example.org/interlude/status"
	"example.org/interlude/webhook"
)

// Subscription is what whoever holds a link may see.
type Subscription struct {
	Subscriber

	// Manage is the token to change it with; empty for whoever holds only the link to leave, which stands in every notice
	// and is passed on with it.
	Manage string
	// Secret is what its webhooks are signed with, as the libraries of Standard Webhooks read it; empty for other channels, and
	// without Manage.
	Secret string
}

// Returnable reports whether one who left may take that back: only who had confirmed before.
func (s Subscription) Returnable() bool {
	return s.State == Unsubscribed && (!s.Confirmed.IsZero() || s.SkipConfirmation)
}

// open gives the id in a token that is for a purpose. One to manage may also leave.
func (d *Desk) open(p Purpose, token string) (string, error) {
	id, err := d.Keys.Open(p, token)
	if err != nil && p == ToLeave {
		return d.Keys.Open(ToManage, token)
	}
	return id, err
}

// Subscription is the one that a token for a purpose is about. What is no such token, and one whose subscriber is gone, is
// status.ErrNotFound; that goes for the other methods too.
func (d *Desk) Subscription(ctx context.Context, p Purpose, token string) (Subscription, error) {
	id, err := d.open(p, token)
	if err != nil {
		return Subscription{}, err
	}
	s, err := d.Register.Subscriber(ctx, id)
	if err != nil {
		return Subscription{}, fmt.Errorf("read subscription: %w", err)
	}
	held := Subscription{Subscriber: s}
	if _, err := d.Keys.Open(ToManage, token); err == nil || p == ToConfirm {
		held.Manage = d.Keys.Token(ToManage, id)
		if s.Channel == Webhook {
			held.Secret = webhook.EncodeSecret(d.Keys.WebhookSecret(id))
		}
	}
	return held, nil
}

// Confirm says that the holder of a token wants to be told. Saying it twice does no harm; who has left since subscribes anew.
func (d *Desk) Confirm(ctx context.Context, token string) error {
	now := d.Clock.Now()
	return d.change(ctx, ToConfirm, token, func(s *Subscriber) error {
		switch s.State {
		case Unconfirmed:
			s.Confirm(now)
		case Quarantined: // mail is read there after all
			s.Reactivate()
		case Unsubscribed:
			return status.ErrNotFound
		}
		return nil
	})
}

// Change changes what the holder of a token to manage hears of.
func (d *Desk) Change(ctx context.Context, token string, c Choice) error {
	offer := d.Offer()
	return d.change(ctx, ToManage, token, func(s *Subscriber) error {
		if s.State == Unsubscribed {
			return status.ErrNotFound
		}
		return c.choose(s, offer)
	})
}

// Leave ends the subscription of the holder of a token to leave or to manage. Leaving twice does no harm.
func (d *Desk) Leave(ctx context.Context, token string) error {
	return d.change(ctx, ToLeave, token, func(s *Subscriber) error { s.Unsubscribe(); return nil })
}

// Return takes back that somebody left, or that the address was found dead. Who never confirmed subscribes anew instead:
// status.ErrNotFound.
func (d *Desk) Return(ctx context.Context, token string) error {
	return d.change(ctx, ToLeave, token, func(s *Subscriber) error {
		switch {
		case s.State == Quarantined:
			s.Reactivate()
		case Subscription{Subscriber: *s}.Returnable():
			s.State = Active
		case s.State != Active:
			return status.ErrNotFound
		}
		return nil
	})
}

func (d *Desk) change(ctx context.Context, p Purpose, token string, f func(*Subscriber) error) error {
	id, err := d.open(p, token)
	if err != nil {
		return err
	}
	var invalid *status.Invalid
	err = d.Register.ChangeSubscribers(ctx, d.Clock.Now(), []string{id}, f)
	if err != nil && !errors.As(err, &invalid) {
		return fmt.Errorf("change subscription: %w", err)
	}
	return err
}
