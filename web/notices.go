package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// NoticeDesk writes and sends messages, for operators who want to see one.
type NoticeDesk interface {
	// Preview writes what a recipient would get, and sends nothing.
	Preview(ctx context.Context, n notify.Notice, to notify.Recipient) (Rendered, error)
	// Test sends a test message now, and returns what the other side said. An error says that it was not accepted, and why.
	Test(ctx context.Context, channel notify.Channel, address string) (answer string, err error)
	// Halted says why nothing goes out by a channel, nothing while it does; notify.ErrNoCourier for one that is not set up.
	Halted(channel notify.Channel) error
}

// Rendered is a message as a recipient gets it. Endpoints get Raw alone.
type Rendered struct {
	Subject, Text, HTML string
	Raw                 []byte
}

// halted says why nothing goes out by a channel. A server without a desk tells nobody.
func (d *door) halted(c notify.Channel) error {
	if d.Notices == nil {
		return notify.ErrNoCourier
	}
	return d.Notices.Halted(c)
}

type noticeListInput struct {
	Subject string `query:"subject" maxLength:"300" doc:"keep those about a maintenance or an incident, by id or key, or about a component, by id"`
	Before  int64  `query:"before" minimum:"0" doc:"next of the page before"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
}

type noticeInput struct {
	N int64 `path:"n" minimum:"1" maximum:"9007199254740991" doc:"the notice's number" example:"17"`
}

type retryInput struct {
	N       int64  `path:"n" minimum:"1" maximum:"9007199254740991" doc:"the notice's number" example:"17"`
	RawBody []byte `contentType:"application/json"`
}

type deliveryListInput struct {
	N     int64  `path:"n" minimum:"1" maximum:"9007199254740991" doc:"the notice's number" example:"17"`
	Fate  string `query:"fate" enum:"waiting,sent,failed,dropped" doc:"keep those of which this became"`
	After int64  `query:"after" minimum:"0" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
}

func (d *door) notices(ctx context.Context, in *noticeListInput) (*plain[api.Notices], error) {
	subject, err := subjectOf(d.Board.Current(), in.Subject)
	if err != nil {
		return nil, err
	}
	all, err := d.Store.Progress(ctx, subject, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	list := api.Notices{Items: make([]api.Notice, len(all))}
	waits := map[notify.Channel]bool{}
	for i, p := range all {
		list.Items[i] = noticeView(p)
		for _, f := range p.Fanouts {
			waits[f.Channel] = waits[f.Channel] || f.Waiting() > 0
		}
	}
	if last := len(all) - 1; len(all) == in.Limit && all[last].Notice > 1 {
		list.Next = strconv.FormatInt(all[last].Notice, 10)
	}
	if list.Channels, err = d.ways(ctx, waits); err != nil {
		return nil, err
	}
	return &plain[api.Notices]{Body: list}, nil
}

// subjectOf is the id of what a reference means: a maintenance, an incident or a component. Nothing means all.
func subjectOf(p *board.Picture, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	if e, ok := p.Event(ref); ok {
		return e.Subject().ID, nil
	}
	if _, ok := p.Component(ref); ok {
		return ref, nil
	}
	return "", absent(p, ref, status.KindMaintenance, status.KindIncident)
}

// ways are the channels that are set up, or that something waits for. What is known to wait counts although the queue was
// measured before it did.
func (d *door) ways(ctx context.Context, waits map[notify.Channel]bool) ([]api.Way, error) {
	lengths, err := d.queue.measured(ctx, d.Store)
	if err != nil {
		return nil, err
	}
	all := []api.Way{}
	for _, c := range notify.Channels {
		backlog := lengths[c]
		way := api.Way{Channel: string(c), Waiting: backlog.Waiting, Due: backlog.Due}
		if err := d.halted(c); err != nil {
			if errors.Is(err, notify.ErrNoCourier) && backlog.Waiting == 0 && !waits[c] {
				continue
			}
			way.Halted = err.Error()
		}
		all = append(all, way)
	}
	return all, nil
}

func (d *door) notice(ctx context.Context, in *noticeInput) (*plain[api.Notice], error) {
	found, err := d.Store.Progress(ctx, "", in.N+1, 1)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0 || found[0].Notice != in.N:
		return nil, noNotice(in.N)
	}
	return &plain[api.Notice]{Body: noticeView(found[0])}, nil
}

