package spool_test

import (
	"context"
	"fmt"

	"example.org/interlude/spool"
)

// printer is a courier that prints.
type printer struct{ done chan struct{} }

func (p printer) Deliver(_ context.Context, e spool.Entry) spool.Outcome {
	fmt.Printf("%s: %s\n", e.About, e.Body)
	close(p.done)
	return spool.Outcome{Result: spool.Taken}
}

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	p := printer{make(chan struct{})}
	s, err := spool.Open(ctx, spool.Config{
		Journal: spool.NewMemory(), // OpenFiles makes one that lasts
		Flows:   map[string]spool.Flow{"hooks": {Courier: p}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	entry := spool.Entry{Flow: "hooks", Kind: spool.Post, Key: "evt_1", About: "POST /hooks", Body: []byte("paid")}
	if _, err := s.Accept(ctx, entry); err != nil {
		fmt.Println(err)
	}
	again, _ := s.Accept(ctx, entry)
	fmt.Println("known the second time:", again.Known)

	s.Release("hooks") // its destination is there
	<-p.done
	stop()
	fmt.Println(<-ended, s.Close())
	// Output:
	// known the second time: true
	// POST /hooks: paid
	// <nil> <nil>
}
