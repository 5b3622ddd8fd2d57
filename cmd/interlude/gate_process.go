package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/gate"
)

// gateProcess is a gate with all that is around it: doors, logs, traces, figures, and the server that it follows.
type gateProcess struct {
	log    *slog.Logger
	stdout io.Writer
	gate   *gate.Gate
	room   *room
	front  front
	// contact is when the server was last heard.
	contact contact

	// settings, doors and what follows change with a reload; the loop that reloads and stops is the only one to use them.
	settings *gateSettings
	doors    map[string]*door
	traces   *tracing   // nil while there are none
	admin    *adminDoor // nil while there is none
	// store keeps what is accepted for later, nil where nothing is; side are the doors for mail and messages.
	store   *storeroom
	side    *sideDoors
	home    home
	reloads reloads
	// profiles says that operators may look at the program's profiles.
	profiles bool
	// local serves a gate that lives in the server's own process: then the configuration names no server.
	local gate.Server

	hands   sync.WaitGroup // what works in the background until the end
	leaving sync.WaitGroup // what was replaced, until its last request is done
	// retired ends when the doors that were replaced are given up, because the gate stops.
	retired context.Context
	giveUp  context.CancelFunc
}

// home is a gate's following of its server. Its zero value follows nobody.
type home struct {
	gateServer
	name, state string
	stop        context.CancelFunc
	done        chan struct{}
}

// reloads tell how the reloading of the configuration went.
type reloads struct {
	good atomic.Bool
	at   atomic.Int64 // of the last that went well, in seconds since 1970
}

// newGateProcess makes a gate of a configuration, and opens its spool. Nothing runs yet, and nobody comes in.
func newGateProcess(ctx context.Context, s *gateSettings, stdout io.Writer, log *slog.Logger) (*gateProcess, error) {
	p := &gateProcess{log: log, stdout: stdout, room: newRoom(), doors: map[string]*door{}}
	p.front.access = newAccessLog(log)
	var err error
	if p.store, err = openStoreroom(ctx, s, func() *gate.Gate { return p.gate }, log); err != nil {
		return nil, err
	}
	if p.gate, err = gate.New(p.configOf(s)); err != nil {
		return nil, errors.Join(s.located(err), p.store.close())
	}
	p.front.gate = p.gate
	return p, nil
}

// configOf is the configuration of the gate, with what is around it. Where nobody wants to hear of requests, nobody is told.
func (p *gateProcess) configOf(s *gateSettings) gate.Config {
	config := s.config
	config.Log = p.log
	if config.Spool, config.Entries = nil, nil; p.store != nil {
		config.Spool, config.Entries = p.store.spool, p.store.spool
	}
	config.Probes = s.probes()
	if s.AccessLog != logOff || s.Traces != nil {
		config.Observe = p.front.observe
	}
	for name, u := range config.Upstreams {
		u.Log = p.log
		config.Upstreams[name] = u
	}
	return config
}

// run opens the doors and serves until ctx ends. Each value of hangups has the configuration read anew by read; opened is
// called once clients can come in, with the addresses in the order of the configuration.
func (p *gateProcess) run(ctx context.Context, s *gateSettings, read func() (*gateSettings, error), hangups <-chan os.Signal, opened func([]string)) error {
	working, rest := context.WithCancel(context.WithoutCancel(ctx))
	defer rest()
	p.retired, p.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	defer p.giveUp()
	gating, stopGate := context.WithCancel(context.WithoutCancel(ctx))
	defer stopGate()
	p.hands.Go(func() { _ = p.gate.Run(gating) }) // it ends with its context alone
	p.hands.Go(func() { p.front.access.run(working) })
	if p.store != nil {
		p.store.run(ctx)
	}
	if err := p.adopt(ctx, s); err != nil {
		rest()
		stopGate()
		p.store.rest()
		p.home.end()
		p.close(ctx)
		p.hands.Wait()
		return errors.Join(err, p.store.close())
	}
	p.noteReload(true)
	opened(p.addresses())
	renew := time.NewTicker(time.Minute)
	defer renew.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-renew.C:
			for _, d := range p.doors {
				if d.certs != nil {
					d.certs.renew()
				}
			}
			p.side.renew()
		case <-hangups:
			p.reload(ctx, read)
		}
	}
	p.stop(context.WithoutCancel(ctx), stopGate)
	rest()
	p.hands.Wait()
	return p.store.close()
}

