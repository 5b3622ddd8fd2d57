package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"example.org/interlude/status"
)

// mailbox is an SMTP server that keeps who was sent what.
type mailbox struct {
	tb      testing.TB
	address string

	mu sync.Mutex
	// ids are the Message-IDs that each recipient got, in order, and latest the last message of each.
	ids    map[string][]string
	latest map[string]*mail.Message
	bodies map[string]string
	from   map[string]string // the sender of the last envelope
	total  int
}

// newMailbox starts the server; it ends with the test.
func newMailbox(tb testing.TB) *mailbox {
	tb.Helper()
	b := &mailbox{
		tb: tb, ids: make(map[string][]string), latest: make(map[string]*mail.Message), bodies: make(map[string]string),
		from: make(map[string]string),
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &letterbox{mailbox: b}, nil }))
	server.Domain = "mail.example.com"
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // it returns when the server is closed
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	b.address = listener.Addr().String()
	return b
}

// config writes the file that makes a server send through the mailbox, with more lines.
func (b *mailbox) config(more string) string {
	b.tb.Helper()
	name := filepath.Join(b.tb.TempDir(), "notices.yaml")
	text := "mail:\n  from: Northwind Status <status@northwind.example>\n  relays: ['smtp://" + b.address + "?connections=8']\n" + more
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		b.tb.Fatal(err)
	}
	return name
}

// count is how many messages a recipient got, and how many all of them.
func (b *mailbox) count(recipient string) (one, all int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ids[recipient]), b.total
}

// letterbox is one connection.
type letterbox struct {
	*mailbox

	from, to string
}

func (l *letterbox) Mail(from string, _ *smtp.MailOptions) error { l.from = from; return nil }

func (l *letterbox) Rcpt(to string, _ *smtp.RcptOptions) error { l.to = to; return nil }

func (l *letterbox) Reset() {}

func (l *letterbox) Logout() error { return nil }

// Data reads the message as a mail reader does.
func (l *letterbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err // the sender broke off, and was told of no acceptance
	}
	message, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		l.tb.Errorf("a message to %s cannot be read: %v", l.to, err)
		return err
	}
	body, err := io.ReadAll(message.Body)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	l.ids[l.to] = append(l.ids[l.to], message.Header.Get("Message-ID"))
	l.latest[l.to], l.bodies[l.to], l.mailbox.from[l.to] = message, string(body), l.from
	return nil
}

// townOf is a page at a server's own address, with one component.
func townOf(address string) status.Document {
	return status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind", URL: address}, Components: []status.ComponentNode{{Name: "App"}},
	}}
}
