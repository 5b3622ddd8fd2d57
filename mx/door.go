package mx

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/pires/go-proxyproto"
	"golang.org/x/time/rate"
)

// door is a listener that turns clients away while too many are inside, and brings those that are to an end.
type door struct {
	net.Listener
	limits Limits

	mu      sync.Mutex
	inside  map[*guest]struct{}
	clients map[netip.Prefix]*client
	sweepAt int  // how many clients are remembered before those are forgotten that need not be
	closing bool // since the moment that empty was told
}

// client is everybody who comes from one network.
type client struct {
	inside int
	pace   *rate.Limiter
}

// headerWait is for the header of the PROXY protocol.
const headerWait = 10 * time.Second

// newDoor makes a door of a listener. Those of the networks in proxies have to say first, by the PROXY protocol, for whom they speak.
func newDoor(l net.Listener, limits Limits, proxies []netip.Prefix) *door {
	if len(proxies) > 0 {
		l = &proxyproto.Listener{Listener: l, ReadHeaderTimeout: headerWait, ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if among(o.Upstream, proxies) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.SKIP, nil
		}}
	}
	return &door{
		Listener: l, limits: limits, sweepAt: 1000,
		inside: make(map[*guest]struct{}), clients: make(map[netip.Prefix]*client),
	}
}

// Accept waits for somebody. Who it is, is looked at when he is greeted, since behind a proxy that takes its time.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		if len(d.inside) < d.limits.Connections && !d.closing {
			g := &guest{Conn: conn, door: d, last: time.Now().Add(longestStay)}
			d.inside[g] = struct{}{}
			d.mu.Unlock()
			return g, nil
		}
		d.mu.Unlock()
		turnAway(conn)
	}
}

// turnAway sends somebody away who was not greeted yet.
func turnAway(conn net.Conn) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // the answer fits into what the system sends by itself
	_, _ = io.WriteString(conn, "421 4.7.0 Too many connections; try again later\r\n")
	conn.Close()
}

// admit finds out which client a guest is, and reports whether there is room for another one of it.
func (d *door) admit(g *guest) bool {
	network := networkOf(g.RemoteAddr()) // waits for the header of the PROXY protocol
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	c := d.clients[network]
	if c == nil {
		c = &client{pace: rate.NewLimiter(rate.Inf, 0)}
		if perMinute := d.limits.Rate; perMinute > 0 {
			c.pace = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
		}
		d.clients[network] = c
	}
	if _, in := d.inside[g]; !in || c.inside >= d.limits.PerClient {
		return false
	}
	c.inside++
	g.client = c
	return true
}

// sweep forgets clients that have nobody inside and all of their pace left.
func (d *door) sweep() {
	if len(d.clients) < d.sweepAt {
		return
	}
	now := time.Now()
	for network, c := range d.clients {
		if c.inside == 0 && c.pace.TokensAt(now) >= float64(c.pace.Burst()) {
			delete(d.clients, network)
		}
	}
	d.sweepAt = 2*len(d.clients) + 1000
}

func (d *door) leave(g *guest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.inside[g]; !in {
		return
	}
	delete(d.inside, g)
	if g.client != nil {
		g.client.inside--
	}
}

// empty tells everybody inside to come to an end: whoever is in the middle of a message within some time, all others now.
func (d *door) empty(within time.Duration) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closing = true
	for g := range d.inside {
		if g.busy.Load() {
			g.hurry(now.Add(within))
		} else {
			g.hurry(now)
		}
	}
}

// longestStay is how long somebody may be inside, whatever is done meanwhile.
const longestStay = time.Hour

// guest is a connection that ends at a last moment, or when nothing has been heard for too long.
type guest struct {
	net.Conn
	door    *door
	greeted bool         // whoever writes is alone
	broken  error        // of the first reading that failed; whoever reads is alone
	lines   []byte       // of an answer whose last line is not written yet; whoever writes is alone
	client  *client      // nil until it is admitted; the door's lock guards it
	busy    atomic.Bool  // a message is under way
	refused atomic.Int32 // commands

	mu   sync.Mutex
	last time.Time
}

// errTurnedAway ends a connection that there is no room for.
var errTurnedAway = errors.New("too many connections of one client")

// Write greets those for whom there is room, and writes on. The lines of one answer, which come one by one, go together.
func (g *guest) Write(b []byte) (int, error) {
	if !g.greeted {
		g.greeted = true
		if !g.door.admit(g) {
			turnAway(g.Conn)
			g.door.leave(g)
			return 0, errTurnedAway
		}
	}
	if goesOn(b) && len(g.lines) < longestGathered {
		g.lines = append(g.lines, b...)
		return len(b), nil
	}
	if len(g.lines) == 0 {
		return g.Conn.Write(b)
	}
	_, err := g.Conn.Write(append(g.lines, b...))
	g.lines = g.lines[:0]
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// longestGathered is how much of an answer waits for its last line.
const longestGathered = 2 << 10

// goesOn reports whether something written is one line of an answer that another line follows (RFC 5321, 4.2.1). What TLS writes
// begins with no digit.
func goesOn(b []byte) bool {
	return len(b) > 5 && b[0] >= '2' && b[0] <= '5' && b[1] >= '0' && b[1] <= '9' && b[2] >= '0' && b[2] <= '9' && b[3] == '-' &&
		bytes.HasSuffix(b, []byte("\r\n"))
}

// Read reads until it fails once: after a message that did not come in time, its rest must not be read as commands. Each
// reading may take as long as the door allows.
func (g *guest) Read(b []byte) (n int, err error) {
	if g.broken != nil {
		return 0, g.broken
	}
	g.mu.Lock()
	until := time.Now().Add(g.door.limits.Timeout)
	if until.After(g.last) {
		until = g.last
	}
	err = g.Conn.SetReadDeadline(until)
	g.mu.Unlock()
	if err == nil {
		n, err = g.Conn.Read(b)
	}
	g.broken = err
	return n, err
}

// SetReadDeadline does nothing: Read sets its own.
func (*guest) SetReadDeadline(time.Time) error { return nil }

// SetDeadline is SetWriteDeadline.
func (g *guest) SetDeadline(t time.Time) error { return g.SetWriteDeadline(t) }

// hurry brings the last moment forward.
func (g *guest) hurry(last time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if last.Before(g.last) {
		g.last = last
		_ = g.Conn.SetReadDeadline(last)
	}
}

// Close leaves.
func (g *guest) Close() error {
	g.door.leave(g)
	return g.Conn.Close()
}

// mayBegin reports whether the client may send one more message now.
func (g *guest) mayBegin() bool {
	g.door.mu.Lock()
	defer g.door.mu.Unlock()
	return g.client == nil || g.client.pace.Allow()
}

// refuse counts a command that was refused, and reports whether the client has had enough of them.
func (g *guest) refuse() bool { return int(g.refused.Add(1)) > g.door.limits.Refused }

// guestOf is the connection that a server speaks on, below TLS.
func guestOf(c *smtp.Conn) *guest {
	conn := c.Conn()
	for {
		t, ok := conn.(*tls.Conn)
		if !ok {
			break
		}
		conn = t.NetConn()
	}
	g, _ := conn.(*guest)
	return g
}

// addrOf is the IP of an address, or none.
func addrOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// among reports whether an address is in one of the networks.
func among(a net.Addr, networks []netip.Prefix) bool {
	addr := addrOf(a)
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// networkOf is who counts as one client: an address of IPv4, or the /64 that one site has of IPv6.
func networkOf(a net.Addr) netip.Prefix {
	addr, bits := addrOf(a), 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
