package statuspage

import (
	"cmp"
	"fmt"
	"slices"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// subscriberQuery is what a list of subscribers is asked for.
type subscriberQuery struct {
	Q             *string `json:"q"`
	Type          *string `json:"type"`
	State         *string `json:"state"`
	SortField     *string `json:"sort_field"`
	SortDirection *string `json:"sort_direction"`
}

// everyState asks for all who have not unsubscribed.
const everyState = "all"

var (
	// modes are the ways of being told that Statuspage knows. By SMS nobody here is told.
	modes        = []string{string(notify.Email), "sms", string(notify.Webhook), string(notify.Slack), string(notify.Teams), partner}
	stateChoices = []string{string(notify.Active), string(notify.Unconfirmed), string(notify.Quarantined), everyState}
	sortFields   = []string{"primary", "created_at", "quarantined_at", "relevance"}
)

// longestSearch bounds the text that is searched for: no address is longer.
const longestSearch = 2048

// partner is what Discord is on the wire: Statuspage knows no such mode, and this one for what others integrate.
const partner = "integration_partner"

// wireMode is a channel on the wire.
func wireMode(c notify.Channel) string {
	if c == notify.Discord {
		return partner
	}
	return string(c)
}

// channelOf is the channel that a word of the wire means; nobody has that of sms.
func channelOf(mode string) notify.Channel {
	if mode == partner {
		return notify.Discord
	}
	return notify.Channel(mode)
}

// choose reads a type and a state, active unless another one is given.
func choose(kind, state *string) (notify.Query, error) {
	word := given(state)
	if word == "" {
		word = string(notify.Active)
	}
	err := oneOf("state", word, stateChoices...)
	if given(kind) != "" {
		err = cmp.Or(err, oneOf("type", given(kind), modes...))
	}
	q := notify.Query{Channel: channelOf(given(kind)), State: notify.State(word), Subscribed: true}
	if word == everyState {
		q.State = ""
	}
	return q, err
}

// readQuery reads what a list of the page's subscribers is asked for.
func (c *call) readQuery() (notify.Query, error) {
	var asked subscriberQuery
	if err := bind(c.body, &asked); err != nil {
		return notify.Query{}, err
	}
	q, err := choose(asked.Type, asked.State)
	q.Text, q.Order = given(asked.Q), notify.ByAddress
	if len(q.Text) > longestSearch {
		err = cmp.Or(err, unprocessable(fmt.Sprintf("q must have at most %d bytes", longestSearch)))
	}
	if word := given(asked.SortField); word != "" {
		err = cmp.Or(err, oneOf("sort_field", word, sortFields...))
		switch word {
		case "created_at":
			q.Order = notify.ByCreation
		case "quarantined_at":
			q.Order = notify.ByQuarantine
		case "relevance":
			if q.Text == "" {
				err = cmp.Or(err, unprocessable("sort_field relevance needs q: the text that entries are to be near to"))
			}
		}
	}
	if word := given(asked.SortDirection); word != "" {
		err = cmp.Or(err, oneOf("sort_direction", word, "asc", "desc"))
		q.Newest = word == "desc"
	}
	return q, cmp.Or(err, checkText("q", q.Text))
}

// answerQuery answers with a page of subscribers. first is the number of the first page.
func (c *call) answerQuery(q notify.Query, first int) (any, error) {
	var p paging
	if err := bind(c.body, &p); err != nil {
		return nil, err
	}
	var err error
	if q.Skip, q.Limit, err = p.slice(first); err != nil {
		return nil, err
	}
	all, err := c.Subscribers.Subscribers(c.ctx, q)
	if err != nil {
		return nil, err
	}
	return c.view().subscribers(all), nil
}

func (c *call) listSubscribers() (any, error) {
	q, err := c.readQuery()
	if err != nil {
		return nil, err
	}
	return c.answerQuery(q, 0)
}

func (c *call) listUnsubscribed() (any, error) {
	return c.answerQuery(notify.Query{State: notify.Unsubscribed}, 1)
}

func (c *call) listEventSubscribers() (any, error) {
	event, err := c.eventOf()
	if err != nil {
		return nil, err
	}
	return c.answerQuery(notify.Query{Event: event, Subscribed: true}, 1)
}

// SubscriberCount counts subscribers by type.
type SubscriberCount struct {
	Email              int `json:"email"`
	SMS                int `json:"sms"`
	Webhook            int `json:"webhook"`
	IntegrationPartner int `json:"integration_partner"`
	Slack              int `json:"slack"`
	Teams              int `json:"teams"`
}

// SubscriberStates counts subscribers of one type by state.
type SubscriberStates struct {
	Active      int `json:"active"`
	Unconfirmed int `json:"unconfirmed"`
	Quarantined int `json:"quarantined"`
	Total       int `json:"total"`
}

// SubscriberHistogram counts subscribers by type and state.
type SubscriberHistogram struct {
	Email              SubscriberStates `json:"email"`
	SMS                SubscriberStates `json:"sms"`
	Webhook            SubscriberStates `json:"webhook"`
	IntegrationPartner SubscriberStates `json:"integration_partner"`
	Slack              SubscriberStates `json:"slack"`
	Teams              SubscriberStates `json:"teams"`
}

func (c *call) countSubscribers() (any, error) {
	var asked subscriberQuery
	if err := bind(c.body, &asked); err != nil {
		return nil, err
	}
	q, err := choose(asked.Type, asked.State)
	if err != nil {
		return nil, err
	}
	tally, err := c.Subscribers.CountSubscribers(c.ctx)
	if err != nil {
		return nil, err
	}
	count := func(channel notify.Channel) int {
		if q.Channel != "" && q.Channel != channel {
			return 0
		}
		n := 0
		for state, some := range tally[channel] {
			if state == q.State || q.State == "" && state != notify.Unsubscribed {
				n += some
			}
		}
		return n
	}
	return SubscriberCount{
		Email: count(notify.Email), Webhook: count(notify.Webhook), Slack: count(notify.Slack), Teams: count(notify.Teams),
		IntegrationPartner: count(notify.Discord),
	}, nil
}

func (c *call) histogram() (any, error) {
	tally, err := c.Subscribers.CountSubscribers(c.ctx)
	if err != nil {
		return nil, err
	}
	states := func(channel notify.Channel) SubscriberStates {
		of := tally[channel]
		s := SubscriberStates{Active: of[notify.Active], Unconfirmed: of[notify.Unconfirmed], Quarantined: of[notify.Quarantined]}
		s.Total = s.Active + s.Unconfirmed + s.Quarantined
		return s
	}
	return SubscriberHistogram{
		Email: states(notify.Email), Webhook: states(notify.Webhook), Slack: states(notify.Slack), Teams: states(notify.Teams),
		IntegrationPartner: states(notify.Discord),
	}, nil
}

// crowdBody names several subscribers.
type crowdBody struct {
	Subscribers      any     `json:"subscribers" example:"[\"SUBSCRIBER_ID\"]" doc:"A list of at most 100 ids, or all when there are fewer than 100"`
	Type             *string `json:"type" doc:"Only those of a type"`
	State            *string `json:"state" doc:"Only those in a state: active unless it says unconfirmed, quarantined or all"`
	SkipNotification *bool   `json:"skip_unsubscription_notification" doc:"Nothing is sent in either case"`
}

// largestCrowd is how many subscribers one request changes.
const largestCrowd = 100

// readCrowd finds the subscribers that a body names, in a state when it is given one.
func (c *call) readCrowd(state notify.State) ([]notify.Subscriber, error) {
	var body crowdBody
	if err := bind(c.body, &body); err != nil {
		return nil, err
	}
	if state != "" {
		word := string(state)
		body.State = &word
	}
	q, err := choose(body.Type, body.State)
	if err != nil {
		return nil, err
	}
	if word, isText := body.Subscribers.(string); isText && word == everyState {
		q.Limit = largestCrowd
		all, err := c.Subscribers.Subscribers(c.ctx, q)
		if err == nil && len(all) >= largestCrowd {
			err = unprocessable(fmt.Sprintf("subscribers must name them by their ids: there are %d or more, and all is for fewer", largestCrowd))
		}
		return all, err
	}
	var ids []string
	if err := readList(&ids, "subscribers", body.Subscribers); err != nil || len(ids) == 0 {
		return nil, unprocessable("subscribers must be a list of ids, or all")
	}
	if ids = status.Unique(ids); len(ids) > largestCrowd {
		return nil, unprocessable(fmt.Sprintf("subscribers must be at most %d at once, not %d", largestCrowd, len(ids)))
	}
	return c.someOf(ids, q)
}

// someOf are those with the ids whom a query chooses. An id that is no subscriber's of the page is refused.
func (c *call) someOf(ids []string, q notify.Query) ([]notify.Subscriber, error) {
	known, err := c.Subscribers.Subscribers(c.ctx, notify.Query{IDs: ids})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(known, func(n notify.Subscriber) bool { return n.ID == id }) {
			return nil, unprocessable("subscribers names no subscriber of the page: \"" + id + "\"")
		}
	}
	q.IDs = ids
	return c.Subscribers.Subscribers(c.ctx, q)
}

// changeCrowd lets f change all who were found, in one transaction.
func (c *call) changeCrowd(all []notify.Subscriber, f func(*notify.Subscriber)) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]string, len(all))
	for i, n := range all {
		ids[i] = n.ID
	}
	return c.Subscribers.ChangeSubscribers(c.ctx, c.now, ids, func(n *notify.Subscriber) error {
		f(n)
		return nil
	})
}

func (c *call) unsubscribeSeveral() (any, error) {
	all, err := c.readCrowd("")
	if err != nil {
		return nil, err
	}
	return nil, c.changeCrowd(all, (*notify.Subscriber).Unsubscribe)
}

func (c *call) reactivateSeveral() (any, error) {
	all, err := c.readCrowd(notify.Quarantined)
	if err != nil {
		return nil, err
	}
	return nil, c.changeCrowd(all, func(n *notify.Subscriber) { n.Reactivate() })
}
