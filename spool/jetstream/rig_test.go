package jetstream_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
	"example.org/interlude/spool/jetstream"
)

// program builds the NATS server once. Where it cannot be built the test is skipped or, where INTERLUDE_TEST_STRICT is 1, fails.
func program(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds and runs NATS servers")
	}
	build.once.Do(func() {
		build.path = filepath.Join(build.dir, "nats-server")
		build.said, build.err = exec.CommandContext(t.Context(), "go", "build", "-modfile=../../tools/go.mod", "-o", build.path,
			"github.com/nats-io/nats-server/v2").CombinedOutput()
	})
	if build.err != nil {
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			t.Fatalf("the NATS server is not built: %v\n%s", build.err, build.said)
		}
		t.Skip("the NATS server is not built: ", build.err)
	}
	return build.path
}

var build struct {
	once      sync.Once
	dir, path string
	said      []byte
	err       error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "nats-server-")
	if err != nil {
		panic(err)
	}
	build.dir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A server is a NATS server that can be killed and started again, with what it has on disk.
type server struct {
	t       testing.TB
	name    string
	address string
	config  string
	command *exec.Cmd
	said    *lockedBuffer
}

// newServer prepares a server. It writes what it acknowledges to its disk first.
func newServer(t testing.TB, name, more string) *server {
	t.Helper()
	program(t)
	dir := t.TempDir()
	s := &server{t: t, name: name, address: freeAddress(t), config: filepath.Join(dir, "server.conf"), said: &lockedBuffer{}}
	text := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream { store_dir: %q, sync_interval: always }\n%s\n", name, s.address, dir, more)
	if strings.Contains(more, "jetstream {") {
		text = fmt.Sprintf("server_name: %s\nlisten: %q\n%s\n", name, s.address, strings.ReplaceAll(more, "DIR", dir))
	}
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("server %s said:\n%s", name, s.said)
		}
	})
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.command = exec.Command(program(s.t), "-c", s.config)
	s.command.Stdout, s.command.Stderr = s.said, s.said
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	until(s.t, "server "+s.name, func() bool {
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends the server as a failure of the machine would.
func (s *server) kill() {
	if s.command != nil {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
		s.command = nil
	}
}

// single runs one server until the end of the test.
func single(t testing.TB, more string) *server {
	t.Helper()
	s := newServer(t, "alone", more)
	s.start()
	return s
}

// on is the configuration of a journal on servers, on all of them.
func on(servers ...*server) jetstream.Config {
	c := jetstream.Config{Stream: "GATE", Replicas: len(servers)}
	for _, s := range servers {
		c.Servers = append(c.Servers, "nats://"+s.address)
	}
	return c
}

// open opens a journal until the end of the test.
func open(t testing.TB, c jetstream.Config) *jetstream.Journal {
	t.Helper()
	j, err := jetstream.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// admin is a client beside the journal.
func admin(t testing.TB, servers ...*server) natsjs.JetStream {
	t.Helper()
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}) // servers are killed beside it
	conn, err := nats.Connect(strings.Join(on(servers...).Servers, ","), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// add appends records, each of which has to find its place.
func add(t testing.TB, j *jetstream.Journal, records ...[]byte) []spool.Position {
	t.Helper()
	at, err := j.Append(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	if len(at) != len(records) {
		t.Fatalf("got %d positions, want %d", len(at), len(records))
	}
	return at
}

// all gives what a scan shows.
func all(t testing.TB, j *jetstream.Journal, from spool.Position) []spool.Record {
	t.Helper()
	var records []spool.Record
	for r, err := range j.Scan(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// want compares what a scan shows with what should be there.
func want(t testing.TB, got []spool.Record, records ...[]byte) {
	t.Helper()
	if len(got) != len(records) {
		t.Fatalf("got %d records, want %d", len(got), len(records))
	}
	for i, data := range records {
		if !bytes.Equal(got[i].Data, data) {
			t.Fatalf("record %d of %d at %d: got %d bytes (%.20q…), want %d (%.20q…)",
				i, len(records), got[i].At, len(got[i].Data), got[i].Data, len(data), data)
		}
		if i > 0 && got[i].At <= got[i-1].At {
			t.Fatalf("record %d stands at %d, after one at %d", i, got[i].At, got[i-1].At)
		}
	}
}

// until waits for something that has no event to wait for.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("got no %s, want it within some seconds", what)
		}
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
