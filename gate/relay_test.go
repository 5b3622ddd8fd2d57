package gate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answering runs a product that gives one answer, in the words of the wire, to every request.
func answering(t testing.TB, answer string) (address string) {
	r, address := record(t)
	r.answer = strings.ReplaceAll(answer, "\n", "\r\n")
	return address
}

// exchange sends one request over a bare connection and gives all that comes back until the connection ends.
func exchange(t *testing.T, gate, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(gate, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(all), "\r\n", "\n")
}

const date = "Date: Mon, 23 Nov 2026 06:00:00 GMT\n"

func TestAnAnswerPassesAsItIs(t *testing.T) {
	for _, c := range []struct{ name, request, product, client string }{
		{
			"fields of one connection end, others stay", "GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
			"HTTP/1.1 404 Not Found\n" + date + "Server: northwind\nSet-Cookie: a=1\nSet-Cookie: b=2\nConnection: X-Hop, Set-Cookie\nX-Hop: 1\nKeep-Alive: timeout=5\nUpgrade: h2c\nX-Request-Id: 9\nContent-Length: 2\n\nok",
			"HTTP/1.1 404 Not Found\nContent-Length: 2\n" + date + "Server: northwind\nSet-Cookie: a=1\nSet-Cookie: b=2\nX-Request-Id: 9\nConnection: close\n\nok",
		},
		{
			"HEAD keeps the length", "HEAD / HTTP/1.1\nHost: a\nConnection: close\n\n",
			"HTTP/1.1 200 OK\n" + date + "Content-Type: text/plain\nContent-Length: 5000\n\n",
			"HTTP/1.1 200 OK\nContent-Length: 5000\nContent-Type: text/plain\n" + date + "Connection: close\n\n",
		},
		{
			"204 has nothing", "GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
			"HTTP/1.1 204 No Content\n" + date + "X-A: b\n\n", "HTTP/1.1 204 No Content\n" + date + "X-A: b\nConnection: close\n\n",
		},
		{
			"304 has its validators", "GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
			"HTTP/1.1 304 Not Modified\n" + date + "Etag: \"1\"\n\n", "HTTP/1.1 304 Not Modified\n" + date + "Etag: \"1\"\nConnection: close\n\n",
		},
		{
			"chunks stay chunks, and trailers follow", "GET / HTTP/1.1\nHost: a\nConnection: close\nTE: trailers\n\n",
			"HTTP/1.1 200 OK\n" + date + "Transfer-Encoding: chunked\nTrailer: X-Sum\n\n5\nabcde\n0\nX-Sum: 1\nX-Late: 2\n\n",
			"HTTP/1.1 200 OK\n" + date + "Trailer: X-Sum\nConnection: close\nTransfer-Encoding: chunked\n\n5\nabcde\n0\nX-Late: 2\nX-Sum: 1\n\n",
		},
		{
			"HTTP/1.0 gets no chunks", "GET / HTTP/1.0\nHost: a\n\n",
			"HTTP/1.1 200 OK\n" + date + "Transfer-Encoding: chunked\n\n5\nabcde\n0\n\n", "HTTP/1.0 200 OK\n" + date + "\nabcde",
		},
		{
			"a status nobody knows", "GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
			"HTTP/1.1 799 Odd\n" + date + "Content-Length: 0\n\n", "HTTP/1.1 799 status code 799\nContent-Length: 0\n" + date + "Connection: close\n\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &door{}
			got := exchange(t, open(t, d, answering(t, c.product)), c.request)
			if strings.HasPrefix(got, "HTTP/1.0 ") { // what came in one piece may be given the length that the product left out
				got = strings.Replace(got, "Content-Length: 5\n", "", 1)
			}
			if diff := cmp.Diff(c.client, got); diff != "" {
				t.Errorf("at the client, with errors %v, -want +got:\n%s", d.errs, diff)
			}
		})
	}
}

