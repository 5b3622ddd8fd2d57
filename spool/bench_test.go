package spool_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"example.org/interlude/spool"
)

// taker takes everything, and closes done when it has as many as it wants.
type taker struct {
	left atomic.Int64
	done chan struct{}
}

func (k *taker) Deliver(context.Context, spool.Entry) spool.Outcome {
	if k.left.Add(-1) == 0 {
		close(k.done)
	}
	return spool.Outcome{Result: spool.Taken}
}

// benched is a spool on files that runs until the benchmark ends.
func benched(b *testing.B, courier spool.Courier) *spool.Spool {
	dir := b.TempDir()
	journal, err := spool.OpenFiles(filepath.Join(dir, "journal"), spool.FilesOptions{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := spool.Open(b.Context(), spool.Config{
		Journal: journal, Index: filepath.Join(dir, "index"),
		Flows: map[string]spool.Flow{"in": {Courier: courier, From: 1_000_000, InFlight: 128}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		for _, err := range []error{<-ended, s.Close(), journal.Close()} {
			if err != nil {
				b.Error(err)
			}
		}
	})
	return s
}

// accept accepts n entries from many sides.
func accept(b *testing.B, s *spool.Spool, size, sessions int) {
	b.SetParallelism(sessions)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		body := make([]byte, size)
		for pb.Next() {
			e := spool.Entry{Flow: "in", Lane: fmt.Sprint(n.Add(1) % 1000), About: "from a@example.com to b@example.org", Body: body}
			if _, err := s.Accept(b.Context(), e); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 64 << 10} {
		for _, sessions := range []int{10, 50} {
			b.Run(fmt.Sprintf("%dKB/%dsessions", size>>10, 2*sessions), func(b *testing.B) {
				s := benched(b, &taker{})
				b.SetBytes(int64(size))
				b.ResetTimer()
				accept(b, s, size, sessions)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	}
}

func BenchmarkDrain(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			k := &taker{done: make(chan struct{})}
			k.left.Store(int64(b.N))
			s := benched(b, k)
			accept(b, s, size, 50)
			b.ResetTimer()
			s.Release("in")
			<-k.done
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
