package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Disk is a directory with the files of a journal. It is there so that a test can stand in for the real one, and take away
// what was not synced.
type Disk interface {
	// Open opens a file for reading and writing. With create it makes it, and fails if it is there.
	Open(name string, create bool) (DiskFile, error)
	// Rename gives a file another name, in the place of one that has it.
	Rename(from, to string) error
	Remove(name string) error
	// List gives the files, in any order.
	List() ([]DiskEntry, error)
	// Sync makes durable which files there are, and under which names. It says nothing of what is in them.
	Sync() error
}

// DiskFile is an open file of a [Disk].
type DiskFile interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	// Sync makes durable what was written, and the size.
	Sync() error
	io.Closer
}

// DiskEntry is a file in a [Disk], and how large it is.
type DiskEntry struct {
	Name string
	Size int64
}

// lockName is the file that the process holds that has the journal.
const lockName = "lock"

// rootDisk is a directory of the machine.
type rootDisk struct {
	root *os.Root
	dir  *os.File // the directory itself
	lock *os.File
}

// openRootDisk opens a directory, makes it if there is none, and keeps other processes out of it.
func openRootDisk(path string) (_ *rootDisk, err error) {
	if err := makeDirectory(path); err != nil {
		return nil, err
	}
	d := &rootDisk{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.root, err = os.OpenRoot(path); err != nil {
		return nil, err
	}
	if d.dir, err = d.root.Open("."); err != nil {
		return nil, err
	}
	if d.lock, err = d.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := lockFile(d.lock); err != nil {
		return nil, fmt.Errorf("lock %s: %w", filepath.Join(path, lockName), err)
	}
	return d, nil
}

// errLocked is that another process has the lock.
var errLocked = errors.New("another process has this journal; stop that one, or give this one a directory of its own")

// makeDirectory makes a directory and those above it, for its owner alone, and makes that durable. One that is there may
// be so only in memory, so the one above it is synced too, if that is allowed.
func makeDirectory(path string) error {
	err := os.Mkdir(path, 0o700)
	parent := filepath.Dir(path)
	switch {
	case err == nil:
		return syncDirectory(parent)
	case errors.Is(err, fs.ErrExist):
		if err := syncDirectory(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		return nil
	case errors.Is(err, fs.ErrNotExist) && parent != path:
		if err := makeDirectory(parent); err != nil {
			return err
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
		return syncDirectory(parent)
	}
	return err
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncNames(dir)
}

// syncNames makes the names in a directory durable. Windows has no such thing.
func syncNames(dir *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return dir.Sync()
}

func (d *rootDisk) Open(name string, create bool) (DiskFile, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := d.root.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return rootFile{f}, nil
}

func (d *rootDisk) Rename(from, to string) error { return d.root.Rename(from, to) }
func (d *rootDisk) Remove(name string) error     { return d.root.Remove(name) }
func (d *rootDisk) Sync() error                  { return syncNames(d.dir) }

func (d *rootDisk) List() ([]DiskEntry, error) {
	found, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var entries []DiskEntry
	for _, e := range found {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			entries = append(entries, DiskEntry{Name: e.Name(), Size: info.Size()})
		}
	}
	return entries, nil
}

func (d *rootDisk) close() {
	for _, f := range []*os.File{d.lock, d.dir} {
		if f != nil {
			_ = f.Close() // nothing was written to it; closing gives the lock back
		}
	}
	if d.root != nil {
		_ = d.root.Close()
	}
}

// rootFile is a file of the machine.
type rootFile struct{ *os.File }

// Sync leaves out the times of the file where the system can: that spares a write to its journal.
func (f rootFile) Sync() error { return syncData(f.File) }
