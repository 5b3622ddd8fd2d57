package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/upstream"
)

// The fields by which the product is told of a request that was queued. From clients they are taken away.
const (
	fieldReceived  = "Interlude-Received"  // when it came (RFC 3339)
	fieldAttempt   = "Interlude-Attempt"   // from 1
	fieldEntry     = "Interlude-Entry"     // its id, the same at each attempt
	fieldSignature = "Interlude-Signature" // verified or failed, and why
)

// Courier hands over what a flow has queued: to the flow's upstream, as it is configured at that moment.
//
// An answer of 2xx is the product's receipt. 3xx and 4xx are its refusal, for nobody follows a redirect with something that was accepted: it
// goes to the shelf with the beginning of what was said, save for 408, 425 and 429, which say not now, as 5xx does. Where the product cannot be reached, says 429, or gives an answer that
// means that it is away, all of the flow waits.
func (g *Gate) Courier(flow string) spool.Courier { return &courier{g, flow} }

type courier struct {
	gate *Gate
	flow string
}

// Deliver sends the request once.
func (c *courier) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	lay := c.gate.layout.Load()
	f := lay.flowNamed(c.flow)
	switch {
	case f == nil:
		return spool.Outcome{Reason: "the gate has no flow of this name any more", Away: true}
	case !f.lane.enterQueued():
		return spool.Outcome{Reason: "the flow is interrupted", Away: true}
	}
	defer f.lane.leave()
	head, r, err := decodePost(e.Head, e.Body)
	if err != nil {
		return spool.Outcome{Result: spool.Refused, Reason: err.Error()}
	}
	ctx, stop := context.WithTimeout(ctx, lay.attemptTime(f))
	defer stop()
	out := lay.edge.outgoing(r.WithContext(ctx), head.Request)
	lay.bypass.strip(out)
	out.Header[fieldReceived] = []string{head.Received.Format(time.RFC3339Nano)}
	out.Header[fieldEntry] = []string{e.ID}
	out.Header[fieldAttempt] = []string{strconv.Itoa(c.attempt(ctx, lay, e.ID))}
	if delete(out.Header, fieldSignature); head.Signature != "" {
		out.Header[fieldSignature] = []string{head.Signature}
	}
	resp, err := f.group.Ask(out, nil)
	if err != nil {
		return c.broke(ctx, f.lane, err)
	}
	defer resp.Body.Close()
	return c.judge(lay, f.lane, resp)
}

// attempt is the number of this attempt.
func (c *courier) attempt(ctx context.Context, lay *layout, id string) int {
	if lay.entries == nil {
		return 1
	}
	item, err := lay.entries.Item(ctx, id)
	if err != nil {
		return 1
	}
	return item.Attempts + 1
}

// enterQueued counts an entry that is handed over among those that an interruption waits for, unless one is open.
func (l *lane) enterQueued() bool {
	l.busy.Add(1)
	if phase(l.phase.Load()) != interrupted {
		return true
	}
	l.leave()
	return false
}

// attemptTime bounds one attempt, with the connecting and the reading of the answer.
func (l *layout) attemptTime(f *flow) time.Duration {
	const unbounded, around = time.Minute, 10 * time.Second
	return cmp.Or(l.configs[f.Upstream].HeaderTimeout, unbounded) + around
}

// flowNamed is the flow of a name, or nil.
func (l *layout) flowNamed(name string) *flow {
	for _, f := range l.flows {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// broke judges an attempt without an answer.
func (c *courier) broke(ctx context.Context, l *lane, err error) spool.Outcome {
	failure := &upstream.Error{Sent: true}
	errors.As(err, &failure)
	said := spool.Outcome{Reason: plainLine(err.Error()), Away: !failure.Sent}
	switch {
	case errors.Is(err, upstream.ErrRequest):
		said.Result, said.Away = spool.Refused, false
	case ctx.Err() == nil && l.concerned():
		c.gate.finds.failed(l, failure.Sent, err.Error())
	}
	return said
}

// judge judges an answer.
func (c *courier) judge(lay *layout, l *lane, resp *http.Response) spool.Outcome {
	said := spool.Outcome{Reason: resp.Status, After: retryAfter(resp.Header)}
	away := lay.find.away(resp.StatusCode)
	if l.concerned() {
		if away {
			c.gate.finds.failed(l, true, resp.Status)
		} else {
			c.gate.finds.well(l)
		}
	}
	switch code := resp.StatusCode; {
	case code < http.StatusMultipleChoices:
		said = spool.Outcome{Result: spool.Taken}
	case code == http.StatusTooManyRequests || away:
		said.Away = true
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code >= http.StatusInternalServerError:
	default:
		said.Result = spool.Refused
	}
	beginning, _ := io.ReadAll(io.LimitReader(resp.Body, longestSaid)) // what breaks off has said what it said
	if said.Result == spool.Refused {
		said.Reason = plainLine(fmt.Sprintf("%s: %s", resp.Status, beginning))
	}
	return said
}

// longestSaid is how much of an answer is read: all of it, as a rule, so that the connection can be used again.
const longestSaid = 16 << 10

// longestAfter bounds what a product may ask for.
const longestAfter = time.Hour

// retryAfter is how long the product wants to be left alone, in seconds or until a date (RFC 9110, 10.2.3), 0 when it does not
// say.
func retryAfter(h http.Header) time.Duration {
	said := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(said, 64); err == nil && seconds > 0 { // nor not a number
		return time.Duration(min(seconds, longestAfter.Seconds()) * float64(time.Second))
	}
	if until, err := http.ParseTime(said); err == nil {
		return min(max(time.Until(until), 0), longestAfter)
	}
	return 0
}
