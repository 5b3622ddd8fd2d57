package notify_test

import (
	"errors"
	"testing"

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
