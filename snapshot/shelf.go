package snapshot

import "sync"

// Shelf keeps snapshots that are made when first asked for. One that is asked for by many at once is made once.
type Shelf struct {
	// Most bounds how many are kept.
	Most int

	mu   sync.Mutex
	kept map[string]*slot
}

// slot is one snapshot, in the form that its stamp names.
type slot struct {
	stamp Stamp
	once  sync.Once
	made  *Snapshot
	err   error
}

// Stamp says what a snapshot was made from: it is good as long as these stay. They are numbers, so that a snapshot
// that is kept keeps nothing else.
type Stamp struct {
	// Event and Frame are points of the feed, Edition counts what a renderer brought out.
	Event, Frame int64
	Edition      int64
}

// Len is how many snapshots are kept.
func (s *Shelf) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

// Get returns the snapshot of a name as of a stamp, made by f if need be.
func (s *Shelf) Get(name string, as Stamp, f func() (*Snapshot, error)) (*Snapshot, error) {
	s.mu.Lock()
	kept, ok := s.kept[name]
	if !ok || kept.stamp != as {
		kept = &slot{stamp: as}
		if s.kept == nil {
			s.kept = make(map[string]*slot)
		}
		for other := range s.kept {
			if len(s.kept) < s.Most {
				break
			}
			delete(s.kept, other) // any one: what is read often is soon back
		}
		s.kept[name] = kept
	}
	s.mu.Unlock()
	kept.once.Do(func() { kept.made, kept.err = f() })
	return kept.made, kept.err
}
