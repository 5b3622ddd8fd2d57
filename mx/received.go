package mx

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// mostHops is how many Received lines a message may have before it is taken to go round in circles (RFC 5321, 6.3).
const mostHops = 100

// received is the line that each server puts in front of a message that it passes on (RFC 5321, 4.4). The recipient stands in it
// only where there is one, for the others are nobody's business.
func (e Envelope) received(id string) []byte {
	if e.ReceivedAt.IsZero() {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Received: from %s (%s)\r\n", hello(e.Helo, "unknown"), literal(e.Client))
	with := "ESMTP"
	if e.UTF8 {
		with = "UTF8SMTP" // RFC 6531, 4.3
	}
	if e.TLS != "" {
		with += "S" // RFC 3848
	}
	if e.User != "" {
		with += "A"
	}
	if e.TLS != "" {
		fmt.Fprintf(&b, "\t(using %s)\r\n", e.TLS)
	}
	fmt.Fprintf(&b, "\tby %s with %s", e.By, with)
	if id != "" {
		b.WriteString(" id " + id)
	}
	if len(e.Rcpts) == 1 {
		b.WriteString("\r\n\tfor <" + e.Rcpts[0].To + ">")
	}
	b.WriteString(";\r\n\t" + date(e.ReceivedAt) + "\r\n")
	return []byte(b.String())
}

// date writes a time as RFC 5322, 3.3 does.
func date(t time.Time) string { return t.UTC().Format("Mon, 2 Jan 2006 15:04:05 -0700") }

// literal writes a client's address as RFC 5321, 4.1.3 does.
func literal(client string) string {
	addr, err := netip.ParseAddr(client)
	switch {
	case err != nil:
		return "[unknown]"
	case addr.Unmap().Is4():
		return "[" + addr.Unmap().String() + "]"
	}
	return "[IPv6:" + addr.String() + "]"
}

// hello is a name that somebody introduced himself with, if it can stand in a line, or another.
func hello(name, otherwise string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:[]"
	if name == "" || len(name) > 255 || strings.Trim(name, letters) != "" {
		return otherwise
	}
	return name
}

// headerOf is the header section of a message, the empty line included.
func headerOf(message []byte) []byte {
	if bytes.HasPrefix(message, []byte("\r\n")) {
		return message[:2]
	}
	if i := bytes.Index(message, []byte("\r\n\r\n")); i >= 0 {
		return message[:i+4]
	}
	return message
}

// hops counts the servers that a message came through.
func hops(message []byte) int {
	n := 0
	for line := range bytes.Lines(headerOf(message)) {
		if named(line, "Received") {
			n++
		}
	}
	return n
}

// named reports whether a line begins the header field of a name.
func named(line []byte, name string) bool {
	field, _, ok := bytes.Cut(line, []byte(":"))
	return ok && strings.EqualFold(strings.TrimRight(string(field), " \t"), name)
}

// lined reports whether CR and LF stand only together. Alone beside a dot they end a message for some servers, and what follows
// would be commands of the sender's choice.
func lined(message []byte) bool {
	pairs := bytes.Count(message, []byte("\r\n"))
	return bytes.Count(message, []byte("\n")) == pairs && bytes.Count(message, []byte("\r")) == pairs
}
