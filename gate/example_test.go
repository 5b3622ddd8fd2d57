package gate_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"example.org/interlude/gate"
	"example.org/interlude/upstream"
)

// A Go program puts the gate before its own product: end users wait while the database restarts, programs are told when to
// come back.
func Example() {
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello from", r.URL.Path)
	}))
	defer product.Close()
	g, err := gate.New(gate.Config{
		Upstreams: map[string]upstream.Config{"product": {Addresses: []string{product.URL}}},
		Flows: []gate.Flow{
			{Name: "api", Match: []gate.Match{{Path: "/api"}}, Upstream: "product", Interrupted: []gate.Step{{Do: gate.DoReject}}},
			{Name: "messenger", Upstream: "product", Interrupted: []gate.Step{{Do: gate.DoHold, Hold: gate.Hold{For: 20 * time.Second}}}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	door := httptest.NewServer(g)

	if err := g.Interrupt(gate.Interruption{ID: "restart", Flows: []string{"api", "messenger"}, Lapses: time.Now().Add(time.Minute)}); err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { g.End("restart") }) // the database is back
	ask := func(path string) {
		resp, err := http.Get(door.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			fmt.Println(path, resp.StatusCode, "Retry-After is set:", resp.Header.Get("Retry-After") != "")
			return
		}
		text, _ := io.ReadAll(resp.Body)
		fmt.Print(path, " ", resp.StatusCode, " ", string(text))
	}
	ask("/api/orders")
	ask("/inbox")

	door.Close()
	stop()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	// Output:
	// /api/orders 503 Retry-After is set: true
	// /inbox 200 hello from /inbox
}
