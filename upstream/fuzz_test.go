package upstream_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.org/interlude/upstream"
)

// FuzzAnswer sends what a hostile product might, and compares with net/http: what this package takes for a whole answer,
// net/http takes for the same one. And whatever came, the next request has its own answer.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		plain, "HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", "",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", "HTTP/1.1 204 No\r\n\r\nx",
		"HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 100 C\r\n\r\n" + plain + plain,
		"HTTP/1.1 200 OK\r\nX: ab\n \r\r\n\r\n", "HTTP/1.1 200 \nTrAnsfer-EnCoding: Chunked\n\n0\r\n\n0",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	const own = "HTTP/1.1 200 OK\r\nX-Own: yes\r\nContent-Length: 3\r\n\r\nown"
	said := make(chan []byte, 1)
	host := listen(f, func(c net.Conn) {
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if r.URL.Path == "/own" {
				_, _ = io.WriteString(c, own)
				continue
			}
			_, _ = c.Write(<-said)
			return
		}
	})
	g := newGroup(f, upstream.Config{Addresses: []string{"http://" + host}, HeaderBytes: 1 << 16})
	f.Fuzz(func(t *testing.T, data []byte, head bool) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		said <- data
		g.CloseIdle() // over a kept connection, an answer that says nothing would be asked for again
		r := request(t, method, "/", "")
		got, gotErr := whole(g.RoundTrip(r))
		if gotErr == nil {
			want, wantErr := whole(reference(data, method))
			if wantErr != nil || want.StatusCode != got.StatusCode || want.text != got.text {
				t.Errorf("%q: got %d %q, want %d %q and %v", data, got.StatusCode, got.text, want.StatusCode, want.text, wantErr)
			}
		}
		if mine := carry(t, g, request(t, "GET", "/own", "")); mine.Body != "own" {
			t.Errorf("%q: the next answer is %v, want its own", data, mine)
		}
	})
}

// wholeAnswer is an answer with its body.
type wholeAnswer struct {
	*http.Response
	text string
}

func whole(answer *http.Response, err error) (wholeAnswer, error) {
	if err != nil {
		return wholeAnswer{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return wholeAnswer{answer, string(body)}, err
}

// reference reads an answer by net/http.
func reference(data []byte, method string) (*http.Response, error) {
	in := bufio.NewReader(bytes.NewReader(data))
	for {
		answer, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil || answer.StatusCode >= 200 {
			return answer, err
		}
	}
}

// FuzzRequest sends what a caller might, and checks that the product sees one request or none, and in it what was meant.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/", "q=1", "app.example.com", "X-A", "b", "body", int64(4))
	f.Add("POST", "/a\r\nX: y", "a b", "a\r\n", "Content-Length", "5", "body", int64(-1))
	f.Add("GET / HTTP/1.1\r\n\r\nGET", "*", "", "", "Transfer-Encoding", "chunked", "", int64(0))
	f.Add("OPTIONS", "*", "", "", "Connection", "close", "0\r\n\r\n", int64(2))
	type heard struct {
		request *http.Request
		body    string
		rest    int64
	}
	requests := make(chan heard, 1)
	host := listen(f, func(c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		rest, _ := io.Copy(io.Discard, in)
		requests <- heard{r, string(body), rest}
	})
	g := newGroup(f, upstream.Config{Addresses: []string{"http://" + host}})
	f.Fuzz(func(t *testing.T, method, path, query, name, field, value, body string, length int64) {
		r := request(t, "GET", "/", body)
		r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.ContentLength = method, path, query, name, length
		r.Header = http.Header{field: {value}}
		answer, err := g.RoundTrip(r)
		if err != nil {
			var fault *upstream.Error
			if errors.As(err, &fault) {
				t.Skipf("the product did not understand it: %v", err)
			}
			return
		}
		answer.Body.Close()
		got := <-requests
		if got.rest != 0 || got.request.Method != method || !strings.HasPrefix(got.request.RequestURI, r.URL.RequestURI()) || got.body != body {
			t.Errorf("got %s %s with %q and %d bytes after it, want %s %s with %q and nothing",
				got.request.Method, got.request.RequestURI, got.body, got.rest, method, r.URL.RequestURI(), body)
		}
	})
}
