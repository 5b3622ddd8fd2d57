package mx

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.org/interlude/spool"
)

// Courier hands mail over from the spool, over connections that it keeps: envelope and content as they came, with a Received line in
// front. It is the [spool.Courier] of a flow, and one courier may serve several.
//
// What becomes of each recipient is settled alone. Those whom the upstream took are done; for those whom it does not take now, the rest
// of the message becomes an entry of its own; and those whom it refuses for good are told of to the sender.
// Zero fields take the defaults that their comments name.
type Courier struct {
	// Name is the machine's own in the DNS; empty is localhost.
	Name     string
	Upstream Upstream
	// Spool takes reports and what is left of a message, and gives the content of one that is late.
	Spool Store
	// Bounces is the flow for reports to senders, by which the product's own mail leaves. Empty is that none are sent: what is refused
	// then goes to the shelf.
	Bounces string
	// Delays is that senders are told of a delay who did not ask for it, and did not ask not to be told.
	Delays bool
	// Failed is told that the upstream could not be reached, or said that it is in trouble, and Well that it answered for a message.
	Failed func(error)
	Well   func()
	Log    *slog.Logger

	mu      sync.Mutex
	kept    []*wireOf
	settled map[string]map[string]bool // recipients that are done, of entries that could not be settled whole
}

// Store is what a courier needs of the spool: a [*spool.Spool].
type Store interface {
	Accept(ctx context.Context, e spool.Entry) (spool.Receipt, error)
	Entry(ctx context.Context, id string) (spool.Entry, error)
}

// wireOf is a connection that is kept, and for whom it speaks.
type wireOf struct {
	*wire
	identity
}

// What connections are kept for.
const (
	usualKept = 20
	longKept  = 30 * time.Second
	freshFor  = time.Second // how long one may rest and need no look whether it is still there
)

// Deliver hands an entry of mail over.
func (c *Courier) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	env, err := ReadEnvelope(e.Head)
	if err != nil {
		return spool.Outcome{Result: spool.Refused, Reason: err.Error()}
	}
	env = env.to(c.unsettled(e.ID, env.Rcpts))
	if len(env.Rcpts) == 0 {
		return c.done(e, spool.Outcome{Result: spool.Taken})
	}
	t, err := c.hand(ctx, env, env.received(e.ID), e.Body)
	if err != nil {
		if ctx.Err() == nil && c.Failed != nil {
			c.Failed(fmt.Errorf("deliver mail: %w", err))
		}
		return spool.Outcome{Reason: err.Error(), Away: ctx.Err() == nil}
	}
	return c.settle(ctx, e, env, t)
}

// hand carries a message to the upstream. A connection that was kept may have ended meanwhile; then a new one is tried, if the
// message was not sent yet.
func (c *Courier) hand(ctx context.Context, env Envelope, parts ...[]byte) (trip, error) {
	who := c.Upstream.identity(env)
	for {
		w := c.take(who)
		kept := w != nil
		if !kept {
			fresh, err := c.Upstream.open(ctx, c.name(), who)
			if err != nil {
				return trip{}, err
			}
			w = &wireOf{fresh, who}
		}
		done := w.obey(ctx)
		t, err := w.transact(env, c.Upstream.LMTP, parts...)
		done()
		c.put(w)
		again := kept && !t.sent && (err != nil || t.leaves) && ctx.Err() == nil
		if !again {
			return t, err
		}
	}
}

// take gives a connection that was kept, or nil.
func (c *Courier) take(who identity) *wireOf {
	for {
		w := c.pick(who)
		if w == nil {
			return nil
		}
		if rest := time.Since(w.rested); rest < freshFor || rest < longKept && !w.stale() {
			return w
		}
		w.conn.Close()
	}
}

func (c *Courier) pick(who identity) *wireOf {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.kept) - 1; i >= 0; i-- { // the one that has rested least
		if w := c.kept[i]; w.identity == who {
			c.kept = append(c.kept[:i], c.kept[i+1:]...)
			return w
		}
	}
	return nil
}

