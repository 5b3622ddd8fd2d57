package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"example.org/interlude/gate"
	"example.org/interlude/mx"
)

// sideDoors are the doors for mail and messages, beside those for HTTP.
type sideDoors struct {
	doors []sideDoor
	// lists are the recipients that inbound doors know, by the place of the door; they are read again at a reload.
	lists []atomic.Pointer[mx.Recipients]
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// sideDoor is a socket, and who serves there until a context ends.
type sideDoor struct {
	what   string
	socket *net.TCPListener
	certs  *certificates // nil without TLS from files
	serve  func(ctx context.Context, socket net.Listener) error
}

// openSideDoors opens the sockets. Nobody is served before run.
func openSideDoors(ctx context.Context, s *gateSettings, g *gate.Gate, r *storeroom, log *slog.Logger) (*sideDoors, error) {
	d := &sideDoors{}
	if s.Mail != nil {
		d.lists = make([]atomic.Pointer[mx.Recipients], len(s.Mail.Inbound))
	}
	err := d.readLists(s)
	if err == nil && s.Mail != nil {
		err = d.openMail(ctx, s, g, r, log)
	}
	if err == nil && s.Messages != nil {
		err = d.add(ctx, "messages", s.Messages.Listen, s, log, func(t *tls.Config) func(context.Context, net.Listener) error {
			return serveMessages(r.messages, t, s, log)
		})
	}
	if err != nil {
		d.discard()
	}
	return d, err
}

// discard closes what was opened in vain.
func (d *sideDoors) discard() {
	for _, one := range d.doors {
		_ = one.socket.Close()
	}
}

// prepareSide opens the doors for mail and messages the first time, and reads the lists of recipients anew later.
func (p *gateProcess) prepareSide(ctx context.Context, s *gateSettings, o *opening) (err error) {
	switch {
	case p.store == nil:
	case p.side == nil:
		o.side, err = openSideDoors(ctx, s, p.gate, p.store, p.log)
	default:
		err = p.side.readLists(s)
	}
	return err
}

// add opens a socket for a door.
func (d *sideDoors) add(ctx context.Context, what string, l mailListenConfig, s *gateSettings, log *slog.Logger, serving func(*tls.Config) func(context.Context, net.Listener) error) error {
	config, certs, err := tlsOf(l.TLS, s.State, log)
	if err != nil {
		return fmt.Errorf("%s on %s: %w", what, l.Address, err)
	}
	socket, err := listen(ctx, l.Address)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	d.doors = append(d.doors, sideDoor{what: what, socket: socket, certs: certs, serve: serving(config)})
	return nil
}

func (d *sideDoors) openMail(ctx context.Context, s *gateSettings, g *gate.Gate, r *storeroom, log *slog.Logger) error {
	for i := range s.Mail.Inbound {
		c := &s.Mail.Inbound[i]
		door, flow := s.inbound(c), g.Door(c.Flow)
		door.Spool, door.Log = r.spool, log
		door.Interrupted, door.Concerned, door.Failed, door.Well = flow.Interrupted, flow.Concerned, flow.Failed, flow.Well
		door.Enter = flow.Enter
		door.Count = func(o mx.Outcome) { flow.Count(string(o)) }
		if c.Recipients != "" {
			door.Recipients = d.lists[i].Load
		}
		if err := d.add(ctx, "mail for "+c.Flow, c.Listen, s, log, func(t *tls.Config) func(context.Context, net.Listener) error {
			door.TLS = t
			return door.Run
		}); err != nil {
			return err
		}
	}
	for i := range s.Mail.Outgoing {
		c := &s.Mail.Outgoing[i]
		door, flow := s.outgoing(c), g.Door(c.Flow)
		door.Spool, door.Log = r.spool, log
		door.Count = func(o mx.Outcome) { flow.Count(string(o)) }
		if err := d.add(ctx, "mail from "+c.Flow, c.Listen, s, log, func(t *tls.Config) func(context.Context, net.Listener) error {
			door.TLS = t
			return door.Run
		}); err != nil {
			return err
		}
	}
	return nil
}

// readLists reads the lists of recipients anew. After an error, those that were read before stay.
func (d *sideDoors) readLists(s *gateSettings) error {
	if s.Mail == nil {
		return nil
	}
	for i, c := range s.Mail.Inbound {
		if c.Recipients == "" {
			continue
		}
		list, err := readRecipients(s.near(c.Recipients))
		if err != nil {
			return fmt.Errorf("recipients of %s: %w", c.Flow, err)
		}
		d.lists[i].Store(list)
	}
	return nil
}

// run serves at all doors until rest is called.
func (d *sideDoors) run(ctx context.Context, log *slog.Logger) {
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, one := range d.doors {
		log.Info("senders may come", "for", one.what, "address", one.socket.Addr().String())
		d.ended.Go(func() {
			if err := one.serve(ctx, one.socket); err != nil && ctx.Err() == nil {
				log.Error("a listener failed", "for", one.what, "error", err)
			}
		})
	}
}

// rest closes the doors, and waits until those who are in the middle of something have finished, or their time is up.
func (d *sideDoors) rest() {
	if d != nil && d.stop != nil {
		d.stop()
		d.ended.Wait()
	}
}

// renew looks whether certificates have changed.
func (d *sideDoors) renew() {
	if d == nil {
		return
	}
	for _, one := range d.doors {
		if one.certs != nil {
			one.certs.renew()
		}
	}
}

// serveMessages serves the API for messages.
func serveMessages(api http.Handler, t *tls.Config, s *gateSettings, log *slog.Logger) func(context.Context, net.Listener) error {
	server := &http.Server{
		Handler: api, TLSConfig: t, ReadHeaderTimeout: s.Limits.HeaderTimeout.duration(), IdleTimeout: s.Limits.Idle.duration(),
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, MaxHeaderBytes: int(s.Limits.Header),
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return func(ctx context.Context, socket net.Listener) error {
		finished := make(chan struct{})
		defer context.AfterFunc(ctx, func() {
			defer close(finished)
			grace, done := context.WithTimeout(context.WithoutCancel(ctx), s.Stop.Within.duration())
			defer done()
			if server.Shutdown(grace) != nil {
				_ = server.Close()
			}
		})()
		serve := server.Serve
		if t != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		err := serve(socket)
		if errors.Is(err, http.ErrServerClosed) {
			<-finished
			return nil
		}
		return err
	}
}
