package statuspage

import (
	"errors"

	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// subscriberBody is what clients say of a new subscriber.
type subscriberBody struct {
	Email            *string  `json:"email" example:"ada@example.com" doc:"The address of an e-mail subscriber; with endpoint, where to write when the webhook fails"`
	Endpoint         *string  `json:"endpoint" doc:"The URL of a webhook"`
	Mode             *string  `json:"mode" doc:"email or webhook. It follows from what is given, and is refused when it says another thing"`
	SkipConfirmation *bool    `json:"skip_confirmation_notification" example:"true" doc:"Vouch for an e-mail address: it is active at once. Otherwise it is asked to confirm"`
	PageAccessUser   *string  `json:"page_access_user" doc:"The id of the access user whom the subscriber belongs to"`
	ComponentIDs     []string `json:"component_ids" doc:"Of which components it is told, at least one; without it, of all"`
	PhoneCountry     *string  `json:"phone_country" cannot:"no SMS is sent"`
	PhoneNumber      *string  `json:"phone_number" cannot:"no SMS is sent"`
}

// choiceBody is what can be changed of a subscriber.
type choiceBody struct {
	ComponentIDs []string `json:"component_ids" doc:"Of which components it is told, at least one; without it, of all" example:"[\"h028tnzw1n5l\"]"`
	Components   []string `json:"components" doc:"The same, as answers have it"`
}

// chatNames are the names of chats.
var chatNames = map[notify.Channel]string{notify.Slack: "Slack", notify.Teams: "Microsoft Teams", notify.Discord: "Discord"}

// subscriber is what the body asks for.
func (b subscriberBody) subscriber() (notify.Subscriber, error) {
	n := notify.Subscriber{Channel: notify.Email, Address: given(b.Email), State: notify.Unconfirmed, AccessUser: given(b.PageAccessUser)}
	n.SkipConfirmation = b.SkipConfirmation != nil && *b.SkipConfirmation
	if n.SkipConfirmation {
		n.State = notify.Active
	}
	if endpoint := given(b.Endpoint); endpoint != "" {
		n.Channel, n.Address, n.Contact, n.State = notify.Webhook, endpoint, given(b.Email), notify.Active
		if chat, is := notify.ChatOf(endpoint); is {
			return n, unprocessable("endpoint cannot be honoured: " + chatNames[chat] + " reads no webhooks of Statuspage's form. Subscribe it on the page")
		}
	}
	switch mode := given(b.Mode); mode {
	case "", string(n.Channel):
	case "sms":
		return n, unprocessable("mode cannot be honoured: no SMS is sent")
	case string(notify.Slack), string(notify.Teams), partner:
		return n, unprocessable("mode cannot be honoured: email and webhook are subscribed here, and " + mode + " on the page")
	case string(notify.Webhook):
		return n, unprocessable("endpoint is required: a URL such as https://example.com/hook")
	default:
		return n, oneOf("mode", mode, string(n.Channel))
	}
	if n.Channel == notify.Email && n.Address != "" {
		var err error
		if n.Address, err = notify.Mailbox("email", n.Address); err != nil {
			return n, err
		}
	}
	if n.Address == "" {
		return n, unprocessable("email or endpoint is required: where the subscriber is to be told")
	}
	return n, n.Validate()
}

// chosen checks the components that a body names: none is all, and an empty list is a mistake.
func (c *call) chosen(ids []string) ([]string, error) {
	if ids != nil && len(ids) == 0 {
		return nil, unprocessable("component_ids must name at least one component; leave it out for all")
	}
	return status.Unique(ids), c.view().onPage("component_ids", ids)
}

func (c *call) createSubscriber() (any, error) { return c.subscribe("") }

func (c *call) createEventSubscriber() (any, error) {
	e, err := c.view().event(c.id("incident_id"))
	if err != nil {
		return nil, err
	}
	return c.subscribe(e.Subject().ID)
}

// subscribe adds a subscriber of an event, or of the page.
func (c *call) subscribe(event string) (any, error) {
	body, err := bound[subscriberBody](c, "subscriber")
	if err != nil {
		return nil, err
	}
	n, err := body.subscriber()
	if err != nil {
		return nil, err
	}
	if n.Components, err = c.chosen(body.ComponentIDs); err != nil {
		return nil, err
	}
	if n.AccessUser != "" {
		all, err := c.audience()
		if err != nil {
			return nil, err
		}
		if _, err := all.user(n.AccessUser); err != nil {
			return nil, unprocessable("page_access_user names no access user of the page: \"" + n.AccessUser + "\"")
		}
	}
	n.ID, n.Event, n.Created = keeper.NewID(), event, c.now
	var tell []notify.Notice
	if n.State == notify.Unconfirmed {
		if !c.Mail {
			return nil, unprocessable("email cannot be asked to confirm, because this server sends no mail: give skip_confirmation_notification " +
				"when you vouch for the address")
		}
		n.Ask(c.now)
		tell = append(tell, c.offer().Confirmation(c.now, n))
	}
	if err := c.Subscribers.AddSubscriber(c.ctx, c.now, n, tell...); err != nil {
		return nil, err
	}
	return c.view().subscriber(n), nil
}

// eventOf is the event that the path names, or nothing for the page.
func (c *call) eventOf() (string, error) {
	id := c.id("incident_id")
	if id == "" {
		return "", nil
	}
	e, err := c.view().event(id)
	if err != nil {
		return "", err
	}
	return e.Subject().ID, nil
}

// mine refuses a subscriber to another thing than the path names, and one who has left.
func mine(n notify.Subscriber, event string) error {
	if n.Event != event || n.State == notify.Unsubscribed {
		return notFound("Subscriber")
	}
	return nil
}

// noSubscriber gives the answer for a subscriber who is not there its name.
func noSubscriber(err error) error {
	if errors.Is(err, status.ErrNotFound) {
		return notFound("Subscriber")
	}
	return err
}

func (c *call) getSubscriber() (any, error) {
	event, err := c.eventOf()
	if err != nil {
		return nil, err
	}
	id := c.id("subscriber_id")
	if checkLine("subscriber_id", id) != nil { // nobody has such an id
		return nil, notFound("Subscriber")
	}
	found, err := c.Subscribers.Subscribers(c.ctx, notify.Query{IDs: []string{id}, Event: event, Subscribed: true})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, notFound("Subscriber")
	}
	return c.view().subscriber(found[0]), nil
}

// changeSubscriber lets f change the subscriber that the path names, and shows it.
func (c *call) changeSubscriber(f func(*notify.Subscriber)) (any, error) {
	event, err := c.eventOf()
	if err != nil {
		return nil, err
	}
	var is notify.Subscriber
	err = c.Subscribers.ChangeSubscribers(c.ctx, c.now, []string{c.id("subscriber_id")}, func(n *notify.Subscriber) error {
		if err := mine(*n, event); err != nil {
			return err
		}
		f(n)
		is = *n
		return nil
	})
	if err != nil {
		return nil, noSubscriber(err)
	}
	return c.view().subscriber(is), nil
}

func (c *call) updateSubscriber() (any, error) {
	body, err := bound[choiceBody](c, "subscriber")
	if err != nil {
		return nil, err
	}
	if body.ComponentIDs == nil {
		body.ComponentIDs = body.Components
	}
	ids, err := c.chosen(body.ComponentIDs)
	if err != nil {
		return nil, err
	}
	return c.changeSubscriber(func(n *notify.Subscriber) { n.Components = ids })
}

func (c *call) deleteSubscriber() (any, error) {
	return c.changeSubscriber((*notify.Subscriber).Unsubscribe)
}
