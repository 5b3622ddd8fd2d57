package mx

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/pires/go-proxyproto"
)

func TestMailUnderTLS(t *testing.T) {
	config, roots := certificate(t)
	p := behind(t, nil)
	r := stand(t, p.address, func(r *rig) { r.TLS = config })
	c, err := smtp.DialStartTLS(r.address, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SendMail("ann@client.example", []string{"bob@example.com"}, strings.NewReader(hello1)); err != nil {
		t.Fatal(err)
	}
	if got := p.only(t).message; !fits(got, "*\r\n\t(using TLS 1.3 TLS_*)\r\n\tby mx.example.com with ESMTPS\r\n*") {
		t.Errorf("got %q, want ESMTPS", got)
	}
}

func TestWhatIsSaidBeforeTLSDoesNotCount(t *testing.T) {
	config, _ := certificate(t)
	r := stand(t, behind(t, nil).address, func(r *rig) { r.TLS = config })
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "STARTTLS\r\nNOOP\r\nNOOP\r\n")
	if got, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(got, "220 ") {
		t.Fatalf("got %q and %v, want 220", got, err)
	}
	inner := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // whose certificate it is, is not what is tested
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(inner, "QUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(inner); !fits(string(said), "221 *\r\n") || strings.Count(string(said), "\n") != 1 {
		t.Errorf("got %q, want one answer", said)
	}
}

func TestTheUpstreamIsSpokenToUnderTLS(t *testing.T) {
	config, roots := certificate(t)
	p := behind(t, func(p *product) { p.TLSConfig = config })
	r := stand(t, p.address, func(r *rig) { r.Upstream.TLS, r.Upstream.Roots = "required", roots })
	if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
		t.Fatal(err)
	}
	p.only(t)
	plain := behind(t, nil)
	r = stand(t, plain.address, func(r *rig) { r.Upstream.TLS = "required" })
	wantCode(t, send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1), 451, smtp.EnhancedCode{4, 4, 1})
}

func TestLoadBalancersSayWhoTheClientIs(t *testing.T) {
	r := stand(t, nowhere(t), func(r *rig) { r.Proxies = here; r.interrupted.Store(true); r.Limits.PerClient = 1 })
	client := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.7:4711"))
	for _, version := range []byte{1, 2} {
		conn, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := proxyproto.HeaderProxyFromAddrs(version, client, conn.RemoteAddr()).WriteTo(conn); err != nil {
			t.Fatal(err)
		}
		if version == 2 { // the first one is still there
			talkOn(t, conn, "< 421 4.7.0 Too many connections; try again later\n<EOF")
			continue
		}
		talkOn(t, conn, `
			< 220 *
			> HELO client.example
			< 250 *
			> MAIL FROM:<ann@client.example>
			< 250 *
			> RCPT TO:<bob@example.com>
			< 250 *
			> DATA
			< 354 *
			> .
			< 250 *
		`)
	}
	if env, err := ReadEnvelope(r.shelf.only(t).Head); err != nil || env.Client != "192.0.2.7" {
		t.Errorf("got %s and %v, want 192.0.2.7", env.Client, err)
	}
	talk(t, r.address, "> HELO no.header\n<EOF")
}

func TestTheUpstreamIsToldWhoTheClientIs(t *testing.T) {
	for _, version := range []int{1, 2} {
		heard := make(chan string, 1)
		p := behind(t, nil)
		front := proxied(t, p.address, heard)
		r := stand(t, front, func(r *rig) { r.Upstream.Proxy = version })
		if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
			t.Fatal(err)
		}
		if got := <-heard; got != "127.0.0.1" {
			t.Errorf("got %s, want 127.0.0.1", got)
		}
		p.only(t)
	}
}

// proxied is a server that reads a header of the PROXY protocol, and gives the rest to another.
func proxied(t *testing.T, address string, heard chan<- string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		header, err := proxyproto.Read(in)
		if err != nil {
			heard <- err.Error()
			return
		}
		heard <- addrOf(header.SourceAddr).String()
		back, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		defer back.Close()
		go io.Copy(conn, back)
		io.Copy(back, in)
	}()
	return l.Addr().String()
}

