// Package webhook posts to endpoints that strangers named: signed, bounded, and never inward.
//
// Begin with [New]. [Client.Check] judges a URL when somebody subscribes with it, and [Client.Post] delivers one
// body and says in an [Answer] what came of it; [Answer.Verdict] is what to do next.
//
// # Never inward
//
// Whoever may name an endpoint could name a database, a router or a cloud's metadata service. So the address is judged
// when it is connected to, after the name was resolved: a name that answers differently the second time gains nothing.
// Loopback, private, link-local, shared, multicast, reserved and translated addresses are refused ([ErrInward]), and so are ports
// below 1024 other than 80 and 443. An operator's list of prefixes lifts both. No proxy is taken from the environment and no
// redirect is followed.
//
// # Bounded
//
// A connection is made within 10 seconds and a post is over within 30. Of an answer at most 64 KB of header and 4 KB of
// body are read, compression is not asked for, and few connections outlive their post. An endpoint that hangs holds one
// connection and its buffers for those 30 seconds, nothing else.
//
// The promise ends where addresses do not tell: a public address that leads inside, by a port that a router forwards or
// because this machine bears it, is for a firewall to refuse. A post may be delivered and its answer lost; whoever posts
// again keeps the ID, by which the endpoint knows it.
package webhook

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// The bounds of a post.
const (
	longestConnect = 10 * time.Second // resolving, connecting; a TLS handshake has as much again
	longestPost    = 30 * time.Second
	longestResolve = 5 * time.Second // while somebody waits for a form
	mostHeader     = 64 << 10
	mostBody       = 4 << 10
	mostIdle       = 64 // of thousands of endpoints, most are met seldom
)

// Client posts to endpoints. Make it with New; it may be used by thousands at once.
type Client struct {
	guard     guard
	userAgent string
	dialer    *net.Dialer
	transport *http.Transport
	longest   time.Duration
}

// New makes a client that reaches the public internet, and within allow everything. It calls itself userAgent.
func New(allow []netip.Prefix, userAgent string) *Client {
	c := &Client{guard: guard{allow}, userAgent: userAgent, longest: longestPost}
	c.dialer = &net.Dialer{Timeout: longestConnect, ControlContext: c.guard.control}
	c.transport = &http.Transport{
		DialContext:            c.dialer.DialContext,
		TLSHandshakeTimeout:    longestConnect,
		MaxIdleConns:           mostIdle,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        10 * time.Second,
		MaxResponseHeaderBytes: mostHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{ // what an endpoint may send before anybody reads it
			MaxReceiveBufferPerStream: 2 * mostBody, MaxReceiveBufferPerConnection: 64 << 10,
		},
	}
	return c
}

// Close lets go of the connections that no post uses. The client may be used again.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Request is one thing to tell one endpoint.
type Request struct {
	URL string
	// ID tells the endpoint whether it has seen this before: each attempt has the same. It holds no full stop.
	ID string
	// Time is when this attempt is made.
	Time time.Time
	// Secret signs; without one nothing is signed, and neither ID nor Time are sent.
	Secret []byte
	Body   []byte
	// Header is added to ours. Content-Type is application/json unless it is here.
	Header http.Header
}

// Post delivers a request once. It returns when the endpoint has answered, when 30 seconds are over, or when ctx ends; the
// Answer's error is of ctx then, and says nothing of the endpoint.
func (c *Client) Post(ctx context.Context, r Request) Answer {
	u, err := c.guard.parse(r.URL)
	if err != nil {
		return Answer{Err: err}
	}
	ctx, stop := context.WithTimeoutCause(ctx, c.longest, fmt.Errorf("no answer within %s: %w", c.longest, context.DeadlineExceeded))
	defer stop()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Err: fmt.Errorf("%w: %w", ErrURL, err)}
	}
	post.Header.Set("Content-Type", "application/json")
	for name, values := range r.Header {
		post.Header[http.CanonicalHeaderKey(name)] = values
	}
	post.Header.Set("User-Agent", c.userAgent)
	if len(r.Secret) > 0 {
		post.Header.Set("Webhook-Id", r.ID)
		post.Header.Set("Webhook-Timestamp", strconv.FormatInt(r.Time.Unix(), 10))
		post.Header.Set("Webhook-Signature", Sign(r.Secret, r.ID, r.Time, r.Body))
	}
	// The transport alone, without http.Client, follows no redirect and writes no URL into errors: those of chats are
	// secrets.
	answer, err := c.transport.RoundTrip(post)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return Answer{Err: err}
	}
	defer answer.Body.Close()
	return read(answer)
}
