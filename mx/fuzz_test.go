package mx

import (
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

var queued = regexp.MustCompile(`(?m)^250 2\.0\.0 Queued as e[0-9]+\r$`)

func FuzzDialogue(f *testing.F) {
	const begin = "EHLO c\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@example.com>\r\n"
	for _, seed := range []string{
		begin + "DATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n",
		begin + "BDAT 5\r\nabcdeBDAT 0 LAST\r\n",
		begin + "BDAT 5\r\nabcdeRSET\r\nBDAT 3 LAST\r\nabcNOOP\r\n",
		begin + "DATA\r\nhalf a message",
		begin + "DATA\r\na\n.\nMAIL FROM:<>\r\n.\r\n" + begin,
		begin + begin + "DATA\r\n..\r\n.\r\nSTARTTLS\r\nAUTH PLAIN\r\n",
		"MAIL FROM:<\"a b\"@c.example> SIZE=3 BODY=8BITMIME RET=HDRS ENVID=a+2Bb SMTPUTF8\r\nRCPT TO:<\xc3\xa4@example.com> NOTIFY=NEVER ORCPT=utf-8;\\x{E4}\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		r := stand(t, "127.0.0.1:1", func(r *rig) { r.interrupted.Store(true) })
		conn, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		go func() {
			conn.Write(said)
			conn.(*net.TCPConn).CloseWrite()
		}()
		heard, _ := io.ReadAll(conn) // that the door breaks the connection off is all one
		if strings.Contains(string(heard), "Internal server error") {
			t.Errorf("got a panic")
		}
		kept := r.shelf.all()
		n := len(queued.FindAll(heard, -1))
		whole := strings.HasSuffix(string(heard), "\r\n221 2.0.0 Bye\r\n")
		if n > len(kept) || whole && n < len(kept) {
			t.Errorf("got %d times 250 and %d entries", n, len(kept))
		}
		for _, e := range kept {
			if _, err := ReadEnvelope(e.Head); err != nil || !lined(e.Body) {
				t.Errorf("got %q with %q: %v", e.Head, e.Body, err)
			}
		}
	})
}

func FuzzRecipients(f *testing.F) {
	f.Add("bob@example.com\n*@example.org # all\n/.+@x\\.example/\n", "Bob@EXAMPLE.com")
	f.Add("jürgen@bücher.example", "jürgen@xn--bcher-kva.example")
	f.Fuzz(func(t *testing.T, list, address string) {
		l, err := ParseRecipients(strings.NewReader(list))
		if err != nil {
			return
		}
		l.Has(address)
		for known := range l.exact {
			if !l.Has(known) || !l.Has(strings.ToUpper(known)) {
				t.Errorf("%q: got no, want yes, for it is in %q", known, list)
			}
		}
	})
}

func TestRecipients(t *testing.T) {
	l, err := ParseRecipients(strings.NewReader("# our people\nBob@Example.com\n  *@lists.example.com\t# all lists\norders+*@example.com\n/(ann|carl)@example\\.com/\njürgen@bücher.example\n"))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"bob@example.com": true, "BOB@EXAMPLE.COM": true, "bob2@example.com": false, "any.thing@lists.example.com": true,
		"orders+12@example.com": true, "orders@example.com": false, "ann@example.com": true, "joann@example.com": false,
		"ann@example.com.evil.example": false, "jürgen@xn--bcher-kva.example": true, "x@y@lists.example.com": true, "": false,
	} {
		if got := l.Has(address); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
	for text, want := range map[string]string{
		"bob@example.com\nbob\n":  "recipients, line 2: \"bob\" is not an address, nor a pattern such as *@example.com or /.+@example\\.com/",
		"/(/\n":                   "recipients, line 1: \"/(/\": error parsing regexp: *",
		strings.Repeat("x", 5000): "recipients: *",
	} {
		if _, err := ParseRecipients(strings.NewReader(text)); err == nil || !fits(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if !(*Recipients)(nil).Has("anybody@example.com") {
		t.Error("got no from no list, want yes")
	}
}
