package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sort"
)

// ErrDamaged is that a record is not what it was when it was appended, or that there never was one at its position.
var ErrDamaged = errors.New("no whole record is there")

// firstRead is how much is read of a record before its length is known.
const firstRead = 8 << 10

// Read gives the record at a position that Append or Scan gave. [ErrNotFound] is that it is forgotten, or not appended yet.
func (f *Files) Read(ctx context.Context, at Position) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, limit, err := f.find(at)
	if err != nil {
		return nil, fmt.Errorf("read the record at %d: %w", at, err)
	}
	data, err := f.readFrom(s, at, limit)
	if err != nil {
		if f.forgotten(s) {
			err = ErrNotFound
		}
		return nil, fmt.Errorf("read the record at %d: %w", at, err)
	}
	return data, nil
}

// find gives the segment with a position, and where it ends.
func (f *Files) find(at Position) (s Position, limit Position, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return 0, 0, ErrClosed
	}
	i := sort.Search(len(f.segments), func(i int) bool { return f.segments[i] > at }) - 1
	if i < 0 || at < f.kept || at >= f.end {
		return 0, 0, ErrNotFound
	}
	return f.segments[i], f.limit(i), nil
}

// limit is where a segment ends; f.mu is held.
func (f *Files) limit(i int) Position {
	if i+1 < len(f.segments) {
		return f.segments[i+1]
	}
	return f.end
}

// forgotten reports whether a segment is not kept any more.
func (f *Files) forgotten(s Position) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return s < f.kept
}

func (f *Files) readFrom(s Position, at, limit Position) ([]byte, error) {
	r, err := f.readers.borrow(s)
	if err != nil {
		return nil, err
	}
	defer f.readers.giveBack(r)
	b := make([]byte, min(firstRead, limit-at))
	if _, err := r.ReadAt(b, int64(at-s)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head, ok := f.id.parseFrame(b, at)
	if !ok || head.void || head.end() > limit {
		return nil, ErrDamaged
	}
	b = b[frameSize:]
	if have := int64(len(b)); have < head.length {
		whole := make([]byte, head.length)
		copy(whole, b)
		if _, err := r.ReadAt(whole[have:], int64(at-s)+frameSize+have); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		b = whole
	}
	if b = b[:head.length:head.length]; !head.whole(b) {
		return nil, ErrDamaged
	}
	return b, nil
}

// Scan goes through the records from a position on, in order, until the end that it finds. What was found damaged when the
// journal was opened is passed over; what is damaged since then ends it with [ErrDamaged]. What is forgotten meanwhile
// is passed over too.
func (f *Files) Scan(ctx context.Context, from Position) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f.mu.RLock()
		segments, end, closed := f.segments, f.end, f.closed
		from := max(from, f.kept)
		f.mu.RUnlock()
		if closed {
			yield(Record{}, fmt.Errorf("scan the journal: %w", ErrClosed))
			return
		}
		for i, s := range segments {
			limit := end
			if i+1 < len(segments) {
				limit = segments[i+1]
			}
			if limit <= from {
				continue
			}
			goOn, err := f.scan(ctx, s, limit, from, yield)
			if err != nil && !f.forgotten(s) {
				yield(Record{}, fmt.Errorf("scan the journal: %w", err))
				return
			}
			if !goOn && err == nil {
				return
			}
		}
	}
}

// scan goes through one segment, and reports whether to go on with the next.
func (f *Files) scan(ctx context.Context, start, limit, from Position, yield func(Record, error) bool) (bool, error) {
	r, err := f.readers.borrow(start)
	if err != nil {
		return false, err
	}
	defer f.readers.giveBack(r)
	w := newWalker(f.id, start, limit, r)
	at := start + headerSize
	if _, _, ok := w.whole(max(at, from), false); ok {
		at = max(at, from)
	}
	for at < limit {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		head, data, ok := w.next(at, true)
		next := limit
		if ok {
			next = head.at
		}
		if next != at && !f.known(at, next) {
			return false, errors.Join(fmt.Errorf("from %d to %d: %w", at, next, ErrDamaged), w.lens.unreadable)
		}
		if !ok {
			break
		}
		at = head.end()
		if head.at >= from && !head.void && !yield(Record{At: head.at, Data: data}, nil) {
			return false, nil
		}
	}
	return true, nil
}

// known reports whether a span was found damaged when the journal was opened.
func (f *Files) known(from, to Position) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, d := range f.damage {
		if d.From <= from && to <= d.To {
			return true
		}
	}
	return false
}
