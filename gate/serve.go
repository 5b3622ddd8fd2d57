package gate

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.org/interlude/upstream"
)

// observer is told of each request when it is done.
type observer func(context.Context, Exchange)

// buffers are what answers are carried in.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ServeHTTP answers one request: by the product, or as its flow says while that is interrupted.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lay := g.layout.Load()
	if strings.HasPrefix(r.URL.Path, ownPath) && g.serveOwn(lay, w, r) {
		return
	}
	p := passage{gate: g, layout: lay, w: w, r: r, arrived: time.Now(), id: lay.edge.requestID(r)}
	if lay.observe != nil {
		p.observed = &counted{ResponseWriter: w}
		p.w = p.observed
		defer p.tell()
	}
	in, wrong := admit(r)
	if wrong != nil {
		p.dismiss(wrong.status, wrong.why)
		return
	}
	p.r = in
	if p.flow = lay.flowOf(in); p.flow == nil {
		p.dismiss(http.StatusNotFound, "nothing is served here: no flow of the gate takes this host and path")
		return
	}
	defer p.forget()
	p.run()
}

// passage is one request on its way.
type passage struct {
	gate     *Gate
	layout   *layout
	flow     *flow
	w        http.ResponseWriter
	r        *http.Request
	id       string
	observed *counted // nil unless somebody observes

	arrived  time.Time
	waited   time.Duration
	took     time.Duration // of the last attempt
	attempts int
	// entered says that the request is one of those that an interruption waits for; beside says that it goes to the
	// product whatever the flow's phase: for a bypass, for a step that passes, in a dry run.
	entered, beside, bypassed bool
	charged                   int64        // of the room for bodies, for one that is being accepted
	body                      *body        // nil while the request's own is used
	why                       refusalCause // of a refusal, so far
	sent                      bool         // it may have reached the product
	blamed                    bool         // its failure was told to the finder
	ended                     bool
	outcome                   outcome
}

// run sends the request to the product, at once or after a wait, or answers it otherwise.
func (p *passage) run() {
	l := p.flow.lane
	switch {
	case p.layout.bypass.opens(p.r):
		p.beside, p.bypassed = true, true
	case p.standsBehind():
		p.enqueue()
		return
	case l.enter():
		p.entered = true
	case p.flow.DryRun:
		p.imagine()
		p.beside = true
	}
	for p.entered || p.beside || p.settle() {
		if p.attempt() {
			return
		}
		p.leave()
		p.beside = false
	}
}

// leave ends the request's part in what an interruption waits for.
func (p *passage) leave() {
	if p.entered {
		p.entered = false
		p.flow.lane.leave()
	}
}

// forget gives back what the request took; it runs also when the connection is aborted.
func (p *passage) forget() {
	p.leave()
	p.gate.hold.bytes.Add(-p.charged)
	if p.body != nil {
		p.gate.hold.bytes.Add(-p.body.close())
	}
}

// settle goes through the flow's chain. It returns true when the request may go to the product, and false when it has
// been answered or its client is gone.
func (p *passage) settle() bool {
	for _, step := range p.flow.Interrupted {
		switch step.Do {
		case DoPass:
			p.beside = true
			return true
		case DoReject:
			p.refuse()
			return false
		case DoHold:
			switch p.wait(step.Hold.withDefaults()) {
			case released:
				if p.entered = true; !p.standsBehind() {
					return true
				}
				p.leave()
				p.enqueue()
				return false
			case left:
				p.gone()
			}
		case DoStale:
			if p.stored(step.Stale) {
				return false
			}
		case DoQueue:
			if p.flow.queue.takes(p.r) {
				p.enqueue()
				return false
			}
		}
	}
	p.refuse()
	return false
}

// wait holds the request.
func (p *passage) wait(h Hold) verdict {
	began := time.Now()
	v := p.hold(h, p.arrived.Add(h.For))
	p.waited += time.Since(began)
	switch v {
	case released: // as things are now, not as they were on arrival
		p.layout, p.flow = p.gate.layout.Load(), p.flow.lane.flow.Load()
	case evicted, noRoom:
		p.why = whyFull
	case expired:
		p.why = whyExpired
	}
	return v
}

func (p *passage) hold(h Hold, deadline time.Time) verdict {
	if !time.Now().Before(deadline) {
		return expired
	}
	l, ctx := p.flow.lane, p.r.Context()
	if p.attempts > 0 && !p.catchBreath(deadline) {
		return left
	}
	w := &waiter{arrived: p.arrived, safe: safe(p.r), tries: p.attempts, answer: make(chan verdict, 1)}
	if p.body != nil {
		w.bytes = p.body.charged()
	}
	if v := l.join(w, h); v != 0 {
		return v
	}
	if p.body == nil && p.r.ContentLength != 0 && h.Body > 0 && !p.expectsContinue() {
		p.keepBody(w, h)
	}
	return l.await(ctx, w, deadline)
}

