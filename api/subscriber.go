package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// The paths of subscribers below Prefix; {id} is a subscriber's id.
const (
	PathSubscribers          = "/subscribers"
	PathSubscriber           = "/subscribers/{id}"
	PathSubscribersImport    = "/subscribers/import"
	PathSubscriberReactivate = "/subscribers/{id}/reactivate"
	PathSubscriberResend     = "/subscribers/{id}/resend"
)

// LargestImport is how many subscribers one call may bring.
const LargestImport = 1000

// Subscriber is somebody who asked to be told. Its address is personal data.
type Subscriber struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
	Channel string `json:"channel" enum:"email,webhook,slack,teams,discord" doc:"how it is told"`
	// Address is an e-mail address or the URL of an endpoint, and Contact whom to write to when that endpoint fails.
	Address string `json:"address" doc:"an e-mail address, or the URL of an endpoint" example:"ops@example.com"`
	Contact string `json:"contact,omitempty" doc:"whom to write to when an endpoint fails" example:"ops@example.com"`
	// Event is the id of the maintenance or incident that it asked about alone; empty for the page.
	Event string `json:"event,omitempty" doc:"the id of the maintenance or incident that it asked about alone; absent for the page"`
	// Components and Groups are the ids of those that were chosen; none of both means the whole page.
	Components []string `json:"components" doc:"the ids of the components that it chose; without any and without groups, it hears of the whole page"`
	Groups     []string `json:"groups" doc:"the ids of the groups that it chose: of whatever is in them"`
	Zone       string   `json:"zone,omitempty" doc:"the IANA time zone that it reads times in; absent for the page's" example:"Europe/Berlin"`
	State      string   `json:"state" enum:"unconfirmed,active,quarantined,unsubscribed" doc:"whether it is told: active ones are"`
	// VouchedFor says that no confirmation was asked for.
	VouchedFor bool      `json:"vouched_for,omitempty" doc:"true when no confirmation was asked for"`
	Created    time.Time `json:"created"`
	Confirmed  time.Time `json:"confirmed,omitzero" doc:"when it said that it wants to be told"`
	Asked      time.Time `json:"asked,omitzero" doc:"when it was last asked to say so"`
	// Strikes count deliveries that it did not take, the last of them at Struck.
	Strikes int       `json:"strikes,omitempty" doc:"the deliveries in a row that it did not take"`
	Struck  time.Time `json:"struck,omitzero" doc:"when it did not take the last of them"`
	// Quarantined is when it was found dead, Reason why, and Purge when it is forgotten unless somebody takes it back.
	Quarantined time.Time `json:"quarantined,omitzero" doc:"when it was found dead"`
	Reason      string    `json:"reason,omitempty" doc:"why it was found dead" example:"550 5.1.1 No such user"`
	Purge       time.Time `json:"purge,omitzero" doc:"when it is forgotten, unless it is reactivated before"`
}

// SubscriberHistory is a subscriber with what it was told.
type SubscriberHistory struct {
	Subscriber
	// History is what it was told, the latest first.
	History []Delivery `json:"history" doc:"what it was told, the latest first: the last 50 of it"`
}

// NewSubscriber asks for a subscriber.
type NewSubscriber struct {
	// Channel is how it is told; empty is email, or for a URL what its host takes.
	Channel string `json:"channel,omitempty" enum:"email,webhook,slack,teams,discord" doc:"how it is told; without it, email or, for a URL, webhook"`
	Address string `json:"address" doc:"an e-mail address, or the URL of an endpoint" example:"ops@example.com"`
	Contact string `json:"contact,omitempty" doc:"whom to write to when an endpoint fails" example:"ops@example.com"`
	Event   string `json:"event,omitempty" doc:"the id or key of the one maintenance or incident that it is told of; without it, the page"`
	SubscriberChoice
	// SkipConfirmation vouches for the address: it is told at once, and nobody is asked.
	SkipConfirmation bool `json:"skip_confirmation,omitempty" doc:"vouch for the address: it is told from now on, and not asked whether it wants to be"`
}

// SubscriberChoice is what a subscriber hears of, and in which zone.
type SubscriberChoice struct {
	// Components and Groups are ids, or names as documents write them; none of both means the whole page.
	Components []string `json:"components,omitempty" doc:"the components, by id or by name as documents write it; without any and without groups, the whole page" example:"[\"APIs\"]"`
	Groups     []string `json:"groups,omitempty" doc:"the groups, by id or by name: whatever is in them at the time"`
	Zone       string   `json:"zone,omitempty" doc:"the IANA time zone that it reads times in; without it, the page's" example:"Europe/Berlin"`
	// Version makes a change conditional on the version that was seen, when it is not zero. It travels as If-Match.
	Version int64 `json:"-"`
}

