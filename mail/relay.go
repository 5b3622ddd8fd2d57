package mail

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Encryption is when a relay is spoken to under TLS. Its certificate is verified whenever it is.
type Encryption string

// The ways. WhenOffered, the zero value, uses STARTTLS (RFC 3207) if the relay has it, and insists on it where a password
// would be sent; Required insists always; Implicit is TLS from the first byte (RFC 8314, 3.3); Never leaves it.
const (
	WhenOffered Encryption = ""
	Required    Encryption = "required"
	Implicit    Encryption = "implicit"
	Never       Encryption = "none"
)

// How many connections a relay gets.
const (
	usualConnections = 20
	mostConnections  = 200
)

// Relay is an SMTP server that takes messages and sees to their delivery.
type Relay struct {
	// Address is host and port.
	Address string
	TLS     Encryption
	// User and Password are said to the relay; an empty User says nothing. They are never said in clear, except to this machine
	// where TLS is Never.
	User, Password string
	// Connections is how many are open at most; 0 is 20.
	Connections int
}

// ParseRelay reads a relay's URL: smtp://user:password@mail.example.com:587?connections=20&tls=required, or smtps:// for TLS
// from the first byte. Ports are 25 and 465 unless others are given; tls is starttls (when offered, the default), required
// or none. What a refusal says never holds the password.
func ParseRelay(text string) (Relay, error) {
	u, err := url.Parse(text)
	if err != nil || !named(u.Hostname()) || u.Opaque != "" || u.Path != "" && u.Path != "/" || u.Fragment != "" {
		// The parser's own words may quote a piece of the password.
		return Relay{}, errors.New("relay: must be a URL such as smtp://user:password@mail.example.com:587, " +
			"with @, :, / and # of a user or a password written as %40, %3A, %2F and %23")
	}
	r := Relay{Connections: usualConnections}
	port := "25"
	switch u.Scheme {
	case "smtp":
	case "smtps":
		r.TLS, port = Implicit, "465"
	default:
		return Relay{}, fmt.Errorf("relay %s: must begin with smtp:// or smtps://, not %s://", u.Hostname(), u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	r.Address = net.JoinHostPort(u.Hostname(), port)
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return Relay{}, fmt.Errorf("relay %s: a port is a number from 1 to 65535", r.Address)
	}
	if u.User != nil {
		r.User = u.User.Username()
		r.Password, _ = u.User.Password()
		if r.User == "" || r.Password == "" {
			return Relay{}, fmt.Errorf("relay %s: needs both a user and a password, as in user:password@, or neither", r.Address)
		}
	}
	if err := r.parseQuery(u.RawQuery); err != nil {
		return Relay{}, fmt.Errorf("relay %s: %w", r.Address, err)
	}
	return r, nil
}

// named reports whether a host is an address or can be a name in the DNS.
func named(host string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	_, err := netip.ParseAddr(host)
	return err == nil || host != "" && strings.Trim(host, letters) == ""
}

// parseQuery reads what stands after the question mark.
func (r *Relay) parseQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("what follows ? must be such as connections=20&tls=required")
	}
	for key, values := range query {
		if len(values) > 1 {
			return fmt.Errorf("%s is given %d times; once is enough", key, len(values))
		}
		switch value := values[0]; key {
		case "connections":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > mostConnections {
				return fmt.Errorf("connections must be a number from 1 to %d, not %q", mostConnections, value)
			}
			r.Connections = n
		case "tls":
			if err := r.parseTLS(value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%q is not known here; connections and tls are", key)
		}
	}
	if r.TLS == Never && r.User != "" && !r.local() {
		return errors.New("a password would cross the network in clear: leave tls=none out, which is for relays on this machine")
	}
	return nil
}

// parseTLS reads the value of tls.
func (r *Relay) parseTLS(value string) error {
	ways := map[string]Encryption{"starttls": WhenOffered, "required": Required, "none": Never}
	way, known := ways[value]
	switch {
	case r.TLS == Implicit:
		return errors.New("smtps:// is always under TLS: leave tls out, or begin with smtp://")
	case !known:
		return fmt.Errorf("tls must be starttls, required or none, not %q", value)
	}
	r.TLS = way
	return nil
}

// String is the relay's URL, with the password hidden.
func (r Relay) String() string {
	u := url.URL{Scheme: "smtp", Host: r.Address}
	query := url.Values{"connections": {strconv.Itoa(r.connections())}}
	switch r.TLS {
	case Implicit:
		u.Scheme = "smtps"
	case Required, Never:
		query.Set("tls", string(r.TLS))
	}
	if r.User != "" {
		u.User = url.UserPassword(r.User, "hidden")
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}

// connections is how many may be open.
func (r Relay) connections() int {
	if r.Connections <= 0 {
		return usualConnections
	}
	return min(r.Connections, mostConnections)
}

// host is the name that the relay's certificate has to bear.
func (r Relay) host() string {
	host, _, err := net.SplitHostPort(r.Address)
	if err != nil {
		return r.Address
	}
	return host
}

// local reports whether the relay stands on this machine, by the names that the standard library takes as such when a
// password is at stake.
func (r Relay) local() bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, strings.ToLower(r.host()))
}

// bare reports whether the relay may be told the password without TLS.
func (r Relay) bare() bool { return r.TLS == Never && r.local() }

// insists reports whether the relay is left when it offers no TLS.
func (r Relay) insists() bool { return r.TLS == Required || r.User != "" && !r.bare() }