// reload puts the configuration in force that the file has now. After an error everything stays as it was.
func (p *gateProcess) reload(ctx context.Context, read func() (*gateSettings, error)) {
	next, err := read()
	if err == nil {
		err = p.adopt(ctx, next)
	}
	p.noteReload(err == nil)
	if err != nil {
		p.log.Error("the configuration cannot be used; the one before stays in force", "error", err)
		return
	}
	p.log.Info("the configuration is in force", "file", next.source)
}

func (p *gateProcess) noteReload(good bool) {
	p.reloads.good.Store(good)
	if good {
		p.reloads.at.Store(time.Now().Unix())
	}
}

// opening is what a configuration needs anew, ready to be used.
type opening struct {
	doors   map[string]*door
	sockets map[string]*net.TCPListener
	log     io.WriteCloser // nil without one
	traces  *tracing
	admin   *adminDoor
	side    *sideDoors
}

// discard closes what was opened in vain.
func (o *opening) discard(ctx context.Context) {
	for _, socket := range o.sockets {
		_ = socket.Close()
	}
	if o.log != nil {
		_ = o.log.Close()
	}
	if o.traces != nil {
		o.traces.close(ctx)
	}
	if o.admin != nil {
		_ = o.admin.socket.Close()
	}
	if o.side != nil {
		o.side.discard()
	}
}

// adopt puts a configuration in force. All that can fail is done before anything changes.
func (p *gateProcess) adopt(ctx context.Context, s *gateSettings) error {
	if err := p.settings.keepsLike(s); err != nil {
		return s.located(err)
	}
	next, err := p.prepare(ctx, s)
	if err == nil {
		err = p.gate.Reload(p.configOf(s))
	}
	if err != nil {
		next.discard(ctx)
		return s.located(err)
	}
	p.room.set(int(s.Limits.Connections))
	p.exchangeTelling(ctx, s, next)
	p.front.stalled.Store(int64(s.Limits.Stalled))
	was := p.settings
	p.settings = s
	p.follow(ctx, s) // before anybody comes in, so that the plan on disk counts for the first one too
	if next.side != nil {
		p.side = next.side
		p.side.run(ctx, p.log)
	}
	p.exchangeDoors(ctx, next)
	if was == nil || was.admin != s.admin {
		p.exchangeAdmin(next.admin)
	}
	return nil
}

// prepare opens what is new.
func (p *gateProcess) prepare(ctx context.Context, s *gateSettings) (*opening, error) {
	o := &opening{doors: map[string]*door{}, sockets: map[string]*net.TCPListener{}}
	err := os.MkdirAll(s.State, 0o700)
	if err != nil {
		return o, fmt.Errorf("make the folder of the state: %w", err)
	}
	for _, set := range s.doors() {
		if is := p.doors[set.Address]; is != nil && is.same(set) {
			if is.certs != nil {
				err = is.certs.load()
			}
			o.doors[set.Address] = is
		} else {
			o.doors[set.Address], err = newDoor(set, &p.front, p.room, s.State, p.log)
			if is == nil && err == nil {
				o.sockets[set.Address], err = listen(ctx, set.Address)
			}
		}
		if err != nil {
			delete(o.sockets, set.Address)
			return o, err
		}
	}
	if s.admin != "" && (p.settings == nil || p.settings.admin != s.admin) {
		if o.admin, err = p.openAdmin(ctx, s.admin); err != nil {
			return o, err
		}
	}
	if err := p.prepareSide(ctx, s, o); err != nil {
		return o, err
	}
	if o.log, err = openLog(s.AccessLog, p.stdout); err != nil {
		return o, err
	}
	if s.Traces != nil && (p.settings == nil || p.settings.Traces == nil || *p.settings.Traces != *s.Traces) {
		o.traces, err = newTracing(ctx, *s.Traces, s.Name, p.log)
	}
	return o, err
}

// exchangeTelling puts the log and the traces of a configuration in force.
func (p *gateProcess) exchangeTelling(ctx context.Context, s *gateSettings, next *opening) {
	p.front.access.target(next.log)
	old := p.traces
	if next.traces != nil || s.Traces == nil {
		p.traces = next.traces
	}
	p.front.traces.Store(p.traces)
	if old != nil && old != p.traces {
		p.leaving.Go(func() { old.close(ctx) })
	}
}

