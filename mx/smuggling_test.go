package mx

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// endings are what some server somewhere takes for the end of a message.
var endings = []string{
	"\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\r.\n",
	"\r\r\n.\r\n", "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n.\r\r\n", "\n\n.\r\n", "\n\r.\r\n",
}

func TestNoMessageHidesInAnother(t *testing.T) {
	for _, ending := range endings {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%q, kept %v", ending, kept), func(t *testing.T) {
				p := behind(t, nil)
				r := stand(t, p.address, nil)
				r.interrupted.Store(kept)
				inner := "MAIL FROM:<admin@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nSubject: forged\r\n\r\nforged\r\n"
				smuggle(t, r.address, "Subject: outer\r\n\r\nouter"+ending+inner)
				courier := &Courier{Upstream: r.Upstream, Spool: &r.shelf}
				defer courier.Close()
				for _, e := range r.shelf.all() {
					courier.Deliver(t.Context(), e)
				}
				all := p.all()
				if len(all) > 1 {
					t.Fatalf("got %d messages at the product, want one at most", len(all))
				}
				for _, l := range all {
					if l.from != "eve@client.example" || !strings.Contains(l.message, "forged") {
						t.Errorf("got %q from %s, want all of it from eve", l.message, l.from)
					}
				}
			})
		}
	}
}

// smuggle sends a message and hears everything that is said to it.
func smuggle(t *testing.T, address, message string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	talkOn(t, conn, `
		< 220 *
		> HELO client.example
		< 250 *
		> MAIL FROM:<eve@client.example>
		< 250 *
		> RCPT TO:<bob@example.com>
		< 250 *
		> DATA
		< 354 *
	`)
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, message+"\r\n.\r\nQUIT\r\n")
	said, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if answers := strings.Count(string(said), "\r\n"); answers != 2 {
		t.Errorf("got %d answers, want one to the message and one to QUIT: %s", answers, said)
	}
	if !strings.HasPrefix(string(said), "554 5.6.0 ") && !strings.HasPrefix(string(said), "250 ") {
		t.Errorf("got %s, want 554, or 250 for all of it", said)
	}
}

func TestAddressesCannotBecomeCommands(t *testing.T) {
	r := stand(t, behind(t, nil).address, nil)
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "HELO c\r\nMAIL FROM:<\"a\rRSET\r\"@example.com>\r\nMAIL FROM:<a@b\x00c>\r\nMAIL FROM:<\xc3\xa4@example.com>\r\n"+
		"MAIL FROM:<\"a\\\"b\"@client.example>\r\nQUIT\r\n")
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	said, _ := io.ReadAll(conn)
	answers := strings.Split(string(said), "\r\n")[2:]
	for i, want := range []string{"553 5.1.3 *", "553 5.1.3 *", "553 5.6.7 *", "250 *", "221 *"} {
		if !fits(answers[i], want) {
			t.Errorf("got %q, want %q", answers[i], want)
		}
	}
}

func TestAddressesAreWrittenAsTheyWereSaid(t *testing.T) {
	for _, c := range []struct{ parsed, want string }{
		{"ann@example.com", "ann@example.com"},
		{"a b@example.com", `"a b"@example.com`},
		{`a"b@example.com`, `"a\"b"@example.com`},
		{"a@b@example.com", `"a@b"@example.com`},
		{".a@example.com", `".a"@example.com`},
		{"ann@[192.0.2.1]", "ann@[192.0.2.1]"},
		{"", ""},
	} {
		got, refusal := path(c.parsed, false)
		if refusal != nil || got != c.want {
			t.Errorf("%q: got %q and %v, want %q", c.parsed, got, refusal, c.want)
		}
	}
	for _, bad := range []string{"ann", "@example.com", "ann@", "ann@a b", "ann@a<b", "a\x7f@example.com"} {
		if got, refusal := path(bad, true); refusal == nil {
			t.Errorf("%q: got %q, want a refusal", bad, got)
		}
	}
}
