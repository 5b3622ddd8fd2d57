package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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

// How long a token is believed without asking the store again, how long it is believed when the store cannot answer,
// how long that may take to show, how many are remembered, and how often a use is noted.
const (
	keyLife     = 5 * time.Second
	keyReserve  = time.Hour
	keyPatience = 2 * time.Second
	mostKeys    = 1024
	touchEvery  = time.Minute
	touchLimit  = 5 * time.Second
)

// tokenStore is where tokens are kept.
type tokenStore interface {
	TokenByHash(ctx context.Context, hash string) (access.Token, error)
	TouchToken(ctx context.Context, id string, now time.Time) error
}

// keyring recognises tokens. It remembers good ones for a few seconds, so that a busy client costs no query for each
// request; unknown ones are not remembered, so that nobody can fill it with inventions.
//
// A token that the store vouched for is kept for an hour longer, and believed when the store cannot answer: the figures
// that tell of a database that is away, and all that is read from memory, must be readable exactly then. Taking a token
// back needs the store too, so while it is away for all nodes no token becomes bad, and nothing can be changed with any. A
// node that is cut off alone may let a token read that was taken back elsewhere, for that hour at most. What the store
// does answer counts: a token that it calls unknown or revoked is refused at once.
type keyring struct {
	store   tokenStore
	clock   Clock
	errands *sync.WaitGroup
	log     *slog.Logger

	mu      sync.Mutex
	known   map[string]key       // by hash
	touched map[string]time.Time // by id
}

// key is a token as the store had it. Its times are the machine's: a driven clock may stand still.
type key struct {
	token access.Token
	// vouched is when the store last answered for it, and until is up to when it is not asked again.
	vouched, until time.Time
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
	token, err := k.find(ctx, access.Hash(secret))
	switch {
	case err != nil:
		return access.Token{}, err
	case !token.Matches(secret):
		return access.Token{}, errUnknownToken
	case !token.Revoked.IsZero():
		return access.Token{}, errRevokedToken
	}
	k.touch(ctx, token)
	return token, nil
}

// find is the token of a hash, remembered or from the store.
func (k *keyring) find(ctx context.Context, hash string) (access.Token, error) {
	now := time.Now()
	had, fresh, spare := k.remembered(hash, now)
	if fresh {
		return had.token, nil
	}
	if spare { // whoever has one in reserve does not wait long for a store that hangs
		limited, stop := context.WithTimeout(ctx, keyPatience)
		defer stop()
		ctx = limited
	}
	token, err := k.store.TokenByHash(ctx, hash)
	switch {
	case err == nil:
		k.remember(hash, key{token: token, vouched: now, until: now.Add(keyLife)})
		return token, nil
	case errors.Is(err, status.ErrNotFound):
		k.drop(func(o key) bool { return o.token.Hash == hash })
		return access.Token{}, errUnknownToken
	case spare:
		k.log.DebugContext(ctx, "a token is believed although the store cannot answer", "token", had.token.ID, "error", err)
		k.remember(hash, key{token: had.token, vouched: had.vouched, until: time.Now().Add(keyLife)})
		return had.token, nil
	}
	return access.Token{}, fmt.Errorf("look up token: %w", err)
}

// remembered is a key, whether it may be used without asking, and whether it may be used when nobody answers.
func (k *keyring) remembered(hash string, now time.Time) (had key, fresh, spare bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	had, ok := k.known[hash]
	spare = ok && now.Sub(had.vouched) < keyReserve
	return had, spare && now.Before(had.until), spare
}

// remember keeps a key. When there are too many, the one that the store was asked for longest ago goes.
func (k *keyring) remember(hash string, kept key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.known[hash]; !there && len(k.known) >= mostKeys {
		var oldest string
		for h, o := range k.known {
			if oldest == "" || o.vouched.Before(k.known[oldest].vouched) {
				oldest = h
			}
		}
		delete(k.known, oldest)
	}
	k.known[hash] = kept
}

// drop forgets keys, so that the next use of their tokens asks the store.
func (k *keyring) drop(which func(key) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.known, func(_ string, o key) bool { return which(o) })
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

// actor is how the visitor's acts are recorded.
func (v visitor) actor() status.Actor { return v.token.Actor() }

// permit refuses a token that does not cover a scope.
func permit(t access.Token, required access.Scope, what string) error {
	if t.Allows(required) {
		return nil
	}
	return &tooNarrow{name: t.Name, has: t.Scope, required: required, what: what}
}
