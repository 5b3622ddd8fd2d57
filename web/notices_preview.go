package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

func (d *door) previewNotice(ctx context.Context, in *bodyInput) (*plain[api.NoticePreview], error) {
	ask, err := decode[api.NoticeQuestion](in.RawBody)
	if err != nil {
		return nil, err
	}
	after, err := checkQuestion(&ask)
	if err != nil {
		return nil, err
	}
	p := d.Board.Current()
	n, turns, err := d.rehearse(ctx, p, ask)
	if err != nil {
		return nil, err
	}
	view := api.NoticePreview{Kind: string(n.Kind), Subject: n.Subject(), At: n.At, Title: titleOf(n), Components: turns}
	if view.Reach, err = d.reach(ctx, n.Audience); err != nil {
		return nil, err
	}
	recipients, err := d.Store.Recipients(ctx, n.Audience, after, ask.Limit)
	if err != nil {
		return nil, err
	}
	view.Recipients = make([]api.NoticeRecipient, len(recipients))
	for i, r := range recipients {
		view.Recipients[i] = api.NoticeRecipient{ID: r.ID, Channel: string(r.Channel), Address: r.Address, Zone: r.Zone, Why: whyTold(r)}
	}
	if last := len(recipients) - 1; len(recipients) == ask.Limit {
		view.Next = strconv.FormatInt(recipients[last].N, 10)
	}
	if ask.To != "" || ask.Zone != "" {
		if view.Message, err = d.message(ctx, n, ask); err != nil {
			return nil, err
		}
	}
	return &plain[api.NoticePreview]{Body: view}, nil
}

// checkQuestion refuses what no preview can be made of, fills in the limit, and reads the cursor.
func checkQuestion(ask *api.NoticeQuestion) (after int64, err error) {
	if ask.Limit == 0 {
		ask.Limit = api.DefaultLimit
	}
	if ask.After != "" {
		if after, err = strconv.ParseInt(ask.After, 10, 64); err != nil || after < 0 {
			return 0, &status.Invalid{Field: "after", Rule: "must be next of an earlier page"}
		}
	}
	switch {
	case ask.Subject == "":
		return 0, &status.Invalid{Field: "subject", Rule: "is required: the id or key of a maintenance or an incident"}
	case ask.Limit < 1 || ask.Limit > api.LargestLimit:
		return 0, &status.Invalid{Field: "limit", Rule: fmt.Sprintf("must be from 1 to %d", api.LargestLimit)}
	case ask.Channel != "" && ask.To == "" && ask.Zone == "":
		return 0, &status.Invalid{Field: "channel", Rule: "needs to or zone: for whom the message is written"}
	}
	return after, checkZone(ask.Zone)
}

// checkZone refuses what is no time zone.
func checkZone(name string) error {
	if _, err := status.LoadZone(name); err != nil {
		return &status.Invalid{Field: "zone", Rule: fmt.Sprintf("must be an IANA name such as UTC or Europe/Berlin, not %q", name)}
	}
	return nil
}

func titleOf(n notify.Notice) string {
	if n.Maintenance != nil {
		return n.Maintenance.Title
	}
	return n.Incident.Title
}

func whyTold(r notify.Recipient) string {
	switch {
	case r.Event != "":
		return "event"
	case r.Chosen:
		return "chosen"
	}
	return "page"
}

// reach counts an audience by channel, in the order of the channels.
func (d *door) reach(ctx context.Context, a notify.Audience) ([]api.Reach, error) {
	counts, err := d.Store.Reach(ctx, a)
	if err != nil {
		return nil, err
	}
	all := []api.Reach{}
	for _, c := range notify.Channels {
		if n := counts[c]; n > 0 {
			all = append(all, api.Reach{Channel: string(c), Total: n})
		}
	}
	return all, nil
}

