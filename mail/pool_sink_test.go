package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// sink starts Postfix's smtp-sink, which takes whatever it is sent, and returns its address and what it said when it is
// stopped by the end of the test. A test is skipped without it or, where INTERLUDE_TEST_STRICT is 1, fails.
func sink(tb testing.TB, options ...string) string {
	tb.Helper()
	path, err := exec.LookPath("smtp-sink")
	if err != nil {
		path = "/usr/sbin/smtp-sink"
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			tb.Fatal("smtp-sink is not installed: run scripts/setup")
		}
		tb.Skip("smtp-sink is not installed: run scripts/setup")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	if os.Getuid() == 0 {
		options = append(options, "-u", "nobody") // it refuses to run as root
	}
	c := exec.CommandContext(tb.Context(), path, append(options, address, "1000")...)
	c.Stdout, c.Stderr = tb.Output(), tb.Output()
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()
	tb.Cleanup(func() { <-exited }) // the context of the test has ended it
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			fmt.Fprint(conn, "QUIT\r\n")
			io.Copy(io.Discard, conn)
			conn.Close()
			return address
		}
		select {
		case err := <-exited:
			exited <- err
			tb.Fatalf("smtp-sink: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// run keeps a pool until the test ends, and returns what ends it earlier and waits for it.
func run(tb testing.TB, p *Pool) (stop func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(tb.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			tb.Error(err)
		}
	})
	stop = func() {
		cancel(errStopped)
		running.Wait()
	}
	tb.Cleanup(stop)
	return stop
}

var errStopped = errors.New("the test ends")

// counting counts the connections that a pool opens.
func counting(p *Pool) *atomic.Int64 {
	var dialled atomic.Int64
	p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return &dialled
}

// flood sends so many numbered messages and waits until all are accepted.
func flood(t *testing.T, p *Pool, messages int) {
	t.Helper()
	var done sync.WaitGroup
	for i := range messages {
		done.Add(1)
		err := p.Send(t.Context(), Job{
			From: "status@northwind.example", To: fmt.Sprintf("reader%d@example.com", i),
			Compose: func(dst []byte) ([]byte, error) { return fmt.Appendf(dst, "Subject: %d\r\n\r\n.dot\r\n", i), nil },
			Done: func(r Reply) {
				if !r.Accepted() {
					t.Errorf("message %d: got %+v, want it accepted", i, r)
				}
				done.Done()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
	if c := p.Condition()[0]; c.Accepted != int64(messages) || c.State != Up {
		t.Errorf("got %+v, want %d accepted by a relay that is up", c, messages)
	}
}

func TestASinkGetsEachMessageOnceOverConnectionsThatAreKept(t *testing.T) {
	folder := t.TempDir()
	os.Chmod(folder, 0o777) // the sink runs as somebody else
	os.Chmod(filepath.Dir(folder), 0o755)
	p := NewPool([]Relay{{Address: sink(t, "-d", filepath.Join(folder, "m.")), Connections: 3}}, "client.example", quiet())
	dialled := counting(p)
	stop := run(t, p)
	const messages = 300
	flood(t, p, messages)
	stop()
	if n := dialled.Load(); n > 3 {
		t.Errorf("got %d connections, want at most 3", n)
	}
	got := make(map[string]int)
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if number, ok := strings.CutPrefix(line, "Subject: "); ok {
				got[strings.TrimSpace(number)]++
			}
		}
	}
	for i := range messages {
		if n := got[fmt.Sprint(i)]; n != 1 {
			t.Errorf("message %d: got it %d times, want 1", i, n)
		}
	}
}

func TestAConnectionIsLeftAfterAThousandMessages(t *testing.T) {
	p := NewPool([]Relay{{Address: sink(t), Connections: 1}}, "client.example", quiet())
	dialled := counting(p)
	run(t, p)
	flood(t, p, 2*mostMessages+1)
	if n := dialled.Load(); n != 3 {
		t.Errorf("got %d connections, want 3", n)
	}
}
