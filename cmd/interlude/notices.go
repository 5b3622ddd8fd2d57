package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.org/interlude/keeper"
	"example.org/interlude/mail"
	"example.org/interlude/notify"
	"example.org/interlude/page"
	"example.org/interlude/status"
	"example.org/interlude/statuspage"
	"example.org/interlude/store"
	"example.org/interlude/web"
	"example.org/interlude/webhook"
)

// notices are the parts that tell subscribers.
type notices struct {
	store    *store.Store
	clock    ticking
	page     func() status.Page
	log      *slog.Logger
	writer   notify.Writer
	pool     *mail.Pool // nil where nobody is told by mail
	mailer   *notify.Mailer
	hooks    *notify.Hooks
	dispatch *notify.Dispatcher
	// bounces come back through receive, where a listener was asked for.
	bounces *notify.Bounces
	receive func(context.Context) error
}

// tellSubscribers adds to a node what tells subscribers, and where they subscribe.
func (n *node) tellSubscribers(ctx context.Context, c noticesConfig, clock ticking, log *slog.Logger) error {
	secret, err := noticeSecret(ctx, n.store, clock.Now())
	if err != nil {
		return err
	}
	allow, err := c.Webhooks.prefixes()
	if err != nil {
		return err
	}
	t := &notices{
		store: n.store, clock: clock, log: log, page: func() status.Page { return n.board.Current().Page },
		writer: notify.Writer{Keys: notify.NewKeys(secret)},
	}
	if c.Mail != nil {
		if err := errors.Join(t.sendMail(c), t.takeBounces(ctx, c.Mail)); err != nil {
			return err
		}
	}
	client := webhook.New(allow, "Interlude/"+version())
	t.hooks = &notify.Hooks{Client: client, Writer: t.writer, Payloads: statuspage.Hook{}, Clock: clock}
	couriers := map[notify.Channel]notify.Courier{
		notify.Webhook: t.hooks, notify.Slack: t.hooks, notify.Teams: t.hooks, notify.Discord: t.hooks,
	}
	channels := []notify.Channel{notify.Webhook, notify.Slack, notify.Teams, notify.Discord}
	if t.mailer != nil {
		couriers[notify.Email] = t.mailer
		channels = append([]notify.Channel{notify.Email}, channels...)
	}
	t.dispatch = &notify.Dispatcher{Outbox: n.store, Couriers: couriers, Clock: clock, Log: log, Window: c.Window}
	t.count(&n.door)
	changed := n.keeper.Changed
	n.keeper.Changed = func() { changed(); t.dispatch.Prod() }
	n.site.Subscriptions(&notify.Desk{
		Register: n.store, Endpoints: client, Offer: func() notify.Offer { return page.Offer(n.board.Current()) }, Channels: channels, Keys: t.writer.Keys, Clock: clock, NewID: keeper.NewID,
	}, n.door.ClientOf)
	n.door.Notices = t
	n.hands = append(n.hands, t.dispatch.Run, t.forget)
	if t.pool != nil {
		n.hands = append(n.hands, t.pool.Run)
	}
	if t.receive != nil {
		n.hands = append(n.hands, t.receive)
	}
	return nil
}

// count adds figures of what went out, and of what came back.
func (t *notices) count(door *web.Server) {
	settled := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "interlude_deliveries_total", Help: "Attempts of this node to deliver, by channel and by what they came to; waiting ones are tried again.",
	}, []string{"channel", "fate"})
	t.dispatch.Settled = func(c notify.Channel, f notify.Fate) { settled.WithLabelValues(string(c), string(f)).Inc() }
	door.Collectors = append(door.Collectors, settled)
	if t.bounces == nil {
		return
	}
	for kind, read := range map[string]func(notify.BounceCounts) int64{
		"dead":      func(c notify.BounceCounts) int64 { return c.Dead },
		"refused":   func(c notify.BounceCounts) int64 { return c.Refused },
		"passing":   func(c notify.BounceCounts) int64 { return c.Passing },
		"complaint": func(c notify.BounceCounts) int64 { return c.Complaints },
		"ignored":   func(c notify.BounceCounts) int64 { return c.Ignored },
	} {
		door.Collectors = append(door.Collectors, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "interlude_bounces_total", Help: "What came back of mails, by what it says.", ConstLabels: prometheus.Labels{"kind": kind},
		}, func() float64 { return float64(read(t.bounces.Counts())) }))
	}
}

