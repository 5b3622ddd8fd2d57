package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.org/interlude/notify"
)

func TestASiteWithoutADeskHasNoSubscribePages(t *testing.T) {
	s := northwind(t).site("2027-01-13 16:51")
	for _, path := range []string{"/subscribe", "/subscriptions/x.y", "/subscriptions/x.y/confirm"} {
		_, answer := s.get(t, path)
		answered(t, answer, http.StatusNotFound)
	}
	index, _ := s.get(t, "/")
	sameTexts(t, index.one("nav").texts("a"), "Status", "History")
}

func TestTheFormOffersEveryWayAndEveryComponent(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	form, answer := s.get(t, "/subscribe")
	answered(t, answer, http.StatusOK)
	sameTexts(t, form.one("nav").texts("a"), "Status", "History", "Subscribe")
	form.one("h1").reads("Subscribe")
	var ways []string
	for _, i := range form.all("input") {
		if i.attr("name") == "channel" {
			ways = append(ways, i.attr("value"))
			if checked := i.has("checked"); checked != (i.attr("value") == "email") {
				t.Errorf("%s: got checked %v, want e-mail and nothing else", i.attr("value"), checked)
			}
		}
	}
	sameTexts(t, ways, "email", "webhook", "slack", "teams", "discord")
	sameTexts(t, form.one("#components").texts("legend"), "Message delivery", "Messenger")
	if got := len(form.one("#components").all("input")); got != 10 {
		t.Errorf("got %d boxes, want one for each of 8 components and 2 groups", got)
	}
	sameTexts(t, form.one("ul.feeds").texts("a"), "Atom feed", "RSS feed", "Calendar")
	if cache := answer.Header().Get("Cache-Control"); !strings.Contains(cache, "public") {
		t.Errorf("got Cache-Control %q, want the form to be kept as every page is", cache)
	}
}

func TestOnlyWaysThatWorkAreOffered(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	s.desk.Channels = []notify.Channel{notify.Webhook, notify.Slack}
	form, _ := s.get(t, "/subscribe")
	sameTexts(t, form.one("#channel").texts("label"),
		"Webhook Signed JSON to a service of your own; also when the status of a component changes",
		"Slack Messages into a channel, by the URL of an incoming webhook")
	refused, answer := s.post("/subscribe", "channel", "email", "email", "ada@example.com", "scope", "page")
	answered(t, answer, http.StatusUnprocessableEntity)
	refused.one("#channel-fault").says("The way is not one that this page can tell anybody by")
	other := northwind(t).open("2027-01-13 16:51")
	other.desk.Channels = nil
	form, _ = other.get(t, "/subscribe")
	if len(form.all("form")) != 0 || len(form.all("ul.feeds")) != 1 {
		t.Error("got a form that nothing can come of, want the feeds alone")
	}
}

func TestAReportLeadsToItsOwnSubscription(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-10 10:00", database)
	s := w.open("2027-01-13 16:51")
	m := w.Maintenances[0]
	report, _ := s.get(t, "/incidents/"+m.ID)
	var to string
	for _, a := range report.one("#facts").all("a") {
		if a.text() == "Subscribe to updates" {
			to = a.attr("href")
		}
	}
	if want := "/subscribe?event=" + m.ID; to != want {
		t.Fatalf("got the link %q, want %q", to, want)
	}
	form, _ := s.get(t, to)
	sameTexts(t, form.one("#event").texts("label"),
		"Only this: Scheduled database maintenance From its next update to its end",
		"Everything All planned maintenance and all incidents", "Chosen components Whatever affects one of them, and what concerns the whole page")
	_, answer := s.post("/subscribe", "channel", "email", "email", "ada@example.com", "scope", "event", "event", m.ID)
	answered(t, answer, http.StatusSeeOther)
	if got := s.subscriber(); got.Event != m.ID || got.State != notify.Unconfirmed {
		t.Errorf("got %+v, want one who waits to confirm for %s alone", got, m.ID)
	}
	w.begin("db", "2027-01-15 06:00")
	w.complete("db", "2027-01-15 07:00")
	past := w.open("2027-01-15 08:00")
	report, _ = past.get(t, "/incidents/"+m.ID)
	for _, a := range report.one("#facts").all("a") {
		t.Errorf("got the link %q on the report of what is over, want none", a.text())
	}
	form, _ = past.get(t, to)
	if len(form.one("#event").all("label")) != 2 {
		t.Error("got an offer of what is over, want the page and its components alone")
	}
	refused, answer := past.post("/subscribe", "channel", "email", "email", "ada@example.com", "scope", "event", "event", m.ID)
	answered(t, answer, http.StatusUnprocessableEntity)
	refused.one("#event-fault").says("has ended")
}

