package webhook

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names starts a name server on this machine, and gives a resolver that asks it. address says what the nth question
// for the IPv4 address of a name is answered with; nothing is that the name does not exist.
func names(t *testing.T, address func(name string, nth int) []string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		serveNames(server, address)
	}()
	t.Cleanup(func() {
		server.Close()
		<-over
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func serveNames(server net.PacketConn, address func(name string, nth int) []string) {
	asked := make(map[string]int)
	packet := make([]byte, 1500)
	for {
		n, from, err := server.ReadFrom(packet)
		if err != nil {
			return
		}
		var question dnsmessage.Message
		if question.Unpack(packet[:n]) != nil || len(question.Questions) != 1 {
			continue
		}
		q := question.Questions[0]
		name := strings.TrimSuffix(q.Name.String(), ".")
		found := address(name, asked[name])
		answer := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: question.ID, Response: true, Authoritative: true, RecursionAvailable: true},
			Questions: question.Questions,
		}
		if len(found) == 0 {
			answer.RCode = dnsmessage.RCodeNameError
		}
		if q.Type == dnsmessage.TypeA {
			asked[name]++
			for _, text := range found {
				answer.Answers = append(answer.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: [4]byte(net.ParseIP(text).To4())},
				})
			}
		}
		packed, err := answer.Pack()
		if err == nil {
			_, _ = server.WriteTo(packed, from)
		}
	}
}

func TestANameThatTurnsInwardAfterTheCheckIsRefusedWhenItIsConnectedTo(t *testing.T) {
	var posts atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	endpoint := "http://turning.northwind.example:" + port + "/hook"

	c := New(nil, "test")
	defer c.Close()
	c.dialer.Resolver = names(t, func(_ string, nth int) []string {
		if nth == 0 {
			return []string{"9.9.9.9"}
		}
		return []string{"127.0.0.1"}
	})
	if err := c.Check(t.Context(), endpoint); err != nil {
		t.Fatalf("got %v from the check, want it accepted: its address was public", err)
	}
	a := c.Post(t.Context(), Request{URL: endpoint})
	if !errors.Is(a.Err, ErrInward) || a.Verdict() != Forbidden {
		t.Errorf("got %+v (%s), want it forbidden", a, a.Verdict())
	}
	if n := posts.Load(); n != 0 {
		t.Errorf("got %d posts inside, want none", n)
	}
	if err := c.Check(t.Context(), endpoint); !errors.Is(err, ErrInward) {
		t.Errorf("got %v from another check, want the name refused", err)
	}
}

func TestTheSameNameIsReachedWhereTheOperatorAllowsIt(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	c := New(loopback, "test")
	defer c.Close()
	c.dialer.Resolver = names(t, func(string, int) []string { return []string{"127.0.0.1"} })
	endpoint := "http://inside.northwind.example:" + port
	if err := c.Check(t.Context(), endpoint); err != nil {
		t.Errorf("got %v from the check, want it accepted", err)
	}
	if a := c.Post(t.Context(), Request{URL: endpoint}); a.Verdict() != Delivered {
		t.Errorf("got %+v (%s), want it delivered", a, a.Verdict())
	}
}

func TestACheckDoesNotTellWhichNamesThereAreInside(t *testing.T) {
	c := New(nil, "test")
	c.dialer.Resolver = names(t, func(name string, _ int) []string {
		switch name {
		case "db.northwind.example":
			return []string{"10.0.0.5", "10.0.0.6"}
		case "both.northwind.example":
			return []string{"10.0.0.5", "9.9.9.9"}
		}
		return nil
	})
	here := c.Check(t.Context(), "https://db.northwind.example/")
	nowhere := c.Check(t.Context(), "https://no.northwind.example/")
	if !errors.Is(here, ErrInward) || !errors.Is(nowhere, ErrInward) {
		t.Fatalf("got %v and %v, want both refused", here, nowhere)
	}
	if got, want := strings.Replace(here.Error(), "db.", "no.", 1), nowhere.Error(); got != want {
		t.Errorf("got %q for a name inside, want the words for one that does not exist: %q", got, want)
	}
	if err := c.Check(t.Context(), "https://both.northwind.example/"); err != nil {
		t.Errorf("got %v, want a name accepted that has a public address too", err)
	}
	if err := c.Check(t.Context(), "https://both.northwind.example:25/"); !errors.Is(err, ErrInward) {
		t.Errorf("got %v, want the port of mail refused", err)
	}
}

func TestANameThatDoesNotResolveMayDoSoLater(t *testing.T) {
	c := New(nil, "test")
	c.dialer.Resolver = names(t, func(string, int) []string { return nil })
	a := c.Post(t.Context(), Request{URL: "https://no.northwind.example/"})
	if a.Err == nil || a.Verdict() != Passing {
		t.Errorf("got %+v (%s), want it passing", a, a.Verdict())
	}
}

func TestACheckSaysWhenNamesCannotBeResolvedNow(t *testing.T) {
	c := New(nil, "test")
	down := errors.New("the resolver is down")
	c.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, down }}
	err := c.Check(t.Context(), "https://northwind.example/")
	if err == nil || errors.Is(err, ErrInward) || errors.Is(err, ErrURL) {
		t.Errorf("got %v, want an error that blames nobody's URL", err)
	}
}