// SubscriberImport asks for many subscribers at once.
type SubscriberImport struct {
	// Subscribers are at most LargestImport.
	Subscribers []NewSubscriber `json:"subscribers" doc:"the new ones, 1000 at most"`
}

// SubscriberImported is what became of them.
type SubscriberImported struct {
	Taken   int            `json:"taken" doc:"how many subscribed"`
	Refused []RefusedEntry `json:"refused" doc:"those that did not, and why"`
}

// RefusedEntry is one of many that was not taken.
type RefusedEntry struct {
	// Index counts from zero.
	Index   int    `json:"index" doc:"which one of the request is meant, from zero"`
	Address string `json:"address" doc:"its address, as it was given"`
	Field   string `json:"field,omitempty" doc:"the path of the offending value"`
	Detail  string `json:"detail" doc:"what is wrong, for people"`
}

// SubscriberFilter chooses subscribers, in the order in which they subscribed.
type SubscriberFilter struct {
	// Text is part of an address or of a contact.
	Text string
	// Channel and State keep those; without a state, all but those who unsubscribed.
	Channel, State string
	// Event is the id or key of a maintenance or an incident, and keeps those who asked about it alone.
	Event string
	// Limit is how many at most; 0 is DefaultLimit.
	Limit int
	// Cursor is Next of the page before.
	Cursor string
}

func (f SubscriberFilter) query() url.Values {
	query := listQuery(nil, f.Limit, "cursor", f.Cursor)
	for name, value := range map[string]string{"q": f.Text, "channel": f.Channel, "state": f.State, "event": f.Event} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// Subscribers lists who is told, one page of them.
func (c *Client) Subscribers(ctx context.Context, which SubscriberFilter) (List[Subscriber], error) {
	return get[List[Subscriber]](ctx, c, PathSubscribers, which.query())
}

// Subscriber gives one with what it was told.
func (c *Client) Subscriber(ctx context.Context, id string) (SubscriberHistory, error) {
	path, err := fill(PathSubscriber, id)
	if err != nil {
		return SubscriberHistory{}, err
	}
	return get[SubscriberHistory](ctx, c, path, nil)
}

// CreateSubscriber subscribes an address.
func (c *Client) CreateSubscriber(ctx context.Context, n NewSubscriber) (Subscriber, error) {
	return send[Subscriber](ctx, c, http.MethodPost, PathSubscribers, n, 0)
}

// CreateSubscribers subscribes many addresses at once. Those that cannot be are told, and keep the others from nothing.
func (c *Client) CreateSubscribers(ctx context.Context, all SubscriberImport) (SubscriberImported, error) {
	return send[SubscriberImported](ctx, c, http.MethodPost, PathSubscribersImport, all, 0)
}

// ChangeSubscriber makes what a subscriber hears of, and its zone, what is given.
func (c *Client) ChangeSubscriber(ctx context.Context, id string, to SubscriberChoice) (Subscriber, error) {
	path, err := fill(PathSubscriber, id)
	if err != nil {
		return Subscriber{}, err
	}
	return send[Subscriber](ctx, c, http.MethodPut, path, to, to.Version)
}

// RemoveSubscriber unsubscribes one. It stays listed among the unsubscribed.
func (c *Client) RemoveSubscriber(ctx context.Context, id string) error {
	path, err := fill(PathSubscriber, id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// ReactivateSubscriber takes one back from quarantine.
func (c *Client) ReactivateSubscriber(ctx context.Context, id string) (Subscriber, error) {
	return c.onSubscriber(ctx, PathSubscriberReactivate, id)
}

// ResendConfirmation asks one again whether it wants to be told.
func (c *Client) ResendConfirmation(ctx context.Context, id string) (Subscriber, error) {
	return c.onSubscriber(ctx, PathSubscriberResend, id)
}

func (c *Client) onSubscriber(ctx context.Context, pattern, id string) (Subscriber, error) {
	path, err := fill(pattern, id)
	if err != nil {
		return Subscriber{}, err
	}
	return send[Subscriber](ctx, c, http.MethodPost, path, struct{}{}, 0)
}
