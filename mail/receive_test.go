package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// letterbox is a receiver for one address, and what it delivered.
type letterbox struct {
	Receiver

	mu        sync.Mutex
	delivered []string
	broken    error // why nothing can be delivered
}

const returnAddress = "bounces+1.s7.seal@status.northwind.example"

func newLetterbox() *letterbox {
	p := &letterbox{}
	p.Receiver = Receiver{
		Name: "status.northwind.example", Log: quiet(), Accept: func(to string) bool { return to == returnAddress },
		Deliver: func(_ context.Context, to string, message []byte) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.broken != nil {
				return p.broken
			}
			p.delivered = append(p.delivered, to+"\n"+string(message))
			return nil
		},
	}
	return p
}

func (p *letterbox) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.delivered...)
}

func (p *letterbox) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}

// open receives on a port of this machine until the test ends.
func (p *letterbox) open(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p.serve(tb, listener)
	return listener.Addr().String()
}

// serve receives until the test ends or close is called, which waits for the end.
func (p *letterbox) serve(tb testing.TB, listener net.Listener) (closed func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx, listener); err != nil {
			tb.Error(err)
		}
	})
	closed = func() {
		cancel()
		running.Wait()
	}
	tb.Cleanup(closed)
	return closed
}

// talk is a client that says what a test writes.
type talk struct {
	tb   testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func dialTalk(tb testing.TB, address string) *talk {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return &talk{tb, conn, bufio.NewReader(conn)}
}

// play says lines that begin with C, each with CRLF, and hears those that begin with S: the beginning of an answer's last line.
func (k *talk) play(transcript string) {
	k.tb.Helper()
	for line := range strings.Lines(transcript) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "C: "):
			k.say(line[3:] + "\r\n")
		case strings.HasPrefix(line, "S: "):
			if got := k.hear(); !strings.HasPrefix(got, line[3:]) {
				k.tb.Errorf("got %q, want %q", got, line[3:])
			}
		}
	}
}

func (k *talk) say(text string) error {
	_, err := io.WriteString(k.conn, text)
	return err
}

// hear returns the last line of an answer, or what is wrong with it.
func (k *talk) hear() string {
	for {
		line, err := k.in.ReadString('\n')
		if err != nil {
			return err.Error()
		}
		if len(line) < 4 || line[3] != '-' {
			return strings.TrimSpace(line)
		}
	}
}

// begun greets and begins a message to ours.
const begun = `
	S: 220 status.northwind.example ESMTP
	C: EHLO mx.example.com
	S: 250
	C: MAIL FROM:<>
	S: 250
	C: RCPT TO:<` + returnAddress + `>
	S: 250
`

func TestAMessageIsAcceptedOnceItIsDelivered(t *testing.T) {
	p := newLetterbox()
	address := p.open(t)
	send := func() error {
		return smtp.SendMail(address, nil, "", []string{returnAddress}, []byte("Subject: gone\r\n\r\n.dot\r\n"))
	}
	p.fail(errors.New("the database is at 192.0.2.1"))
	if err := send(); err == nil || !strings.HasPrefix(err.Error(), "451") || !strings.Contains(err.Error(), "4.3.0") || strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("got %v, want 451 without what is the matter inside", err)
	}
	p.fail(nil)
	if err := send(); err != nil {
		t.Errorf("got %v, want it taken", err)
	}
	if got := p.got(); len(got) != 1 || got[0] != returnAddress+"\nSubject: gone\r\n\r\n.dot\r\n" {
		t.Errorf("got %q, want the message once", got)
	}
}

func TestMailForOthersIsRefusedAndWhoIsHereIsNotTold(t *testing.T) {
	p := newLetterbox()
	k := dialTalk(t, p.open(t))
	k.play(`
		S: 220
		C: RCPT TO:<` + returnAddress + `>
		S: 502
		C: EHLO mx.example.com
		S: 250
		C: MAIL FROM:<ops@example.com>
		S: 250
		C: DATA
		S: 502
		C: VRFY ` + returnAddress + `
		S: 252 2.5.0 Cannot VRFY user, but will accept message
		C: VRFY ops@example.org
		S: 252 2.5.0 Cannot VRFY user, but will accept message
		C: EXPN bounces
		S: 502
		C: AUTH PLAIN AGEAYg==
		S: 523
	`)
	for range mostRefused {
		k.play("C: RCPT TO:<ops@example.org>\nS: 550 5.1.1")
	}
	k.play("C: RCPT TO:<ops@example.org>\nS: 421\nS: EOF")
	if got := p.got(); len(got) != 0 {
		t.Errorf("got %q, want nothing delivered", got)
	}
}

func TestOneOfTenThousandRecipientsIsTaken(t *testing.T) {
	p := newLetterbox()
	k := dialTalk(t, p.open(t))
	k.play(begun)
	for range 100 {
		k.say(strings.Repeat("RCPT TO:<"+returnAddress+">\r\n", 100))
		for range 100 {
			if got := k.hear(); !strings.HasPrefix(got, "452") {
				t.Fatalf("got %q, want 452", got)
			}
		}
	}
	k.play("C: DATA\nS: 354\nC: .\nS: 250\nC: QUIT\nS: 221")
	if got := p.got(); len(got) != 1 {
		t.Errorf("got %d messages, want 1", len(got))
	}
}

