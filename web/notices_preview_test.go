package web

import (
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

// preview asks what would be told.
func (h *house) preview(ask api.NoticeQuestion) api.NoticePreview {
	h.t.Helper()
	got, err := h.as(access.Operate).PreviewNotice(h.t.Context(), ask)
	if err != nil {
		h.t.Fatalf("%+v: %v", ask, err)
	}
	return got
}

func TestAPreviewIsWhatThenHappens(t *testing.T) {
	h := newHouse(t, func(s *Server) { s.Notices = desk{} }).furnish().crowd()
	h.plan()
	h.enrol(notify.Subscriber{ID: "fay", Event: h.door.Board.Current().Maintenances[0].ID})
	before := len(h.entries())
	got := h.preview(api.NoticeQuestion{Subject: "upgrade", Kind: "begun", To: "BEA@example.com"})
	var who []string
	for _, r := range got.Recipients {
		who = append(who, r.ID+":"+r.Why)
	}
	if s, want := strings.Join(who, " "), "ada:page bea:page hook:page cleo:chosen fay:event"; s != want {
		t.Errorf("got %s told, want %s", s, want)
	}
	if s, want := fmt.Sprint(got.Reach), "[{email 4} {webhook 1}]"; s != want {
		t.Errorf("got %s, want %s", s, want)
	}
	if s, want := fmt.Sprint(got.Components), "[{Messenger / Web Messenger operational under_maintenance} {Messenger / Mobile Messenger operational under_maintenance} {APIs operational under_maintenance}]"; s != want {
		t.Errorf("got components %s, want %s", s, want)
	}
	m := got.Message
	if m == nil || !m.Told || m.Channel != "email" || m.Zone != "Europe/Berlin" || m.Subject != "Database upgrade" || m.HTML == "" {
		t.Fatalf("got %+v, want the message for bea in her zone", m)
	}
	if still, err := h.as(access.Read).Maintenance(t.Context(), "upgrade"); err != nil || still.State != status.Scheduled {
		t.Errorf("got %s and %v, want that nothing has begun", still.State, err)
	}
	if after := len(h.entries()); after != before {
		t.Errorf("got %d entries in the audit log, want %d as before", after, before)
	}

	if _, err := h.as(access.Operate).BeginMaintenance(t.Context(), "upgrade", api.Act{}); err != nil {
		t.Fatal(err)
	}
	told, err := h.as(access.Operate).Notices(t.Context(), api.NoticeFilter{Subject: "upgrade", Limit: 1})
	if err != nil || told.Items[0].Kind != "begun" || told.Items[0].Channels[0].Total != 4 || told.Items[0].Channels[1].Total != 1 {
		t.Errorf("got %+v and %v, want the same by each channel", told, err)
	}
	again := h.preview(api.NoticeQuestion{Subject: "upgrade", Kind: "begun", To: "bea@example.com"})
	if again.Message.Text != m.Text {
		t.Errorf("got  %s\nwant %s, as it was said", again.Message.Text, m.Text)
	}
}

func TestAPreviewShowsTheSeveralKinds(t *testing.T) {
	h := newHouse(t, func(s *Server) { s.Notices = desk{} }).furnish().crowd()
	d := upgrade()
	d.Reminders, d.Complete = []status.Duration{status.Duration(24 * time.Hour)}, status.Manual
	if _, err := h.as(access.Operate).CreateMaintenance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], `{"key": "down", "title": "Down", "body": "We see it."}`)
	for _, c := range []struct {
		ask  api.NoticeQuestion
		at   time.Time
		text string
	}{
		{api.NoticeQuestion{Subject: "upgrade", Kind: "announced"}, noon, "announced for somebody@example.com in"},
		{api.NoticeQuestion{Subject: "upgrade", Kind: "reminded"}, time.Date(2027, 1, 14, 6, 0, 0, 0, time.UTC), "reminded for somebody@example.com in"},
		{api.NoticeQuestion{Subject: "upgrade", Kind: "overran"}, time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC), "longer"},
		{api.NoticeQuestion{Subject: "upgrade", Kind: "canceled", Body: "Never mind."}, noon, "Never mind."},
		{api.NoticeQuestion{Subject: "upgrade", Kind: "updated", Body: "All is ready."}, noon, "All is ready."},
	} {
		c.ask.Zone = "Asia/Tokyo"
		got := h.preview(c.ask)
		if !got.At.Equal(c.at) || got.Kind != c.ask.Kind || got.Message.Told || !strings.Contains(got.Message.Text, c.text) || !strings.Contains(got.Message.Text, "Asia/Tokyo") {
			t.Errorf("%s: got %+v at %s, want %q at %s", c.ask.Kind, got.Message, got.At, c.text, c.at)
		}
	}
	for kind, want := range map[string]int{"opened": 5, "moved": 5, "resolved": 5} {
		ask := api.NoticeQuestion{Subject: "down", Kind: kind}
		if kind != "opened" {
			ask.Body = "Over."
		}
		if got := h.preview(ask); len(got.Recipients) != want {
			t.Errorf("%s: got %+v, want the whole page told", kind, got.Recipients)
		}
	}
	if _, err := h.as(access.Operate).BeginMaintenance(t.Context(), "upgrade", api.Act{}); err != nil {
		t.Fatal(err)
	}
	until := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	got := h.preview(api.NoticeQuestion{Subject: "upgrade", Kind: "extended", Until: &until, To: "https://hooks.example.com/in"})
	if m := got.Message; !m.Told || m.Channel != "webhook" || m.Subject != "" || !strings.Contains(m.Text, "extended for https://hooks.example.com/in") {
		t.Errorf("got %+v, want what the endpoint is sent", m)
	}
	h.enrol(notify.Subscriber{ID: "gil"})
	if m := h.preview(api.NoticeQuestion{Subject: "upgrade", Kind: "begun", To: "dora@example.com"}).Message; m.Told {
		t.Errorf("got %+v, want that dora is not told: nothing of hers is affected", m)
	}
}

