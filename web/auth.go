package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

// What is wrong with a well-formed token.
var (
	errUnknownToken = errors.New("this token is not known here: it belongs to another server, or was never made")
	errRevokedToken = errors.New("this token has been revoked")
)

// How long a token is believed without asking the store again, how many are remembered, and how often a use is noted.
const (
	keyLife    = 5 * time.Second
	mostKeys   = 1024
	touchEvery = time.Minute
	touchLimit = 5 * time.Second
)

// tokenStore is where tokens are kept.
type tokenStore interface {
	TokenByHash(ctx context.Context, hash string) (access.Token, error)
	TouchToken(ctx context.Context, id string, now time.Time) error
}

// keyring recognises tokens. It remembers good ones for a few seconds, so that a busy client costs no query for each
// request; unknown ones are not remembered, so that nobody can fill it with inventions.
type keyring struct {
	store   tokenStore
	clock   Clock
	errands *sync.WaitGroup
	log     *slog.Logger

	mu      sync.Mutex
	known   map[string]key       // by hash
	touched map[string]time.Time // by id
}

type key struct {
	token access.Token
	until time.Time // by the machine's clock: a driven one may stand still
}

func newKeyring(store tokenStore, clock Clock, errands *sync.WaitGroup, log *slog.Logger) *keyring {
	return &keyring{store: store, clock: clock, errands: errands, log: log, known: map[string]key{}, touched: map[string]time.Time{}}
}

// recognise finds the token of an Authorization header, whatever its scope.
func (k *keyring) recognise(ctx context.Context, header string) (access.Token, error) {
	secret, err := access.FromHeader(header)
	if err != nil {
		return access.Token{}, err
	}
	hash := access.Hash(secret)
	token, remembered := k.remembered(hash)
	if !remembered {
		token, err = k.store.TokenByHash(ctx, hash)
		switch {
		case errors.Is(err, status.ErrNotFound):
			return access.Token{}, errUnknownToken
		case err != nil:
			return access.Token{}, fmt.Errorf("look up token: %w", err)
		case !token.Matches(secret):
			return access.Token{}, errUnknownToken
		}
		k.remember(hash, token)
	}
	if !token.Revoked.IsZero() {
		return access.Token{}, errRevokedToken
	}
	k.touch(ctx, token)
	return token, nil
}

func (k *keyring) remembered(hash string) (access.Token, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.known[hash]
	return found.token, ok && time.Now().Before(found.until)
}

func (k *keyring) remember(hash string, t access.Token) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= mostKeys {
		clear(k.known)
	}
	k.known[hash] = key{token: t, until: time.Now().Add(keyLife)}
}

// forget makes the next use of any token ask the store.
func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.known)
}

// touch notes that a token was used, at most once a minute, without keeping the request waiting.
func (k *keyring) touch(ctx context.Context, t access.Token) {
	now := time.Now()
	k.mu.Lock()
	due := now.Sub(k.touched[t.ID]) >= touchEvery
	if due {
		k.touched[t.ID] = now
	}
	k.mu.Unlock()
	if !due {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), touchLimit)
	at := k.clock.Now()
	k.errands.Go(func() {
		defer stop()
		if err := k.store.TouchToken(ctx, t.ID, at); err != nil {
			k.log.DebugContext(ctx, "use of a token not noted", "token", t.ID, "error", err)
		}
	})
}

// visitor is who sent a request, kept in its context.
type visitor struct {
	token access.Token
	// conditional says that the request carried If-Match.
	conditional bool
}

type visitorKey struct{}

func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// actor is how the visitor's acts are recorded. Whoever holds a token of the API is taken for a person: going back in
// the life cycle is theirs.
func (v visitor) actor() status.Actor { return status.Actor{Kind: status.Person, Name: v.token.Name} }

// permit refuses a token that does not cover a scope.
func permit(t access.Token, required access.Scope, what string) error {
	if t.Allows(required) {
		return nil
	}
	return &tooNarrow{name: t.Name, has: t.Scope, required: required, what: what}
}
