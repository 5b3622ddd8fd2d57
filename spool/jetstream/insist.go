package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

// pause is how long to wait before something that failed is tried again.
const pause = 100 * time.Millisecond

// patience is how long one request waits for its answer, so that several fit into the time of a call: a leader that died
// answers nothing, and its successor answers the next request.
func (c Config) patience() time.Duration { return max(c.Timeout/5, pause) }

// late is why a call ends when its time is over.
func (c Config) late() error {
	return fmt.Errorf("no answer within %v; most of the stream's servers have to run: %w", c.Timeout, context.DeadlineExceeded)
}

// insist repeats a request until it is answered for good or the context ends. It is for requests that change nothing, or
// the same thing each time.
func (j *Journal) insist(ctx context.Context, request func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, j.c.patience())
		err := request(try)
		cancel()
		if err == nil || final(err) {
			return err
		}
		if wait(ctx, pause) != nil {
			return fmt.Errorf("%w (at last: %w)", context.Cause(ctx), err)
		}
	}
}

// wait returns after a while, or earlier with an error when the context ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// The codes of JetStream that the client has no names for.
const (
	codeAccountFull  jetstream.ErrorCode = 10002
	codeNoPeers      jetstream.ErrorCode = 10005
	codeServerFull   jetstream.ErrorCode = 10023
	codeStorageFull  jetstream.ErrorCode = 10047
	codeNotClustered jetstream.ErrorCode = 10074
	codeStoreFailed  jetstream.ErrorCode = 10077
)

// refusal gives what a server said, if that is what the error is.
func refusal(err error) (jetstream.APIError, bool) {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return *api, true
	}
	var named jetstream.JetStreamError
	if errors.As(err, &named) && named.APIError() != nil {
		return *named.APIError(), true
	}
	return jetstream.APIError{}, false
}

// final reports whether the same request would fail again. Servers that are starting, or choosing a leader, are a matter of time.
func final(err error) bool {
	if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, spool.ErrClosed) || errors.Is(err, jetstream.ErrMsgNotFound) {
		return true
	}
	said, ok := refusal(err)
	switch {
	case !ok:
		return false
	case said.ErrorCode == codeNotClustered, full(err):
		return true
	case said.ErrorCode == codeNoPeers || said.Code == http.StatusTooManyRequests:
		return false
	}
	return said.Code < http.StatusInternalServerError
}

// full reports whether a record was refused for want of room.
func full(err error) bool {
	said, ok := refusal(err)
	if !ok {
		return false
	}
	switch said.ErrorCode {
	case codeAccountFull, codeServerFull, codeStorageFull:
		return true
	case codeStoreFailed:
		return said.Description == "maximum bytes exceeded" || said.Description == "maximum messages exceeded"
	}
	return false
}

// outOfTurn reports whether the stream did not end where the sender of a message thought it did.
func outOfTurn(err error) bool {
	said, ok := refusal(err)
	return ok && said.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