func TestOnlyADotOnALineOfItsOwnEndsAMessage(t *testing.T) {
	const smuggled = "MAIL FROM:<>\r\nRCPT TO:<" + returnAddress + ">\r\nDATA\r\nsmuggled\r\n"
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r.\r", "\r\n.\r", "\n.\r", "\r\n\x00.\r\n", "\r\r\n.\r\n"} {
		p := newLetterbox()
		k := dialTalk(t, p.open(t))
		k.play(begun + "C: DATA\nS: 354")
		k.say("first" + end + smuggled + "\r\n.\r\n")
		k.play("S: 250\nC: NOOP\nS: 250 2.0.0 I have")
		if got := p.got(); len(got) != 1 || !strings.HasSuffix(got[0], smuggled+"\r\n") {
			t.Errorf("%q: got %q, want one message with all in it", end, got)
		}
	}
}

func TestAMessageIsTakenWholeOrNotAtAll(t *testing.T) {
	p := newLetterbox()
	address := p.open(t)
	k := dialTalk(t, address)
	k.play(begun + "C: DATA\nS: 354\nC: Subject: half")
	k.conn.Close()
	k = dialTalk(t, address)
	k.play(begun)
	k.say("BDAT 4\r\nhalfRSET\r\n")
	k.play("S: 250\nS: 250\nC: BDAT 4 LAST\nS: 502")
	k = dialTalk(t, address)
	k.play(begun)
	k.say("BDAT 2\r\nw\x00BDAT 5 LAST\r\n\xffole\nQUIT\r\n")
	k.play("S: 250\nS: 250\nS: 221")
	if got := p.got(); len(got) != 1 || got[0] != returnAddress+"\nw\x00\xffole\n" {
		t.Errorf("got %q, want the whole one alone, as it was", got)
	}
}

func TestWhatIsTooLongIsRefused(t *testing.T) {
	line := strings.Repeat("x", 998) + "\r\n"
	for name, c := range map[string]struct{ say, want string }{
		"a size that is announced": {"RSET\r\nMAIL FROM:<> SIZE=2000000\r\n", "250 552"},
		"a message":                {"DATA\r\n" + strings.Repeat(line, 1100) + ".\r\nNOOP\r\n", "354 552 250"},
		"a chunk":                  {"BDAT 1100000 LAST\r\n" + strings.Repeat(line, 1100) + "NOOP\r\n", "552 250"},
		"a command":                {"NOOP " + strings.Repeat("x", longestReceivedLine) + "\r\n", "500"},
		"a line of a message":      {"DATA\r\n" + strings.Repeat("x", longestReceivedLine) + "\r\n.\r\n", "354 554"},
		"what is no command":       {strings.Repeat("\x00\xff\r\n\n", 100), "501 500 501 500 500"},
	} {
		p := newLetterbox()
		k := dialTalk(t, p.open(t))
		k.play(begun)
		go k.say(c.say)
		for want := range strings.FieldsSeq(c.want) {
			if got := k.hear(); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %q, want %s", name, got, want)
			}
		}
		if got := p.got(); len(got) != 0 {
			t.Errorf("%s: got %d messages, want none", name, len(got))
		}
	}
}

func TestSoManyOfOneNetworkAreLetIn(t *testing.T) {
	address := newLetterbox().open(t)
	var inside []*talk
	for range mostOfOneNetwork {
		k := dialTalk(t, address)
		k.play("S: 220")
		inside = append(inside, k)
	}
	dialTalk(t, address).play("S: 421 4.7.0 Too many connections\nS: EOF")
	inside[0].play("C: QUIT\nS: 221\nS: EOF")
	for { // the server closes its end when the client has seen it already
		k := dialTalk(t, address)
		if strings.HasPrefix(k.hear(), "220") {
			return
		}
	}
}

func TestATransmissionIsEncryptedWhereTheClientAsksForIt(t *testing.T) {
	config, roots := certificate(t)
	p := newLetterbox()
	p.TLS = config
	address := p.open(t)
	client, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(address)
	if err := client.StartTLS(&tls.Config{RootCAs: roots, ServerName: host}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(client.Mail(""), client.Rcpt(returnAddress), client.Quit()); err != nil {
		t.Error(err)
	}
	// What was said in clear before is not taken for something that was said under TLS.
	k := dialTalk(t, address)
	k.play(begun)
	k.say("STARTTLS\r\nMAIL FROM:<>\r\nRCPT TO:<" + returnAddress + ">\r\n")
	k.play("S: 220")
	secret := tls.Client(k.conn, &tls.Config{RootCAs: roots, ServerName: host})
	k.in = bufio.NewReader(secret)
	fmt.Fprint(secret, "EHLO mx.example.com\r\nDATA\r\n")
	k.play("S: 250\nS: 502")
}

func TestAForeignClientDeliversAReport(t *testing.T) {
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			t.Fatal("python3 is not installed: run scripts/setup")
		}
		t.Skip("python3 is not installed: run scripts/setup")
	}
	p := newLetterbox()
	host, port, _ := net.SplitHostPort(p.open(t))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, python, "-c", `
import smtplib, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2])) as s:
    s.ehlo()
    try:
        s.sendmail("", ["ops@example.org"], "no")
        sys.exit("mail for others was taken")
    except smtplib.SMTPRecipientsRefused:
        pass
    print(s.sendmail("", [sys.argv[3]], sys.stdin.read().encode()))
`, host, port, returnAddress)
	report := sample(t, "postfix")
	c.Stdin = strings.NewReader(string(report))
	if out, err := c.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "{}" {
		t.Fatalf("got %s and %v, want all recipients taken", out, err)
	}
	got := p.got()
	if len(got) != 1 {
		t.Fatalf("got %d messages, want 1", len(got))
	}
	_, message, _ := strings.Cut(got[0], "\n")
	if b, err := ReadBounce(strings.NewReader(message)); err != nil || len(b.Recipients) != 1 || b.Recipients[0].Verdict() != Dead {
		t.Errorf("got %+v and %v, want the report", b, err)
	}
}
