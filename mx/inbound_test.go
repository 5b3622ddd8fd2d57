package mx

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/spool"
)

// send sends a message with the client of go-smtp.
func send(address, from string, o *smtp.MailOptions, to []string, message string) error {
	c, err := smtp.Dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello("client.example"); err != nil {
		return err
	}
	if err := c.Mail(from, o); err != nil {
		return err
	}
	for _, t := range to {
		if err := c.Rcpt(t, &smtp.RcptOptions{Notify: []smtp.DSNNotify{smtp.DSNNotifyFailure}, OriginalRecipientType: smtp.DSNAddressTypeRFC822, OriginalRecipient: "old+" + t}); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

var dsn = &smtp.MailOptions{Return: smtp.DSNReturnHeaders, EnvelopeID: "QQ+314=15", Body: smtp.Body8BitMIME}

func TestAMessageGoesStraightOn(t *testing.T) {
	p := behind(t, nil)
	r := stand(t, p.address, nil)
	if err := send(r.address, "ann@client.example", dsn, []string{"bob@example.com"}, hello1); err != nil {
		t.Fatal(err)
	}
	got := p.only(t)
	received, rest, _ := strings.Cut(got.message, "Subject:")
	if "Subject:"+rest != hello1 {
		t.Errorf("got %q, want it to end with %q", got.message, hello1)
	}
	if !fits(received, "Received: from client.example ([127.0.0.1])\r\n\tby mx.example.com with ESMTP\r\n\tfor <bob@example.com>;\r\n\t* +0000\r\n") {
		t.Errorf("got %q, which is no Received line of the door", received)
	}
	if got.mail.Return != "HDRS" || got.mail.EnvelopeID != "QQ+314=15" || got.mail.Body != "8BITMIME" || got.helo != "client.example" {
		t.Errorf("got %+v from %s, want what the client said", got.mail, got.helo)
	}
	if o := got.rcpt[0]; o.OriginalRecipient != "old+bob@example.com" || len(o.Notify) != 1 || o.Notify[0] != "FAILURE" {
		t.Errorf("got %+v, want what the client said", o)
	}
	if n := len(r.shelf.all()); n != 0 || r.tally.String() != "map[passed:1]" {
		t.Errorf("got %d entries and %s, want none and one that passed", n, &r.tally)
	}
}

func TestTheUpstreamsAnswersAreTheClients(t *testing.T) {
	p := behind(t, func(p *product) {
		p.onMail = func(from string) error {
			if from == "spam@client.example" {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "We know you"}
			}
			return nil
		}
		p.onRcpt = func(to string) error {
			if to == "full@example.com" {
				return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full\nSee https://example.com/full"}
			}
			return nil
		}
		p.onData = func(message []byte) error {
			if bytes.Contains(message, []byte("virus")) {
				return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 9}, Message: "Not this"}
			}
			return nil
		}
	})
	r := stand(t, p.address, nil)
	talk(t, r.address, `
		< 220 mx.example.com ESMTP Service Ready
		> EHLO client.example
		< 250-Hello client.example
		< 250-PIPELINING
		< 250-8BITMIME
		< 250-ENHANCEDSTATUSCODES
		< 250-CHUNKING
		< 250-SMTPUTF8
		< 250-DSN
		< 250-SIZE 26214400
		< 250 LIMITS RCPTMAX=100
		> MAIL FROM:<spam@client.example>
		< 550 5.7.1 We know you
		> MAIL FROM:<ann@client.example>
		< 250 2.0.0 *
		> RCPT TO:<full@example.com>
		< 452-Mailbox full
		< 452 4.2.2 See https://example.com/full
		> RCPT TO:<bob@example.com>
		< 250 2.0.0 *
		> DATA
		< 354 *
		> Subject: virus
		>
		> .
		< 554 5.7.9 Not this
		> MAIL FROM:<ann@client.example>
		< 250 2.0.0 *
		> RCPT TO:<bob@example.com>
		< 250 2.0.0 *
		> RSET
		< 250 2.0.0 Session reset
		> MAIL FROM:<>
		< 250 2.0.0 *
		> RCPT TO:<"bob b"@example.com>
		< 250 2.0.0 *
		> DATA
		< 354 *
		> Subject: good
		>
		> .
		< 250 2.6.0 Delivered
		> QUIT
		< 221 *
		<EOF
	`)
	if got := p.only(t); got.from != "" || got.to[0] != "bob b@example.com" {
		t.Errorf("got %s to %s, want <> to bob b@example.com", got.from, got.to)
	}
	if got, want := r.tally.String(), "map[failed:2 gone:1 passed:1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if p.sessions != 1 {
		t.Errorf("got %d connections to the product, want one kept", p.sessions)
	}
}

