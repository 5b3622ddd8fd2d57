// Package messages is the door by which a product says: deliver this, then. It takes HTTP requests and mails that are to go out
// now or at a time, and hands them to a spool, which lets them go.
//
// Begin with [New]. An [API] is an http.Handler for a listener of its own, away from the product's customers; programs in Go talk to
// it with [Client]. [API.Courier] is what the spool of the flow delivers with. The spool's couriers come from the API, and so the
// spool is made after it: [API.Attach] gives it to the API.
//
// What it promises: an answer of 201 or 200 means that the message is durable. It leaves no earlier than at its time; while
// its flow is interrupted it waits, and afterwards it leaves at the flow's rate, oldest first. A message with an idempotency key is
// accepted once, and its repetitions are told the same id. It may be delivered twice when an answer of its receiver is
// lost; both times it bears the same Idempotency-Key.
//
// The product is not trusted with the network: a flow's [Target] lists where its messages may go, and nothing else is ever
// reached, whatever a URL looks like, a name resolves to or an answer redirects to. What messages hold stands in no list, log or reason.
// The promise ends with the receiver: what it accepts with 2xx is delivered, whatever it does then.
//
// Its files: config.go and wire.go are the nouns, token.go says who may, accept.go is the way in with strict.go and raw.go for its two
// forms, where.go judges URLs, fields.go headers and envelope.go mails; manage.go is what happens to messages later, courier.go
// the way out.
package messages

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"example.org/interlude/spool"
)

// Spool is what the API asks of a spool; *spool.Spool is one.
type Spool interface {
	Accept(ctx context.Context, e spool.Entry) (spool.Receipt, error)
	Item(ctx context.Context, id string) (spool.Item, error)
	Items(ctx context.Context, f spool.Filter) ([]spool.Item, error)
	Retry(ctx context.Context, id string) error
	Remove(ctx context.Context, id string) error
}

// API takes messages. It is made by [New] and may be used by many at once.
type API struct {
	config  Config
	targets map[string]*target
	keys    []key
	slots   chan struct{}
	spool   atomic.Pointer[Spool]
	mux     *http.ServeMux
	log     *slog.Logger
}

// New makes an API, or says what is wrong with its configuration.
func New(c Config) (*API, error) {
	a := &API{config: c, targets: map[string]*target{}, mux: http.NewServeMux(), log: c.Log}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.config.Limits = c.Limits.orDefaults()
	a.slots = make(chan struct{}, a.config.Limits.AtOnce)
	for name, t := range c.Flows {
		made, err := newTarget(name, t)
		if err != nil {
			return nil, err
		}
		a.targets[name] = made
	}
	var err error
	if a.keys, err = newKeys(c.Tokens, a.targets); err != nil {
		return nil, err
	}
	if c.Spool != nil {
		a.Attach(c.Spool)
	}
	a.routes()
	return a, nil
}

// Attach gives the API its spool. Until there is one, requests are answered 503.
func (a *API) Attach(s Spool) { a.spool.Store(&s) }

// Close lets go of the connections to receivers that no delivery uses.
func (a *API) Close() {
	for _, t := range a.targets {
		if t.road != nil {
			t.road.CloseIdleConnections()
		}
	}
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// visit is a request that may be answered: who asks, for which flow.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	by     key
	flow   string
	target *target
	spool  Spool
}

// An act answers a visit, or gives a *Problem or an error of the spool.
type act func(visit) error

// A way is one method of a path: what it does, and what a token needs for it.
type way struct {
	method string
	needs  need
	do     act
}

func (a *API) routes() {
	a.route("/v1/messages/{flow}", way{http.MethodGet, toRead, a.list}, way{http.MethodPost, toSend, a.acceptJSON})
	a.route("/v1/messages/{flow}/raw", way{http.MethodPost, toSend, a.acceptRaw})
	a.route("/v1/messages/{flow}/{id}", way{http.MethodDelete, toCancel, a.cancel}, way{http.MethodGet, toRead, a.get})
	a.route("/v1/messages/{flow}/{id}/retry", way{http.MethodPost, toCancel, a.retry})
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, problem(http.StatusNotFound, "not_found", "there is nothing at this path", "Messages are at /v1/messages/FLOW."))
	})
}

// route serves the ways of a path, and refuses all other methods.
func (a *API) route(path string, ways ...way) {
	var allowed []string
	for _, way := range ways {
		allowed = append(allowed, way.method)
	}
	a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		for _, way := range ways {
			if r.Method == way.method {
				if err := a.visit(w, r, way); err != nil {
					a.refuse(w, r, err)
				}
				return
			}
		}
		list := strings.Join(allowed, ", ")
		w.Header().Set("Allow", list)
		a.refuse(w, r, problem(http.StatusMethodNotAllowed, "method", r.Method+" is not possible here", "This path has "+list+"."))
	})
}

// visit lets in who may do what they ask for. Nothing of a body is read before.
func (a *API) visit(w http.ResponseWriter, r *http.Request, way way) error {
	v := visit{w: w, r: r, flow: r.PathValue("flow")}
	var err error
	if v.by, err = a.recognise(r.Header); err != nil {
		return err
	}
	v.target = a.targets[v.flow]
	if v.target == nil {
		return problem(http.StatusNotFound, "not_found", "there is no such flow for messages", "This token may use "+v.by.list()+".")
	}
	if err := v.by.may(way.needs, v.flow); err != nil {
		return err
	}
	s := a.spool.Load()
	if s == nil {
		return spool.ErrClosed
	}
	v.spool = *s
	return way.do(v)
}

// enter waits for room in memory for one message more. The function that it gives makes room again.
func (a *API) enter(ctx context.Context) (leave func(), err error) {
	ctx, stop := context.WithTimeoutCause(ctx, longestEntry, errBusy)
	defer stop()
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// longestEntry is how long a message waits to be read while many others are.
const longestEntry = 5 * time.Second

// errBusy is that too many messages are being taken at this moment.
var errBusy = errors.New("too many messages are being accepted at this moment")
