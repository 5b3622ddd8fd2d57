// Package jetstream keeps a spool's journal in NATS JetStream, on several machines: for those who must not lose what was
// accepted together with the disk of one of them.
//
// [Open] connects to the servers, makes the stream where there is none, and refuses one that would not keep its word. The
// [Journal] is a [spool.Journal]; its positions are the sequences of the stream. A record that is larger than one message may
// be is cut into parts, and stands where its last part does.
//
// What it promises: an acknowledged record is on the disks of most of the stream's servers. It survives the loss of fewer
// than half of them for good, and of all of them for a while. A record that was not acknowledged is not seen later, or the
// journal says that it does not know ([spool.ErrClosed]) until it does. While most of the servers are away nothing is
// accepted; what was accepted waits, and the journal goes on by itself when they are back.
//
// Where the promise ends: a NATS server acknowledges what it has handed to its operating system, and writes it to the disk
// within two minutes. What it acknowledged survives the failure of the power only with this line in its configuration:
//
//	jetstream { sync_interval: always }
//
// Set it on each server. A client may read this setting only if its account is the system account, or imports the service
// $SYS.REQ.SERVER.PING.JSZ from it. Where it may, Open refuses servers without it; where not, Open says in the log that it
// could not look.
//
// One gate writes one stream. Open refuses a stream that has a writer who answers. Should two of them write all the same,
// because the network was torn when the second came, then the sequence of the stream finds out: whoever comes second with
// a record is refused, and for good, since its spool does not know what the other has written.
//
// Its files: stream.go is what the stream has to be and power.go what its servers have to be, message.go the form of a
// record, append.go the way in, settle.go what happens when an acknowledgement is missing, read.go and scan.go the way out,
// insist.go how errors of servers are understood.
package jetstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

// Config is where the journal is kept. Zero fields take the defaults that their comments name.
type Config struct {
	// Servers are the addresses of the NATS servers, nats://host:4222. One that answers is enough; it names the others.
	Servers []string
	// Stream is the name of the stream, one for each gate.
	Stream string
	// Replicas are on how many servers each record is; 0 is 3.
	Replicas int
	// Credentials is a file with a user's JWT and key. User and Password, or Token, are the other ways to say who one is.
	Credentials    string
	User, Password string
	Token          string
	// TLS is how the servers are known; nil is what their addresses say (tls://).
	TLS *tls.Config
	// Timeout is how long each call waits for the servers at most; 0 is 15 seconds, in which
	// servers choose a new leader.
	Timeout time.Duration
	// MaxBytes is how large the stream may grow on each server; 0 is as large as the server lets it. It should leave room
	// above the limits of the spool, whose journal holds more than what waits.
	MaxBytes int64
	// Log is told what changes; nil is silent.
	Log *slog.Logger
}

// Journal is a [spool.Journal] in a stream. It has to be closed.
type Journal struct {
	c       Config
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	writer  string // says in each message that it is this Journal's

	write sync.Mutex // held by Append
	owed  debt       // what Append does not know; guarded by write

	mu     sync.Mutex
	end    uint64      // the last sequence; what stands up to here is ours, whole and acknowledged
	usage  spool.Usage // what is kept
	broken error       // why nothing can be appended any more
}

var _ spool.Journal = (*Journal)(nil)

// Open connects to the servers and makes the journal ready: the stream is there and keeps its word, and nobody else writes it.
func Open(ctx context.Context, c Config) (*Journal, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, c.late())
	defer cancel()
	j := &Journal{c: c, subject: "interlude.journal." + c.Stream, writer: newWriter()}
	if j.conn, err = nats.Connect(strings.Join(c.Servers, ","), c.options()...); err != nil {
		return nil, fmt.Errorf("connect to the NATS servers %s: %w", strings.Join(c.Servers, ", "), err)
	}
	for _, step := range []func(context.Context) error{j.useJetStream, j.findStream, j.checkPower, j.becomeWriter, j.begin} {
		if err := step(ctx); err != nil {
			j.conn.Close()
			return nil, fmt.Errorf("open the journal in stream %s: %w", c.Stream, err)
		}
	}
	return j, nil
}

// Close ends the connection. What was acknowledged stays.
func (j *Journal) Close() error {
	j.breakOff(fmt.Errorf("%w: its journal was closed", spool.ErrClosed))
	j.conn.Close()
	return nil
}

// Usage is what is kept, as of the last call that changed it. Records are kept on as many servers as there are replicas;
// Bytes are those on one of them.
func (j *Journal) Usage() spool.Usage {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.usage
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case len(c.Servers) == 0:
		return c, errors.New("a journal in JetStream needs the address of a NATS server, nats://host:4222")
	case c.Stream == "" || strings.ContainsAny(c.Stream, " \t\r\n.*>/\\"):
		return c, fmt.Errorf("%q cannot be the name of a stream: it needs one without blanks, dots, slashes, * and >", c.Stream)
	case c.Replicas < 0 || c.Replicas > mostReplicas:
		return c, fmt.Errorf("a stream cannot have %d replicas: 1 to %d, or 0 for 3", c.Replicas, mostReplicas)
	}
	if c.Replicas == 0 {
		c.Replicas = 3
	}
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// mostReplicas is what JetStream allows.
const mostReplicas = 5

// options are those of the connection.
//
// Nothing is kept in memory while the connection is gone: a record that is sent later is one that nobody waits for.
func (c Config) options() []nats.Option {
	log := c.Log.With("stream", c.Stream)
	options := []nats.Option{
		nats.Name("interlude journal " + c.Stream),
		nats.Timeout(c.patience()),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(pause),
		nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), // a server that is starting may not know its users yet
		nats.PingInterval(c.patience()),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("The journal lost its server.", "error", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			log.Info("The journal has a server again.", "server", conn.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("The journal's connection reports an error.", "error", err)
		}),
	}
	if c.Credentials != "" {
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	if c.User != "" {
		options = append(options, nats.UserInfo(c.User, c.Password))
	}
	if c.Token != "" {
		options = append(options, nats.Token(c.Token))
	}
	if c.TLS != nil {
		options = append(options, nats.Secure(c.TLS))
	}
	return options
}