func TestDuringAnInterruptionMailIsKept(t *testing.T) {
	r := stand(t, nowhere(t), func(r *rig) {
		list, err := ParseRecipients(strings.NewReader("bob@example.com\nsupport+*@example.com\n/team-[0-9]+@eu\\.example\\.com/ # teams\n"))
		if err != nil {
			t.Fatal(err)
		}
		r.Recipients = func() *Recipients { return list }
	})
	r.interrupted.Store(true)
	talk(t, r.address, `
		< 220 *
		> EHLO client.example
		< 250-*
		< 250-*
		< 250-*
		< 250-*
		< 250-*
		< 250-*
		< 250-*
		< 250-*
		< 250 *
		> MAIL FROM:<Ann@client.example> BODY=8BITMIME RET=FULL ENVID=a+2Bb
		< 250 *
		> RCPT TO:<Bob@Example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;robert+2B1@example.com
		< 250 *
		> RCPT TO:<support+42@example.com>
		< 250 *
		> RCPT TO:<team-7@eu.example.com>
		< 250 *
		> RCPT TO:<nobody@example.com>
		< 550 5.1.1 No such address here
		> RCPT TO:<eve@elsewhere.example>
		< 550 5.7.1 Mail for this domain is not taken here
		> RCPT TO:<eve@notexample.com>
		< 550 5.7.1 *
		> DATA
		< 354 *
		> Subject: kept
		>
		> ..one dot
		> .
		< 250 2.0.0 Queued as e1
	`)
	e := r.shelf.only(t)
	env, err := ReadEnvelope(e.Head)
	if err != nil {
		t.Fatal(err)
	}
	if env.EnvID != "a+b" || env.Ret != "FULL" || env.Body != "8BITMIME" || env.Client != "127.0.0.1" || env.Helo != "client.example" || env.ReceivedAt.IsZero() {
		t.Errorf("got %+v, want what the client said", env)
	}
	if len(env.Rcpts) != 3 || env.Rcpts[0].Orcpt != "rfc822;robert+1@example.com" || strings.Join(env.Rcpts[0].Notify, ",") != "SUCCESS,DELAY" {
		t.Errorf("got %+v, want three recipients", env.Rcpts)
	}
	if got, want := string(e.Body), "Subject: kept\r\n\r\n.one dot\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if e.Lane != "ann@client.example>bob@example.com,support+42@example.com,team-7@eu.example.com" {
		t.Errorf("got lane %s", e.Lane)
	}
	if e.Kind != spool.Mail || e.Flow != "inbound" || e.About != "mail from <Ann@client.example> to <Bob@Example.com> and 2 more" {
		t.Errorf("got %+v", e)
	}
	if got := r.tally.String(); got != "map[queued:1]" {
		t.Errorf("got %s, want one queued", got)
	}
}

func TestAnUpstreamThatIsAway(t *testing.T) {
	t.Run("outside a window its mail is put off", func(t *testing.T) {
		r := stand(t, nowhere(t), nil)
		err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1)
		wantCode(t, err, 451, smtp.EnhancedCode{4, 4, 1})
		if n := len(r.shelf.all()); n != 0 || r.failures.Load() != 1 {
			t.Errorf("got %d entries and %d failures, want none and one", n, r.failures.Load())
		}
		until(t, "it is counted", func() bool { return r.tally.String() == "map[failed:1]" })
	})
	t.Run("inside a window it is kept", func(t *testing.T) {
		r := stand(t, nowhere(t), func(r *rig) { r.concerned.Store(true) })
		if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
			t.Fatal(err)
		}
		if e := r.shelf.only(t); string(e.Body) != hello1 || r.failures.Load() != 1 {
			t.Errorf("got %q and %d failures, want the message and one", e.Body, r.failures.Load())
		}
	})
	trouble := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The database is away"}
	for stage, adapt := range map[string]func(*product){
		"to the sender":    func(p *product) { p.onMail = func(string) error { return trouble } },
		"to a recipient":   func(p *product) { p.onRcpt = func(string) error { return trouble } },
		"to the message":   func(p *product) { p.onData = func([]byte) error { return trouble } },
		"breaking a RCPT":  func(p *product) { p.onRcpt = func(string) error { p.Close(); return trouble } },
		"breaking at data": func(p *product) { p.onData = func([]byte) error { p.Close(); return trouble } },
	} {
		t.Run("says so "+stage, func(t *testing.T) {
			for _, inside := range []bool{true, false} {
				r := stand(t, behind(t, adapt).address, func(r *rig) { r.concerned.Store(inside) })
				err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1)
				if inside {
					if err != nil {
						t.Fatal(err)
					}
					r.shelf.only(t)
					continue
				}
				if refusal := (*smtp.SMTPError)(nil); !errors.As(err, &refusal) || refusal.Code != 451 {
					t.Errorf("got %v, want 451", err)
				}
				if n := len(r.shelf.all()); n != 0 {
					t.Errorf("got %d entries outside a window, want none", n)
				}
			}
		})
	}
}

