package upstream

import (
	"bufio"
	"errors"
	"math"
	"net"
	"net/textproto"
	"syscall"
	"time"
)

// conn is one connection over which HTTP/1.1 is spoken. One exchange has it at a time.
type conn struct {
	net.Conn // writing goes past the buffer
	buffer   *bufio.Reader
	text     *textproto.Reader // over the buffer
	allowed  int64             // bytes that may still be read from the network
	head     []byte            // of the last request, for its room

	raw       syscall.RawConn // nil if the connection has none
	glance    func(fd uintptr) bool
	silent    bool // what glance saw
	kept      bool // an exchange was made before
	timed     bool // reading has a deadline, which may have passed
	idleSince time.Time
}

// errTooLong is of reading more than is allowed.
var errTooLong = errors.New("it is longer than is allowed")

// unbounded is how much may be read of a body.
const unbounded = math.MaxInt64

// readBuffer holds a head with most of the answers that pages and programs get, so that these are read at once; longer bodies are
// read past it.
const readBuffer = 16 << 10

// usualHead is as long as the heads of nearly all requests are. So much is always taken by a connection that nobody uses.
const usualHead = 4 << 10

func newConn(network net.Conn) *conn {
	c := &conn{Conn: network, allowed: unbounded}
	c.buffer = bufio.NewReaderSize(c, readBuffer)
	c.text = textproto.NewReader(c.buffer)
	if s, ok := network.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn() // without it, silence is found the slow way
	}
	c.glance = c.look
	return c
}

// Read reads from the network, as much as is allowed.
func (c *conn) Read(p []byte) (int, error) {
	if c.allowed <= 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > c.allowed {
		p = p[:c.allowed]
	}
	n, err := c.Conn.Read(p)
	c.allowed -= int64(n)
	return n, err
}

// readBy sets until when reading may take; zero is for ever. Whether the connection was cut meanwhile shows when it is read.
func (c *conn) readBy(t time.Time) {
	if c.timed || !t.IsZero() {
		c.timed = !t.IsZero()
		_ = c.SetReadDeadline(t)
	}
}

// isSilent tells whether the product has neither closed an idle connection nor said anything on it. A connection on which bytes
// came that nobody asked for is out of step.
func (c *conn) isSilent() bool {
	if c.buffer.Buffered() > 0 {
		return false
	}
	if c.raw == nil {
		return c.waitBriefly()
	}
	c.silent = false
	return c.raw.Read(c.glance) == nil && c.silent
}

// waitBriefly is the slow way: it costs a millisecond.
func (c *conn) waitBriefly() bool {
	var one [1]byte
	if c.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	n, err := c.Conn.Read(one[:])
	return n == 0 && isTimeout(err) && c.SetReadDeadline(time.Time{}) == nil
}
