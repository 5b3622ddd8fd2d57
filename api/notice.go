package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"example.org/interlude/status"
)

// The paths of notices below Prefix; {n} is a notice's number.
const (
	PathNotices       = "/notices"
	PathNotice        = "/notices/{n}"
	PathDeliveries    = "/notices/{n}/deliveries"
	PathNoticeRetry   = "/notices/{n}/retry"
	PathNoticePreview = "/notices/preview"
	PathNoticeTest    = "/notices/test"
)

// TestPatience is how long a test message may take: an endpoint that is slow is worth waiting for, because that is what is
// asked about. It is a little more than what the server gives itself.
const TestPatience = 50 * time.Second

// Notice is how far something that is told to subscribers has come.
type Notice struct {
	// N counts notices from 1.
	N int64 `json:"n" doc:"its number; notices count from 1, those about a subscription itself among them"`
	// Kind is what is told: of an event on the page, or "component" for another condition of one.
	Kind    string         `json:"kind" doc:"what is told" example:"begun"`
	Subject status.Subject `json:"subject" doc:"the maintenance, the incident or the component that it is about"`
	// Title is that of the maintenance or incident, or the component's name.
	Title string    `json:"title" doc:"the title of the maintenance or incident, or the component's name"`
	At    time.Time `json:"at" doc:"when it happened"`
	// Channels are how far it has come by each; empty when nobody is told.
	Channels []Fanout `json:"channels" doc:"how far it has come by each channel; empty when nobody is told"`
}

// Done reports whether nothing of the notice waits any more.
func (n Notice) Done() bool {
	for _, f := range n.Channels {
		if f.Waiting > 0 {
			return false
		}
	}
	return true
}

// Fanout is how far a notice has come by one channel.
type Fanout struct {
	Channel string `json:"channel" doc:"the channel" example:"email"`
	Total   int64  `json:"total" doc:"how many are told"`
	Sent    int64  `json:"sent" doc:"those whose side accepted it"`
	Failed  int64  `json:"failed" doc:"those that did not take it, for good"`
	Dropped int64  `json:"dropped" doc:"those that were overtaken by something later, or whose subscriber left before"`
	// Waiting are those that are not settled, the retrying ones among them.
	Waiting  int64 `json:"waiting" doc:"those that are not settled, the retrying ones among them"`
	Retrying int64 `json:"retrying" doc:"those that wait for another attempt"`
	// Rate is how many a second were settled on average, and Left the seconds that those which were not tried yet take at that
	// rate; both 0 while that is not known.
	Rate  float64   `json:"rate" doc:"how many a second were settled on average; 0 while that is not known" example:"1250.5"`
	Left  int64     `json:"left_seconds" doc:"the seconds that those which were not tried yet take at that rate; 0 when none is left or that is not known"`
	Began time.Time `json:"began,omitzero" doc:"when the first of them was settled"`
	// Latest is when the last one was settled.
	Latest time.Time `json:"latest,omitzero" doc:"when the last of them was settled"`
}

// Way is a channel as it stands: what waits for it, and whether anything goes out by it.
type Way struct {
	Channel string `json:"channel" doc:"the channel" example:"email"`
	Waiting int64  `json:"waiting" doc:"the deliveries in its queue, to within some seconds"`
	// Due is since when the one that waits longest is due; it lies ahead when all wait for another attempt.
	Due time.Time `json:"due,omitzero" doc:"since when the one that waits longest is due; it lies ahead when all wait for another attempt"`
	// Halted says why nothing goes out by it at the moment; empty while it does.
	Halted string `json:"halted,omitempty" doc:"why nothing goes out by it at the moment"`
}

// Notices is one page of notices, the latest first, with the channels as they stand.
type Notices struct {
	Items []Notice `json:"items"`
	// Next is what before must be for the following page, empty on the last one.
	Next     string `json:"next,omitempty" doc:"what before must be for the following page; absent on the last one"`
	Channels []Way  `json:"channels" doc:"the channels that are set up, or that something waits for"`
}

