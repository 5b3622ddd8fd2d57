package mx

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Outgoing is the door for the product's own mail (RFC 6409). It takes mail for everybody, from those only whom it knows, and
// always into the spool: a [Courier] delivers it, at the flow's rate, and not before it is due.
//
// A message says when it is due in a header field, which does not leave with it: Deliver-At, with a date of RFC 3339
// (2027-01-15T07:30:00Z) or RFC 5322 (Fri, 15 Jan 2027 07:30:00 +0000).
//
// Zero fields take the defaults that their comments name.
type Outgoing struct {
	// Name is the machine's own in the DNS, with which it greets; empty is localhost.
	Name string
	// Flow is the spool's, and Spool what keeps the mail until it is delivered.
	Flow  string
	Spool Accepter
	// Login reports whether a user has this password (AUTH PLAIN, RFC 4954, under TLS only); nil is that nobody can log in.
	Login func(user, password string) bool
	// Trusted are the networks of those who need not log in.
	Trusted []netip.Prefix
	// TLS is offered to those who ask for it (RFC 3207); nil is not.
	TLS *tls.Config
	// Implicit is TLS from the first byte (RFC 8314, 3.3).
	Implicit bool
	// Proxies are the networks of load balancers, which say by the PROXY protocol, version 1 or 2, for whom they speak.
	Proxies []netip.Prefix
	Limits  Limits
	// Ahead is how far ahead a message may be due; 0 is 400 days.
	Ahead time.Duration
	// Count is told once for each message what became of it.
	Count func(Outcome)
	Log   *slog.Logger
}

// usuallyAhead is how far ahead a message may be due.
const usuallyAhead = 400 * 24 * time.Hour

// Check says what is wrong with the settings.
func (o *Outgoing) Check() error {
	switch {
	case o.Flow == "" || o.Spool == nil:
		return errors.New("outgoing mail: it needs a flow, and a spool to keep its mail in")
	case o.Login == nil && len(o.Trusted) == 0:
		return errors.New("outgoing mail: nobody may send; it needs users, or networks that are trusted")
	case o.TLS == nil && (o.Implicit || len(o.Trusted) == 0):
		return errors.New("outgoing mail: it needs a certificate, for nobody logs in without TLS")
	}
	return nil
}

// Run takes mail from a listener until ctx ends, and closes it.
func (o *Outgoing) Run(ctx context.Context, listener net.Listener) error {
	if err := o.Check(); err != nil {
		return err
	}
	limits := o.Limits.orDefaults()
	s := &server{
		name: cmp.Or(o.Name, "localhost"), tls: o.TLS, implicit: o.Implicit, proxies: o.Proxies, limits: limits,
		memory: newBudget(limits.Memory), count: counted(o.Count), log: silent(o.Log),
	}
	adapt := func(server *smtp.Server) { server.EnableDSN, server.EnableSMTPUTF8 = true, true }
	return s.run(ctx, listener, adapt, func(ctx context.Context, c *smtp.Conn) smtp.Session {
		return &submission{Outgoing: o, conversation: s.conversation(ctx, c)}
	})
}

// submission is the conversation with one client of the outgoing door.
type submission struct {
	*Outgoing
	conversation
	user string // who logged in

	mu sync.Mutex // a message in chunks (RFC 3030) is read beside the commands
	tx *transaction
}

