package notify_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

const ada = "ada@example.com"

func byMail(address string) notify.Application {
	return notify.Application{Channel: notify.Email, Address: address}
}

func TestANewAddressIsAskedToConfirm(t *testing.T) {
	d := newDesk(t)
	a := byMail("  Ada@Example.com ")
	a.Groups, a.Components, a.Zone = []string{"delivery"}, []string{"email", "api"}, "Europe/Berlin"
	d.apply(a)
	want := notify.Subscriber{
		ID: "new1", Version: 1, N: 1, Channel: notify.Email, Address: ada, Groups: []string{"delivery"}, Components: []string{"api"},
		Zone: "Europe/Berlin", State: notify.Unconfirmed, Created: d.now, Asked: d.now, AskedTimes: 1,
	}
	if diff := cmp.Diff(want, d.one(ada, "")); diff != "" {
		t.Errorf("subscriber (-want +got):\n%s", diff)
	}
	if got, want := d.told(), "confirm "+ada; got != want {
		t.Errorf("got told %q, want %q", got, want)
	}
	n, err := d.store.Notice(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Groups) != 1 || n.Groups[0].Name != "Message delivery" || len(n.Components) != 1 || n.Components[0].Name != "APIs" ||
		n.Page.Name != "Northwind" || !slices.Equal(n.Audience.Groups, []string{"delivery"}) {
		t.Errorf("got the notice %+v, want it to say what the subscription is for", n)
	}
}

func TestWhatAnAddressIsSentDependsOnItsState(t *testing.T) {
	for _, c := range []struct {
		was    notify.State
		is     notify.State
		told   string
		chosen []string
	}{
		{notify.Active, notify.Active, "link " + ada, []string{"email"}},
		{notify.Unconfirmed, notify.Unconfirmed, "confirm " + ada, []string{"api"}},
		{notify.Quarantined, notify.Unconfirmed, "confirm " + ada, []string{"api"}},
		{notify.Unsubscribed, notify.Unconfirmed, "confirm " + ada, []string{"api"}},
	} {
		d := newDesk(t)
		d.add(notify.Subscriber{ID: "known", Channel: notify.Email, Address: ada, State: c.was, Components: []string{"email"}, Reason: "dead", Strikes: 3})
		d.add(notify.Subscriber{ID: "other", Channel: notify.Email, Address: "x" + ada, State: notify.Active})
		a := byMail(ada)
		a.Components = []string{"api"}
		d.apply(a)
		got := d.one(ada, "")
		if got.State != c.is || !slices.Equal(got.Components, c.chosen) {
			t.Errorf("%s: got %s with %q, want %s with %q", c.was, got.State, got.Components, c.is, c.chosen)
		}
		if c.was != notify.Active && got.Reason+got.Quarantined.Format("2006") != "0001" {
			t.Errorf("%s: got %+v, want nothing left of the quarantine", c.was, got)
		}
		if told := d.told(); told != c.told {
			t.Errorf("%s: got told %q, want %q", c.was, told, c.told)
		}
	}
}

func TestAnAddressGetsThreeMailsADayHoweverOftenItIsNamed(t *testing.T) {
	d := newDesk(t)
	event := byMail(ada)
	event.Event = "planned"
	d.apply(byMail(ada))
	d.apply(event)
	for range 5 {
		d.apply(byMail(ada))
		d.apply(event)
	}
	if got, want := d.told(), "confirm "+ada+", confirm "+ada+", confirm "+ada; got != want {
		t.Errorf("got told %q, want %q", got, want)
	}
	// Leaving and beginning anew does not begin a new day.
	if err := d.Leave(t.Context(), deskKeys.Token(notify.ToLeave, d.one(ada, "").ID)); err != nil {
		t.Fatal(err)
	}
	d.apply(byMail(ada))
	if got := d.told(); got != "" {
		t.Errorf("got told %q after leaving, want nothing", got)
	}
	d.now = d.now.Add(24 * time.Hour)
	d.apply(byMail(ada))
	if got, want := d.told(), "confirm "+ada; got != want {
		t.Errorf("got told %q on the next day, want %q", got, want)
	}
}

func TestTwoWhoApplyAtOnceAreBothAnswered(t *testing.T) {
	d := newDesk(t)
	d.Register = &racing{Register: d.store, other: notify.Subscriber{ID: "first", Channel: notify.Email, Address: ada, State: notify.Unconfirmed}}
	d.apply(byMail(ada))
	if got := d.one(ada, ""); got.ID != "first" {
		t.Errorf("got %+v, want the one who was first", got)
	}
	if got, want := d.told(), "confirm "+ada; got != want {
		t.Errorf("got told %q, want %q", got, want)
	}
}

