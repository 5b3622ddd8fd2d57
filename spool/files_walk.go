package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

const (
	lensSize  = 256 << 10 // how much is read at once
	blockSize = 4 << 10   // what is read by itself where more cannot be
)

// lens shows the bytes of a file, reading ahead. What the disk does not give it shows as zeros, and keeps the reason.
type lens struct {
	file       io.ReaderAt
	limit      int64 // what is behind it is not looked at
	at         int64 // of buf
	buf        []byte
	space      []byte
	unreadable error
}

// look gives n bytes, or as many as there are before the limit. They hold until it is called again; n is at most lensSize.
func (l *lens) look(at int64, n int) []byte {
	if left := l.limit - at; int64(n) > left {
		n = int(max(left, 0))
	}
	if n == 0 {
		return nil
	}
	if at < l.at || at+int64(n) > l.at+int64(len(l.buf)) {
		l.fill(at)
		n = min(n, len(l.buf))
	}
	return l.buf[at-l.at:][:n]
}

func (l *lens) fill(at int64) {
	want := int(min(lensSize, l.limit-at))
	if cap(l.space) < want {
		l.space = make([]byte, want)
	}
	l.at, l.buf = at, l.space[:want]
	n, err := l.file.ReadAt(l.buf, at)
	if n < want && err != nil && !errors.Is(err, io.EOF) {
		l.unreadable = err
		n = l.fillBlocks()
	}
	if n < want { // the file is shorter than it should be
		l.buf, l.limit = l.buf[:n], at+int64(n)
	}
}

// fillBlocks reads what can be read, block by block, and gives how much there is up to the end of the file.
func (l *lens) fillBlocks() int {
	clear(l.buf)
	for from := 0; from < len(l.buf); {
		at := l.at + int64(from)
		to := min(len(l.buf), from+int(blockSize-at%blockSize))
		n, err := l.file.ReadAt(l.buf[from:to], at)
		if n < to-from {
			if errors.Is(err, io.EOF) {
				return from + n
			}
			clear(l.buf[from:to])
		}
		from = to
	}
	return len(l.buf)
}

// walker goes from frame to frame through a segment, and finds the next one again where one is damaged.
type walker struct {
	id    identity
	start Position
	lens  lens
}

// newWalker goes through a segment up to a position.
func newWalker(id identity, start, limit Position, file io.ReaderAt) *walker {
	return &walker{id: id, start: start, lens: lens{file: file, limit: int64(limit - start)}}
}

func (w *walker) limit() Position { return w.start + Position(w.lens.limit) }

// next gives the first whole frame at or after a position, which has to be behind the header. With keep it gives its data too.
func (w *walker) next(at Position, keep bool) (f frame, data []byte, ok bool) {
	if f, data, ok = w.whole(at, keep); ok {
		return f, data, true
	}
	for at++; ; {
		b := w.lens.look(int64(at-w.start), lensSize)
		if len(b) < frameSize {
			return frame{}, nil, false
		}
		i := w.findMark(b, at)
		at += Position(i)
		if i+frameSize > len(b) {
			continue
		}
		if f, data, ok = w.whole(at, keep); ok {
			return f, data, true
		}
		at++
	}
}

// findMark gives how far into the bytes at a position the next mark is, or else how far a frame could not be missed.
func (w *walker) findMark(b []byte, at Position) int {
	i := 0
	for ; i+frameSize <= len(b); i++ {
		if binary.LittleEndian.Uint64(b[i:]) == w.id.mark(at+Position(i)) {
			return i
		}
	}
	return i
}

// whole gives the frame at a position, if it is there and its data is what it was.
func (w *walker) whole(at Position, keep bool) (f frame, data []byte, ok bool) {
	f, ok = w.id.parseFrame(w.lens.look(int64(at-w.start), frameSize), at)
	if !ok || f.end() > w.limit() {
		return frame{}, nil, false
	}
	if keep {
		data = make([]byte, 0, f.length)
	}
	sum, ok := w.sum(f.seed, f.data(), f.length, func(b []byte) {
		if keep {
			data = append(data, b...)
		}
	})
	return f, data, ok && sum == f.sum
}

// sum goes on with a sum over what is at a position; ok is false when the file ends before. each sees all of it.
func (w *walker) sum(sum uint32, at Position, length int64, each func([]byte)) (_ uint32, ok bool) {
	for off := int64(at - w.start); length > 0; {
		b := w.lens.look(off, int(min(length, lensSize)))
		if len(b) == 0 {
			return 0, false
		}
		sum = crc32.Update(sum, frameTable, b)
		each(b)
		off, length = off+int64(len(b)), length-int64(len(b))
	}
	return sum, true
}

// blank reports whether there is nothing but zeros from a position on.
func (w *walker) blank(at Position) bool {
	for off := int64(at - w.start); ; {
		b := w.lens.look(off, lensSize)
		if len(b) == 0 {
			return true
		}
		for _, c := range b {
			if c != 0 {
				return false
			}
		}
		off += int64(len(b))
	}
}
