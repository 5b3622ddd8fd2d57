package mx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/mail"
	"example.org/interlude/spool"
)

// courier is a courier to a server, with a spool for its reports.
func courier(t *testing.T, address string, adapt func(*Courier)) (*Courier, *shelf) {
	t.Helper()
	s := &shelf{}
	c := &Courier{Name: "mx.example.com", Upstream: Upstream{Relay: mail.Relay{Address: address}}, Spool: s, Bounces: "outgoing"}
	if adapt != nil {
		adapt(c)
	}
	t.Cleanup(c.Close)
	return c, s
}

// entry is mail that came in.
func entry(t *testing.T, env Envelope, message string) spool.Entry {
	t.Helper()
	e, err := env.Entry("inbound", []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	e.ID, e.Expires = "id1", time.Date(2027, 1, 20, 0, 0, 0, 0, time.UTC)
	return e
}

func envelopeTo(to ...string) Envelope {
	e := Envelope{
		From: "ann@client.example", Client: "192.0.2.7", Helo: "client.example", By: "mx.example.com", TLS: "TLS 1.3 TLS_AES_128_GCM_SHA256",
		ReceivedAt: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC),
	}
	for _, t := range to {
		e.Rcpts = append(e.Rcpts, Recipient{To: t})
	}
	return e
}

func TestTheCourierHandsOverWhatCame(t *testing.T) {
	p := behind(t, nil)
	c, _ := courier(t, p.address, nil)
	env := envelopeTo("bob@example.com", "jürgen@example.com")
	env.UTF8, env.Body, env.Ret, env.EnvID = true, "8BITMIME", "HDRS", "a+b=c"
	env.Rcpts[0].Notify, env.Rcpts[0].Orcpt = []string{"FAILURE", "DELAY"}, "rfc822;robert+1@example.com"
	env.Rcpts[1].Orcpt = "utf-8;jürgen@old.example"
	for range 2 {
		if o := c.Deliver(t.Context(), entry(t, env, hello1)); o.Result != spool.Taken {
			t.Fatalf("got %+v, want taken", o)
		}
	}
	got := p.all()[1]
	want := "Received: from client.example ([192.0.2.7])\r\n\t(using TLS 1.3 TLS_AES_128_GCM_SHA256)\r\n\tby mx.example.com with UTF8SMTPS id id1;\r\n\tFri, 15 Jan 2027 06:00:00 +0000\r\n" + hello1
	if got.message != want {
		t.Errorf("got %q, want %q", got.message, want)
	}
	if m := got.mail; !m.UTF8 || m.Body != "8BITMIME" || m.Return != "HDRS" || m.EnvelopeID != "a+b=c" {
		t.Errorf("got %+v, want what the client said", m)
	}
	if o := got.rcpt; len(o[0].Notify) != 2 || o[0].OriginalRecipient != "robert+1@example.com" || o[1].OriginalRecipient != "jürgen@old.example" {
		t.Errorf("got %+v, want what the client said", o)
	}
	if p.sessions != 1 {
		t.Errorf("got %d connections, want one that is kept", p.sessions)
	}
}

func TestEachRecipientIsSettledAlone(t *testing.T) {
	full := true
	p := behind(t, func(p *product) {
		p.onRcpt = func(to string) error {
			switch {
			case strings.HasPrefix(to, "gone"):
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
			case strings.HasPrefix(to, "full") && full:
				return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
			}
			return nil
		}
	})
	c, s := courier(t, p.address, nil)
	e := entry(t, envelopeTo("bob@example.com", "full@example.com", "gone@example.com"), hello1)
	for range 2 { // the second time is after a crash that forgot the first
		if o := c.Deliver(t.Context(), e); o.Result != spool.Taken {
			t.Fatalf("got %+v, want taken", o)
		}
	}
	all := s.all()
	if len(all) != 2 {
		t.Fatalf("got %d entries, want a report and the rest", len(all))
	}
	if all[0].Flow != "outgoing" || all[1].Flow != "inbound" || !all[1].Expires.Equal(e.Expires) {
		t.Errorf("got %s and %s until %s, want a report and the rest", all[0].Flow, all[1].Flow, all[1].Expires)
	}
	if o := c.Deliver(t.Context(), all[1]); o.Result != spool.Retry || o.Away || o.Reason != "452 4.2.2 Mailbox full" {
		t.Errorf("got %+v, want to try again", o)
	}
	full = false
	if o := c.Deliver(t.Context(), all[1]); o.Result != spool.Taken {
		t.Errorf("got %+v, want taken", o)
	}
	if got := p.all(); got[2].to[0] != "full@example.com" || len(got[2].to) != 1 {
		t.Errorf("got %s, want full alone", got[2].to)
	}
}

func TestWhatCannotBePutDownIsTriedAgainWithoutWhoIsDone(t *testing.T) {
	p := behind(t, func(p *product) {
		p.onRcpt = func(to string) error {
			if strings.HasPrefix(to, "gone") {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
			}
			return nil
		}
	})
	c, s := courier(t, p.address, nil)
	s.fail(spool.ErrFull)
	e := entry(t, envelopeTo("bob@example.com", "gone@example.com"), hello1)
	for range 3 {
		if o := c.Deliver(t.Context(), e); o.Result != spool.Retry || !strings.Contains(o.Reason, spool.ErrFull.Error()) {
			t.Fatalf("got %+v, want to try again", o)
		}
	}
	s.fail(nil)
	if o := c.Deliver(t.Context(), e); o.Result != spool.Dropped {
		t.Errorf("got %+v, want dropped with a report", o)
	}
	p.only(t)
	s.only(t)
}

