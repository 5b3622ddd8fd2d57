package mx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"example.org/interlude/mail"
	"example.org/interlude/spool"
)

// verdict is what is known of a recipient.
type verdict struct {
	Recipient
	answer // its code is 0 where nobody answered
	status string
}

// settle decides what becomes of each recipient by the upstream's answers.
func (c *Courier) settle(ctx context.Context, e spool.Entry, env Envelope, t trip) spool.Outcome {
	var taken, later, never []verdict
	away := true
	for i, a := range t.answers {
		v := verdict{env.Rcpts[i], a, a.status()}
		switch {
		case a.ok():
			taken = append(taken, v)
		case a.permanent():
			never = append(never, v)
		default:
			later = append(later, v)
		}
		away = away && a.away()
	}
	c.tell(away, t.answers[0])
	if len(later) == len(t.answers) {
		return spool.Outcome{Reason: later[0].Error(), Away: away}
	}
	if err := c.report(ctx, e, env, mail.Failed, c.concerned(never, "FAILURE", true), time.Time{}); err != nil {
		return c.halfway(e, taken, err)
	}
	if !t.dsn {
		action := mail.Relayed
		if c.Upstream.LMTP {
			action = mail.Delivered
		}
		if err := c.report(ctx, e, env, action, c.concerned(taken, "SUCCESS", false), time.Time{}); err != nil {
			c.log("a sender could not be told of a delivery", e, err)
		}
	}
	if len(never) == len(t.answers) && !c.reports(env) {
		return spool.Outcome{Result: spool.Refused, Reason: never[0].Error()}
	}
	if !c.reports(env) { // an entry of their own is refused whole, and goes to the shelf
		if err := c.rest(ctx, e, env, never); err != nil {
			return c.halfway(e, taken, err)
		}
	}
	if err := c.rest(ctx, e, env, later); err != nil {
		return c.halfway(e, append(taken, never...), err)
	}
	if len(taken) == 0 {
		return c.done(e, spool.Outcome{Result: spool.Dropped, Reason: never[0].Error()})
	}
	return c.done(e, spool.Outcome{Result: spool.Taken})
}

// tell lets the finder of interruptions know how the upstream does.
func (c *Courier) tell(away bool, a answer) {
	switch {
	case away && c.Failed != nil:
		c.Failed(fmt.Errorf("deliver mail: %w", a))
	case !away && c.Well != nil:
		c.Well()
	}
}

// reports reports whether anybody is told of what this message's recipients refused.
func (c *Courier) reports(env Envelope) bool { return c.Bounces != "" && env.From != "" }

// concerned are those of whom the sender wants to know something.
func (c *Courier) concerned(all []verdict, what string, unsaid bool) []verdict {
	var some []verdict
	for _, v := range all {
		if v.wants(what, unsaid) {
			some = append(some, v)
		}
	}
	return some
}

// report tells the sender of some recipients. Nothing is told to nobody, nor where reports are not sent.
func (c *Courier) report(ctx context.Context, e spool.Entry, env Envelope, action mail.Action, about []verdict, until time.Time) error {
	if len(about) == 0 || !c.reports(env) {
		return nil
	}
	r := report{
		name: c.name(), remote: c.Upstream.host(), action: action, env: env, about: about,
		original: e.Body, at: time.Now(), until: until,
	}
	head, message := r.write()
	bounce, err := head.Entry(c.Bounces, message)
	if err != nil {
		return err
	}
	bounce.Key = key(string(action), e.ID, about)
	if _, err := c.Spool.Accept(ctx, bounce); err != nil {
		return fmt.Errorf("report to the sender of a mail: %w", err)
	}
	return nil
}