// put keeps a connection for the next message. For the one that has rested longest there may be no room.
func (c *Courier) put(w *wireOf) {
	if w.broken {
		w.conn.Close()
		return
	}
	w.rested = time.Now()
	var old *wireOf
	c.mu.Lock()
	c.kept = append(c.kept, w)
	if len(c.kept) > cmp.Or(c.Upstream.Connections, usualKept) {
		old, c.kept = c.kept[0], c.kept[1:]
	}
	c.mu.Unlock()
	if old != nil {
		old.conn.Close()
	}
}

// Close takes leave of the upstream. A message that is handed over later opens a connection anew.
func (c *Courier) Close() {
	c.mu.Lock()
	kept := c.kept
	c.kept = nil
	c.mu.Unlock()
	for _, w := range kept {
		w.quit()
	}
}

func (c *Courier) name() string { return cmp.Or(c.Name, "localhost") }

// trip is how handing a message over went: an answer for each recipient.
type trip struct {
	answers []answer
	sent    bool // the content, or a part of it
	leaves  bool // the upstream said 421
	dsn     bool // the upstream sees to what the sender wants to know (RFC 3461)
}

// transact hands a message over. The commands before its content are sent together where the upstream allows that (RFC 2920); then
// each has its answer read, whatever the ones before were.
func (w *wire) transact(env Envelope, lmtp bool, parts ...[]byte) (trip, error) {
	t := trip{answers: make([]answer, len(env.Rcpts)), dsn: w.has("DSN")}
	if refusal, ok := w.able(env); !ok {
		t.fill(refusal)
		return t, nil
	}
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	err := w.reset()
	if err == nil {
		err = w.envelope(&t, env, int64(size))
	}
	t.leaves = w.broken && err == nil
	taken := 0
	for _, a := range t.answers {
		if a.code == 0 {
			taken++
		}
	}
	if err != nil || taken == 0 {
		return t, err
	}
	t.sent = true
	answers := 1
	if lmtp {
		answers = taken
	}
	heard, err := w.content(answers, parts...)
	for i := range t.answers {
		if err == nil && t.answers[i].code == 0 {
			t.answers[i] = heard[0]
			if lmtp {
				heard = heard[1:]
			}
		}
	}
	return t, err
}

// fill gives one answer to all recipients that have none.
func (t *trip) fill(a answer) {
	for i := range t.answers {
		if t.answers[i].code == 0 {
			t.answers[i] = a
		}
	}
}

// reset ends a transaction that the upstream is still in.
func (w *wire) reset() error {
	if !w.dirty {
		return nil
	}
	a, err := w.ask("RSET")
	if err == nil && !a.ok() {
		err = a
	}
	if err != nil {
		w.broken = true
		return fmt.Errorf("RSET: %w", err)
	}
	w.dirty = false
	return nil
}

// envelope says MAIL, RCPT and DATA. Recipients whose answer has no code afterwards were taken, and the upstream waits for the content.
func (w *wire) envelope(t *trip, env Envelope, size int64) error {
	commands := make([]string, 0, len(env.Rcpts)+2)
	commands = append(commands, w.mailCommand(env, size))
	for _, r := range env.Rcpts {
		commands = append(commands, w.rcptCommand(r))
	}
	commands = append(commands, "DATA")
	together := w.has("PIPELINING")
	if together {
		for _, command := range commands {
			w.say(command)
		}
	}
	w.dirty = true
	taken := len(env.Rcpts)
	for i, command := range commands {
		if !together {
			if taken == 0 {
				return nil
			}
			w.say(command)
		}
		a, err := w.hear(commandWait)
		if err != nil {
			return err
		}
		switch {
		case i == len(commands)-1:
			return w.begun(t, a, taken)
		case a.ok():
		case i == 0:
			t.fill(a)
			taken = 0
		default:
			if t.answers[i-1].code == 0 {
				t.answers[i-1] = a
				taken--
			}
		}
		if a.code == 421 {
			t.fill(a)
			return nil
		}
	}
	return nil
}

// begun looks at the answer to DATA. An upstream that waits for the content though it took nobody gets none (RFC 2920, 3.1).
func (w *wire) begun(t *trip, a answer, taken int) error {
	switch {
	case a.code == 354 && taken == 0:
		_, err := w.content(1)
		return err
	case a.code == 354:
		return nil
	case a.code < 400:
		w.broken = true
		return fmt.Errorf("nobody expects %w to DATA", a)
	}
	t.fill(a)
	return nil
}
