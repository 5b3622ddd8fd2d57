package gate

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"example.org/interlude/upstream"
)

// linger is how long a client that has its answer may go on sending a body that nobody reads any more.
const linger = time.Second

// broken is an answer that did not reach its client whole.
type broken struct {
	byClient bool // it left, or its connection broke
	begun    bool // it has got a part: only cutting the connection tells it that there is no more
	err      error
}

func (b *broken) Error() string {
	if b.byClient {
		return "write to the client: " + b.err.Error()
	}
	return "read from the product: " + b.err.Error()
}

func (b *broken) Unwrap() error { return b.err }

// arrived is the body of an answer that knows how much of it can be read without waiting; zero is nothing, or unknown.
type arrived interface {
	Buffered() int
}

// relay writes the product's answer to the client of an admitted request, through buf. An error is a *broken. The caller
// closes the answer's body.
//
// The answer passes as it is: its status, its fields save those that concern one connection, the length that it says,
// its trailers. What has no length may be a conversation, so it is flushed before anything could wait for more of it; what has one is
// written when buffers are full. An answer to a request whose body was not read yet lets that go on: both ways stream at once.
func relay(w http.ResponseWriter, r *http.Request, resp *http.Response, buf []byte) error {
	if resp.StatusCode < http.StatusOK || resp.StatusCode > 999 {
		return &broken{err: fmt.Errorf("the product answered with status %d, want one from 200 to 999", resp.StatusCode)}
	}
	h := w.Header()
	answered(h, resp.Header)
	if resp.ContentLength < 0 {
		delete(h, "Content-Length")
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // none is guessed
	}
	announce(h, resp.Trailer)
	if r.ProtoMajor == 1 && unread(r) {
		h["Connection"] = []string{"close"}
		defer hurry(w)
	}
	w.WriteHeader(resp.StatusCode)
	if err := relayBody(w, r, resp, buf); err != nil {
		return err
	}
	return relayTrailers(w, resp.Trailer)
}

// hurry bounds how long the server waits, after the answer, for the rest of a body that nobody reads. It is set when that wait
// has begun, because the server lifts all deadlines before; the connection is used for nothing else any more.
func hurry(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	time.AfterFunc(linger, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
}

// relayBody writes the body of an answer.
func relayBody(w http.ResponseWriter, r *http.Request, resp *http.Response, buf []byte) error {
	flushes := resp.ContentLength < 0 && r.Method != http.MethodHead
	source, tells := resp.Body.(arrived)
	for {
		if flushes && (!tells || source.Buffered() == 0) { // the next read may wait
			if err := http.NewResponseController(w).Flush(); err != nil {
				return &broken{byClient: true, begun: true, err: err}
			}
		}
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return &broken{byClient: true, begun: true, err: err}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &broken{byClient: r.Context().Err() != nil, begun: true, err: err}
		}
	}
}

// announce says which trailers will follow.
func announce(h, trailer http.Header) {
	for name := range trailer {
		if httpguts.ValidTrailerHeader(name) {
			h.Add("Trailer", name)
		}
	}
}

// relayTrailers writes the trailers, those that the product did not announce too.
func relayTrailers(w http.ResponseWriter, trailer http.Header) error {
	if len(trailer) == 0 {
		return nil
	}
	h := w.Header()
	announced := slices.Clone(h["Trailer"])
	for name, values := range trailer {
		if slices.Contains(announced, name) {
			h[name] = values
		} else if httpguts.ValidTrailerHeader(name) {
			h[http.TrailerPrefix+name] = values
		}
	}
	// A short answer that was not flushed would be given a length, and then has no room for trailers.
	if err := http.NewResponseController(w).Flush(); err != nil {
		return &broken{byClient: true, begun: true, err: err}
	}
	return nil
}

// ask sends a request to the product, and passes the heads that come before the answer on to the client: 103 Early Hints
// and the like. The request is the one that outgoing made.
//
// 100 Continue is said by the server that stands between, as soon as the product asks for the body by reading it. While a
// client waits for that, it gets no other such head, because the two would be written at the same time. HTTP/1.0 knows none.
func ask(p asker, w http.ResponseWriter, out *http.Request) (*http.Response, error) {
	if !out.ProtoAtLeast(1, 1) || expects(out) {
		return p.Ask(out, nil)
	}
	i := informer{w: w}
	defer i.end()
	return p.Ask(out, i.inform)
}

// asker is the product, who answers; told hears of the heads before an answer.
type asker interface {
	Ask(r *http.Request, told upstream.Early) (*http.Response, error)
}

// informer writes heads before an answer. A transport may find one when it has given up on the answer already, while something
// else is being written.
type informer struct {
	w    http.ResponseWriter
	mu   sync.Mutex
	over bool
}

func (i *informer) inform(code int, fields textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over || code == http.StatusContinue {
		return nil
	}
	h := i.w.Header()
	kept := maps.Clone(h)
	clear(h)
	answered(h, http.Header(fields))
	i.w.WriteHeader(code)
	clear(h)
	maps.Copy(h, kept)
	return nil
}

func (i *informer) end() {
	i.mu.Lock()
	i.over = true
	i.mu.Unlock()
}

// expects reports whether the client waits to be asked for its body (RFC 9110, 10.1.1).
func expects(r *http.Request) bool {
	return r.ContentLength != 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}
