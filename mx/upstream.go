package mx

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pires/go-proxyproto"

	"example.org/interlude/mail"
)

// Upstream is the mail server that a door stands in front of, or the relay behind it.
type Upstream struct {
	// Relay says where it is, and how it is spoken to. An address that begins with / is a socket of this machine. Of its connections
	// only as many are kept as it allows; how many there are is bounded by the spool and the door.
	mail.Relay
	// LMTP is the language of servers that only deliver (RFC 2033), such as Dovecot.
	LMTP bool
	// XClient tells it, if it offers XCLIENT, which client the mail came from; it has to trust this machine for that.
	XClient bool
	// Proxy is the version of the PROXY protocol, 1 or 2, by which it is told the same; 0 is not.
	Proxy int
	// Roots verify its certificate; nil are the system's.
	Roots *x509.CertPool
	// Dial connects to it; nil does it the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Check says what is wrong with the settings.
func (u Upstream) Check() error {
	switch {
	case u.Address == "":
		return errors.New("upstream: it has no address, such as mail.example.com:25")
	case u.Proxy < 0 || u.Proxy > 2:
		return fmt.Errorf("upstream %s: the PROXY protocol has the versions 1 and 2, not %d", u.Address, u.Proxy)
	case u.User != "" && u.TLS == mail.Never && !u.local():
		return fmt.Errorf("upstream %s: a password would cross the network in clear", u.Address)
	}
	return nil
}

// How long an upstream is waited for. RFC 5321, 4.5.3.2 allows more for each; but somebody waits at the door, and the spool
// tries again.
const (
	connectWait = 10 * time.Second
	helloWait   = 30 * time.Second // each of greeting, EHLO, STARTTLS, AUTH and XCLIENT
	commandWait = 2 * time.Minute
	contentWait = 3 * time.Minute // for a message to be written, and
	answerWait  = 5 * time.Minute // for the answer to it
	quitWait    = 2 * time.Second
)

// identity is for whom a connection speaks. The zero value is this machine itself.
type identity struct{ client, helo string }

// identity is the one under which a message is handed over.
func (u Upstream) identity(e Envelope) identity {
	if !u.XClient && u.Proxy == 0 {
		return identity{}
	}
	return identity{e.Client, e.Helo}
}

// local reports whether it stands on this machine.
func (u Upstream) local() bool {
	host, _, _ := net.SplitHostPort(u.Address)
	return strings.HasPrefix(u.Address, "/") || slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(host))
}

// host is the name that its certificate bears.
func (u Upstream) host() string {
	host, _, err := net.SplitHostPort(u.Address)
	if err != nil {
		return u.Address
	}
	return host
}

