package mail

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pool hands messages to relays over connections that it keeps.
//
// Relays stand in the order of preference: the first one that can be reached is used, and one that cannot is tried again
// after a while, whether or not there is a message for it. Connections are opened when messages wait, up to the number of
// the relay, and closed when none do.
type Pool struct {
	// Dial reaches relays, and Roots are the authorities that their certificates are verified against; nil are the ways of the
	// system. They are set before Run and not afterwards.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Roots *x509.CertPool

	hello string
	log   *slog.Logger
	jobs  chan *errand  // that no connection has begun; as many as connections, so that each finds one when it is done
	wake  chan struct{} // for Run, to look again who is needed
	room  atomic.Bool   // more connections could be opened

	gate  sync.RWMutex // held for reading by those who send
	ended chan struct{}
	cause error // why it ended, once it has

	mu       sync.Mutex
	routes   []*route
	dark     time.Time // since when no relay can be reached, or when that was last told
	stopping bool
}

// patience is how long a message waits for any relay to come back.
const patience = 3 * time.Second

// NewPool makes a pool of relays, the preferred one first. It says hello by that name, which should be the machine's own in
// the DNS.
func NewPool(relays []Relay, hello string, log *slog.Logger) *Pool {
	p := &Pool{hello: hello, log: log, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	most := 1
	for _, r := range relays {
		p.routes = append(p.routes, &route{Relay: r, sessions: make(map[*session]struct{})})
		most = max(most, r.connections())
	}
	p.jobs = make(chan *errand, most)
	return p
}

// Send hands a job over and returns when a connection has it or will have it next; as long as all are busy, it blocks. An
// error means that the pool has not taken the job, because ctx or the pool ended; otherwise Done is called.
func (p *Pool) Send(ctx context.Context, job Job) error {
	p.gate.RLock()
	defer p.gate.RUnlock()
	select {
	case <-p.ended:
		return p.cause
	default:
	}
	select {
	case p.jobs <- &errand{Job: job}:
	case <-p.ended:
		return p.cause
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p.room.Load() && len(p.jobs) > 0 {
		p.poke()
	}
	return nil
}

// Run keeps the connections until ctx ends, and is called once. It then waits for the answers to messages that are on
// their way, for as long as 20 seconds, takes leave of the relays, and answers every other job with the cause.
func (p *Pool) Run(ctx context.Context) error {
	var work sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		needed, again := p.look(time.Now())
		for _, s := range needed {
			work.Go(func() { p.attend(ctx, s) })
		}
		timer.Reset(again)
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.C:
			p.despair(time.Now())
		}
	}
	p.stop(context.Cause(ctx))
	work.Wait()
	p.gate.Lock() // once those who were sending have left
	defer p.gate.Unlock()
	p.refuse(p.cause)
	return nil
}

// look finds the connections that are to be opened, dismisses those that are not needed, and says when to look again.
func (p *Pool) look(now time.Time) (needed []*session, again time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	again = time.Hour
	current := slices.IndexFunc(p.routes, func(r *route) bool { return !r.down })
	p.room.Store(current >= 0) // before the jobs are counted: whoever adds one afterwards pokes
	for i, r := range p.routes {
		wanted := 0
		switch {
		case r.down:
			wanted = 1 - len(r.sessions)
		case i == current:
			more := r.connections() - len(r.sessions)
			p.room.Store(more > 0)
			wanted = min(more, len(p.jobs)-r.free())
		default:
			r.dismiss()
		}
		if wait := r.next.Sub(now); wait > 0 {
			again = min(again, wait)
			continue
		}
		for range wanted {
			needed = append(needed, r.session(p))
		}
	}
	switch {
	case current >= 0:
		p.dark = time.Time{}
	case p.dark.IsZero():
		p.dark = now
		again = min(again, patience)
	default:
		again = min(again, p.dark.Add(patience).Sub(now))
	}
	return needed, again
}

// despair answers the jobs that have waited long enough for any relay. Those that come afterwards wait as long, so that
// a long queue of a caller's does not pass by in a moment.
func (p *Pool) despair(now time.Time) {
	p.mu.Lock()
	late := !p.dark.IsZero() && now.Sub(p.dark) >= patience
	if late {
		p.dark = now
	}
	p.mu.Unlock()
	if late {
		p.refuse(ErrNoRelay)
	}
}

// refuse answers as many jobs as wait now.
func (p *Pool) refuse(err error) {
	for range len(p.jobs) {
		select {
		case job := <-p.jobs:
			job.Done(Reply{Stage: StageConnect, Err: err})
		default:
			return
		}
	}
}

// attend opens a connection, serves on it, and closes it. A job that it could not begin is given to another one.
func (p *Pool) attend(ctx context.Context, s *session) {
	err := p.open(ctx, s)
	var left *errand
	if err == nil {
		p.opened(s)
		left, err = s.serve(ctx)
	}
	if s.wire != nil {
		s.wire.close()
	}
	if ctx.Err() != nil {
		err = nil // the relay is not at fault
	}
	p.closed(s, err)
	if left == nil {
		return
	}
	select {
	case p.jobs <- left:
	case <-ctx.Done():
		left.Done(Reply{Stage: StageConnect, Err: context.Cause(ctx)})
	}
}

// open reaches the relay of a session and greets it.
func (p *Pool) open(ctx context.Context, s *session) error {
	dial := p.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	dialing, stop := context.WithTimeout(ctx, connectWait)
	defer stop()
	conn, err := dial(dialing, "tcp", s.route.Address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	p.mu.Lock()
	s.wire = &wire{conn: conn, ending: p.stopping}
	p.mu.Unlock()
	return s.wire.greet(s.route.Relay, p.hello, p.Roots)
}

// stop ends all that can be ended at once.
func (p *Pool) stop(cause error) {
	p.cause = cause
	close(p.ended)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
	for _, r := range p.routes {
		for s := range r.sessions {
			if s.wire != nil {
				s.wire.end()
			}
		}
	}
}

// poke makes Run look again.
func (p *Pool) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
