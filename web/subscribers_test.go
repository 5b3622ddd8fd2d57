package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// confirmations are the ids of those whom a confirmation waits for.
func (h *house) confirmations() string {
	h.t.Helper()
	var ids []string
	h.settle(func(d notify.Delivery) notify.Outcome {
		n, err := h.store.Notice(h.t.Context(), d.Notice)
		if err != nil || n.Kind != notify.Confirm {
			h.t.Errorf("got %+v and %v told, want a confirmation", n, err)
		}
		ids = append(ids, d.To.ID)
		return notify.Outcome{Fate: notify.Sent, Tries: 1}
	})
	return strings.Join(ids, " ")
}

func TestASubscriberIsAskedUnlessSomebodyVouchesForIt(t *testing.T) {
	h := newHouse(t).furnish()
	c := h.as(access.Operate)
	asked, err := c.CreateSubscriber(t.Context(), api.NewSubscriber{Address: " Ada@Example.com ", SubscriberChoice: api.SubscriberChoice{
		Components: []string{"APIs"}, Groups: []string{"Messenger"}, Zone: "Europe/Berlin",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if asked.Address != "ada@example.com" || asked.State != "unconfirmed" || len(asked.Components) != 1 || len(asked.Groups) != 1 || asked.Asked.IsZero() {
		t.Errorf("got %+v, want one that is asked about what it chose", asked)
	}
	vouched, err := c.CreateSubscriber(t.Context(), api.NewSubscriber{Address: "https://hooks.example.com/in", Contact: "ops@example.com", SkipConfirmation: true})
	if err != nil || vouched.State != "active" || vouched.Channel != "webhook" || !vouched.VouchedFor {
		t.Errorf("got %+v and %v, want an active endpoint", vouched, err)
	}
	if got := h.confirmations(); got != asked.ID {
		t.Errorf("got %q asked, want %s alone", got, asked.ID)
	}
	again, err := c.ResendConfirmation(t.Context(), asked.ID)
	if err != nil || again.Version != 2 {
		t.Errorf("got %+v and %v, want that it is asked again", again, err)
	}
	if got := h.confirmations(); got != asked.ID {
		t.Errorf("got %q asked, want %s again", got, asked.ID)
	}
	want := fmt.Sprintf("409 illegal: subscriber %s is active, and this is for one that is unconfirmed", vouched.ID)
	if got := h.exchange(http.MethodPost, "/subscribers/"+vouched.ID+"/resend", h.tokens[access.Operate], ""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	held, err := c.Subscriber(t.Context(), asked.ID)
	if err != nil || len(held.History) != 2 || held.History[0].Kind != "confirm" {
		t.Errorf("got %+v and %v, want both confirmations in its history", held, err)
	}
}

func TestASubscriberIsChangedTakenBackAndRemoved(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	c := h.as(access.Operate)
	is, err := c.ChangeSubscriber(t.Context(), "ada", api.SubscriberChoice{Groups: []string{"Messenger"}, Zone: "Asia/Tokyo", Version: 1})
	if err != nil || len(is.Groups) != 1 || is.Zone != "Asia/Tokyo" || is.Version != 2 {
		t.Errorf("got %+v and %v, want what was chosen", is, err)
	}
	if _, err := c.ChangeSubscriber(t.Context(), "ada", api.SubscriberChoice{Version: 1}); !errors.Is(err, status.ErrConflict) {
		t.Errorf("got %v, want %v", err, status.ErrConflict)
	}
	if held, err := c.Subscriber(t.Context(), "ada"); err != nil || held.Zone != "Asia/Tokyo" || held.Version != 2 {
		t.Errorf("got %+v and %v, want it unchanged by what was refused", held, err)
	}
	err = h.store.ChangeSubscribers(t.Context(), noon, []string{"ada"}, func(s *notify.Subscriber) error {
		s.Quarantine(noon, "550 no such user")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	back, err := c.ReactivateSubscriber(t.Context(), "ada")
	if err != nil || back.State != "active" || back.Reason != "" {
		t.Errorf("got %+v and %v, want it active", back, err)
	}
	if got, want := h.exchange(http.MethodPost, "/subscribers/ada/reactivate", h.tokens[access.Operate], ""), "409 illegal: subscriber ada is active, and this is for one that is quarantined"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := c.RemoveSubscriber(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
	for _, q := range []struct {
		which api.SubscriberFilter
		want  string
	}{
		{api.SubscriberFilter{}, "bea cleo dora emil hook"},
		{api.SubscriberFilter{State: "unsubscribed"}, "ada"},
		{api.SubscriberFilter{Channel: "webhook"}, "hook"},
		{api.SubscriberFilter{Text: "EO@"}, "cleo"},
	} {
		list, err := c.Subscribers(t.Context(), q.which)
		if err != nil {
			t.Fatal(err)
		}
		if got := idsOf(list.Items); got != q.want {
			t.Errorf("%+v: got %s, want %s", q.which, got, q.want)
		}
	}
	first, err := c.Subscribers(t.Context(), api.SubscriberFilter{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := c.Subscribers(t.Context(), api.SubscriberFilter{Limit: 3, Cursor: first.Next})
	if got := idsOf(append(first.Items, rest.Items...)); err != nil || got != "bea cleo dora emil hook" || rest.Next != "" {
		t.Errorf("got %s in pages, then %q and %v, want all five", got, rest.Next, err)
	}
}

func idsOf(all []api.Subscriber) string {
	ids := make([]string, len(all))
	for i, s := range all {
		ids[i] = s.ID
	}
	return strings.Join(ids, " ")
}

func TestOneOfAnEventIsListedWithIt(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	m := h.plan()
	c := h.as(access.Operate)
	one, err := c.CreateSubscriber(t.Context(), api.NewSubscriber{Address: "fay@example.com", Event: "upgrade", SkipConfirmation: true})
	if err != nil || one.Event != m.ID {
		t.Fatalf("got %+v and %v, want one of the upgrade alone", one, err)
	}
	list, err := c.Subscribers(t.Context(), api.SubscriberFilter{Event: "upgrade"})
	if err != nil || idsOf(list.Items) != one.ID {
		t.Errorf("got %+v and %v, want that one", list.Items, err)
	}
}

func TestManySubscribeAtOnce(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	c := h.as(access.Operate)
	done, err := c.CreateSubscribers(t.Context(), api.SubscriberImport{Subscribers: []api.NewSubscriber{
		{Address: "gus@example.com"},
		{Address: "not an address"},
		{Address: "ADA@example.com", SkipConfirmation: true},
		{Address: "hal@example.com", SkipConfirmation: true},
		{Address: "hal@example.com"},
		{Address: "ivy@example.com", SubscriberChoice: api.SubscriberChoice{Components: []string{"API"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, r := range done.Refused {
		refused = append(refused, fmt.Sprintf("%d %s: %s", r.Index, r.Address, r.Detail))
	}
	want := `1 not an address: address must be one e-mail address such as ops@example.com, not "not an address"
2 ADA@example.com: address has subscribed already: "ada@example.com"
4 hal@example.com: address has subscribed already: "hal@example.com"
5 ivy@example.com: components[0] names no group or component of the page: "API"; did you mean "APIs"?`
	if got := strings.Join(refused, "\n"); done.Taken != 2 || got != want {
		t.Errorf("got %d taken and refused\n%s\nwant 2 and\n%s", done.Taken, got, want)
	}
	list, err := c.Subscribers(t.Context(), api.SubscriberFilter{Text: "gus@"})
	if err != nil || len(list.Items) != 1 || h.confirmations() != list.Items[0].ID {
		t.Errorf("got %+v and %v, want that gus alone is asked", list.Items, err)
	}
	if entries := h.entries(); entries[0].Operation != "create-subscribers" || len(entries[0].Subjects) != 2 {
		t.Errorf("got %+v, want one entry with both", entries[0])
	}
}

func TestACallBringsAThousandAndNoMore(t *testing.T) {
	h := newHouse(t).furnish()
	all := make([]api.NewSubscriber, api.LargestImport+1)
	for i := range all {
		all[i] = api.NewSubscriber{Address: fmt.Sprintf("s%d@example.com", i), SkipConfirmation: true}
	}
	c := h.as(access.Operate)
	_, err := c.CreateSubscribers(t.Context(), api.SubscriberImport{Subscribers: all})
	var invalid *status.Invalid
	if !errors.As(err, &invalid) || invalid.Field != "subscribers" || invalid.Rule != "must hold at most 1000, not 1001: send them in several calls" {
		t.Errorf("got %v, want that there are too many", err)
	}
	if done, err := c.CreateSubscribers(t.Context(), api.SubscriberImport{Subscribers: all[1:]}); err != nil || done.Taken != api.LargestImport {
		t.Errorf("got %+v and %v, want all of them", done, err)
	}
}

func TestAnAddressIsToldWhatIsWrongWithIt(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	h.plan()
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/subscribers", `{}`, "422 invalid: address is required: an e-mail address, or the URL of an endpoint [address]"},
		{"POST", "/subscribers", `{"address": "ada@example.com"}`, `422 invalid: address has subscribed already: "ada@example.com" [address]`},
		{"POST", "/subscribers", `{"address": "https://x:y@example.com"}`, "422 invalid: address must not hold a user name or a password [address]"},
		{"POST", "/subscribers", `{"address": "https://example.com", "contact": "x"}`, `422 invalid: contact must be one e-mail address such as ops@example.com, not "x" [contact]`},
		{"POST", "/subscribers", `{"address": "x@example.com", "contact": "y@example.com"}`, "422 invalid: contact has no meaning here: it is for endpoints [contact]"},
		{"POST", "/subscribers", `{"address": "x@example.com", "groups": ["Messengers"]}`, `422 invalid: groups[0] is no group of the page: "Messengers"; did you mean "Messenger"? [groups[0]]`},
		{"POST", "/subscribers", `{"address": "x@example.com", "event": "upgrad"}`, `422 invalid: event is not known: no maintenance or incident has the id or key "upgrad"; did you mean "upgrade"? [event]`},
		{"POST", "/subscribers", `{"address": "x@example.com", "event": "upgrade", "components": ["APIs"]}`, "422 invalid: components and groups have no meaning for one who is told of a single event [components]"},
		{"POST", "/subscribers", `{"address": "x@example.com", "zone": "Local"}`, `422 invalid: zone must be an IANA name such as UTC or Europe/Berlin, not "Local" [zone]`},
		{"POST", "/subscribers/import", `{"subscribers": []}`, "422 invalid: subscribers must hold at least one [subscribers]"},
		{"PUT", "/subscribers/nope", `{}`, `404 not_found: no subscriber has the id "nope"`},
		{"DELETE", "/subscribers/nope", ``, `404 not_found: no subscriber has the id "nope"`},
		{"GET", "/subscribers/nope", ``, `404 not_found: no subscriber has the id "nope"`},
		{"GET", "/subscribers?cursor=-1", ``, "422 invalid: cursor must be next of an earlier page [cursor]"},
		{"GET", "/subscribers?state=gone", ``, "422 invalid: state must be one of unconfirmed, active, quarantined, unsubscribed [state]"},
		{"GET", "/subscribers?event=nope", ``, `404 not_found: no maintenance or incident has the id or key "nope"`},
	} {
		if got := h.exchange(c.method, c.path, h.tokens[access.Operate], c.body); got != c.want {
			t.Errorf("%s %s %s\n got %s\nwant %s", c.method, c.path, c.body, got, c.want)
		}
	}
}
