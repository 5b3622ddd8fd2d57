package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// echo answers with what it was sent, trailers included.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Trailer", "X-Sum")
	_, _ = fmt.Fprintf(w, "%s %s %s %d ", r.Host, r.Method, r.RequestURI, r.ContentLength)
	_, _ = w.Write(body)
	w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
}

func TestAProductGetsWhatWasSent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(echo)}}
	local.Start()
	t.Cleanup(local.Close)
	large := strings.Repeat("0123456789abcdef", 50_000)
	for name, address := range map[string]string{"tcp": server(t, http.HandlerFunc(echo)), "unix": "unix:" + socket} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, upstream.Config{Addresses: []string{address}, HeaderTimeout: time.Minute})
			if got, want := carry(t, g, request(t, "GET", "/a?b", "")).Body, "product.example GET /a?b 0 "; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got, want := carry(t, g, request(t, "POST", "/a?b", large)).Body, "product.example POST /a?b 800000 "+large; got != want {
				t.Errorf("got %.80q and so on, want %.80q and so on", got, want)
			}
			r := request(t, "POST", "/", large)
			r.ContentLength, r.Trailer = -1, http.Header{"X-Sum": nil}
			r.Body = &summed{Reader: strings.NewReader(large), trailer: r.Trailer}
			got := carry(t, g, r)
			if want := "product.example POST / -1 " + large; got.Body != want || got.Trailer.Get("X-Sum") != "42" {
				t.Errorf("got %.80q and the trailer %v, want %.80q and a sum of 42", got.Body, got.Trailer, want)
			}
		})
	}
}

// summed is a body with a trailer that is known when it has ended.
type summed struct {
	io.Reader
	trailer http.Header
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		s.trailer.Set("X-Sum", "42")
	}
	return n, err
}

func (s *summed) Close() error { return nil }

func TestAnAnswerThatComesEarlyIsHandedOver(t *testing.T) {
	address := server(t, hijack(func(c net.Conn, rw *bufio.ReadWriter) {
		_, _ = c.Write([]byte("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge"))
		_, _ = io.Copy(io.Discard, rw) // until the other side gives up
	}))
	g := newGroup(t, upstream.Config{Addresses: []string{address}})
	for _, length := range []int64{-1, 1 << 40} {
		r := request(t, "POST", "/", "")
		body, _ := io.Pipe() // of which nobody ever sees a byte
		closed := make(chan struct{})
		r.Body, r.ContentLength = &watched{Reader: body, closed: closed, first: body.Close}, length
		if got := carry(t, g, r); got.Status != 413 || got.Body != "large" {
			t.Errorf("got %v, want 413 and large", got)
		}
		<-closed
	}
}

func TestBothSidesStreamAtTheSameTime(t *testing.T) {
	address := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		_ = control.Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			_, _ = fmt.Fprintf(w, "%s!\n", lines.Text())
			_ = control.Flush()
		}
	}))
	g := newGroup(t, upstream.Config{Addresses: []string{address}})
	r := request(t, "POST", "/", "")
	body, say := io.Pipe()
	r.Body, r.ContentLength = body, -1
	answer, err := g.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	heard := bufio.NewReader(answer.Body)
	for _, word := range []string{"one", "two", "three"} {
		_, _ = fmt.Fprintln(say, word)
		if got, err := heard.ReadString('\n'); got != word+"!\n" || err != nil {
			t.Fatalf("got %q and %v, want %s!", got, err, word)
		}
	}
	say.Close()
	if rest, err := io.ReadAll(heard); len(rest) > 0 || err != nil {
		t.Errorf("got %q and %v, want the end", rest, err)
	}
}

