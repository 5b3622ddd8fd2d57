package spooltest

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"example.org/interlude/spool"
)

// Op is something that is asked of a disk.
type Op string

// The operations of a [Forgetful].
const (
	Open      Op = "open"
	Create    Op = "create"
	Rename    Op = "rename"
	Remove    Op = "remove"
	SyncNames Op = "sync names"
	Read      Op = "read"
	Write     Op = "write"
	Truncate  Op = "truncate"
	Sync      Op = "sync"
)

// ErrPowerOff is what a disk answers that has no power any more.
var ErrPowerOff = errors.New("the power is off")

// Forgetful is a [spool.Disk] in memory that keeps apart what was written and what is durable, as a disk does behind a
// system that writes later. [Forgetful.Crash] gives what is left of it after the power failed: of what was not synced, each
// write may be there, or not, or in part, with zeros in between; and each file that was made, renamed or removed may be so,
// or not, until the directory was synced.
//
// After a sync that failed, what had been written since the last one is still read, but is never made durable by a later
// sync: so does Linux. Names are different: there the later sync does it, for file systems with a journal go read-only rather
// than forget a change of names.
type Forgetful struct {
	// Fault is asked before each operation; an error is the answer to it. A write that fails has still written some of it, and
	// a file that could not be renamed or removed for another reason than want of room may be so all the same. ErrPowerOff
	// ends everything. Set it before the disk is used.
	Fault func(op Op, name string) error

	mu      sync.Mutex
	rng     *rand.Rand
	off     bool
	handles int
	names   map[string]*node
	durable map[string]*node
	changes []naming // of names, since they were synced
}

// node is a file.
type node struct {
	seen    []byte // what a process reads
	durable []byte
	changes []change // since it was synced
}

// change is a write or, without data, a new size.
type change struct {
	at   int64
	data []byte
}

// naming is a name that a file got, lost, or has instead of another.
type naming struct {
	node     *node
	from, to string
}

// NewForgetful makes an empty disk. What it forgets follows from the seed.
func NewForgetful(seed uint64) *Forgetful {
	return &Forgetful{rng: rand.New(rand.NewPCG(seed, 1)), names: map[string]*node{}, durable: map[string]*node{}}
}

// Crash turns the power off, and gives the disk that is found when it is on again. It has no Fault.
func (d *Forgetful) Crash() *Forgetful {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	left := maps.Clone(d.durable)
	survives := d.fate()
	for _, c := range d.changes {
		if survives() {
			c.apply(left)
		}
	}
	next := NewForgetful(d.rng.Uint64())
	for name, n := range left {
		content := slices.Clone(n.durable)
		for _, c := range n.changes {
			content = d.tear(content, c)
		}
		next.put(name, content)
	}
	return next
}

// fate decides which of some changes survive: all, none, those up to a moment, or each by itself.
func (d *Forgetful) fate() func() bool {
	mode, alive := d.rng.IntN(4), true
	return func() bool {
		switch mode {
		case 0:
			return true
		case 1:
			return false
		case 2:
			alive = alive && d.rng.IntN(4) > 0
			return alive
		}
		return d.rng.IntN(2) == 0
	}
}

// tear gives what a change may have left of a file's content when it was not synced.
func (d *Forgetful) tear(content []byte, c change) []byte {
	if c.data == nil {
		if d.rng.IntN(2) == 0 {
			return content
		}
		return c.apply(content)
	}
	switch end := c.at + int64(len(c.data)); d.rng.IntN(6) {
	case 0:
		return content
	case 1:
		return c.apply(content)
	case 2: // up to some byte
		return change{c.at, c.data[:d.rng.IntN(len(c.data)+1)]}.apply(content)
	case 3: // the size alone
		return resize(content, max(int64(len(content)), end))
	case 4:
		return d.tearBlocks(content, c, 512)
	default:
		return d.tearBlocks(content, c, 4096)
	}
}

// tearBlocks applies some blocks of a write, in no order.
func (d *Forgetful) tearBlocks(content []byte, c change, size int64) []byte {
	survives := d.fate()
	for from, end := c.at, c.at+int64(len(c.data)); from < end; {
		to := min(end, from-from%size+size)
		if survives() {
			content = change{from, c.data[from-c.at : to-c.at]}.apply(content)
		}
		from = to
	}
	return content
}

func (c change) apply(content []byte) []byte {
	if c.data == nil {
		return resize(content, c.at)
	}
	content = resize(content, max(int64(len(content)), c.at+int64(len(c.data))))
	copy(content[c.at:], c.data)
	return content
}

