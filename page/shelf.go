package page

import "sync"

// mostKept bounds the pages kept besides the index.
const mostKept = 512

// shelf keeps pages that are made when first asked for. A page asked for by many at once is made once.
type shelf struct {
	mu    sync.Mutex
	most  int
	pages map[string]*slot
}

// slot is one page, in the form that its key stamp names.
type slot struct {
	stamp stamp
	once  sync.Once
	page  *document
	err   error
}

// stamp says what a page was made from: it is good as long as these stay. They are numbers, so that a page that is
// kept keeps nothing else.
type stamp struct {
	event, frame int64 // points of the feed
	edition      int64 // its number
}

// get returns the page at a path as of a stamp, made by f if need be.
func (s *shelf) get(path string, as stamp, f func() ([]byte, error)) (*document, error) {
	s.mu.Lock()
	kept, ok := s.pages[path]
	if !ok || kept.stamp != as {
		kept = &slot{stamp: as}
		if s.pages == nil {
			s.pages = make(map[string]*slot)
		}
		for other := range s.pages {
			if len(s.pages) < s.most {
				break
			}
			delete(s.pages, other) // any one: a page that is read often is soon back
		}
		s.pages[path] = kept
	}
	s.mu.Unlock()
	kept.once.Do(func() {
		html, err := f()
		if err != nil {
			kept.err = err
			return
		}
		kept.page = newDocument(html, "text/html; charset=utf-8")
	})
	return kept.page, kept.err
}
