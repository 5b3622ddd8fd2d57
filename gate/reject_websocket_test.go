package gate

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestAWebSocketIsClosedWithACodeThatSaysWhy(t *testing.T) {
	failed := restarting()
	failed.why, failed.status, failed.after = whySlow, 504, 0
	found := restarting()
	found.restart = false
	sent := restarting()
	sent.sent = true
	for _, c := range []struct {
		name   string
		why    refusal
		code   websocket.StatusCode
		reason string
	}{
		{"a restart", restarting(), websocket.StatusServiceRestart, "Maintenance in progress; try again in 12 s"},
		{"an interruption that was found", found, websocket.StatusTryAgainLater, "Maintenance in progress; try again in 12 s"},
		{"a handshake that was sent", sent, websocket.StatusServiceRestart, "Maintenance in progress; try again in 12 s"},
		{"nothing known", refusal{status: 503}, websocket.StatusTryAgainLater, "Not available at the moment; try again in 30 s"},
		{"a failure", failed, websocket.StatusTryAgainLater, "No answer in time"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { plainly().closeWebSocket(w, r, c.why) }))
		t.Cleanup(s.Close)
		ctx, stop := context.WithTimeout(t.Context(), longEnough)
		defer stop()
		conn, _, err := websocket.Dial(ctx, s.URL+"/socket", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws", "graphql-ws"}, HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
			CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			t.Fatalf("%s: got %v, want a handshake", c.name, err)
		}
		if got, want := conn.Subprotocol(), "graphql-transport-ws"; got != want {
			t.Errorf("%s: got the subprotocol %q, want %q", c.name, got, want)
		}
		_, _, err = conn.Read(ctx)
		var said websocket.CloseError
		if code := websocket.CloseStatus(err); code != c.code || !errors.As(err, &said) || said.Reason != c.reason {
			t.Errorf("%s: got %v, want %d %q", c.name, err, c.code, c.reason)
		}
		conn.CloseNow()
	}
}

// taken is an answer whose connection is one end of a pipe.
type taken struct {
	http.ResponseWriter
	conn net.Conn
}

func (w taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}

func handshake() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/socket", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	return r
}

func TestAPeerThatNeverAnswersIsLeftAfterASecond(t *testing.T) {
	for what, peer := range map[string]func(net.Conn){
		"that reads":         func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"that reads nothing": func(net.Conn) {},
		"that talks on": func(c net.Conn) {
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = io.Copy(io.Discard, c) })
			tick := time.NewTicker(10 * time.Millisecond)
			for err := error(nil); err == nil; <-tick.C { // masked text frames of three bytes
				_, err = c.Write([]byte{0x81, 0x83, 0, 0, 0, 0, 'a', 'b', 'c'})
			}
			reading.Wait()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, client := net.Pipe()
			var other sync.WaitGroup
			other.Go(func() { peer(client) })
			began := time.Now()
			plainly().closeWebSocket(taken{httptest.NewRecorder(), server}, handshake(), restarting())
			if got := time.Since(began); got != closeGrace {
				t.Errorf("a peer %s: got it waited for %s, want %s", what, got, closeGrace)
			}
			if _, err := client.Write([]byte{0}); err == nil {
				t.Errorf("a peer %s: got a connection that is open, want it closed", what)
			}
			client.Close()
			other.Wait()
		})
	}
}

func TestAHandshakeThatIsNoneIsRefused(t *testing.T) {
	r := handshake()
	r.Header.Set("Sec-Websocket-Key", "short")
	w := httptest.NewRecorder()
	plainly().closeWebSocket(w, r, restarting())
	if w.Code != http.StatusBadRequest {
		t.Errorf("got %d, want 400", w.Code)
	}
	r = handshake()
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	w = httptest.NewRecorder()
	plainly().closeWebSocket(w, r, restarting())
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "12" {
		t.Errorf("got %d over HTTP/2, want 503 with Retry-After", w.Code)
	}
}

func TestSomethingThatIsSentWithAnUpgradeIsToldItsFate(t *testing.T) {
	r, why := handshake(), restarting()
	r.Method, why.sent = http.MethodPost, true
	w := httptest.NewRecorder()
	plainly().closeWebSocket(w, r, why)
	if want := "Whether the request was carried out is not known."; w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %d %s, want 503 that says %q", w.Code, w.Body, want)
	}
}

func TestEveryReasonFitsIntoACloseFrame(t *testing.T) {
	for why := whyInterrupted; why <= whySlow; why++ {
		n := (&refuser{}).notice(refusal{why: why, after: longestReturn, page: strings.Repeat("long", 99), title: strings.Repeat("long", 99)})
		if got := n.closeReason(); len(got) > 123 {
			t.Errorf("got a reason of %d bytes, want 123 at most: %s", len(got), got)
		}
	}
}
