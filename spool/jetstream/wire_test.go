package jetstream_test

import (
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"example.org/interlude/spool/jetstream"
)

// A wire is the way from a journal to its server, which can be cut.
type wire struct {
	listener net.Listener
	to       string
	mute     atomic.Bool  // answers get lost
	room     atomic.Int64 // how many bytes come through to the server before the rest gets lost
	lost     chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

func wireTo(t *testing.T, s *server) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, to: s.address, lost: make(chan struct{}, 1)}
	w.room.Store(math.MaxInt64)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", w.to)
			if err != nil {
				near.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			running.Go(func() {
				_, _ = io.Copy(forth{far, w}, near)
				far.Close()
			})
			running.Go(func() {
				_, _ = io.Copy(back{near, w}, far)
				near.Close()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.cut()
		running.Wait()
	})
	return w
}

// over is the configuration of a journal that goes over the wire.
func (w *wire) over(c jetstream.Config) jetstream.Config {
	c.Servers = []string{"nats://" + w.listener.Addr().String()}
	return c
}

// cut ends all connections; those that come later are whole.
func (w *wire) cut() {
	w.mute.Store(false)
	w.room.Store(math.MaxInt64)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

type forth struct {
	net.Conn
	w *wire
}

func (f forth) Write(p []byte) (int, error) {
	left := f.w.room.Add(-int64(len(p)))
	through := min(int64(len(p)), max(0, left+int64(len(p))))
	if left < 0 {
		select {
		case f.w.lost <- struct{}{}:
		default:
		}
	}
	if _, err := f.Conn.Write(p[:through]); err != nil {
		return 0, err
	}
	return len(p), nil
}

type back struct {
	net.Conn
	w *wire
}

func (b back) Write(p []byte) (int, error) {
	if b.w.mute.Load() {
		return len(p), nil
	}
	return b.Conn.Write(p)
}
