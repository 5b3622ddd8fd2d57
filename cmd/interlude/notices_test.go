package main

import (
	"io"
	"net/http"
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
