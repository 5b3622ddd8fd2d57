package gate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/signature"
	"example.org/interlude/spool"
	"example.org/interlude/upstream"
)

func TestAPostIsReplayedByteForByte(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	body := make([]byte, 256)
	for i := range body {
		body[i] = byte(i)
	}
	const target = "/hooks/a%2Fb%20c/;x=1//d?q=%zz&r=%41+b&&"
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nhOsT: Hooks.Example:8080\r\nx-ODD-case: one\r\nX-Odd-Case:   t\xffwo\t,\r\nCookie: a=b\r\nConnection: X-Mine, close\r\n"+
		"X-Mine: no\r\nInterlude-Entry: forged\r\nInterlude-Signature: verified\r\nX_Forwarded_For: 6.6.6.6\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n%s\r\n0\r\n\r\n", target, body)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusAccepted || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %v, %v, want 202 that nobody stores", answer, err)
	}
	link := answer.Header.Get("Location")
	id := strings.TrimPrefix(link, queuedPath)
	if is := s.state(id); is.State != spool.Waiting || is.Attempts != 0 || time.Since(is.Received) > time.Minute {
		t.Errorf("got %+v, want it to wait since just now", is)
	}
	if n := len(s.arrived()); n != 0 {
		t.Fatalf("got %d requests at the product that is away, want none", n)
	}
	s.gate.End("one")
	one := s.awaitArrived(1)[0]
	if one.Method != http.MethodPost || one.RequestURI != target || one.Host != "Hooks.Example:8080" || !bytes.Equal(one.body, body) || one.ContentLength != 256 {
		t.Errorf("got %s %s of %s with %d bytes, want all as it was", one.Method, one.RequestURI, one.Host, len(one.body))
	}
	for name, want := range map[string]string{
		"X-Odd-Case": "one|t\xffwo\t,", "Cookie": "a=b", "X-Mine": "", "X_Forwarded_For": "", "Connection": "", "Transfer-Encoding": "",
		"User-Agent": "", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "Hooks.Example:8080", "X-Forwarded-Proto": "http", "Via": "1.1 interlude",
		fieldEntry: id, fieldAttempt: "1", fieldSignature: "",
	} {
		if got := strings.Join(one.Header.Values(name), "|"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if at, err := time.Parse(time.RFC3339, one.Header.Get(fieldReceived)); err != nil || time.Since(at) > time.Minute {
		t.Errorf("got %q, want when it came", one.Header.Get(fieldReceived))
	}
	if is := s.awaitState(id, spool.Delivered); is.Settled.IsZero() || is.Attempts != 1 {
		t.Errorf("got %+v, want it delivered at the first attempt", is)
	}
	s.awaitPhase(normal)
	counts := s.gate.Counts()["messenger"]
	if counts.Requests != 1 || counts.Queued != 1 || counts.Delivered != 1 || counts.DelayMicros <= 0 || counts.LongestDelayMicros != counts.DelayMicros {
		t.Errorf("got %+v, want one that was queued, and delivered with a delay", counts)
	}
}

func TestPostsOfOneConversationKeepTheirOrder(t *testing.T) {
	s := newSorting(t, spool.Limits{}, Step{Do: DoQueue, Queue: Queue{Order: "X-Conversation"}})
	s.interrupt()
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		s.queued(http.MethodPost, "/", fmt.Sprint(i), "X-Conversation", strings.Repeat("long ", 50))
	}
	var at atomic.Int32
	s.answers(func(w http.ResponseWriter, _ *http.Request) {
		if at.Add(1) != 1 {
			t.Error("got two at once, want one after another")
		}
		if len(s.arrived())%3 == 1 { // each third fails once
			w.WriteHeader(http.StatusInternalServerError)
		}
		at.Add(-1)
	})
	s.gate.End("one")
	s.await("all to be delivered", func() bool { return s.gate.Counts()["messenger"].Delivered == 20 })
	var order []string
	for _, one := range s.arrived() {
		if text := string(one.body); len(order) == 0 || order[len(order)-1] != text { // a repetition is the same one
			order = append(order, text)
		}
	}
	if got, want := strings.Join(order, " "), strings.Join(want, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestARepetitionIsAcceptedOnce(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	key := []string{"Idempotency-Key", "k-1", "Authorization", "Bearer a"}
	first := s.queued(http.MethodPost, "/orders", "one", key...)
	if again := s.queued(http.MethodPost, "/orders", "one", key...); again != first {
		t.Errorf("got %s, want the id of the first, %s", again, first)
	}
	a := s.send(http.MethodPost, "/orders", "two", key...)
	if a.status != http.StatusUnprocessableEntity || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s, want 422 as a problem for another payload under the same key", a.status, a.body)
	}
	others := map[string]string{
		"somebody else": s.queued(http.MethodPost, "/orders", "one", "Idempotency-Key", "k-1", "Authorization", "Bearer b"),
		"another path":  s.queued(http.MethodPost, "/refunds", "one", key...),
		"no key":        s.queued(http.MethodPost, "/orders", "one"),
		"a webhook":     s.queued(http.MethodPost, "/hooks", "{}", "Webhook-Id", "msg_1"),
		"a forged one":  s.queued(http.MethodPost, "/hooks", "{forged}", "Webhook-Id", "msg_1"),
	}
	seen := map[string]string{first: "the first"}
	for name, id := range others {
		if seen[id] != "" {
			t.Errorf("%s: got the id of %s, want its own", name, seen[id])
		}
		seen[id] = name
	}
	if again := s.queued(http.MethodPost, "/hooks", "{}", "Webhook-Id", "msg_1"); again != others["a webhook"] {
		t.Errorf("got %s for a webhook that is sent again, want %s", again, others["a webhook"])
	}
	s.gate.End("one")
	s.awaitPhase(normal)
	if n := len(s.arrived()); n != 6 {
		t.Errorf("got %d requests at the product, want 6", n)
	}
}

func TestWhatTheProductRefusesIsShelvedAndWhatFailsIsRepeated(t *testing.T) {
	for _, c := range []struct {
		name     string
		codes    []int // answers in turn, the last for ever
		state    spool.State
		attempts int
	}{
		{"taken", []int{204}, spool.Delivered, 1},
		{"a redirect is no receipt", []int{302}, spool.Shelved, 1},
		{"refused", []int{422}, spool.Shelved, 1},
		{"a fault, then taken", []int{500, 501, 200}, spool.Delivered, 3},
		{"not now", []int{408, 425, 200}, spool.Delivered, 3},
		{"away, then refused", []int{503, 410}, spool.Shelved, 2},
		{"too many", []int{429, 200}, spool.Delivered, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSorting(t, spool.Limits{}, queueing)
			s.interrupt()
			id := s.queued(http.MethodPut, "/", "one")
			s.answers(func(w http.ResponseWriter, _ *http.Request) {
				code := c.codes[min(len(s.arrived()), len(c.codes))-1]
				if code == http.StatusTooManyRequests {
					w.Header().Set("Retry-After", "1")
				}
				w.WriteHeader(code)
				_, _ = io.WriteString(w, "because\nof \x00this")
			})
			ended := time.Now()
			s.gate.End("one")
			if is := s.awaitState(id, c.state); is.Attempts != c.attempts {
				t.Errorf("got %d attempts, want %d", is.Attempts, c.attempts)
			}
			all := s.arrived()
			if last := all[len(all)-1]; last.Header.Get(fieldAttempt) != fmt.Sprint(c.attempts) || last.Header.Get(fieldEntry) != id {
				t.Errorf("got attempt %s of %s, want %d of %s", last.Header.Get(fieldAttempt), last.Header.Get(fieldEntry), c.attempts, id)
			}
			if c.codes[0] == http.StatusTooManyRequests && time.Since(ended) < time.Second {
				t.Errorf("got the next attempt after %s, want the product left alone for a second", time.Since(ended))
			}
			item, err := s.spool.Item(t.Context(), id)
			if want := "because of  this"; c.state == spool.Shelved && (err != nil || !strings.HasSuffix(item.Reason, want)) {
				t.Errorf("got reason %q, want what the product said: %q", item.Reason, want)
			}
		})
	}
}

