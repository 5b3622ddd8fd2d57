package upstream

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sending sends the body of a request in a goroutine of its own, while another one listens for the answer.
type sending struct {
	done   chan struct{}
	last   atomic.Bool // the last piece is being written
	close  func()      // closes the request's body, once
	mu     sync.Mutex
	quiet  bool  // the answer's head is there, and its clock has been stopped
	fault  error // why the connection was cut
	byUs   bool  // the fault is that of the request's body
	wholly bool  // all was sent; to be read when done is closed
}

// The piece of a body that is read at once, and the room around it for the marks of a chunk.
const (
	piece     = 32 << 10
	chunkHead = len("8000\r\n")
	chunkEnd  = "\r\n"
)

// longestLast is how long an exchange that has its answer waits for the last piece of the request to be written: both can
// happen at the same moment.
const longestLast = 50 * time.Millisecond

// send begins to send the request's body.
func (x *exchange) send() {
	s := &sending{done: make(chan struct{}), close: sync.OnceFunc(func() { closeBody(x.request) })}
	x.sending = s
	x.conn.readBy(time.Time{}) // a wait for 100 is over
	go s.run(x)
}

func (s *sending) run(x *exchange) {
	defer close(s.done)
	room := x.pool.room()
	err := s.copy(x, room[:])
	x.pool.rooms.Put(room)
	s.close()
	var torn *tornBody
	byUs := errors.As(err, &torn)
	s.mu.Lock()
	s.wholly = err == nil
	if byUs || isTimeout(err) {
		s.fault, s.byUs = err, byUs
	}
	fault := s.fault
	if !s.quiet && fault == nil { // a write that failed leaves an answer that may have come before
		x.expectHead()
	}
	s.mu.Unlock()
	if fault != nil {
		_ = x.conn.Close()
	}
}

func (s *sending) copy(x *exchange, room []byte) error {
	if length := bodyLength(x.request); length != unknown {
		return s.copyLength(x, room, length)
	}
	return s.copyChunks(x, room)
}

// copyLength sends exactly as much as was announced. A body that turns out to be longer is not sent to its end, so that the
// product never takes a part for the whole.
func (s *sending) copyLength(x *exchange, room []byte, left int64) error {
	body := x.request.Body
	for {
		n, err := body.Read(room[:min(int64(len(room)-1), left)])
		left -= int64(n)
		if left == 0 {
			if more, _ := body.Read(room[n : n+1]); more > 0 {
				return torn(refused("its body is longer than its length of %d", x.request.ContentLength))
			}
			s.last.Store(true)
			return s.write(x, room[:n])
		}
		if n > 0 {
			if err := s.write(x, room[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return torn(fmt.Errorf("%d bytes are missing: %w", left, io.ErrUnexpectedEOF))
		}
		if err != nil {
			return torn(err)
		}
	}
}

// copyChunks sends a body of unknown length. Each piece is one write, its marks included.
func (s *sending) copyChunks(x *exchange, room []byte) error {
	for {
		n, err := x.request.Body.Read(room[chunkHead : len(room)-len(chunkEnd)])
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return torn(err)
		}
		var out []byte
		if n > 0 {
			var size [chunkHead]byte
			mark := append(strconv.AppendInt(size[:0], int64(n), 16), chunkEnd...)
			from := chunkHead - len(mark)
			copy(room[from:], mark)
			copy(room[chunkHead+n:], chunkEnd)
			out = room[from : chunkHead+n+len(chunkEnd)]
		}
		if ended {
			trailer := x.request.Trailer
			if err := checkTrailer(trailer); err != nil {
				return torn(err)
			}
			out = append(out, "0\r\n"...)
			for name, values := range trailer {
				for _, value := range values {
					out = appendField(out, name, value)
				}
			}
			s.last.Store(true)
			return s.write(x, append(out, "\r\n"...))
		}
		if n > 0 {
			if err := s.write(x, out); err != nil {
				return err
			}
		}
	}
}

// write gives a piece to the product, which has to accept it in time.
func (s *sending) write(x *exchange, p []byte) error {
	limit := x.pool.config.HeaderTimeout
	if limit > 0 {
		_ = x.conn.SetWriteDeadline(time.Now().Add(limit))
		defer func() { _ = x.conn.SetWriteDeadline(time.Time{}) }()
	}
	_, err := x.conn.Write(p)
	return err
}

// stopClock ends the time that the answer's head may take, also if it has not begun.
func (s *sending) stopClock(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = true
	x.conn.readBy(time.Time{})
}

// isDone tells whether the body was sent to its end.
func (s *sending) isDone() bool {
	select {
	case <-s.done:
		return s.wholly
	default:
	}
	if !s.last.Load() {
		return false
	}
	timer := time.NewTimer(longestLast)
	defer timer.Stop()
	select {
	case <-s.done:
		return s.wholly
	case <-timer.C:
		return false
	}
}

// abandon stops sending, when the connection is closed already. Reading the body may be what is waited for, and it
// may be that closing waits for reading; so it is closed aside.
func (s *sending) abandon() {
	select {
	case <-s.done:
	default:
		go s.close()
	}
}

// broken gives the reason for which sending cut the connection, if it did, and tells whether it lies with the product.
func (s *sending) broken() (ofProduct bool, fault error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.byUs, s.fault
}

// tornBody is a request's body that could not be read to its end.
type tornBody struct{ err error }

func torn(err error) error { return &tornBody{err} }

// Error says that it was the request.
func (e *tornBody) Error() string { return "read the request's body: " + e.err.Error() }

// Unwrap gives what reading gave.
func (e *tornBody) Unwrap() error { return e.err }
