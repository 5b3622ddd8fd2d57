package spool

import (
	"context"
	"iter"
)

// Position is a place in a journal. Later records have higher ones; the first is above 0.
type Position int64

// Record is one record of a journal, and where it stands.
type Record struct {
	At   Position
	Data []byte
}

// Journal is a sequence of durable records. Append is called by one goroutine at a time, everything else by many.
//
// [OpenFiles] is one on the machine's own disk; package jetstream has one on several machines.
type Journal interface {
	// Append adds records at the end and returns their positions once all of them are durable: no failure of the power takes
	// them away. After an error none of them counts, and none is seen by Scan, now or later, unless the process
	// ends before the journal could make sure of that. [ErrFull] is that there is no room.
	Append(ctx context.Context, records [][]byte) ([]Position, error)
	// Read gives the record at a position that Append or Scan gave.
	Read(ctx context.Context, at Position) ([]byte, error)
	// Scan goes through the records from a position on, in order, until the end that it finds.
	Scan(ctx context.Context, from Position) iter.Seq2[Record, error]
	// Forget says that the records before a position are not needed any more. Some of them may be seen again.
	Forget(ctx context.Context, before Position) error
	// Usage is what is kept.
	Usage() Usage
}

// Usage is how much a journal keeps.
type Usage struct {
	// First is the position of the first record that is kept, and End where the next one will stand, or below that.
	First, End Position
	// Bytes are those that are taken where it is kept.
	Bytes int64
}
