package mail

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// BenchmarkPool sends messages of three sizes to a sink that takes them as fast as it can.
func BenchmarkPool(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 10, 8 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			p := NewPool([]Relay{{Address: sink(b), Connections: 50}}, "client.example", quiet())
			run(b, p)
			line := strings.Repeat("x", 70) + "\r\n"
			message := bytes.Repeat([]byte(line), size/len(line))
			var done sync.WaitGroup
			b.ReportAllocs()
			for b.Loop() {
				done.Add(1)
				err := p.Send(b.Context(), Job{
					From: "status@northwind.example", To: "reader@example.com",
					Compose: func(dst []byte) ([]byte, error) { return append(dst, message...), nil },
					Done: func(r Reply) {
						if !r.Accepted() {
							b.Errorf("got %+v, want it accepted", r)
						}
						done.Done()
					},
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			done.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}
