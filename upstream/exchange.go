package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// exchange is one request and its answer on one connection. It is the answer's body too.
type exchange struct {
	conn    *conn
	pool    *pool
	request *http.Request
	told    Early // nil if nobody wants to be
	answer  *http.Response
	uncut   func() bool // takes back that the connection is cut when the context ends; nil if nothing cuts it
	sending *sending    // the request's body; nil without one, or before the product wants it

	brief  bool      // so far nothing has taken long, and no end of the context would be noticed
	until  time.Time // when the head of an answer without a request's body has to be there; zero is whenever
	usable bool      // the answer lets the connection be used again
	over   atomic.Bool

	chunks io.Reader // of a body in chunks
	left   int64     // of a body whose length is known; unknown lasts until the connection ends
	done   error     // what every further read gives
}

// longestContinue is how long a request that expects 100 waits for it. Products that do not know the expectation say
// nothing before they have the body. RFC 9110, 10.1.1.
const longestContinue = time.Second

// soon is how long an exchange without a request's body goes on before it looks whether its context has ended. Most are over by
// then, and preparing to be interrupted costs more than all else that they do here.
const soon = 50 * time.Millisecond

// begin sends a request over a connection, and gives the answer when its head is there.
func (p *pool) begin(c *conn, r *http.Request, told Early, now time.Time) (*http.Response, error) {
	x := &exchange{conn: c, pool: p, request: r, told: told}
	host, length := requestHost(r), bodyLength(r)
	if host == "" {
		host = p.address.host
	}
	c.allowed = p.config.HeaderBytes
	c.head = appendHead(c.head[:0], r, host, length)
	if x.brief = length == 0 && len(c.head) <= usualHead; !x.brief {
		x.watch()
	}
	if n, err := c.Write(c.head); err != nil {
		return nil, x.fail("send the request", err, n > 0, true)
	}
	heldBack := length != 0 && expectsContinue(r)
	switch {
	case length == 0:
		x.expectHeadFrom(now)
	case !heldBack:
		x.send()
	}
	answer, err := x.listen(heldBack)
	if err != nil {
		return nil, err
	}
	return x.accept(answer)
}

// listen reads heads until there is one that is final. A body that is held back is sent when the product asks for it, or when
// it has said nothing for a while.
func (x *exchange) listen(heldBack bool) (*http.Response, error) {
	heard := false
	for {
		if heldBack {
			x.conn.readBy(time.Now().Add(longestContinue))
		}
		_, err := x.conn.buffer.Peek(1)
		if heldBack && errors.Is(err, os.ErrDeadlineExceeded) {
			heldBack = false
			x.send()
			continue
		}
		if x.brief && errors.Is(err, os.ErrDeadlineExceeded) {
			x.takeTime()
			continue
		}
		if err != nil {
			return nil, x.fail("wait for the answer", err, true, !heard)
		}
		heard = true
		answer, ok := x.conn.headAtHand()
		if !ok {
			x.takeTime()
			answer, err = x.conn.readHead()
		}
		if err != nil {
			return nil, x.fail("read the answer", err, true, false)
		}
		if !informs(answer.StatusCode) {
			return answer, nil
		}
		if err := x.inform(answer); err != nil {
			return nil, x.fail("pass on a head of 1xx", err, true, false)
		}
		if heldBack && answer.StatusCode == http.StatusContinue {
			heldBack = false
			x.send()
		}
	}
}

// inform tells the caller of a head that another one follows.
func (x *exchange) inform(answer *http.Response) error {
	if x.told != nil {
		return x.told(answer.StatusCode, textproto.MIMEHeader(answer.Header))
	}
	trace := httptrace.ContextClientTrace(x.request.Context())
	if trace == nil {
		return nil
	}
	if answer.StatusCode == http.StatusContinue && trace.Got100Continue != nil {
		trace.Got100Continue()
	}
	if trace.Got1xxResponse == nil {
		return nil
	}
	return trace.Got1xxResponse(answer.StatusCode, textproto.MIMEHeader(answer.Header))
}