func TestAComponentIsChosenInTheFormByItsLink(t *testing.T) {
	w := northwind(t)
	s := w.open("2027-01-13 16:51")
	form, _ := s.get(t, "/subscribe?component="+w.Components[1].ID)
	var checked []string
	for _, i := range form.all("input") {
		if i.has("checked") {
			checked = append(checked, i.attr("name")+" "+i.attr("value"))
		}
	}
	sameTexts(t, checked, "channel email", "scope chosen", "component "+w.Components[1].ID)
}

func TestWhatWasChosenIsKept(t *testing.T) {
	w := northwind(t)
	s := w.open("2027-01-13 16:51")
	_, answer := s.post("/subscribe", "channel", "webhook", "endpoint", "http://127.0.0.1:8080/hook", "contact", "Ops@Example.com",
		"scope", "chosen", "group", w.Groups[0].ID, "component", w.Components[0].ID, "component", w.Components[6].ID, "zone", "Europe/Berlin")
	answered(t, answer, http.StatusSeeOther)
	if to := answer.Header().Get("Location"); to != "/subscribe?asked=webhook" {
		t.Errorf("got the way on %q", to)
	}
	got := s.subscriber()
	if got.Channel != notify.Webhook || got.Contact != "ops@example.com" || got.Zone != "Europe/Berlin" || got.State != notify.Unconfirmed {
		t.Errorf("got %+v, want an unconfirmed webhook with its contact and zone", got)
	}
	sameTexts(t, got.Groups, w.Groups[0].ID)
	sameTexts(t, got.Components, w.Components[6].ID) // the other one is in the group
	page, answer := s.get(t, "/subscribe?asked=webhook")
	answered(t, answer, http.StatusOK)
	page.one("h1").reads("Your endpoint is greeted")
}

func TestARefusalStandsBesideItsFieldAndKeepsTheRest(t *testing.T) {
	w := northwind(t)
	s := w.open("2027-01-13 16:51")
	for _, c := range []struct {
		field, says string
		values      []string
	}{
		{"email", "must be one e-mail address", []string{"channel", "email", "email", "ada@", "zone", "Europe/Berlin", "scope", "page"}},
		{"email", "is required", []string{"channel", "email", "scope", "page"}},
		{"endpoint", "its address is 10.0.0.1", []string{"channel", "slack", "endpoint", "http://10.0.0.1/x", "scope", "page"}},
		{"contact", "must be one e-mail address", []string{"channel", "webhook", "endpoint", "https://example.com/", "contact", "x", "scope", "page"}},
		{"zone", "must be the name of a time zone", []string{"channel", "email", "email", "ada@example.com", "zone", "../../etc/passwd", "scope", "page"}},
		{"components", "must be chosen, one at least", []string{"channel", "email", "email", "ada@example.com", "scope", "chosen"}},
		{"components", "must be on the page", []string{"channel", "email", "email", "ada@example.com", "scope", "chosen", "component", "gone"}},
		{"channel", "must be one of", []string{"channel", "pigeon", "endpoint", "https://example.com/", "scope", "page"}},
	} {
		s.from = "192.0.2." + c.field[:1]
		form, answer := s.post("/subscribe", c.values...)
		answered(t, answer, http.StatusUnprocessableEntity)
		form.one("#" + c.field + "-fault").says(c.says)
		summary := form.one("div.faults")
		if summary.attr("role") != "alert" || !summary.has("autofocus") || summary.one("a").attr("href") != "#"+c.field {
			t.Errorf("%s: got a summary that does not lead to the field", c.field)
		}
		if inputs := form.all("#" + c.field); len(inputs) == 1 && inputs[0].node.Data == "input" {
			if inputs[0].attr("aria-invalid") != "true" || !strings.HasPrefix(inputs[0].attr("aria-describedby"), c.field+"-fault") {
				t.Errorf("%s: got a field that does not say what is wrong with it", c.field)
			}
		}
		for i := 0; i < len(c.values); i += 2 {
			if name := c.values[i]; name == "email" || name == "endpoint" || name == "zone" {
				if got := form.one("#" + name).attr("value"); got != c.values[i+1] {
					t.Errorf("%s: got the value %q in the form, want it kept: %q", name, got, c.values[i+1])
				}
			}
		}
		if cache := answer.Header().Get("Cache-Control"); cache != "no-store" {
			t.Errorf("got Cache-Control %q, want no-store: somebody's address stands there", cache)
		}
	}
	if all, err := s.store.Subscribers(t.Context(), notify.Query{AnyEvent: true}); err != nil || len(all) != 0 {
		t.Errorf("got %d subscribers and %v, want none", len(all), err)
	}
}

