package spool

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// memory is a journal that ends with the process.
type memory struct {
	mu      sync.Mutex
	first   Position // of the first record in records, which follow one another without a gap
	records [][]byte
	bytes   int64
}

// NewMemory makes a journal in memory, for tests: it is durable as long as the process.
func NewMemory() Journal { return &memory{first: 1} }

func (m *memory) Append(_ context.Context, records [][]byte) ([]Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := make([]Position, 0, len(records))
	for _, data := range records {
		at = append(at, m.first+Position(len(m.records)))
		m.records = append(m.records, slices.Clone(data))
		m.bytes += int64(len(data))
	}
	return at, nil
}

func (m *memory) Read(_ context.Context, at Position) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := at - m.first; i >= 0 && i < Position(len(m.records)) {
		return m.records[i], nil
	}
	return nil, fmt.Errorf("no record at %d", at)
}

func (m *memory) Scan(_ context.Context, from Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			m.mu.Lock()
			from = max(from, m.first)
			i := from - m.first
			if i >= Position(len(m.records)) {
				m.mu.Unlock()
				return
			}
			r := Record{At: from, Data: m.records[i]}
			m.mu.Unlock()
			if !yield(r, nil) {
				return
			}
			from++
		}
	}
}

func (m *memory) Forget(_ context.Context, before Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(max(before-m.first, 0), Position(len(m.records)))
	for _, data := range m.records[:n] {
		m.bytes -= int64(len(data))
	}
	m.records = slices.Delete(m.records, 0, int(n))
	m.first += n
	return nil
}

func (m *memory) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Usage{First: m.first, End: m.first + Position(len(m.records)), Bytes: m.bytes}
}