// AuthMechanisms names PLAIN, where somebody can log in.
func (s *submission) AuthMechanisms() []string {
	if s.Login == nil {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth logs a client in.
func (s *submission) Auth(mechanism string) (sasl.Server, error) {
	if mechanism != sasl.Plain || s.Login == nil {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	return sasl.NewPlainServer(func(identity, user, password string) error {
		if identity != "" && identity != user || !s.Login(user, password) {
			s.log.Warn("a client could not log in", "user", user, "client", s.client())
			return s.refuse(smtp.ErrAuthFailed)
		}
		s.user = user
		return nil
	}), nil
}

// Mail begins a message of somebody who may send.
func (s *submission) Mail(from string, o *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sender, refusal := path(from, o.UTF8)
	switch {
	case s.tx != nil:
		return s.refuse(errNested)
	case s.user == "" && !among(s.guest.RemoteAddr(), s.Trusted):
		refusal = errLogin
	case !s.guest.mayBegin():
		refusal = errPace
	}
	if refusal != nil {
		s.count(Rejected)
		return s.refuse(refusal)
	}
	s.tx = &transaction{Envelope: s.envelope(sender, o), ended: Gone}
	s.tx.User = s.user
	s.guest.busy.Store(true)
	return nil
}

// Rcpt adds any recipient.
func (s *submission) Rcpt(to string, o *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	address, refusal := path(to, s.tx.UTF8)
	if refusal != nil {
		s.tx.ended = Rejected
		return s.refuse(refusal)
	}
	s.tx.Rcpts = append(s.tx.Rcpts, recipient(address, o))
	return nil
}

// Data keeps a message.
func (s *submission) Data(body io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx == nil {
		return errBroken
	}
	message, release, answer := s.receive(body)
	defer release()
	if answer == nil {
		answer = s.take(message)
	}
	switch {
	case answer.Code == 250:
		s.tx.ended = Queued
	case !errors.Is(answer, errBroken):
		s.tx.ended = Rejected
	}
	s.end()
	return answer
}

// take puts a message into the spool, for when it is due.
func (s *submission) take(message []byte) *smtp.SMTPError {
	due, message, err := cutDue(message)
	if err == nil && due.After(time.Now().Add(cmp.Or(s.Ahead, usuallyAhead))) {
		err = fmt.Errorf("%s is too far ahead", due.Format(time.RFC3339))
	}
	if err != nil {
		return say(554, smtp.EnhancedCode{5, 6, 0}, "Deliver-At: "+err.Error())
	}
	e, err := s.tx.Entry(s.Flow, message)
	if err != nil {
		s.log.Error("mail could not be kept", "error", err)
		return errLater
	}
	e.Due = due
	return s.keep(s.Spool, e)
}

// end counts a message that is over, one way or another.
func (s *submission) end() {
	if s.tx != nil {
		s.count(s.tx.ended)
		s.tx = nil
		s.guest.busy.Store(false)
	}
}

// Reset gives a message up.
func (s *submission) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
}

// Logout ends the conversation.
func (s *submission) Logout() error {
	s.Reset()
	return nil
}

// cutDue reads when a message is due, and takes the header field that says so out of it. Without one it is due at once.
func cutDue(message []byte) (due time.Time, rest []byte, err error) {
	header := headerOf(message)
	var value string
	found, inside := 0, false
	kept := make([]byte, 0, len(header))
	for line := range bytes.Lines(header) {
		switch {
		case inside && (line[0] == ' ' || line[0] == '\t'): // RFC 5322, 2.2.3: folded
			value += string(line)
			continue
		case named(line, "Deliver-At"):
			inside = true
			found++
			_, text, _ := bytes.Cut(line, []byte(":"))
			value = string(text)
			continue
		}
		inside = false
		kept = append(kept, line...)
	}
	switch found {
	case 0:
		return time.Time{}, message, nil
	case 1:
		due, err = readDue(strings.Join(strings.Fields(value), " "))
		return due, append(kept, message[len(header):]...), err
	}
	return time.Time{}, nil, errors.New("it is there more than once")
}

// readDue reads a date.
func readDue(text string) (time.Time, error) {
	if due, err := time.Parse(time.RFC3339, text); err == nil {
		return due, nil
	}
	if due, err := mail.ParseDate(text); err == nil {
		return due, nil
	}
	return time.Time{}, fmt.Errorf("%.40q is no date such as 2027-01-15T07:30:00Z", text)
}
