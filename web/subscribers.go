package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/notify"
	"example.org/interlude/page"
	"example.org/interlude/status"
)

type subscriberListInput struct {
	Text    string `query:"q" maxLength:"300" doc:"keep those with this text in their address or contact"`
	Channel string `query:"channel" enum:"email,webhook,slack,teams,discord" doc:"keep those who are told by it"`
	State   string `query:"state" enum:"unconfirmed,active,quarantined,unsubscribed" doc:"keep those in a state; without it, all but the unsubscribed"`
	Event   string `query:"event" maxLength:"300" doc:"keep those who asked about one maintenance or incident alone, by its id or key"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
	Cursor  string `query:"cursor" maxLength:"200" doc:"next of the page before"`
}

type subscriberInput struct {
	ID string `path:"id" maxLength:"60" doc:"the subscriber's id"`
}

type subscriberBodyInput struct {
	ID      string `path:"id" maxLength:"60" doc:"the subscriber's id"`
	IfMatch string `header:"If-Match" doc:"the ETag of what was seen; with it, the change is refused with 412 when somebody else was faster" example:"\"v3\""`
	RawBody []byte `contentType:"application/json"`
}

func (d *door) subscribers(ctx context.Context, in *subscriberListInput) (*plain[api.List[api.Subscriber]], error) {
	q := notify.Query{
		Text: in.Text, Channel: notify.Channel(in.Channel), State: notify.State(in.State), Subscribed: in.State == "",
		AnyEvent: in.Event == "", Limit: in.Limit,
	}
	var err error
	if in.Cursor != "" {
		if q.Skip, err = strconv.Atoi(in.Cursor); err != nil || q.Skip < 0 {
			return nil, &status.Invalid{Field: "cursor", Rule: "must be next of an earlier page"}
		}
	}
	if q.Event, err = d.eventID(in.Event); err != nil {
		return nil, err
	}
	all, err := d.Store.Subscribers(ctx, q)
	if err != nil {
		return nil, err
	}
	list := api.List[api.Subscriber]{Items: make([]api.Subscriber, len(all))}
	for i, s := range all {
		list.Items[i] = subscriberView(s)
	}
	if len(all) == in.Limit {
		list.Next = strconv.Itoa(q.Skip + len(all))
	}
	return &plain[api.List[api.Subscriber]]{Body: list}, nil
}

// eventID is the id of the maintenance or incident that a reference means, and empty for none.
func (d *door) eventID(ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	p := d.Board.Current()
	e, ok := p.Event(ref)
	if !ok {
		return "", absent(p, ref, status.KindMaintenance, status.KindIncident)
	}
	return e.Subject().ID, nil
}

// historyShown is how much of what a subscriber was told is shown with it.
const historyShown = 50

func (d *door) subscriber(ctx context.Context, in *subscriberInput) (*versioned[api.SubscriberHistory], error) {
	s, err := d.Store.Subscriber(ctx, in.ID)
	if err != nil {
		return nil, noSubscriber(err, in.ID)
	}
	history, err := d.Store.History(ctx, in.ID, historyShown)
	if err != nil {
		return nil, noSubscriber(err, in.ID)
	}
	return &versioned[api.SubscriberHistory]{
		ETag: api.ETag(s.Version), Body: api.SubscriberHistory{Subscriber: subscriberView(s), History: deliveryViews(history)},
	}, nil
}

// noSubscriber says of an id which nobody has that it is one.
func noSubscriber(err error, id string) error {
	if errors.Is(err, status.ErrNotFound) {
		return &missing{fmt.Sprintf("no subscriber has the id %q", id), "`interlude subscriber list` shows them."}
	}
	return err
}

func subscriberView(s notify.Subscriber) api.Subscriber {
	return api.Subscriber{
		ID: s.ID, Version: s.Version, Channel: string(s.Channel), Address: s.Address, Contact: s.Contact, Event: s.Event,
		Components: orEmpty(s.Components), Groups: orEmpty(s.Groups), Zone: s.Zone, State: string(s.State), VouchedFor: s.SkipConfirmation,
		Created: s.Created, Confirmed: s.Confirmed, Asked: s.Asked, Strikes: s.Strikes, Struck: s.Struck,
		Quarantined: s.Quarantined, Reason: s.Reason, Purge: s.Purge,
	}
}

func (d *door) createSubscriber(ctx context.Context, in *bodyInput) (*created[api.Subscriber], error) {
	ask, err := decode[api.NewSubscriber](in.RawBody)
	if err != nil {
		return nil, err
	}
	now, p := d.Clock.Now(), d.Board.Current()
	s, err := newSubscriber(p, now, ask)
	if err != nil {
		return nil, err
	}
	var tell []notify.Notice
	if s.State == notify.Unconfirmed {
		tell = append(tell, page.Offer(p).Confirmation(now, s))
	}
	if err := d.Store.AddSubscriber(ctx, now, s, tell...); err != nil {
		return nil, ofAddress(err, s.Channel)
	}
	s.Version = 1
	return &created[api.Subscriber]{
		Location: location(api.PathSubscribers, s.ID), ETag: api.ETag(s.Version), Body: subscriberView(s),
	}, nil
}

func (d *door) createSubscribers(ctx context.Context, in *bodyInput) (*plain[api.SubscriberImported], error) {
	ask, err := decode[api.SubscriberImport](in.RawBody)
	if err != nil {
		return nil, err
	}
	switch n := len(ask.Subscribers); {
	case n == 0:
		return nil, &status.Invalid{Field: "subscribers", Rule: "must hold at least one"}
	case n > api.LargestImport:
		return nil, &status.Invalid{Field: "subscribers", Rule: fmt.Sprintf("must hold at most %d, not %d: send them in several calls", api.LargestImport, n)}
	}
	now, p := d.Clock.Now(), d.Board.Current()
	why := make([]error, len(ask.Subscribers))
	var taken []notify.Subscriber
	var tell []notify.Notice
	var places []int // in the request, of those that are taken
	for i, one := range ask.Subscribers {
		s, err := newSubscriber(p, now, one)
		if why[i] = err; err != nil {
			continue
		}
		if s.State == notify.Unconfirmed {
			tell = append(tell, page.Offer(p).Confirmation(now, s))
		}
		taken, places = append(taken, s), append(places, i)
	}
	if len(taken) > 0 {
		refused, err := d.Store.AddSubscribers(ctx, now, taken, tell...)
		if err != nil {
			return nil, err
		}
		for at, err := range refused {
			why[places[at]] = ofAddress(err, taken[at].Channel)
		}
	}
	done := api.SubscriberImported{Refused: []api.RefusedEntry{}}
	for i, err := range why {
		if err == nil {
			done.Taken++
			continue
		}
		refusal := d.refusalOf(ctx, err)
		done.Refused = append(done.Refused, api.RefusedEntry{Index: i, Address: ask.Subscribers[i].Address, Field: refusal.Field, Detail: refusal.Detail})
	}
	return &plain[api.SubscriberImported]{Body: done}, nil
}

// changed lets f change a subscriber on the condition of an If-Match header, and shows it.
func (d *door) changed(ctx context.Context, in *subscriberBodyInput, f func(s *notify.Subscriber, now time.Time) ([]notify.Notice, error)) (*versioned[api.Subscriber], error) {
	version, err := api.ParseETag(in.IfMatch)
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	var is notify.Subscriber
	err = d.Store.TellSubscriber(ctx, now, in.ID, func(s *notify.Subscriber) ([]notify.Notice, error) {
		if version != 0 && version != s.Version {
			return nil, status.ErrConflict
		}
		tell, err := f(s, now)
		is = *s
		return tell, err
	})
	if err != nil {
		return nil, noSubscriber(err, in.ID)
	}
	is.Version++
	return &versioned[api.Subscriber]{ETag: api.ETag(is.Version), Body: subscriberView(is)}, nil
}

func (d *door) changeSubscriber(ctx context.Context, in *subscriberBodyInput) (*versioned[api.Subscriber], error) {
	ask, err := decode[api.SubscriberChoice](in.RawBody)
	if err != nil {
		return nil, err
	}
	p := d.Board.Current()
	return d.changed(ctx, in, func(s *notify.Subscriber, _ time.Time) ([]notify.Notice, error) { return nil, choose(p, s, ask) })
}

func (d *door) reactivateSubscriber(ctx context.Context, in *subscriberBodyInput) (*versioned[api.Subscriber], error) {
	if _, err := decode[nothing](in.RawBody); err != nil {
		return nil, err
	}
	return d.changed(ctx, in, func(s *notify.Subscriber, _ time.Time) ([]notify.Notice, error) {
		if !s.Reactivate() {
			return nil, notIn(*s, notify.Quarantined)
		}
		return nil, nil
	})
}

func (d *door) resendConfirmation(ctx context.Context, in *subscriberBodyInput) (*versioned[api.Subscriber], error) {
	if _, err := decode[nothing](in.RawBody); err != nil {
		return nil, err
	}
	p := d.Board.Current()
	return d.changed(ctx, in, func(s *notify.Subscriber, now time.Time) ([]notify.Notice, error) {
		if s.State != notify.Unconfirmed {
			return nil, notIn(*s, notify.Unconfirmed)
		}
		s.Asked, s.AskedTimes = now, s.AskedTimes+1
		return []notify.Notice{page.Offer(p).Confirmation(now, *s)}, nil
	})
}

// notIn refuses what needs another state.
func notIn(s notify.Subscriber, needed notify.State) error {
	return problem(http.StatusConflict, api.CodeIllegal, fmt.Sprintf("subscriber %s is %s, and this is for one that is %s", s.ID, s.State, needed), "")
}

func (d *door) removeSubscriber(ctx context.Context, in *subscriberInput) (*nothing, error) {
	err := d.Store.ChangeSubscribers(ctx, d.Clock.Now(), []string{in.ID}, func(s *notify.Subscriber) error {
		s.Unsubscribe()
		return nil
	})
	return nil, noSubscriber(err, in.ID)
}