// accept hands over an answer whose head was read.
func (x *exchange) accept(answer *http.Response) (*http.Response, error) {
	if err := x.frame(answer); err != nil {
		return nil, x.fail("read the answer", err, true, false)
	}
	x.answer, answer.Request = answer, x.request
	x.conn.allowed = unbounded
	if x.sending != nil {
		x.sending.stopClock(x)
	} else {
		if !x.brief || !x.isAtHand() {
			x.watch()
			x.conn.readBy(time.Time{})
		}
		closeBody(x.request)
		x.usable = x.usable && !hasBody(x.request) // one that was held back to the end may still be waited for
	}
	switch {
	case answer.StatusCode == http.StatusSwitchingProtocols:
		answer.Body = tunnel{x}
	case answer.Body == nil:
		answer.Body = x
	default:
		x.leave(true)
	}
	return answer, nil
}

// watch has the connection cut when the context ends.
func (x *exchange) watch() {
	if ctx := x.request.Context(); x.uncut == nil && ctx.Done() != nil {
		x.uncut = context.AfterFunc(ctx, func() { _ = x.conn.Close() })
	}
}

// isAtHand tells whether all of an answer has been read from the network, so that nobody waits for it any more.
func (x *exchange) isAtHand() bool {
	switch {
	case x.answer.StatusCode == http.StatusSwitchingProtocols || x.chunks != nil:
		return false
	case x.answer.Body == http.NoBody:
		return true
	}
	return x.left != unknown && x.left <= int64(x.conn.buffer.Buffered())
}

// expectHeadFrom starts the time that the head may take of an answer to a request without a body.
func (x *exchange) expectHeadFrom(now time.Time) {
	limit := x.pool.config.HeaderTimeout
	if limit > 0 {
		x.until = now.Add(limit)
	}
	x.brief = x.brief && (limit == 0 || limit > soon)
	switch {
	case !x.brief:
		x.conn.readBy(x.until)
		x.watch()
	case !x.conn.timed: // else the pool has done it
		x.conn.readBy(now.Add(soon))
	}
}

// takeTime prepares for an answer that takes its time: from now on the end of the context is noticed at once.
func (x *exchange) takeTime() {
	if x.brief {
		x.brief = false
		x.conn.readBy(x.until)
		x.watch()
	}
}

// expectHead starts the time that the answer's head may take, once the request's body was sent.
func (x *exchange) expectHead() {
	if limit := x.pool.config.HeaderTimeout; limit > 0 {
		x.conn.readBy(time.Now().Add(limit))
	}
}

// leave ends an exchange that gave an answer, once. Whole says that the answer was read to its end.
func (x *exchange) leave(whole bool) {
	if !x.over.CompareAndSwap(false, true) {
		return
	}
	x.pool.address.busy.Add(-1)
	whole = whole && x.usable && x.conn.buffer.Buffered() == 0 && (x.sending == nil || x.sending.isDone())
	if x.uncut != nil && !x.uncut() {
		whole = false
	}
	if whole {
		x.pool.keep(x.conn)
	} else {
		x.cut()
	}
}

// cut gives up the connection, and the request's body if it is still being sent.
func (x *exchange) cut() {
	_ = x.conn.Close()
	if x.uncut != nil {
		x.uncut()
	}
	if x.sending != nil {
		x.sending.abandon()
	}
}

// fail ends an exchange without an answer, and says why. Sent says that the product got something, and unheard that
// nothing came from it.
func (x *exchange) fail(act string, err error, sent, unheard bool) error {
	x.over.Store(true)
	x.cut()
	ofProduct, reason := x.explain(err)
	unheard = unheard && ofProduct && x.conn.kept && !isTimeout(reason)
	if x.sending == nil && (sent || !unheard) { // otherwise the pool needs the body once more
		closeBody(x.request)
	}
	if !ofProduct {
		return reason
	}
	return &Error{
		Address: x.pool.address.text, Sent: sent, Timeout: isTimeout(reason), Err: fmt.Errorf("%s: %w", act, reason),
		unheard: unheard,
	}
}

// explain finds the reason why a connection could not be read or written, and tells whether it lies with the product.
func (x *exchange) explain(err error) (ofProduct bool, reason error) {
	if ctx := x.request.Context(); ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if x.sending != nil {
		if ofProduct, fault := x.sending.broken(); fault != nil {
			return ofProduct, fault
		}
	}
	switch {
	case errors.Is(err, errTooLong):
		return true, unfit("its head has more than %d bytes", x.pool.config.HeaderBytes)
	case errors.Is(err, io.EOF):
		return true, io.ErrUnexpectedEOF
	}
	return true, err
}

// informs tells whether another head follows one with this status.
func informs(code int) bool { return code < 200 && code != http.StatusSwitchingProtocols }

func expectsContinue(r *http.Request) bool {
	return httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue")
}
