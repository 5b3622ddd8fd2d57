package upstream_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.org/interlude/upstream"
)

func TestARequestThatCouldBeReadAsTwoIsNotSent(t *testing.T) {
	address := "http://" + listen(t, func(c net.Conn) {
		if n, _ := c.Read(make([]byte, 1)); n > 0 {
			t.Error("got a byte, want none")
		}
	})
	g := newGroup(t, upstream.Config{Addresses: []string{address, strings.Replace(address, "http:", "h2c:", 1)}})
	evil := "a\r\n\r\nGET /evil HTTP/1.1\r\nHost: x"
	for name, spoil := range map[string]func(*http.Request){
		"a line break in a value":     func(r *http.Request) { r.Header.Set("X-A", evil) },
		"a bare LF in a value":        func(r *http.Request) { r.Header.Set("X-A", "a\nb: c") },
		"a bare CR in a value":        func(r *http.Request) { r.Header.Set("X-A", "a\rb: c") },
		"a NUL in a value":            func(r *http.Request) { r.Header.Set("X-A", "a\x00") },
		"a line break in a name":      func(r *http.Request) { r.Header[evil] = []string{"b"} },
		"a space in a name":           func(r *http.Request) { r.Header["Content-Length "] = []string{"5"} },
		"a colon in a name":           func(r *http.Request) { r.Header["A:B"] = []string{"5"} },
		"no name":                     func(r *http.Request) { r.Header[""] = []string{"5"} },
		"a line break in a method":    func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\n\r\nGET" },
		"a space in a method":         func(r *http.Request) { r.Method = "GET /" },
		"no method":                   func(r *http.Request) { r.Method = "" },
		"CONNECT":                     func(r *http.Request) { r.Method = http.MethodConnect },
		"a line break in a query":     func(r *http.Request) { r.URL.RawQuery = evil },
		"a space in a query":          func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1" },
		"a path that does not begin":  func(r *http.Request) { r.URL.Path = "a" },
		"a URL without a path":        func(r *http.Request) { r.URL = &url.URL{Opaque: "//other.example/"} },
		"a star for GET":              func(r *http.Request) { r.URL = &url.URL{Path: "*"} },
		"no URL":                      func(r *http.Request) { r.URL = nil },
		"a line break in a host":      func(r *http.Request) { r.Host = evil },
		"a slash in a host":           func(r *http.Request) { r.Host = "a/b" },
		"two hosts":                   func(r *http.Request) { r.Host = "a,b" },
		"a coding":                    func(r *http.Request) { r.TransferEncoding = []string{"gzip"} },
		"two codings":                 func(r *http.Request) { r.TransferEncoding = []string{"chunked", "chunked"} },
		"a length without a body":     func(r *http.Request) { r.ContentLength, r.Body = 5, nil },
		"a line break in a trailer":   func(r *http.Request) { r.Trailer = http.Header{"X-A": {evil}} },
		"a line break in its name":    func(r *http.Request) { r.Trailer = http.Header{evil: nil} },
		"a trailer that frames":       func(r *http.Request) { r.Trailer = http.Header{"Content-Length": nil} },
		"another trailer that frames": func(r *http.Request) { r.Trailer = http.Header{"transfer-encoding": nil} },
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second goes to the other address
				r := request(t, "GET", "/", "hello")
				body := &watched{Reader: strings.NewReader("hello"), closed: make(chan struct{})}
				r.Body = body
				spoil(r)
				if err := fails(t, g, r); !errors.Is(err, upstream.ErrRequest) {
					t.Errorf("got %v, want an ErrRequest", err)
				}
				if r.Body != nil {
					<-body.closed
				}
			}
		})
	}
}

// watched is a body that tells when it is closed.
type watched struct {
	io.Reader
	closed chan struct{}
	first  func() error // is called before; may be nil
}

func (w *watched) Close() error {
	if w.first != nil {
		_ = w.first()
	}
	close(w.closed)
	return nil
}