func TestRecipientsComeInPages(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	h.plan()
	var who []string
	ask := api.NoticeQuestion{Subject: "upgrade", Kind: "begun", Limit: 3}
	for range 2 {
		got := h.preview(ask)
		for _, r := range got.Recipients {
			who = append(who, r.ID)
		}
		ask.After = got.Next
	}
	if s, want := strings.Join(who, " "), "ada bea hook cleo"; s != want || ask.After != "" {
		t.Errorf("got %s and then %q, want %s and no more", s, ask.After, want)
	}
}

func TestAPreviewSaysWhatCannotBeTold(t *testing.T) {
	h := newHouse(t).furnish().crowd()
	h.plan()
	h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], `{"key": "down", "title": "Down"}`)
	for body, want := range map[string]string{
		`{}`:                                                                                  "422 invalid: subject is required: the id or key of a maintenance or an incident [subject]",
		`{"subject": "upgrade", "kind": "gone"}`:                                              `422 invalid: kind must be one of announced, changed, reminded, delayed, begun, running, updated, overran, extended, estimated, verifying, completed, canceled, reopened, not "gone" [kind]`,
		`{"subject": "down", "kind": "begun"}`:                                                `422 invalid: kind must be one of opened, moved, resolved, postmortem, not "begun" [kind]`,
		`{"subject": "nope", "kind": "begun"}`:                                                `404 not_found: no maintenance or incident has the id or key "nope"`,
		`{"subject": "upgrade", "kind": "changed"}`:                                           "422 invalid: kind follows from a document, and none has said it yet: interlude apply --dry-run shows what one changes [kind]",
		`{"subject": "upgrade", "kind": "running"}`:                                           "422 invalid: kind will not be told by the clock as the maintenance stands: running [kind]",
		`{"subject": "upgrade", "kind": "reminded", "body": "x"}`:                             "422 invalid: body has no meaning here: the clock tells this in its own words [body]",
		`{"subject": "upgrade", "kind": "begun", "until": "2027-01-15T08:00:00Z"}`:            "422 invalid: until has no meaning here: extended and estimated take it [until]",
		`{"subject": "upgrade", "kind": "extended"}`:                                          "422 invalid: until is required: the new end, for example 2027-01-15T07:30:00Z [until]",
		`{"subject": "upgrade", "kind": "completed"}`:                                         "409 illegal: maintenance ",
		`{"subject": "upgrade", "kind": "updated"}`:                                           "422 invalid: body is required: what readers should know [body]",
		`{"subject": "down", "kind": "resolved"}`:                                             "422 invalid: body is required: what readers should know [body]",
		`{"subject": "upgrade", "kind": "begun", "limit": 501}`:                               "422 invalid: limit must be from 1 to 500 [limit]",
		`{"subject": "upgrade", "kind": "begun", "after": "x"}`:                               "422 invalid: after must be next of an earlier page [after]",
		`{"subject": "upgrade", "kind": "begun", "zone": "Mars"}`:                             `422 invalid: zone must be an IANA name such as UTC or Europe/Berlin, not "Mars" [zone]`,
		`{"subject": "upgrade", "kind": "begun", "to": "ada"}`:                                `422 invalid: to must be one e-mail address such as ops@example.com, not "ada" [to]`,
		`{"subject": "upgrade", "kind": "begun", "to": "a@example.com"}`:                      "422 invalid: channel cannot be email: " + notify.ErrNoCourier.Error() + " [channel]",
		`{"subject": "upgrade", "kind": "begun", "to": "a@example.com", "channel": "pigeon"}`: `422 invalid: channel must be one of email, webhook, slack, teams, discord, not "pigeon" [channel]`,
	} {
		if got := h.exchange(http.MethodPost, "/notices/preview", h.tokens[access.Operate], body); !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}
