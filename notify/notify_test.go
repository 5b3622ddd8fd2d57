package notify_test

import (
	"errors"
	"testing"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

func TestOnlyWhatCanBeToldSubscribes(t *testing.T) {
	for name, c := range map[string]struct {
		subscriber notify.Subscriber
		field      string // of the refusal; empty for none
	}{
		"an address":                 {notify.Subscriber{Channel: notify.Email, Address: "ops@example.com"}, ""},
		"an address with a name":     {notify.Subscriber{Channel: notify.Email, Address: "Ops <ops@example.com>"}, "email"},
		"two addresses":              {notify.Subscriber{Channel: notify.Email, Address: "a@example.com, b@example.com"}, "email"},
		"a header in an address":     {notify.Subscriber{Channel: notify.Email, Address: "a@example.com\r\nBcc: b@example.com"}, "email"},
		"no address":                 {notify.Subscriber{Channel: notify.Email}, "email"},
		"a webhook":                  {notify.Subscriber{Channel: notify.Webhook, Address: "https://example.com/hook?x=1"}, ""},
		"a webhook with a contact":   {notify.Subscriber{Channel: notify.Webhook, Address: "https://example.com/hook", Contact: "ops@example.com"}, ""},
		"a webhook, wrong contact":   {notify.Subscriber{Channel: notify.Webhook, Address: "https://example.com/hook", Contact: "ops"}, "email"},
		"a file":                     {notify.Subscriber{Channel: notify.Webhook, Address: "file:///etc/passwd"}, "endpoint"},
		"a webhook without a host":   {notify.Subscriber{Channel: notify.Webhook, Address: "https:///hook"}, "endpoint"},
		"a webhook with credentials": {notify.Subscriber{Channel: notify.Webhook, Address: "https://a:b@example.com/"}, "endpoint"},
		"no webhook":                 {notify.Subscriber{Channel: notify.Webhook}, "endpoint"},
		"a channel that is not ours": {notify.Subscriber{Channel: "pigeon", Address: "x"}, "channel"},
	} {
		err := c.subscriber.Validate()
		var invalid *status.Invalid
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: got %v, want it accepted", name, err)
		case c.field != "" && (!errors.As(err, &invalid) || invalid.Field != c.field):
			t.Errorf("%s: got %v, want a refusal of %s", name, err, c.field)
		}
	}
}

func TestADeadAddressIsKeptForNinetyDaysUnlessTakenBack(t *testing.T) {
	now := time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	n := notify.Subscriber{State: notify.Active}
	n.Quarantine(now, "550 nobody here")
	if want := time.Date(2027, 4, 15, 6, 0, 0, 0, time.UTC); n.State != notify.Quarantined || !n.Quarantined.Equal(now) || !n.Purge.Equal(want) {
		t.Errorf("got %+v, want it quarantined until %s", n, want)
	}
	if !n.Reactivate() || n.State != notify.Active || !n.Quarantined.IsZero() || !n.Purge.IsZero() {
		t.Errorf("got %+v, want it active and nothing left of the quarantine", n)
	}
	for _, state := range []notify.State{notify.Active, notify.Unconfirmed, notify.Unsubscribed} {
		if n := (notify.Subscriber{State: state}); n.Reactivate() || n.State != state {
			t.Errorf("got %s, want one who was %s left alone", n.State, state)
		}
	}
}

func TestWhoUnsubscribesWaitsForNothing(t *testing.T) {
	n := notify.Subscriber{State: notify.Active, Address: "ops@example.com"}
	n.Quarantine(time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC), "550 nobody here")
	n.Unsubscribe()
	if n.State != notify.Unsubscribed || !n.Quarantined.IsZero() || !n.Purge.IsZero() || n.Address != "ops@example.com" {
		t.Errorf("got %+v, want it unsubscribed, with its address", n)
	}
}

func FuzzASubscriberIsAcceptedOrRefused(f *testing.F) {
	f.Add("email", "ops@example.com", "")
	f.Add("webhook", "https://example.com/\x00", "ops@example.com")
	f.Fuzz(func(t *testing.T, channel, address, contact string) {
		err := notify.Subscriber{Channel: notify.Channel(channel), Address: address, Contact: contact}.Validate()
		var invalid *status.Invalid
		if err != nil && !errors.As(err, &invalid) {
			t.Errorf("got %v, want a refusal that names its field", err)
		}
	})
}