// Delivery is one notice on its way to one subscriber.
type Delivery struct {
	Notice  int64          `json:"notice" doc:"the notice's number"`
	Kind    string         `json:"kind" doc:"what is told" example:"begun"`
	Subject status.Subject `json:"subject,omitzero" doc:"what it is about; absent for what concerns the subscription alone"`
	Noticed time.Time      `json:"noticed" doc:"when the notice was made"`
	// Subscriber is its id and Address where it goes; both are empty for one that was forgotten.
	Subscriber string `json:"subscriber,omitempty" doc:"the subscriber's id; absent for one that was forgotten"`
	Address    string `json:"address,omitempty" doc:"the subscriber's address" example:"ops@example.com"`
	Channel    string `json:"channel" doc:"by what it goes" example:"email"`
	Fate       string `json:"fate" enum:"waiting,sent,failed,dropped" doc:"what became of it"`
	Attempts   int    `json:"attempts" doc:"the attempts that were made"`
	// At is when the last attempt was made, Answer what the other side said, and Due when the next one is made.
	At     time.Time `json:"at,omitzero" doc:"when the last attempt was made"`
	Answer string    `json:"answer,omitempty" doc:"what the other side said, in one line" example:"250 2.0.0 Ok: queued"`
	Due    time.Time `json:"due,omitzero" doc:"when the next attempt is made; absent while it waits for its first one"`
}

// Retried is what came of trying a notice again.
type Retried struct {
	Retried int64 `json:"retried" doc:"the failed deliveries that wait again"`
}

// NoticeQuestion asks who would get what if something were told now. Nothing is told.
type NoticeQuestion struct {
	// Subject is the id or key of a maintenance or an incident.
	Subject string `json:"subject" doc:"the id or key of a maintenance or an incident" example:"database-upgrade"`
	// Kind is what would be told. What was said already is shown as it was said, unless Body or Until says something else; the
	// rest is shown as if it were done now, or when the clock will do it.
	Kind string `json:"kind" doc:"what would be told: announced, changed, reminded, delayed, begun, running, updated, overran, extended, estimated, verifying, completed, canceled or reopened; of an incident opened, moved, resolved or postmortem" example:"begun"`
	Body string `json:"body,omitempty" doc:"what readers would be told, Markdown; without it, the standard wording"`
	// Until is the new end, for extended and estimated.
	Until *time.Time `json:"until,omitempty" doc:"the new end; for extended and estimated"`
	// To is an address for which the message is written, by Channel, with times in Zone. A subscriber's own are taken where
	// these are empty. Without To and Zone no message is written.
	To      string `json:"to,omitempty" doc:"an address for which the message is written; a subscriber's channel and zone are taken where none are given" example:"ops@example.com"`
	Channel string `json:"channel,omitempty" doc:"the channel for which the message is written"`
	Zone    string `json:"zone,omitempty" doc:"the IANA time zone for which the message is written" example:"Europe/Berlin"`
	// Limit bounds the recipients, 0 is DefaultLimit, and After is Next of the page before.
	Limit int    `json:"limit,omitempty" doc:"how many recipients at most; 50 without it"`
	After string `json:"after,omitempty" doc:"next of the page before"`
}

// NoticePreview is who would get what.
type NoticePreview struct {
	Kind    string         `json:"kind" doc:"what would be told" example:"begun"`
	Subject status.Subject `json:"subject"`
	Title   string         `json:"title"`
	At      time.Time      `json:"at" doc:"when it was said, would be said, or will be"`
	// Reach counts who would be told, by channel.
	Reach []Reach `json:"reach" doc:"how many would be told, by channel"`
	// Recipients are some of them, in the order of their subscription.
	Recipients []NoticeRecipient `json:"recipients" doc:"who would be told, in the order of their subscription"`
	Next       string            `json:"next,omitempty" doc:"what after must be for the following recipients; absent with the last ones"`
	// Components are those whose conditions change with it, of which webhooks are told by messages of their own.
	Components []ComponentTurn `json:"components" doc:"the components that readers would see change; webhooks are told of each by a message of its own"`
	// Message is what one recipient would get, where that was asked for.
	Message *NoticeMessage `json:"message,omitempty" doc:"what one recipient would get, where that was asked for"`
}

// Reach is how many would be told by a channel.
type Reach struct {
	Channel string `json:"channel" doc:"the channel" example:"email"`
	Total   int    `json:"total" doc:"how many would be told by it"`
}

// NoticeRecipient is somebody who would be told.
type NoticeRecipient struct {
	ID      string `json:"id" doc:"the subscriber's id"`
	Channel string `json:"channel" doc:"the channel" example:"email"`
	Address string `json:"address" doc:"the subscriber's address" example:"ops@example.com"`
	Zone    string `json:"zone,omitempty" doc:"the time zone that it reads times in; absent for the page's"`
	// Why says which subscription it is: to the page, to chosen components, or to the event alone.
	Why string `json:"why" enum:"page,chosen,event" doc:"what it subscribed to: the whole page, chosen components or groups, or the maintenance or incident alone"`
}

// ComponentTurn is another condition of a component.
type ComponentTurn struct {
	Component string           `json:"component" doc:"its full name"`
	Was       status.Condition `json:"was" doc:"what readers saw of it before"`
	Is        status.Condition `json:"is" doc:"what they would see"`
}