// rehearse lets happen in a book of its own what is asked about, and gives what would be told of it. The notice is made as that of
// a real change, so that neither its audience nor its words can differ.
func (d *door) rehearse(ctx context.Context, p *board.Picture, ask api.NoticeQuestion) (notify.Notice, []api.ComponentTurn, error) {
	e, ok := p.Event(ask.Subject)
	if !ok {
		return notify.Notice{}, nil, absent(p, ask.Subject, status.KindMaintenance, status.KindIncident)
	}
	book := bookOf(p, e)
	was := notify.Look(book)
	r := rehearsal{book: book, ask: ask, kind: status.EventKind(ask.Kind), now: d.Clock.Now(), by: visitorOf(ctx).actor()}
	var err error
	if e.Maintenance != nil {
		err = r.maintenance(*e.Maintenance)
	} else {
		err = r.incident(*e.Incident)
	}
	if err != nil {
		return notify.Notice{}, nil, err
	}
	var told *notify.Notice
	turns := []api.ComponentTurn{}
	for _, n := range was.Notices(book) {
		switch {
		case n.Kind == notify.ComponentChanged:
			at := slices.IndexFunc(n.Components, func(c status.Component) bool { return c.ID == n.Component })
			turns = append(turns, api.ComponentTurn{Component: p.FullName(n.Component), Was: n.Was, Is: n.Components[at].Condition})
		case n.Kind == notify.Kind(r.kind) && n.Subject() == e.Subject():
			told = &n
		}
	}
	if told == nil {
		return notify.Notice{}, nil, &status.Invalid{Field: "kind", Rule: "is told to nobody here: what was entered afterwards is a record"}
	}
	return *told, turns, nil
}

// message is what the recipient that was asked about would get.
func (d *door) message(ctx context.Context, n notify.Notice, ask api.NoticeQuestion) (*api.NoticeMessage, error) {
	to, told, err := d.recipient(ctx, n.Audience, ask)
	if err != nil {
		return nil, err
	}
	if d.Notices == nil {
		return nil, noWay(to.Channel)
	}
	written, err := d.Notices.Preview(ctx, n, to)
	switch {
	case errors.Is(err, notify.ErrNoCourier):
		return nil, noWay(to.Channel)
	case err != nil:
		return nil, err
	}
	text := written.Text
	if text == "" {
		text = string(written.Raw)
	}
	return &api.NoticeMessage{
		Told: told, Channel: string(to.Channel), Address: to.Address, Zone: to.Zone, Subject: written.Subject, Text: text, HTML: written.HTML,
	}, nil
}

// recipient is whom a message is written for: the subscriber with that address, before others one who is among the audience, or
// else somebody who is not subscribed; without an address, anybody. It reports whether they are among the audience.
func (d *door) recipient(ctx context.Context, a notify.Audience, ask api.NoticeQuestion) (to notify.Recipient, told bool, err error) {
	if ask.To == "" {
		channel, err := channelOf(ask.Channel, "")
		to = notify.Recipient{Channel: channel, Address: "somebody@example.com", Zone: ask.Zone, State: notify.Active}
		if channel != notify.Email {
			to.Address = "https://example.com/hook"
		}
		return to, false, err
	}
	asked, err := reached(ask.Channel, ask.To, "")
	if err != nil {
		return to, false, inField(err, "to")
	}
	const most = 50 // an address has a subscription to the page and perhaps some to events
	all, err := d.Store.Subscribers(ctx, notify.Query{Text: asked.Address, AnyEvent: true, Limit: most})
	if err != nil {
		return to, false, err
	}
	to = notify.Recipient{Channel: asked.Channel, Address: asked.Address, State: notify.Active}
	for _, s := range all {
		if !strings.EqualFold(s.Address, asked.Address) || ask.Channel != "" && s.Channel != asked.Channel {
			continue
		}
		to = notify.Recipient{
			N: s.N, ID: s.ID, Channel: s.Channel, Address: s.Address, Contact: s.Contact, Zone: s.Zone, Event: s.Event,
			Chosen: len(s.Components)+len(s.Groups) > 0, State: s.State, Strikes: s.Strikes,
		}
		next, err := d.Store.Recipients(ctx, a, s.N-1, 1)
		if err != nil {
			return to, false, err
		}
		if told = len(next) > 0 && next[0].N == s.N; told {
			break
		}
	}
	if ask.Zone != "" {
		to.Zone = ask.Zone
	}
	return to, told, nil
}