func TestNobodyLearnsWhoIsSubscribed(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	for _, state := range notify.States {
		s.is(notify.Subscriber{Channel: notify.Email, Address: string(state) + "@example.com", State: state})
		s.is(notify.Subscriber{Channel: notify.Webhook, Address: "http://127.0.0.1/" + string(state), State: state})
	}
	answers := make(map[string][]string)
	n := 0
	ask := func(path string, values ...string) {
		n++
		s.from = "198.51.100." + string(rune('0'+n%10)) + string(rune('0'+n/10))
		_, answer := s.post(path, values...)
		all := answer.Result()
		all.Header.Del("Date")
		text := new(strings.Builder)
		text.WriteString(all.Status)
		_ = all.Header.Write(text)
		text.WriteString(answer.Body.String())
		answers[path+values[1]] = append(answers[path+values[1]], text.String())
	}
	for _, who := range []string{"nobody", "unconfirmed", "active", "quarantined", "unsubscribed"} {
		for range 5 { // the last two are more mails than a day allows
			ask("/subscribe", "channel", "email", "email", who+"@example.com", "scope", "page")
			ask("/subscribe", "channel", "webhook", "endpoint", "http://127.0.0.1/"+who, "scope", "page")
			ask("/subscriptions/new-email", "email", who+"@example.com")
		}
	}
	for path, all := range answers {
		for _, text := range all {
			if text != all[0] && !strings.HasPrefix(text, "429") {
				t.Fatalf("%s: got two answers, want one for everybody:\n%s\n%s", path, all[0], text)
			}
		}
		if !strings.HasPrefix(all[0], "303") && !strings.HasPrefix(all[0], "200") {
			t.Errorf("%s: got %.100s, want it taken", path, all[0])
		}
	}
}

func TestTooManyAreRefusedWithWhenToTryAgain(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	var answer *httptest.ResponseRecorder
	var form element
	for n := range 6 {
		form, answer = s.post("/subscribe", "channel", "email", "email", string(rune('a'+n))+"@example.com", "scope", "page")
	}
	answered(t, answer, http.StatusTooManyRequests)
	if wait := answer.Header().Get("Retry-After"); wait != "360" {
		t.Errorf("got Retry-After %q, want 360", wait)
	}
	form.one("div.faults").says("try again in 6 minutes")
	_, answer = s.post("/subscriptions/new-email", "email", "ada@example.com")
	answered(t, answer, http.StatusTooManyRequests)
}

func TestWhileTheStoreIsAwayNothingIsSavedAndTheFormSaysSo(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	id := s.is(notify.Subscriber{Channel: notify.Email, Address: "ada@example.com", State: notify.Active})
	s.store.Close()
	form, answer := s.post("/subscribe", "channel", "email", "email", "bob@example.com", "scope", "page")
	answered(t, answer, http.StatusServiceUnavailable)
	form.one("div.faults").says("Nothing was saved")
	form.one("div.faults").says("feeds and the calendar")
	if form.one("#email").attr("value") != "bob@example.com" || answer.Header().Get("Retry-After") == "" {
		t.Error("got a form without the address, or no word on when to try again")
	}
	if _, answer = s.get(t, "/subscribe"); answer.Code != http.StatusOK {
		t.Errorf("got %d for the form, want it there without the store", answer.Code)
	}
	page, answer := s.get(t, link(notify.ToManage, id))
	answered(t, answer, http.StatusServiceUnavailable)
	page.one("h1").reads("That did not work")
	_, answer = s.post("/subscriptions/new-email", "email", "bob@example.com")
	answered(t, answer, http.StatusServiceUnavailable)
	if got := answer.Body.String(); !strings.Contains(got, `"type":"error"`) || !strings.Contains(got, "Nothing was saved") {
		t.Errorf("got %s, want an error that says that nothing was saved", got)
	}
}