// wire gives what a product reads of a request, up to the end of the connection or until it is answered.
func wire(t *testing.T, r *http.Request, ends string) string {
	t.Helper()
	heard := make(chan string, 1)
	address := "http://" + listen(t, func(c net.Conn) {
		var all bytes.Buffer
		in := bufio.NewReader(c)
		for !strings.HasSuffix(all.String(), ends) {
			b, err := in.ReadByte()
			if err != nil {
				break
			}
			all.WriteByte(b)
		}
		heard <- all.String()
		_, _ = io.WriteString(c, plain)
	})
	carry(t, newGroup(t, upstream.Config{Addresses: []string{address}}), r)
	return <-heard
}

func TestTheHeadFramesTheRequest(t *testing.T) {
	get := request(t, "GET", "/a%2Fb?c=%20d", "")
	get.Header = http.Header{"Content-Length": {"9"}, "transfer-encoding": {"chunked"}, "Host": {"other.example"}, "trailer": {"X"}}
	if got, want := wire(t, get, "\r\n\r\n"), "GET /a%2Fb?c=%20d HTTP/1.1\r\nHost: product.example\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	star := request(t, "OPTIONS", "", "")
	star.URL, star.Host, star.Close = &url.URL{Path: "*"}, "", true
	star.Header.Set("Connection", "keep-alive")
	got := wire(t, star, "\r\n\r\n")
	if !strings.HasPrefix(got, "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:") || !strings.HasSuffix(got, "\r\nConnection: close\r\n\r\n") {
		t.Errorf("got %q, want OPTIONS * to the address, and to close the connection", got)
	}
	empty := request(t, "POST", "/", "")
	if got, want := wire(t, empty, "\r\n\r\n"), "POST / HTTP/1.1\r\nHost: product.example\r\nContent-Length: 0\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	sized := request(t, "DELETE", "/", "hello")
	if got, want := wire(t, sized, "hello"), "DELETE / HTTP/1.1\r\nHost: product.example\r\nContent-Length: 5\r\n\r\nhello"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	chunked := request(t, "GET", "/", "hello")
	chunked.ContentLength = -1
	if got, want := wire(t, chunked, "0\r\n\r\n"), "GET / HTTP/1.1\r\nHost: product.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	trailed := request(t, "POST", "/", "hello")
	trailed.Trailer = http.Header{"X-Sum": {"7"}}
	want := "POST / HTTP/1.1\r\nHost: product.example\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"
	if got := wire(t, trailed, "X-Sum: 7\r\n\r\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARequestThatBreaksOffIsNeverFinished(t *testing.T) {
	broken := errors.New("the client has gone")
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		want   error
	}{
		"reading fails":            {io.MultiReader(strings.NewReader("hel"), failing{broken}), 5, broken},
		"reading chunks fails":     {io.MultiReader(strings.NewReader("hel"), failing{broken}), -1, broken},
		"it is shorter":            {strings.NewReader("hel"), 5, io.ErrUnexpectedEOF},
		"it is longer":             {strings.NewReader("hello!"), 5, upstream.ErrRequest},
		"it is much longer":        {strings.NewReader(strings.Repeat("hello!", 100_000)), 500_000, upstream.ErrRequest},
		"the trailer is no header": {&spoiler{Reader: strings.NewReader("hello")}, -1, upstream.ErrRequest},
	} {
		t.Run(name, func(t *testing.T) {
			ends := make(chan error, 1)
			address := "http://" + listen(t, func(c net.Conn) {
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err == nil {
					_, err = io.Copy(io.Discard, r.Body)
				}
				ends <- err
			})
			g := newGroup(t, upstream.Config{Addresses: []string{address}})
			r := request(t, "POST", "/", "")
			r.Body, r.ContentLength = io.NopCloser(c.body), c.length
			if s, ok := c.body.(*spoiler); ok {
				r.Trailer = http.Header{"X-A": nil}
				s.trailer = r.Trailer
			}
			err := fails(t, g, r)
			var fault *upstream.Error
			if !errors.Is(err, c.want) || errors.As(err, &fault) {
				t.Errorf("got %v, want %v, and no fault of the product's", err, c.want)
			}
			if err := <-ends; !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the product got %v, want an unexpected EOF", err)
			}
		})
	}
}

// failing gives an error when it is read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// spoiler is a body that ends with a trailer that is no header.
type spoiler struct {
	io.Reader
	trailer http.Header
}

func (s *spoiler) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		s.trailer["X-A"] = []string{"a\r\nb: c"}
	}
	return n, err
}
