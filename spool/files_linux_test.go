package spool_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"example.org/interlude/spool"
)

// childDir names the directory in which a child of the test appends.
const childDir = "INTERLUDE_TEST_FILES"

// TestFilesChild is the process that is killed: it appends for as long as it lives, and prints what is durable.
func TestFilesChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("it is the child of another test")
	}
	f := openFiles(t, dir, spool.FilesOptions{Segment: 256 << 10})
	for number := 0; ; {
		var records [][]byte
		for range 1 + number%5 {
			records = append(records, childRecord(os.Getpid(), number+len(records)))
		}
		at, err := f.Append(t.Context(), records)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range at {
			fmt.Println("durable", os.Getpid(), number+i, p)
		}
		number += len(records)
	}
}

// childRecord is what a process appends: it follows from who it is and how many it appended before.
func childRecord(pid, number int) []byte {
	return fmt.Appendf(nil, "%d/%d %s", pid, number, strings.Repeat("x", number*997%9000))
}

func TestFilesLoseNothingWhenTheirProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	durable := map[spool.Position]string{}
	for range 30 {
		for at, data := range killedChild(t, dir, rand.IntN(60)) {
			durable[at] = data
		}
		f := openFiles(t, dir, spool.FilesOptions{})
		seen := 0
		for r, err := range f.Scan(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			switch want, ok := durable[r.At]; {
			case !ok:
				durable[r.At] = string(r.Data) // it was being appended; from now on it stays
			case want != string(r.Data):
				t.Fatalf("got %.20q at %d, want %.20q", r.Data, r.At, want)
			}
			seen++
		}
		if seen != len(durable) {
			t.Fatalf("got %d records, want %d", seen, len(durable))
		}
		if d := f.Damage(); len(d) != 0 {
			t.Errorf("got %+v, want no damage", d)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedChild runs a child, kills it once it has appended some records, and gives all that it said were durable.
func killedChild(t *testing.T, dir string, lines int) map[spool.Position]string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program, "-test.run=^TestFilesChild$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	durable := map[spool.Position]string{}
	in := bufio.NewReader(said)
	for n := 0; ; n++ {
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := in.ReadString('\n')
		if err != nil { // all that it said was read, and perhaps a part of a line
			break
		}
		var pid, number int
		var at spool.Position
		if _, err := fmt.Sscanf(line, "durable %d %d %d", &pid, &number, &at); err != nil {
			t.Fatalf("the child said %q", line)
		}
		durable[at] = string(childRecord(pid, number))
	}
	_ = child.Wait() // it was killed
	return durable
}

func TestFilesOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	open := func() *spool.Files { return openFiles(t, dir+"/journal", spool.FilesOptions{Segment: 100_000}) }
	f := open()
	var (
		all []string
		at  []spool.Position
	)
	fill := func() {
		t.Helper()
		for {
			data := fmt.Sprintf("%d %s", len(all), strings.Repeat("x", 9000))
			got, err := f.Append(t.Context(), asBytes([]string{data, data + "!"}))
			if errors.Is(err, spool.ErrFull) && errors.Is(err, syscall.ENOSPC) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			all, at = append(all, data, data+"!"), append(at, got...)
		}
		wantContents(t, f, all...)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f = open()
		wantContents(t, f, all...)
	}
	fill()
	if n := len(all); n < 90 || n > 115 {
		t.Errorf("got %d records of 9 kB on a disk of 1 MiB, want nearly as many as fit", n)
	}
	if free, err := f.Free(); err != nil || free > 200_000 {
		t.Errorf("got %d bytes free, %v, on a full disk", free, err)
	}
	if err := f.Forget(t.Context(), at[40]); err != nil {
		t.Fatal(err)
	}
	left, err := contents(t, f)
	if err != nil || len(left) >= len(all) {
		t.Fatalf("got %d of %d records, %v, after some were forgotten", len(left), len(all), err)
	}
	all = left
	fill()
	if len(all) == len(left) {
		t.Error("got no record into the room that was made")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFilesTellTheRoomOnTheirDisk(t *testing.T) {
	dir := t.TempDir()
	f := openFiles(t, dir, spool.FilesOptions{})
	defer f.Close()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	got, err := f.Free()
	want := int64(s.Bavail) * s.Bsize
	if err != nil || got < want/2 || got > want*2 {
		t.Errorf("got %d, %v, want about %d", got, err, want)
	}
}
