package mail

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hall is a listener whose clients are in the same bubble.
type hall struct {
	clients chan net.Conn
	closed  chan struct{}
}

func newHall() *hall { return &hall{make(chan net.Conn), make(chan struct{})} }

func (h *hall) Accept() (net.Conn, error) {
	select {
	case conn := <-h.clients:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *hall) Addr() net.Addr { return &net.TCPAddr{} }

func (h *hall) Close() error {
	select {
	case <-h.closed:
		return net.ErrClosed
	default:
		close(h.closed)
	}
	return nil
}

func (h *hall) enter(t *testing.T) *talk {
	ours, theirs := net.Pipe()
	h.clients <- theirs
	t.Cleanup(func() { ours.Close() })
	return &talk{t, ours, bufio.NewReader(ours)}
}

func TestASlowClientIsShownOut(t *testing.T) {
	for name, c := range map[string]struct {
		begin string
		says  string // one byte or one line, again and again
		every time.Duration
		stay  time.Duration
		last  string
	}{
		"says nothing":        {begun, "", 0, receiveTime, "421"},
		"spells a command":    {begun, "N", 25 * time.Second, receiveTime, "421"},
		"spells a message":    {begun + "C: DATA\nS: 354", "x", 25 * time.Second, receiveTime, "421"},
		"writes a message":    {begun + "C: DATA\nS: 354", "NOOP\r\n", 25 * time.Second, receiveTime, "421"},
		"writes a chunk":      {begun + "C: BDAT 1000", "NOOP\r\n", 25 * time.Second, receiveTime, "421"},
		"says nothing of use": {begun, "NOOP\r\n", 50 * time.Second, longestStay, "421"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, p := newHall(), newLetterbox()
			closed := p.serve(t, h)
			k := h.enter(t)
			began := time.Now()
			k.play(c.begin)
			var saying sync.WaitGroup
			saying.Go(func() {
				for range 15 { // more than it may
					if c.says == "" || k.say(c.says) != nil {
						return
					}
					timer := time.NewTimer(c.every)
					<-timer.C
				}
			})
			last := ""
			for answer := k.hear(); answer != "EOF"; answer = k.hear() {
				last = answer
			}
			if !strings.HasPrefix(last, c.last) {
				t.Errorf("%s: got %q at last, want %s", name, last, c.last)
			}
			if stayed := time.Since(began); stayed != c.stay { // the bubble's time
				t.Errorf("%s: got out after %s, want %s", name, stayed, c.stay)
			}
			closed()
			saying.Wait()
			if got := p.got(); len(got) != 0 {
				t.Errorf("%s: got %q, want nothing delivered", name, got)
			}
		})
	}
}

func TestAtTheEndAMessageUnderWayArrivesAndTheOthersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, p := newHall(), newLetterbox()
		closed := p.serve(t, h)
		idle, busy := h.enter(t), h.enter(t)
		idle.play(begun)
		busy.play(begun + "C: DATA\nS: 354\nC: half")
		ended := make(chan struct{})
		go func() {
			closed()
			close(ended)
		}()
		synctest.Wait()
		busy.play("C: and half\nC: .\nS: 250\nC: QUIT\nS: 221")
		idle.play("S: 421\nS: EOF")
		<-ended
		if got := p.got(); len(got) != 1 {
			t.Errorf("got %d messages, want 1", len(got))
		}
	})
}
