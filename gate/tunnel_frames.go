package gate

import (
	"io"
	"sync"
)

// Codes that say why a WebSocket is closed (RFC 6455, 7.4.1 and the registry that it opens).
const (
	closeGoingAway      = 1001
	closeServiceRestart = 1012
)

// frames passes on what a WebSocket's server sends, and knows where one frame ends and the next begins (RFC 6455, 5.2), so
// that a close frame can be put between them. Payload is counted, not looked at. A stream that breaks the rules is passed
// on all the same; nothing can be put into it any more.
type frames struct {
	mu     sync.Mutex
	to     io.Writer
	cursor cursor
	close  []byte // waits for the next boundary; nil is none
	shut   bool   // the gate's close frame was written, so what follows it is dropped
}

// Write passes p on, up to the boundary at which the gate closes.
func (f *frames) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return len(p), nil
	}
	for at := 0; at < len(p); {
		at += f.cursor.step(p[at:])
		if f.close != nil && f.cursor.free() {
			if n, err := f.to.Write(p[:at]); err != nil {
				return n, err
			}
			return len(p), f.finish()
		}
	}
	return f.to.Write(p)
}

// closeWith puts a close frame with the code between two frames: now, or when the one that has begun is over. It returns
// false when there is no such place any more.
func (f *frames) closeWith(code int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cursor.lost || f.cursor.closed {
		return false
	}
	f.close = closeFrame(code)
	return !f.cursor.free() || f.finish() == nil
}

// finish writes the close frame. The caller holds the lock.
func (f *frames) finish() error {
	f.shut = true
	_, err := f.to.Write(f.close)
	return err
}

// closeFrame is a close frame of a server: not masked, with a code and its reason.
func closeFrame(code int) []byte {
	reason := "service restart"
	if code == closeGoingAway {
		reason = "going away"
	}
	frame := []byte{0x80 | opClose, byte(2 + len(reason)), byte(code >> 8), byte(code)}
	return append(frame, reason...)
}

// The operations of frames that matter here (RFC 6455, 5.2 and 5.5).
const (
	opBinary = 0x2
	opClose  = 0x8
	opPong   = 0xA
)

// cursor follows a stream of frames. Its zero value stands before the first one.
type cursor struct {
	head    [10]byte // what is known of the header that has begun
	known   int
	payload uint64 // how much of the payload is still to come
	lost    bool   // the stream breaks the rules, so where frames end is unknown
	closed  bool   // the last frame has begun: the server's own close
}

// free reports whether a frame may be put here.
func (c *cursor) free() bool { return c.known == 0 && c.payload == 0 && !c.lost && !c.closed }

// step goes over the beginning of p, at most to the end of a frame, and says how far. p is not empty.
func (c *cursor) step(p []byte) int {
	switch {
	case c.lost:
		return len(p)
	case c.payload > 0:
		n := min(c.payload, uint64(len(p)))
		c.payload -= n
		return int(n)
	}
	c.head[c.known] = p[0]
	c.known++
	c.read()
	return 1
}

// read makes sense of the header as far as it is known.
func (c *cursor) read() {
	if c.known < 2 {
		return
	}
	operation, length := c.head[0]&0x0f, uint64(c.head[1])
	control := operation >= opClose
	switch {
	case operation > opBinary && !control || operation > opPong: // reserved
		c.lost = true
	case length > 127: // masked, which only clients are
		c.lost = true
	case control && (length > 125 || c.head[0]&0x80 == 0): // too long, or in pieces
		c.lost = true
	}
	if c.lost {
		return
	}
	width := 0
	switch length {
	case 126:
		width = 2
	case 127:
		width = 8
	}
	if c.known < 2+width {
		return
	}
	if width > 0 {
		length = 0
		for _, b := range c.head[2 : 2+width] {
			length = length<<8 | uint64(b)
		}
	}
	if length>>63 != 0 {
		c.lost = true
		return
	}
	c.payload, c.known = length, 0
	c.closed = c.closed || operation == opClose
}
