package messages_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"example.org/interlude/messages"
	"example.org/interlude/spool"
)

// A product has a notice pushed, now although the database restarts, and takes back another one that was for tomorrow.
func ExampleClient() {
	pushed := make(chan string)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		pushed <- string(text) + ", by " + r.Header.Get("X-Api-Key")
	}))
	defer service.Close()

	hash := sha256.Sum256([]byte("secret of the product"))
	door, err := messages.New(messages.Config{
		Flows: map[string]messages.Target{"push": {
			To:      []string{service.URL + "/v1/"},
			Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Headers: map[string]string{"X-Api-Key": "Northwind"},
		}},
		Tokens: []messages.Token{{Name: "product", Hash: hex.EncodeToString(hash[:]), Flows: []string{"push"}, Read: true, Cancel: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer door.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	kept, err := spool.Open(ctx, spool.Config{Journal: spool.NewMemory(), Flows: map[string]spool.Flow{"push": {Courier: door.Courier("push")}}})
	if err != nil {
		log.Fatal(err)
	}
	door.Attach(kept)
	done := make(chan error, 1)
	go func() { done <- kept.Run(ctx) }()
	server := httptest.NewServer(door)
	defer server.Close()

	c := messages.Client{Server: server.URL, Token: "secret of the product"}
	notice := messages.Delivery{Request: &messages.Request{URL: service.URL + "/v1/send", Body: []byte("You have mail")}, Key: "notice-1"}
	first, err := c.Deliver(ctx, "push", notice)
	if err != nil {
		log.Fatal(err)
	}
	again, err := c.Deliver(ctx, "push", notice) // its answer may have been lost
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("again:", again.Known, again.ID == first.ID)

	kept.Release("push") // the maintenance is over
	fmt.Println(<-pushed)

	later, err := c.Deliver(ctx, "push", messages.Delivery{
		DeliverAt: time.Now().Add(24 * time.Hour), Request: &messages.Request{URL: service.URL + "/v1/send"},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Cancel(ctx, "push", later.ID); err != nil {
		log.Fatal(err)
	}
	m, err := c.Get(ctx, "push", later.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("later:", m.State)

	_, err = c.Deliver(ctx, "push", messages.Delivery{Request: &messages.Request{URL: "http://169.254.169.254/latest/"}})
	if problem, ok := errors.AsType[*messages.Problem](err); ok {
		fmt.Println(problem)
	}
	stop()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	_ = kept.Close()
	// Output:
	// again: true true
	// You have mail, by Northwind
	// later: removed
	// request.url does not begin as the URLs that this flow may deliver to; its configuration lists them
}