func TestAPostGoesToTheUpstreamAsItIsThen(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	id := s.queued(http.MethodPost, "/", "one")
	gone := s.config.Upstreams["product"].Addresses[0]
	s.config.Upstreams = map[string]upstream.Config{"product": {Addresses: []string{s.product()}}}
	if err := s.gate.Reload(s.config); err != nil {
		t.Fatal(err)
	}
	s.gate.End("one")
	s.awaitState(id, spool.Delivered)
	if got := s.arrived()[0].Context().Value(http.LocalAddrContextKey).(net.Addr).String(); "http://"+got == gone {
		t.Errorf("got it at %s, want it at the new address", got)
	}
}

func TestTheProductIsToldOfSignatures(t *testing.T) {
	verifier, err := signature.New(signature.GitHub, []string{"It's a Secret to Everybody"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	good := []string{"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
	for name, c := range map[string]struct {
		on            OnFailure
		body, verdict string
		fields        []string
	}{
		"verified":         {Tell, "Hello, World!", "verified scheme=github", good},
		"another body":     {Tell, "Hello, world!", `failed scheme=github reason="the signature does not match"`, good},
		"none":             {"", "Hello, World!", `failed scheme=github reason="there is no signature"`, nil},
		"verified, or not": {Refuse, "Hello, World!", "verified scheme=github", good},
		"refused":          {Refuse, "Hello, world!", "", good},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSorting(t, spool.Limits{}, Step{Do: DoQueue, Queue: Queue{Verify: verifier, OnFailure: c.on}})
			s.interrupt()
			if c.verdict == "" {
				a := s.send(http.MethodPost, "/", c.body, c.fields...)
				if a.status != http.StatusBadRequest || !strings.Contains(a.body, "does not match") {
					t.Errorf("got %d %s, want 400 and why", a.status, a.body)
				}
				return
			}
			s.queued(http.MethodPost, "/", c.body, c.fields...)
			s.gate.End("one")
			if got := s.awaitArrived(1)[0].Header.Get(fieldSignature); got != c.verdict {
				t.Errorf("got %q, want %q", got, c.verdict)
			}
		})
	}
}

func TestAQueueTakesOnlyWhatItIsFor(t *testing.T) {
	s := newSorting(t, spool.Limits{}, Step{Do: DoQueue, Queue: Queue{Asked: true, Methods: []string{http.MethodPost, http.MethodDelete}, Body: 10}})
	s.interrupt()
	async := []string{"Prefer", "handling=lenient, respond-async"}
	s.queued(http.MethodPost, "/", "", async...)
	s.queued(http.MethodDelete, "/", "0123456789", async...)
	for name, a := range map[string]answer{
		"another method": s.send(http.MethodPut, "/", "", async...),
		"a read":         s.send(http.MethodGet, "/", "", async...),
		"not asked for":  s.send(http.MethodPost, "/", "", "Prefer", "respond-later"),
		"gRPC":           s.send(http.MethodPost, "/", "", append(async, "Content-Type", "application/grpc")...),
		"an upgrade":     s.send(http.MethodPost, "/", "", append(async, "Connection", "Upgrade", "Upgrade", "x")...),
	} {
		if a.status != http.StatusServiceUnavailable && a.header.Get("Grpc-Status") == "" {
			t.Errorf("%s: got %d, want it refused", name, a.status)
		}
	}
	if a := s.send(http.MethodPost, "/", "01234567890", async...); a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, `"status":413`) {
		t.Errorf("got %d %s, want 413 as a problem", a.status, a.body)
	}
	long := s.sendIn(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("01234567890")), async...)
	if long.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d for a long body that did not say its length, want 413", long.status)
	}
}