// breath is how long a request that failed rests before it tries again, while the flow still counts as normal; twice as long
// after each further failure, up to 3.2 seconds.
const breath = 200 * time.Millisecond

// catchBreath waits a moment if the flow is normal although the product has just failed this request: whether that is
// an interruption is not decided yet. It returns false when the client left.
func (p *passage) catchBreath(deadline time.Time) bool {
	now, changed := p.flow.lane.watch()
	if now != normal {
		return true
	}
	timer := time.NewTimer(min(breath<<min(p.attempts-1, 4), time.Until(deadline)))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-p.r.Context().Done():
		return false
	}
	return true
}

// attempt sends the request to the product, and returns true when that is the end of it: false means that it may be
// tried again after a wait.
func (p *passage) attempt() bool {
	p.attempts++
	if p.attempts == 2 {
		p.flow.lane.counts.retried.Add(1)
	}
	if p.body == nil && (p.flow.holds || p.flow.queue != nil) && p.r.ContentLength != 0 && p.flow.lane.window.Load() != nil && !p.bypassed {
		p.recordBody()
	}
	out := p.layout.edge.outgoing(p.r, p.id)
	p.layout.bypass.strip(out)
	if p.body != nil {
		out.Body = p.body.reader()
	}
	began := time.Now()
	resp, err := ask(p.flow.group, p.w, out)
	received := time.Now()
	p.took = received.Sub(began)
	if err != nil {
		return p.broke(err)
	}
	switch concerned := p.concerned(); {
	case !concerned:
	case !p.layout.find.away(resp.StatusCode):
		p.gate.finds.well(p.flow.lane)
	default:
		p.blame(true, resp.Status)
		if p.intervenes() {
			return p.away(resp)
		}
	}
	p.answer(resp, began, received)
	return true
}

// concerned reports whether a maintenance concerns this request: then a broken product is an interruption and not an error.
func (p *passage) concerned() bool {
	return !p.bypassed && p.flow.lane.concerned()
}

// intervenes reports whether the flow does anything for its requests when the product is away. One that passes them, or that
// only counts, leaves them the product's own failures; and so does a gate that finds no interruptions until somebody opens one.
func (p *passage) intervenes() bool {
	if p.flow.DryRun || p.flow.does() == string(DoPass) {
		return false
	}
	return !p.layout.find.Off || phase(p.flow.lane.phase.Load()) != normal
}

// blame tells the finder that the product failed this request. While the flow is normal it does so once: a request that fails by
// itself must not speak for all, however often it is sent.
func (p *passage) blame(sent bool, why string) {
	if p.blamed && phase(p.flow.lane.phase.Load()) == normal {
		return
	}
	p.blamed = true
	p.gate.finds.failed(p.flow.lane, sent, why)
}

// broke deals with a request that got no answer.
func (p *passage) broke(err error) bool {
	if p.r.Context().Err() != nil {
		p.gone()
	}
	failure := &upstream.Error{Sent: true}
	errors.As(err, &failure)
	p.why = whyUnreachable
	if failure.Timeout && failure.Sent {
		p.why = whySlow
	}
	p.gate.log.Warn("the product did not answer", "flow", p.flow.Name, "request", p.id, "error", err)
	p.sent = p.sent || failure.Sent
	concerned := p.concerned()
	if concerned {
		p.blame(failure.Sent, err.Error())
	}
	if concerned && p.intervenes() {
		if p.mayRepeat(failure.Sent) && p.mayWait() {
			return false
		}
		p.why = whyInterrupted
	}
	p.refuse()
	return true
}

