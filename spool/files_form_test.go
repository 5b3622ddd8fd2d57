package spool_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

// golden is a file of a journal as version 1 writes it; what it holds are the sample's records.
const golden = "testdata/files-version-1.spool"

// headerLength is how long the header of a file is.
const headerLength = 40

func goldenFile(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFilesReadWhatVersion1Wrote(t *testing.T) {
	disk := spooltest.NewForgetful(1)
	disk.Put(sampleNames[0], goldenFile(t))
	f := openFiles(t, "", spool.FilesOptions{Disk: disk})
	wantContents(t, f, sample...)
	if d := f.Damage(); len(d) != 0 {
		t.Errorf("got %+v, want no damage", d)
	}
}

func TestFilesWriteWhatVersion1Reads(t *testing.T) {
	want := goldenFile(t)
	disk := spooltest.NewForgetful(1)
	disk.Put(sampleNames[0], want[:headerLength]) // its identity is in it
	f := openFiles(t, "", spool.FilesOptions{Disk: disk})
	for _, r := range sample[:3] {
		appendTo(t, f, r)
	}
	appendTo(t, f, sample[3:]...)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := disk.Content(sampleNames[0]); !bytes.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestFilesOfALaterVersionAreNotTouched(t *testing.T) {
	later := goldenFile(t)
	later[16] = 2
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(later[:20], table), table, later[24:headerLength])
	binary.LittleEndian.PutUint32(later[20:], sum)
	disk := spooltest.NewForgetful(1)
	disk.Put(sampleNames[0], later)
	if _, err := spool.OpenFiles("", spool.FilesOptions{Disk: disk}); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("got %v, want that it is of version 2", err)
	}
	if !bytes.Equal(disk.Content(sampleNames[0]), later) {
		t.Error("the file is not what it was")
	}
}

// FuzzFiles opens any bytes as the files of a journal.
func FuzzFiles(f *testing.F) {
	good := goldenFile(f)
	second := good[headerLength:]
	f.Add(good, second)
	f.Add(good[:150], []byte(nil))
	f.Add(flip(80)(bytes.Clone(good)), good)
	f.Add(append(bytes.Clone(good), make([]byte, 5000)...), []byte("x"))
	f.Add(bytes.Clone(good[headerLength:]), good)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		disk := spooltest.NewForgetful(1)
		disk.Put(sampleNames[0], first)
		if len(second) > 0 {
			disk.Put(sampleNames[1], second)
		}
		files, err := spool.OpenFiles("", spool.FilesOptions{Disk: disk, Segment: 1000})
		if err != nil {
			return
		}
		before, err := contents(t, files)
		if err != nil {
			t.Fatalf("scan what was opened: %v", err)
		}
		appendTo(t, files, "new")
		wantContents(t, files, append(before, "new")...)
		if err := files.Close(); err != nil {
			t.Fatal(err)
		}
		files = openFiles(t, "", spool.FilesOptions{Disk: disk.Crash(), Segment: 1000})
		wantContents(t, files, append(before, "new")...)
		if err := files.Forget(t.Context(), files.Usage().End); err != nil {
			t.Fatal(err)
		}
	})
}
