package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"example.org/interlude/spool"
)

// BenchmarkFilesAppend appends records of 4 KiB, some at once, beside the least that a disk can do: the same bytes written to the
// end of a file, and synced.
func BenchmarkFilesAppend(b *testing.B) {
	for _, n := range []int{1, 20, 100} {
		records := make([][]byte, n)
		for i := range records {
			records[i] = bytes.Repeat([]byte{byte('a' + i%26)}, 4<<10)
		}
		each := func(b *testing.B, act func() error) {
			b.SetBytes(int64(n) * 4 << 10)
			b.ReportAllocs()
			for b.Loop() {
				if err := act(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
		}
		b.Run(fmt.Sprintf("%d at once", n), func(b *testing.B) {
			f := openFiles(b, b.TempDir(), spool.FilesOptions{})
			defer f.Close()
			each(b, func() error {
				_, err := f.Append(b.Context(), records)
				return err
			})
		})
		b.Run(fmt.Sprintf("%d at once, bare", n), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			all := bytes.Join(records, nil)
			each(b, func() error {
				if _, err := f.Write(all); err != nil {
					return err
				}
				return f.Sync()
			})
		})
	}
}

// BenchmarkFilesScan goes through a journal of 4 KiB records.
func BenchmarkFilesScan(b *testing.B) {
	f := openFiles(b, b.TempDir(), spool.FilesOptions{})
	defer f.Close()
	record := bytes.Repeat([]byte("x"), 4<<10)
	for range 100 {
		if _, err := f.Append(b.Context(), [][]byte{record, record, record, record, record, record, record, record, record, record}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(1000 * 4 << 10)
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range f.Scan(b.Context(), 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