func resize(content []byte, size int64) []byte {
	if have := int64(len(content)); size > have {
		return append(content, make([]byte, size-have)...)
	}
	return content[:size:size]
}

func (n naming) apply(names map[string]*node) {
	if n.from != "" {
		delete(names, n.from)
	}
	if n.to != "" {
		names[n.to] = n.node
	}
}

// Put makes a file durable with a content, for a test that damages one.
func (d *Forgetful) Put(name string, content []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(name, slices.Clone(content))
}

func (d *Forgetful) put(name string, content []byte) {
	n := &node{seen: content, durable: slices.Clone(content)}
	d.names[name], d.durable[name] = n, n
}

// Content gives what is read of a file, nil when there is none.
func (d *Forgetful) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.names[name]; n != nil {
		return slices.Clone(n.seen)
	}
	return nil
}

// Names gives the files in order.
func (d *Forgetful) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names))
}

// Handles is how many files are open.
func (d *Forgetful) Handles() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.handles
}

// ask asks for the fault of an operation; d.mu is held.
func (d *Forgetful) ask(op Op, name string) error {
	if d.off {
		return ErrPowerOff
	}
	if d.Fault == nil {
		return nil
	}
	err := d.Fault(op, name)
	d.off = errors.Is(err, ErrPowerOff)
	return err
}

// Open is [spool.Disk].
func (d *Forgetful) Open(name string, create bool) (spool.DiskFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	op := Open
	if create {
		op = Create
	}
	if err := d.ask(op, name); err != nil {
		return nil, err
	}
	n := d.names[name]
	switch {
	case create && n != nil:
		return nil, fs.ErrExist
	case create:
		n = &node{}
		d.rename(naming{node: n, to: name})
	case n == nil:
		return nil, fs.ErrNotExist
	}
	d.handles++
	return &file{disk: d, name: name, node: n}, nil
}

func (d *Forgetful) rename(n naming) {
	n.apply(d.names)
	d.changes = append(d.changes, n)
}

// Rename is [spool.Disk].
func (d *Forgetful) Rename(from, to string) error { return d.move(Rename, from, to) }

// Remove is [spool.Disk].
func (d *Forgetful) Remove(name string) error { return d.move(Remove, name, "") }

func (d *Forgetful) move(op Op, from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.ask(op, from)
	n := d.names[from]
	switch {
	case err != nil && (d.off || errors.Is(err, syscall.ENOSPC) || d.rng.IntN(2) == 0):
		return err
	case n == nil:
		return cmp.Or(err, fs.ErrNotExist)
	}
	d.rename(naming{node: n, from: from, to: to})
	return err
}

// List is [spool.Disk].
func (d *Forgetful) List() ([]spool.DiskEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil, ErrPowerOff
	}
	var entries []spool.DiskEntry
	for name, n := range d.names {
		entries = append(entries, spool.DiskEntry{Name: name, Size: int64(len(n.seen))})
	}
	return entries, nil
}

// Sync is [spool.Disk].
func (d *Forgetful) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask(SyncNames, "."); err != nil {
		return err
	}
	d.durable, d.changes = maps.Clone(d.names), nil
	return nil
}

// file is an open file.
type file struct {
	disk   *Forgetful
	name   string
	node   *node
	closed bool
}

// ask asks for the fault of an operation; the disk's mutex is held.
func (f *file) ask(op Op) error {
	if f.closed {
		return fs.ErrClosed
	}
	return f.disk.ask(op, f.name)
}

func (f *file) ReadAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.ask(Read); err != nil {
		return 0, err
	}
	if at >= int64(len(f.node.seen)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.seen[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.ask(Write)
	n := len(b)
	if err != nil {
		n = f.disk.rng.IntN(n + 1)
	}
	if n > 0 {
		f.change(change{at, slices.Clone(b[:n])})
	}
	return n, err
}

func (f *file) change(c change) {
	f.node.seen = c.apply(f.node.seen)
	f.node.changes = append(f.node.changes, c)
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.ask(Truncate); err != nil {
		return err
	}
	f.change(change{at: size})
	return nil
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.ask(Sync)
	if errors.Is(err, ErrPowerOff) || errors.Is(err, fs.ErrClosed) {
		return err
	}
	for _, c := range f.node.changes {
		if err == nil {
			f.node.durable = c.apply(f.node.durable)
		} else {
			f.node.durable = f.disk.tear(f.node.durable, c)
		}
	}
	f.node.changes = nil
	return err
}

func (f *file) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	f.disk.handles--
	return nil
}
