package jetstream_test

import (
	"fmt"
	"testing"

	"example.org/interlude/spool"
)

// BenchmarkAppend is one call after another, as the spool makes them: many that arrive together share one. The servers
// write to the disk before they acknowledge, and so does the journal in files, on the same disk.
func BenchmarkAppend(b *testing.B) {
	for name, journal := range map[string]func(b *testing.B) spool.Journal{
		"three servers": func(b *testing.B) spool.Journal { return open(b, on(cluster(b)...)) },
		"files": func(b *testing.B) spool.Journal {
			files, err := spool.OpenFiles(b.TempDir(), spool.FilesOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { files.Close() })
			return files
		},
		"one server": func(b *testing.B) spool.Journal { return open(b, on(single(b, ""))) },
	} {
		b.Run(name, func(b *testing.B) {
			j := journal(b)
			for _, n := range []int{1, 100} {
				b.Run(fmt.Sprintf("%d of 4 KiB", n), func(b *testing.B) {
					records := make([][]byte, n)
					for i := range records {
						records[i] = bytesOf(4 << 10)
					}
					b.SetBytes(int64(n) * 4 << 10)
					for b.Loop() {
						if _, err := j.Append(b.Context(), records); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run("scan", func(b *testing.B) {
				n := 0
				for b.Loop() {
					n = 0
					for _, err := range j.Scan(b.Context(), 0) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
			})
		})
	}
}