func TestHostileFormsAreRefused(t *testing.T) {
	s := northwind(t).open("2027-01-13 16:51")
	large := httptest.NewRequest(http.MethodPost, "/subscribe", strings.NewReader("email="+strings.Repeat("a", 10<<20)))
	large.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, large)
	answered(t, answer, http.StatusRequestEntityTooLarge)
	torn := httptest.NewRequest(http.MethodPost, "/subscribe", strings.NewReader("email=%zz"))
	torn.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer = httptest.NewRecorder()
	s.ServeHTTP(answer, torn)
	answered(t, answer, http.StatusBadRequest)
	for n, email := range []string{
		"a@example.com\r\nBcc: b@example.com", "a@example.com\x00", "a@example.com, b@example.com", "Ada <a@example.com>", "a@[127.0.0.1]",
		"a@exa mple.com", "\"a b\"@example.com", "a\u202e@example.com", "a@example.com\n", "<script>@example.com", strings.Repeat("a", 300) + "@example.com",
	} {
		s.from = "192.0.2." + string(rune('0'+n%10))
		form, answer := s.post("/subscribe", "channel", "email", "email", email, "scope", "page")
		if n == 8 {
			answered(t, answer, http.StatusSeeOther) // what surrounds an address is not part of it
			continue
		}
		answered(t, answer, http.StatusUnprocessableEntity)
		form.one("#email-fault").says("must be")
	}
	for n, endpoint := range []string{
		"http://10.1.2.3/", "http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd",
		"https://user:pass@example.com/", "gopher://example.com/", "http://127.0.0.1:25/x\r\nEHLO", "javascript:alert(1)", "http://0x7f000001/", "//example.com",
	} {
		s.from = "192.0.3." + string(rune('0'+n%10))
		form, answer := s.post("/subscribe", "channel", "webhook", "endpoint", endpoint, "scope", "page")
		answered(t, answer, http.StatusUnprocessableEntity)
		form.one("#endpoint-fault").says("URL ")
	}
}

func TestProgramsSubscribeAsAtStatuspage(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-10 10:00", database)
	s := w.open("2027-01-13 16:51")
	event := w.Maintenances[0].ID
	for _, c := range []struct {
		path   string
		values []string
		code   int
		says   string
	}{
		{"new-email", []string{"email", "ada@example.com"}, 200, `{"type":"success"}`},
		{"new-email", []string{"email", "ada"}, 422, `{"type":"error","text":"E-mail address must be one e-mail address such as ops@example.com, not \"ada\"."}`},
		{"webhook.json", []string{"endpoint", "http://127.0.0.1/hook", "email", "ops@example.com"}, 200, `{"type":"success"}`},
		{"incident.json", []string{"incident_code", event, "email", "ada@example.com"}, 200, `{"type":"success"}`},
		{"incident.json", []string{"incident_code", "gone", "email", "ada@example.com"}, 422, `{"type":"error","text":"The event has ended, or was never there: subscribe to the page instead."}`},
	} {
		_, answer := s.post("/subscriptions/"+c.path, c.values...)
		answered(t, answer, c.code)
		if got := strings.TrimSpace(answer.Body.String()); got != c.says {
			t.Errorf("%s: got %s, want %s", c.path, got, c.says)
		}
		if got := answer.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("got the type %q", got)
		}
	}
	all, err := s.store.Subscribers(t.Context(), notify.Query{AnyEvent: true})
	if err != nil || len(all) != 3 {
		t.Errorf("got %d subscribers and %v, want 3", len(all), err)
	}
}
