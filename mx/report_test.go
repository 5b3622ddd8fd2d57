package mx

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/mail"
	"example.org/interlude/spool"
)

// gone is a server that knows nobody.
func gone(t *testing.T) *product {
	return behind(t, func(p *product) {
		p.onRcpt = func(string) error {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such\tuser\r here"}
		}
	})
}

func TestTheSenderIsToldOfARefusal(t *testing.T) {
	c, s := courier(t, gone(t).address, nil)
	env := envelopeTo("bob@example.com", "carl@example.com", "dora@example.com")
	env.EnvID, env.Rcpts[0].Orcpt, env.Rcpts[1].Notify = "id+7", "rfc822;robert@example.com", []string{"NEVER"}
	if o := c.Deliver(t.Context(), entry(t, env, hello1)); o.Result != spool.Dropped || o.Reason != "550 5.1.1 No such user  here" {
		t.Fatalf("got %+v, want dropped", o)
	}
	e := s.only(t)
	head, err := ReadEnvelope(e.Head)
	if err != nil || head.From != "" || head.Rcpts[0].To != "ann@client.example" || len(head.Rcpts) != 1 {
		t.Errorf("got %+v and %v, want from nobody to ann", head, err)
	}
	b, err := mail.ReadBounce(strings.NewReader(string(e.Body)))
	if err != nil {
		t.Fatalf("%v in %s", err, e.Body)
	}
	if len(b.Recipients) != 2 || b.MessageID != "1@client.example" {
		t.Fatalf("got %+v, want bob and dora", b)
	}
	got := b.Recipients[0]
	want := mail.Recipient{
		Address: "bob@example.com", Original: "robert@example.com", Action: mail.Failed, Status: "5.1.1", Code: 550,
		Diagnostic: got.Diagnostic, RemoteMTA: "127.0.0.1",
	}
	if got != want || !strings.Contains(got.Diagnostic, "No such user") {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text := string(e.Body)
	for _, part := range []string{
		"\r\nAuto-Submitted: auto-replied\r\n", "\r\nOriginal-Envelope-Id: id+7\r\n", "\r\nTo: <ann@client.example>\r\n",
		"\r\nReporting-MTA: dns; mx.example.com\r\n", "\r\nArrival-Date: Fri, 15 Jan 2027 06:00:00 +0000\r\n",
		"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" + hello1,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("got %s, want %q in it", text, part)
		}
	}
	if !lined(e.Body) {
		t.Errorf("got a line without CR and LF in %q", text)
	}
}

func TestOnlyAsMuchGoesBackAsIsWanted(t *testing.T) {
	header := "Subject: ünïcode\r\n\r\n"
	for _, c := range []struct {
		what, ret string
		utf8      bool
		message   string
		kind      string
		whole     bool
	}{
		{"all by itself", "", false, header + "body\r\n", "message/rfc822", true},
		{"all", "FULL", false, header + "body\r\n", "message/rfc822", true},
		{"the header", "HDRS", false, header + "body\r\n", "text/rfc822-headers", false},
		{"not too much", "FULL", false, header + strings.Repeat("body\r\n", 10000), "text/rfc822-headers", false},
		{"in the forms of SMTPUTF8", "FULL", true, header + "body\r\n", "message/global", true},
		{"its headers too", "HDRS", true, header + "body\r\n", "message/global-headers", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			courier, s := courier(t, gone(t).address, nil)
			env := envelopeTo("bob@example.com")
			env.Ret, env.UTF8 = c.ret, c.utf8
			courier.Deliver(t.Context(), entry(t, env, c.message))
			text := string(s.only(t).Body)
			if !strings.Contains(text, "\r\nContent-Type: "+c.kind+"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"+header) ||
				strings.Contains(text, "body") != c.whole {
				t.Errorf("got %.2000s, want %s, the whole message %v", text, c.kind, c.whole)
			}
			if head, _ := ReadEnvelope(s.only(t).Head); head.UTF8 != c.utf8 || head.Body != "8BITMIME" {
				t.Errorf("got %+v, want UTF8 %v", head, c.utf8)
			}
		})
	}
}

