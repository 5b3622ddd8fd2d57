package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// long is more time than an exchange goes on without preparing to wait.
const long = 80 * time.Millisecond

func TestAnAnswerMayTakeItsTimeAnywhere(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nX-Own: yes\r\nContent-Length: 5\r\n\r\nhello"
	for name, cut := range map[string]int{"before it": 0, "in its first line": 10, "in a field": 20, "before its body": len(answer) - 5, "in its body": len(answer) - 2} {
		for bound, limit := range map[string]time.Duration{"without bound": 0, "within a minute": time.Minute} {
			t.Run(name+", "+bound, func(t *testing.T) {
				host := listen(t, func(c net.Conn) {
					in := bufio.NewReader(c)
					for range 2 {
						if _, err := http.ReadRequest(in); err != nil {
							return
						}
						_, _ = io.WriteString(c, answer[:cut])
						<-time.After(long)
						_, _ = io.WriteString(c, answer[cut:])
					}
				})
				g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}, HeaderTimeout: limit})
				for range 2 { // over the same connection, since it talks twice
					if got := carry(t, g, request(t, "GET", "/", "")); got.Body != "hello" {
						t.Errorf("got %+v, want hello", got)
					}
				}
			})
		}
	}
}

func TestATimeThatIsLongerThanMostAnswersRunsOutToo(t *testing.T) {
	for name, begin := range map[string]string{"nothing comes": "", "a part of the head comes": "HTTP/1.1 200 OK\r\n"} {
		t.Run(name, func(t *testing.T) {
			host := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, begin); _, _ = io.Copy(io.Discard, c) })
			g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}, HeaderTimeout: 2 * long})
			var fault *upstream.Error
			if err := fails(t, g, request(t, "GET", "/", "")); !errors.As(err, &fault) || !fault.Timeout || !fault.Sent {
				t.Errorf("got %v, want that a time ran out after the request was sent", err)
			}
		})
	}
}

func TestAnExchangeThatTakesItsTimeEndsWithItsContext(t *testing.T) {
	for name, begin := range map[string]string{"nothing comes": "", "a part of the head comes": "HTTP/1.1 200 OK\r\n"} {
		t.Run(name, func(t *testing.T) {
			left := errors.New("the client left")
			ctx, leave := context.WithCancelCause(t.Context())
			closed := make(chan struct{})
			host := listen(t, func(c net.Conn) {
				_, _ = io.WriteString(c, begin)
				_, _ = http.ReadRequest(bufio.NewReader(c))
				leave(left)
				_, _ = io.Copy(io.Discard, c)
				close(closed)
			})
			g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
			if err := fails(t, g, request(t, "GET", "/", "").WithContext(ctx)); !errors.Is(err, left) {
				t.Errorf("got %v, want that the client left", err)
			}
			<-closed // the product hears of it
		})
	}
}

func TestAskTellsOfEarlyHeads(t *testing.T) {
	host := listen(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	g := newGroup(t, upstream.Config{Addresses: []string{"http://" + host}})
	var told []string
	answer, err := g.Ask(request(t, "GET", "/", ""), func(status int, fields textproto.MIMEHeader) error {
		told = append(told, http.StatusText(status)+" "+fields.Get("Link"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := strings.Join(told, ", "); got != "Early Hints </a.css>" {
		t.Errorf("got %q, want the early head", got)
	}
}
