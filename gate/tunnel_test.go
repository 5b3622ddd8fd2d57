package gate

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"example.org/interlude/upstream"
)

// echoing is a product with a WebSocket that sends back what it gets. It tells how each one ended.
func echoing(t *testing.T) (address string, ends <-chan error) {
	ended := make(chan error, 10)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			ended <- err
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(2 << 20)
		for {
			kind, message, err := c.Read(r.Context())
			if err == nil {
				err = c.Write(r.Context(), kind, message)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}), ended
}

// dial opens a WebSocket through a gate.
func dial(t *testing.T, gate string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), gate, &websocket.DialOptions{Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	c.SetReadLimit(2 << 20)
	return c
}

func echo(t *testing.T, c *websocket.Conn, message []byte) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageBinary, message); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(t.Context()); err != nil || !bytes.Equal(got, message) {
		t.Fatalf("got %d bytes back (%v), want the %d that were sent", len(got), err, len(message))
	}
}

func TestAWebSocketPassesWholly(t *testing.T) {
	product, ends := echoing(t)
	c := dial(t, open(t, &door{}, product))
	if c.Subprotocol() != "echo" {
		t.Errorf("got subprotocol %q, want echo", c.Subprotocol())
	}
	for n := range 5 {
		echo(t, c, bytes.Repeat([]byte{byte(n), 7, byte(n * n)}, 1<<20/3))
	}
	if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("got %v from closing, want a clean end", err)
	}
	if err := <-ends; websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("got end %v at the product, want the client's own", err)
	}
}

func TestAWebSocketIsToldWhyTheGateEndsIt(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*door)
		want websocket.StatusCode
	}{
		{"interrupted", func(d *door) { close(d.interrupted) }, websocket.StatusServiceRestart},
		{"stopping", func(d *door) { close(d.stopping) }, websocket.StatusGoingAway},
	} {
		product, ends := echoing(t)
		d := &door{interrupted: make(chan struct{}), stopping: make(chan struct{})}
		ws := dial(t, open(t, d, product))
		echo(t, ws, []byte("hello"))
		c.end(d)
		if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != c.want {
			t.Errorf("%s: got %v, want close code %d", c.name, err, c.want)
		}
		if err := <-ends; websocket.CloseStatus(err) != c.want {
			t.Errorf("%s: got end %v at the product, want the client's answer with %d", c.name, err, c.want)
		}
	}
}

func TestAProductThatBreaksOffInAnInterruptionLooksLikeOne(t *testing.T) {
	d := &door{interrupted: make(chan struct{})}
	close(d.interrupted)
	gate := open(t, d, upgrading(t, "websocket", func(c net.Conn, _ *bufio.Reader) {
		_, _ = c.Write(frame(whole, 3))
	}))
	c, in := upgrade(t, gate, "websocket")
	defer c.Close()
	got, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := closeFrame(closeServiceRestart); !bytes.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
}

