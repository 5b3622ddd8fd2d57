package mail

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// How many clients are inside, in all and of one network, and for how long: whoever only says a word now and then takes the
// place of somebody else.
const (
	mostGuests       = 100
	mostOfOneNetwork = 20
	longestStay      = 10 * time.Minute
)

// door is a listener that turns clients away while too many are inside.
type door struct {
	net.Listener

	mu       sync.Mutex
	inside   map[*guest]struct{}
	networks map[netip.Prefix]int
}

func newDoor(l net.Listener) *door {
	return &door{Listener: l, inside: make(map[*guest]struct{}), networks: make(map[netip.Prefix]int)}
}

// Accept waits for a client that there is room for. Others are told to come again.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := d.admit(conn); g != nil {
			return g, nil
		}
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // the answer fits into what the system sends by itself
		_, _ = io.WriteString(conn, "421 4.7.0 Too many connections; try again later\r\n")
		conn.Close()
	}
}

// admit lets a client in, or returns nil.
func (d *door) admit(conn net.Conn) *guest {
	d.mu.Lock()
	defer d.mu.Unlock()
	network := networkOf(conn.RemoteAddr())
	if len(d.inside) >= mostGuests || d.networks[network] >= mostOfOneNetwork {
		return nil
	}
	g := &guest{Conn: conn, door: d, network: network, last: time.Now().Add(longestStay)}
	d.inside[g] = struct{}{}
	d.networks[network]++
	return g
}

func (d *door) leave(g *guest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.inside[g]; !in {
		return
	}
	delete(d.inside, g)
	if d.networks[g.network]--; d.networks[g.network] == 0 {
		delete(d.networks, g.network)
	}
}

// empty gives everybody inside so long to come to an end.
func (d *door) empty(within time.Duration) {
	last := time.Now().Add(within)
	d.mu.Lock()
	defer d.mu.Unlock()
	for g := range d.inside {
		g.hurry(last)
	}
}

// guest is a connection that ends at a last moment, whatever deadlines it is given.
type guest struct {
	net.Conn

	door    *door
	network netip.Prefix
	broken  error // of the first reading that failed; whoever reads is alone

	mu   sync.Mutex
	last time.Time
}

// Read reads until it fails once. After a message that did not come in time, its rest must not be read as commands.
func (g *guest) Read(b []byte) (n int, err error) {
	if g.broken == nil {
		n, g.broken = g.Conn.Read(b)
	}
	return n, g.broken
}

// SetReadDeadline sets a deadline that is not after the last moment.
func (g *guest) SetReadDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Conn.SetReadDeadline(earlier(t, g.last))
}

// SetWriteDeadline sets a deadline that is not long after the last moment: the client is told that it has come.
func (g *guest) SetWriteDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Conn.SetWriteDeadline(earlier(t, g.last.Add(time.Second)))
}

func earlier(t, last time.Time) time.Time {
	if t.IsZero() || t.After(last) {
		return last
	}
	return t
}

// hurry brings the last moment forward.
func (g *guest) hurry(last time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = earlier(last, g.last)
	_ = g.Conn.SetReadDeadline(g.last)
}

// Close leaves.
func (g *guest) Close() error {
	g.door.leave(g)
	return g.Conn.Close()
}

// networkOf is who counts as one client: an address of IPv4, or the /64 that one site has of IPv6.
func networkOf(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	addr, bits := tcp.AddrPort().Addr().Unmap().WithZone(""), 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
