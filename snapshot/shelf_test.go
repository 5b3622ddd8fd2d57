package snapshot

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestAPageIsMadeOnceAndAgainWhenItsStampChanges(t *testing.T) {
	s := Shelf{Most: 4}
	var made atomic.Int64
	get := func(path string, as Stamp) *Snapshot {
		d, err := s.Get(path, as, func() (*Snapshot, error) {
			made.Add(1)
			return New([]byte(path), "text/plain"), nil
		})
		if err != nil {
			t.Error(err)
		}
		return d
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { get("/incidents/a", Stamp{Event: 1}) })
	}
	all.Wait()
	if got := made.Load(); got != 1 {
		t.Errorf("got the page made %d times for fifty readers, want once", got)
	}
	if first, second := get("/incidents/a", Stamp{Event: 1}), get("/incidents/a", Stamp{Event: 2}); first == second {
		t.Error("got the old page for a new stamp, want it made again")
	}
	for _, path := range []string{"/b", "/c", "/d", "/e", "/f"} {
		get(path, Stamp{})
	}
	if len(s.kept) > 4 {
		t.Errorf("got %d pages kept, want at most 4", len(s.kept))
	}
}
