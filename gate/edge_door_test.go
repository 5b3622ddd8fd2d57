package gate

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"example.org/interlude/upstream"
)

// door is a handler of nothing but what carries requests and answers: no flows, no chains.
type door struct {
	edge                  edge
	product               asker
	interrupted, stopping chan struct{}

	mu     sync.Mutex
	sights []sight
	errs   []error
}

// sight is what a match looks at: it has to be what the product sees too.
type sight struct{ method, host, path string }

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, misfit := admit(r)
	if misfit != nil {
		http.Error(w, misfit.why, misfit.status)
		return
	}
	d.mu.Lock()
	d.sights = append(d.sights, sight{in.Method, in.Host, in.URL.Path})
	d.mu.Unlock()
	if err := d.pass(w, in); err != nil {
		d.mu.Lock()
		d.errs = append(d.errs, err)
		d.mu.Unlock()
		var failed *broken
		if errors.As(err, &failed) && failed.begun {
			panic(http.ErrAbortHandler)
		}
		if in.ProtoMajor == 1 && unread(in) {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(http.StatusBadGateway)
	}
}

func (d *door) pass(w http.ResponseWriter, in *http.Request) error {
	resp, err := ask(d.product, w, d.edge.outgoing(in, d.edge.requestID(in)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return tunnel(in.Context(), w, in, resp, d.interrupted, d.stopping)
	}
	return relay(w, in, resp, make([]byte, 4<<10))
}

// open opens a door to addresses of a product, over HTTP/1.1, and over HTTP/2 for those who begin with it.
func open(t testing.TB, d *door, addresses ...string) (address string) {
	t.Helper()
	if d.product == nil {
		group, err := upstream.New(upstream.Config{Addresses: addresses})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(group.CloseIdle)
		d.product = group
	}
	server := httptest.NewUnstartedServer(d)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// serve runs a product made of a handler.
func serve(t testing.TB, handle http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// recorder is a product that takes down every byte, and reads requests as strictly as they can be read: what it does not
// understand it says, rather than to guess.
type recorder struct {
	mu       sync.Mutex
	requests []recorded
	faults   []string
	answer   string // to every request
}

// recorded is one request as it stood on the wire.
type recorded struct {
	line   string
	fields []string
	body   string
}

func (r recorded) field(name string) []string {
	var values []string
	for _, line := range r.fields {
		if n, value, _ := strings.Cut(line, ": "); strings.EqualFold(n, name) {
			values = append(values, value)
		}
	}
	return values
}

func (r recorded) sight() sight {
	words := append(strings.Split(r.line, " "), "", "")
	path, err := url.PathUnescape(words[1])
	if err != nil {
		path = err.Error()
	}
	return sight{words[0], strings.Join(r.field("Host"), "|"), path}
}

func record(t testing.TB) (*recorder, string) {
	t.Helper()
	r := &recorder{answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}
	return r, listen(t, r.serve)
}

// listen runs a product that speaks over bare connections.
func listen(t testing.TB, speak func(net.Conn)) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer context.AfterFunc(ctx, func() { c.Close() })()
				defer c.Close()
				speak(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		cancel()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

func (r *recorder) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		one, err := readStrictly(in)
		if errors.Is(err, io.EOF) {
			return
		}
		r.mu.Lock()
		r.requests = append(r.requests, one)
		if err != nil {
			r.faults = append(r.faults, err.Error())
		}
		r.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := io.WriteString(c, r.answer); err != nil {
			return
		}
	}
}

// seen are the requests so far, and what was wrong with them.
func (r *recorder) seen() ([]recorded, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests), slices.Clone(r.faults)
}

// readStrictly reads one request by the letter of RFC 9112. io.EOF is the end of the connection between two requests.
func readStrictly(in *bufio.Reader) (recorded, error) {
	var one recorded
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" && one.line == "" {
			return one, io.EOF
		}
		text, ok := strings.CutSuffix(line, "\r\n")
		if err != nil || !ok || strings.ContainsAny(text, "\r\x00") {
			return one, fmt.Errorf("got line %q (%w), want one that ends with CRLF and has no other control character", line, err)
		}
		switch {
		case one.line == "":
			one.line = text
		case text == "":
			err = one.readBody(in)
			return one, err
		case strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t"):
			return one, fmt.Errorf("got a folded line %q, want none", text)
		default:
			one.fields = append(one.fields, text)
		}
	}
}

func (r *recorded) readBody(in *bufio.Reader) error {
	length, coding := r.field("Content-Length"), r.field("Transfer-Encoding")
	switch {
	case len(length)+len(coding) > 1:
		return fmt.Errorf("got Content-Length %q and Transfer-Encoding %q, want at most one of them", length, coding)
	case len(coding) == 1 && coding[0] != "chunked":
		return fmt.Errorf("got Transfer-Encoding %q, want chunked", coding[0])
	case len(coding) == 1:
		return r.readChunks(in)
	case len(length) == 1:
		n, err := strconv.ParseUint(length[0], 10, 31)
		if err != nil {
			return err
		}
		body := make([]byte, n)
		_, err = io.ReadFull(in, body)
		r.body = string(body)
		return err
	}
	return nil
}

func (r *recorded) readChunks(in *bufio.Reader) error {
	var all bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(line, "\r\n"), 16, 31)
		if err != nil {
			return fmt.Errorf("got chunk size %q: %w", line, err)
		}
		if _, err = io.CopyN(&all, in, int64(n)); err != nil {
			return err
		}
		r.body = all.String()
		end := make([]byte, 2)
		if n == 0 {
			return r.readTrailers(in)
		}
		if _, err = io.ReadFull(in, end); err != nil || string(end) != "\r\n" {
			return fmt.Errorf("got %q (%w) after a chunk, want CRLF", end, err)
		}
	}
}

func (r *recorded) readTrailers(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == "\r\n" {
			return err
		}
		r.fields = append(r.fields, "trailer "+strings.TrimSuffix(line, "\r\n"))
	}
}