// exchangeDoors opens the new doors, and lets those that are replaced finish what they began, however long that takes: who waits
// in a hold loses nothing by a reload. A socket that both have goes from one to the other.
func (p *gateProcess) exchangeDoors(ctx context.Context, next *opening) {
	for address, old := range p.doors {
		if next.doors[address] == old {
			continue
		}
		p.leaving.Go(func() { old.leave(p.retired) })
		old.rest()
		if next.doors[address] != nil {
			next.sockets[address] = old.socket
		} else {
			_ = old.socket.Close()
		}
	}
	for address, socket := range next.sockets {
		d := next.doors[address]
		if err := d.open(socket, p.log); err != nil {
			p.log.Error("a listener failed", "address", address, "error", err)
			continue
		}
		p.log.Info("clients may come", "address", socket.Addr().String(), "tls", len(d.TLS) > 0)
	}
	p.doors = next.doors
}

// addresses are where clients come, in the order of the configuration.
func (p *gateProcess) addresses() []string {
	var all []string
	for _, l := range p.settings.Listen {
		all = append(all, p.doors[l.Address].socket.Addr().String())
	}
	return all
}

// follow follows the server that the configuration names, and no longer the one before.
func (p *gateProcess) follow(ctx context.Context, s *gateSettings) {
	next := home{name: s.Name, state: s.State}
	if s.Server != nil {
		next.gateServer = *s.Server
	}
	if p.home.gateServer == next.gateServer && p.home.name == next.name && p.home.state == next.state {
		return
	}
	p.home.end()
	p.home = next
	server := p.local
	if server == nil {
		if next.URL == "" {
			return
		}
		server = &api.Client{Server: next.URL, Token: next.Token, UserAgent: "interlude/" + version()}
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.home.stop, p.home.done = stop, make(chan struct{})
	recalled := make(chan struct{})
	ready := sync.OnceFunc(func() { close(recalled) })
	go func() { // end waits for it
		defer close(p.home.done)
		defer ready()
		to := gate.Home{
			Dir: next.state, Name: next.name, Version: version(), Server: &noticed{Server: server, contact: &p.contact}, Recalled: ready, Log: p.log,
		}
		if err := p.gate.Follow(following, to); err != nil {
			p.log.Error("the server is not followed; nothing is interrupted", "error", err)
		}
	}()
	<-recalled
}

// end ends the following, and waits until what was measured is safe.
func (h *home) end() {
	if h.stop != nil {
		h.stop()
		<-h.done
	}
}

// stop lets what is under way finish, in this order: load balancers see that the gate will not be there; the doors close;
// those who are held are refused and tunnels end; nothing more is handed over; requests finish in their time; what was measured is
// told.
func (p *gateProcess) stop(ctx context.Context, stopGate func()) {
	p.front.stopping.Store(true)
	if delay := time.Duration(p.settings.Stop.Delay); delay > 0 {
		p.log.Info("stopping soon", "delay", delay)
		time.Sleep(delay)
	}
	p.log.Info("stopping", "connections", p.room.count())
	grace, done := context.WithTimeout(ctx, time.Duration(p.settings.Stop.Within))
	defer done()
	defer context.AfterFunc(grace, p.giveUp)()
	for _, d := range p.doors {
		d.rest()
		_ = d.socket.Close()
		d.server.SetKeepAlivesEnabled(false)
		p.leaving.Go(func() { d.leave(grace) })
	}
	p.side.rest()
	stopGate()
	p.store.rest()
	p.leaving.Wait()
	if !p.room.empty(grace) {
		p.log.Warn("some connections did not end in time and were cut", "connections", p.room.count())
	}
	p.home.end()
	p.close(ctx)
}

// close closes what tells of requests.
func (p *gateProcess) close(ctx context.Context) {
	if p.admin != nil {
		_ = p.admin.server.Close()
	}
	p.front.access.target(nil)
	if p.traces != nil {
		p.traces.close(ctx)
	}
}

// front is the handler of all doors: the gate, and what some configurations put before it.
type front struct {
	gate     *gate.Gate
	stopping atomic.Bool
	stalled  atomic.Int64 // the patience with bodies, in nanoseconds
	access   *accessLog
	traces   atomic.Pointer[tracing]
}

// ServeHTTP answers one request.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.stopping.Load() && r.URL.Path == "/.interlude/health" {
		sayStopping(w)
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		body := newStalledBody(w, r, time.Duration(f.stalled.Load()))
		w, r.Body = body, body
		defer body.rest()
	}
	if t := f.traces.Load(); t != nil {
		t.serve(f.gate, w, r)
		return
	}
	f.gate.ServeHTTP(w, r)
}

// observe hands on what became of a request.
func (f *front) observe(ctx context.Context, x gate.Exchange) {
	f.access.note(ctx, x)
	noteSpan(ctx, x)
}

// sayStopping tells load balancers to send nobody here any more.
func sayStopping(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, `{"gate":"stopping"}`)
}
