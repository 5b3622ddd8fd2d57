package messages

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/spool"
)

func TestAMessageIsAnsweredWithItsIDOnceItIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		w := h.ask(http.MethodPost, "/v1/messages/push", ping)
		var got Receipt
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := Receipt{ID: "m000001", Flow: "push", State: spool.Waiting, DeliverAt: time.Now().UTC()}
		if got != want || w.Code != http.StatusCreated || w.Header().Get("Location") != "/v1/messages/push/m000001" {
			t.Errorf("got %d %+v at %s, want 201 %+v", w.Code, got, w.Header().Get("Location"), want)
		}
		e := h.spool.entry(t)
		if e.Kind != spool.Message || string(e.Body) != "ping" || e.About != "POST push.example.com" {
			t.Errorf("got %s, %q, %q, want a message ping, told as POST push.example.com", e.Kind, e.Body, e.About)
		}
		if head := string(e.Head); strings.Contains(head, "secret") {
			t.Errorf("got %s, want the header of the configuration stored nowhere", head)
		}
	})
}

func TestWhatCannotBeDeliveredIsRefusedWithTheFieldThatIsWrong(t *testing.T) {
	at := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339) }
	request := func(more string) string {
		return `{"request": {"url": "https://push.example.com/v1/send"` + more + `}}`
	}
	for _, c := range []struct{ body, want string }{
		{`{}`, "422 invalid request.url"},
		{`{"request": null}`, "422 invalid request.url"},
		{request(`, "method": "CONNECT"`), "422 invalid request.method"},
		{request(`, "method": "post"`), "422 invalid request.method"},
		{request(`, "body": "a", "body_base64": "YQ=="`), "422 invalid request.body"},
		{request(`, "body_base64": "YQ"`), "422 invalid request.body_base64"},
		{request(`, "body_base64": "_-8="`), "422 invalid request.body_base64"},
		{request(`, "headers": {"Host": "evil.example"}`), `422 invalid request.headers["Host"]`},
		{request(`, "headers": {"transfer-encoding": "chunked"}`), `422 invalid request.headers["Transfer-Encoding"]`},
		{request(`, "headers": {"Interlude-Entry": "x"}`), `422 invalid request.headers["Interlude-Entry"]`},
		{request(`, "headers": {"X-A": "b\r\nX-Evil: c"}`), `422 invalid request.headers["X-A"]`},
		{request(`, "headers": {"X-A\r\nX-Evil": "c"}`), `422 invalid request.headers["X-A\r\nX-Evil"]`},
		{request(`, "headers": {"X-A": "` + strings.Repeat("a", 40<<10) + `"}`), "422 invalid request.headers"},
		{`{"deliver_at": "` + at(367*24*time.Hour) + `", "request": {"url": "https://push.example.com/v1/send"}}`, "422 invalid deliver_at"},
		{`{"deliver_at": "tomorrow", "request": {"url": "https://push.example.com/v1/send"}}`, "422 invalid deliver_at"},
		{`{"deliver_at": "2027-01-15T06:00:00", "request": {}}`, "422 invalid deliver_at"},
		{`{"expires": "` + at(-time.Minute) + `", "request": {}}`, "422 invalid expires"},
		{`{"deliver_at": "` + at(time.Hour) + `", "expires": "` + at(time.Minute) + `", "request": {}}`, "422 invalid expires"},
		{`{"order": "a b", "request": {}}`, "422 invalid order"},
		{`{"mail": {"from": "a@example.com", "to": ["b@example.com"], "message": "From: a\n\nx"}}`, "422 invalid mail"},
	} {
		h := newHouse(t, nil)
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/push", c.body)); got != c.want {
			t.Errorf("%.120s: got %s, want %s", c.body, got, c.want)
		}
		if len(h.spool.items) > 0 {
			t.Errorf("%.120s: got it accepted, want nothing", c.body)
		}
	}
}

func TestTimesAreKeptToTheMicrosecondAndNeverEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		soon := time.Now().Add(time.Hour).UTC()
		for given, want := range map[time.Time]time.Time{
			soon:                                 soon,
			soon.Add(time.Nanosecond):            soon.Add(time.Microsecond),
			soon.Add(1500 * time.Nanosecond):     soon.Add(2 * time.Microsecond),
			soon.In(time.FixedZone("", 5*60*60)): soon,
			time.Now().Add(-time.Hour):           time.Now().UTC(), // past: at once
			time.Now().Add(366 * 24 * time.Hour): time.Now().Add(366 * 24 * time.Hour).UTC(),
			time.Now():                           time.Now().UTC(),
		} {
			h := newHouse(t, nil)
			h.send(`{"deliver_at": "` + given.Format(time.RFC3339Nano) + `", ` + ping[1:])
			if got := h.spool.entry(t).Due; !got.Equal(want) {
				t.Errorf("%s: got %s, want %s", given, got, want)
			}
		}
	})
}