// rest makes an entry of what is left of a message. Its key is by the recipients: when a crash follows, and the message is handed
// over again, the same rest is not kept twice, and another one is not lost.
func (c *Courier) rest(ctx context.Context, e spool.Entry, env Envelope, later []verdict) error {
	if len(later) == 0 {
		return nil
	}
	rcpts := make([]Recipient, len(later))
	for i, v := range later {
		rcpts[i] = v.Recipient
	}
	left, err := env.to(rcpts).Entry(e.Flow, e.Body)
	if err != nil {
		return err
	}
	left.Key, left.Due, left.Expires = key("rest", e.ID, later), e.Due, e.Expires
	if _, err := c.Spool.Accept(ctx, left); err != nil {
		return fmt.Errorf("what is left of a mail: %w", err)
	}
	return nil
}

// key is the same for the same recipients of the same entry.
func key(what, id string, about []verdict) string {
	rcpts := make([]Recipient, len(about))
	for i, v := range about {
		rcpts[i] = v.Recipient
	}
	sum := sha256.Sum256([]byte(strings.Join(Envelope{Rcpts: rcpts}.recipients(), "\n")))
	return what + ":" + id + ":" + hex.EncodeToString(sum[:8])
}

// halfway is an entry of which some recipients are done, and the others cannot be put down now. It is tried again whole, without
// those who are done, which is remembered as long as the process lives.
func (c *Courier) halfway(e spool.Entry, settled []verdict, err error) spool.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled == nil {
		c.settled = make(map[string]map[string]bool)
	}
	if c.settled[e.ID] == nil {
		c.settled[e.ID] = make(map[string]bool)
	}
	for _, v := range settled {
		c.settled[e.ID][v.To] = true
	}
	return spool.Outcome{Reason: err.Error()}
}

// unsettled are the recipients of an entry that are not done yet.
func (c *Courier) unsettled(id string, all []Recipient) []Recipient {
	c.mu.Lock()
	defer c.mu.Unlock()
	settled := c.settled[id]
	if settled == nil {
		return all
	}
	var left []Recipient
	for _, r := range all {
		if !settled[r.To] {
			left = append(left, r)
		}
	}
	return left
}

// done forgets what was remembered of an entry.
func (c *Courier) done(e spool.Entry, o spool.Outcome) spool.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.settled, e.ID)
	return o
}

// GiveUp is the [spool.Flow.Shelve] of a flow of mail: when an entry has grown too old, the sender is told, and the entry is dealt
// with. It is not where no report can be sent.
func (c *Courier) GiveUp(ctx context.Context) func(e spool.Entry, reason string) bool {
	return func(e spool.Entry, reason string) bool {
		env, err := ReadEnvelope(e.Head)
		if err != nil || !c.reports(env) {
			return false
		}
		env = env.to(c.unsettled(e.ID, env.Rcpts))
		late := c.concerned(expired(env, "5.4.7", reason), "FAILURE", true)
		if err := c.report(ctx, e, env, mail.Failed, late, time.Time{}); err != nil {
			c.log("a sender could not be told that a mail was given up", e, err)
			return false
		}
		c.done(e, spool.Outcome{})
		return true
	}
}

// Warn is the [spool.Flow.Warned] of a flow of mail: it tells a sender who wants to know that the message is late.
func (c *Courier) Warn(ctx context.Context) func(spool.Item) {
	return func(i spool.Item) {
		e, err := c.Spool.Entry(ctx, i.ID)
		if err != nil {
			return // it was delivered meanwhile
		}
		env, err := ReadEnvelope(e.Head)
		if err == nil {
			late := c.concerned(expired(env, "4.4.7", i.Reason), "DELAY", c.Delays)
			err = c.report(ctx, e, env, mail.Delayed, late, i.Expires)
		}
		if err != nil {
			c.log("a sender could not be told of a delay", e, err)
		}
	}
}

// expired makes verdicts of recipients whom nobody answered for in time.
func expired(env Envelope, status, reason string) []verdict {
	all := make([]verdict, len(env.Rcpts))
	for i, r := range env.Rcpts {
		all[i] = verdict{r, answer{text: reason}, status}
	}
	return all
}

func (c *Courier) log(text string, e spool.Entry, err error) {
	silent(c.Log).Warn(text, "flow", e.Flow, "entry", e.ID, "error", err)
}
