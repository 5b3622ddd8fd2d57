package gate

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// body is a request's body of which the gate keeps what it has read, so that the request can be sent again.
//
// While the request waits, fill reads what the client sends; once there is a reader, that reads on, and fill ends.
type body struct {
	from io.ReadCloser
	// take charges bytes to whoever bounds them, and is false when there is no room; a negative number gives them back.
	take func(int64) bool
	most int64

	reading sync.Mutex // held while the client is waited for; taken before mu
	mu      sync.Mutex
	kept    []byte
	ended   error // what reading on gives, once it has given it: io.EOF when kept is all
	lost    bool  // bytes were read that are not kept
	closed  bool  // nothing is kept any more
	turn    int   // which reader is the latest: older ones get no more
}

// charged is how much of the bounds the body takes.
func (b *body) charged() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(b.kept))
}

// close says how much the body took, and keeps nothing from then on.
func (b *body) close() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
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
	if b.closed || int64(len(b.kept)+len(part)) > b.most || !b.take(int64(len(part))) {
		b.lost = true
		return false
	}
	b.kept = append(b.kept, part...)
	return true
}

// fill keeps what the client sends, until that is all, most is kept, a reader reads on, or there is no room for more;
// then full is true.
//
// It never reads a byte that it cannot keep: what is larger waits with its client.
func (b *body) fill() (full bool, err error) {
	chunk := make([]byte, 4<<10)
	for {
		part, more, err := b.next(chunk)
		if !more {
			return false, err
		}
		if !b.take(int64(len(part))) {
			return true, nil
		}
		b.reading.Lock()
		n, err := b.from.Read(part)
		b.take(int64(b.append(part[:n], err) - len(part))) // gives back what was not needed
		b.reading.Unlock()
		if n == len(chunk) {
			chunk = make([]byte, min(2*len(chunk), 64<<10))
		}
	}
}

// next is what fill may read into, and false when it has come to its end.
func (b *body) next(chunk []byte) (part []byte, more bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := b.most - int64(len(b.kept))
	if b.ended != nil || b.turn > 0 || b.closed || room <= 0 {
		if errors.Is(b.ended, io.EOF) {
			return nil, false, nil
		}
		return nil, false, b.ended
	}
	return chunk[:min(room, int64(len(chunk)))], true, nil
}

// append keeps what fill has read, unless the request has ended meanwhile, and says how much that is.
func (b *body) append(part []byte, err error) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = err
	if b.closed {
		return 0
	}
	b.kept = append(b.kept, part...)
	return len(part)
}

// keepBody reads the body of a request that waits, beside the waiting, within the bounds of its hold. A waiter whose body
// has no room, whose client leaves, or sends for too long, is dismissed; one whose client goes on sending is let go with
// what there is, for a conversation may never end.
func (p *passage) keepBody(w *waiter, h Hold) {
	b := &body{from: p.r.Body, most: h.Body}
	b.take = func(n int64) bool { return p.gate.charge(p.flow.lane, w, n, h) }
	p.body = b
	l := p.flow.lane
	if p.r.ProtoMajor == 1 {
		control := http.NewResponseController(p.w)
		l.whenDismissed(w, func() { _ = control.SetReadDeadline(longAgo) })
	}
	go func() {
		switch full, err := b.fill(); {
		case full:
			l.dismissIfQueued(w, noRoom)
		case err != nil:
			l.dismissIfQueued(w, left)
		}
	}()
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// charge takes room for n bytes of a waiter's body, or gives it back when n is negative.
func (g *Gate) charge(l *lane, w *waiter, n int64, h Hold) bool {
	if n > 0 && !g.hold.load(n) {
		return false
	}
	if !l.grow(w, n, h) {
		g.hold.bytes.Add(-n)
		return false
	}
	if n < 0 {
		g.hold.bytes.Add(n)
	}
	return true
}

// recordBody keeps what is sent of a body from the beginning on, so that the request may be sent again.
func (p *passage) recordBody() {
	b := &body{from: p.r.Body, most: p.flow.keeps, take: p.gate.hold.load}
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