func TestAnInterruptionIsAReasonAlsoWhenTheProductEndsAtTheSameMoment(t *testing.T) {
	closed, open := make(chan struct{}), make(chan struct{})
	close(closed)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name                  string
		ctx                   context.Context
		interrupted, stopping chan struct{}
		want                  int
	}{
		{"nothing", t.Context(), open, nil, 0},
		{"an interruption", t.Context(), closed, open, closeServiceRestart},
		{"a gate that stops", t.Context(), open, closed, closeGoingAway},
		{"a context that ended", cancelled, nil, nil, closeGoingAway},
	} {
		if got := reason(c.ctx, c.interrupted, c.stopping); got != c.want {
			t.Errorf("%s: got code %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAProductThatHangsWithinAFrameIsCut(t *testing.T) {
	hung := make(chan struct{})
	d := &door{interrupted: make(chan struct{})}
	gate := open(t, d, upgrading(t, "websocket", func(c net.Conn, _ *bufio.Reader) {
		_, _ = c.Write(frame(whole, 300)[:20])
		_, _ = io.Copy(io.Discard, c)
		close(hung)
	}))
	c, in := upgrade(t, gate, "websocket")
	defer c.Close()
	if _, err := io.ReadFull(in, make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	close(d.interrupted)
	if rest, err := io.ReadAll(in); err != nil || len(rest) != 0 {
		t.Errorf("got %q (%v) within a frame, want nothing and the end", rest, err)
	}
	<-hung
}

func TestOtherProtocolsPassByteForByteAndEndByHalves(t *testing.T) {
	gate := open(t, &door{}, upgrading(t, "northwind/1", func(c net.Conn, in *bufio.Reader) {
		all, _ := io.ReadAll(in) // until the client has ended its half
		_, _ = c.Write(bytes.ToUpper(all))
	}))
	c, in := upgrade(t, gate, "northwind/1", "the first, with the request; ")
	defer c.Close()
	_, _ = io.WriteString(c, "and the rest")
	_ = c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(in); string(got) != "THE FIRST, WITH THE REQUEST; AND THE REST" || err != nil {
		t.Errorf("got %q (%v), want all of it in capitals", got, err)
	}
}

func TestOtherProtocolsAreCutByAnInterruption(t *testing.T) {
	d := &door{interrupted: make(chan struct{})}
	gate := open(t, d, upgrading(t, "northwind/1", func(c net.Conn, in *bufio.Reader) {
		_, _ = io.Copy(c, in)
	}))
	c, in := upgrade(t, gate, "northwind/1", "x")
	defer c.Close()
	if b, err := in.ReadByte(); b != 'x' || err != nil {
		t.Fatalf("got %q (%v), want x", b, err)
	}
	close(d.interrupted)
	if rest, err := io.ReadAll(in); len(rest) != 0 || err != nil {
		t.Errorf("got %q (%v), want the end", rest, err)
	}
}

func TestATunnelEndsWithItsContext(t *testing.T) {
	product, ends := echoing(t)
	group := &door{}
	open(t, group, product)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	gate := serve(t, func(w http.ResponseWriter, r *http.Request) {
		resp, err := group.product.Ask(new(edge).outgoing(r, "7"), nil)
		if err == nil {
			err = tunnel(ctx, w, r, resp, nil, nil)
		}
		done <- err
	})
	ws := dial(t, gate)
	echo(t, ws, []byte("hello"))
	cancel()
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("got %v, want close code 1001", err)
	}
	<-ends
	if err := <-done; err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestAChangeThatNobodyAskedForIsRefused(t *testing.T) {
	for name, got := range map[string]string{"another protocol": "h2c", "none": ""} {
		d := &door{product: changing(got)}
		c, in := dialRaw(t, open(t, d))
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: got %v (%v), want 502", name, resp, err)
		}
		var failed *broken
		if len(d.errs) != 1 || !errors.As(d.errs[0], &failed) || failed.byClient || failed.begun {
			t.Errorf("%s: got %v, want the product's fault before anything was written", name, d.errs)
		}
		c.Close()
	}
}

// changing is a product that answers everything with 101 and a protocol.
type changing string

func (c changing) Ask(*http.Request, upstream.Early) (*http.Response, error) {
	a, _ := net.Pipe()
	return &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{"Upgrade": {string(c)}}, Body: a}, nil
}

// upgrading is a product that changes every connection to a protocol, and hands it over.
func upgrading(t *testing.T, protocol string, speak func(net.Conn, *bufio.Reader)) (address string) {
	return listen(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		if r, err := http.ReadRequest(in); err != nil || r.Header.Get("Upgrade") != protocol {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
		speak(c, in)
	})
}

func dialRaw(t *testing.T, gate string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(gate, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, bufio.NewReader(c)
}

// upgrade opens a connection of a protocol through the gate, with what the client sends at once.
func upgrade(t *testing.T, gate, protocol string, first ...string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, in := dialRaw(t, gate)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n"+strings.Join(first, ""))
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(resp.Header.Get("Upgrade"), protocol) {
		t.Fatalf("got %v (%v), want 101 to %s", resp, err, protocol)
	}
	return c, in
}
