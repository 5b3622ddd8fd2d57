package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"
)

// room bounds the connections of all doors together. Its zero value is without bound.
type room struct {
	mu         sync.Mutex
	changed    *sync.Cond // connections ended, or somebody should look again
	open, most int
}

func newRoom() *room {
	r := &room{}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// set puts another bound in force. Connections above it stay.
func (r *room) set(most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = most
	r.changed.Broadcast()
}

// await waits until there is room for one connection more, and reports false once closed says that nobody wants it.
func (r *room) await(closed func() bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.most > 0 && r.open >= r.most && !closed() {
		r.changed.Wait()
	}
	return !closed()
}

func (r *room) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open++
}

func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	r.changed.Broadcast()
}

// wake lets those look again who wait for room. The lock keeps it from coming between their look and their waiting.
func (r *room) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed.Broadcast()
}

func (r *room) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}

// empty waits until no connection is open, tunnels among them, or ctx ends.
func (r *room) empty(ctx context.Context) bool {
	defer context.AfterFunc(ctx, r.wake)()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.open > 0 && ctx.Err() == nil {
		r.changed.Wait()
	}
	return r.open == 0
}

// turn is the use that one server makes of a socket. Closing it ends the accepting and leaves the socket open, so that the
// next one goes on with it and nobody who connects between the two is turned away.
type turn struct {
	*net.TCPListener
	room    *room
	stalled time.Duration
	closed  atomic.Bool
}

// Accept waits for room first: clients beyond it wait in the system's queue, and not in our memory. Where several doors wait
// for the last place, each may take one.
func (t *turn) Accept() (net.Conn, error) {
	if !t.room.await(t.closed.Load) {
		return nil, net.ErrClosed
	}
	c, err := t.AcceptTCP()
	if err != nil {
		if t.closed.Load() {
			err = net.ErrClosed
		}
		return nil, err
	}
	t.room.enter()
	return &guest{Conn: c, room: t.room, stalled: t.stalled}, nil
}

// Close makes Accept return.
func (t *turn) Close() error {
	t.closed.Store(true)
	t.room.wake()
	return t.SetDeadline(time.Unix(1, 0))
}

// guest is a client's connection. Its writes fail once the client takes nothing for a while: a download lasts as long as it
// moves, and somebody who stopped reading holds no connection for ever.
type guest struct {
	net.Conn
	room    *room
	stalled time.Duration
	left    sync.Once
	// armed is when Write last moved the deadline, in nanoseconds since 1970; owned says that somebody else set one.
	armed atomic.Int64
	owned atomic.Bool
}

// Write moves the deadline ahead of it, now and then, unless somebody else has set one.
func (g *guest) Write(p []byte) (int, error) {
	now := time.Now()
	if was := g.armed.Load(); now.UnixNano()-was > int64(g.stalled)/4 && !g.owned.Load() && g.armed.CompareAndSwap(was, now.UnixNano()) {
		if err := g.Conn.SetWriteDeadline(now.Add(g.stalled + g.stalled/4)); err != nil {
			return 0, err
		}
	}
	return g.Conn.Write(p)
}

// SetDeadline sets both deadlines.
func (g *guest) SetDeadline(t time.Time) error {
	g.own(t)
	return g.Conn.SetDeadline(t)
}

// SetWriteDeadline sets one that Write leaves alone.
func (g *guest) SetWriteDeadline(t time.Time) error {
	g.own(t)
	return g.Conn.SetWriteDeadline(t)
}

func (g *guest) own(t time.Time) {
	g.owned.Store(!t.IsZero())
	g.armed.Store(0)
}

// CloseWrite lets the client read to the end of an answer although its request is not read any more.
func (g *guest) CloseWrite() error {
	half, ok := g.Conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	return half.CloseWrite()
}

// Close gives the room back, once.
func (g *guest) Close() error {
	g.left.Do(g.room.leave)
	return g.Conn.Close()
}

// doorSettings are what a door is opened with. A door whose settings stay the same stays open as it is.
type doorSettings struct {
	listenConfig
	header                       int
	headerTimeout, idle, stalled time.Duration
}

func (s *gateSettings) doors() []doorSettings {
	all := make([]doorSettings, len(s.Listen))
	for i, l := range s.Listen {
		all[i] = doorSettings{
			listenConfig: l, header: int(s.Limits.Header), headerTimeout: time.Duration(s.Limits.HeaderTimeout),
			idle: time.Duration(s.Limits.Idle), stalled: time.Duration(s.Limits.Stalled),
		}
	}
	return all
}

// door is a socket, and the server that takes clients there now.
type door struct {
	doorSettings
	socket *net.TCPListener
	server *http.Server
	turn   *turn
	done   chan struct{} // closed when the server accepts no more
	certs  *certificates // nil without TLS from files
}

// listen opens a socket.
func listen(ctx context.Context, address string) (*net.TCPListener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l.(*net.TCPListener), nil
}

