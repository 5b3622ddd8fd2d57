package upstream

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrRequest is a request that is not sent, because it is no HTTP or could be read as something else than it is. Errors that
// wrap it say what is wrong.
var ErrRequest = errors.New("this request cannot be sent")

// ErrAnswer is an answer that is no HTTP, is too long in its head, or leaves doubt where it ends.
var ErrAnswer = errors.New("this answer cannot be passed on")

// Error is an exchange with the product that failed.
type Error struct {
	// Address is the one that was asked last.
	Address string
	// Sent says that the product may have seen the request, or a part of it. If it is false, asking again is safe as far as
	// the product is concerned.
	Sent bool
	// Timeout says that one of the configured times ran out.
	Timeout bool
	// Err says what happened.
	Err error

	unreached bool // no connection was made, and the request's body was not touched
	unheard   bool // on a kept connection, which ended before any byte of an answer
}

// Error says where and what.
func (e *Error) Error() string { return fmt.Sprintf("upstream %s: %v", e.Address, e.Err) }

// Unwrap gives what happened.
func (e *Error) Unwrap() error { return e.Err }

// refused says why a request is not sent.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRequest, fmt.Sprintf(format, args...))
}

// unfit says why an answer is not passed on.
func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrAnswer, fmt.Sprintf(format, args...))
}

// isTimeout tells whether a time ran out.
func isTimeout(err error) bool {
	timed, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timed.Timeout()
}

// closeBody closes the body of a request that is not or no longer sent.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // nobody asks any more how its reading went
	}
}
