package spool

import "sync"

// mostReaders is how many segments are open for reading while nobody reads them.
const mostReaders = 8

// segmentReaders are the files that are open for reading. They stay open for a while, for who reads a record mostly reads others of
// the same file.
type segmentReaders struct {
	disk Disk

	mu   sync.Mutex
	open map[Position]*segmentReader
	turn int64
}

// segmentReader is a file that several read at once.
type segmentReader struct {
	DiskFile
	users int
	last  int64
	// stale is that it is not among those that are open any more: it is closed once nobody reads it.
	stale bool
}

// borrow gives the file of a segment; it has to be given back.
func (r *segmentReaders) borrow(start Position) (*segmentReader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.open[start]
	if f == nil {
		file, err := r.disk.Open(segmentName(start), false)
		if err != nil {
			return nil, err
		}
		f = &segmentReader{DiskFile: file}
		r.open[start] = f
	}
	r.turn++
	f.last = r.turn
	f.users++
	return f, nil
}

func (r *segmentReaders) giveBack(f *segmentReader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.users--
	if f.stale && f.users == 0 {
		_ = f.Close() // nothing was written to it
	}
	for len(r.open) > mostReaders && r.dropOldest() {
	}
}

// dropOldest closes the file that was not read for longest, if there is one that is not being read.
func (r *segmentReaders) dropOldest() bool {
	var oldest Position
	for start, f := range r.open {
		if f.users == 0 && (oldest == 0 || f.last < r.open[oldest].last) {
			oldest = start
		}
	}
	if oldest == 0 {
		return false
	}
	r.drop(oldest)
	return true
}

// forget lets go of the file of a segment.
func (r *segmentReaders) forget(start Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(start)
}

func (r *segmentReaders) drop(start Position) {
	f := r.open[start]
	if f == nil {
		return
	}
	delete(r.open, start)
	f.stale = true
	if f.users == 0 {
		_ = f.Close() // nothing was written to it
	}
}

func (r *segmentReaders) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for start := range r.open {
		r.drop(start)
	}
}
