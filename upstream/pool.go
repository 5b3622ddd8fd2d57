package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// pool carries requests to one address over HTTP/1.1, and keeps its connections.
type pool struct {
	address *address
	config  Config
	dialer  *net.Dialer
	rooms   sync.Pool // in which bodies of requests are copied

	mu      sync.Mutex
	idle    []*conn // the one used last at the end
	retired bool
}

func newPool(a *address, c Config) *pool { return &pool{address: a, config: c, dialer: c.dialer()} }

// room gives memory for one piece of a body.
func (p *pool) room() *[piece]byte {
	if room, ok := p.rooms.Get().(*[piece]byte); ok {
		return room
	}
	return new([piece]byte)
}

func (p *pool) roundTrip(r *http.Request, told Early) (*http.Response, error) {
	now := time.Now()
	c := p.take(now)
	if c == nil {
		return p.anew(r, told)
	}
	answer, err := p.begin(c, r, told, now)
	fault, ok := errors.AsType[*Error](err)
	if !ok || !fault.unheard || fault.Sent && !repeatable(r) {
		return answer, err
	}
	again := r
	if fault.Sent && hasBody(r) {
		body, err := r.GetBody()
		if err != nil {
			return nil, &Error{Address: p.address.text, Sent: true, Err: errors.Join(fault.Err, err)}
		}
		again = r.WithContext(r.Context())
		again.Body = body
	}
	answer, err = p.anew(again, told)
	if second, ok := errors.AsType[*Error](err); ok && fault.Sent {
		second.Sent, second.unreached = true, false
		closeBody(again)
	}
	if answer != nil {
		answer.Request = r
	}
	return answer, err
}

// anew makes an exchange over a new connection.
func (p *pool) anew(r *http.Request, told Early) (*http.Response, error) {
	network, err := p.dialer.DialContext(r.Context(), p.address.network, p.address.place)
	if err != nil {
		if r.Context().Err() != nil {
			closeBody(r)
			return nil, context.Cause(r.Context())
		}
		return nil, &Error{Address: p.address.text, Timeout: isTimeout(err), Err: err, unreached: true}
	}
	return p.begin(newConn(network), r, told, time.Now())
}

// take gives a kept connection that can be used at now, or nil.
func (p *pool) take(now time.Time) *conn {
	for {
		p.mu.Lock()
		last := len(p.idle) - 1
		if last < 0 {
			p.mu.Unlock()
			return nil
		}
		c := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		p.mu.Unlock()
		if c.timed { // one that has passed would let nobody look
			c.readBy(now.Add(soon))
		}
		if now.Sub(c.idleSince) < p.config.IdleTimeout && c.isSilent() {
			return c
		}
		_ = c.Close()
	}
}

// keep takes a connection back whose exchange is over.
func (p *pool) keep(c *conn) {
	c.kept, c.idleSince = true, time.Now()
	if cap(c.head) > usualHead {
		c.head = nil // long heads are rare, and idle connections many
	}
	p.mu.Lock()
	full := p.retired || len(p.idle) >= p.config.MaxIdle
	if !full {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if full {
		_ = c.Close()
	}
}

func (p *pool) tidy(now time.Time) time.Duration {
	p.mu.Lock()
	fresh := slices.IndexFunc(p.idle, func(c *conn) bool { return now.Sub(c.idleSince) < p.config.IdleTimeout })
	wait := p.config.IdleTimeout
	if fresh < 0 {
		fresh = len(p.idle)
	} else {
		wait -= now.Sub(p.idle[fresh].idleSince)
	}
	old := slices.Clone(p.idle[:fresh])
	p.idle = slices.Delete(p.idle, 0, fresh)
	p.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
	return wait
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	all := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

func (p *pool) retire() {
	p.mu.Lock()
	p.retired = true
	p.mu.Unlock()
	p.closeIdle()
}
