package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// desk writes what it is asked for in one line, and sends to an address that refuses and to others that do not.
type desk struct{}

func (desk) Preview(_ context.Context, n notify.Notice, to notify.Recipient) (Rendered, error) {
	if to.Address == "" {
		return Rendered{}, errors.New("nobody to write to")
	}
	said, _ := n.Said()
	line := fmt.Sprintf("%s for %s in %q: %s", n.Kind, to.Address, to.Zone, said.Body)
	if to.Channel != notify.Email {
		return Rendered{Raw: []byte(line)}, nil
	}
	return Rendered{Subject: n.Maintenance.Title, Text: line, HTML: "<p>" + line + "</p>"}, nil
}

func (desk) Test(_ context.Context, _ notify.Channel, address string) (string, error) {
	if strings.HasPrefix(address, "nobody@") {
		return "", errors.New("550 5.1.1 No such user")
	}
	return "250 2.0.0 Ok: queued", nil
}

func (desk) Halted(c notify.Channel) error {
	switch c {
	case notify.Email:
		return nil
	case notify.Webhook:
		return errors.New("no network")
	}
	return notify.ErrNoCourier
}

// enrol saves a subscriber.
func (h *house) enrol(s notify.Subscriber) {
	h.t.Helper()
	if s.Channel == "" {
		s.Channel, s.Address = notify.Email, s.ID+"@example.com"
	}
	if s.State == "" {
		s.State = notify.Active
	}
	s.Created = noon
	if err := h.store.AddSubscriber(h.t.Context(), noon, s); err != nil {
		h.t.Fatal(err)
	}
}

// enrolled makes a stage with a subscriber called ada in a state.
func enrolled(s notify.State) func(*house) {
	return func(h *house) { h.enrol(notify.Subscriber{ID: "ada", State: s}) }
}

