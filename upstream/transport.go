package upstream

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// transport carries requests to one address by net/http: over TLS, with HTTP/2 if the product agrees to it, or over HTTP/2 without TLS.
type transport struct {
	address *address
	scheme  string // as net/http has it
	http    *http.Transport
}

// A connection of HTTP/2 on which nothing was heard for askAlive is asked for a sign of life, and given up without one. Else
// a product that vanished without a word would take all requests with it.
const (
	askAlive  = 15 * time.Second
	showAlive = 5 * time.Second
)

func newTransport(a *address, c Config) *transport {
	t := &transport{address: a, scheme: "https"}
	var protocols http.Protocols
	if a.scheme == "h2c" {
		t.scheme = "http"
		protocols.SetUnencryptedHTTP2(true)
	} else {
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	}
	dialer := c.dialer()
	t.http = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, a.network, a.place)
		},
		TLSClientConfig:        c.TLS.Clone(),
		TLSHandshakeTimeout:    c.ConnectTimeout,
		ResponseHeaderTimeout:  c.HeaderTimeout,
		ExpectContinueTimeout:  longestContinue,
		IdleConnTimeout:        c.IdleTimeout,
		MaxIdleConnsPerHost:    c.MaxIdle,
		MaxResponseHeaderBytes: c.HeaderBytes,
		DisableCompression:     true,
		Protocols:              &protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: askAlive, PingTimeout: showAlive},
	}
	return t
}

func (t *transport) roundTrip(r *http.Request, told Early) (*http.Response, error) {
	body := &lentBody{ReadCloser: r.Body}
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn:        func(httptrace.GotConnInfo) { body.taken.Store(true) },
		Got1xxResponse: told,
	})
	answer, err := t.http.RoundTrip(t.outgoing(ctx, r, body))
	if err != nil {
		return nil, t.explain(r, err, body.taken.Load())
	}
	answer.Request = r
	if answer.Body == http.NoBody {
		t.address.busy.Add(-1)
		return answer, nil
	}
	counted := &countedBody{ReadCloser: answer.Body, leave: sync.OnceFunc(func() { t.address.busy.Add(-1) }), ctx: r.Context()}
	answer.Body = counted
	if duplex, ok := counted.ReadCloser.(io.ReadWriteCloser); ok && answer.StatusCode == http.StatusSwitchingProtocols {
		answer.Body = countedTunnel{counted, duplex}
	}
	return answer, nil
}

// outgoing is the request as net/http wants it: with the address in its URL, and an empty User-Agent if none is to be sent.
func (t *transport) outgoing(ctx context.Context, r *http.Request, body *lentBody) *http.Request {
	out := r.WithContext(ctx)
	if hasBody(r) {
		out.Body = body
	} else {
		out.Body = http.NoBody
	}
	host := requestHost(r)
	if host == "" {
		host = t.address.host
	}
	out.Host, out.URL = host, &url.URL{
		Scheme: t.scheme, Host: t.address.place, Path: r.URL.Path, RawPath: r.URL.RawPath,
		ForceQuery: r.URL.ForceQuery, RawQuery: r.URL.RawQuery,
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		out.Header = maps.Clone(r.Header)
		if out.Header == nil {
			out.Header = http.Header{}
		}
		out.Header["User-Agent"] = []string{""}
	}
	return out
}

// explain says why there is no answer. Reached says that there was a connection, and that net/http closes the body.
func (t *transport) explain(r *http.Request, err error, reached bool) error {
	if ctx := r.Context(); ctx.Err() != nil {
		if !reached {
			closeBody(r)
		}
		return context.Cause(ctx)
	}
	if fault, ok := errors.AsType[*tornBody](err); ok {
		return fault
	}
	return &Error{Address: t.address.text, Sent: reached, Timeout: isTimeout(err), Err: err, unreached: !reached}
}

// tidy leaves it to net/http, which has timers of its own.
func (t *transport) tidy(time.Time) time.Duration { return time.Hour }

func (t *transport) closeIdle() { t.http.CloseIdleConnections() }

func (t *transport) retire() { t.http.CloseIdleConnections() }

// lentBody is a request's body that is not closed before there is a connection, because another address may need it.
type lentBody struct {
	io.ReadCloser
	taken atomic.Bool
}

// Close closes a body that was taken.
func (b *lentBody) Close() error {
	if !b.taken.Load() {
		return nil
	}
	return b.ReadCloser.Close()
}

// Read marks what could not be read as the fault of the request.
func (b *lentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = torn(err)
	}
	return n, err
}

// countedBody is the body of an answer; when it has ended, its address is less busy.
type countedBody struct {
	io.ReadCloser
	ctx   context.Context
	leave func()
}

// Read reads from the answer, and says why when the context has cut it off.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.leave()
		if !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
			err = context.Cause(b.ctx)
		}
	}
	return n, err
}

// Close gives up what was not read.
func (b *countedBody) Close() error {
	b.leave()
	return b.ReadCloser.Close()
}

// countedTunnel is the connection that is left of an answer of 101.
type countedTunnel struct {
	*countedBody
	io.Writer
}