func TestNobodyIsToldWhoMustNotBe(t *testing.T) {
	t.Run("the sender of a report", func(t *testing.T) {
		c, s := courier(t, gone(t).address, nil)
		env := envelopeTo("bob@example.com")
		env.From = ""
		e := entry(t, env, hello1)
		if o := c.Deliver(t.Context(), e); o.Result != spool.Refused || len(s.all()) != 0 {
			t.Errorf("got %+v and %d entries, want it on the shelf", o, len(s.all()))
		}
		if c.GiveUp(t.Context())(e, "refused") {
			t.Error("got it dealt with, want it on the shelf")
		}
	})
	t.Run("one who did not want it", func(t *testing.T) {
		c, s := courier(t, gone(t).address, nil)
		env := envelopeTo("bob@example.com")
		env.Rcpts[0].Notify = []string{"NEVER"}
		if o := c.Deliver(t.Context(), entry(t, env, hello1)); o.Result != spool.Dropped || len(s.all()) != 0 {
			t.Errorf("got %+v and %d entries, want it dropped without a word", o, len(s.all()))
		}
	})
	t.Run("anybody, where reports are not sent", func(t *testing.T) {
		c, s := courier(t, gone(t).address, func(c *Courier) { c.Bounces = "" })
		if o := c.Deliver(t.Context(), entry(t, envelopeTo("bob@example.com"), hello1)); o.Result != spool.Refused || len(s.all()) != 0 {
			t.Errorf("got %+v and %d entries, want it on the shelf", o, len(s.all()))
		}
	})
}

func TestWhatNobodyIsToldOfGoesToTheShelfAlone(t *testing.T) {
	p := behind(t, func(p *product) {
		p.onRcpt = func(to string) error {
			code := map[string]int{"gone@example.com": 550, "full@example.com": 452}[to]
			if code == 0 {
				return nil
			}
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 2, 2}, Message: "No"}
		}
	})
	for _, to := range [][]string{{"gone@example.com", "full@example.com"}, {"gone@example.com", "full@example.com", "bob@example.com"}} {
		c, s := courier(t, p.address, func(c *Courier) { c.Bounces = "" })
		if o := c.Deliver(t.Context(), entry(t, envelopeTo(to...), hello1)); o.Result == spool.Retry || o.Result == spool.Refused {
			t.Errorf("got %+v, want it ended", o)
		}
		all := s.all()
		if len(all) != 2 {
			t.Fatalf("got %d entries for %s, want one for each who did not take it", len(all), to)
		}
		if o := c.Deliver(t.Context(), all[0]); o.Result != spool.Refused {
			t.Errorf("got %+v for gone, want refused", o)
		}
		if o := c.Deliver(t.Context(), all[1]); o.Result != spool.Retry || o.Away {
			t.Errorf("got %+v for full, want to try again", o)
		}
	}
}

func TestTheSenderIsToldOfDelays(t *testing.T) {
	c, s := courier(t, nowhere(t), nil)
	env := envelopeTo("bob@example.com", "carl@example.com")
	env.Rcpts[1].Notify = []string{"DELAY"}
	e := entry(t, env, hello1)
	receipt, err := s.Accept(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	item := spool.Item{ID: receipt.ID, Reason: "connect: refused", Expires: e.Expires}
	c.Warn(t.Context())(item)
	b, err := mail.ReadBounce(strings.NewReader(string(s.all()[1].Body)))
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Recipients) != 1 || b.Recipients[0].Action != mail.Delayed || b.Recipients[0].Status != "4.4.7" || b.Recipients[0].Address != "carl@example.com" {
		t.Errorf("got %+v, want carl delayed", b)
	}
	if text := string(s.all()[1].Body); !strings.Contains(text, "Will-Retry-Until: Wed, 20 Jan 2027 00:00:00 +0000\r\n") {
		t.Errorf("got %s, want until when", text)
	}
	c.Warn(t.Context())(spool.Item{ID: "delivered meanwhile"})
	c.Warn(t.Context())(item)
	if n := len(s.all()); n != 2 {
		t.Errorf("got %d entries, want no further word", n)
	}
	c.Delays = true
	c.Warn(t.Context())(item)
	if n := len(s.all()); n != 3 {
		t.Errorf("got %d entries, want bob's delay told too", n)
	}
}

