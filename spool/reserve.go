package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Reserve is room on a disk that is given up when the disk is full.
//
// A spool on a disk without any room could not even write what was delivered, and so would never get rid of anything. The reserve
// is a file beside the journal: when it is given up, what waits can be handed over and forgotten, which makes room.
// Until the reserve is there again, [Reserve.Free] says that there is no room, so that nothing more is accepted.
type Reserve struct {
	path string
	size int64

	mu    sync.Mutex
	there bool
}

// Bounds of a reserve: an eighth of what is free when it is made, within these.
const (
	largestReserve  = 32 << 20
	smallestReserve = 256 << 10
)

const reserveName = "reserve"

// OpenReserve makes the reserve of a directory, or finds the one that is there. Without room there is none until there is.
func OpenReserve(dir string) (*Reserve, error) {
	r := &Reserve{path: filepath.Join(dir, reserveName)}
	info, err := os.Stat(r.path)
	switch {
	case err == nil && info.Size() >= smallestReserve:
		r.size, r.there = info.Size(), true
		return r, nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("open the reserve: %w", err)
	}
	free, err := r.ask()
	if err != nil {
		return nil, err
	}
	r.size = min(max(free/8, smallestReserve), largestReserve)
	r.there = r.fill()
	return r, nil
}

// Free is how much room there is for more, the reserve left aside: none while that is used up. It is for [Config.Free].
func (r *Reserve) Free() (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	free, err := r.ask()
	if err != nil {
		return 0, err
	}
	if r.there {
		return free, nil
	}
	if free < 2*r.size {
		return 0, nil
	}
	if r.there = r.fill(); !r.there {
		return 0, nil
	}
	return free - r.size, nil
}

// Relieve gives the reserve up, and reports whether there was one. It is for [Config.Relieve].
func (r *Reserve) Relieve() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.there
	r.there = false
	return was && os.Remove(r.path) == nil
}

func (r *Reserve) ask() (int64, error) {
	dir, err := os.Open(filepath.Dir(r.path))
	if err != nil {
		return 0, fmt.Errorf("ask for the room on the spool's disk: %w", err)
	}
	defer dir.Close()
	free, err := freeBytes(dir)
	if err != nil {
		return 0, fmt.Errorf("ask for the room on the spool's disk: %w", err)
	}
	return free, nil
}

// fill writes the file, and reports whether all of it is there. Its blocks are written, for a hole would keep no room.
func (r *Reserve) fill() bool {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return false
	}
	block := make([]byte, 64<<10)
	for left := r.size; left > 0 && err == nil; left -= int64(len(block)) {
		_, err = f.Write(block[:min(left, int64(len(block)))])
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(r.path) // a part of it would only take room
	}
	return err == nil
}
