package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Act is one request by which somebody changes something, as the audit log keeps it.
type Act struct {
	// Token is the id of the token that was sent, and Name what it is for.
	Token string `json:"token"`
	Name  string `json:"name"`
	// Operation is what was asked for: an operation of the native API by its id, or a method and a path.
	Operation string `json:"operation"`
	// Request is the request's own id, as in the server's log, and Client the address it came from.
	Request string `json:"request"`
	Client  string `json:"client"`
	// Repeat makes the act one that happens once, however often it is sent; nil for one that happens each time.
	Repeat *Repeat `json:"-"`
}

// Repeat is how a repetition of a request is known.
type Repeat struct {
	// Key is what [RepeatKey] makes of the client's key.
	Key string
	// Fingerprint is the same for the same request only.
	Fingerprint string
}

// ErrRepeated says that a request with the same idempotency key has made its change already: this one changed nothing.
var ErrRepeated = errors.New("a request with this idempotency key has been carried out already")

// RepeatKey is the stored form of a client's idempotency key. Each token has keys of its own.
func RepeatKey(tokenID, key string) string {
	sum := sha256.Sum256([]byte(tokenID + "\x00" + key))
	return hex.EncodeToString(sum[:])
}

type actKey struct{}

// WithAct puts an act into a context, so that whatever is written in it is recorded as its doing.
func WithAct(ctx context.Context, a Act) context.Context {
	return context.WithValue(ctx, actKey{}, a)
}

// ActOf is the act of a context, and false for what no request asked for, such as the clock's doings.
func ActOf(ctx context.Context) (Act, bool) {
	a, ok := ctx.Value(actKey{}).(Act)
	return a, ok
}
