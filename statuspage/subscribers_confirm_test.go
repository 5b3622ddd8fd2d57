package statuspage_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/notify"
)

// told are the kinds of what a subscriber is told, the oldest first.
func (s *site) told(id string) string {
	s.Helper()
	history, err := s.store.History(s.Context(), id, 100)
	if err != nil {
		s.Fatal(err)
	}
	var kinds []string
	for _, d := range slices.Backward(history) {
		kinds = append(kinds, string(d.Kind))
	}
	return strings.Join(kinds, " ")
}

// notice is the last notice that a subscriber is told.
func (s *site) notice(id string) notify.Notice {
	s.Helper()
	history, err := s.store.History(s.Context(), id, 1)
	if err != nil || len(history) != 1 {
		s.Fatalf("got %v and %v, want one notice", history, err)
	}
	n, err := s.store.Notice(s.Context(), history[0].Notice)
	if err != nil {
		s.Fatal(err)
	}
	return n
}

// keep saves a subscriber as the page would.
func (s *site) keep(n notify.Subscriber) {
	s.Helper()
	n.Created = noon
	if err := s.store.AddSubscriber(s.Context(), noon, n); err != nil {
		s.Fatal(err)
	}
}

func TestAnAddressIsAskedToConfirmAndAWebhookIsNot(t *testing.T) {
	s := open(t)
	asked := s.subscribe("/subscribers", object{"email": "ops@example.com", "component_ids": []string{s.ids["Email"]}})
	vouched := s.subscribe("/subscribers", object{"email": "ada@example.com", "skip_confirmation_notification": true})
	hook := s.subscribe("/subscribers", object{"endpoint": "https://example.com/hook"})
	for id, want := range map[string]string{asked: "confirm", vouched: "", hook: ""} {
		if got := s.told(id); got != want {
			t.Errorf("got told %q, want %q", got, want)
		}
	}
	n := s.notice(asked)
	if len(n.Components) != 1 || n.Components[0].Name != "Email" || len(n.Groups) != 1 || n.Groups[0].Name != "Message delivery" {
		t.Errorf("got %v in %v, want the component that was chosen, with its group", n.Components, n.Groups)
	}
	if n.Page.Name != "Northwind" || !n.At.Equal(noon) || n.Audience.Only != asked {
		t.Errorf("got %+v, want a notice of the page, for the one who subscribed", n)
	}
	event, _ := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(object{"deliver_notifications": false}))["id"].(string)
	n = s.notice(s.subscribe("/incidents/"+event+"/subscribers", object{"email": "ops@example.com"}))
	if n.Maintenance == nil || n.Maintenance.Title != "Database upgrade" || n.Audience.Event != event {
		t.Errorf("got %+v, want the maintenance that it is about", n)
	}
}

func TestAConfirmationIsSentAgainThreeTimesADayAtMost(t *testing.T) {
	s := open(t)
	event, _ := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))["id"].(string)
	for _, path := range []string{"/subscribers", "/incidents/" + event + "/subscribers"} {
		s.clock.Set(noon)
		id := s.subscribe(path, object{"email": "ops@example.com"})
		again := path + "/" + id + "/resend_confirmation"
		for _, after := range []time.Duration{time.Hour, 2 * time.Hour} {
			s.clock.Set(noon.Add(after))
			s.call(http.StatusCreated, http.MethodPost, again, nil)
		}
		want := "The subscriber was asked often enough within a day: it can be asked again from 2027-01-14T14:00:00Z"
		if got := s.refused(http.MethodPost, again, nil); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		s.clock.Set(noon.Add(26 * time.Hour))
		s.call(http.StatusCreated, http.MethodPost, again+".json", nil)
		s.call(http.StatusCreated, http.MethodPost, again, nil)
		if got, want := s.told(id), "confirm confirm confirm confirm confirm"; got != want {
			t.Errorf("%s: got told %q, want %q", path, got, want)
		}
		s.call(http.StatusNotFound, http.MethodPost, path+"/nobody/resend_confirmation", nil)
		s.call(http.StatusNotFound, http.MethodPost, "/incidents/nothing/subscribers/"+id+"/resend_confirmation", nil)
	}
}

func TestOnlyAnUnconfirmedAddressIsAskedAgain(t *testing.T) {
	s := open(t)
	active := s.subscribe("/subscribers", object{"endpoint": "https://example.com/hook"})
	s.keep(notify.Subscriber{ID: "chat", Channel: notify.Discord, Address: "https://discord.com/api/webhooks/1/x", State: notify.Unconfirmed})
	for id, want := range map[string]string{
		active: "The subscriber is active: only one that is unconfirmed can be asked to confirm",
		"chat": "The subscriber is told by integration_partner: only an e-mail address can be asked again to confirm",
	} {
		if got := s.refused(http.MethodPost, "/subscribers/"+id+"/resend_confirmation", nil); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := s.told(id); got != "" {
			t.Errorf("got told %q, want nothing", got)
		}
	}
}