func TestAStatusThatIsNoneIsRefused(t *testing.T) {
	for _, status := range []int{0, 42, 101, 199, 1000} {
		w := httptest.NewRecorder()
		err := relay(w, &http.Request{}, &http.Response{StatusCode: status, Body: http.NoBody}, make([]byte, 10))
		var failed *broken
		if !errors.As(err, &failed) || failed.begun || failed.byClient {
			t.Errorf("got %v for status %d, want the product's fault before anything was written", err, status)
		}
	}
}

func TestAnAnswerThatBreaksOffNeverLooksWhole(t *testing.T) {
	for name, begun := range map[string]string{
		"of known length": "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabcde",
		"in chunks":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
		"within a chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nabcde",
	} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s over HTTP/%d", name, version), func(t *testing.T) {
				d := &door{}
				gate := open(t, d, listen(t, func(c net.Conn) {
					_, _ = http.ReadRequest(bufio.NewReader(c))
					_, _ = io.WriteString(c, begun)
				}))
				resp, err := clientOf(t, version).Get(gate)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
				}
				if err == nil {
					t.Error("got a whole answer, want an error")
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				var failed *broken
				if len(d.errs) != 1 || !errors.As(d.errs[0], &failed) || failed.byClient || !failed.begun {
					t.Errorf("got errors %v, want the product's, after the answer had begun", d.errs)
				}
			})
		}
	}
}

// clientOf is a client that speaks one version of HTTP.
func clientOf(t *testing.T, version int) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestAClientThatLeavesIsSaidToHaveLeft(t *testing.T) {
	ended := make(chan error, 1)
	product := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				ended <- err
				return
			}
		}
	})
	d := &door{}
	result := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result <- d.pass(w, r)
	}))
	t.Cleanup(server.Close)
	open(t, d, product)
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var failed *broken
	if err := <-result; !errors.As(err, &failed) || !failed.byClient || !failed.begun {
		t.Errorf("got %v, want that the client left after the answer had begun", err)
	}
	<-ended
}

func TestHeadsBeforeTheAnswerPass(t *testing.T) {
	product := answering(t, "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: </a.css>\nConnection: X-Hop\nX-Hop: 1\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok")
	for _, version := range []int{1, 2} {
		var got []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			got = append(got, fmt.Sprint(code, h))
			return nil
		}}
		r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, open(t, &door{}, product), nil)
		resp, err := clientOf(t, version).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"103 map[Link:[</a.css>]]"}
		if diff := cmp.Diff(want, got); diff != "" || resp.StatusCode != http.StatusOK || resp.Header.Get("Link") != "" {
			t.Errorf("HTTP/%d: got status %d, fields %v, and before it, -want +got:\n%s", version, resp.StatusCode, resp.Header, diff)
		}
		resp.Body.Close()
	}
}

func TestHTTP10HearsNoEarlyHints(t *testing.T) {
	product := answering(t, "HTTP/1.1 103 Early Hints\nLink: </a.css>\n\nHTTP/1.1 200 OK\n"+date+"Content-Length: 2\n\nok")
	got := exchange(t, open(t, &door{}, product), "GET / HTTP/1.0\nHost: a\n\n")
	if want := "HTTP/1.0 200 OK\nContent-Length: 2\n" + date + "\nok"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEachEventArrivesBeforeTheNextIsSent(t *testing.T) {
	next := make(chan struct{})
	gate := open(t, &door{}, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for i := range 5 {
			<-next
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	for _, version := range []int{1, 2} {
		resp, err := clientOf(t, version).Get(gate) // the head arrives before any event
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(resp.Body)
		for i := range 5 {
			next <- struct{}{}
			line, err := lines.ReadString('\n')
			if want := fmt.Sprintf("data: %d\n", i); line != want || err != nil {
				t.Errorf("HTTP/%d: got %q (%v), want %q", version, line, err, want)
			}
			_, _ = lines.ReadString('\n')
		}
		resp.Body.Close()
	}
}

func TestBothWaysStreamAtOnce(t *testing.T) {
	gate := open(t, &door{}, serve(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		_ = control.Flush()
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, strings.ToUpper(line))
			_ = control.Flush()
		}
	}))
	for _, version := range []int{1, 2} {
		body, say := io.Pipe()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, gate, body)
		resp, err := clientOf(t, version).Do(r) // the head arrives before any of the body
		if err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(resp.Body)
		for _, word := range []string{"one\n", "two\n", "three\n"} {
			_, _ = io.WriteString(say, word)
			if got, err := answers.ReadString('\n'); got != strings.ToUpper(word) || err != nil {
				t.Errorf("HTTP/%d: got %q (%v), want %q", version, got, err, strings.ToUpper(word))
			}
		}
		say.Close()
		if rest, err := io.ReadAll(answers); len(rest) != 0 || err != nil {
			t.Errorf("HTTP/%d: got %q (%v) at the end, want nothing", version, rest, err)
		}
	}
}

