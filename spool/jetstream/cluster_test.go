package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/spool/jetstream"
)

// cluster runs three servers that belong together until the end of the test.
func cluster(t testing.TB) []*server {
	t.Helper()
	routes := []string{freeAddress(t), freeAddress(t), freeAddress(t)}
	var servers []*server
	for i, route := range routes {
		servers = append(servers, newServer(t, fmt.Sprintf("n%d", i+1), fmt.Sprintf(
			"cluster { name: three, listen: %q, routes: [\"nats://%s\"] }", route, strings.Join(routes, `", "nats://`))))
	}
	for _, s := range servers {
		s.start()
	}
	return servers
}

// leader is the server that leads the stream, once there is one.
func leader(t *testing.T, servers []*server) *server {
	t.Helper()
	js := admin(t, servers...)
	var name string
	until(t, "leader", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, err := js.Stream(ctx, "GATE")
		if err != nil || s.CachedInfo().Cluster == nil {
			return false
		}
		name = s.CachedInfo().Cluster.Leader
		return name != ""
	})
	return servers[slices.IndexFunc(servers, func(s *server) bool { return s.name == name })]
}

// caughtUp waits until each server has the whole stream.
func caughtUp(t *testing.T, servers []*server) {
	t.Helper()
	js := admin(t, servers...)
	until(t, "replicas that have caught up", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, err := js.Stream(ctx, "GATE")
		if err != nil || s.CachedInfo().Cluster == nil {
			return false
		}
		current := 0
		for _, peer := range s.CachedInfo().Cluster.Replicas {
			if peer.Current && !peer.Offline {
				current++
			}
		}
		return current == len(servers)-1
	})
}

// A writer appends until it is stopped, and remembers what was acknowledged.
type writer struct {
	j    *jetstream.Journal
	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	records  [][]byte
	refusals int
}

func write(t *testing.T, j *jetstream.Journal) *writer {
	ctx, stop := context.WithCancel(t.Context())
	w := &writer{j: j, stop: stop}
	w.done.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			var records [][]byte
			for i := range 1 + n%5 {
				records = append(records, fmt.Appendf(nil, "append %d, record %d %s", n, i, strings.Repeat("x", n*37%3000)))
			}
			_, err := j.Append(t.Context(), records)
			w.mu.Lock()
			if err == nil {
				w.records = append(w.records, records...)
			} else {
				w.refusals++
				t.Log("refused: ", err)
			}
			w.mu.Unlock()
		}
	})
	t.Cleanup(w.end)
	return w
}

// more waits until so many more records were acknowledged.
func (w *writer) more(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.records)
	}
	begun, now := time.Now(), count()
	until(t, fmt.Sprintf("%d more records", n), func() bool { return count() >= now+n })
	t.Logf("%d more records after %v", n, time.Since(begun).Round(time.Millisecond))
}

func (w *writer) end() {
	w.stop()
	w.done.Wait()
}

func TestNoAcknowledgedRecordIsLostWhenServersAreKilled(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	j := open(t, on(servers...))
	w := write(t, j)
	w.more(t, 200)
	for range 2 {
		killed := leader(t, servers)
		killed.kill()
		w.more(t, 200)
		killed.start()
		caughtUp(t, servers)
	}
	w.end()
	want(t, all(t, j, 0), w.records...)

	for _, s := range servers {
		s.kill()
	}
	for _, s := range servers {
		s.start()
	}
	want(t, all(t, j, 0), w.records...)
	w.records = append(w.records, []byte("afterwards"))
	add(t, j, []byte("afterwards"))
	j.Close()
	want(t, all(t, open(t, on(servers...)), 0), w.records...)
}

func TestAScanGoesOnWhenServersAreKilled(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	j := open(t, on(servers...))
	var records [][]byte
	for i := range 40 {
		records = append(records, append(fmt.Appendf(nil, "%d ", i), bytesOf(1_500_000)...))
	}
	for i := range 10 {
		add(t, j, records[4*i:4*i+4]...)
	}
	var got []spool.Record
	for r, err := range j.Scan(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r); len(got) == 5 {
			leader(t, servers).kill()
		}
	}
	want(t, got, records...)
}

func TestWithoutMostServersNothingIsAcceptedUntilTheyAreBack(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	c := on(servers...)
	c.Timeout = 2 * time.Second
	setUp := open(t, on(servers...))
	add(t, setUp, []byte("before"))
	setUp.Close()
	j := open(t, c)

	servers[0].kill()
	servers[1].kill()
	begun := time.Now()
	_, err := j.Append(t.Context(), [][]byte{[]byte("during")})
	if err == nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, spool.ErrClosed) {
		t.Errorf("got %v, want an error: one of three servers runs", err)
	}
	t.Log(err)
	if took := time.Since(begun); took > c.Timeout+time.Second {
		t.Errorf("the error came after %v, want it within %v", took, c.Timeout)
	}
	servers[0].start()
	until(t, "journal that works by itself", func() bool {
		_, err = j.Append(t.Context(), [][]byte{[]byte("after")})
		return err == nil
	})
	servers[1].start()
	want(t, all(t, j, 0), []byte("before"), []byte("after"))
	j.Close()
	want(t, all(t, open(t, on(servers...)), 0), []byte("before"), []byte("after"))
}