// away deals with an answer that says that the product is away, inside a maintenance. A 503 with Retry-After is the product's own
// word: it stays, unless the flow is interrupted and the request may be sent again.
func (p *passage) away(resp *http.Response) bool {
	p.sent = true
	repeat := p.mayRepeat(true) && p.mayWait()
	ownWord := resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != ""
	if ownWord && (!repeat || phase(p.flow.lane.phase.Load()) == normal) {
		p.answer(resp, time.Now(), time.Now())
		return true
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	resp.Body.Close()
	if repeat {
		return false
	}
	p.why = whyInterrupted
	p.refuse()
	return true
}

// mayWait reports whether the request may be held any longer, or be queued.
func (p *passage) mayWait() bool {
	return p.flow.holds && time.Since(p.arrived) < p.flow.hold.For || p.flow.queue.takes(p.r)
}

// mayRepeat reports whether the request may be sent to the product once more. What may have reached it is repeated only
// when that does no harm: safe and idempotent methods (RFC 9110, 9.2), and those whose client gave them an
// Idempotency-Key or the id of a webhook, by which the product knows a repetition.
func (p *passage) mayRepeat(sent bool) bool {
	if p.body == nil && p.r.ContentLength != 0 || p.body != nil && !p.body.whole() {
		return false
	}
	return !sent || idempotent(p.r)
}

func safe(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func idempotent(r *http.Request) bool {
	return safe(r) || r.Method == http.MethodPut || r.Method == http.MethodDelete || r.Header.Get("Idempotency-Key") != "" || r.Header.Get("Webhook-Id") != ""
}

// answer carries the product's answer to the client.
func (p *passage) answer(resp *http.Response, began, received time.Time) {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		p.tunnel(resp)
		return
	}
	if p.flow.stores {
		p.store(resp, began, received)
	}
	if isStream(resp) { // it may last for ever, and no interruption waits for it
		p.leave()
	}
	buffer := buffers.Get().(*[32 << 10]byte)
	err := relay(p.w, p.r, resp, buffer[:])
	buffers.Put(buffer)
	var failed *broken
	switch {
	case errors.As(err, &failed) && failed.byClient:
		p.gone()
	case err != nil:
		p.gate.log.Warn("the product's answer broke off", "flow", p.flow.Name, "request", p.id, "error", err)
		p.end(wasFailed)
		panic(http.ErrAbortHandler) // so that the client sees a broken answer and no complete one
	}
	p.endWith(resp.StatusCode)
}

// store keeps a copy of an answer on its way, and forgets what a change has outdated. What somebody with a bypass sees may
// not be what others should.
func (p *passage) store(resp *http.Response, began, received time.Time) {
	r := p.layout.edge.asAsked(p.r)
	if !p.bypassed {
		p.gate.stored.Keep(r, resp, began, received)
	}
	if !safe(r) {
		p.gate.stored.Invalidate(r, resp)
	}
}

// isStream reports whether an answer is a stream of events, which ends when somebody leaves.
func isStream(resp *http.Response) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
}

// tunnel carries an upgraded connection. It is counted when it opens, for it may last for days.
func (p *passage) tunnel(resp *http.Response) {
	p.endWith(resp.StatusCode)
	p.leave()
	var interruptedThen <-chan struct{}
	switch now, changed := p.flow.lane.watch(); {
	case p.beside || p.flow.DryRun || p.flow.does() != string(DoReject):
	case now == normal:
		interruptedThen = changed
	case now == interrupted: // it opened while the product was being asked
		interruptedThen = closedAlready
	}
	if err := tunnel(p.r.Context(), p.w, p.r, resp, interruptedThen, p.gate.stopping); err != nil {
		p.gate.log.Debug("tunnel ended", "flow", p.flow.Name, "request", p.id, "error", err)
	}
}

// closedAlready is the channel of something that has happened.
var closedAlready = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// endWith counts a request that was answered with a status.
func (p *passage) endWith(status int) {
	switch {
	case p.bypassed:
		p.end(wasBypassed)
	case status >= http.StatusInternalServerError:
		p.end(wasFailed)
	case p.waited > 0:
		p.end(wasHeld)
	default:
		p.end(wasPassed)
	}
}

// end counts the request, once.
func (p *passage) end(as outcome) {
	if p.ended {
		return
	}
	p.ended, p.outcome = true, as
	c := &p.flow.lane.counts
	c.by[as].Add(1)
	if p.attempts > 0 {
		c.took.add(p.took)
	}
	if p.waited > 0 {
		c.wait.add(p.waited)
	}
}

// gone ends a request whose client has left: there is nobody to answer.
func (p *passage) gone() {
	p.end(wasGone)
	panic(http.ErrAbortHandler)
}

// stored answers from what was stored, if there is something that may be given.
func (p *passage) stored(s Stale) bool {
	a, ok := p.gate.stored.Answer(p.layout.edge.asAsked(p.r), time.Now(), s.withDefaults().For)
	if !ok {
		return false
	}
	header := p.w.Header()
	for name, values := range a.Header {
		header[name] = slices.Clone(values)
	}
	if _, ok := header["Content-Type"]; !ok {
		header["Content-Type"] = nil // none is guessed
	}
	p.w.WriteHeader(a.Status)
	_, _ = p.w.Write(a.Body) // a client that left needs no answer
	p.end(wasStale)
	return true
}

// imagine counts what would have become of the request, were the flow's dry run not one.
func (p *passage) imagine() {
	c := &p.flow.lane.counts
	for _, step := range p.flow.Interrupted {
		switch step.Do {
		case DoHold:
			c.wouldHold.Add(1)
			return
		case DoStale:
			if _, ok := p.gate.stored.Answer(p.layout.edge.asAsked(p.r), p.arrived, step.Stale.withDefaults().For); ok {
				c.wouldStale.Add(1)
				return
			}
		case DoQueue:
			if p.flow.queue.takes(p.r) {
				c.wouldQueue.Add(1)
				return
			}
		case DoPass:
			return
		case DoReject:
			c.wouldReject.Add(1)
			return
		}
	}
	c.wouldReject.Add(1)
}