func TestARepetitionIsToldTheSameID(t *testing.T) {
	h := newHouse(t, nil)
	first := h.send(ping, "Idempotency-Key", "k1")
	for _, key := range []string{"k1", `"k1"`} {
		if again := h.send(ping, "Idempotency-Key", key); again.ID != first.ID || !again.Known {
			t.Errorf("%s: got %+v, want the first one's id", key, again)
		}
	}
	// The same message in the other form, and with its JSON written otherwise, is the same message.
	w := h.ask(http.MethodPost, "/v1/messages/push/raw", "ping", "Idempotency-Key", "k1",
		"Deliver-URL", "https://push.example.com/v1/send", "Deliver-Header-Content-Type", "text/plain")
	if w.Code != http.StatusOK {
		t.Errorf("raw: got %d %s, want 200", w.Code, w.Body)
	}
	h.spool.set(first.ID, func(i *spool.Item) { i.State = spool.Delivered })
	if again := h.send(ping, "Idempotency-Key", "k1"); again.State != spool.Delivered || !again.Known {
		t.Errorf("got %+v, want what became of it", again)
	}
	for name, c := range map[string]string{
		"another body":  strings.Replace(ping, "ping", "pong", 1),
		"another path":  strings.Replace(ping, "/send", "/sent", 1),
		"another field": strings.Replace(ping, "plain", "html", 1),
		"another time":  `{"deliver_at": "2020-01-01T00:00:00Z", ` + ping[1:],
		"another order": `{"order": "a", ` + ping[1:],
	} {
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/push", c, "Idempotency-Key", "k1")); got != "422 key_reused Idempotency-Key" {
			t.Errorf("%s: got %s, want 422 key_reused", name, got)
		}
	}
	if other := h.send(ping, "Idempotency-Key", "k1", "Authorization", "Bearer sender"); other.Known || other.ID == first.ID {
		t.Errorf("another token: got %+v, want a message of its own", other)
	}
	for _, key := range []string{"", `""`, "a b", "ü", strings.Repeat("k", 256)} {
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/push", ping, "Idempotency-Key", key)); got != "400 malformed" {
			t.Errorf("%.20q: got %s, want 400 malformed", key, got)
		}
	}
}

func TestOfManyAtOnceWithOneKeyOneIsAccepted(t *testing.T) {
	h := newHouse(t, nil)
	answers := make([]*httptest.ResponseRecorder, 50)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = h.ask(http.MethodPost, "/v1/messages/push", ping, "Idempotency-Key", "k") })
	}
	all.Wait()
	created := 0
	for _, w := range answers {
		switch w.Code {
		case http.StatusCreated:
			created++
		case http.StatusOK:
		default:
			t.Errorf("got %d %s, want 201 or 200", w.Code, w.Body)
		}
	}
	if created != 1 || len(h.spool.items) != 1 {
		t.Errorf("got %d created and %d kept, want 1", created, len(h.spool.items))
	}
}

func TestAFullOrClosedSpoolIsToldWithATimeToComeBack(t *testing.T) {
	for err, want := range map[error]string{
		spool.ErrFull: "503 full", spool.ErrClosed: "503 unavailable", spool.ErrTooLarge: "413 too_large",
		spool.ErrUnknownFlow: "500 internal",
	} {
		h := newHouse(t, nil)
		h.spool.err = err
		w := h.ask(http.MethodPost, "/v1/messages/push", ping)
		if got := said(t, w); got != want || (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%v: got %s, Retry-After %q, want %s", err, got, w.Header().Get("Retry-After"), want)
		}
	}
	h := newHouse(t, func(c *Config) { c.Spool = nil })
	if got := said(t, h.ask(http.MethodPost, "/v1/messages/push", ping)); got != "503 unavailable" {
		t.Errorf("without a spool: got %s, want 503 unavailable", got)
	}
	h.api.Attach(h.spool)
	h.send(ping)
}

func TestTheBodyIsBoundedAndOfItsKind(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.Body = 1000 })
	large := strings.Repeat(" ", 1001-len(ping)) + ping
	for _, c := range []struct {
		path, body string
		headers    []string
		want       string
	}{
		{"", large, nil, "413 too_large"},
		{"", large[1:], nil, "201"},
		{"/raw", large, []string{"Deliver-URL", "https://push.example.com/v1/"}, "413 too_large"},
		{"", ping, []string{"Content-Type", "text/json"}, "415 media_type"},
		{"", ping, []string{"Content-Type", "application/json; charset=utf-8"}, "201"},
		{"", ping, []string{"Content-Encoding", "gzip"}, "415 media_type"},
		{"/raw", "x", []string{"Deliver-URL", "https://push.example.com/v1/", "Content-Encoding", "br"}, "415 media_type"},
	} {
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/push"+c.path, c.body, c.headers...)); got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.path, c.headers, got, c.want)
		}
	}
}

func TestAMessageCountsAsQueuedWhenItHasToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupted := false
		var got []string
		h := newHouse(t, func(c *Config) {
			c.Interrupted = func(string) bool { return interrupted }
			c.Count = func(flow, outcome string) { got = append(got, flow+" "+outcome) }
		})
		h.send(ping, "Idempotency-Key", "k")
		h.send(ping, "Idempotency-Key", "k") // a repetition is no message
		interrupted = true
		h.send(ping)
		later := `{"deliver_at": "` + time.Now().Add(time.Hour).Format(time.RFC3339) + `", ` + ping[1:]
		h.send(later)
		if want := "push passed, push queued"; strings.Join(got, ", ") != want {
			t.Errorf("got %v, want %s, and nothing yet of the one for later", got, want)
		}
	})
}

func TestThoseWhoFindNoRoomWaitALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) { c.Limits.AtOnce = 1 })
		leave, err := h.api.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/push", ping)); got != "503 unavailable" || time.Since(began) != longestEntry {
			t.Errorf("got %s after %s, want 503 after %s", got, time.Since(began), longestEntry)
		}
		time.AfterFunc(time.Second, leave)
		h.send(ping)
	})
}
