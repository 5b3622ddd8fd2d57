package upstream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// BenchmarkRoundTrip compares the group with net/http's client, at a product that costs next to nothing.
func BenchmarkRoundTrip(b *testing.B) {
	product := listen(b, func(c net.Conn) {
		answerAll(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n"+strings.Repeat("x", 1024))
	})
	group := newGroup(b, upstream.Config{Addresses: []string{"http://" + product}, HeaderTimeout: time.Minute})
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true, ResponseHeaderTimeout: time.Minute}
	b.Cleanup(transport.CloseIdleConnections)
	for name, tripper := range map[string]http.RoundTripper{"ours": group, "transport": transport} {
		for what, body := range map[string]string{"get": "", "post": strings.Repeat("y", 1024)} {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(16)
				b.RunParallel(func(pb *testing.PB) {
					scratch := make([]byte, 32<<10)
					for pb.Next() {
						ask(b, tripper, "http://"+product, body, scratch)
					}
				})
			})
		}
	}
}

// ask makes one request as a proxy would, whose bodies are streams.
func ask(b *testing.B, tripper http.RoundTripper, url, body string, scratch []byte) {
	method, content := http.MethodGet, io.Reader(http.NoBody)
	if body != "" {
		method, content = http.MethodPost, struct{ io.Reader }{strings.NewReader(body)}
	}
	r, err := http.NewRequestWithContext(b.Context(), method, url+"/path?query=1", content)
	if err != nil {
		b.Error(err)
		return
	}
	r.ContentLength = int64(len(body))
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	answer, err := tripper.RoundTrip(r)
	if err != nil {
		b.Error(err)
		return
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, answer.Body, scratch)
	if err != nil || n != 1024 {
		b.Errorf("got %d bytes and %v, want 1024 bytes", n, err)
	}
	answer.Body.Close()
}

// answerAll reads requests one after the other and gives each the same answer.
func answerAll(c net.Conn, answer string) {
	r := bufio.NewReader(c)
	for {
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
			if strings.HasPrefix(string(line), "Content-Length: ") {
				length = 1024
			}
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}
