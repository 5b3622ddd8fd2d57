package runbook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Entry is one line of a journal.
type Entry struct {
	// N counts the entries from 1.
	N  int64     `json:"n"`
	At time.Time `json:"at"`
	// What happened: one of the words below.
	What string `json:"what"`
	// Step is the number of the step that it is about, and Hash what that step is, so that a changed runbook is noticed.
	Step string `json:"step,omitempty"`
	Hash string `json:"hash,omitempty"`
	// Facts are what the step has to know again after a crash.
	Facts map[string]string `json:"facts,omitempty"`
	// Text is for people, without secrets.
	Text string `json:"text,omitempty"`
}

// What an entry may be.
const (
	// Begun stands before a step is done, Noted adds facts while it is, and Done, Failed and Untouched stand after it. Untouched is
	// a failure of which is known that it changed nothing.
	Begun     = "begun"
	Noted     = "noted"
	Done      = "done"
	Failed    = "failed"
	Untouched = "untouched"
	// Undone says that all of a step has been taken back.
	Undone = "undone"
	// Rolling says that the run goes back from here on, and Stopped that it ended before its end and may be started again.
	Rolling = "rolling"
	Stopped = "stopped"
	// Finished and RolledBack are the ends.
	Finished   = "finished"
	RolledBack = "rolled_back"
	// Tell is something that the server is to be told, and Told that it has been.
	Tell = "tell"
	Told = "told"
)

// Journal is the memory of a run: a file to which lines are added, each on the disk before [Journal.Add] returns. It is locked
// for as long as it is open.
type Journal struct {
	// Boundary is called before and after each entry reaches the disk, where it is set: a test may end the process there.
	Boundary func(when string, e Entry)

	mutex   sync.Mutex
	file    *os.File
	lock    *os.File
	path    string
	entries []Entry
	broken  error
}

// line is an entry on the disk: the sum is that of the entry's bytes.
type line struct {
	Sum   string          `json:"sum"`
	Entry json.RawMessage `json:"entry"`
}

// ErrLocked says that another runner has the journal.
var ErrLocked = errors.New("another runner is at work on this maintenance")

// OpenJournal opens the journal at a path, makes it where there is none, and reads what it holds. A last line that was not
// written to its end is taken off: the process died while it wrote, and nothing followed. Damage anywhere else is an error.
func OpenJournal(path string) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the journal: %w", err)
	}
	lock, err := takeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, lock: lock}
	if err := j.open(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *Journal) open() (err error) {
	if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	data, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	whole, err := j.read(data)
	if err != nil {
		return err
	}
	if whole < len(data) {
		if err := j.file.Truncate(int64(whole)); err != nil {
			return fmt.Errorf("take a torn line off the journal: %w", err)
		}
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return syncFolder(filepath.Dir(j.path))
}

// read takes the entries out of what the file holds, and says how many bytes of it are whole lines.
func (j *Journal) read(data []byte) (whole int, err error) {
	for number := 1; whole < len(data); number++ {
		length := bytes.IndexByte(data[whole:], '\n') + 1
		if length == 0 {
			return whole, nil
		}
		e, err := parseLine(data[whole : whole+length])
		switch {
		case err != nil && whole+length == len(data):
			return whole, nil
		case err != nil:
			return 0, fmt.Errorf("%s:%d: %w: what happened cannot be told from it. Look at the file, and move it away to begin anew", j.path, number, err)
		case e.N != int64(number):
			return 0, fmt.Errorf("%s:%d: is entry %d: lines are missing. Look at the file, and move it away to begin anew", j.path, number, e.N)
		}
		j.entries = append(j.entries, e)
		whole += length
	}
	return whole, nil
}

func parseLine(data []byte) (e Entry, err error) {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		return e, errors.New("is no line of a journal")
	}
	if l.Sum != sum(l.Entry) {
		return e, errors.New("is damaged")
	}
	if err := json.Unmarshal(l.Entry, &e); err != nil {
		return e, fmt.Errorf("cannot be read: %w", err)
	}
	return e, nil
}

func sum(data []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

// Entries are those that there are, in order.
func (j *Journal) Entries() []Entry {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return append([]Entry(nil), j.entries...)
}

// Path is where it lies.
func (j *Journal) Path() string { return j.path }

// Add writes an entry and returns when it is on the disk. After a write that failed nothing more is written: nobody would know
// what the file holds.
func (j *Journal) Add(e Entry) (Entry, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.broken != nil {
		return e, j.broken
	}
	e.N, e.At = int64(len(j.entries))+1, time.Now().UTC()
	if j.Boundary != nil {
		j.Boundary("before", e)
	}
	if err := j.write(e); err != nil {
		j.broken = fmt.Errorf("write the journal %s: %w: the run ends, because it could not be continued from here", j.path, err)
		return e, j.broken
	}
	j.entries = append(j.entries, e)
	if j.Boundary != nil {
		j.Boundary("after", e)
	}
	return e, nil
}

func (j *Journal) write(e Entry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	data, err := json.Marshal(line{sum(body), body})
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(data, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

// isBroken reports whether nothing can be written any more.
func (j *Journal) isBroken() bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.broken != nil
}

// Ended is how the run in the journal has ended: [Finished], [RolledBack], or empty while it has not.
func (j *Journal) Ended() string { return remember(j.Entries()).ended }

// Renew puts the journal of a run that has ended aside, under its name with a number, and begins an empty one.
func (j *Journal) Renew() error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.%d", j.path, n)
		if _, err := os.Stat(aside); err == nil {
			continue
		}
		if err := os.Rename(j.path, aside); err != nil {
			return fmt.Errorf("put the journal aside: %w", err)
		}
		break
	}
	_ = j.file.Close() // everything in it is on the disk
	j.entries = nil
	return j.open()
}

// Close lets go of the file and of the lock.
func (j *Journal) Close() error {
	var err error
	if j.file != nil {
		err = j.file.Close()
	}
	return errors.Join(err, j.lock.Close())
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("write the folder %s: %w", path, err)
	}
	return nil
}