func TestMailStandsBehindMailThatWaits(t *testing.T) {
	p := behind(t, nil)
	r := stand(t, p.address, nil)
	r.shelf.busy.Store("ann@client.example>bob@example.com")
	for _, to := range []string{"bob@example.com", "carl@example.com"} {
		if err := send(r.address, "ann@client.example", nil, []string{to}, hello1); err != nil {
			t.Fatal(err)
		}
	}
	if e, l := r.shelf.only(t), p.only(t); e.Lane != r.shelf.busy.Load() || l.to[0] != "carl@example.com" {
		t.Errorf("got %s kept and %s passed, want bob's kept and carl's passed", e.Lane, l.to)
	}
	r.shelf.behind.Store(true)
	if err := send(r.address, "ann@client.example", nil, []string{"carl@example.com"}, hello1); err != nil {
		t.Fatal(err)
	}
	if n := len(r.shelf.all()); n != 2 {
		t.Errorf("got %d entries while the flow drains, want 2", n)
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	for _, c := range []struct {
		err      error
		code     int
		enhanced smtp.EnhancedCode
	}{
		{spool.ErrFull, 452, smtp.EnhancedCode{4, 3, 1}},
		{spool.ErrTooLarge, 552, smtp.EnhancedCode{5, 3, 4}},
		{spool.ErrClosed, 451, smtp.EnhancedCode{4, 3, 0}},
	} {
		r := stand(t, nowhere(t), func(r *rig) { r.interrupted.Store(true); r.shelf.fail(c.err) })
		wantCode(t, send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1), c.code, c.enhanced)
		until(t, "it is counted", func() bool { return r.tally.String() == "map[rejected:1]" })
	}
	r := stand(t, nowhere(t), func(r *rig) { r.interrupted.Store(true); r.Limits.Message = 1000 })
	long := hello1 + strings.Repeat("0123456789\r\n", 100)
	wantCode(t, send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, long), 552, smtp.EnhancedCode{5, 3, 4})
	wantCode(t, send(r.address, "ann@client.example", &smtp.MailOptions{Size: 2000}, nil, long), 552, smtp.EnhancedCode{5, 3, 4})
	loop := strings.Repeat("Received: from here by there; now\r\n", 101) + "\r\n"
	r = stand(t, nowhere(t), func(r *rig) { r.interrupted.Store(true) })
	wantCode(t, send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, loop), 554, smtp.EnhancedCode{5, 4, 6})
	if n := len(r.shelf.all()); n != 0 {
		t.Errorf("got %d entries, want none", n)
	}
}

func wantCode(t *testing.T, err error, code int, enhanced smtp.EnhancedCode) {
	t.Helper()
	refusal := (*smtp.SMTPError)(nil)
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.EnhancedCode != enhanced {
		t.Errorf("got %v, want %d %v", err, code, enhanced)
	}
}

func TestChunksAndPipelines(t *testing.T) {
	p := behind(t, nil)
	r := stand(t, p.address, nil)
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<b@example.com>\r\nBDAT 8\r\nSubject:BDAT 9 LAST\r\n x\r\n\r\n.\r\n"+
		"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@example.com>\r\nBDAT 4\r\nabcdRSET\r\nQUIT\r\n")
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	said, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(said), "\r\n250 2.6.0 Delivered\r\n"); n != 1 {
		t.Errorf("got %d messages delivered in %s, want 1", n, said)
	}
	if got := p.only(t).message; !strings.HasSuffix(got, "\r\nSubject: x\r\n\r\n.\r\n") {
		t.Errorf("got %q, want the chunks", got)
	}
	until(t, "both are counted", func() bool { return r.tally.String() == "map[gone:1 passed:1]" })
}
