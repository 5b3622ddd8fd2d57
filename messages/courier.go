package messages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/webhook"
)

// Courier is what delivers the messages of a flow; nil when the API has no such flow.
func (a *API) Courier(flow string) spool.Courier {
	t := a.targets[flow]
	if t == nil {
		return nil
	}
	return courier{a, t}
}

// courier delivers the messages of one flow, and counts those that were for later.
type courier struct {
	api *API
	to  *target
}

// late is how long after its time a message has left too late to say that nothing held it up.
const late = 5 * time.Second

// Deliver hands a message over.
func (c courier) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	began := time.Now()
	var out spool.Outcome
	if c.to.mail != nil {
		out = c.to.mail.Deliver(ctx, e)
	} else {
		out = c.to.deliver(ctx, e)
	}
	switch {
	case out.Result == spool.Refused:
		c.api.log.WarnContext(ctx, "message refused", "flow", e.Flow, "id", e.ID, "reason", out.Reason)
	case out.Result == spool.Taken && e.Due.After(e.Accepted):
		c.api.count(e.Flow, began.Sub(e.Due) > late)
	}
	return out
}

// The bounds of a delivery by HTTP.
const (
	longestConnect = 10 * time.Second // resolving and connecting; a TLS handshake has as much again
	largestHeader  = 64 << 10
	largestAnswer  = 64 << 10
	mostIdle       = 32
	longestRest    = time.Hour // what a receiver may ask for: the whole flow waits
)

// newRoad makes the connections of a target. They are judged as those of package webhook are, by the very address that is
// connected to, after its name was resolved. No proxy is taken from the environment.
func newRoad(t Target) *http.Transport {
	guard := webhook.New(t.Private, "")
	dialer := &net.Dialer{
		Timeout: longestConnect,
		ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
			return guard.Check(ctx, "http://"+address)
		},
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        t.TLS.Clone(),
		TLSHandshakeTimeout:    longestConnect,
		MaxIdleConns:           mostIdle,
		MaxIdleConnsPerHost:    mostIdle,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: largestHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}

// deliver sends a message as an HTTP request, and says what came of it. Reasons hold neither what was sent nor what was answered.
func (t *target) deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	r, err := t.request(e)
	if err != nil {
		return spool.Outcome{Result: spool.Refused, Reason: err.Error()}
	}
	limited, stop := context.WithTimeout(ctx, t.timeout)
	defer stop()
	var connected atomic.Bool
	limited = httptrace.WithClientTrace(limited, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	// The transport alone, without http.Client, follows no redirect and writes no URL into errors.
	answered, err := t.road.RoundTrip(r.WithContext(limited))
	switch {
	case err == nil:
		defer answered.Body.Close()
		_, _ = io.CopyN(io.Discard, answered.Body, largestAnswer) // so that the connection can be kept
		return judge(answered)
	case ctx.Err() != nil:
		return spool.Outcome{Reason: "the gate stopped before there was an answer"}
	case errors.Is(err, webhook.ErrInward), errors.Is(err, webhook.ErrURL):
		return spool.Outcome{Result: spool.Refused, Reason: "its host leads to an address that this flow may not reach"}
	case limited.Err() != nil:
		return spool.Outcome{Reason: fmt.Sprintf("no answer within %s", t.timeout), Away: !connected.Load()}
	case connected.Load(): // the error may quote what was answered
		return spool.Outcome{Reason: "the connection ended before there was an answer of HTTP"}
	}
	return spool.Outcome{Reason: webhook.Answer{Err: err}.Line(), Away: true}
}

// request makes the request of a message.
func (t *target) request(e spool.Entry) (*http.Request, error) {
	var h head
	if err := json.Unmarshal(e.Head, &h); err != nil {
		return nil, errors.New("what was stored of it is no message of this door")
	}
	u, err := t.where(h.URL)
	if err != nil {
		return nil, fmt.Errorf("its URL %w", err)
	}
	r, err := http.NewRequest(h.Method, u.String(), bytes.NewReader(e.Body))
	if err != nil {
		return nil, errors.New("what was stored of it is no request")
	}
	for name, values := range t.headers {
		r.Header[name] = values
	}
	for name, values := range h.Header {
		r.Header[name] = values
	}
	// net/http sends a request with this key again by itself when a kept connection turns out to be closed.
	if r.Header.Get("Idempotency-Key") == "" {
		r.Header.Set("Idempotency-Key", e.ID)
	}
	if _, given := r.Header["User-Agent"]; !given {
		r.Header.Set("User-Agent", "Interlude")
	}
	r.Header.Set("Interlude-Entry", e.ID)
	return r, nil
}

// judge says what an answer means.
func judge(r *http.Response) spool.Outcome {
	code := r.StatusCode
	out := spool.Outcome{Reason: strconv.Itoa(code) + " " + http.StatusText(code)}
	switch {
	case code >= 200 && code < 300:
		return spool.Outcome{Result: spool.Taken}
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		out.After, out.Away = retryAfter(r.Header), true
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		out.After = retryAfter(r.Header)
	case code >= 300 && code < 400:
		out.Result, out.Reason = spool.Refused, out.Reason+"; redirects are not followed"
	default:
		out.Result = spool.Refused
	}
	return out
}

// retryAfter is how long a receiver wants to be left alone (RFC 9110, 10.2.3): seconds, or until a date, which is measured by
// the answer's own, so that a wrong clock changes nothing.
func retryAfter(h http.Header) time.Duration {
	said := h.Get("Retry-After")
	if n, err := strconv.ParseUint(said, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, longestRest)
	}
	until, err := http.ParseTime(said)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(until.Sub(now), 0), longestRest)
}
