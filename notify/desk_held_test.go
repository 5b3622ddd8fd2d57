package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/webhook"
)

func (d *desk) state(id string) notify.State {
	d.t.Helper()
	s, err := d.store.Subscriber(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return s.State
}

func TestWhoHoldsALinkMovesTheSubscription(t *testing.T) {
	d := newDesk(t)
	move := map[string]func(context.Context, string) error{"confirm": d.Confirm, "leave": d.Leave, "return": d.Return}
	for n, c := range []struct {
		was       notify.State
		confirmed bool
		purpose   notify.Purpose
		what      string
		is        notify.State // empty when it is refused
	}{
		{notify.Unconfirmed, false, notify.ToConfirm, "confirm", notify.Active},
		{notify.Active, true, notify.ToConfirm, "confirm", notify.Active},
		{notify.Quarantined, true, notify.ToConfirm, "confirm", notify.Active},
		{notify.Unsubscribed, true, notify.ToConfirm, "confirm", ""},
		{notify.Active, true, notify.ToLeave, "leave", notify.Unsubscribed},
		{notify.Active, true, notify.ToManage, "leave", notify.Unsubscribed},
		{notify.Unconfirmed, false, notify.ToLeave, "leave", notify.Unsubscribed},
		{notify.Unsubscribed, true, notify.ToLeave, "leave", notify.Unsubscribed},
		{notify.Unsubscribed, true, notify.ToLeave, "return", notify.Active},
		{notify.Unsubscribed, true, notify.ToManage, "return", notify.Active},
		{notify.Unsubscribed, false, notify.ToLeave, "return", ""},
		{notify.Quarantined, true, notify.ToManage, "return", notify.Active},
		{notify.Unconfirmed, false, notify.ToManage, "return", ""},
		{notify.Active, true, notify.ToLeave, "return", notify.Active},
	} {
		id := fmt.Sprintf("known%d", n)
		s := notify.Subscriber{ID: id, Channel: notify.Email, Address: id + ada, State: c.was, Reason: "dead"}
		if c.confirmed {
			s.Confirmed = d.now
		}
		d.add(s)
		err := move[c.what](t.Context(), deskKeys.Token(c.purpose, id))
		want := c.is
		if c.is == "" {
			want = c.was
			if !errors.Is(err, status.ErrNotFound) {
				t.Errorf("%s, %s: got %v, want %v", c.was, c.what, err, status.ErrNotFound)
			}
		} else if err != nil {
			t.Errorf("%s, %s: got %v, want no error", c.was, c.what, err)
		}
		if got := d.state(id); got != want {
			t.Errorf("%s, %s: got %s, want %s", c.was, c.what, got, want)
		}
	}
}

func TestATokenOpensNothingElse(t *testing.T) {
	d := newDesk(t)
	d.add(notify.Subscriber{ID: "known", Channel: notify.Email, Address: ada, State: notify.Active, Confirmed: d.now})
	d.add(notify.Subscriber{ID: "other", Channel: notify.Email, Address: "x" + ada, State: notify.Active, Confirmed: d.now})
	token := deskKeys.Token
	_, secret, _ := strings.Cut(token(notify.ToManage, "other"), ".")
	others := notify.NewKeys([]byte(strings.Repeat("another", 6)))
	for name, wrong := range map[string]string{
		"one to leave": token(notify.ToLeave, "known"), "one to confirm": token(notify.ToConfirm, "known"), "another's": "known." + secret,
		"one of other keys": others.Token(notify.ToManage, "known"), "nothing": "", "the id": "known", "a full stop": ".",
		"a longer one": token(notify.ToManage, "known") + "a", "capitals": strings.ToUpper(token(notify.ToManage, "known")),
		"somebody who is not there": token(notify.ToManage, "gone"), "a zero byte": "known\x00." + secret,
	} {
		_, err := d.Subscription(t.Context(), notify.ToManage, wrong)
		for _, err := range []error{err, d.Change(t.Context(), wrong, notify.Choice{Groups: []string{"delivery"}})} {
			if !errors.Is(err, status.ErrNotFound) {
				t.Errorf("%s: got %v, want %v", name, err, status.ErrNotFound)
			}
		}
	}
	for _, wrong := range []string{token(notify.ToConfirm, "known"), "known." + secret, ""} {
		if err := d.Leave(t.Context(), wrong); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("leaving with %q: got %v, want %v", wrong, err, status.ErrNotFound)
		}
	}
	for _, wrong := range []string{token(notify.ToLeave, "known"), token(notify.ToManage, "known")} {
		if err := d.Confirm(t.Context(), wrong); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("confirming with %q: got %v, want %v", wrong, err, status.ErrNotFound)
		}
	}
	if got := d.state("known"); got != notify.Active {
		t.Errorf("got %s, want nothing to have moved", got)
	}
}

