package spool

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAReserveIsGivenUpOnceAndComesBackWithTheRoom(t *testing.T) {
	dir := t.TempDir()
	r, err := OpenReserve(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, reserveName)); err != nil || info.Size() != r.size {
		t.Fatalf("got %v and %v, want a file of %d bytes", info, err, r.size)
	}
	if !r.Relieve() || r.Relieve() {
		t.Error("got it given up twice or never, want once")
	}
	if _, err := os.Stat(filepath.Join(dir, reserveName)); !os.IsNotExist(err) {
		t.Errorf("got %v, want the file gone", err)
	}
	if free, err := r.Free(); err != nil || free <= 0 || !r.there {
		t.Errorf("got %d free and %v, want the reserve made again, and room beside it", free, err)
	}
	if again, err := OpenReserve(dir); err != nil || !again.there || again.size != r.size {
		t.Errorf("got %+v and %v, want the one that is there found", again, err)
	}
}

func TestWithoutItsReserveThereIsNoRoom(t *testing.T) {
	r := &Reserve{path: filepath.Join(t.TempDir(), reserveName), size: 1 << 60}
	if free, err := r.Free(); err != nil || free != 0 {
		t.Errorf("got %d free and %v, want none until there is room for the reserve", free, err)
	}
}
