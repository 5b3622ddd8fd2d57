package gate

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

// BenchmarkGate carries requests through a gate on loopback, over connections that are kept: those that pass to a product which
// costs next to nothing, those that are refused, and, to tell what is the gate's own part, those that a bare handler answers.
func BenchmarkGate(b *testing.B) {
	short := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 43\r\n\r\n" + strings.Repeat("x", 43)
	long := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10240\r\n\r\n" + strings.Repeat("x", 10240)
	b.Run("pass", func(b *testing.B) { askAll(b, benchGate(b, short), "GET /app HTTP/1.1\r\nHost: app.example\r\n\r\n") })
	b.Run("pass 10 KB", func(b *testing.B) { askAll(b, benchGate(b, long), "GET /app HTTP/1.1\r\nHost: app.example\r\n\r\n") })
	b.Run("pass a post", func(b *testing.B) {
		askAll(b, benchGate(b, short), "POST /app HTTP/1.1\r\nHost: app.example\r\nContent-Length: 1024\r\n\r\n"+strings.Repeat("y", 1024))
	})
	b.Run("reject", func(b *testing.B) {
		askAll(b, benchGate(b, short), "GET /closed HTTP/1.1\r\nHost: app.example\r\n\r\n")
	})
	b.Run("bare handler", func(b *testing.B) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }))
		b.Cleanup(server.Close)
		askAll(b, server.Listener.Addr().String(), "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n")
	})
}

// benchGate is a gate whose flow closed is interrupted and whose flow app is not, before a product with one answer.
func benchGate(b *testing.B, answer string) (address string) {
	b.Helper()
	product := listen(b, func(c net.Conn) {
		in, answer := bufio.NewReader(c), []byte(answer)
		for {
			if skipMessage(in) != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
	g, err := New(Config{
		Upstreams: map[string]upstream.Config{"product": {Addresses: []string{product}, HeaderTimeout: time.Minute}},
		Flows:     []Flow{{Name: "closed", Match: []Match{{Path: "/closed"}}, Upstream: "product"}, {Name: "app", Upstream: "product"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	server := httptest.NewServer(g)
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
		server.Close()
	})
	err = g.Interrupt(Interruption{ID: "one", Flows: []string{"closed"}, Lapses: time.Now().Add(time.Hour)})
	if err != nil {
		b.Fatal(err)
	}
	return server.Listener.Addr().String()
}

// askAll sends a request again and again over 32 connections, and reads each answer to its end.
func askAll(b *testing.B, address, request string) {
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		c, err := new(net.Dialer).DialContext(b.Context(), "tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		in, request := bufio.NewReader(c), []byte(request)
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if err := skipMessage(in); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// skipMessage reads a message that has a length, or none, without making anything of it: what is counted is the gate's.
func skipMessage(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == len("\r\n") {
			_, err := in.Discard(length)
			return err
		}
		if digits, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length = 0
			for _, digit := range bytes.TrimSpace(digits) {
				length = 10*length + int(digit-'0')
			}
		}
	}
}
