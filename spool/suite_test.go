package spool_test

import (
	"testing"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

func TestSpoolOnAJournalInMemory(t *testing.T) {
	t.Parallel()
	spooltest.Spool(t, func(*testing.T) spool.Journal { return spool.NewMemory() })
}

func TestSpoolOnFiles(t *testing.T) {
	t.Parallel()
	spooltest.Spool(t, func(t *testing.T) spool.Journal {
		files, err := spool.OpenFiles(t.TempDir(), spool.FilesOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := files.Close(); err != nil {
				t.Error(err)
			}
		})
		return files
	})
}
