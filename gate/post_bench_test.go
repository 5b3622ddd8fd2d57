package gate

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/upstream"
)

// BenchmarkGateQueue accepts posts for later on loopback, over 32 connections that are kept. With a journal on the disk each is
// durable before it is answered; BenchmarkGate tells what passing a post costs.
func BenchmarkGateQueue(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10} {
		request := "POST /hooks HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n" + strings.Repeat("y", size)
		name := strconv.Itoa(size>>10) + " KB"
		b.Run("memory "+name, func(b *testing.B) { askAll(b, benchQueue(b, spool.NewMemory()), request) })
		b.Run("disk "+name, func(b *testing.B) {
			journal, err := spool.OpenFiles(b.TempDir(), spool.FilesOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = journal.Close() })
			askAll(b, benchQueue(b, journal), request)
		})
	}
}

// benchQueue is a gate whose only flow is interrupted and queues, and its address.
func benchQueue(b *testing.B, journal spool.Journal) string {
	b.Helper()
	late := &lateCourier{}
	s, err := spool.Open(b.Context(), spool.Config{
		Journal: journal, Index: filepath.Join(b.TempDir(), "index"), Flows: map[string]spool.Flow{"messenger": {Courier: late}},
	})
	if err != nil {
		b.Fatal(err)
	}
	g, err := New(Config{
		Upstreams: map[string]upstream.Config{"product": {Addresses: []string{"http://127.0.0.1:1"}}}, Spool: s, Entries: s,
		Flows: []Flow{{Name: "messenger", Upstream: "product", Interrupted: []Step{queueing}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	var all sync.WaitGroup
	all.Go(func() { _ = g.Run(ctx) })
	all.Go(func() { _ = s.Run(ctx) })
	server := httptest.NewServer(g)
	b.Cleanup(func() {
		server.Close()
		stop()
		all.Wait()
		_ = s.Close()
	})
	if err := g.Interrupt(Interruption{ID: "one", Flows: []string{"messenger"}, Lapses: time.Now().Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	return server.Listener.Addr().String()
}
