package messages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/spool"
)

// listed gives the ids of a list.
func (h *house) listed(query string) string {
	h.t.Helper()
	w := h.ask(http.MethodGet, "/v1/messages/push"+query, "")
	var l List
	if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil || w.Code != http.StatusOK {
		return said(h.t, w)
	}
	ids := make([]string, 0, len(l.Items)+1)
	for _, m := range l.Items {
		ids = append(ids, m.ID)
	}
	if l.Next != "" {
		ids = append(ids, "next "+l.Next)
	}
	return strings.Join(ids, " ")
}

func TestMessagesAreListedByWhatIsAskedFor(t *testing.T) {
	h := newHouse(t, nil)
	if got := h.ask(http.MethodGet, "/v1/messages/push", "").Body.String(); got != `{"items":[]}`+"\n" {
		t.Errorf("got %s, want an empty list", got)
	}
	for i := range 4 {
		h.send(fmt.Sprintf(`{"order": "o%d", "deliver_at": "2027-01-0%dT00:00:00Z", %s`, i%2, i+1, ping[1:]))
	}
	h.spool.set("m000003", func(i *spool.Item) { i.State = spool.Shelved })
	for query, want := range map[string]string{
		"":                             "m000001 m000002 m000003 m000004",
		"?state=waiting":               "m000001 m000002 m000004",
		"?state=shelved":               "m000003",
		"?after=m000002":               "m000003 m000004",
		"?limit=2":                     "m000001 m000002 next m000002",
		"?limit=2&after=m000002":       "m000003 m000004 next m000004",
		"?before=2027-01-03T00:00:00Z": "m000001 m000002",
		"?order=o1":                    "m000002 m000004",
		"?state=lost":                  "422 invalid state",
		"?limit=0":                     "422 invalid limit",
		"?limit=1001":                  "422 invalid limit",
		"?limit=x":                     "422 invalid limit",
		"?after=a'b":                   "422 invalid after",
		"?before=now":                  "422 invalid before",
		"?since=1":                     "422 invalid since",
		"?state=waiting&state=shelved": "422 invalid state",
	} {
		if got := h.listed(query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestNothingOfAMessageIsShown(t *testing.T) {
	h := newHouse(t, nil)
	h.send(`{"request": {"url": "https://push.example.com/v1/bot-token?q=sesame", "headers": {"X-A": "sesame"}, "body": "sesame"}}`, "Idempotency-Key", "mine")
	for _, path := range []string{"", "/m000001"} {
		got := h.ask(http.MethodGet, "/v1/messages/push"+path, "").Body.String()
		if strings.Contains(got, "sesame") || strings.Contains(got, "bot-token") || !strings.Contains(got, `"about":"POST push.example.com #`) ||
			!strings.Contains(got, `"key":"mine"`) {
			t.Errorf("got %s, want where it goes and its key, and nothing of what it says", got)
		}
	}
}

func TestAMessageCanBeTakenBackUntilItIsHandedOver(t *testing.T) {
	for _, c := range []struct {
		state  spool.State
		moving bool
		want   string
		after  spool.State
	}{
		{spool.Waiting, false, "204", spool.Removed},
		{spool.Shelved, false, "204", spool.Removed},
		{spool.Removed, false, "204", spool.Removed},
		{spool.Waiting, true, "409 conflict moving", spool.Waiting},
		{spool.Delivered, false, "409 conflict delivered", spool.Delivered},
	} {
		h := newHouse(t, nil)
		id := h.send(ping).ID
		h.spool.set(id, func(i *spool.Item) { i.State, i.Moving = c.state, c.moving })
		w := h.ask(http.MethodDelete, "/v1/messages/push/"+id, "")
		if got := said(t, w); got != c.want || (w.Code == http.StatusNoContent && w.Body.Len() > 0) {
			t.Errorf("%s, moving %t: got %s %s, want %s", c.state, c.moving, got, w.Body, c.want)
		}
		if got, _ := h.spool.Item(t.Context(), id); got.State != c.after {
			t.Errorf("%s: got it %s, want %s", c.state, got.State, c.after)
		}
	}
	h := newHouse(t, nil)
	for _, id := range []string{"nothing", "a.b", strings.Repeat("a", 65)} {
		if got := said(t, h.ask(http.MethodDelete, "/v1/messages/push/"+id, "")); got != "404 not_found" {
			t.Errorf("%s: got %s, want 404", id, got)
		}
	}
}

func TestAShelvedMessageIsTriedAgainAndNoneBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		id := h.send(`{"deliver_at": "` + time.Now().Add(time.Hour).Format(time.RFC3339) + `", ` + ping[1:]).ID
		retry := func() string { return said(t, h.ask(http.MethodPost, "/v1/messages/push/"+id+"/retry", "")) }
		if got := retry(); got != "409 conflict waiting" {
			t.Errorf("before its time: got %s, want 409 conflict waiting", got)
		}
		for want, change := range map[string]func(*spool.Item){
			"200":                    func(i *spool.Item) { i.State = spool.Shelved },
			"409 conflict delivered": func(i *spool.Item) { i.State = spool.Delivered },
			"409 conflict removed":   func(i *spool.Item) { i.State = spool.Removed },
			"409 conflict moving":    func(i *spool.Item) { i.State, i.Due, i.Moving = spool.Waiting, time.Now(), true },
		} {
			h.spool.set(id, change)
			if got := retry(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			h.spool.set(id, func(i *spool.Item) { i.Moving = false })
		}
	})
}