// sendMail sets up the courier of e-mail.
func (t *notices) sendMail(c noticesConfig) error {
	name, from, err := c.Mail.sender()
	if err != nil {
		return err
	}
	relays, connections, err := c.Mail.relays()
	if err != nil {
		return err
	}
	signers, err := c.signers()
	if err != nil {
		return err
	}
	t.writer.From, t.writer.FromName = from, name
	if c.Mail.ReplyTo != "" {
		if t.writer.ReplyTo, err = mail.ParseMailbox(c.Mail.ReplyTo); err != nil {
			return fmt.Errorf("mail.reply_to: %w", err)
		}
	}
	hello := c.Mail.Hello
	if hello == "" {
		if hello, err = os.Hostname(); err != nil {
			hello = from.Domain
		}
	}
	t.pool = mail.NewPool(relays, hello, t.log)
	t.mailer = &notify.Mailer{
		Relays: t.pool, Writer: t.writer, Signers: signers, Limits: c.Mail.Limits, Connections: connections, Clock: t.clock,
	}
	return nil
}

// takeBounces gives mails their return addresses and, where the configuration says so, listens for what comes back to them.
func (t *notices) takeBounces(ctx context.Context, c *mailConfig) error {
	if t.mailer == nil {
		return nil // refused already
	}
	t.bounces = &notify.Bounces{From: t.writer.From, Keys: t.writer.Keys, Ledger: t.store, Clock: t.clock, Log: t.log}
	t.mailer.Envelope = t.bounces.Envelope
	if c.Bounces.Address == "" {
		if c.Bounces.Listen != "" {
			return errors.New("mail.bounces.address: is required beside listen: the mailbox that reports come to, such as bounces@status.northwind.example")
		}
		return nil
	}
	address, err := mail.ParseMailbox(c.Bounces.Address)
	if err != nil {
		return fmt.Errorf("mail.bounces.address: %w", err)
	}
	t.bounces.Address = address
	if err := t.bounces.Check(); err != nil {
		return fmt.Errorf("mail.bounces.address: %w", err)
	}
	if c.Bounces.Listen == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Bounces.Listen)
	if err != nil {
		return fmt.Errorf("mail.bounces.listen: %w", err)
	}
	t.log.Info("bounces are taken", "address", listener.Addr().String())
	door := &mail.Receiver{Name: address.Domain, Deliver: t.bounces.Take, Log: t.log, Accept: func(to string) bool {
		_, _, ours := t.bounces.Recognise(to)
		return ours
	}}
	t.receive = func(ctx context.Context) error { return door.Run(ctx, listener) }
	return nil
}

// secretRecord is where the secret is kept that links and signatures are made with.
const secretRecord = "secret"

// noticeSecret reads the secret, or makes it when there is none. Nodes that start together find the same one.
func noticeSecret(ctx context.Context, s *store.Store, now time.Time) ([]byte, error) {
	var secret []byte
	err := s.ChangeRecord(ctx, now, secretRecord, "notices", func(was []byte) ([]byte, error) {
		if was != nil {
			var err error
			secret, err = hex.DecodeString(string(was))
			return was, err
		}
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // it ends the program when the system has no randomness
		return []byte(hex.EncodeToString(secret)), nil
	})
	if err == nil && len(secret) < 32 {
		err = errors.New("it is too short: restore it from a backup, or delete it and have all links in past notices stop working")
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret of notices: %w", err)
	}
	return secret, nil
}

// forget removes what nobody needs any more, hour by hour.
func (t *notices) forget(ctx context.Context) error {
	const pause = time.Hour
	for ctx.Err() == nil {
		more, err := t.store.Forget(ctx, t.clock.Now())
		if err != nil && ctx.Err() == nil {
			t.log.Warn("what is old could not be forgotten; trying again later", "error", err)
		}
		wait := pause
		if more {
			wait = time.Second
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}