func TestABodyWaitsForTheProductToAskForIt(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string // before and after the body; the body is read between them
		want    said
		sent    bool
		slow    bool // the answer takes longer than the wait for 100 may
	}{
		"it asks":             {answers: []string{"HTTP/1.1 100 Continue\r\n\r\n", plain}, want: said{200, "hello", nil}, sent: true, slow: true},
		"it hints, then asks": {answers: []string{"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", plain}, want: said{200, "hello", nil}, sent: true},
		"it says nothing":     {answers: []string{"", plain}, want: said{200, "hello", nil}, sent: true, slow: true},
		"it refuses":          {answers: []string{"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"}, want: said{417, "no", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // two of them wait for a second
			bodies := make(chan string, 1)
			address := "http://" + listen(t, func(conn net.Conn) {
				in := bufio.NewReader(conn)
				if _, err := textproto.NewReader(in).ReadLine(); err != nil {
					return
				}
				if _, err := textproto.NewReader(in).ReadMIMEHeader(); err != nil {
					return
				}
				_, _ = io.WriteString(conn, c.answers[0])
				body := make([]byte, 4)
				n, _ := io.ReadFull(in, body)
				bodies <- string(body[:n])
				if c.slow {
					outlast, stop := context.WithTimeout(t.Context(), 1100*time.Millisecond)
					<-outlast.Done()
					stop()
				}
				if len(c.answers) > 1 {
					_, _ = io.WriteString(conn, c.answers[1])
				}
			})
			g := newGroup(t, upstream.Config{Addresses: []string{address}})
			r := request(t, "POST", "/", "body")
			r.Header.Set("Expect", "100-continue")
			if got := carry(t, g, r); got.Status != c.want.Status || got.Body != c.want.Body {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if got := <-bodies; (got == "body") != c.sent {
				t.Errorf("got the body %q, want it sent: %t", got, c.sent)
			}
		})
	}
}

func TestHeadsBeforeTheFinalOneAreTold(t *testing.T) {
	address := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		echo(w, r)
	}))
	g := newGroup(t, upstream.Config{Addresses: []string{address}})
	var codes []int
	r := request(t, "POST", "/", "body")
	r.Header.Set("Expect", "100-continue")
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			if code == 103 && header.Get("Link") != "</style.css>" {
				t.Errorf("got the head %v, want a link", header)
			}
			codes = append(codes, code)
			return nil
		},
		Got100Continue: func() { codes = append(codes, 0) },
	})
	if got := carry(t, g, r.WithContext(ctx)); got.Status != 200 || !strings.HasSuffix(got.Body, "body") {
		t.Errorf("got %v, want 200 and the body", got)
	}
	if want := []int{103, 102, 0, 100}; !slices.Equal(codes, want) {
		t.Errorf("got the heads %v, want %v", codes, want)
	}
	enough := errors.New("enough")
	ctx = httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return enough },
	})
	if err := fails(t, g, request(t, "GET", "/", "").WithContext(ctx)); !errors.Is(err, enough) {
		t.Errorf("got %v, want %v", err, enough)
	}
}

func TestAnUpgradeLeavesAConnection(t *testing.T) {
	address := server(t, hijack(func(_ net.Conn, rw *bufio.ReadWriter) {
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nwelcome\n")
		_ = rw.Flush()
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				_, _ = rw.WriteString("bye\n")
				_ = rw.Flush()
				return
			}
			_, _ = rw.WriteString(strings.ToUpper(line))
			_ = rw.Flush()
		}
	}))
	g := newGroup(t, upstream.Config{Addresses: []string{address}, HeaderTimeout: time.Minute})
	upgrade := func(ctx context.Context) (io.ReadWriteCloser, *bufio.Reader) {
		t.Helper()
		r := request(t, "GET", "/", "").WithContext(ctx)
		r.Header.Set("Connection", "keep-alive, Upgrade")
		r.Header.Set("Upgrade", "shout")
		answer, err := g.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := answer.Body.(io.ReadWriteCloser)
		if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Upgrade") != "shout" || !ok {
			t.Fatalf("got %s with %v and a body of %T, want 101 and a connection", answer.Status, answer.Header, answer.Body)
		}
		return c, bufio.NewReader(c)
	}
	c, in := upgrade(t.Context())
	_, _ = io.WriteString(c, "hello\n")
	for _, want := range []string{"welcome\n", "HELLO\n"} {
		if got, err := in.ReadString('\n'); got != want || err != nil {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(in); string(got) != "bye\n" || err != nil {
		t.Errorf("got %q and %v, want bye", got, err)
	}
	c.Close()
	if got := g.Addresses()[0].Busy; got != 0 {
		t.Errorf("got %d busy, want none", got)
	}

	gone := errors.New("the client has gone")
	ctx, leave := context.WithCancelCause(t.Context())
	c, in = upgrade(ctx)
	leave(gone)
	if _, err := io.ReadAll(in); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
	c.Close()
}