func TestTheSenderIsToldOfWhatWasGivenUp(t *testing.T) {
	c, s := courier(t, nowhere(t), nil)
	e := entry(t, envelopeTo("bob@example.com"), hello1)
	if !c.GiveUp(t.Context())(e, "too old") {
		t.Fatal("got it left for the shelf, want it dealt with")
	}
	b, err := mail.ReadBounce(strings.NewReader(string(s.only(t).Body)))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Recipients[0]; got.Action != mail.Failed || got.Status != "5.4.7" || got.Code != 0 {
		t.Errorf("got %+v, want given up", got)
	}
	s.fail(spool.ErrFull)
	e.ID = "id2"
	if c.GiveUp(t.Context())(e, "too old") {
		t.Error("got it dealt with though nobody was told, want it on the shelf")
	}
}

func TestADeliveryIsToldWhereTheServerDoesNot(t *testing.T) {
	for _, offers := range []bool{true, false} {
		p := behind(t, func(p *product) { p.EnableDSN = offers })
		c, s := courier(t, p.address, nil)
		env := envelopeTo("bob@example.com", "carl@example.com")
		env.Rcpts[0].Notify = []string{"SUCCESS"}
		if o := c.Deliver(t.Context(), entry(t, env, hello1)); o.Result != spool.Taken {
			t.Fatalf("got %+v, want taken", o)
		}
		if offers {
			if n := len(s.all()); n != 0 {
				t.Errorf("got %d reports, want the server's alone", n)
			}
			continue
		}
		b, err := mail.ReadBounce(strings.NewReader(string(s.only(t).Body)))
		if err != nil || len(b.Recipients) != 1 || b.Recipients[0].Action != mail.Relayed || b.Recipients[0].Status != "2.6.0" {
			t.Errorf("got %+v and %v, want bob relayed", b, err)
		}
	}
}

func TestMailOfSMTPUTF8IsNotGivenToWhoCannotTakeIt(t *testing.T) {
	p := behind(t, func(p *product) { p.EnableSMTPUTF8 = false })
	c, s := courier(t, p.address, nil)
	env := envelopeTo("jürgen@example.com")
	env.UTF8 = true
	if o := c.Deliver(t.Context(), entry(t, env, hello1)); o.Result != spool.Dropped {
		t.Errorf("got %+v, want a report", o)
	}
	s.only(t)
	r := stand(t, p.address, nil)
	err := send(r.address, "jürgen@client.example", &smtp.MailOptions{UTF8: true}, []string{"bob@example.com"}, hello1)
	wantCode(t, err, 550, smtp.EnhancedCode{5, 6, 7})
}

func TestReceivedLines(t *testing.T) {
	env := Envelope{
		From: "a@x.example", Rcpts: []Recipient{{To: "b@y.example"}}, Client: "2001:db8::1", Helo: "evil)\r\nX: y", By: "mx", User: "app",
		ReceivedAt: time.Date(2027, 1, 5, 6, 7, 8, 0, time.FixedZone("", 3600)),
	}
	want := "Received: from unknown ([IPv6:2001:db8::1])\r\n\tby mx with ESMTPA id 1\r\n\tfor <b@y.example>;\r\n\tTue, 5 Jan 2027 05:07:08 +0000\r\n"
	if got := string(env.received("1")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