// NoticeMessage is what one recipient would get.
type NoticeMessage struct {
	// Told says whether the address is among those who would be told.
	Told    bool   `json:"told" doc:"whether the address is among those who would be told"`
	Channel string `json:"channel" doc:"the channel" example:"email"`
	Address string `json:"address" doc:"the address; an invented one where only a zone was given" example:"ops@example.com"`
	Zone    string `json:"zone,omitempty" doc:"the time zone in which times are given; absent for the page's"`
	Subject string `json:"subject,omitempty" doc:"the subject of an e-mail"`
	Text    string `json:"text" doc:"the text, or what an endpoint is sent"`
	HTML    string `json:"html,omitempty" doc:"the same for mail programs that show HTML"`
}

// NoticeTest asks for a test message.
type NoticeTest struct {
	// Channel is by what it goes; empty is email, or webhook for a URL.
	Channel string `json:"channel,omitempty" enum:"email,webhook,slack,teams,discord" doc:"by what it goes; without it, email or, for a URL, webhook"`
	Address string `json:"address" doc:"where it goes: an e-mail address or the URL of an endpoint" example:"ops@example.com"`
}

// NoticeTested is what came of a test message.
type NoticeTested struct {
	Sent bool `json:"sent" doc:"whether the other side accepted it"`
	// Answer is what the other side said, or why it could not be asked.
	Answer string `json:"answer" doc:"what the other side said, or why it could not be asked" example:"250 2.0.0 Ok: queued"`
}

// NoticeFilter chooses notices, the latest first.
type NoticeFilter struct {
	// Subject is the id or key of a maintenance or an incident, or a component's id; empty is all.
	Subject string
	// Limit is how many at most; 0 is DefaultLimit.
	Limit int
	// Before is Next of the page before.
	Before string
}

// DeliveryFilter chooses deliveries of a notice, in the order of subscriptions.
type DeliveryFilter struct {
	// Fate is what became of them; empty is whatever.
	Fate string
	// Limit is how many at most; 0 is DefaultLimit.
	Limit int
	// After is Next of the page before.
	After string
}

func (f NoticeFilter) query() url.Values {
	query := listQuery(nil, f.Limit, "before", f.Before)
	if f.Subject != "" {
		query.Set("subject", f.Subject)
	}
	return query
}

func (f DeliveryFilter) query() url.Values {
	query := listQuery(nil, f.Limit, "after", f.After)
	if f.Fate != "" {
		query.Set("fate", f.Fate)
	}
	return query
}

// Notices lists how far notices have come, one page of them, the latest first.
func (c *Client) Notices(ctx context.Context, which NoticeFilter) (Notices, error) {
	return get[Notices](ctx, c, PathNotices, which.query())
}

// numbered puts a notice's number into a path.
func numbered(pattern string, n int64) (string, error) {
	return fill(pattern, strconv.FormatInt(n, 10))
}

// Notice tells how far one has come.
func (c *Client) Notice(ctx context.Context, n int64) (Notice, error) {
	path, err := numbered(PathNotice, n)
	if err != nil {
		return Notice{}, err
	}
	return get[Notice](ctx, c, path, nil)
}

// Deliveries lists to whom a notice goes and what became of that, one page of them.
func (c *Client) Deliveries(ctx context.Context, n int64, which DeliveryFilter) (List[Delivery], error) {
	path, err := numbered(PathDeliveries, n)
	if err != nil {
		return List[Delivery]{}, err
	}
	return get[List[Delivery]](ctx, c, path, which.query())
}

// RetryNotice tries failed deliveries of a notice again.
func (c *Client) RetryNotice(ctx context.Context, n int64) (Retried, error) {
	path, err := numbered(PathNoticeRetry, n)
	if err != nil {
		return Retried{}, err
	}
	return send[Retried](ctx, c, http.MethodPost, path, struct{}{}, 0)
}

// PreviewNotice tells who would get what if something were told now, and tells nobody.
func (c *Client) PreviewNotice(ctx context.Context, ask NoticeQuestion) (NoticePreview, error) {
	return send[NoticePreview](ctx, c, http.MethodPost, PathNoticePreview, ask, 0)
}

// TestNotice sends a test message, and waits for what the other side says.
func (c *Client) TestNotice(ctx context.Context, ask NoticeTest) (NoticeTested, error) {
	var out NoticeTested
	err := c.do(ctx, call{method: http.MethodPost, path: PathNoticeTest, body: ask, patience: TestPatience}, &out)
	return out, err
}