// open connects and goes through the greetings. An error is also that the upstream turned us away; ctx bounds all that is said
// on the connection later.
func (u Upstream) open(ctx context.Context, name string, who identity) (*wire, error) {
	network := "tcp"
	if strings.HasPrefix(u.Address, "/") {
		network = "unix"
	}
	dial := u.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	dialing, stop := context.WithTimeout(ctx, connectWait)
	defer stop()
	conn, err := dial(dialing, network, u.Address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	w := newWire(conn)
	defer w.obey(ctx)()
	if err := u.greet(w, name, who); err != nil {
		conn.Close()
		return nil, fmt.Errorf("upstream %s: %w", u.Address, err)
	}
	return w, nil
}

// greet says who speaks, goes under TLS and logs in.
func (u Upstream) greet(w *wire, name string, who identity) error {
	w.allow(helloWait)
	if u.Proxy > 0 {
		if err := u.introduce(w.conn, who); err != nil {
			return err
		}
	}
	config := &tls.Config{ServerName: u.host(), RootCAs: u.Roots, MinVersion: tls.VersionTLS12}
	if u.TLS == mail.Implicit {
		w.encrypt(config)
	}
	if err := w.expect(220, "its greeting"); err != nil {
		return err
	}
	helo := cmp.Or(hello(who.helo, ""), name)
	if err := u.hello(w, helo); err != nil {
		return err
	}
	if err := u.startTLS(w, config, helo); err != nil {
		return err
	}
	if err := u.login(w); err != nil {
		return err
	}
	if u.XClient && w.has("XCLIENT") && who.client != "" {
		w.say("XCLIENT", xclient(w.extensions["XCLIENT"], who))
		if err := w.expect(220, "XCLIENT"); err != nil {
			return err
		}
		return u.hello(w, helo)
	}
	return nil
}

// hello says EHLO, and HELO to a server that knows no other.
func (u Upstream) hello(w *wire, helo string) error {
	word := "EHLO"
	if u.LMTP {
		word = "LHLO"
	}
	w.extensions = nil
	w.say(word, " ", helo)
	a, err := w.hear(helloWait)
	if err == nil && a.code >= 500 && !u.LMTP {
		w.say("HELO ", helo)
		return w.expect(250, "HELO")
	}
	if err == nil && a.code != 250 {
		err = a
	}
	if err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	w.extensions = extensions(a.text)
	return nil
}

// startTLS goes under TLS where that is wanted and possible (RFC 3207).
func (u Upstream) startTLS(w *wire, config *tls.Config, helo string) error {
	if u.TLS == mail.Never || u.TLS == mail.Implicit || strings.HasPrefix(u.Address, "/") {
		return nil
	}
	if !w.has("STARTTLS") {
		if u.TLS == mail.Required || u.User != "" {
			return errors.New("it offers no STARTTLS, and must not be spoken to without")
		}
		return nil
	}
	w.say("STARTTLS")
	if err := w.expect(220, "STARTTLS"); err != nil {
		return err
	}
	if w.in.Buffered() > 0 {
		return errors.New("STARTTLS: something was said in clear after the answer")
	}
	w.encrypt(config)
	return u.hello(w, helo)
}

// login says who we are (RFC 4954, with PLAIN of RFC 4616). The answer is not quoted, for it may repeat what was said.
func (u Upstream) login(w *wire) error {
	if u.User == "" {
		return nil
	}
	if !slices.Contains(strings.Fields(strings.ToUpper(w.extensions["AUTH"])), "PLAIN") {
		return errors.New("AUTH: it does not offer PLAIN")
	}
	w.say("AUTH PLAIN ", base64.StdEncoding.EncodeToString([]byte("\x00"+u.User+"\x00"+u.Password)))
	a, err := w.hear(helloWait)
	if err == nil && a.code != 235 {
		err = fmt.Errorf("user %q was refused with %d", u.User, a.code)
	}
	if err != nil {
		return fmt.Errorf("AUTH: %w", err)
	}
	return nil
}

// introduce says by the PROXY protocol for whom we speak.
func (u Upstream) introduce(conn net.Conn, who identity) error {
	version := byte(u.Proxy)
	header := &proxyproto.Header{Version: version, Command: proxyproto.LOCAL, TransportProtocol: proxyproto.UNSPEC}
	if addr, err := netip.ParseAddr(who.client); err == nil {
		to, ok := conn.RemoteAddr().(*net.TCPAddr)
		if !ok || to.AddrPort().Addr().Unmap().Is4() != addr.Is4() {
			to = net.TCPAddrFromAddrPort(netip.AddrPortFrom(unspecified(addr), 25))
		}
		header = proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)), to)
	}
	if _, err := header.WriteTo(conn); err != nil {
		return fmt.Errorf("PROXY protocol: %w", err)
	}
	return nil
}

// unspecified is the address of nobody in the family of another.
func unspecified(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// xclient are the attributes of XCLIENT, of those that the server knows.
func xclient(known string, who identity) string {
	address := who.client
	if strings.Contains(address, ":") {
		address = "IPV6:" + address
	}
	var b strings.Builder
	for _, attribute := range []struct{ name, value string }{
		{"ADDR", address}, {"NAME", "[UNAVAILABLE]"}, {"HELO", hello(who.helo, "")}, {"PROTO", "ESMTP"},
	} {
		if attribute.value != "" && slices.Contains(strings.Fields(strings.ToUpper(known)), attribute.name) {
			b.WriteString(" " + attribute.name + "=" + attribute.value)
		}
	}
	return b.String()
}

// extensions reads the answer to EHLO: in each line but the first a keyword and its parameters.
func extensions(text string) map[string]string {
	offered := make(map[string]string)
	_, lines, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(lines) {
		keyword, parameters, _ := strings.Cut(strings.TrimSpace(line), " ")
		offered[strings.ToUpper(keyword)] = parameters
	}
	return offered
}
