package mx

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/emersion/go-smtp"
)

// Inbound is the door in front of the product's mail server. Zero fields take the defaults that their comments name.
type Inbound struct {
	// Name is the machine's own in the DNS, with which it greets; empty is localhost.
	Name string
	// Flow is the spool's, and Spool what keeps mail while the upstream is not to have it.
	Flow  string
	Spool Spool
	// Upstream is the server behind.
	Upstream Upstream
	// Domains are those that mail is taken for, here and behind: example.com, or *.example.com for all below it.
	Domains []string
	// Recipients gives the list of addresses that the door knows when it answers for itself; nil, or a nil list, is all addresses
	// of the domains. It is called for each recipient, so that the list can change.
	Recipients func() *Recipients
	// NoDSN and NoUTF8 leave DSN (RFC 3461) and SMTPUTF8 (RFC 6531) unsaid, where the upstream does not offer them.
	NoDSN, NoUTF8 bool
	// TLS is offered to those who ask for it (RFC 3207); nil is not.
	TLS *tls.Config
	// Proxies are the networks of load balancers, which say by the PROXY protocol, version 1 or 2, for whom they speak.
	Proxies []netip.Prefix
	Limits  Limits

	// Interrupted reports whether the flow is interrupted: then all mail goes to the spool. Concerned reports whether a
	// maintenance goes on that concerns the flow: then mail goes there that the upstream could not be reached for. nil is never.
	Interrupted func() bool
	Concerned   func() bool
	// Enter is called before the content of a message is given to the upstream, and what it returns afterwards: so an interruption
	// knows when the upstream is left alone. False is that the flow is interrupted. nil is that nobody waits for that.
	Enter func() (leave func(), entered bool)
	// Failed is told that the upstream could not be reached, or said that it is in trouble, and Well that it answered for a message.
	Failed func(error)
	Well   func()
	// Count is told once for each message what became of it.
	Count func(Outcome)
	Log   *slog.Logger
}

// Check says what is wrong with the settings.
func (i *Inbound) Check() error {
	if len(i.Domains) == 0 {
		return errors.New("inbound mail: it needs the domains that mail is taken for, such as example.com")
	}
	if i.Flow == "" || i.Spool == nil {
		return errors.New("inbound mail: it needs a flow, and a spool to keep its mail in")
	}
	if err := i.Upstream.Check(); err != nil {
		return fmt.Errorf("inbound mail: %w", err)
	}
	return nil
}

// Run takes mail from a listener until ctx ends, and closes it. Who is in the middle of a message then has a few seconds; all
// others are told to come again (421).
func (i *Inbound) Run(ctx context.Context, listener net.Listener) error {
	if err := i.Check(); err != nil {
		return err
	}
	limits := i.Limits.orDefaults()
	s := &server{
		name: cmp.Or(i.Name, "localhost"), tls: i.TLS, proxies: i.Proxies, limits: limits,
		memory: newBudget(limits.Memory), count: counted(i.Count), log: silent(i.Log),
	}
	adapt := func(server *smtp.Server) {
		server.EnableDSN, server.EnableSMTPUTF8 = !i.NoDSN, !i.NoUTF8
	}
	return s.run(ctx, listener, adapt, func(ctx context.Context, c *smtp.Conn) smtp.Session {
		return &session{Inbound: i, conversation: s.conversation(ctx, c)}
	})
}

// behind reports whether mail belongs into the spool, whoever it is from and for.
func (i *Inbound) behind() bool { return asked(i.Interrupted) || i.Spool.Behind(i.Flow) }

// enter counts a message as being with the upstream.
func (i *Inbound) enter() (leave func(), entered bool) {
	if i.Enter == nil {
		return func() {}, true
	}
	return i.Enter()
}

// failed is told of a failure of the upstream, and reports whether the spool takes what it was for.
func (i *Inbound) failed(err error) bool {
	if i.Failed != nil {
		i.Failed(err)
	}
	return asked(i.Concerned) || asked(i.Interrupted)
}

func (i *Inbound) well() {
	if i.Well != nil {
		i.Well()
	}
}

func asked(question func() bool) bool { return question != nil && question() }
