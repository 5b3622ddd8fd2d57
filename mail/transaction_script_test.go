package mail

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// script is what a relay does on one connection, line by line:
//
//	S: 250 ok      the relay says so
//	C: RCPT TO:<>  the client says so, and nothing of it had come before
//	+: DATA        the client says so, together with what it said before
//	hang           the relay says nothing more until the client is gone
//	wait           it says nothing until the stage releases it
//
// It closes the connection at the end. The script "refuse" does not take it.
type script string

// play acts the relay's part.
func (s script) play(t *testing.T, conn net.Conn, release <-chan struct{}) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 1<<16)
	for line := range strings.Lines(strings.TrimSpace(string(s))) {
		line = strings.TrimSpace(line)
		switch line {
		case "":
			continue
		case "hang":
			in.ReadByte()
			return
		case "wait":
			<-release
			continue
		}
		side, text, _ := strings.Cut(line, ":")
		text = strings.TrimPrefix(text, " ")
		if side == "S" {
			fmt.Fprintf(conn, "%s\r\n", text) // to a client that may have heard enough
			continue
		}
		if together := in.Buffered() > 0; together != (side == "+") {
			t.Errorf("before %q: got %q waiting %v, want it %v", text, waiting(in), together, side == "+")
		}
		got, err := in.ReadString('\n')
		if got != text+"\r\n" || err != nil {
			t.Errorf("the relay hears: got %q and %v, want %q", got, err, text)
			return
		}
	}
}

func waiting(in *bufio.Reader) []byte {
	rest, _ := in.Peek(in.Buffered())
	return rest
}

// stage is relays that follow scripts: for each address one script for each connection, in order.
type stage struct {
	t       *testing.T
	mu      sync.Mutex
	scripts map[string][]script
	release chan struct{}
	playing sync.WaitGroup
}

func (s *stage) dial(_ context.Context, _, address string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.scripts[address]) == 0 {
		return nil, fmt.Errorf("%s refuses the connection", address)
	}
	next := s.scripts[address][0]
	s.scripts[address] = s.scripts[address][1:]
	if next == "refuse" {
		return nil, fmt.Errorf("%s refuses the connection", address)
	}
	near, far := net.Pipe()
	s.playing.Go(func() { next.play(s.t, far, s.release) })
	return near, nil
}

// done waits until every script has been played to its end.
func (s *stage) done() {
	s.t.Helper()
	s.playing.Wait()
	for address, rest := range s.scripts {
		if len(rest) > 0 {
			s.t.Errorf("%s: got %d connections fewer than scripts", address, len(rest))
		}
	}
}

// The beginnings of scripts: a relay that takes several commands at once, and one that does not.
const (
	together script = `
		S: 220 relay.example
		C: EHLO client.example
		S: 250-relay.example
		S: 250-SIZE 1000000
		S: 250 PIPELINING
	`
	oneByOne script = `
		S: 220 relay.example
		C: EHLO client.example
		S: 250 relay.example
	`
)

// exchange sends messages with these texts one after the other, over one connection at a time to a relay that follows
// the scripts, and returns what became of each. Each message finds the next one waiting when it is composed.
func exchange(t *testing.T, texts []string, scripts ...script) []Reply {
	t.Helper()
	replies := make([]Reply, len(texts))
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, scripts: map[string][]script{"relay.example:25": scripts}}
		p := NewPool([]Relay{{Address: "relay.example:25", Connections: 1}}, "client.example", quiet())
		p.Dial = s.dial
		stop := run(t, p)
		sent := make([]chan struct{}, len(texts)+1)
		for i := range sent {
			sent[i] = make(chan struct{})
		}
		close(sent[len(texts)])
		var done sync.WaitGroup
		for i, text := range texts {
			done.Add(1)
			answered := 0
			err := p.Send(t.Context(), Job{
				From: "s@example.org", To: fmt.Sprintf("r%d@example.com", i),
				Compose: func(dst []byte) ([]byte, error) {
					<-sent[i+1]
					return append(dst, text...), nil
				},
				Done: func(r Reply) {
					replies[i] = r
					if answered++; answered > 1 {
						t.Errorf("message %d: got %d replies, want 1", i, answered)
						return
					}
					done.Done()
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			close(sent[i])
		}
		done.Wait()
		synctest.Wait()
		stop()
		s.done()
	})
	return replies
}
