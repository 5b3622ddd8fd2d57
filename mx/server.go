package mx

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/spool"
)

// Limits bound what the clients of a door may do. Zero fields take the defaults that their comments name.
type Limits struct {
	// Message is how long one may be, in bytes; 0 is 25 MiB. It is announced (RFC 1870).
	Message int64
	// Recipients is how many a message may have; 0 is 100, which RFC 5321, 4.5.3.1.8 asks for.
	Recipients int
	// Connections is how many there may be, and PerClient how many of one client: an IPv4 address, or a /64 of IPv6. 0 are 1000 and 50.
	Connections, PerClient int
	// Rate is how many messages a minute a client may begin; 0 is any number.
	Rate int
	// Refused is how many commands may be refused before a client is shown out; 0 is 20.
	Refused int
	// Timeout is how long a client may be silent; 0 is five minutes (RFC 5321, 4.5.3.2.7).
	Timeout time.Duration
	// Memory is what the messages take that arrive at one time; 0 is 256 MiB. More are put off.
	Memory int64
}

// orDefaults fills in what is not said.
func (l Limits) orDefaults() Limits {
	l.Message = cmp.Or(l.Message, 25<<20)
	l.Recipients = cmp.Or(l.Recipients, 100)
	l.Connections = cmp.Or(l.Connections, 1000)
	l.PerClient = cmp.Or(l.PerClient, 50)
	l.Refused = cmp.Or(l.Refused, 20)
	l.Timeout = cmp.Or(l.Timeout, 5*time.Minute)
	l.Memory = cmp.Or(l.Memory, 256<<20)
	return l
}

// Bounds of a conversation that nobody needs to set.
const (
	longestLine  = 64 << 10 // bytes; RFC 5321, 4.5.3.1.6 allows 1000, and not every message keeps to it
	writeWait    = time.Minute
	farewellTime = 5 * time.Second  // for a message that is arriving when the door closes
	finishTime   = 20 * time.Second // and for what becomes of it afterwards
)

// server is what both doors are built on.
type server struct {
	name     string
	tls      *tls.Config
	implicit bool // TLS from the first byte
	proxies  []netip.Prefix
	limits   Limits
	memory   *budget
	count    func(Outcome)
	log      *slog.Logger
}

// run serves clients of a listener until ctx ends, and closes it. The sessions get a context that lasts a little longer, so that
// a message that has arrived is brought to its end.
func (s *server) run(ctx context.Context, listener net.Listener, adapt func(*smtp.Server), begin func(context.Context, *smtp.Conn) smtp.Session) error {
	lasting, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return begin(lasting, c), nil
	}))
	server.Domain = s.name
	server.TLSConfig = s.tls // go-smtp says STARTTLS only where there is none yet
	server.MaxRecipients, server.MaxMessageBytes, server.MaxLineLength = s.limits.Recipients, s.limits.Message, longestLine
	server.WriteTimeout = writeWait
	server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	adapt(server)

	d := newDoor(listener, s.limits, s.proxies)
	stop := context.AfterFunc(ctx, func() { d.Close() })
	defer stop()
	var l net.Listener = d
	if s.implicit {
		l = tls.NewListener(d, s.tls)
	}
	err := server.Serve(l)
	d.empty(farewellTime)
	late := time.AfterFunc(finishTime, func() { cut(errors.New("the door is closed")) })
	defer late.Stop()
	_ = server.Shutdown(lasting) // the listener is closed; every guest has a last moment
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("take mail at %s: %w", listener.Addr(), err)
}

// conversation is what the sessions of both doors have in common.
type conversation struct {
	*server
	ctx   context.Context
	conn  *smtp.Conn
	guest *guest
}

func (s *server) conversation(ctx context.Context, c *smtp.Conn) conversation {
	return conversation{server: s, ctx: ctx, conn: c, guest: guestOf(c)}
}

// refuse is a refusal for the client. One that had too many that are its own fault is shown out: nothing more is read of it.
func (c *conversation) refuse(answer *smtp.SMTPError) error {
	if answer.Code >= 500 && c.guest.refuse() {
		c.guest.hurry(time.Now())
	}
	return answer
}

// envelope begins an envelope with what is known of the client.
func (c *conversation) envelope(from string, o *smtp.MailOptions) Envelope {
	e := Envelope{
		From: from, Body: string(o.Body), UTF8: o.UTF8, Ret: string(o.Return), EnvID: o.EnvelopeID,
		Client: c.client(), Helo: hello(c.conn.Hostname(), ""), By: c.name, ReceivedAt: time.Now(),
	}
	if state, ok := c.conn.TLSConnectionState(); ok {
		e.TLS = tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
	}
	return e
}

// client is the address that the client comes from.
func (c *conversation) client() string {
	if addr := addrOf(c.guest.RemoteAddr()); addr.IsValid() {
		return addr.String()
	}
	return ""
}

// receive reads a message whole. What it takes of the memory is to be given back.
func (c *conversation) receive(body io.Reader) (message []byte, release func(), refusal *smtp.SMTPError) {
	message, taken, err := c.memory.read(body)
	release = func() { c.memory.give(taken) }
	switch {
	case errors.Is(err, smtp.ErrDataTooLarge):
		refusal = errTooLarge
	case errors.Is(err, smtp.ErrTooLongLine):
		refusal = errLong
	case errors.Is(err, errNoMemory):
		refusal = errMemory
	case err != nil:
		refusal = errBroken
	case !lined(message):
		refusal = errBare
	case hops(message) > mostHops:
		refusal = errLoop
	}
	return message, release, refusal
}

// keep puts an entry into the spool, and is the client's answer.
func (c *conversation) keep(s Accepter, e spool.Entry) *smtp.SMTPError {
	answer, err := keep(c.ctx, s, e)
	if err != nil {
		c.log.Warn("mail could not be kept; its sender has to", "flow", e.Flow, "about", e.About, "client", c.client(), "error", err)
	}
	return answer
}

// budget is memory that many share.
type budget struct{ left atomic.Int64 }

func newBudget(bytes int64) *budget {
	b := new(budget)
	b.left.Store(bytes)
	return b
}

// errNoMemory is that others have it all.
var errNoMemory = errors.New("the memory for messages is in use")

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }

// read reads to the end, and says what of the budget that took, also when it fails.
func (b *budget) read(r io.Reader) (data []byte, taken int64, err error) {
	for {
		if len(data) == cap(data) {
			more := int64(max(8<<10, cap(data)))
			if !b.take(more) {
				return nil, taken, errNoMemory
			}
			taken += more
			data = append(make([]byte, 0, cap(data)+int(more)), data...)
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, taken, nil
		}
		if err != nil {
			return data, taken, err
		}
	}
}

// silent is a log for doors that were given none.
func silent(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

// counted is a counter for doors that were given none.
func counted(count func(Outcome)) func(Outcome) {
	if count == nil {
		return func(Outcome) {}
	}
	return count
}
