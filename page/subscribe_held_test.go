package page

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"example.org/interlude/notify"
)

// state is that of the subscriber with an id.
func (c *counted) state(id string) notify.State {
	c.t.Helper()
	s, err := c.store.Subscriber(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return s.State
}

// secretly says that an answer is nobody else's.
func secretly(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"} {
		if got := answer.Header().Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
}

func TestALinkToConfirmDoesSoWhenItsButtonIsPressed(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	id := s.is(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Unconfirmed})
	path := link(notify.ToConfirm, id)
	for range 2 { // programs that look after mail follow links, often more than once
		page, answer := s.get(t, path)
		answered(t, answer, http.StatusOK)
		secretly(t, answer)
		page.one("h1").reads("Confirm your subscription")
		page.one("main").says("Notices about everything of Northwind are to go to ada@example.com.")
		if form := page.one("form"); form.attr("action") != path || form.attr("method") != "post" || len(page.all("script")) != 0 {
			t.Errorf("got a form to %s, want it back to %s, and no script", form.attr("action"), path)
		}
	}
	if got := s.state(id); got != notify.Unconfirmed {
		t.Fatalf("got %s after the link was followed, want it to wait for the button", got)
	}
	for range 2 {
		page, answer := s.post(path)
		answered(t, answer, http.StatusOK)
		secretly(t, answer)
		page.one("h1").reads("You are subscribed")
		if to := page.one("main").all("a")[0].attr("href"); to != link(notify.ToManage, id) {
			t.Errorf("got the link %q, want the one to manage", to)
		}
	}
	if got := s.state(id); got != notify.Active {
		t.Errorf("got %s, want it active", got)
	}
}

func TestLeavingTakesOneButtonAndCanBeTakenBack(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	id := s.is(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Active, Confirmed: s.now})
	path := link(notify.ToLeave, id)
	page, answer := s.get(t, path)
	answered(t, answer, http.StatusOK)
	secretly(t, answer)
	page.one("h1").reads("Unsubscribe?")
	if strings.Contains(answer.Body.String(), keys.Token(notify.ToManage, id)) {
		t.Error("got the link to manage on the page of the one to leave, which is passed on with every notice")
	}
	if got := s.state(id); got != notify.Active {
		t.Fatalf("got %s after the link was followed, want it to wait for the button", got)
	}
	page, answer = s.post(page.one("form").attr("action"))
	answered(t, answer, http.StatusOK)
	page.one("h1").reads("You are unsubscribed")
	if got := s.state(id); got != notify.Unsubscribed {
		t.Fatalf("got %s, want it unsubscribed", got)
	}
	page, answer = s.post(page.one("form").attr("action"))
	answered(t, answer, http.StatusOK)
	page.one("h1").reads("You are subscribed")
	if got := s.state(id); got != notify.Active {
		t.Errorf("got %s, want it back", got)
	}
	never := s.is(notify.Subscriber{Channel: notify.Email, Address: "bob@example.com", State: notify.Unsubscribed})
	page, _ = s.get(t, link(notify.ToLeave, never))
	if len(page.all("form")) != 0 {
		t.Error("got a way back for who never confirmed, want them to subscribe anew")
	}
	_, answer = s.post("/subscriptions/" + keys.Token(notify.ToLeave, never) + "/return")
	answered(t, answer, http.StatusNotFound)
}

// A mail program follows RFC 8058: one POST, as either kind of form, without anything that a browser would send.
func TestAMailProgramUnsubscribesAtOnce(t *testing.T) {
	for _, c := range []struct{ kind, body string }{
		{"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"},
	} {
		s := northwind(t).open("2027-01-13 16:51")
		id := s.is(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Active, Confirmed: s.now})
		r := httptest.NewRequest(http.MethodPost, link(notify.ToLeave, id), strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		answered(t, answer, http.StatusOK)
		if len(answer.Result().Cookies()) > 0 || answer.Header().Get("Location") != "" {
			t.Errorf("got the headers %v, want no cookie and no way on", answer.Header())
		}
		if got := s.state(id); got != notify.Unsubscribed {
			t.Errorf("%s: got %s, want it unsubscribed", c.kind, got)
		}
	}
}

