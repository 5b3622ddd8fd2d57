package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// goodbye is how long a tunnel that the gate closes has for the frame that is on its way, and for the client's answer.
const goodbye = time.Second

// tunnelBuffer is what each way of a tunnel takes: thousands of them are idle most of the time.
const tunnelBuffer = 4 << 10

// halfCloser is a connection of which one way can end before the other.
type halfCloser interface {
	CloseWrite() error
}

// tunnel carries an upgraded connection both ways, until both sides have ended, one of them breaks, or the gate closes
// it: when ctx ends, or one of the channels is closed. A nil channel is never closed.
//
// A WebSocket's client is told why: by close code 1012 when the product is interrupted and 1001 when the gate stops, between
// two frames of the product, also when the product itself breaks off because of that. Other protocols are cut. An error
// is a *broken.
func tunnel(ctx context.Context, w http.ResponseWriter, r *http.Request, resp *http.Response, interrupted, stopping <-chan struct{}) error {
	product, ok := resp.Body.(io.ReadWriteCloser)
	wanted, got := upgradeOf(r), resp.Header.Get("Upgrade")
	if !ok || wanted == "" || !offered(wanted, got) {
		return &broken{err: fmt.Errorf("the product changes to protocol %q, want one of those asked for: %q", got, wanted)}
	}
	defer product.Close()
	client, from, err := switchProtocols(w, resp)
	if err != nil {
		return &broken{byClient: true, begun: true, err: err}
	}
	defer client.Close()
	p := pipe{client: client, product: product}
	if strings.EqualFold(got, "websocket") {
		p.frames = &frames{to: client}
	}
	return p.carry(ctx, from, interrupted, stopping)
}

// offered reports whether a protocol is among those that a client asked to change to.
func offered(wanted, got string) bool {
	return slices.ContainsFunc(strings.Split(wanted, ","), func(one string) bool {
		return strings.EqualFold(strings.TrimSpace(one), got)
	})
}

// switchProtocols takes the connection from the server and says 101. What the client has sent already is the beginning of
// from; what follows is read past the server, which would take the end of the client's half for the end of the request.
func switchProtocols(w http.ResponseWriter, resp *http.Response) (client net.Conn, from io.Reader, err error) {
	h := w.Header().Clone()
	answered(h, resp.Header)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, resp.Header["Upgrade"]
	control := http.NewResponseController(w)
	client, both, err := control.Hijack()
	if err != nil {
		return nil, nil, err
	}
	head := http.Response{ProtoMajor: 1, ProtoMinor: 1, StatusCode: http.StatusSwitchingProtocols, Header: h}
	if err = errors.Join(client.SetDeadline(time.Time{}), head.Write(both), both.Flush()); err != nil {
		client.Close()
		return nil, nil, err
	}
	early := make([]byte, both.Reader.Buffered())
	if _, err := io.ReadFull(both, early); err != nil {
		client.Close()
		return nil, nil, err
	}
	return client, io.MultiReader(bytes.NewReader(early), client), nil
}

// pipe is a tunnel at work.
type pipe struct {
	client  net.Conn
	product io.ReadWriteCloser
	frames  *frames // nil unless it is a WebSocket
}

// carry copies both ways. When it returns, both sides are cut and nothing of it runs any more.
func (p *pipe) carry(ctx context.Context, from io.Reader, interrupted, stopping <-chan struct{}) error {
	var to io.Writer = p.client
	if p.frames != nil {
		to = p.frames
	}
	var both sync.WaitGroup
	defer both.Wait()
	defer p.cut()
	up, down := make(chan *broken, 1), make(chan *broken, 1)
	both.Go(func() { up <- copyWay(p.product, from, true) })
	both.Go(func() { down <- copyWay(to, p.product, false) })
	var enough <-chan time.Time // a WebSocket of which one way has ended is over
	for range 2 {
		var err *broken
		var side io.Closer
		select {
		case err = <-up:
			side = p.product
		case err = <-down:
			side = p.client
			if code := reason(ctx, interrupted, stopping); code != 0 {
				return p.sayGoodbye(code, up, nil)
			}
		case <-ctx.Done():
			return p.sayGoodbye(closeGoingAway, up, down)
		case <-stopping:
			return p.sayGoodbye(closeGoingAway, up, down)
		case <-interrupted:
			return p.sayGoodbye(closeServiceRestart, up, down)
		case <-enough:
			return nil
		}
		if err != nil {
			return err
		}
		if half, ok := side.(halfCloser); !ok || half.CloseWrite() != nil {
			return nil
		}
		if p.frames != nil {
			enough = time.After(goodbye)
		}
	}
	return nil
}

// reason is the code for what has ended the tunnel, if anything has.
func reason(ctx context.Context, interrupted, stopping <-chan struct{}) int {
	select {
	case <-interrupted:
		return closeServiceRestart
	case <-stopping:
		return closeGoingAway
	case <-ctx.Done():
		return closeGoingAway
	default:
		return 0
	}
}

// sayGoodbye tells a WebSocket's client why it ends, and gives both sides a moment to close as they should: the client's own close
// frame goes to the product, which then closes too.
func (p *pipe) sayGoodbye(code int, up, down <-chan *broken) error {
	if p.frames == nil {
		return nil
	}
	_ = p.client.SetWriteDeadline(time.Now().Add(goodbye)) // before the lock, which a stuck write holds
	if !p.frames.closeWith(code) {
		return nil
	}
	select {
	case <-up: //nolint:errcheck // how it ends is of no interest any more
	case <-down: //nolint:errcheck // neither
	case <-time.After(goodbye):
	}
	return nil
}

func (p *pipe) cut() {
	_ = p.client.Close()
	_ = p.product.Close()
}

// copyWay copies one way until its source ends, which is nil, or it breaks.
func copyWay(to io.Writer, from io.Reader, fromClient bool) *broken {
	buf := make([]byte, tunnelBuffer)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return &broken{byClient: !fromClient, begun: true, err: err}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &broken{byClient: fromClient, begun: true, err: err}
		}
	}
}
