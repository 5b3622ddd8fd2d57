package gate

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// body is a request's body of which the gate keeps what it has read, so that the request can be sent again.
type body struct {
	from io.ReadCloser
	// take charges bytes to whoever bounds them, and is false when there is no room.
	take func(int64) bool
	most int64

	reading sync.Mutex // held while the client is waited for; taken before mu
	mu      sync.Mutex
	kept    []byte
	ended   error // what reading on gives, once it has given it: io.EOF when kept is all
	lost    bool  // bytes were read that are not kept
	turn    int   // which reader is the latest: older ones get no more
}

// charged is how much of the bounds the body takes.
func (b *body) charged() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(b.kept))
}

// whole reports whether everything that was read is kept: the body can be sent from its beginning.
func (b *body) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.lost
}

// errSuperseded is what a reader gets whose request is being sent anew.
var errSuperseded = errors.New("the request is sent anew")

// reader reads the body from its beginning. The readers before it end.
func (b *body) reader() io.ReadCloser {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn++
	return &bodyReader{body: b, turn: b.turn}
}

type bodyReader struct {
	body *body
	turn int
	at   int
}

func (r *bodyReader) Read(into []byte) (int, error) {
	if n, err := r.fromKept(into); n > 0 || err != nil {
		return n, err
	}
	b := r.body
	b.reading.Lock()
	defer b.reading.Unlock()
	if n, err := r.fromKept(into); n > 0 || err != nil { // a reader before this one was still waiting for the client
		return n, err
	}
	n, err := b.from.Read(into)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keep(into[:n], err) {
		r.at += n
	}
	return n, err
}

// fromKept gives what is kept, how the body ended, or nothing: then the client has to be asked.
func (r *bodyReader) fromKept(into []byte) (int, error) {
	b := r.body
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.turn != r.turn:
		return 0, errSuperseded
	case r.at < len(b.kept):
		n := copy(into, b.kept[r.at:])
		r.at += n
		return n, nil
	}
	return 0, b.ended
}

// Close ends this reader; the body stays for the next one.
func (r *bodyReader) Close() error { return nil }

// keep notes what was read from the client, and reports whether all is kept so far.
func (b *body) keep(part []byte, err error) bool {
	b.ended = err
	if b.lost || len(part) == 0 {
		return !b.lost
	}
	if int64(len(b.kept)+len(part)) > b.most || !b.take(int64(len(part))) {
		b.lost = true
		return false
	}
	b.kept = append(b.kept, part...)
	return true
}

// fill reads until the body is whole, most is kept, or there is no room for more; then full is true.
//
// It never reads a byte that it cannot keep: what is larger waits with its client.
func (b *body) fill() (full bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	chunk := make([]byte, 4<<10)
	for b.ended == nil {
		room := b.most - int64(len(b.kept))
		if room <= 0 {
			return false, nil
		}
		part := chunk[:min(room, int64(len(chunk)))]
		if !b.take(int64(len(part))) {
			return true, nil
		}
		n, err := b.from.Read(part)
		b.take(int64(n - len(part))) // gives back what was not needed
		b.kept = append(b.kept, part[:n]...)
		b.ended = err
		if len(b.kept) > len(chunk) && len(chunk) < 64<<10 {
			chunk = make([]byte, 64<<10)
		}
	}
	if errors.Is(b.ended, io.EOF) {
		return false, nil
	}
	return false, b.ended
}

// keepBody reads the body of a request that waits, within the bounds of its hold. It returns 0, or why the request
// cannot wait: there was no room, its client left, or sent too slowly.
func (p *passage) keepBody(w *waiter, h Hold, deadline time.Time) verdict {
	p.body = &body{from: p.r.Body, most: h.Body, take: func(n int64) bool { return p.charge(w, n, h) }}
	if p.r.ProtoMajor == 1 {
		control := http.NewResponseController(p.w)
		p.flow.lane.whenDismissed(w, func() { _ = control.SetReadDeadline(longAgo) })
		_ = control.SetReadDeadline(deadline)
	}
	full, err := p.body.fill()
	if p.r.ProtoMajor == 1 {
		p.flow.lane.whenDismissed(w, nil)
		if err == nil {
			_ = http.NewResponseController(p.w).SetReadDeadline(time.Time{})
		} else { // the rest of the body is somewhere in the connection
			p.w.Header().Set("Connection", "close")
		}
	}
	switch {
	case full:
		return noRoom
	case errors.Is(err, os.ErrDeadlineExceeded):
		return expired
	case err != nil:
		return left
	}
	return 0
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// charge takes room for n bytes of a waiter's body, or gives it back when n is negative.
func (p *passage) charge(w *waiter, n int64, h Hold) bool {
	if n > 0 && !p.gate.hold.load(n) {
		return false
	}
	if !p.flow.lane.grow(w, n, h) {
		p.gate.hold.bytes.Add(-n)
		return false
	}
	if n < 0 {
		p.gate.hold.bytes.Add(n)
	}
	return true
}

// recordBody keeps what is sent of a body from the beginning on, so that the request may be sent again.
func (p *passage) recordBody() {
	b := &body{from: p.r.Body, most: p.flow.hold.Body, take: p.gate.hold.load}
	if !idempotent(p.r) {
		b.most = 0 // it is sent again only if nothing of it was read
	}
	p.body = b
}

// expectsContinue reports whether the client waits to be asked for its body: then nothing needs to be kept, for it is sent
// when the product asks (RFC 9110, 10.1.1).
func (p *passage) expectsContinue() bool {
	return strings.EqualFold(p.r.Header.Get("Expect"), "100-continue")
}
