package gate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ownPath is where the gate answers by itself on every host of the product.
const ownPath = "/.interlude/"

// serveOwn answers the gate's own paths, and reports whether the request was for one of them.
func (g *Gate) serveOwn(lay *layout, w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if id, ok := strings.CutPrefix(r.URL.Path, queuedPath); ok && lay.entries != nil {
		serveQueued(lay.entries, w, r, id)
		return true
	}
	switch strings.TrimPrefix(r.URL.Path, ownPath) {
	case "health":
		g.ServeHealth(w, r)
	case "back":
		g.serveBack(w, r)
	case "bypass":
		if len(lay.bypass.keys) == 0 {
			return false
		}
		lay.bypass.serve(w, r)
	default:
		return false
	}
	return true
}

// ServeHealth says how the gate is, and apart from that how the product is. The status is 200 while the gate works, also
// while it answers 503 for the product: whoever balances load between gates must not take it for dead.
func (g *Gate) ServeHealth(w http.ResponseWriter, _ *http.Request) {
	product := "normal"
	for _, l := range g.live() {
		if !phase(l.phase.Load()).open() {
			product = "interrupted"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, `{"gate":"ok","product":%q}`+"\n", product)
}

// serveBack tells a page that waits whether its flow is normal again: 204, or 503 with Retry-After.
func (g *Gate) serveBack(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	g.mu.Lock()
	l := g.lanes[r.URL.Query().Get("flow")]
	g.mu.Unlock()
	if l == nil || phase(l.phase.Load()).open() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(l.after(time.Now()).Seconds())+1))
	w.WriteHeader(http.StatusServiceUnavailable)
}

// backPath is where a page asks whether a flow is normal again.
func backPath(flow string) string { return ownPath + "back?flow=" + url.QueryEscape(flow) }

// serve turns a bypass in the address into a cookie, and goes on to the product.
func (b *bypass) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	token := r.URL.Query().Get("token")
	_, until, ok := b.check(token, time.Now())
	cookie := &http.Cookie{
		Name: BypassCookie, Value: token, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
	switch {
	case token == "": // leaving it
		cookie.MaxAge, cookie.Expires = -1, time.Time{}
	case !ok:
		http.Error(w, "This bypass is not valid, or not any more. Ask for a new one: interlude gate bypass", http.StatusForbidden)
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// dismiss answers a request that no flow takes, or that no product may see.
func (p *passage) dismiss(status int, why string) {
	header := p.w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if p.r.ProtoMajor == 1 && p.r.ContentLength != 0 {
		header.Set("Connection", "close")
	}
	p.w.WriteHeader(status)
	fmt.Fprintln(p.w, why)
}

// counted notes the status and the size of an answer, for whoever observes.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the final status.
func (c *counted) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write counts the body.
func (c *counted) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// tell lets the observer know.
func (p *passage) tell() {
	x := Exchange{
		Request: p.r, ID: p.id, Client: p.layout.edge.client(p.r), Status: p.observed.status, Bytes: p.observed.bytes,
		Began: p.arrived, Took: time.Since(p.arrived), Waited: p.waited, Attempts: p.attempts,
	}
	if p.flow != nil {
		x.Flow = p.flow.Name
	}
	if p.ended {
		x.Outcome = p.outcome.String()
	}
	p.layout.observe(context.WithoutCancel(p.r.Context()), x)
}

// refuse answers for the product.
func (p *passage) refuse() {
	now, l := time.Now(), p.flow.lane
	said := refusal{why: p.why, sent: p.sent, status: http.StatusServiceUnavailable, request: p.id, back: p.flow.back}
	switch p.why {
	case whyUnreachable:
		said.status, said.back = http.StatusBadGateway, ""
	case whySlow:
		said.status, said.back = http.StatusGatewayTimeout, ""
	default:
		said.after = l.after(now)
		said.restart = l.planned()
	}
	if in := l.window.Load(); in != nil {
		said.page, said.report, said.title = in.page, in.report, in.title
		said.window, said.expected = in.announced, in.expected
	}
	if expected := l.expected(); !expected.IsZero() { // whoever interrupts knows better than the announcement
		said.expected = expected
	}
	p.countRefusal(said.status)
	r := p.r
	if p.body != nil { // what was kept of the body is still to be had
		r = r.WithContext(r.Context())
		r.Body = p.body.reader()
	}
	if r.ProtoMajor == 1 && unread(p.r) { // the server reads the rest before it answers
		_ = http.NewResponseController(p.w).SetReadDeadline(now.Add(linger))
	}
	if wantsWebSocket(r) && said.status == http.StatusServiceUnavailable {
		p.gate.refuser.closeWebSocket(p.w, r, said)
		return
	}
	p.gate.refuser.refuse(p.w, r, said)
}

func (p *passage) countRefusal(code int) {
	c := &p.flow.lane.counts
	switch {
	case p.bypassed:
		p.end(wasBypassed)
		return
	case code != http.StatusServiceUnavailable:
		p.end(wasFailed)
		return
	case p.why == whyFull:
		c.evicted.Add(1)
	case p.why == whyExpired:
		c.expired.Add(1)
	}
	p.end(wasRejected)
}

// wantsWebSocket reports whether a request asks for a WebSocket (RFC 6455, 4.1).
func wantsWebSocket(r *http.Request) bool {
	return r.ProtoMajor == 1 && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