func TestClientsHaveLimits(t *testing.T) {
	t.Run("of messages a minute", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.Limits.Rate = 2; r.interrupted.Store(true) })
		for range 2 {
			if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1), 450, smtp.EnhancedCode{4, 7, 1})
	})
	t.Run("of recipients", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.Limits.Recipients = 1; r.interrupted.Store(true) })
		err := send(r.address, "ann@client.example", nil, []string{"bob@example.com", "carl@example.com"}, hello1)
		wantCode(t, err, 452, smtp.EnhancedCode{4, 5, 3})
	})
	t.Run("of refusals", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.Limits.Refused = 2; r.interrupted.Store(true) })
		talk(t, r.address, `
			< 220 *
			> HELO client.example
			< 250 *
			> MAIL FROM:<ann@client.example>
			< 250 *
			> RCPT TO:<a@elsewhere.example>
			< 550 *
			> RCPT TO:<b@elsewhere.example>
			< 550 *
			> RCPT TO:<c@elsewhere.example>
			< 550 *
			< 421 *
			<EOF
		`)
	})
	t.Run("of memory", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.Limits.Memory = 20 << 10; r.interrupted.Store(true) })
		long := hello1 + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 1000)
		wantCode(t, send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, long), 452, smtp.EnhancedCode{4, 3, 2})
		for range 3 { // it was given back
			if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("of silence", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.Limits.Timeout = 50 * time.Millisecond; r.interrupted.Store(true) })
		talk(t, r.address, "< 220 *\n< 421 4.4.2 *\n<EOF")
		talk(t, r.address, `
			< 220 *
			> HELO client.example
			< 250 *
			> MAIL FROM:<ann@client.example>
			< 250 *
			> RCPT TO:<bob@example.com>
			< 250 *
			> DATA
			< 354 *
			> half a message
			< 451 4.4.2 *
			< 421 4.4.2 *
			<EOF
		`)
		if n := len(r.shelf.all()); n != 0 {
			t.Errorf("got %d entries, want none of half a message", n)
		}
	})
	t.Run("of a line", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.interrupted.Store(true) })
		err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, strings.Repeat("x", 100<<10)+"\r\n")
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) { // who still writes may not get to read the answer
			wantCode(t, err, 554, smtp.EnhancedCode{5, 6, 0})
		}
		if kept := r.shelf.all(); len(kept) > 0 {
			t.Errorf("got %d messages in the spool, want none", len(kept))
		}
	})
}

func TestTheDoorCloses(t *testing.T) {
	r := stand(t, nowhere(t), func(r *rig) { r.interrupted.Store(true) })
	idle, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	talkOn(t, idle, "< 220 *\n> HELO idle\n< 250 *")
	busy, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	talkOn(t, busy, "< 220 *\n> HELO busy\n< 250 *\n> MAIL FROM:<ann@client.example>\n< 250 *\n> RCPT TO:<bob@example.com>\n< 250 *\n> DATA\n< 354 *")
	r.stop()
	talkOn(t, idle, "< 421 *\n<EOF")
	talkOn(t, busy, "> Subject: in time\n>\n> .\n< 250 *\n> QUIT\n< 221 *\n<EOF")
	if err := <-r.stopped; err != nil {
		t.Errorf("got %v, want an orderly end", err)
	}
	if conn, err := net.Dial("tcp", r.address); err == nil {
		conn.Close()
		t.Error("got a connection to a door that is closed")
	}
	r.shelf.only(t)
}

func TestADoorThatIsFullTurnsAway(t *testing.T) {
	r := stand(t, nowhere(t), func(r *rig) { r.Limits.Connections = 1 })
	first, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	talkOn(t, first, "< 220 *")
	talk(t, r.address, "< 421 4.7.0 Too many connections; try again later\n<EOF")
	first.Close()
	until(t, "there is room again", func() bool {
		conn, err := net.Dial("tcp", r.address)
		if err != nil {
			return false
		}
		defer conn.Close()
		line, _ := bufio.NewReader(conn).ReadString('\n')
		return strings.HasPrefix(line, "220 ")
	})
}

func TestClientsAreForgotten(t *testing.T) {
	d := newDoor(nil, Limits{Rate: 60, PerClient: 1}, nil)
	for n := range 5000 {
		g := &guest{Conn: from(fmt.Sprintf("10.0.%d.%d", n/256, n%256)), door: d}
		d.inside[g] = struct{}{}
		if !d.admit(g) {
			t.Fatal("got turned away, want in")
		}
		d.leave(g)
	}
	if n := len(d.clients); n > 1001 {
		t.Errorf("got %d clients remembered, want those forgotten that left", n)
	}
}

// from is a connection that has an address only.
type from string

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(string(f)), 1))
}
func (from) LocalAddr() net.Addr              { return nil }
func (from) Read([]byte) (int, error)         { return 0, io.EOF }
func (from) Write([]byte) (int, error)        { return 0, io.EOF }
func (from) Close() error                     { return nil }
func (from) SetDeadline(time.Time) error      { return nil }
func (from) SetReadDeadline(time.Time) error  { return nil }
func (from) SetWriteDeadline(time.Time) error { return nil }
