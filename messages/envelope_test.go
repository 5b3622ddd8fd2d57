package messages

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/interlude/spool"
)

var someday = time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)

func TestAMailIsKeptWithItsEnvelope(t *testing.T) {
	h := newHouse(t, nil)
	w := h.ask(http.MethodPost, "/v1/messages/mail", `{"mail": {"from": "bounces@example.com", "to": ["ada@example.com", "jörg@müller.example"],
		"message": "From: News <news@example.com>\nSubject: Hello\n\nLine\rand\r\nline."}}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", w.Code, w.Body)
	}
	e := h.spool.entry(t)
	head := `{"from":"bounces@example.com","to":["ada@example.com","jörg@müller.example"]}`
	body := "From: News <news@example.com>\r\nSubject: Hello\r\n\r\nLine\r\nand\r\nline."
	if e.Kind != spool.Mail || string(e.Head) != head || string(e.Body) != body || e.About != "mail to 2 recipients" {
		t.Errorf("got %s %s %q %q, want a mail with %s and %q", e.Kind, e.Head, e.Body, e.About, head, body)
	}
}

func TestAMailBySenderlessEnvelopeAndInTheRawForm(t *testing.T) {
	h := newHouse(t, nil)
	w := h.ask(http.MethodPost, "/v1/messages/mail/raw", "From: a@example.com\r\n\r\n\xff8 bit\r\n", "Content-Type", "message/rfc822",
		"Deliver-From", "", "Deliver-To", "ada@example.com", "Deliver-To", "bob@example.com")
	if w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", w.Code, w.Body)
	}
	if e := h.spool.entry(t); string(e.Head) != `{"from":"","to":["ada@example.com","bob@example.com"]}` || !strings.Contains(string(e.Body), "\xff8 bit") {
		t.Errorf("got %s %q, want no sender, two recipients and the body", e.Head, e.Body)
	}
}

func TestAMailThatCannotBeSentIsRefused(t *testing.T) {
	const message = `"message": "From: a@example.com\n\nx"`
	for _, c := range []struct{ mail, want string }{
		{`"to": ["a@example.com"], ` + message, "mail.from"},
		{`"from": "News <a@example.com>", "to": ["a@example.com"], ` + message, "mail.from"},
		{`"from": "a", "to": ["a@example.com"], ` + message, "mail.from"},
		{`"from": "a@example.com> SIZE=1", "to": ["a@example.com"], ` + message, "mail.from"},
		{`"from": "a@example.com\r\nRCPT TO:<b@example.com>", "to": ["a@example.com"], ` + message, "mail.from"},
		{`"from": "", "to": [], ` + message, "mail.to"},
		{`"from": "", ` + message, "mail.to"},
		{`"from": "", "to": ["a@example.com", ""], ` + message, "mail.to[1]"},
		{`"from": "", "to": ["a@example.com, b@example.com"], ` + message, "mail.to[0]"},
		{`"from": "", "to": ["<a@example.com>"], ` + message, "mail.to[0]"},
		{`"from": "", "to": ["` + strings.Repeat("a", 250) + `@example.com"], ` + message, "mail.to[0]"},
		{`"from": "", "to": ["a@example.com"` + strings.Repeat(`, "a@example.com"`, 1000) + `], ` + message, "mail.to"},
		{`"from": "", "to": ["a@example.com"], "message": ""`, "mail.message"},
		{`"from": "", "to": ["a@example.com"], "message": "Hello"`, "mail.message"},
		{`"from": "", "to": ["a@example.com"], "message": "Subject: x\n\nx"`, "mail.message"},
		{`"from": "", "to": ["a@example.com"], "message": "From: a\n\n\u0000"`, "mail.message"},
	} {
		h := newHouse(t, nil)
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/mail", `{"mail": {`+c.mail+`}}`)); got != "422 invalid "+c.want {
			t.Errorf("%.100s: got %s, want 422 invalid %s", c.mail, got, c.want)
		}
	}
	h := newHouse(t, nil)
	if got := said(t, h.ask(http.MethodPost, "/v1/messages/mail", ping)); got != "422 invalid request" {
		t.Errorf("a request: got %s, want 422 invalid request", got)
	}
}
