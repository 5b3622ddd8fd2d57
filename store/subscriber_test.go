package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

func TestASubscriberComesBackAsItWasSaved(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		want := filled[notify.Subscriber](new(int))
		if err := s.AddSubscriber(t.Context(), noon, want); err != nil {
			t.Fatal(err)
		}
		want.Version, want.N = 1, 1
		got, err := s.Subscriber(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
		refused := errors.New("refused")
		if err := s.ChangeSubscribers(t.Context(), noon, []string{want.ID}, func(n *notify.Subscriber) error { n.State = "x"; return refused }); !errors.Is(err, refused) {
			t.Errorf("got %v, want %v", err, refused)
		}
		want.State, want.Components, want.Version = notify.Quarantined, nil, 2
		err = s.ChangeSubscribers(t.Context(), noon, []string{want.ID}, func(n *notify.Subscriber) error {
			n.State, n.Components = notify.Quarantined, nil
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err = s.Subscriber(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
		_, err = s.Subscriber(t.Context(), "nope")
		for _, err := range []error{err, s.ChangeSubscribers(t.Context(), noon, []string{"nope"}, func(*notify.Subscriber) error { return nil })} {
			if !errors.Is(err, status.ErrNotFound) {
				t.Errorf("got %v, want %v", err, status.ErrNotFound)
			}
		}
		var invalid *status.Invalid
		if err := s.AddSubscriber(t.Context(), noon, notify.Subscriber{ID: "x", Address: "a\x00b"}); !errors.As(err, &invalid) {
			t.Errorf("got %v, want that the address is invalid", err)
		}
	})
}

func TestAnAddressSubscribesOnceToTheSameThing(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		ada := func(id string, channel notify.Channel, event string) error {
			return s.AddSubscriber(t.Context(), noon, notify.Subscriber{ID: id, Channel: channel, Address: "ada@example.com", Event: event, State: notify.Active})
		}
		for i, err := range []error{ada("1", notify.Email, ""), ada("2", notify.Email, "e1"), ada("3", notify.Webhook, "")} {
			if err != nil {
				t.Errorf("subscriber %d: got %v, want no error", i+1, err)
			}
		}
		for channel, field := range map[notify.Channel]string{notify.Email: "email", notify.Webhook: "endpoint"} {
			var invalid *status.Invalid
			if err := ada("4", channel, ""); !errors.As(err, &invalid) || invalid.Field != field || !strings.Contains(invalid.Rule, "has subscribed already") {
				t.Errorf("%s again: got %v, want that %s has subscribed already", channel, err, field)
			}
		}
		leave := func(n *notify.Subscriber) error { n.State = notify.Unsubscribed; return nil }
		if err := s.ChangeSubscribers(t.Context(), noon, []string{"1"}, leave); err != nil {
			t.Fatal(err)
		}
		if err := ada("5", notify.Email, ""); err != nil {
			t.Errorf("after unsubscribing: got %v, want that it begins anew", err)
		}
		if _, err := s.Subscriber(t.Context(), "1"); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("got %v for the former one, want %v", err, status.ErrNotFound)
		}
		if anew, err := s.Subscriber(t.Context(), "5"); err != nil || anew.Version != 1 || anew.State != notify.Active {
			t.Errorf("got %+v and %v, want a new one", anew, err)
		}
	})
}

func TestOfManyWhoSubscribeOneAddressOneSucceeds(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		s := open(t, name)
		var all sync.WaitGroup
		results := make([]error, 10)
		for n := range results {
			all.Go(func() {
				results[n] = s.AddSubscriber(t.Context(), noon, notify.Subscriber{ID: fmt.Sprint(n), Channel: notify.Email, Address: "ada@example.com", State: notify.Active})
			})
		}
		all.Wait()
		added := 0
		for _, err := range results {
			var invalid *status.Invalid
			switch {
			case err == nil:
				added++
			case !errors.As(err, &invalid):
				t.Errorf("got %v, want that the address has subscribed already", err)
			}
		}
		if added != 1 {
			t.Errorf("got %d added, want 1", added)
		}
	})
}

func TestSubscribersAreChosenAndCounted(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for n, one := range []notify.Subscriber{
			{ID: "a", Channel: notify.Email, Address: "Ada@example.com", State: notify.Active},
			{ID: "b", Channel: notify.Email, Address: "bob_100%@example.com", State: notify.Unconfirmed},
			{ID: "c", Channel: notify.Webhook, Address: "https://example.com/hook", State: notify.Active},
			{ID: "d", Channel: notify.Email, Address: "dora@example.com", State: notify.Unsubscribed},
			{ID: "e", Channel: notify.Email, Address: "ada@example.com", Event: "e1", State: notify.Active},
		} {
			one.Created = noon.Add(time.Duration(n/2) * time.Minute) // pairs share a time
			if err := s.AddSubscriber(t.Context(), noon, one); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			q    notify.Query
			want string
		}{
			{notify.Query{}, "a b c d"},
			{notify.Query{AnyEvent: true}, "a b c d e"},
			{notify.Query{Event: "e1"}, "e"},
			{notify.Query{Event: "e2"}, ""},
			{notify.Query{Text: "ADA@"}, "a"},
			{notify.Query{Text: "ada@", AnyEvent: true}, "a e"},
			{notify.Query{Text: "100%@"}, "b"},
			{notify.Query{Text: "_"}, "b"},
			{notify.Query{Text: `\`}, ""},
			{notify.Query{Text: "%"}, "b"},
			{notify.Query{Channel: notify.Webhook}, "c"},
			{notify.Query{State: notify.Active}, "a c"},
			{notify.Query{Channel: notify.Email, State: notify.Active, AnyEvent: true}, "a e"},
			{notify.Query{Newest: true}, "d c b a"},
			{notify.Query{Limit: 2}, "a b"},
			{notify.Query{Limit: 2, Skip: 1, Newest: true}, "c b"},
			{notify.Query{Limit: 9, Skip: 9}, ""},
		} {
			found, err := s.Subscribers(t.Context(), c.q)
			var ids []string
			for _, n := range found {
				ids = append(ids, n.ID)
			}
			if got := strings.Join(ids, " "); err != nil || got != c.want {
				t.Errorf("%+v: got %q and %v, want %q", c.q, got, err, c.want)
			}
		}
		tally, err := s.CountSubscribers(t.Context())
		want := notify.Tally{
			notify.Email: {notify.Active: 1, notify.Unconfirmed: 1, notify.Unsubscribed: 1}, notify.Webhook: {notify.Active: 1},
		}
		if diff := cmp.Diff(want, tally); err != nil || diff != "" {
			t.Errorf("error %v, tally (-want +got):\n%s", err, diff)
		}
	})
}