// newDoor makes a door that is not open yet: all that can fail has been done when it returns.
func newDoor(set doorSettings, handler http.Handler, r *room, state string, log *slog.Logger) (*door, error) {
	d := &door{doorSettings: set, done: make(chan struct{})}
	d.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: set.headerTimeout, IdleTimeout: set.idle, MaxHeaderBytes: set.header,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), Protocols: new(http.Protocols),
	}
	d.server.Protocols.SetHTTP1(true)
	d.server.Protocols.SetHTTP2(len(set.TLS) > 0 && (set.HTTP2 == nil || *set.HTTP2))
	d.server.Protocols.SetUnencryptedHTTP2(set.H2C)
	d.turn = &turn{room: r, stalled: set.stalled}
	var err error
	if d.server.TLSConfig, d.certs, err = tlsOf(set.TLS, state, log); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", set.Address, err)
	}
	return d, nil
}

// open begins to take clients from a socket.
func (d *door) open(socket *net.TCPListener, log *slog.Logger) error {
	d.socket, d.turn.TCPListener = socket, socket
	if err := socket.SetDeadline(time.Time{}); err != nil {
		return err
	}
	var l net.Listener = d.turn
	if len(d.ProxyProtocol) > 0 {
		l = &proxyproto.Listener{Listener: d.turn, ConnPolicy: fromProxies(prefixes(d.ProxyProtocol)), ReadHeaderTimeout: d.headerTimeout}
	}
	go func() { // it ends with the server
		defer close(d.done)
		serve := d.server.Serve
		if d.server.TLSConfig != nil {
			serve = func(l net.Listener) error { return d.server.ServeTLS(l, "", "") }
		}
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) && !d.turn.closed.Load() {
			log.Error("a listener failed", "address", d.Address, "error", err)
		}
	}()
	return nil
}

// fromProxies wants a PROXY header from those that are listed, and treats what all others send as HTTP, which it is not.
func fromProxies(listed []netip.Prefix) proxyproto.ConnPolicyFunc {
	return func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
		peer, ok := o.Upstream.(*net.TCPAddr)
		if !ok {
			return proxyproto.REJECT, proxyproto.ErrInvalidUpstream
		}
		from := peer.AddrPort().Addr().Unmap().WithZone("")
		if slices.ContainsFunc(listed, func(p netip.Prefix) bool { return p.Contains(from) }) {
			return proxyproto.REQUIRE, nil
		}
		return proxyproto.SKIP, nil
	}
}

// rest stops accepting, and waits until nobody does any more.
func (d *door) rest() {
	_ = d.turn.Close()
	<-d.done
}

// leave lets the requests of a door finish until ctx ends, and cuts what is left then. Tunnels are not among them.
func (d *door) leave(ctx context.Context) {
	if d.server.Shutdown(ctx) != nil {
		_ = d.server.Close()
	}
}

// same reports whether a door may stay as it is.
func (d *door) same(set doorSettings) bool { return reflect.DeepEqual(d.doorSettings, set) }

// stalledBody is a request's body that fails when the client sends nothing for a while. It is the answer's writer too, so
// that it hears of deadlines that the handler sets: those count, and it moves none of them.
type stalledBody struct {
	http.ResponseWriter
	body    io.ReadCloser
	out     *http.ResponseController
	stalled time.Duration
	ended   atomic.Bool

	mu    sync.Mutex // held while a deadline is set
	owned bool       // the handler's deadline is in force
}

func newStalledBody(w http.ResponseWriter, r *http.Request, stalled time.Duration) *stalledBody {
	return &stalledBody{ResponseWriter: w, body: r.Body, out: http.NewResponseController(w), stalled: stalled}
}

// Unwrap leads to what else the writer can do.
func (b *stalledBody) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// SetReadDeadline sets one in the handler's name; the zero time gives it back.
func (b *stalledBody) SetReadDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owned = !t.IsZero()
	return b.out.SetReadDeadline(t)
}

// bound sets a deadline unless the handler has set one, and reports whether it did.
func (b *stalledBody) bound(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.owned && b.out.SetReadDeadline(t) == nil
}

// Read bounds how long it waits. The deadline does not outlast a read that went well: while nobody reads, the client need
// not send.
func (b *stalledBody) Read(p []byte) (int, error) {
	bounded := b.bound(time.Now().Add(b.stalled))
	n, err := b.body.Read(p)
	b.ended.Store(err != nil)
	if bounded && (err == nil || errors.Is(err, io.EOF)) {
		_ = b.bound(time.Time{}) // a connection that is gone says so at the next read
	}
	return n, err
}

// Close closes the body.
func (b *stalledBody) Close() error { return b.body.Close() }

// rest bounds how long the server reads on after a request was answered whose body was not read to its end: it does so to
// use the connection again.
func (b *stalledBody) rest() {
	if !b.ended.Load() {
		_ = b.bound(time.Now().Add(b.stalled))
	}
}
