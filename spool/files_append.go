package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
)

const (
	// reserveSize is how much of a file is filled with zeros ahead of what is appended: a sync that has no new size to write is
	// about twice as fast. Where much is appended at once the zeros would cost more than they spare.
	reserveSize = 256 << 10
	smallAppend = reserveSize / 8
	// pieceSize is how much is written at once, where an Append is larger.
	pieceSize = 4 << 20
)

// Append adds records at the end and returns their positions once all of them are durable. See [Journal].
func (f *Files) Append(ctx context.Context, records [][]byte) ([]Position, error) {
	f.appending.Lock()
	defer f.appending.Unlock()
	if len(records) == 0 {
		return nil, nil
	}
	positions, err := f.append(ctx, records)
	if err != nil {
		return nil, fmt.Errorf("append to the journal: %w", err)
	}
	return positions, nil
}

func (f *Files) append(ctx context.Context, records [][]byte) ([]Position, error) {
	var size int64
	for _, r := range records {
		size += frameSize + int64(len(r))
	}
	f.mu.RLock()
	closed := f.closed
	f.mu.RUnlock()
	switch {
	case closed:
		return nil, ErrClosed
	case f.broken != nil:
		return nil, f.broken
	case size > largestAppend:
		return nil, fmt.Errorf("%w: %d bytes at once, at most %d can be", ErrTooLarge, size, largestAppend)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	if err := f.makeRoom(size); err != nil {
		return nil, full(err)
	}
	positions, err := f.write(records)
	if err != nil {
		return nil, full(f.retreat(err))
	}
	end := f.end + Position(size)
	taken := f.reserve(end)
	if err := f.writer.Sync(); err != nil {
		return nil, full(f.abandon(err))
	}
	f.mu.Lock()
	f.end, f.taken = end, taken
	f.mu.Unlock()
	return positions, nil
}

// full calls an error by the spool's name if it is that the disk, or this user's part of it, has no room.
func full(err error) error {
	if noRoom(err) && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// makeRoom sees to it that there is a segment to write to. A segment takes one Append, whatever its size.
func (f *Files) makeRoom(size int64) error {
	if f.writer != nil && (f.end == f.last+headerSize || int64(f.end-f.last)+size <= f.segment) {
		return nil
	}
	return f.begin()
}

// write puts records where the journal ends. Most often it is one write; what is large goes by itself rather than be copied.
func (f *Files) write(records [][]byte) ([]Position, error) {
	positions := make([]Position, 0, len(records))
	f.buffer = f.buffer[:0]
	at, written := f.end, f.end
	flush := func(b []byte) error {
		_, err := f.writer.WriteAt(b, int64(written-f.last))
		written += Position(len(b))
		return err
	}
	for _, r := range records {
		head := f.id.frame(at, f.end, r)
		positions = append(positions, at)
		at += frameSize + Position(len(r))
		f.buffer = append(f.buffer, head[:]...)
		if len(f.buffer)+len(r) <= pieceSize {
			f.buffer = append(f.buffer, r...)
			continue
		}
		if err := flush(f.buffer); err != nil {
			return nil, err
		}
		f.buffer = f.buffer[:0]
		if err := flush(r); err != nil {
			return nil, err
		}
	}
	if len(f.buffer) == 0 {
		return positions, nil
	}
	return positions, flush(f.buffer)
}

var zeros [reserveSize]byte

// reserve fills the file with zeros behind what was appended, once what was filled before is used up, and gives up to where
// it is filled. It is not needed: without room for it there is none.
func (f *Files) reserve(end Position) Position {
	if end <= f.taken {
		return f.taken
	}
	room := min(reserveSize, int64(f.last-end)+f.segment)
	if f.crowded || room <= 0 || end-f.end > smallAppend {
		return end
	}
	if _, err := f.writer.WriteAt(zeros[:room], int64(end-f.last)); err != nil {
		f.crowded = true
		_ = f.writer.Truncate(int64(end - f.last)) // they are zeros, wherever they end
		return end
	}
	return end + Position(room)
}

// retreat cuts off what a write that failed has left. It gives the reason for what is answered.
func (f *Files) retreat(cause error) error {
	err := f.writer.Truncate(int64(f.end - f.last))
	if err == nil {
		f.mu.Lock()
		f.taken = f.end
		f.mu.Unlock()
		err = f.writer.Sync()
	}
	if err != nil {
		return f.abandon(errors.Join(cause, err))
	}
	return cause
}

// abandon ends the last segment where it was durable last, and begins the next one there. What is behind that in its file
// does not count any more once the next one is durable, whether it can be cut off or not. It gives the reason for what is
// answered.
func (f *Files) abandon(cause error) error {
	name := segmentName(f.last)
	f.log.Error("the disk failed; the journal goes on in a new file", "file", name, "end", f.end, "error", cause)
	_ = f.writer.Truncate(int64(f.end - f.last))
	_ = f.writer.Close()
	f.writer = nil
	f.readers.forget(f.last)
	if err := f.reread(); err != nil {
		return f.breakDown(errors.Join(cause, err))
	}
	if err := f.begin(); err != nil {
		return errors.Join(cause, err) // the next Append tries again, and is not durable before that
	}
	return cause
}

// breakDown ends appending for good.
func (f *Files) breakDown(cause error) error {
	f.broken = fmt.Errorf("%w: the disk failed, and has to be looked at before the journal is opened again: %w", ErrClosed, cause)
	f.log.Error("the journal is broken; nothing more is accepted", "error", cause)
	return f.broken
}

// reread makes sure that all that is durable in the last segment can be read.
func (f *Files) reread() error {
	r, err := f.readers.borrow(f.last)
	if err != nil {
		return err
	}
	defer f.readers.giveBack(r)
	w := newWalker(f.id, f.last, f.end, r)
	for at := f.last + headerSize; at < f.end; {
		head, _, ok := w.next(at, false)
		if !ok || (head.at != at && !f.known(at, head.at)) {
			return errors.Join(fmt.Errorf("what was durable cannot be read from %d on: %w", at, ErrDamaged), w.lens.unreadable)
		}
		at = head.end()
	}
	return nil
}

// begin makes the segment that begins where the journal ends, and leaves the last one. It is used only once its name is
// durable. A segment of which it is not known whether it has its name would end the one before it while that goes on: so then
// the journal is broken. After any other error nothing has changed.
func (f *Files) begin() error {
	name := segmentName(f.end)
	file, err := f.prepare(name + halfSuffix)
	if err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	err = f.disk.Rename(name+halfSuffix, name)
	if noRoom(err) {
		_ = file.Close()
		return fmt.Errorf("begin %s: %w", name, err)
	}
	if err == nil {
		err = f.disk.Sync()
	}
	if err != nil {
		_ = file.Close()
		return f.breakDown(fmt.Errorf("begin %s: %w", name, err))
	}
	if err := f.seal(); err != nil {
		f.log.Warn("a file of the journal that is full is not closed as it should be", "error", err)
	}
	f.writer, f.last, f.crowded = file, f.end, false
	f.mu.Lock()
	defer f.mu.Unlock()
	f.segments = append(slices.Clone(f.segments), f.end)
	f.end += headerSize
	f.taken = f.end
	return nil
}

// prepare makes a file with a durable header, in the place of one that an earlier attempt has left.
func (f *Files) prepare(name string) (DiskFile, error) {
	_ = f.disk.Remove(name)
	file, err := f.disk.Open(name, true)
	if err != nil {
		return nil, err
	}
	if _, err = file.WriteAt(f.id.header(f.end), 0); err == nil {
		err = file.Sync()
	}
	if err != nil {
		_ = file.Close()
		_ = f.disk.Remove(name)
		return nil, err
	}
	return file, nil
}

// seal closes the last segment. What it has reserved is given back, and does no harm if it is not.
func (f *Files) seal() error {
	if f.writer == nil {
		return nil
	}
	err := errors.Join(f.writer.Truncate(int64(f.end-f.last)), f.writer.Close())
	f.writer = nil
	return err
}
