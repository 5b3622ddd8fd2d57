package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.org/interlude/mail"
)

// Relays hand messages on.
type Relays interface {
	// Send hands a job over, and blocks while all connections are busy.
	Send(ctx context.Context, job mail.Job) error
	// Ready reports whether a relay can be used, as far as is known.
	Ready() bool
	// Condition is how it stands with each relay.
	Condition() []mail.Condition
}

// Mailer is the courier of e-mail. Its fields are set before its first use and not afterwards.
type Mailer struct {
	Relays Relays
	Writer Writer
	// Signers sign every message with DKIM (RFC 6376); none is fine.
	Signers mail.Signers
	// Envelope is where what cannot be delivered is reported to: the sender of the envelope (RFC 5321, 3.3) for a delivery.
	Envelope func(d Delivery) string
	// Limits are how many messages a second each domain gets at most from this node.
	Limits map[string]float64
	// Connections is how many there are to a relay.
	Connections int
	Clock       Clock

	once    sync.Once
	lanes   lanes
	mu      sync.Mutex
	letters map[letterKey]*mail.Template
	scratch sync.Pool
}

// letterKey is what all messages that are made from one template share.
type letterKey struct {
	notice int64
	zone   string
}

// Ready says why no mail can be handed over, or nothing.
func (m *Mailer) Ready() error {
	if m.Relays.Ready() {
		return nil
	}
	err := mail.ErrNoRelay
	for _, c := range m.Relays.Condition() {
		err = fmt.Errorf("%w; %s: %s", err, c.Relay, c.Why)
	}
	return err
}

// Deliver hands a message to a relay. A domain that has its limit, or that is slow, waits in the outbox, so that others pass.
func (m *Mailer) Deliver(ctx context.Context, d Delivery, n *Notice, done func(Result)) {
	m.once.Do(func() {
		// A quarter of the connections is left to others, however quick one domain is.
		m.lanes = lanes{widest: max(1, m.Connections-m.Connections/4), limits: m.Limits}
	})
	template, err := m.template(n, d.To.Zone)
	if err != nil {
		done(Result{Verdict: Refused, Answer: "the message cannot be written: " + err.Error()})
		return
	}
	to := d.Address()
	domain := domainOf(to)
	// Somebody waits for what concerns a subscription, and there is little of it: it passes by limits.
	wait, limited, err := m.lanes.enter(ctx, domain, d.Granted || n.Kind.Personal(), m.Clock.Now)
	switch {
	case err != nil:
		done(Result{Verdict: Postponed, Answer: err.Error()})
		return
	case limited:
		done(Result{Verdict: Granted, After: wait, Answer: "waits for its turn: " + domain + " has a limit"})
		return
	case wait > 0:
		done(Result{Verdict: Postponed, After: wait, Answer: domain + " is slow at the moment"})
		return
	}
	began := m.Clock.Now()
	err = m.Relays.Send(ctx, mail.Job{
		From: m.Envelope(d), To: to,
		Compose: func(dst []byte) ([]byte, error) { return m.compose(dst, template, m.Writer.Values(n, d)) },
		Done: func(r mail.Reply) {
			now := m.Clock.Now()
			m.lanes.leave(domain, now, now.Sub(began))
			done(judge(r))
		},
	})
	if err != nil {
		m.lanes.leave(domain, m.Clock.Now(), 0)
		done(Result{Verdict: Postponed, Answer: err.Error()})
	}
}

// compose writes a message for one recipient, signed.
func (m *Mailer) compose(dst []byte, t *mail.Template, values []string) ([]byte, error) {
	if len(m.Signers) == 0 {
		return t.Append(dst, values)
	}
	scratch, _ := m.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	defer m.scratch.Put(scratch)
	message, err := t.Append((*scratch)[:0], values)
	if err != nil {
		return dst, err
	}
	*scratch = message
	return m.Signers.Append(dst, message)
}

// template is the letter of a notice for a zone, written once. A test has no number, and a letter of its own.
func (m *Mailer) template(n *Notice, zone string) (*mail.Template, error) {
	if n.N == 0 {
		return m.Writer.Letter(n, zone)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := letterKey{n.N, zone}
	if t, known := m.letters[key]; known {
		return t, nil
	}
	t, err := m.Writer.Letter(n, zone)
	if err != nil {
		return nil, err
	}
	const most = 256 // of some 20 KB each
	if len(m.letters) >= most || m.letters == nil {
		m.letters = make(map[letterKey]*mail.Template)
	}
	m.letters[key] = t
	return t, nil
}

// judge is what a relay's answer means.
func judge(r mail.Reply) Result {
	answer := answerOf(r)
	switch {
	case r.Accepted():
		return Result{Verdict: Accepted, Answer: answer}
	case errors.Is(r.Err, mail.ErrNoRelay), r.Err != nil && r.Stage == mail.StageConnect:
		return Result{Verdict: Postponed, After: 5 * time.Second, Answer: answer}
	case errors.Is(r.Err, mail.ErrAddress):
		return Result{Verdict: Refused, Answer: answer}
	case r.Err != nil, r.Stage != mail.StageRcpt && r.Stage != mail.StageContent:
		// What a relay says of the sender or of the connection says nothing of the recipient.
		return Result{Verdict: Passing, Answer: answer, Blameless: true}
	}
	verdict := mail.Judge(r.Status, r.Code)
	switch {
	case verdict == mail.Passing:
		return Result{Verdict: Passing, Answer: answer}
	case verdict == mail.Dead && r.Stage == mail.StageRcpt && r.Status != "":
		return Result{Verdict: Dead, Answer: answer}
	case verdict == mail.Dead && r.Stage == mail.StageRcpt:
		// A code alone is what a relay says, too, that takes nothing from this machine.
		return Result{Verdict: Refused, Answer: answer}
	}
	// Of the mailbox's own answers three in a row are a strike out; a relay that takes nothing at all must not be the end of everybody.
	return Result{Verdict: Refused, Answer: answer, Blameless: !strings.HasPrefix(r.Status, "5.2.")}
}

// answerOf is what a relay said, or why it did not, in one line.
func answerOf(r mail.Reply) string {
	if r.Err != nil {
		return r.Err.Error()
	}
	said := []string{strconv.Itoa(r.Code), r.Status, r.Text}
	return strings.Join(slices.DeleteFunc(said, func(part string) bool { return part == "" }), " ")
}

// domainOf is what stands after the @.
func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
