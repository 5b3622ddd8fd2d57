package messages

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/spool"
)

// reach makes a courier to a server, and an entry for it.
func reach(t *testing.T, to string, change func(*Target)) (spool.Courier, spool.Entry) {
	t.Helper()
	target := Target{To: []string{to + "/"}, Private: loopback}
	if change != nil {
		change(&target)
	}
	a, err := New(Config{
		Flows:  map[string]Target{"push": target},
		Tokens: []Token{{Name: "app", Hash: hashOf(secret), Flows: []string{"push"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := json.Marshal(head{Method: http.MethodPost, URL: to + "/send?a=%2F", Header: http.Header{"X-A": {"1", "2"}}})
	return a.Courier("push"), spool.Entry{ID: "e1", Flow: "push", Kind: spool.Message, Head: doc, Body: []byte("pi\x00ng")}
}

func TestARequestArrivesAsItWasAskedForAndWithItsID(t *testing.T) {
	s := newReceiver(t, nil)
	c, e := reach(t, s.URL, func(t *Target) { t.Headers = map[string]string{"Authorization": "Bearer key", "x-a": "3"} })
	if got := c.Deliver(t.Context(), e); got != (spool.Outcome{Result: spool.Taken}) {
		t.Fatalf("got %+v, want it taken", got)
	}
	got := <-s.got
	if got.method != http.MethodPost || got.path != "/send?a=%2F" || got.body != "pi\x00ng" {
		t.Errorf("got %s %s %q, want POST /send?a=%%2F with the body", got.method, got.path, got.body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer key", "X-A": "1,2", "Idempotency-Key": "e1", "Interlude-Entry": "e1", "User-Agent": "Interlude",
		"Content-Length": "5", "Accept-Encoding": "", "Content-Type": "",
	} {
		if value := strings.Join(got.header.Values(name), ","); value != want {
			t.Errorf("%s: got %q, want %q", name, value, want)
		}
	}
	e.Head, _ = json.Marshal(head{Method: http.MethodGet, URL: s.URL + "/", Header: http.Header{"Idempotency-Key": {"own"}, "User-Agent": {""}}})
	e.Body = nil
	c.Deliver(t.Context(), e)
	if got = <-s.got; got.method != http.MethodGet || got.header.Get("Idempotency-Key") != "own" || got.header.Get("User-Agent") != "" {
		t.Errorf("got %+v, want GET with its own key and no User-Agent", got)
	}
}

func TestEachAnswerHasAnOutcome(t *testing.T) {
	var code int
	var after string
	s := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.Header().Set("Location", "http://127.0.0.1:1/inside")
		w.WriteHeader(code)
		if code >= 200 && code != 204 && code != 304 {
			_, _ = io.WriteString(w, "a secret")
		}
	})
	c, e := reach(t, s.URL, nil)
	taken, refused := spool.Outcome{Result: spool.Taken}, spool.Outcome{Result: spool.Refused}
	for _, test := range []struct {
		code  int
		after string
		want  spool.Outcome
	}{
		{200, "", taken},
		{202, "7", taken},
		{204, "", taken},
		{301, "", refused},
		{302, "", refused},
		{304, "", refused},
		{307, "5", refused},
		{308, "", refused},
		{400, "", refused},
		{401, "", refused},
		{404, "5", refused},
		{410, "", refused},
		{408, "", spool.Outcome{}},
		{425, "3", spool.Outcome{After: 3 * time.Second}},
		{429, "2", spool.Outcome{Away: true, After: 2 * time.Second}},
		{500, "", spool.Outcome{}},
		{502, "9", spool.Outcome{After: 9 * time.Second}},
		{503, "", spool.Outcome{Away: true}},
		{503, "99999999", spool.Outcome{Away: true, After: longestRest}},
		{503, "99999999999999999999", spool.Outcome{Away: true}},
		{503, "-5", spool.Outcome{Away: true}},
		{503, "Fri, 15 Jan 2100 05:00:00 GMT", spool.Outcome{Away: true, After: longestRest}},
		{503, "Fri, 15 Jan 2010 05:00:00 GMT", spool.Outcome{Away: true}},
	} {
		code, after = test.code, test.after
		got := c.Deliver(t.Context(), e)
		if strings.Contains(got.Reason, "secret") || strings.Contains(got.Reason, "inside") || (got.Reason == "") != (got.Result == spool.Taken) {
			t.Errorf("%d: got reason %q, want the status alone", test.code, got.Reason)
		}
		got.Reason = ""
		if got != test.want {
			t.Errorf("%d, Retry-After %q: got %+v, want %+v", test.code, test.after, got, test.want)
		}
	}
}

func TestADateIsMeasuredByTheAnswersOwn(t *testing.T) {
	h := http.Header{"Date": {"Fri, 15 Jan 2027 06:00:00 GMT"}, "Retry-After": {"Fri, 15 Jan 2027 06:01:30 GMT"}}
	if got := retryAfter(h); got != 90*time.Second {
		t.Errorf("got %s, want 1m30s", got)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	inside := newReceiver(t, nil)
	s := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
	})
	c, e := reach(t, s.URL, nil)
	if got := c.Deliver(t.Context(), e); got.Result != spool.Refused || len(inside.got) > 0 {
		t.Errorf("got %+v and %d requests inside, want it refused, and none", got, len(inside.got))
	}
}

func TestTheInsideIsReachedOnlyWhereTheFlowSaysSo(t *testing.T) {
	s := newReceiver(t, nil)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	// The last is a name that resolves to a private address, as one of DNS may do at any time.
	for _, to := range []string{s.URL, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://localhost:" + port} {
		c, e := reach(t, to, func(t *Target) { t.Private = nil })
		if got := c.Deliver(t.Context(), e); got.Result != spool.Refused || strings.Contains(got.Reason, "127") {
			t.Errorf("%s: got %+v, want it refused", to, got)
		}
		c, e = reach(t, to, func(t *Target) { t.Private = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
		if got := c.Deliver(t.Context(), e); got.Result != spool.Refused {
			t.Errorf("%s with another network: got %+v, want it refused", to, got)
		}
	}
	if len(s.got) > 0 {
		t.Fatalf("got %d requests, want none", len(s.got))
	}
	c, e := reach(t, "http://localhost:"+port, nil)
	if got := c.Deliver(t.Context(), e); got.Result != spool.Taken {
		t.Errorf("got %+v, want it taken where the flow allows loopback", got)
	}
}

func TestWhatWasAcceptedIsJudgedAgainWhenItLeaves(t *testing.T) {
	s := newReceiver(t, nil)
	c, e := reach(t, s.URL, func(t *Target) { t.To = []string{"https://push.example.com/"} })
	if got := c.Deliver(t.Context(), e); got.Result != spool.Refused || len(s.got) > 0 {
		t.Errorf("got %+v, want it refused: the flow leads elsewhere by now", got)
	}
	for _, broken := range []string{"", "{", `{"method":"A B","url":"https://push.example.com/"}`} {
		e.Head = []byte(broken)
		if got := c.Deliver(t.Context(), e); got.Result != spool.Refused {
			t.Errorf("%q: got %+v, want it refused", broken, got)
		}
	}
}

func TestAReceiverThatIsNotThereIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c, e := reach(t, "http://"+l.Addr().String(), nil)
	if got := c.Deliver(t.Context(), e); got.Result != spool.Retry || !got.Away {
		t.Errorf("refused connection: got %+v, want retry, away", got)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	defer s.Close()
	c, e = reach(t, s.URL, nil)
	if got := c.Deliver(t.Context(), e); got.Result != spool.Retry || !got.Away {
		t.Errorf("unknown certificate: got %+v, want retry, away", got)
	}
	c, e = reach(t, s.URL, func(t *Target) { t.TLS = trusting(s) })
	if got := c.Deliver(t.Context(), e); got.Result != spool.Refused {
		t.Errorf("trusted certificate: got %+v, want the refusal of the server", got)
	}
}

func trusting(s *httptest.Server) *tls.Config {
	return &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
}

func TestAReceiverThatSaysNothingHoldsADeliveryForItsTimeout(t *testing.T) {
	release := make(chan struct{})
	s := newReceiver(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	c, e := reach(t, s.URL, func(t *Target) { t.Timeout = 50 * time.Millisecond })
	if got := c.Deliver(t.Context(), e); got.Result != spool.Retry || got.Away || got.Reason != "no answer within 50ms" {
		t.Errorf("got %+v, want retry, not away, no answer within 50ms", got)
	}
	c, e = reach(t, s.URL, nil)
	ctx, stop := context.WithCancel(t.Context())
	<-s.got
	go func() { <-s.got; stop() }()
	if got := c.Deliver(ctx, e); got.Result != spool.Retry || got.Away {
		t.Errorf("when the spool stops: got %+v, want retry, not away", got)
	}
}

func TestAnAnswerThatIsNoneIsNotQuoted(t *testing.T) {
	s := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, "a secret\r\n\r\n")
		conn.Close()
	})
	c, e := reach(t, s.URL, nil)
	if got := c.Deliver(t.Context(), e); got.Result != spool.Retry || got.Away || strings.Contains(got.Reason, "secret") {
		t.Errorf("got %+v, want retry, and nothing of what it said", got)
	}
}

func TestAnAnswerIsReadOnlyToItsBound(t *testing.T) {
	s := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	c, e := reach(t, s.URL, nil)
	if got := c.Deliver(t.Context(), e); got.Result != spool.Taken {
		t.Errorf("got %+v, want it taken", got)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	made := map[string]bool{}
	s := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) { made[r.RemoteAddr] = true })
	c, e := reach(t, s.URL, nil)
	for range 10 {
		c.Deliver(t.Context(), e)
	}
	if len(made) != 1 {
		t.Errorf("got %d connections for 10 messages, want 1", len(made))
	}
}

func TestAMessageForLaterCountsWhenItHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		box := &letters{}
		h := newHouse(t, func(c *Config) {
			c.Flows["mail"] = Target{Mail: box, Envelope: envelope}
			c.Count = func(flow, outcome string) { got = append(got, outcome) }
		})
		now := time.Now()
		for _, due := range []time.Time{now, now.Add(time.Minute), now.Add(-time.Hour)} {
			h.api.Courier("mail").Deliver(t.Context(), spool.Entry{Flow: "mail", Accepted: now.Add(-2 * time.Hour), Due: due})
		}
		h.api.Courier("mail").Deliver(t.Context(), spool.Entry{Flow: "mail", Accepted: now, Due: now}) // it counted when it came
		if want := "passed passed queued"; strings.Join(got, " ") != want || len(box.got) != 4 {
			t.Errorf("got %v of %d, want %s of 4", got, len(box.got), want)
		}
		if h.api.Courier("nothing") != nil {
			t.Error("got a courier for a flow that is not there, want none")
		}
	})
}