func TestAnEndpointIsGreetedAndItsChatRecognised(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	d := newDesk(t)
	own := notify.Application{Channel: notify.Webhook, Address: server.URL + "/hook", Contact: "Ops@example.com"}
	d.apply(own)
	d.apply(own)
	got := d.one(own.Address, "")
	if got.Channel != notify.Webhook || got.Contact != "ops@example.com" || got.State != notify.Unconfirmed {
		t.Errorf("got %+v, want an unconfirmed webhook with its contact", got)
	}
	if told, want := d.told(), "confirm "+own.Address+", confirm "+own.Address; told != want {
		t.Errorf("got told %q, want %q", told, want)
	}
	d.Endpoints = anywhere{}
	for address, channel := range map[string]notify.Channel{
		"https://hooks.slack.com/services/T/B/x":                                   notify.Slack,
		"https://discord.com/api/webhooks/1/x":                                     notify.Discord,
		"https://canary.discord.com/api/webhooks/1/x":                              notify.Discord,
		"https://northwind.webhook.office.com/webhookb2/x":                         notify.Teams,
		"https://x.00.environment.api.powerplatform.com/powerautomate/workflows/x": notify.Teams,
		"https://nothooks.slack.com.example.com/":                                  notify.Webhook,
		"https://notdiscord.com/api/webhooks/1/x":                                  notify.Webhook,
	} {
		d.apply(notify.Application{Channel: notify.Webhook, Address: address})
		if got := d.one(address, ""); got.Channel != channel {
			t.Errorf("%s: got %s, want %s", address, got.Channel, channel)
		}
	}
	d.apply(notify.Application{Channel: notify.Slack, Address: "https://chat.example.com/hooks/x"})
	if got := d.one("https://chat.example.com/hooks/x", ""); got.Channel != notify.Slack {
		t.Errorf("got %s for a chat that speaks as Slack does, want what was chosen", got.Channel)
	}
}

// anywhere takes every URL, for hosts that tests do not reach.
type anywhere struct{}

func (anywhere) Check(context.Context, string) error {
	return nil
}

func TestWhatCannotBeIsRefusedWithItsField(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		a     notify.Application
		field string
	}{
		"no address":          {byMail(" "), "email"},
		"a header":            {byMail("a@example.com\r\nBcc: b@example.com"), "email"},
		"a domain of control": {byMail("a@exa\u200bmple..com"), "email"},
		"an address literal":  {byMail("a@[127.0.0.1]"), "email"},
		"turned writing":      {byMail("a\u202e@example.com"), "email"},
		"an inward endpoint":  {notify.Application{Channel: notify.Webhook, Address: "http://192.168.0.1/"}, "endpoint"},
		"a metadata service":  {notify.Application{Channel: notify.Slack, Address: "http://169.254.169.254/"}, "endpoint"},
		"no URL":              {notify.Application{Channel: notify.Discord, Address: "x"}, "endpoint"},
		"a wrong contact":     {notify.Application{Channel: notify.Webhook, Address: "https://example.com/", Contact: "x"}, "contact"},
		"a pigeon":            {notify.Application{Channel: "pigeon", Address: "x"}, "channel"},
		"what is over":        {notify.Application{Channel: notify.Email, Address: ada, Event: "over"}, "event"},
		"what is gone":        {notify.Application{Channel: notify.Email, Address: ada, Choice: notify.Choice{Groups: []string{"gone"}}}, "components"},
		"no zone":             {notify.Application{Channel: notify.Email, Address: ada, Choice: notify.Choice{Zone: "Mars/Base"}}, "zone"},
		"a machine's zone":    {notify.Application{Channel: notify.Email, Address: ada, Choice: notify.Choice{Zone: "Local"}}, "zone"},
	} {
		var invalid *status.Invalid
		c.a.Client = d.network()
		if err := d.Subscribe(t.Context(), c.a); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%s: got %v, want a refusal of %s", name, err, c.field)
		}
		if all, err := d.store.Subscribers(t.Context(), notify.Query{AnyEvent: true}); err != nil || len(all) > 0 {
			t.Errorf("%s: got %d subscribers and %v, want none", name, len(all), err)
		}
	}
	d.Channels = []notify.Channel{notify.Webhook}
	var invalid *status.Invalid
	if err := d.Subscribe(t.Context(), byMail(ada)); !errors.As(err, &invalid) || invalid.Field != "channel" {
		t.Errorf("got %v for a channel that was not set up, want a refusal", err)
	}
}

func TestAnAddressOfAnotherScriptIsKeptAsTheWireHasIt(t *testing.T) {
	d := newDesk(t)
	d.apply(byMail("ada@MÜNCHEN.example"))
	d.apply(byMail("ada@xn--mnchen-3ya.example"))
	if got := d.one("ada@xn--mnchen-3ya.example", ""); got.AskedTimes != 2 {
		t.Errorf("got %+v, want one subscriber for both ways to write the domain", got)
	}
}

func TestWhenNamesCannotBeLookedUpNothingIsSaved(t *testing.T) {
	d := newDesk(t)
	d.Endpoints = unresolved{}
	var invalid *status.Invalid
	err := d.Subscribe(t.Context(), notify.Application{Channel: notify.Webhook, Address: "https://example.com/"})
	if !errors.As(err, &invalid) || invalid.Field != "endpoint" {
		t.Errorf("got %v, want that it cannot be checked", err)
	}
}

type unresolved struct{}

func (unresolved) Check(context.Context, string) error {
	return &net.DNSError{Err: "no answer", IsTimeout: true}
}
