package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

func TestFilesIsAJournal(t *testing.T) {
	for name, segment := range map[string]int64{"one file": 0, "many files": 10_000} {
		t.Run(name, func(t *testing.T) {
			spooltest.Journal(t, func(t *testing.T) spooltest.JournalMaker {
				dir := t.TempDir()
				return spooltest.JournalMaker{Open: func(t *testing.T) spool.Journal {
					return openFiles(t, dir, spool.FilesOptions{Segment: segment})
				}}
			})
		})
	}
}

func TestFilesIsAJournalOnADiskThatForgets(t *testing.T) {
	spooltest.Journal(t, func(*testing.T) spooltest.JournalMaker {
		disk := spooltest.NewForgetful(1)
		opened := false
		return spooltest.JournalMaker{Open: func(t *testing.T) spool.Journal {
			if opened {
				disk = disk.Crash()
			}
			opened = true
			return openFiles(t, "", spool.FilesOptions{Segment: 10_000, Disk: disk})
		}}
	})
}

func openFiles(t testing.TB, dir string, o spool.FilesOptions) *spool.Files {
	t.Helper()
	f, err := spool.OpenFiles(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// appendTo appends records at once, and gives where they are.
func appendTo(t testing.TB, f *spool.Files, records ...string) []spool.Position {
	t.Helper()
	at, err := f.Append(t.Context(), asBytes(records))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func asBytes(records []string) (all [][]byte) {
	for _, r := range records {
		all = append(all, []byte(r))
	}
	return all
}

// contents gives what a scan gives, and how it ended.
func contents(t testing.TB, f *spool.Files) (all []string, err error) {
	t.Helper()
	for r, err := range f.Scan(t.Context(), 0) {
		if err != nil {
			return all, err
		}
		all = append(all, string(r.Data))
		if data, err := f.Read(t.Context(), r.At); err != nil || !bytes.Equal(data, r.Data) {
			t.Errorf("read %d: got %q, %v, want %q, as scanned", r.At, data, err, r.Data)
		}
	}
	return all, nil
}

func wantContents(t testing.TB, f *spool.Files, want ...string) {
	t.Helper()
	got, err := contents(t, f)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "journal")
	f := openFiles(t, dir, spool.FilesOptions{})
	defer f.Close()
	appendTo(t, f, "one")
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got mode %v, want nothing for group and others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFilesKeepOthersOut(t *testing.T) {
	dir := t.TempDir()
	f := openFiles(t, dir, spool.FilesOptions{})
	if _, err := spool.OpenFiles(dir, spool.FilesOptions{}); err == nil || !strings.Contains(err.Error(), "another process has this journal") {
		t.Errorf("got %v from a journal that is open, want that another process has it", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("close again: got %v, want nil", err)
	}
	if err := openFiles(t, dir, spool.FilesOptions{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesThatAreClosedSaySo(t *testing.T) {
	f := openFiles(t, t.TempDir(), spool.FilesOptions{})
	at := appendTo(t, f, "one")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, appended := f.Append(t.Context(), asBytes([]string{"two"}))
	_, read := f.Read(t.Context(), at[0])
	_, scanned := contents(t, f)
	for _, err := range []error{appended, read, scanned, f.Forget(t.Context(), at[0])} {
		if !errors.Is(err, spool.ErrClosed) {
			t.Errorf("got %v, want %v", err, spool.ErrClosed)
		}
	}
}

func TestFilesForgetWholeSegments(t *testing.T) {
	disk := spooltest.NewForgetful(1)
	f := openFiles(t, "", spool.FilesOptions{Segment: 1000, Disk: disk})
	defer f.Close()
	var at []spool.Position
	for i := range 40 {
		at = append(at, appendTo(t, f, fmt.Sprintf("%03d%s", i, strings.Repeat(".", 200)))...)
	}
	before := len(disk.Names())
	if before != 10 {
		t.Errorf("got %d files for 40 records, 4 of which fit in one, want 10", before)
	}
	if err := f.Forget(t.Context(), at[20]); err != nil {
		t.Fatal(err)
	}
	if got := len(disk.Names()); got != 5 {
		t.Errorf("got %d files after half was forgotten, want 5", got)
	}
	if _, err := f.Read(t.Context(), at[0]); !errors.Is(err, spool.ErrNotFound) {
		t.Errorf("got %v for a record that is forgotten, want %v", err, spool.ErrNotFound)
	}
	if u := f.Usage(); u.First != at[20] || u.End <= at[39] || u.Bytes < 5*900 || u.Bytes > 5*1000 {
		t.Errorf("got %+v, want the first record at %d, an end behind %d and five files", u, at[20], at[39])
	}
	if err := f.Forget(t.Context(), f.Usage().End); err != nil {
		t.Fatal(err)
	}
	if got := len(disk.Names()); got != 1 {
		t.Errorf("got %d files after all was forgotten, want the last one", got)
	}
}

func TestFilesAreOpenOnlyAFewAtATime(t *testing.T) {
	disk := spooltest.NewForgetful(1)
	f := openFiles(t, "", spool.FilesOptions{Segment: 100, Disk: disk})
	for i := range 50 {
		appendTo(t, f, fmt.Sprint(i, strings.Repeat(".", 80)))
	}
	if all, err := contents(t, f); len(all) != 50 || err != nil {
		t.Errorf("got %d records, %v, want 50", len(all), err)
	}
	if got := disk.Handles(); got > 12 {
		t.Errorf("got %d files open of 50, want a few", got)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := disk.Handles(); got != 0 {
		t.Errorf("got %d files open after the journal was closed, want none", got)
	}
}

func TestFilesScanGoesOnWhileItsRecordsAreForgotten(t *testing.T) {
	f := openFiles(t, t.TempDir(), spool.FilesOptions{Segment: 100})
	defer f.Close()
	var at []spool.Position
	for i := range 20 {
		at = append(at, appendTo(t, f, fmt.Sprintf("%02d%s", i, strings.Repeat(".", 80)))...)
	}
	var got []string
	for r, err := range f.Scan(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, string(r.Data[:2])); len(got) == 3 {
			if err := f.Forget(t.Context(), at[10]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := []string{"00", "01", "02", "10", "11"}; !slices.Equal(got[:5], want) || got[len(got)-1] != "19" {
		t.Errorf("got %q, want %q, and so on to 19", got, want)
	}
}

func TestFilesRefuseWhatIsTooLargeForOneAppend(t *testing.T) {
	f := openFiles(t, t.TempDir(), spool.FilesOptions{})
	defer f.Close()
	large := make([]byte, 1<<20)
	if _, err := f.Append(t.Context(), slices.Repeat([][]byte{large}, 1025)); !errors.Is(err, spool.ErrTooLarge) {
		t.Errorf("got %v, want %v", err, spool.ErrTooLarge)
	}
	wantContents(t, f)
}

func TestFilesOfTwoJournalsAreNotMixed(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	for i, dir := range dirs {
		f := openFiles(t, dir, spool.FilesOptions{Segment: 100})
		appendTo(t, f, strings.Repeat("x", 100*i+50))
		appendTo(t, f, strings.Repeat("y", 100))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(dirs[1], "*.spool"))
	if err != nil || len(names) != 2 {
		t.Fatalf("got %v, %v, want two files", names, err)
	}
	if err := os.Rename(names[1], filepath.Join(dirs[0], filepath.Base(names[1]))); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.OpenFiles(dirs[0], spool.FilesOptions{}); err == nil || !strings.Contains(err.Error(), "two journals") {
		t.Errorf("got %v, want that the files are of two journals", err)
	}
}

func TestFilesAppendNothingForAContextThatHasEnded(t *testing.T) {
	f := openFiles(t, t.TempDir(), spool.FilesOptions{})
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Append(ctx, asBytes([]string{"one"})); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	wantContents(t, f)
}
