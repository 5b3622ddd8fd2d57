package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	gomail "github.com/emersion/go-message/mail"

	"example.org/interlude/notify"
	"example.org/interlude/web"
)

// Halted says why nothing goes out by a channel, nothing while it does.
func (t *notices) Halted(c notify.Channel) error { return t.dispatch.Halted(c) }

// Preview writes what a recipient would get, and sends nothing.
func (t *notices) Preview(_ context.Context, n notify.Notice, to notify.Recipient) (web.Rendered, error) {
	d := notify.Delivery{Notice: n.N, To: to, By: to.Channel}
	if to.Channel != notify.Email {
		body, err := t.hooks.Body(d, &n)
		return web.Rendered{Raw: body}, err
	}
	if t.mailer == nil {
		return web.Rendered{}, notify.ErrNoCourier
	}
	letter, err := t.writer.Letter(&n, to.Zone)
	if err != nil {
		return web.Rendered{}, err
	}
	raw, err := letter.Append(nil, t.writer.Values(&n, d))
	if err != nil {
		return web.Rendered{}, err
	}
	return rendered(raw)
}

// rendered reads a message back as a mail program does, so that operators see what arrives and not what was meant.
func rendered(raw []byte) (web.Rendered, error) {
	r := web.Rendered{Raw: raw}
	message, err := gomail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return r, fmt.Errorf("read the message back: %w", err)
	}
	defer message.Close()
	if r.Subject, err = message.Header.Subject(); err != nil {
		return r, fmt.Errorf("read the subject back: %w", err)
	}
	for {
		part, err := message.NextPart()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return r, fmt.Errorf("read the message back: %w", err)
		}
		inline, ok := part.Header.(*gomail.InlineHeader)
		if !ok {
			continue // an attachment
		}
		kind, _, _ := inline.ContentType()
		text, err := io.ReadAll(part.Body)
		switch {
		case err != nil:
			return r, fmt.Errorf("read the message back: %w", err)
		case kind == "text/html":
			r.HTML = string(text)
		case kind == "text/plain":
			r.Text = string(text)
		}
	}
}

// Test sends a test message now, and returns what the other side said.
func (t *notices) Test(ctx context.Context, channel notify.Channel, address string) (string, error) {
	to := notify.Recipient{Channel: channel, Address: address, State: notify.Active}
	courier, known := t.dispatch.Couriers[channel]
	if !known {
		return "", notify.ErrNoCourier
	}
	if err := courier.Ready(); err != nil {
		return "", err
	}
	n := notify.Notice{Kind: notify.Test, At: t.clock.Now(), Page: t.page()}
	answered := make(chan notify.Result, 1)
	courier.Deliver(ctx, notify.Delivery{To: to, By: channel, Granted: true}, &n, func(r notify.Result) { answered <- r })
	select {
	case r := <-answered:
		if r.Verdict != notify.Accepted {
			return "", fmt.Errorf("%s was not accepted: %s", address, r.Answer)
		}
		return r.Answer, nil
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), errors.New("no answer yet; the message may still arrive"))
	}
}

var _ web.NoticeDesk = (*notices)(nil)
