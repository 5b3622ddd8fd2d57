package gate

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// closeWebSocket accepts a handshake and closes the connection at once, with a code that says why. A browser tells
// its page nothing of a handshake that failed, but the code of a connection that was closed.
//
// The code is 1012, service restart, where somebody interrupts the flow on purpose, and otherwise 1013, try again later.
// HTTP/2 has no such handshake, and neither has a method other than GET (RFC 6455, 4.1); an extended CONNECT is refused
// as any other request. What asks for a handshake has nothing carried out, so its reason is the same whether it
// was sent or not.
func (f *refuser) closeWebSocket(w http.ResponseWriter, r *http.Request, why refusal) {
	if r.ProtoMajor != 1 || r.Method != http.MethodGet {
		f.refuse(w, r, why)
		return
	}
	// Pages of every origin are told: nothing but the reason is sent, and nothing that they send is heeded.
	conn, err := websocket.Accept(fleeting{w}, r, &websocket.AcceptOptions{Subprotocols: subprotocols(r), InsecureSkipVerify: true})
	if err != nil {
		return // it has been answered: the handshake is none
	}
	n := f.notice(why)
	code := websocket.StatusTryAgainLater
	if why.restart && !why.why.failed() {
		code = websocket.StatusServiceRestart
	}
	_ = conn.Close(code, n.closeReason()) // the other side may be gone
}

// closeReason is short enough for a close frame, which has room for 123 bytes (RFC 6455, 5.5).
func (n *notice) closeReason() string {
	if n.seconds == 0 {
		return n.heading()
	}
	return n.heading() + "; try again in " + strconv.Itoa(n.seconds) + " s"
}

// subprotocols are those that the client offers. The first is agreed to, because a client that is refused its own
// fails before it hears the code.
func subprotocols(r *http.Request) []string {
	var all []string
	for _, list := range r.Header.Values("Sec-Websocket-Protocol") {
		for one := range strings.SplitSeq(list, ",") {
			all = append(all, strings.TrimSpace(one))
		}
	}
	return all
}

// closeGrace is how long a client may take to say that it has heard the code.
const closeGrace = time.Second

// fleeting is an answer whose connection, taken over, ends after closeGrace, whatever the other side does.
type fleeting struct{ http.ResponseWriter }

// Hijack takes the connection over.
func (f fleeting) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(f.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return conn, buffered, conn.SetDeadline(time.Now().Add(closeGrace))
}