func TestAnUpstreamThatIsAwayHoldsTheFlow(t *testing.T) {
	said := func(code int, enhanced smtp.EnhancedCode) func(*product) {
		return func(p *product) {
			p.onMail = func(string) error { return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "Not now"} }
		}
	}
	for what, upstream := range map[string]struct {
		address string
		away    bool
	}{
		"nobody there":     {nowhere(t), true},
		"it leaves":        {behind(t, said(421, smtp.EnhancedCode{4, 3, 2})).address, true},
		"system trouble":   {behind(t, said(451, smtp.EnhancedCode{4, 3, 0})).address, true},
		"greylisting":      {behind(t, said(451, smtp.EnhancedCode{4, 7, 1})).address, false},
		"breaks at answer": {behind(t, func(p *product) { p.onData = func([]byte) error { p.Close(); return nil } }).address, true},
	} {
		t.Run(what, func(t *testing.T) {
			failures := 0
			c, s := courier(t, upstream.address, func(c *Courier) { c.Failed = func(error) { failures++ } })
			o := c.Deliver(t.Context(), entry(t, envelopeTo("bob@example.com"), hello1))
			if o.Result != spool.Retry || o.Away != upstream.away || o.Reason == "" || (failures == 1) != upstream.away {
				t.Errorf("got %+v and %d failures, want away %v", o, failures, upstream.away)
			}
			if n := len(s.all()); n != 0 {
				t.Errorf("got %d entries, want none", n)
			}
		})
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("the program ends"))
	c, _ := courier(t, nowhere(t), nil)
	if o := c.Deliver(ctx, entry(t, envelopeTo("bob@example.com"), hello1)); o.Result != spool.Retry || o.Away {
		t.Errorf("got %+v when the program ends, want to try again, and the upstream not at fault", o)
	}
}

func TestAKeptConnectionThatEndedIsReplaced(t *testing.T) {
	for _, say := range []string{"", "421 4.4.2 Idle\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(conn, "220 hi\r\n")
				read(conn, "EHLO", "250 hi\r\n")
				read(conn, "MAIL", "250 ok\r\n")
				read(conn, "RCPT", "250 ok\r\n")
				read(conn, "DATA", "354 go\r\n")
				read(conn, "\r\n.\r\n", "250 ok\r\n")
				read(conn, "\r\n", say) // and leaves
				conn.Close()
			}
		}()
		c, _ := courier(t, l.Addr().String(), nil)
		for range 3 {
			if o := c.Deliver(t.Context(), entry(t, envelopeTo("bob@example.com"), hello1)); o.Result != spool.Taken {
				t.Errorf("got %+v, want taken", o)
			}
		}
	}
}

// read reads until something was said, and answers.
func read(conn net.Conn, until, answer string) {
	var heard strings.Builder
	b := make([]byte, 1)
	for !strings.Contains(heard.String(), until) || !strings.HasSuffix(heard.String(), "\n") {
		if _, err := conn.Read(b); err != nil {
			return
		}
		heard.Write(b)
	}
	fmt.Fprint(conn, answer)
}

func TestLMTPAnswersForEachRecipient(t *testing.T) {
	lmtp := func(p *product) {
		p.LMTP = true
		p.perTo = func(to string) error {
			switch {
			case strings.HasPrefix(to, "gone"):
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
			case strings.HasPrefix(to, "full"):
				return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"}
			}
			return nil
		}
	}
	t.Run("to the courier", func(t *testing.T) {
		p := behind(t, lmtp)
		c, s := courier(t, p.address, func(c *Courier) { c.Upstream.LMTP = true })
		o := c.Deliver(t.Context(), entry(t, envelopeTo("full@example.com", "bob@example.com", "gone@example.com"), hello1))
		if o.Result != spool.Taken || len(s.all()) != 2 || p.only(t).to[0] != "bob@example.com" {
			t.Errorf("got %+v with %d entries, want taken, a report and the rest", o, len(s.all()))
		}
	})
	t.Run("and to the door, which has one answer for its client", func(t *testing.T) {
		p := behind(t, lmtp)
		r := stand(t, p.address, func(r *rig) { r.Upstream.LMTP = true })
		if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com", "full@example.com"}, hello1); err != nil {
			t.Fatal(err)
		}
		if env, err := ReadEnvelope(r.shelf.only(t).Head); err != nil || len(env.Rcpts) != 1 || env.Rcpts[0].To != "full@example.com" {
			t.Errorf("got %+v and %v, want full alone kept", env, err)
		}
		err := send(r.address, "ann@client.example", nil, []string{"gone@example.com", "full@example.com"}, hello1)
		wantCode(t, err, 452, smtp.EnhancedCode{4, 2, 2})
		if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, hello1); err != nil {
			t.Fatal(err)
		}
		until(t, "all are counted", func() bool { return r.tally.String() == "map[failed:1 passed:1 queued:1]" })
	})
}
