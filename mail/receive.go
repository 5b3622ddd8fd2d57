package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/time/rate"
)

// Receiver is an SMTP server (RFC 5321) for the mail that comes back. It takes mail to addresses of its own and to no others, one
// recipient at a time, and keeps nothing: a message is accepted once it was delivered, so that until then its sender
// answers for it.
//
// Who sends does not matter, since it proves nothing. Who else has an address here cannot be found out: VRFY says the same of all, EXPN is
// not there, and whoever asks for too many addresses in vain is shown out.
type Receiver struct {
	// Name is the machine's own in the DNS, with which it greets.
	Name string
	// Accept reports whether an address is one of its own. It is asked often, by anybody.
	Accept func(to string) bool
	// Deliver takes a message for such an address. After an error, the sender is asked to try again later.
	Deliver func(ctx context.Context, to string, message []byte) error
	// TLS is offered to those who ask for it (RFC 3207); nil is not.
	TLS *tls.Config
	Log *slog.Logger
}

// Bounds of what is received. Reports are short and can wait, so that strangers get little.
const (
	longestReceived     = 1 << 20   // bytes of a message
	longestReceivedLine = 64 * 1024 // bytes; RFC 5321, 4.5.3.1.6 allows 1000, and not every report keeps to it
	mostRefused         = 10        // addresses asked for in vain
	// receiveTime is for each command and for each message. RFC 5321, 4.5.3.2.7 would have five minutes, which are for people.
	receiveTime  = time.Minute
	deliverTime  = 20 * time.Second
	farewellTime = 5 * time.Second
	// receivePace is how many messages a second are delivered, of all senders together; others wait for their turn.
	receivePace = 100
)

// Run receives from a listener until ctx ends, and closes it. Messages that are being transmitted then have a few seconds to
// arrive.
func (r *Receiver) Run(ctx context.Context, listener net.Listener) error {
	pace := rate.NewLimiter(receivePace, receivePace)
	lasting := context.WithoutCancel(ctx) // what has arrived is delivered
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &reception{Receiver: r, ctx: lasting, conn: c, pace: pace}, nil
	}))
	server.Domain = cmp.Or(r.Name, "localhost")
	server.TLSConfig = r.TLS
	server.MaxRecipients = 1
	server.MaxMessageBytes, server.MaxLineLength = longestReceived, longestReceivedLine
	server.ReadTimeout, server.WriteTimeout = receiveTime, receiveTime
	server.ErrorLog = slog.NewLogLogger(r.Log.Handler(), slog.LevelInfo)

	d := newDoor(listener)
	stop := context.AfterFunc(ctx, func() { d.Close() })
	defer stop()
	err := server.Serve(d)
	d.empty(farewellTime)
	_ = server.Shutdown(lasting) // the listener is closed; every guest has a last moment
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("receive mail at %s: %w", listener.Addr(), err)
}

// reception is the conversation with one client.
type reception struct {
	*Receiver

	ctx     context.Context
	conn    *smtp.Conn
	pace    *rate.Limiter
	refused int

	mu sync.Mutex // a message in chunks (RFC 3030) is read beside the commands
	to string
}

// Answers of a reception.
var (
	errNobody = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address here"}
	errBroken = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "The message did not arrive whole; send it again later"}
	errLine   = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "A line is too long"}
	errLater  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The message cannot be taken now; send it again later"}
)

// Mail takes any sender.
func (*reception) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes an address that is one of ours.
func (s *reception) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.Accept(to) {
		if s.refused++; s.refused > mostRefused {
			s.conn.Reject()
		}
		return errNobody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
	return nil
}

// Data delivers a message. Whatever is the matter inside stays in the log.
func (s *reception) Data(body io.Reader) error {
	s.mu.Lock()
	to := s.to
	s.mu.Unlock()
	message, err := io.ReadAll(body)
	switch {
	case errors.Is(err, smtp.ErrDataTooLarge):
		return smtp.ErrDataTooLarge
	case errors.Is(err, smtp.ErrTooLongLine):
		return errLine
	case err != nil:
		return errBroken
	}
	ctx, stop := context.WithTimeout(s.ctx, deliverTime)
	defer stop()
	if err = s.pace.Wait(ctx); err == nil {
		err = s.Deliver(ctx, to, message)
	}
	if err != nil {
		s.Log.Warn("mail that came in could not be taken; its sender tries again", "to", to, "from", s.conn.Conn().RemoteAddr(), "error", err)
		return errLater
	}
	return nil
}

// Reset forgets the recipient.
func (s *reception) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = ""
}

// Logout ends the conversation.
func (*reception) Logout() error { return nil }
