package spool_test

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

// A plan says which operations fail from now on, one after another: each fault is for the next operation of its kind.
type plan struct {
	faults []fault
	done   []string // all operations but reads
}

type fault struct {
	op  spooltest.Op
	err error
}

func (p *plan) fault(op spooltest.Op, name string) error {
	if op != spooltest.Read {
		p.done = append(p.done, string(op)+" "+name)
	}
	if len(p.faults) == 0 || p.faults[0].op != op {
		return nil
	}
	err := p.faults[0].err
	p.faults = p.faults[1:]
	return err
}

// planned opens a journal with one record in it, whose disk then fails as planned.
func planned(t *testing.T, faults ...fault) (*plan, *spooltest.Forgetful, *spool.Files) {
	t.Helper()
	p, disk := &plan{}, spooltest.NewForgetful(1)
	disk.Fault = p.fault
	f := openFiles(t, "", spool.FilesOptions{Disk: disk})
	appendTo(t, f, "first")
	p.faults, p.done = faults, nil
	return p, disk, f
}

// refused appends what has to be refused with an error.
func refused(t *testing.T, f *spool.Files, want error) {
	t.Helper()
	if _, err := f.Append(t.Context(), asBytes([]string{"refused", "refused too"})); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// afterCrashes opens what crashes leave of a disk, which has to be the same each time.
func afterCrashes(t *testing.T, disk *spooltest.Forgetful, want ...string) {
	t.Helper()
	for range 20 {
		f := openFiles(t, "", spool.FilesOptions{Disk: disk.Crash()})
		wantContents(t, f, want...)
		if d := f.Damage(); d != nil {
			t.Errorf("got %+v, want no damage", d)
		}
	}
}

func TestFilesGoOnInANewFileAfterASyncThatFailed(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		p, disk, f := planned(t, fault{spooltest.Sync, cause})
		refused(t, f, cause)
		if full := errors.Is(cause, syscall.ENOSPC); full {
			p.faults = []fault{{spooltest.Sync, cause}}
			refused(t, f, spool.ErrFull)
		}
		wantContents(t, f, "first")
		appendTo(t, f, "second")
		wantContents(t, f, "first", "second")
		old := "sync " + disk.Names()[0]
		if n := len(slices.DeleteFunc(p.done, func(op string) bool { return !strings.HasPrefix(op, old) })); n != 1 {
			t.Errorf("got %d syncs of the file whose sync failed, want that one alone", n)
		}
		afterCrashes(t, disk, "first", "second")
	}
}

func TestFilesTakeNothingWhileAFileThatFailedHasNoSuccessor(t *testing.T) {
	p, disk, f := planned(t, fault{spooltest.Sync, syscall.EDQUOT}, fault{spooltest.Create, syscall.EDQUOT})
	refused(t, f, spool.ErrFull)
	p.faults = []fault{{spooltest.Create, syscall.ENOSPC}}
	refused(t, f, spool.ErrFull)
	appendTo(t, f, "second")
	wantContents(t, f, "first", "second")
	afterCrashes(t, disk, "first", "second")
}

func TestFilesCutOffAWriteThatFailed(t *testing.T) {
	for cause, want := range map[error]error{syscall.ENOSPC: spool.ErrFull, syscall.EDQUOT: spool.ErrFull, syscall.EIO: syscall.EIO} {
		_, disk, f := planned(t, fault{spooltest.Write, cause})
		refused(t, f, want)
		wantContents(t, f, "first")
		afterCrashes(t, disk, "first")
	}
}

func TestFilesAreUsedUpToTheLastByteOfADisk(t *testing.T) {
	p, _, f := planned(t)
	large := strings.Repeat("x", 300_000) // more than what was filled with zeros
	appendTo(t, f, large)
	p.faults = []fault{{spooltest.Write, nil}, {spooltest.Write, syscall.ENOSPC}} // there is room for a record, and not for zeros
	appendTo(t, f, "small")
	if len(p.faults) > 0 {
		t.Error("nothing was filled with zeros")
	}
	p.done = nil
	appendTo(t, f, "last")
	if len(p.done) != 2 {
		t.Errorf("got %q, want a write and a sync: zeros are not tried again", p.done)
	}
	wantContents(t, f, "first", large, "small", "last")
}

func TestFilesAreBrokenWhenTheDirectoryCannotBeSynced(t *testing.T) {
	p, disk, f := planned(t, fault{spooltest.Sync, syscall.EIO}, fault{spooltest.SyncNames, syscall.EIO})
	refused(t, f, spool.ErrClosed)
	refused(t, f, spool.ErrClosed)
	refused(t, f, syscall.EIO) // it still says why
	wantContents(t, f, "first")
	p.faults = nil
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openFiles(t, "", spool.FilesOptions{Disk: disk})
	appendTo(t, f, "second")
	afterCrashes(t, disk, "first", "second")
}

func TestFilesAreBrokenWhenWhatWasDurableCannotBeRead(t *testing.T) {
	_, _, f := planned(t, fault{spooltest.Sync, syscall.EIO}, fault{spooltest.Read, syscall.EIO}, fault{spooltest.Read, syscall.EIO})
	refused(t, f, spool.ErrClosed)
	refused(t, f, spool.ErrClosed)
}

func TestFilesAreNotOpenedWhileNothingCanBeRead(t *testing.T) {
	p, disk, f := planned(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	p.faults = []fault{{spooltest.Read, syscall.EIO}}
	if _, err := spool.OpenFiles("", spool.FilesOptions{Disk: disk}); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want %v", err, syscall.EIO)
	}
}

func TestFilesForgetAgainWhatTheDiskDidNotLetThem(t *testing.T) {
	p, disk := &plan{}, spooltest.NewForgetful(1)
	disk.Fault = p.fault
	f := openFiles(t, "", spool.FilesOptions{Disk: disk, Segment: 1})
	at := appendTo(t, f, "one")
	appendTo(t, f, "two")
	at = append(at, appendTo(t, f, "three")...)
	names := disk.Names()

	p.faults, p.done = []fault{{spooltest.Remove, syscall.ENOSPC}, {spooltest.SyncNames, syscall.EIO}}, nil
	if err := f.Forget(t.Context(), at[1]); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want %v", err, syscall.ENOSPC)
	}
	if err := f.Forget(t.Context(), at[1]); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want %v", err, syscall.EIO)
	}
	if _, err := f.Read(t.Context(), at[0]); !errors.Is(err, spool.ErrNotFound) {
		t.Errorf("got %v for what is forgotten, want %v", err, spool.ErrNotFound)
	}
	if err := f.Forget(t.Context(), at[1]); err != nil {
		t.Error(err)
	}
	wantContents(t, f, "three")
	want := []string{
		"remove " + names[0], // refused
		"remove " + names[0], "sync names .",
		"sync names .", // first what failed, lest the next file goes and this one stays
		"remove " + names[1], "sync names .",
	}
	p.done = slices.DeleteFunc(p.done, func(op string) bool { return strings.HasPrefix(op, "open ") })
	if !slices.Equal(p.done, want) {
		t.Errorf("got %q, want %q", p.done, want)
	}
}
