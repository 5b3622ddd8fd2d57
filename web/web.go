// Package web is the HTTP door: everything that reaches a server from outside comes in through it.
//
// Begin with [Server]: fill in its parts, then [Server.Run] serves a listener until its context ends. The page is given
// as a handler and mounted at /. The Statuspage-compatible API stands below /api/v2/ and /v1/: see package statuspage.
// The native API lives below [api.Prefix]; routes.go lists every operation with the scope that it needs, and the
// OpenAPI document that it serves at [api.PathOpenAPI] is made from that list and from the types of package api, so
// that neither can say what the other does not. Beside them stand:
//
//   - /healthz: the process lives. Point load balancers of the page at it, for the page stays up without its store.
//   - /readyz: the store answers and did not refuse the last change, the board is loaded and fresh, and what is due on
//     time is done: this node can take changes. The answer names the parts.
//   - /api: the references of the APIs, for people; one page for each OpenAPI document.
//   - /metrics: for Prometheus. It needs a token of scope read, from wherever it is asked: behind a proxy on the same
//     machine every request comes from the loopback address, so an address proves nothing.
//
// Reads are answered from the board, in memory; one that would be answered "not found" first has the board look whether
// another node wrote it a moment ago. A write goes to the keeper, and is answered when this node's board
// shows it, so that whoever wrote reads what they wrote. A write that was begun is finished, even when whoever asked
// for it no longer waits, because half an answer helps nobody. Every write is conditional when it carries If-Match.
//
// Gates come in here too: each follows the plan, a stream that is made of the board alone and so goes on while the store is
// away, tells what is in force there, and what it measured. While a gate holds requests, the maintenance that they wait
// for cannot be completed: see keepHolds.
//
// Handlers return errors; the table in problem.go turns facts into status, code and sentence, and what is not in it
// is "internal": the visitor gets the name of the request, the log gets the cause. Input is read as strictly as
// documents are: a field that is not known is refused with the nearest one that is.
//
// What is promised: no operation is open without a token, no secret is logged, no answer is taken for another type
// than it has, and Run ends within [grace] of being told to. The promise ends at the socket: TLS is a proxy's work.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/store"
)

// Clock gives the time.
type Clock interface {
	Now() time.Time
}

// Server is the door with what stands behind it. Its fields are set before its first use and not afterwards.
type Server struct {
	// Keeper makes changes, Board shows them, Store keeps tokens and the audit log.
	Keeper *keeper.Keeper
	Board  *board.Board
	Store  *store.Store
	// Page is what readers see, mounted at /. Without one, only the API and the probes are there.
	Page  http.Handler
	Clock Clock
	Log   *slog.Logger
	// Version is the program's, for those who ask.
	Version string
	// Secure says that readers come by https although this process does not see it: a proxy ends TLS before it. The audit
	// log then believes the last address in X-Forwarded-For, which the proxy adds.
	Secure bool
	// StaleAfter is the age from which the board counts as stale in /readyz; 0 is 10 seconds. A clock that is driven
	// fast needs more.
	StaleAfter time.Duration
	// Notices writes and sends messages for operators who want to see one. Without it, nothing goes out by any channel.
	Notices NoticeDesk
	// Collectors are measured along with the server's own figures.
	Collectors []prometheus.Collector
}

// How long things may take. There is no read timeout for whole requests and no limit that a live stream of the page
// could not lift with http.ResponseController.
const (
	headerPatience = 10 * time.Second
	bodyPatience   = 30 * time.Second
	writePatience  = 60 * time.Second
	idlePatience   = 2 * time.Minute
	callPatience   = 20 * time.Second // one call of the API
	applyPatience  = 2 * time.Minute  // and an apply, which may carry thousands of documents
	showPatience   = 2 * time.Second  // until a board shows a change
	grace          = 10 * time.Second // between being told to stop and having stopped
	largestHeader  = 64 << 10
	staleAfter     = 10 * time.Second
)

// errStopping is why live streams end when the server does.
var errStopping = errors.New("the server is stopping")

// door is a server that has been opened: its routes, and what it remembers between requests.
type door struct {
	Server
	mux     *http.ServeMux
	keys    *keyring
	metrics *metrics
	probe   probe
	// writable is why the store took no change the last time, or nothing.
	writable func() error
	listing  listing
	queue    queue
	// plans counts the streams of plans, and planBeat is how often each says something.
	plans    atomic.Int64
	planBeat time.Duration
	// guardedAt are the patterns of guarded handlers.
	guardedAt []string
	errands   sync.WaitGroup // what requests left to be done
}

// Handler is the whole door as a handler. Use it where the listener belongs to somebody else, as in tests; otherwise
// use Run.
func (s Server) Handler() http.Handler { return s.open().handler() }

func (s Server) open() *door {
	d := &door{Server: s, mux: http.NewServeMux(), planBeat: planBeat}
	d.writable = s.Store.Writable
	d.keys = newKeyring(s.Store, s.Clock, &d.errands, s.Log)
	d.metrics = newMetrics(d)
	d.mux.HandleFunc("GET /healthz", d.healthz)
	d.mux.HandleFunc("GET /readyz", d.readyz)
	d.mux.Handle("GET /metrics", d.metricsHandler())
	d.openReferences(d.openNative(), d.openStatuspage())
	if s.Page != nil {
		d.mux.Handle("/", s.Page)
	}
	return d
}

// Run serves the listener until ctx ends. Then it stops accepting, ends the contexts of live streams, lets what is
// under way finish for up to ten seconds, and returns. The listener is closed.
func (s Server) Run(ctx context.Context, listener net.Listener) error {
	d := s.open()
	streams, endStreams := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endStreams(errStopping)
	server := &http.Server{
		Handler:           d.handler(),
		ReadHeaderTimeout: headerPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    largestHeader,
		BaseContext:       func(net.Listener) context.Context { return streams },
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }() // Shutdown and Close end it
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	endStreams(errStopping)
	err := server.Shutdown(stop)
	if said := <-failed; !errors.Is(said, http.ErrServerClosed) {
		s.Log.Warn("the listener failed while the server was stopping", "error", said)
	}
	if err != nil {
		s.Log.Warn("some requests did not end in time and were cut", "error", err)
		return server.Close()
	}
	d.errands.Wait()
	return nil
}

// handler is the routes with what every request passes through, the outermost first.
func (d *door) handler() http.Handler {
	var h http.Handler = d.mux
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, r, errCrossOrigin)
	}))
	for _, pattern := range d.guardedAt {
		protection.AddInsecureBypassPattern(pattern)
	}
	h = protection.Handler(h)
	h = d.secure(h)
	h = d.recovered(h)
	return d.observed(h)
}

// notThere answers for paths of the native API that no operation has.
func (d *door) notThere(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := d.mux.Handler(other); pattern != api.Prefix+"/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		d.refuse(w, r, noSuchPath(r.URL.Path))
		return
	}
	d.refuse(w, r, noSuchMethod(r.Method, allowed))
}