func TestWhoManagesChangesWhatTheyHearOf(t *testing.T) {
	d := newDesk(t)
	d.add(notify.Subscriber{ID: "known", Channel: notify.Email, Address: ada, State: notify.Active, Components: []string{"email"}})
	d.add(notify.Subscriber{ID: "one", Channel: notify.Email, Address: ada, Event: "planned", State: notify.Active})
	token := deskKeys.Token(notify.ToManage, "known")
	if err := d.Change(t.Context(), token, notify.Choice{Groups: []string{"messenger"}, Components: []string{"web", "api"}, Zone: "Asia/Tokyo"}); err != nil {
		t.Fatal(err)
	}
	got, err := d.Subscription(t.Context(), notify.ToManage, token)
	if err != nil || got.Zone != "Asia/Tokyo" || !slices.Equal(got.Groups, []string{"messenger"}) || !slices.Equal(got.Components, []string{"api"}) {
		t.Errorf("got %+v and %v, want the new choice", got, err)
	}
	var invalid *status.Invalid
	if err := d.Change(t.Context(), token, notify.Choice{Components: []string{"gone"}}); !errors.As(err, &invalid) || invalid.Field != "components" {
		t.Errorf("got %v, want a refusal of what is not on the page", err)
	}
	if err := d.Change(t.Context(), token, notify.Choice{}); err != nil {
		t.Fatal(err)
	}
	if got := d.one(ada, ""); len(got.Groups)+len(got.Components) > 0 || got.Zone != "" {
		t.Errorf("got %+v, want the whole page", got)
	}
	if err := d.Change(t.Context(), deskKeys.Token(notify.ToManage, "one"), notify.Choice{Components: []string{"api"}, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	if got := d.one(ada, "planned"); len(got.Components) > 0 || got.Zone != "UTC" {
		t.Errorf("got %+v, want no components for one event", got)
	}
	if err := d.Leave(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := d.Change(t.Context(), token, notify.Choice{}); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %v after leaving, want %v", err, status.ErrNotFound)
	}
}

func TestTheSecretOfAWebhookIsShownToWhoManagesItAndSigns(t *testing.T) {
	d := newDesk(t)
	d.add(notify.Subscriber{ID: "hook", Channel: notify.Webhook, Address: "https://example.com/hook", State: notify.Active})
	d.add(notify.Subscriber{ID: "mail", Channel: notify.Email, Address: ada, State: notify.Active})
	got, err := d.Subscription(t.Context(), notify.ToManage, deskKeys.Token(notify.ToManage, "hook"))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := standardwebhooks.NewWebhook(got.Secret)
	if err != nil {
		t.Fatalf("got the secret %q, which the library refuses: %v", got.Secret, err)
	}
	signed, err := reader.Sign("n1", d.now, []byte("{}"))
	if want := webhook.Sign(deskKeys.WebhookSecret("hook"), "n1", d.now, []byte("{}")); err != nil || signed != want {
		t.Errorf("got the signature %q and %v, want that of our webhooks: %q", signed, err, want)
	}
	for purpose, id := range map[notify.Purpose]string{notify.ToLeave: "hook", notify.ToManage: "mail"} {
		if got, err := d.Subscription(t.Context(), purpose, deskKeys.Token(purpose, id)); err != nil || got.Secret != "" || (got.Manage != "") != (purpose == notify.ToManage) {
			t.Errorf("%s of %s: got %+v and %v, want no secret", purpose, id, got, err)
		}
	}
}
