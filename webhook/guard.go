package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ErrInward refuses what is not on the public internet.
var ErrInward = errors.New("not an endpoint on the public internet")

// ErrURL refuses what cannot be posted to, wherever it is.
var ErrURL = errors.New("not a URL that can be posted to")

// internet6 is where IPv6 has its global unicast addresses (RFC 4291, 2.4). Outside it lie loopback, link-local, local
// and multicast addresses, and those of IPv4 that were mapped or translated (64:ff9b::/96).
var internet6 = netip.MustParsePrefix("2000::/3")

// inward are the addresses that are never reached, by the registries of special-purpose addresses (RFC 6890). Those that
// hold an address of IPv4 are refused whichever it is.
var inward = prefixes(
	"0.0.0.0/8",      // this network
	"10.0.0.0/8",     // private
	"100.64.0.0/10",  // shared, behind a provider's translation
	"127.0.0.0/8",    // loopback
	"169.254.0.0/16", // link-local, where clouds keep metadata and credentials
	"172.16.0.0/12",  // private
	"192.0.0.0/24",   // protocol assignments
	"192.0.2.0/24",   // documentation
	"192.88.99.0/24", // relays of 6to4
	"192.168.0.0/16", // private
	"198.18.0.0/15",  // benchmarks
	"198.51.100.0/24", "203.0.113.0/24",
	"168.63.129.16/32", // Azure's own service to its machines, on an address that looks public
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast
	"2001::/23",        // protocol assignments, Teredo among them
	"2001:db8::/32",    // documentation
	"2002::/16",        // 6to4
	"3fff::/20",        // documentation
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// guard decides which addresses are reached.
type guard struct {
	allow []netip.Prefix // the operator's, which lift everything
}

// judge refuses an address that is not the public internet's, and a port that is not of the web. An address with a zone
// is in no prefix, and so is refused.
func (g guard) judge(to netip.AddrPort) error {
	in := func(p netip.Prefix) bool { return p.Contains(to.Addr()) }
	if slices.ContainsFunc(g.allow, in) {
		return nil
	}
	if to.Port() != 80 && to.Port() != 443 && to.Port() < 1024 {
		return fmt.Errorf("%w: port %d is neither 80 nor 443 nor at least 1024", ErrInward, to.Port())
	}
	if !to.Addr().Is4() && !in(internet6) || slices.ContainsFunc(inward, in) {
		return fmt.Errorf("%w: its address is %s", ErrInward, to.Addr())
	}
	return nil
}

// control judges the very address that a connection is about to be made to.
func (g guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("%w: %s %s", ErrInward, network, address)
	}
	return g.judge(to)
}

// Check refuses a URL that is not an endpoint on the public internet: with ErrURL for what is written, and with ErrInward
// for where it leads. Its words may be shown to whoever named it: a name that does not exist and one that leads inward
// are refused alike, so that nobody learns names of the inside.
//
// It may take 5 seconds. Any other error means that names cannot be resolved now. What it accepts is judged again by each
// Post.
func (c *Client) Check(ctx context.Context, raw string) error {
	u, err := c.guard.parse(raw)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, longestResolve)
	defer stop()
	addrs, err := c.dialer.Resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if failed, _ := errors.AsType[*net.DNSError](err); err != nil && (failed == nil || !failed.IsNotFound) {
		return fmt.Errorf("resolve %s: %w", u.Hostname(), err)
	}
	for _, addr := range addrs {
		if c.guard.judge(netip.AddrPortFrom(addr.Unmap(), port(u))) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %s has no public address, or its port is neither 80 nor 443 nor at least 1024", ErrInward, u.Hostname())
}

// longestURL bounds URLs as browsers do.
const longestURL = 2048

// parse reads the URL of an endpoint, its host in the letters of the wire. An address that stands in it is judged here
// already: one of IPv6 that holds one of IPv4 is connected to as the latter, and would not be recognised then.
func (g guard) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > longestURL:
		return nil, fmt.Errorf("%w: write one such as https://example.com/hook, of at most %d characters", ErrURL, longestURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: it must begin with https:// or http://", ErrURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: it must name a host, such as https://example.com/hook", ErrURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a user name or a password", ErrURL)
	case port(u) == 0:
		return nil, fmt.Errorf("%w: its port must be from 1 to 65535", ErrURL)
	}
	if !ascii(u.Host) {
		host, err := idna.Lookup.ToASCII(u.Hostname())
		if err != nil {
			return nil, fmt.Errorf("%w: %q is not the name of a host", ErrURL, u.Hostname())
		}
		u.Host = net.JoinHostPort(host, strconv.Itoa(int(port(u))))
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		return u, g.judge(netip.AddrPortFrom(addr, port(u)))
	}
	return u, nil
}

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// port is the one that is connected to, 0 when what stands there is none.
func port(u *url.URL) uint16 {
	switch {
	case u.Port() == "" && u.Scheme == "http":
		return 80
	case u.Port() == "":
		return 443
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