func TestCurlPosts(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	big := strings.Repeat("0123456789abcdef", 8<<10) // large enough for Expect: 100-continue
	run := func(more ...string) string {
		c := exec.Command(curl, append([]string{"-sS", "-m", "10", "-w", " %{http_code}", "-H", "Expect: 100-continue", "--data-binary", "@-", s.url + "/hooks?a=b"}, more...)...)
		c.Stdin = strings.NewReader(big)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("curl: %v: %s", err, out)
		}
		return string(out)
	}
	for _, more := range [][]string{nil, {"-H", "Transfer-Encoding: chunked"}, {"-X", "PUT"}} {
		if out := run(more...); !strings.HasSuffix(out, "} 202") && !strings.HasSuffix(out, "}\n 202") {
			t.Errorf("%v: got %q, want 202", more, out)
		}
	}
	if out := run("-X", "PATCH"); !strings.HasSuffix(out, " 503") {
		t.Errorf("got %q, want 503 for what is not queued", out)
	}
	s.gate.End("one")
	for _, one := range s.awaitArrived(3) {
		if string(one.body) != big || one.URL.RawQuery != "a=b" || one.Header.Get("Expect") != "" {
			t.Errorf("got %d bytes for %s, expecting %q, want all of it", len(one.body), one.URL, one.Header.Get("Expect"))
		}
	}
}

func TestAStatusLinkTellsNothingElse(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	for _, id := range []string{"", "nobody", "../back", "a/b"} {
		if a := s.send(http.MethodGet, queuedPath+id, ""); a.status != http.StatusNotFound || a.header.Get("Cache-Control") != "no-store" && id != "../back" {
			t.Errorf("%q: got %d, want 404", id, a.status)
		}
	}
	mail, err := s.spool.Accept(t.Context(), spool.Entry{Flow: "messenger", Kind: spool.Mail})
	if err != nil {
		t.Fatal(err)
	}
	if a := s.send(http.MethodGet, queuedPath+mail.ID, ""); a.status != http.StatusNotFound {
		t.Errorf("got %d for a mail, want 404", a.status)
	}
}

func TestAFlowThatQueuesSaysHowMuch(t *testing.T) {
	s := newSorting(t, spool.Limits{}, queueing)
	s.interrupt()
	s.queued(http.MethodPost, "/", "one")
	f := s.gate.State().Flows[0]
	if f.Does != "queue" || f.Spool == nil || f.Spool.Waiting != 1 || !f.Spool.Held || f.Spool.LeftSeconds != -1 || f.State != api.FlowInterrupted {
		t.Errorf("got %+v with %+v, want one that waits for the product", f, f.Spool)
	}
}
