package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"sync"
)

// FilesOptions are how [Files] works. The zero value is good.
type FilesOptions struct {
	// Segment is how large a file grows before the next one begins; 0 is 64 MiB. What is appended at once is in one file,
	// however large it is.
	Segment int64
	// Disk stands in for the directory, in tests; nil is the directory itself.
	Disk Disk
	// Log is told of what was damaged, and of a disk that fails; nil is silent.
	Log *slog.Logger
}

// Files is a [Journal] on the machine's own disk: a directory of segments, of which only the last is written to.
//
// An Append is one write and one sync. If the disk refuses the write, what got there is cut off again. If the sync fails,
// nothing in that file can be believed from there on, for the system may have dropped what it could not write and will say
// of the next sync that all is well: so the segment ends where it was durable last, and the next one begins there. Only when
// the directory itself cannot be synced, or what was durable cannot be read any more, is the journal broken: then Append
// answers [ErrClosed], and the reason, until it is opened again.
//
// [OpenFiles] reads all of it. What is unfinished at its end is cut off. What is damaged before that is never dropped in
// silence: the records behind it are found again, it is logged and in [Files.Damage], and its file is kept under another name
// when it would be forgotten. A process that has the journal keeps others out.
type Files struct {
	disk    Disk
	release func() // gives the directory back
	log     *slog.Logger
	segment int64
	id      identity
	readers segmentReaders

	appending sync.Mutex // for all that is written
	writer    DiskFile   // the last segment; nil when the next Append has to begin one
	last      Position   // where the last segment begins
	crowded   bool       // the disk had no room for zeros
	buffer    []byte
	broken    error // why nothing can be appended any more

	forgetting sync.Mutex
	unsynced   bool // whether files may be there again after the power failed

	mu       sync.RWMutex
	segments []Position // where they begin, in order; a change makes a new slice
	kept     Position   // what is before it is forgotten, whether its files are there or not
	end      Position   // where the next frame will be
	taken    Position   // end, or behind it as far as the file is filled with zeros
	damage   []Damage
	closed   bool
}

// Damage is a span of a journal that could not be read when it was opened.
type Damage struct {
	From, To Position
	// File is where it is.
	File string
	// Unfinished says that it belongs to the last Append before the journal was opened, of which something behind it is there:
	// the power failed before that had been acknowledged, or else the disk lost something since.
	Unfinished bool
}

// OpenFiles opens the journal in a directory, which is made if there is none.
func OpenFiles(dir string, o FilesOptions) (*Files, error) {
	f := &Files{disk: o.Disk, release: func() {}, log: o.Log, segment: o.Segment, end: firstSegment}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.segment <= 0 {
		f.segment = 64 << 20
	}
	if f.disk == nil {
		disk, err := openRootDisk(dir)
		if err != nil {
			return nil, fmt.Errorf("open the journal: %w", err)
		}
		f.disk, f.release = disk, disk.close
	}
	f.readers = segmentReaders{disk: f.disk, open: make(map[Position]*segmentReader)}
	if err := f.recover(); err != nil {
		f.readers.close()
		f.release()
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return f, nil
}

// Close gives the journal back. What was appended is durable without it.
func (f *Files) Close() error {
	f.appending.Lock()
	defer f.appending.Unlock()
	f.forgetting.Lock()
	defer f.forgetting.Unlock()
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	if closed {
		return nil
	}
	err := f.seal()
	f.readers.close()
	f.release()
	if err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

// Usage is what is kept.
func (f *Files) Usage() Usage {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if len(f.segments) == 0 {
		return Usage{First: f.end, End: f.end}
	}
	return Usage{First: min(max(f.segments[0], f.kept)+headerSize, f.end), End: f.end, Bytes: int64(f.taken - f.segments[0])}
}

// Damage gives the spans that could not be read when the journal was opened, in order, until they are forgotten.
func (f *Files) Damage() []Damage {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Clone(f.damage)
}

// Free gives how many bytes are free on the disk.
func (f *Files) Free() (int64, error) {
	disk, ok := f.disk.(*rootDisk)
	if !ok {
		return math.MaxInt64, nil
	}
	n, err := freeBytes(disk.dir)
	if err != nil {
		return 0, fmt.Errorf("ask for the room on the journal's disk: %w", err)
	}
	return n, nil
}

// Forget deletes the segments that end before a position, but never the last one. Damaged ones are kept for people.
func (f *Files) Forget(ctx context.Context, before Position) error {
	f.forgetting.Lock()
	defer f.forgetting.Unlock()
	for {
		s, damaged, err := f.condemn(before)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && f.unsynced {
			err = f.syncNames()
		}
		if err == nil && s != 0 {
			err = f.discard(s, damaged)
		}
		if err != nil {
			return fmt.Errorf("forget what is before %d: %w", before, err)
		}
		if s == 0 {
			return nil
		}
	}
}

// condemn gives the first segment if all of it is before a position, and whether it has to be kept for people. From then on
// nobody reads it. It gives 0 if there is none.
func (f *Files) condemn(before Position) (s Position, damaged bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, false, ErrClosed
	}
	if len(f.segments) < 2 || f.segments[1] > before {
		return 0, false, nil
	}
	f.kept = f.segments[1]
	for _, d := range f.damage {
		damaged = damaged || d.From < f.kept && !d.Unfinished
	}
	return f.segments[0], damaged, nil
}

// discard deletes the file of the first segment, or gives it another name. The directory is synced after each, so that no
// failure of the power undoes one and not the next: that would look like a file that has been lost.
func (f *Files) discard(s Position, damaged bool) error {
	f.readers.forget(s)       // some systems delete no file that is open
	defer f.readers.forget(s) // somebody may have opened it since
	name := segmentName(s)
	var err error
	if damaged {
		f.log.Warn("a damaged file of the journal is not needed any more; it is kept for people", "file", name+asideSuffix)
		err = f.disk.Rename(name, name+asideSuffix)
	} else {
		err = f.disk.Remove(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.mu.Lock()
	f.segments = slices.Clone(f.segments[1:])
	f.damage = slices.DeleteFunc(slices.Clone(f.damage), func(d Damage) bool { return d.From < f.kept })
	f.mu.Unlock()
	return f.syncNames()
}

func (f *Files) syncNames() error {
	err := f.disk.Sync()
	f.unsynced = err != nil
	return err
}
