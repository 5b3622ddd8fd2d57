package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"example.org/interlude/status"
	"example.org/interlude/webhook"
)

// Payloads write what webhooks carry about events and components, in the shape that their readers know.
type Payloads interface {
	// EventPayload tells of a maintenance or an incident; unsubscribe is the link to leave.
	EventPayload(m *status.Maintenance, i *status.Incident, p status.Page, groups []status.Group, components []status.Component, unsubscribe string, now time.Time) ([]byte, error)
	// ComponentPayload tells that readers see another condition of a component.
	ComponentPayload(c status.Component, was, is status.Condition, p status.Page, groups []status.Group, components []status.Component, unsubscribe string, at, now time.Time) ([]byte, error)
}

// Hooks is the courier of webhooks and chats. Its fields are set before its first use and not afterwards.
//
// Each post has a goroutine, and a slot among few while it is young. One that takes long gives its slot to others and goes
// on among many, so that endpoints that hang keep nobody waiting; and endpoints that did not answer before begin among
// the many.
type Hooks struct {
	Client   *webhook.Client
	Writer   Writer
	Payloads Payloads
	Clock    Clock

	once  sync.Once
	young chan struct{}
	all   chan struct{}
}

const (
	mostYoung = 128
	mostPosts = 1024
	// youth is how long a post counts as young.
	youth = 250 * time.Millisecond
	// hurried is how long a post may take when most slots are taken by posts that hang.
	hurried = 5 * time.Second
)

// Ready is always so: there is nothing between this machine and the endpoints that could be known to fail.
func (h *Hooks) Ready() error { return nil }

// Deliver posts to an endpoint.
func (h *Hooks) Deliver(ctx context.Context, d Delivery, n *Notice, done func(Result)) {
	h.once.Do(func() { h.young, h.all = make(chan struct{}, mostYoung), make(chan struct{}, mostPosts) })
	trusted := d.Attempts == 0 && d.To.Strikes == 0
	if trusted {
		select {
		case h.young <- struct{}{}:
		case <-ctx.Done():
			done(Result{Verdict: Postponed, Answer: context.Cause(ctx).Error()})
			return
		}
	}
	if !h.room(ctx, trusted) {
		if trusted {
			<-h.young
		}
		done(Result{Verdict: Postponed, After: 10 * time.Second, Answer: "too many endpoints do not answer at the moment"})
		return
	}
	go func() { // ends with the post, at the latest when ctx does or its time is over
		if trusted {
			grown := time.AfterFunc(youth, func() { <-h.young })
			defer func() {
				if grown.Stop() {
					<-h.young
				}
			}()
		}
		defer func() { <-h.all }()
		done(h.post(ctx, d, n))
	}()
}

// room takes one of all slots. Endpoints in doubt leave half of them to others.
func (h *Hooks) room(ctx context.Context, trusted bool) bool {
	if !trusted {
		if len(h.all) >= cap(h.all)/2 {
			return false
		}
		select {
		case h.all <- struct{}{}:
			return true
		default:
			return false
		}
	}
	select {
	case h.all <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// post makes one attempt.
func (h *Hooks) post(ctx context.Context, d Delivery, n *Notice) Result {
	body, err := h.Body(d, n)
	if err != nil {
		return Result{Verdict: Refused, Answer: "the message cannot be written: " + err.Error()}
	}
	patient := ctx
	if len(h.all) > cap(h.all)*3/4 {
		hurry, stop := context.WithTimeout(ctx, hurried)
		defer stop()
		patient = hurry
	}
	now := h.Clock.Now()
	r := webhook.Request{URL: d.To.Address, ID: hookID(d, now), Time: now, Body: body}
	if d.By == Webhook {
		r.Secret = h.Writer.Keys.WebhookSecret(d.To.ID)
	}
	result := answered(h.Client.Post(patient, r))
	if ctx.Err() != nil { // this node is stopping, for no fault of the endpoint
		return Result{Verdict: Postponed, Answer: context.Cause(ctx).Error()}
	}
	return result
}

// hookID names a delivery to its endpoint, the same for each attempt.
func hookID(d Delivery, now time.Time) string {
	if d.Notice == 0 { // a test, each of which is another one
		return fmt.Sprintf("msg_test_%d", now.UnixNano())
	}
	return fmt.Sprintf("msg_%d_%s", d.Notice, d.To.ID)
}

// Body is what an endpoint is sent.
func (h *Hooks) Body(d Delivery, n *Notice) ([]byte, error) {
	if d.By != Webhook || n.Kind.Personal() {
		return h.Writer.Post(d, n)
	}
	leave, now := h.Writer.Leave(n, d.To), h.Clock.Now()
	if n.Kind != ComponentChanged {
		return h.Payloads.EventPayload(n.Maintenance, n.Incident, n.Page, n.Groups, n.Components, leave, now)
	}
	for _, c := range n.Components {
		if c.ID == n.Component {
			return h.Payloads.ComponentPayload(c, n.Was, c.Condition, n.Page, n.Groups, n.Components, leave, n.At, now)
		}
	}
	return nil, fmt.Errorf("component %s: %w", n.Component, status.ErrNotFound)
}

// answered is what an endpoint's answer means.
func answered(a webhook.Answer) Result {
	r := Result{Answer: a.Line(), After: a.RetryAfter}
	switch a.Verdict() {
	case webhook.Delivered:
		r.Verdict = Accepted
	case webhook.Passing:
		r.Verdict = Passing
	case webhook.Gone:
		r.Verdict = Dead
	default:
		r.Verdict = Refused
	}
	return r
}
