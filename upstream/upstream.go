// Package upstream carries requests to the product: over kept connections, to whichever of its addresses is well.
//
// Begin with [New]. A [Group] is the addresses that serve one flow, and an [http.RoundTripper]; [Group.Run] checks how its
// addresses are and closes connections that nobody needs. [Group.Probe] asks all addresses at once.
//
// # Two ways
//
// Requests to http:// and unix: addresses go over a lean HTTP/1.1 client of this package. The goroutine that asks does
// the exchange itself: it takes a connection, writes, reads the head of the answer, and whoever reads the body reads from
// the connection. [http.Transport] hands each request between three goroutines, which costs more than all else that a proxy
// does; only the body of a request has a goroutine here, because an answer may come before it was sent. Requests to https://
// and h2c:// addresses go over net/http, with HTTP/2 where it is agreed upon.
//
// The conventions are those of [http.RoundTripper] and http.Transport. An answer of 101 has an [io.ReadWriteCloser] for a body, heads
// of 1xx go to Got1xxResponse of package httptrace, trailers are in the answer once its body was read to the end. The
// scheme and host of a request's URL mean nothing: the group has its addresses. No field is added but those that
// frame the message, and hop-by-hop fields are the caller's to remove.
//
// # What it promises
//
// A request is sent as one request or not at all: what could be read as two, or is no HTTP, is an [ErrRequest] before anything
// is sent. An answer that does not say beyond doubt where it ends is an [ErrAnswer], and a connection is used again only if
// the last answer on it was read to its end, nothing came after it, and the product has not closed it.
//
// A request is sent once, with one exception. A product may close a kept connection while a request is on its way; if no byte
// of an answer came, and the request's method is idempotent or it carries an Idempotency-Key, and its body, if any,
// can be got again by GetBody, it is sent once more over a new connection. Whatever else fails is an [Error], which says
// whether the product may have seen the request. An address that cannot be connected to costs nothing but time: the next
// one has its turn, each at most once.
//
// When the context of a request ends, its connection is cut, and the error is the context's cause, before the answer and
// within it. An answer that comes before the request's body was sent is handed over, and the body goes on being sent for
// as long as the answer is read; whichever is unfinished when the answer has ended is given up, with the connection.
//
// # Where the promise ends
//
// Once the head of an answer is there, no time limits its body: streams of events are silent for hours. A context can. The
// number of connections that are in use has no limit; their number is that of the requests.
package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"
)

// Config is how the product is reached. Zero fields take the defaults that their comments name.
type Config struct {
	// Addresses are where the product answers: "http://127.0.0.1:8080", "https://app.internal.example:8443",
	// "h2c://127.0.0.1:50051" for HTTP/2 without TLS, or "unix:/run/app.sock". Names are resolved at each connection.
	Addresses []string
	// Balance is who is next; zero is RoundRobin.
	Balance Balance
	// ConnectTimeout bounds resolving and connecting, and a TLS handshake once more; zero is 5 seconds.
	ConnectTimeout time.Duration
	// HeaderTimeout bounds how long the head of an answer may take once the request was sent wholly, and how long the product
	// may take to accept a piece of a request's body; zero is no bound.
	HeaderTimeout time.Duration
	// HeaderBytes bounds the head of an answer, those of 1xx before it included; zero is 1 MiB.
	HeaderBytes int64
	// IdleTimeout is how long a connection is kept that nobody uses; zero is 30 seconds.
	IdleTimeout time.Duration
	// MaxIdle is how many such connections each address has; zero is 256.
	MaxIdle int
	// TLS is for https addresses; nil is the system's authorities and the address's name.
	TLS    *tls.Config
	Health Health
	// Log is told when an address stops or begins to be well; nil is silent.
	Log *slog.Logger
}

// Group is the addresses that serve one flow. Make it with New; it may be used by thousands at once.
type Group struct {
	config    Config
	addresses []*address
	turn      atomic.Uint64 // of the round robin
	log       *slog.Logger
}

// New makes a group. An error names what is wrong in the configuration, and what would be right.
func New(c Config) (*Group, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	g := &Group{config: c, log: c.Log}
	for _, text := range c.Addresses {
		a, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		a.healthy.Store(true)
		a.carrier = a.carry(c)
		g.addresses = append(g.addresses, a)
	}
	return g, nil
}

// RoundTrip carries one request to the product. Errors are an *Error, an ErrRequest, the cause of the request's context, or
// what reading the request's body gave; the last three say nothing of the product.
func (g *Group) RoundTrip(r *http.Request) (*http.Response, error) { return g.Ask(r, nil) }

// Early is told of each head of 1xx that comes before an answer, as Got1xxResponse of package httptrace is. An error of it
// ends the exchange.
type Early func(status int, fields textproto.MIMEHeader) error

// Ask is RoundTrip for those who want to be told of early heads, and have many requests: the trace of a context costs more.
func (g *Group) Ask(r *http.Request, told Early) (*http.Response, error) {
	if err := checkRequest(r); err != nil {
		closeBody(r)
		return nil, err
	}
	if r.Context().Err() != nil {
		closeBody(r)
		return nil, context.Cause(r.Context())
	}
	var tried []*address
	for a := g.pick(nil); ; {
		a.busy.Add(1)
		answer, err := a.carrier.roundTrip(r, told)
		if err == nil {
			return answer, nil
		}
		a.busy.Add(-1)
		if fault, ok := errors.AsType[*Error](err); !ok || !fault.unreached {
			return nil, err
		}
		a.setAside()
		tried = append(tried, a)
		if a = g.pick(tried); a == nil {
			closeBody(r)
			return nil, err
		}
	}
}

// Run checks the health of the addresses and closes connections that nobody used for a while, until ctx ends. Then it
// closes those that nobody uses, and from then on none is kept: a group that was replaced leaves nothing behind once its
// last request is done.
func (g *Group) Run(ctx context.Context) error {
	var work sync.WaitGroup
	for _, a := range g.addresses {
		if g.config.Health.Every > 0 {
			work.Go(func() { g.watch(ctx, a) })
		}
		work.Go(func() { g.tidy(ctx, a) })
	}
	work.Wait()
	for _, a := range g.addresses {
		a.carrier.retire()
	}
	return nil
}

// tidy closes an address's idle connections in their time, until ctx ends.
func (g *Group) tidy(ctx context.Context, a *address) {
	timer := time.NewTimer(g.config.IdleTimeout)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			timer.Reset(a.carrier.tidy(now))
		}
	}
}

// CloseIdle closes the connections that nobody uses at this moment.
func (g *Group) CloseIdle() {
	for _, a := range g.addresses {
		a.carrier.closeIdle()
	}
}

// Addresses tells how each address is, in the order of the configuration.
func (g *Group) Addresses() []AddressState {
	states := make([]AddressState, len(g.addresses))
	for i, a := range g.addresses {
		states[i] = AddressState{Address: a.text, Well: a.healthy.Load() && !a.isAside(), Busy: a.busy.Load()}
	}
	return states
}
