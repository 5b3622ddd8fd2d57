package mx_test

import (
	"context"
	"fmt"
	"net"
	"strings"

	"example.org/interlude/mail"
	"example.org/interlude/mx"
	"example.org/interlude/spool"
)

func ExampleParseRecipients() {
	list, err := mx.ParseRecipients(strings.NewReader("bob@example.com\nsupport+*@example.com # with the number of a ticket\n"))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(list.Has("Bob@example.com"), list.Has("support+42@example.com"), list.Has("eve@example.com"))
	// Output: true true false
}

// A door in front of a mail server, and the courier that hands over what the door kept. The gate says when the flow is interrupted.
func ExampleInbound() {
	run := func(ctx context.Context, s *spool.Spool, interrupted func() bool, listener net.Listener) error {
		server := mx.Upstream{Relay: mail.Relay{Address: "mail.internal:25"}, XClient: true}
		door := &mx.Inbound{
			Name: "mx.example.com", Flow: "inbound", Spool: s, Upstream: server,
			Domains: []string{"example.com", "*.example.com"}, Interrupted: interrupted,
		}
		return door.Run(ctx, listener)
	}
	_ = run
}