func TestWhoManagesSeesAndChangesTheChoice(t *testing.T) {
	w := northwind(t)
	s := w.open("2027-01-13 16:51")
	id := s.is(notify.Subscriber{
		Channel: notify.Email, Address: "ada@example.com", State: notify.Active, Zone: "Asia/Tokyo",
		Groups: []string{w.Groups[1].ID}, Components: []string{w.Components[6].ID},
	})
	path := link(notify.ToManage, id)
	page, answer := s.get(t, path)
	answered(t, answer, http.StatusOK)
	secretly(t, answer)
	page.one("#banner").reads("Your subscription Notices about Messenger and Web Application go to ada@example.com.")
	var checked []string
	for _, i := range page.all("input") {
		if i.has("checked") {
			checked = append(checked, i.attr("name")+" "+i.attr("value"))
		}
	}
	sameTexts(t, checked, "scope chosen", "group "+w.Groups[1].ID, "component "+w.Components[6].ID)
	if zone := page.one("#zone"); zone.attr("value") != "Asia/Tokyo" || zone.has("data-own") {
		t.Error("got another zone than the subscriber's, or one that the browser's takes the place of")
	}
	_, answer = s.post(path, "scope", "chosen", "component", w.Components[0].ID, "zone", "UTC")
	answered(t, answer, http.StatusSeeOther)
	page, _ = s.get(t, answer.Header().Get("Location"))
	page.one("#banner").says("Your changes are saved.")
	page.one("#banner").says("Notices about Message delivery / Email go to ada@example.com.")
	refused, answer := s.post(path, "scope", "chosen", "zone", "Mars/Base")
	answered(t, answer, http.StatusUnprocessableEntity)
	secretly(t, answer)
	refused.one("#components-fault").says("must be chosen, one at least")
	refused, answer = s.post(path, "scope", "page", "zone", "Mars/Base")
	answered(t, answer, http.StatusUnprocessableEntity)
	refused.one("#zone-fault").says("must be the name of a time zone")
	if refused.one("#zone").attr("value") != "Mars/Base" {
		t.Error("got a form that lost what was filled in")
	}
	_, answer = s.post(path, "scope", "page", "zone", "UTC")
	answered(t, answer, http.StatusSeeOther)
	if got := s.subscriber(); len(got.Groups)+len(got.Components) > 0 || got.Channel != notify.Email || got.Address != "ada@example.com" {
		t.Errorf("got %+v, want the whole page and nothing else changed", got)
	}
	if forms := page.all("form"); forms[len(forms)-1].attr("action") != "/subscriptions/"+keys.Token(notify.ToManage, id)+"/unsubscribe" {
		t.Error("got no way to leave")
	}
}

func TestWhoManagesAnEndpointSeesItsSecretAndNotItsURL(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	hook := s.is(notify.Subscriber{Channel: notify.Webhook, Address: "https://hooks.example.com/very-secret", State: notify.Quarantined, Confirmed: s.now})
	page, answer := s.get(t, link(notify.ToManage, hook))
	answered(t, answer, http.StatusOK)
	page.one("#banner").says("go to your webhook at hooks.example.com. Nothing is sent at the moment")
	if secret := page.one("code").text(); !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("got the secret %q, want one of Standard Webhooks", secret)
	}
	for _, of := range []notify.Purpose{notify.ToManage, notify.ToLeave, notify.ToConfirm} {
		if _, answer := s.get(t, link(of, hook)); strings.Contains(answer.Body.String(), "very-secret") {
			t.Errorf("%s: got the URL of the endpoint, which is a secret of its own", of)
		}
	}
	page, answer = s.post(page.one("#resume").one("form").attr("action"))
	answered(t, answer, http.StatusOK)
	page.one("h1").reads("You are subscribed")
	if got := s.state(hook); got != notify.Active {
		t.Errorf("got %s, want it taken back", got)
	}
	chat := s.is(notify.Subscriber{Channel: notify.Slack, Address: "https://hooks.slack.com/services/x", State: notify.Active})
	page, _ = s.get(t, link(notify.ToManage, chat))
	page.one("#banner").says("go to your channel in Slack.")
	if len(page.all("code")) != 0 {
		t.Error("got a secret for a chat, want none")
	}
	_, answer = s.get(t, link(notify.ToLeave, hook))
	if strings.Contains(answer.Body.String(), "whsec_") {
		t.Error("got the secret with the link to leave, want it for who manages alone")
	}
}

func TestALinkThatIsNoneLeadsOn(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	id := s.is(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Active, Confirmed: s.now})
	other := s.is(notify.Subscriber{Channel: notify.Email, Address: "eve1@example.com", State: notify.Active, Confirmed: s.now})
	_, mac, _ := strings.Cut(keys.Token(notify.ToManage, other), ".")
	for _, path := range []string{
		"/subscriptions/" + keys.Token(notify.ToLeave, id), "/subscriptions/" + keys.Token(notify.ToConfirm, id), "/subscriptions/" + id + "." + mac,
		"/subscriptions/" + keys.Token(notify.ToLeave, id) + "/confirm", "/subscriptions/" + keys.Token(notify.ToConfirm, id) + "/unsubscribe",
		"/subscriptions/" + keys.Token(notify.ToManage, "gone"), "/subscriptions/%00", "/subscriptions/%2e%2e%2fx/confirm", "/subscriptions/" + id,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			answer := httptest.NewRecorder()
			s.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
			answered(t, answer, http.StatusNotFound)
			secretly(t, answer)
			page := parsed(t, answer.Body.Bytes())
			page.one("h1").reads("This link does not work")
			if !slices.Contains(page.texts("a"), "Subscribe anew") {
				t.Errorf("%s %s: got no way on", method, path)
			}
		}
	}
	for _, one := range []string{id, other} {
		if got := s.state(one); got != notify.Active {
			t.Errorf("got %s, want nothing to have moved", got)
		}
	}
}
