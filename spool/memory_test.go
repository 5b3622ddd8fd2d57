package spool

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"testing"
)

// bottomless is a journal that keeps nothing, so that only the spool's own memory is seen.
type bottomless struct {
	mu  sync.Mutex
	end Position
}

func (b *bottomless) Append(_ context.Context, records [][]byte) ([]Position, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := make([]Position, len(records))
	for i := range at {
		b.end++
		at[i] = b.end
	}
	return at, nil
}

func (b *bottomless) Read(context.Context, Position) ([]byte, error) { panic("nothing is kept") }

func (b *bottomless) Scan(context.Context, Position) iter.Seq2[Record, error] {
	return func(func(Record, error) bool) {}
}

func (b *bottomless) Forget(context.Context, Position) error { return nil }

func (b *bottomless) Usage() Usage {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Usage{First: 1, End: b.end + 1}
}

// heap is what is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestMemoryDoesNotGrowWithWhatWaits(t *testing.T) {
	const many, most = 100_000, 32 << 20
	if testing.Short() {
		t.Skip("100,000 entries take a while")
	}
	r := rigged(t, &bottomless{}, nil)
	before := heap()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for range many / 100 {
				r.accept(Entry{Lane: "lane", About: "from somebody to somebody else", Body: make([]byte, 100)})
			}
		})
	}
	all.Wait()
	if grown := heap() - before; grown > most {
		t.Errorf("got %d bytes more with %d entries waiting, want less than %d", grown, many, most)
	}
	if n := r.figures(); n.Waiting != many {
		t.Errorf("got %d that wait, want %d", n.Waiting, many)
	}
}
