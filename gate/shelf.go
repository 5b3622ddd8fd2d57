package gate

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"example.org/interlude/api"
)

// shelf keeps what was measured, in numbered batches, until the server has it. One takes away while another puts.
type shelf interface {
	// put makes a batch of a part. After an error the shelf is as it was.
	put(part tally) error
	// oldest gives the batch that has to be sent first, and false when there is none.
	oldest() (api.OutcomeBatch, bool)
	// done forgets the batch that oldest gave: the server has it.
	done()
	// refused sets it aside: the server will never take it.
	refused()
}

// bounds are how much a shelf takes before what is new is added to its newest batch instead of becoming one.
type bounds struct {
	batches int
	bytes   int64
}

var (
	diskBounds   = bounds{10_000, 64 << 20}
	memoryBounds = bounds{batches: 100}
)

// newEpoch names the batches of one process. It begins with the time, so that names sort by it.
func newEpoch(now time.Time) string {
	return now.UTC().Format("20060102T150405Z") + "-" + rand.Text()[:16]
}

// memoryShelf keeps batches for as long as the process lives.
type memoryShelf struct {
	most   bounds
	epoch  string
	mu     sync.Mutex
	number int64
	parts  []tally // the last has the number
}

func newMemoryShelf(now time.Time) *memoryShelf {
	return &memoryShelf{most: memoryBounds, epoch: newEpoch(now)}
}

func (s *memoryShelf) put(part tally) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.parts); n >= s.most.batches {
		s.parts[n-1].merge(part)
		return nil
	}
	s.number++
	s.parts = append(s.parts, part)
	return nil
}

func (s *memoryShelf) oldest() (api.OutcomeBatch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.parts) == 0 {
		return api.OutcomeBatch{}, false
	}
	return s.parts[0].batch(s.epoch, s.number-int64(len(s.parts))+1), true
}

func (s *memoryShelf) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = slices.Delete(s.parts, 0, 1)
}

func (s *memoryShelf) refused() { s.done() }

// diskShelf keeps batches as files, one each. Their names sort in their order: by the epoch, then by the number.
//
// Each process has an epoch of its own, so that no number is used twice, whatever a kill has lost, and while a process that
// ends and the one that follows it use the directory at once.
type diskShelf struct {
	disk  *disk
	most  bounds
	epoch string

	mu      sync.Mutex
	number  int64 // the last one that is on a file
	waiting []waitingFile
	bytes   int64
	aside   int
}

type waitingFile struct {
	name string
	size int64
}

// newDiskShelf finds the batches that were not sent by those who had the directory before.
func newDiskShelf(d *disk, now time.Time) (*diskShelf, error) {
	entries, err := fs.ReadDir(d.root.FS(), outcomesName)
	if err != nil {
		return nil, fmt.Errorf("look for outcomes that were not sent: %w", err)
	}
	s := &diskShelf{disk: d, most: diskBounds, epoch: newEpoch(now)}
	for _, e := range entries { // by name
		switch info, err := e.Info(); {
		case strings.HasSuffix(e.Name(), asideSuffix):
			s.aside++
		case err == nil && strings.HasSuffix(e.Name(), batchSuffix) && info.Mode().IsRegular():
			s.push(waitingFile{outcomesName + "/" + e.Name(), info.Size()})
		}
	}
	return s, nil
}

const batchSuffix = ".json"

func (s *diskShelf) push(f waitingFile) {
	s.waiting = append(s.waiting, f)
	s.bytes += f.size
}

// fileOf is the name of a batch's file: numbers have all their zeros, so that names sort as numbers do.
func (s *diskShelf) fileOf(number int64) string {
	return fmt.Sprintf("%s/%s-%019d%s", outcomesName, s.epoch, number, batchSuffix)
}

func (s *diskShelf) put(part tally) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= s.most.batches || s.bytes >= s.most.bytes {
		if added, err := s.addToNewest(part); added || err != nil {
			return err
		}
	}
	name := s.fileOf(s.number + 1)
	size, err := s.disk.write(name, part.batch(s.epoch, s.number+1))
	if err != nil {
		return err
	}
	s.number++
	s.push(waitingFile{name, size})
	return nil
}

// addToNewest puts a part into the newest file, unless that is the one that may be on its way, or belongs to somebody else,
// or has no room.
func (s *diskShelf) addToNewest(part tally) (bool, error) {
	last := len(s.waiting) - 1
	if last < 1 || s.waiting[last].name != s.fileOf(s.number) {
		return false, nil
	}
	batch, err := s.readBatch(s.waiting[last].name)
	if err != nil {
		return false, nil //nolint:nilerr // whoever sends it says what is wrong with it
	}
	var all tally
	for _, o := range batch.Outcomes {
		all.add(o)
	}
	all.addSpans(batch.Spans)
	all.merge(part)
	if !all.fits() {
		return false, nil
	}
	size, err := s.disk.write(s.waiting[last].name, all.batch(s.epoch, s.number))
	if err != nil {
		return false, err
	}
	s.bytes += size - s.waiting[last].size
	s.waiting[last].size = size
	return true, nil
}

// oldest reads the first file. One that is not there any more was sent by another process; one that cannot be used is set aside.
func (s *diskShelf) oldest() (api.OutcomeBatch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) > 0 {
		batch, err := s.readBatch(s.waiting[0].name)
		if err == nil {
			return batch, true
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.disk.log.Error("a file of outcomes cannot be used", "file", s.waiting[0].name, "error", err)
			s.putAside()
		}
		s.pop()
	}
	return api.OutcomeBatch{}, false
}

func (s *diskShelf) readBatch(name string) (api.OutcomeBatch, error) {
	data, err := s.disk.read(name)
	if err != nil {
		return api.OutcomeBatch{}, err
	}
	return parseBatch(data)
}

func parseBatch(data []byte) (api.OutcomeBatch, error) {
	var batch api.OutcomeBatch
	if err := json.Unmarshal(data, &batch); err != nil {
		return api.OutcomeBatch{}, err
	}
	if batch.Epoch == "" || batch.Number < 1 {
		return api.OutcomeBatch{}, errors.New("it is not what a gate writes: epoch and number are required")
	}
	return batch, nil
}

func (s *diskShelf) pop() {
	s.bytes -= s.waiting[0].size
	s.waiting = slices.Delete(s.waiting, 0, 1)
}

// mostAside is how many files that nobody could use are kept for people.
const mostAside = 100

func (s *diskShelf) putAside() {
	if s.aside >= mostAside {
		s.remove(s.waiting[0].name)
		return
	}
	s.aside++
	s.disk.setAside(s.waiting[0].name)
}

func (s *diskShelf) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(s.waiting[0].name)
	s.pop()
}

func (s *diskShelf) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putAside()
	s.pop()
}

// remove deletes a file. If it stays, it is sent once more after a restart, and not counted again.
func (s *diskShelf) remove(name string) {
	if err := s.disk.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.disk.log.Warn("a file of outcomes that are counted stays", "file", name, "error", err)
	}
}

var (
	_ shelf = (*memoryShelf)(nil)
	_ shelf = (*diskShelf)(nil)
)