// settle lets all that waits by e-mail come to what fate says, as a dispatcher would.
func (h *house) settle(fate func(notify.Delivery) notify.Outcome) {
	h.t.Helper()
	parcels, err := h.store.Take(h.t.Context(), h.clock.Now(), h.clock.Now().Add(time.Minute), notify.Email, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range parcels {
		var outcomes []notify.Outcome
		for _, d := range p.Deliveries {
			o := fate(d)
			o.Delivery, o.At = d, h.clock.Now()
			outcomes = append(outcomes, o)
		}
		if err := h.store.Settle(h.t.Context(), h.clock.Now(), outcomes, []int64{p.ID}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// crowd puts three who hear of the page into the house, one of the APIs alone, and one of a thing that the upgrade leaves alone.
func (h *house) crowd() *house {
	h.t.Helper()
	p := h.door.Board.Current()
	ids := map[string]string{}
	for _, c := range p.Components {
		ids[c.Name] = c.ID
	}
	for _, s := range []notify.Subscriber{
		{ID: "ada"},
		{ID: "bea", Zone: "Europe/Berlin"},
		{ID: "hook", Channel: notify.Webhook, Address: "https://hooks.example.com/in"},
		{ID: "cleo", Components: []string{ids["APIs"]}},
		{ID: "dora", Components: []string{ids["Web Application"]}},
		{ID: "emil", State: notify.Unconfirmed},
	} {
		h.enrol(s)
	}
	return h
}

func TestAReaderSeesHowFarANoticeHasComeAndNoAddress(t *testing.T) {
	h := newHouse(t, func(s *Server) { s.Notices = desk{} }).furnish().crowd()
	m := h.plan()
	c := h.as(access.Read)
	list, err := c.Notices(t.Context(), api.NoticeFilter{Subject: "upgrade"})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("got %+v and %v, want one notice", list, err)
	}
	n := list.Items[0]
	if n.Kind != "announced" || n.Title != "Database upgrade" || n.Subject != m.Subject() || n.Done() {
		t.Errorf("got %+v, want the announcement of the upgrade, which waits", n)
	}
	if got, want := fmt.Sprint(waysOf(list.Channels)), "[email:3 webhook:1 halted: no network]"; got != want {
		t.Errorf("got channels %s, want %s", got, want)
	}
	h.settle(func(d notify.Delivery) notify.Outcome {
		switch d.To.ID {
		case "ada":
			return notify.Outcome{Fate: notify.Failed, Tries: 1, Answer: "550 no such user"}
		case "bea":
			return notify.Outcome{Fate: notify.Waiting, Tries: 1, Answer: "450 busy", Due: h.clock.Now().Add(time.Minute)}
		}
		return notify.Outcome{Fate: notify.Sent, Tries: 1, Answer: "250 ok"}
	})
	one, err := c.Notice(t.Context(), n.N)
	if err != nil || len(one.Channels) != 2 {
		t.Fatalf("got %+v and %v, want two channels", one, err)
	}
	if f := one.Channels[0]; f.Channel != "email" || f.Total != 3 || f.Sent != 1 || f.Failed != 1 || f.Waiting != 1 || f.Retrying != 1 || f.Began.IsZero() {
		t.Errorf("got %+v, want of three e-mails one sent, one failed, one that is tried again", f)
	}
	for path, want := range map[string]string{
		"/notices/1":                       "200",
		"/notices/1/deliveries":            "403 forbidden: list-deliveries needs a token of scope operate",
		"/subscribers":                     "403 forbidden: list-subscribers needs a token of scope operate",
		"/notices/99":                      "404 not_found: no notice about the page has the number 99",
		"/notices/x":                       "422 invalid: n must be a whole number [n]",
		"/notices?subject=upgrad":          `404 not_found: no maintenance or incident has the id or key "upgrad"; did you mean "upgrade"?`,
		"/notices?subject=" + one.Title:    "",
		"/notices?before=1":                "200",
		"/notices?limit=501":               "422 invalid: limit must be at most 500 [limit]",
		"/notices/1?after=2":               "422 invalid: after is no parameter of this operation; it has none [after]",
		"/notices?subject=%00&limit=1":     "404 not_found: ",
		"/notices?before=9007199254740993": "200",
	} {
		if want == "" {
			continue
		}
		if got := h.exchange(http.MethodGet, path, h.tokens[access.Read], ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	answer, text := h.ask(http.MethodGet, api.Prefix+"/notices", h.tokens[access.Read], "")
	if answer.StatusCode != http.StatusOK || strings.Contains(text, "@example.com") || strings.Contains(text, "hooks.example.com") {
		t.Errorf("got %d %s, want no address", answer.StatusCode, text)
	}
}

func waysOf(all []api.Way) []string {
	var words []string
	for _, w := range all {
		word := fmt.Sprintf("%s:%d", w.Channel, w.Waiting)
		if w.Halted != "" {
			word += " halted: " + w.Halted
		}
		words = append(words, word)
	}
	return words
}

func TestDeliveriesAreListedByFateAndInPages(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	h.plan()
	h.settle(func(d notify.Delivery) notify.Outcome {
		if d.To.ID == "bea" {
			return notify.Outcome{Fate: notify.Failed, Tries: 1, Answer: "550 no such user"}
		}
		return notify.Outcome{Fate: notify.Sent, Tries: 1, Answer: "250 ok"}
	})
	c := h.as(access.Operate)
	var got []string
	for after := ""; ; {
		page, err := c.Deliveries(t.Context(), 1, api.DeliveryFilter{Limit: 1, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Items {
			got = append(got, fmt.Sprintf("%s %s %d %s", d.Address, d.Fate, d.Attempts, d.Answer))
		}
		if after = page.Next; after == "" {
			break
		}
	}
	want := "ada@example.com sent 1 250 ok, bea@example.com failed 1 550 no such user, https://hooks.example.com/in waiting 0 , cleo@example.com sent 1 250 ok"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	failed, err := c.Deliveries(t.Context(), 1, api.DeliveryFilter{Fate: "failed"})
	if err != nil || len(failed.Items) != 1 || failed.Items[0].Subscriber != "bea" {
		t.Errorf("got %+v and %v, want what failed", failed, err)
	}
	if none, err := c.Deliveries(t.Context(), 1, api.DeliveryFilter{Fate: "dropped"}); err != nil || len(none.Items) != 0 {
		t.Errorf("got %+v and %v, want nothing dropped", none, err)
	}
	if _, err := c.Deliveries(t.Context(), 9, api.DeliveryFilter{}); !errors.Is(err, status.ErrNotFound) {
		t.Errorf("got %v, want %v", err, status.ErrNotFound)
	}
	history, err := c.Subscriber(t.Context(), "bea")
	if err != nil || len(history.History) != 1 || history.History[0].Answer != "550 no such user" || history.Zone != "Europe/Berlin" {
		t.Errorf("got %+v and %v, want one with what it was told", history, err)
	}
}

func TestWhatFailedIsTriedAgain(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	h.plan()
	fail := func(notify.Delivery) notify.Outcome {
		return notify.Outcome{Fate: notify.Failed, Tries: 1, Answer: "550"}
	}
	h.settle(fail)
	c := h.as(access.Operate)
	if got, err := c.RetryNotice(t.Context(), 1); err != nil || got.Retried != 3 {
		t.Errorf("got %+v and %v, want three", got, err)
	}
	var told []string
	h.settle(func(d notify.Delivery) notify.Outcome {
		told = append(told, d.To.ID)
		return notify.Outcome{Fate: notify.Sent, Tries: 1}
	})
	if got, want := strings.Join(told, " "), "ada bea cleo"; got != want {
		t.Errorf("got %s told, want %s", got, want)
	}
	n, err := c.Notice(t.Context(), 1)
	if err != nil || n.Channels[0].Sent != 3 || n.Channels[0].Failed != 0 {
		t.Errorf("got %+v and %v, want three sent and none failed", n, err)
	}
	if got, want := h.exchange(http.MethodPost, "/notices/9/retry", h.tokens[access.Operate], ""), "404 not_found: no notice about the page has the number 9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := h.exchange(http.MethodPost, "/notices/1/retry", h.tokens[access.Operate], `{"all": true}`), "422 invalid: all is no known field; it has none [all]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestATestSaysWhatTheOtherSideSaid(t *testing.T) {
	h := newHouse(t, func(s *Server) { s.Notices = desk{} })
	c := h.as(access.Operate)
	for address, want := range map[string]api.NoticeTested{
		"Ada@Example.com":    {Sent: true, Answer: "250 2.0.0 Ok: queued"},
		"nobody@example.com": {Answer: "550 5.1.1 No such user"},
	} {
		if got, err := c.TestNotice(t.Context(), api.NoticeTest{Address: address}); err != nil || got != want {
			t.Errorf("%s: got %+v and %v, want %+v", address, got, err, want)
		}
	}
	for body, want := range map[string]string{
		`{}`:                    "422 invalid: address is required: an e-mail address, or the URL of an endpoint [address]",
		`{"address": "ada"}`:    `422 invalid: address must be one e-mail address such as ops@example.com, not "ada" [address]`,
		`{"address": "ftp://"}`: `422 invalid: address must be a URL such as https://example.com/hook, not "ftp://" [address]`,
		`{"address": "a@example.com", "channel": "sms"}`:                  `422 invalid: channel must be one of email, webhook, slack, teams, discord, not "sms" [channel]`,
		`{"address": "https://hooks.example.com/in", "channel": "slack"}`: `422 invalid: channel cannot be slack: ` + notify.ErrNoCourier.Error() + ` [channel]`,
	} {
		if got := h.exchange(http.MethodPost, "/notices/test", h.tokens[access.Operate], body); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	entries := h.entries()
	if len(entries) != 2 || entries[0].Operation != "test-notice" {
		t.Errorf("got %+v, want an entry for each test that was made", entries)
	}
}

func TestTheFiguresTellWhatWaits(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	h.plan()
	h.clock.Set(noon.Add(90 * time.Second))
	_, text := h.ask(http.MethodGet, "/metrics", h.tokens[access.Read], "")
	for _, want := range []string{
		`interlude_notices_backlog{channel="email"} 3`, `interlude_notices_backlog{channel="webhook"} 1`, `interlude_notices_backlog{channel="slack"} 0`,
		`interlude_notices_oldest_due_seconds{channel="email"} 90`, `interlude_notices_oldest_due_seconds{channel="slack"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("got no figure %s", want)
		}
	}
	h.settle(func(notify.Delivery) notify.Outcome { return notify.Outcome{Fate: notify.Sent, Tries: 1} })
	if _, text := h.ask(http.MethodGet, "/metrics", h.tokens[access.Read], ""); !strings.Contains(text, `interlude_notices_backlog{channel="email"} 3`) {
		t.Error("the queue was measured again at once, want the figure of a moment ago")
	}
	h.door.queue.at = time.Time{}
	if _, text := h.ask(http.MethodGet, "/metrics", h.tokens[access.Read], ""); !strings.Contains(text, `interlude_notices_backlog{channel="email"} 0`) {
		t.Error("got an old figure, want that nothing waits by e-mail")
	}
}
