package upstream_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.org/interlude/upstream"
)

// secure is a product behind TLS, and how to trust it.
func secure(t *testing.T, handler http.Handler, h2 bool) (address string, trust *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = h2
	s.StartTLS()
	t.Cleanup(s.Close)
	transport, ok := s.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatalf("got a transport of %T, want one of net/http", s.Client().Transport)
	}
	return s.URL, &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs}
}

// unencrypted is a product that speaks HTTP/2 without TLS.
func unencrypted(t *testing.T, handler http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = &http.Protocols{}
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http:", "h2c:", 1)
}

func TestOtherProtocolsGoByTheirOwnWay(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
		w.Header()["X-Agent"] = r.Header["User-Agent"]
		echo(w, r)
	})
	one, trustOne := secure(t, handler, false)
	two, trustTwo := secure(t, handler, true)
	for name, c := range map[string]struct {
		address, proto string
		trust          *tls.Config
	}{
		"https":         {one, "HTTP/1.1", trustOne},
		"https with h2": {two, "HTTP/2.0", trustTwo},
		"h2c":           {unencrypted(t, handler), "HTTP/2.0", nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, upstream.Config{Addresses: []string{c.address}, TLS: c.trust})
			if err := g.Probe(t.Context()); err != nil {
				t.Errorf("got %v, want nothing", err)
			}
			large := strings.Repeat("0123456789abcdef", 50_000)
			r := request(t, "POST", "/a%2Fb?c", large)
			r.ContentLength, r.Trailer = -1, http.Header{"X-Sum": nil}
			r.Body = &summed{Reader: strings.NewReader(large), trailer: r.Trailer}
			answer, err := g.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Addresses()[0].Busy; got != 1 {
				t.Errorf("got %d busy, want 1", got)
			}
			body, err := io.ReadAll(answer.Body)
			if want := "product.example POST /a%2Fb?c -1 " + large; string(body) != want || err != nil || answer.Trailer.Get("X-Sum") != "42" {
				t.Errorf("got %.80q, %v and the trailer %v, want %.80q and a sum of 42", body, err, answer.Trailer, want)
			}
			if agent, sent := answer.Header["X-Agent"]; answer.Header.Get("X-Proto") != c.proto || sent || answer.Request != r {
				t.Errorf("got %s by the agent %q, want %s by none", answer.Header.Get("X-Proto"), agent, c.proto)
			}
			answer.Body.Close()
			head := request(t, "HEAD", "/", "")
			head.Header.Set("User-Agent", "reader")
			if got, err := g.RoundTrip(head); err != nil || got.Header.Get("X-Agent") != "reader" || got.Body.Close() != nil {
				t.Errorf("got %v and %v, want an answer to reader", got, err)
			}
			if got := g.Addresses()[0].Busy; got != 0 {
				t.Errorf("got %d busy, want none", got)
			}
		})
	}
}

func TestFaultsOfOtherProtocolsAreToldAlike(t *testing.T) {
	arrived := make(chan struct{}, 1)
	silent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	https, trust := secure(t, silent, true)
	for name, address := range map[string]string{"https": https, "h2c": unencrypted(t, silent)} {
		t.Run(name, func(t *testing.T) {
			var fault *upstream.Error
			hasty := newGroup(t, upstream.Config{Addresses: []string{address}, TLS: trust, HeaderTimeout: soon})
			if err := fails(t, hasty, request(t, "GET", "/", "")); !errors.As(err, &fault) || !fault.Sent || !fault.Timeout {
				t.Errorf("got %v, want that a time ran out after the request was sent", err)
			}
			<-arrived
			g := newGroup(t, upstream.Config{Addresses: []string{address}, TLS: trust})
			gone := errors.New("the client has gone")
			ctx, leave := context.WithCancelCause(t.Context())
			go func() { <-arrived; leave(gone) }()
			if err := fails(t, g, request(t, "POST", "/", "body").WithContext(ctx)); !errors.Is(err, gone) {
				t.Errorf("got %v, want %v", err, gone)
			}
			r := request(t, "POST", "/", "")
			r.Body, r.ContentLength = io.NopCloser(failing{gone}), -1
			if err := fails(t, g, r); !errors.Is(err, gone) || errors.As(err, &fault) {
				t.Errorf("got %v, want %v, and no fault of the product's", err, gone)
			}
			if got := g.Addresses()[0].Busy; got != 0 {
				t.Errorf("got %d busy, want none", got)
			}
		})
	}
	t.Run("a certificate that nobody trusts", func(t *testing.T) {
		g := newGroup(t, upstream.Config{Addresses: []string{https}})
		var fault *upstream.Error
		if err := fails(t, g, request(t, "GET", "/", "")); !errors.As(err, &fault) || fault.Sent {
			t.Errorf("got %v, want an Error of a request that was not sent", err)
		}
	})
}

func TestAnUpgradeBehindTLSLeavesAConnection(t *testing.T) {
	address, trust := secure(t, hijack(func(_ net.Conn, rw *bufio.ReadWriter) {
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString(line)
		_ = rw.Flush()
	}), false)
	g := newGroup(t, upstream.Config{Addresses: []string{address}, TLS: trust})
	r := request(t, "GET", "/", "")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	answer, err := g.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := answer.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("got a body of %T, want a connection", answer.Body)
	}
	_, _ = io.WriteString(c, "hello\n")
	if got, err := io.ReadAll(c); string(got) != "hello\n" || err != nil {
		t.Errorf("got %q and %v, want hello", got, err)
	}
	c.Close()
	if got := g.Addresses()[0].Busy; got != 0 {
		t.Errorf("got %d busy, want none", got)
	}
}
