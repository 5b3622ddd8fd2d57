package main

import (
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// TestSomebodySubscribesIsToldAndLeaves goes the whole way of one reader, with a real process and a real SMTP server: they
// fill in the form, confirm by the link in the mail, are told of a maintenance, and leave by one click.
func TestSomebodySubscribesIsToldAndLeaves(t *testing.T) {
	if testing.Short() {
		t.Skip("a real process over real seconds")
	}
	box := newMailbox(t)
	s := newServing(t, filepath.Join(t.TempDir(), "interlude.db"), 1, "--notices", box.config(""))[0]
	if _, err := s.client().Apply(t.Context(), api.ApplyRequest{Documents: []status.Document{townOf(s.address)}}); err != nil {
		t.Fatal(err)
	}
	const ada = "ada@example.com"
	post(t, s.address+"/subscribe", url.Values{"channel": {"email"}, "email": {ada}, "scope": {"page"}, "zone": {"Asia/Kolkata"}})
	awaitMail(t, box, 1)
	confirm := linkIn(t, box, ada, "/confirm")
	announce(t, s, time.Now().Add(48*time.Hour))
	post(t, confirm, nil)
	if _, err := s.client().BeginMaintenance(t.Context(), "m", api.Act{}); err != nil {
		t.Fatal(err)
	}
	awaitMail(t, box, 2)
	box.mu.Lock()
	head, body := box.latest[ada].Header, box.bodies[ada]
	box.mu.Unlock()
	if got := head.Get("Subject"); got != "[Northwind] Scheduled database maintenance" {
		t.Errorf("got the subject %q, want that of the maintenance", got)
	}
	if !strings.Contains(body, "IST") {
		t.Errorf("got no time in the reader's zone in:\n%s", body)
	}
	if got := head.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		t.Errorf("got List-Unsubscribe-Post %q, want one click", got)
	}
	leave := strings.Trim(head.Get("List-Unsubscribe"), "<>")
	post(t, leave, url.Values{"List-Unsubscribe": {"One-Click"}})
	if _, err := s.client().CancelMaintenance(t.Context(), "m", api.Act{}); err != nil {
		t.Fatal(err)
	}
	last, err := s.client().Notices(t.Context(), api.NoticeFilter{})
	if err != nil || last.Items[0].Kind != "canceled" || len(last.Items[0].Channels) != 0 {
		t.Errorf("got %+v and error %v, want a cancellation that nobody is told of", last, err)
	}
	if n, _ := box.count(ada); n != 2 {
		t.Errorf("got %d messages for %s, want none after leaving", n, ada)
	}
	if answer, err := s.client().TestNotice(t.Context(), api.NoticeTest{Address: "ops@example.com"}); err != nil || !strings.HasPrefix(answer.Answer, "250") {
		t.Errorf("got %+v and error %v, want what the relay said", answer, err)
	}
	if n, _ := box.count("ops@example.com"); n != 1 {
		t.Errorf("got %d test messages, want 1", n)
	}
}

// post sends a form as a browser does that follows no redirect, and wants it taken.
func post(t *testing.T, address string, form url.Values) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, err := io.ReadAll(r.Body); err != nil || r.StatusCode >= 400 {
		t.Fatalf("got %s and error %v for %s:\n%s", r.Status, err, address, body)
	}
}

// linkIn finds the link in a recipient's last mail that ends so.
func linkIn(t *testing.T, box *mailbox, to, end string) string {
	t.Helper()
	box.mu.Lock()
	defer box.mu.Unlock()
	text := strings.ReplaceAll(box.bodies[to], "=\r\n", "")
	link := regexp.MustCompile(`http://[^\s"<>]+` + regexp.QuoteMeta(end)).FindString(text)
	if link == "" {
		t.Fatalf("got no link that ends with %s in:\n%s", end, text)
	}
	return link
}

// TestABounceEndsWhatGoesToADeadAddress lets the report of a mail that could not be delivered come back to a real process by
// SMTP: the address is quarantined, and mail to strangers is not taken.
func TestABounceEndsWhatGoesToADeadAddress(t *testing.T) {
	if testing.Short() {
		t.Skip("a real process over real seconds")
	}
	box := newMailbox(t)
	returns := freeAddress(t)
	s := newServing(t, filepath.Join(t.TempDir(), "interlude.db"), 1, "--notices",
		box.config("  bounces: {address: bounces@status.northwind.example, listen: '"+returns+"'}\n"))[0]
	if _, err := s.client().Apply(t.Context(), api.ApplyRequest{Documents: []status.Document{townOf(s.address)}}); err != nil {
		t.Fatal(err)
	}
	const gone = "gone@example.com"
	made, err := s.client().CreateSubscriber(t.Context(), api.NewSubscriber{Address: gone, SkipConfirmation: true})
	if err != nil {
		t.Fatal(err)
	}
	announce(t, s, time.Now().Add(48*time.Hour))
	awaitMail(t, box, 1)
	box.mu.Lock()
	envelope := box.from[gone]
	box.mu.Unlock()
	report := strings.ReplaceAll(`From: MAILER-DAEMON@relay.example.com
To: `+envelope+`
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.com

Final-Recipient: rfc822; `+gone+`
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such mailbox
--b--
`, "\n", "\r\n")
	if err := smtp.SendMail(returns, nil, "", []string{"someone@elsewhere.example"}, []byte(report)); err == nil {
		t.Error("got mail for a stranger taken, want it refused")
	}
	for end := time.Now().Add(10 * time.Second); ; <-time.After(50 * time.Millisecond) {
		// A report that is quicker than the record of its mail is asked for again.
		if err = smtp.SendMail(returns, nil, "", []string{envelope}, []byte(report)); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	shown, err := s.client().Subscriber(t.Context(), made.ID)
	if err != nil || shown.State != "quarantined" || !strings.Contains(shown.Reason, "550 5.1.1 no such mailbox") {
		t.Errorf("got %+v and error %v, want it quarantined with the reason", shown, err)
	}
}

// freeAddress is an address that nothing listens on, at least a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