func noNotice(n int64) error {
	return &missing{fmt.Sprintf("no notice about the page has the number %d", n), "`interlude notice list` shows them."}
}

func noticeView(p notify.Progress) api.Notice {
	view := api.Notice{
		N: p.Notice, Kind: string(p.Kind), Subject: p.Subject, Title: p.Title, At: p.At, Channels: make([]api.Fanout, len(p.Fanouts)),
	}
	for i, f := range p.Fanouts {
		view.Channels[i] = api.Fanout{
			Channel: string(f.Channel), Total: f.Total, Sent: f.Sent, Failed: f.Failed, Dropped: f.Dropped, Waiting: f.Waiting(),
			Retrying: f.Retrying, Rate: math.Round(f.Rate()*10) / 10, Left: int64(math.Ceil(f.Left().Seconds())), Began: f.Began, Latest: f.Latest,
		}
	}
	return view
}

func (d *door) deliveries(ctx context.Context, in *deliveryListInput) (*plain[api.List[api.Delivery]], error) {
	all, err := d.Store.Deliveries(ctx, in.N, notify.Fate(in.Fate), in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		if _, err := d.Store.Notice(ctx, in.N); errors.Is(err, status.ErrNotFound) {
			return nil, noNotice(in.N)
		} else if err != nil {
			return nil, err
		}
	}
	list := api.List[api.Delivery]{Items: deliveryViews(all)}
	if len(all) == in.Limit {
		list.Next = strconv.FormatInt(all[len(all)-1].N, 10)
	}
	return &plain[api.List[api.Delivery]]{Body: list}, nil
}

func deliveryViews(all []notify.Delivered) []api.Delivery {
	views := make([]api.Delivery, len(all))
	for i, d := range all {
		views[i] = api.Delivery{
			Notice: d.Notice, Kind: string(d.Kind), Subject: d.Subject, Noticed: d.Noticed, Subscriber: d.Subscriber, Address: d.Address,
			Channel: string(d.Channel), Fate: string(d.Fate), Attempts: d.Attempts, At: d.At, Answer: d.Answer, Due: d.Due,
		}
	}
	return views
}

func (d *door) retryNotice(ctx context.Context, in *retryInput) (*plain[api.Retried], error) {
	if _, err := decode[nothing](in.RawBody); err != nil {
		return nil, err
	}
	n, err := d.Store.Retry(ctx, d.Clock.Now(), in.N)
	if errors.Is(err, status.ErrNotFound) {
		return nil, noNotice(in.N)
	}
	if err != nil {
		return nil, err
	}
	return &plain[api.Retried]{Body: api.Retried{Retried: n}}, nil
}

// testPatience is how long a test message may take.
const testPatience = 40 * time.Second

func (d *door) testNotice(ctx context.Context, in *bodyInput) (*plain[api.NoticeTested], error) {
	ask, err := decode[api.NoticeTest](in.RawBody)
	if err != nil {
		return nil, err
	}
	to, err := reached(ask.Channel, ask.Address, "")
	if err != nil {
		return nil, err
	}
	if err := d.halted(to.Channel); errors.Is(err, notify.ErrNoCourier) {
		return nil, noWay(to.Channel)
	}
	// Nothing is told to subscribers; what is saved is that somebody asked for it, and its key, so that a repetition of the
	// request sends nothing.
	if err := d.Store.Tell(ctx, d.Clock.Now()); err != nil {
		return nil, err
	}
	answer, err := d.Notices.Test(ctx, to.Channel, to.Address)
	done := api.NoticeTested{Sent: err == nil, Answer: answer}
	if err != nil {
		done.Answer = err.Error()
	}
	return &plain[api.NoticeTested]{Body: done}, nil
}

// noWay refuses a channel that is not set up.
func noWay(c notify.Channel) error {
	return &status.Invalid{Field: "channel", Rule: fmt.Sprintf("cannot be %s: %v", c, notify.ErrNoCourier)}
}