func TestTheRestOfABodyIsNoRequest(t *testing.T) {
	product, address := record(t)
	product.answer = "HTTP/1.1 413 Content Too Large\r\n" + strings.ReplaceAll(date, "\n", "\r\n") + "Content-Length: 0\r\n\r\n"
	early := listen(t, func(c net.Conn) { // answers as soon as it has the head
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, product.answer)
		_, _ = io.Copy(io.Discard, c)
	})
	got := exchange(t, open(t, &door{}, early), "POST / HTTP/1.1\nHost: a\nContent-Length: 500\n\nabc\n\nGET /smuggled HTTP/1.1\nHost: a\n\n")
	if want := "HTTP/1.1 413 Request Entity Too Large\nConnection: close\nContent-Length: 0\n" + date + "\n"; got != want {
		t.Errorf("got %q, want one answer and the end: %q", got, want)
	}
	got = exchange(t, open(t, &door{}, address), "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET / HTTP/1.1\nHost: a\nConnection: close\n\n")
	if n := strings.Count(got, "413"); n != 2 {
		t.Errorf("got %d answers on a connection whose bodies were read, want 2: %q", n, got)
	}
}

func TestTrailersThatWouldFrameTheAnswerEnd(t *testing.T) {
	w := httptest.NewRecorder()
	resp := &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Body: http.NoBody, Trailer: http.Header{"Content-Length": {"3"}, "X-Late": {"2"}}}
	if err := relay(w, &http.Request{ProtoMajor: 1}, resp, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if got := w.Result().Trailer; len(got) != 1 || got.Get("X-Late") != "2" {
		t.Errorf("got trailers %v, want X-Late alone", got)
	}
}

// held is the body of an answer of which everything is there from the beginning.
type held struct{ *bytes.Reader }

func (h held) Buffered() int { return h.Len() }
func (held) Close() error    { return nil }

func TestWhatIsThereIsFlushedOnce(t *testing.T) {
	for length, want := range map[int64]int{-1: 1, 10000: 0} {
		w := &flushes{ResponseRecorder: httptest.NewRecorder()}
		resp := &http.Response{StatusCode: http.StatusOK, ContentLength: length, Body: held{bytes.NewReader(make([]byte, 10000))}}
		if err := relay(w, &http.Request{ProtoMajor: 1}, resp, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if w.n != want || w.Body.Len() != 10000 {
			t.Errorf("got %d flushes and %d bytes of length %d, want %d and all", w.n, w.Body.Len(), length, want)
		}
	}
}

// flushes counts how often an answer is flushed.
type flushes struct {
	*httptest.ResponseRecorder
	n int
}

func (f *flushes) FlushError() error { f.n++; return nil }

func BenchmarkRelay(b *testing.B) {
	for name, size := range map[string]int64{"1 KB": 1 << 10, "1 MB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(size)
			payload, buf := make([]byte, size), make([]byte, 32<<10)
			resp := &http.Response{StatusCode: http.StatusOK, ContentLength: size, Header: http.Header{
				"Content-Type": {"text/html"}, "Content-Length": {fmt.Sprint(size)}, "Date": {"x"}, "Server": {"y"}, "Etag": {"z"},
			}}
			r := &http.Request{Method: http.MethodGet, ProtoMajor: 1}
			for b.Loop() {
				resp.Body = io.NopCloser(bytes.NewReader(payload))
				if err := relay(&sink{h: http.Header{}}, r, resp, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sink is a client that takes everything.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}