func TestSeveralAreAskedAgainAndTheOthersPassedOver(t *testing.T) {
	s := open(t)
	often := s.subscribe("/subscribers", object{"email": "a@example.com"})
	for range 2 {
		s.call(http.StatusCreated, http.MethodPost, "/subscribers/"+often+"/resend_confirmation", nil)
	}
	waiting := s.subscribe("/subscribers", object{"email": "b@example.com"})
	late := s.subscribe("/subscribers", object{"email": "c@example.com"})
	active := s.subscribe("/subscribers", object{"email": "d@example.com", "skip_confirmation_notification": true})
	s.keep(notify.Subscriber{ID: "chat", Channel: notify.Slack, Address: "https://hooks.slack.com/x", State: notify.Unconfirmed})
	s.call(http.StatusCreated, http.MethodPost, "/subscribers/resend_confirmation", object{"subscribers": []string{often, active, "chat", waiting}})
	if code := s.once(http.MethodPost, "/subscribers/resend_confirmation", "k1", `{"subscribers": "all"}`); code != http.StatusCreated {
		t.Errorf("got %d for a request with an idempotency key, want all of them asked", code)
	}
	for id, want := range map[string]string{
		often: "confirm confirm confirm", waiting: "confirm confirm confirm", late: "confirm confirm", active: "", "chat": "",
	} {
		if got := s.told(id); got != want {
			t.Errorf("%s: got told %q, want %q", id, got, want)
		}
	}
	if code := s.once(http.MethodPost, "/subscribers/resend_confirmation", "k1", `{"subscribers": "all"}`); code != http.StatusConflict {
		t.Errorf("got %d, want a key that was taken refused", code)
	}
	if got := s.refused(http.MethodPost, "/subscribers/resend_confirmation", object{"subscribers": []string{"nobody"}}); !strings.Contains(got, "nobody") {
		t.Errorf("got %s, want the id that nobody has", got)
	}
}

func TestWithoutMailOnlyAnAddressThatIsVouchedForIsTaken(t *testing.T) {
	s := open(t)
	s.managed.Mail = false
	want := "email cannot be asked to confirm, because this server sends no mail: give skip_confirmation_notification when you vouch for the address"
	if got := s.refused(http.MethodPost, "/subscribers", object{"subscriber": object{"email": "ops@example.com"}}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.subscribe("/subscribers", object{"email": "ada@example.com", "skip_confirmation_notification": true})
	s.keep(notify.Subscriber{ID: "waiting", Channel: notify.Email, Address: "b@example.com", State: notify.Unconfirmed})
	for path, body := range map[string]any{
		"/subscribers/waiting/resend_confirmation": nil, "/subscribers/resend_confirmation": object{"subscribers": "all"},
	} {
		if got := s.refused(http.MethodPost, path, body); !strings.Contains(got, "sends no mail") || !strings.Contains(got, "skip_confirmation_notification") {
			t.Errorf("%s: got %s, want words that say what to do instead", path, got)
		}
	}
	if got := addresses(s.list("/subscribers?state=all")) + s.told("waiting"); got != "ada@example.com b@example.com" {
		t.Errorf("got %s, want the one who was vouched for and the one who was there, told nothing", got)
	}
}

func TestChatsAreShownAndCountedByTheirModes(t *testing.T) {
	s := open(t)
	for mode, n := range map[string]notify.Subscriber{
		"slack":               {ID: "s", Channel: notify.Slack, Address: "https://hooks.slack.com/x", State: notify.Active},
		"teams":               {ID: "t", Channel: notify.Teams, Address: "https://northwind.webhook.office.com/x", State: notify.Unconfirmed},
		"integration_partner": {ID: "d", Channel: notify.Discord, Address: "https://discord.com/api/webhooks/1/x", State: notify.Active},
	} {
		s.keep(n)
		got := s.list("/subscribers?state=all&type=" + mode)
		if len(got) != 1 || got[0]["mode"] != mode || got[0]["endpoint"] != n.Address || got[0]["email"] != nil {
			t.Errorf("got %v, want the one of mode %s", got, mode)
		}
	}
	if got, want := s.call(http.StatusOK, http.MethodGet, "/subscribers/count", nil), (object{
		"email": 0.0, "sms": 0.0, "webhook": 0.0, "integration_partner": 1.0, "slack": 1.0, "teams": 0.0,
	}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	states := s.call(http.StatusOK, http.MethodGet, "/subscribers/histogram_by_state", nil)
	for mode, state := range map[string]string{"slack": "active", "teams": "unconfirmed", "integration_partner": "active"} {
		if of, _ := states[mode].(object); of[state] != 1.0 || of["total"] != 1.0 {
			t.Errorf("%s: got %v, want one that is %s", mode, of, state)
		}
	}
	if got, want := s.refused(http.MethodGet, "/subscribers?type=discord", nil), `type must be one of email, sms, webhook, slack, teams, integration_partner, not "discord"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
