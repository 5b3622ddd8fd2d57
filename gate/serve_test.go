package gate

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

func TestOutsideAnInterruptionRequestsPass(t *testing.T) {
	r := newRig(t, Flow{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Product", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	a := r.send(http.MethodPost, "/tea?milk=no", "leaves")
	if a.status != http.StatusTeapot || a.body != "short and stout" || a.header.Get("X-Product") != "yes" {
		t.Errorf("got %+v, want the product's answer", a)
	}
	r.wantReached("POST /tea leaves")
	if c := r.gate.Counts()["messenger"]; c.Requests != 1 || c.Passed != 1 {
		t.Errorf("got %+v counted, want one that passed", c)
	}
}

func TestHeldRequestsGoThroughAfterwardsOnceAndWhole(t *testing.T) {
	r := newRig(t, holding, nil)
	r.interrupt()
	get := r.later(http.MethodGet, "/inbox", "")
	r.awaitHeld(1)
	post := r.later(http.MethodPost, "/message", strings.Repeat("x", 100_000))
	r.awaitHeld(2)
	r.await("the body kept", func() bool { return r.lane().state("").Bytes == 100_000 })
	r.wantReached()
	r.gate.End("one")
	for _, a := range []answer{<-get, <-post} {
		if a.err != nil || a.status != http.StatusOK || a.body != "fine" {
			t.Errorf("got %d %q %v, want 200 from the product", a.status, a.body, a.err)
		}
	}
	r.wantReached("GET /inbox", "POST /message "+strings.Repeat("x", 100_000))
	c := r.gate.Counts()["messenger"]
	if c.Requests != 2 || c.Held != 2 || c.WaitMicros == 0 || c.LongestMicros == 0 {
		t.Errorf("got %+v counted, want two that were held, and how long", c)
	}
	if n := r.gate.hold.bytes.Load(); n != 0 {
		t.Errorf("got %d bytes still charged, want none", n)
	}
}

func TestABodyLargerThanTheHoldKeepsWaitsUnreadAndArrivesWhole(t *testing.T) {
	f := Flow{Interrupted: []Step{{Do: DoHold, Hold: Hold{Body: 10_000}}}}
	r := newRig(t, f, nil)
	r.interrupt()
	large := strings.Repeat("0123456789", 500_000)
	done := r.later(http.MethodPost, "/upload", large)
	r.await("the beginning kept", func() bool { return r.lane().state("").Bytes == 10_000 })
	r.gate.End("one")
	if a := <-done; a.err != nil || a.status != http.StatusOK {
		t.Errorf("got %d %v, want 200", a.status, a.err)
	}
	r.wantReached("POST /upload " + large)
}

func TestRejectedRequestsAreToldWhenToComeBack(t *testing.T) {
	r := newRig(t, Flow{}, nil)
	if err := r.gate.Interrupt(Interruption{
		ID: "one", Flows: []string{"messenger", "elsewhere"}, Lapses: time.Now().Add(time.Minute), Expected: time.Now().Add(20 * time.Second),
	}); err != nil {
		t.Fatal(err)
	}
	a := r.send(http.MethodPost, "/orders", "beans", "Accept", "application/json")
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusServiceUnavailable || err != nil || seconds < 20 || seconds > 30 {
		t.Errorf("got %d with Retry-After %q, want 503 with 20 to 30 seconds", a.status, a.header.Get("Retry-After"))
	}
	r.wantReached()
	if c := r.gate.Counts()["messenger"]; c.Rejected != 1 || c.Requests != 1 {
		t.Errorf("got %+v counted, want one rejected", c)
	}
	if a := r.send(http.MethodGet, "/.interlude/health", ""); a.status != http.StatusOK || !strings.Contains(a.body, `"product":"interrupted"`) {
		t.Errorf("got %d %q of the gate's own health, want 200 that says the product is interrupted", a.status, a.body)
	}
	if a := r.send(http.MethodGet, "/.interlude/back?flow=messenger", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("got %d from back, want 503", a.status)
	}
	r.gate.End("one")
	if a := r.send(http.MethodGet, "/.interlude/back?flow=messenger", ""); a.status != http.StatusNoContent {
		t.Errorf("got %d from back, want 204", a.status)
	}
}

func TestAChainGoesOnWhereAStepDoesNotSettle(t *testing.T) {
	f := Flow{Interrupted: []Step{{Do: DoHold, Hold: Hold{For: 50 * time.Millisecond}}, {Do: DoStale}}}
	r := newRig(t, f, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=0")
		_, _ = io.WriteString(w, "yesterday's news")
	})
	r.send(http.MethodGet, "/news", "")
	r.interrupt()
	if a := r.send(http.MethodGet, "/news", ""); a.status != http.StatusOK || a.body != "yesterday's news" || a.header.Get("Cache-Status") == "" {
		t.Errorf("got %d %q with Cache-Status %q, want what was stored", a.status, a.body, a.header.Get("Cache-Status"))
	}
	if a := r.send(http.MethodGet, "/other", ""); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d, want 503 with Retry-After for what is not stored", a.status)
	}
	c := r.gate.Counts()["messenger"]
	if c.Passed != 1 || c.Stale != 1 || c.Rejected != 1 || c.Expired != 1 {
		t.Errorf("got %+v counted, want one each of passed, stale, rejected and of these one expired", c)
	}
}

func TestHeldRequestsSeeUpstreamsThatChangedMeanwhile(t *testing.T) {
	r := newRig(t, holding, nil)
	r.interrupt()
	waits := r.later(http.MethodGet, "/", "")
	r.awaitHeld(1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "moved") }))
	defer other.Close()
	f := holding
	f.Name, f.Upstream = "messenger", "new"
	err := r.gate.Reload(Config{Flows: []Flow{f}, Upstreams: map[string]upstream.Config{"new": {Addresses: []string{other.URL}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.gate.End("one")
	if a := <-waits; a.body != "moved" {
		t.Errorf("got %q, want the new address's answer", a.body)
	}
	r.wantReached()
}

func TestAFlowThatIsRemovedSendsAwayThoseWhoWait(t *testing.T) {
	r := newRig(t, holding, nil)
	r.interrupt()
	waits := r.later(http.MethodGet, "/", "")
	r.awaitHeld(1)
	c := Config{
		Flows:     []Flow{{Name: "other", Upstream: "product"}},
		Upstreams: map[string]upstream.Config{"product": {Addresses: []string{"http://127.0.0.1:1"}}},
	}
	if err := r.gate.Reload(c); err != nil {
		t.Fatal(err)
	}
	if a := <-waits; a.status != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", a.status)
	}
}

func TestAClientThatHangsUpIsGone(t *testing.T) {
	r := newRig(t, holding, nil)
	r.interrupt()
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan answer, 1)
	go func() { done <- r.sendIn(ctx, http.MethodPost, "/", strings.NewReader("hello")) }()
	r.awaitHeld(1)
	r.await("the body kept", func() bool { return r.lane().state("").Bytes == 5 })
	hangUp()
	<-done
	r.awaitHeld(0)
	r.await("it counted", func() bool { return r.gate.Counts()["messenger"].Gone == 1 })
	r.gate.End("one")
	r.wantReached()
}

func TestOneWhoSendsSlowlyIsCutWhenItsPlaceIsNeeded(t *testing.T) {
	f := Flow{Interrupted: []Step{{Do: DoHold, Hold: Hold{Requests: 1}}}}
	r := newRig(t, f, nil)
	r.interrupt()
	slow, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "POST /slow HTTP/1.1\r\nHost: example.com\r\nContent-Length: 100\r\n\r\nfirst bytes")
	r.await("the slow one's bytes", func() bool { return r.lane().state("").Bytes > 0 })
	quick := r.later(http.MethodGet, "/quick", "")
	text, _ := io.ReadAll(slow)
	if !strings.HasPrefix(string(text), "HTTP/1.1 503 ") || !strings.Contains(string(text), "Retry-After: ") {
		t.Errorf("got %q for the slow one, want 503 with Retry-After", text)
	}
	r.gate.End("one")
	if a := <-quick; a.status != http.StatusOK {
		t.Errorf("got %d for the quick one, want 200", a.status)
	}
	if c := r.gate.Counts()["messenger"]; c.Evicted != 1 || c.Rejected != 1 || c.Held != 1 {
		t.Errorf("got %+v counted, want one evicted and one held", c)
	}
}

func TestInsideAWindowABrokenProductIsAnInterruption(t *testing.T) {
	for _, c := range []struct {
		name, method, key string
		tries             int
		status            int
	}{
		{"a read is sent again", http.MethodGet, "", 2, http.StatusOK},
		{"a write is never sent again", http.MethodPost, "", 1, http.StatusServiceUnavailable},
		{"a write with a key is sent again", http.MethodPost, "k1", 2, http.StatusOK},
		{"an idempotent write is sent again", http.MethodPut, "", 2, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tries atomic.Int32
			r := newRig(t, holding, func(w http.ResponseWriter, _ *http.Request) {
				if tries.Add(1) == 1 {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, "fine")
			})
			r.lane().window.Store(&window{maintenance: "m1"})
			header := []string{"Accept", "application/json"}
			if c.key != "" {
				header = append(header, "Idempotency-Key", c.key)
			}
			a := r.send(c.method, "/", "body of it", header...)
			if a.status != c.status || int(tries.Load()) != c.tries {
				t.Errorf("got %d after %d tries, want %d after %d", a.status, tries.Load(), c.status, c.tries)
			}
			for _, got := range r.reached() {
				if got != c.method+" / body of it" {
					t.Errorf("got %q at the product, want the whole body", got)
				}
			}
		})
	}
}

func TestInsideAWindowAProductThatSaysItIsAwayIsTriedAgain(t *testing.T) {
	var tries atomic.Int32
	r := newRig(t, holding, func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	r.lane().window.Store(&window{maintenance: "m1"})
	if a := r.send(http.MethodGet, "/", ""); a.status != http.StatusOK || tries.Load() != 2 {
		t.Errorf("got %d after %d tries, want 200 after 2", a.status, tries.Load())
	}
	if c := r.gate.Counts()["messenger"]; c.Held != 1 || c.Retried != 1 {
		t.Errorf("got %+v counted, want one held and retried", c)
	}
}

func TestOutsideAWindowABrokenProductIsAnError(t *testing.T) {
	r := newRig(t, holding, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	a := r.send(http.MethodPost, "/", "x", "Accept", "application/json")
	if a.status != http.StatusBadGateway || a.header.Get("Retry-After") != "" {
		t.Errorf("got %d with Retry-After %q, want 502 without", a.status, a.header.Get("Retry-After"))
	}
	if c := r.gate.Counts()["messenger"]; c.Failed != 1 || c.Requests != 1 {
		t.Errorf("got %+v counted, want one failed", c)
	}
}

func TestAnAnswerThatBreaksOffIsSeenAsBroken(t *testing.T) {
	r := newRig(t, Flow{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "the beginning")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	a := r.send(http.MethodGet, "/", "")
	if a.err == nil {
		t.Errorf("got %q and %v, want an answer that breaks off", a.body, a.err)
	}
	r.await("it counted", func() bool { return r.gate.Counts()["messenger"].Failed == 1 })
}

func TestABypassOpensTheProductWhileOthersWait(t *testing.T) {
	key := []byte(strings.Repeat("k", LeastKey))
	cookies := make(chan string, 10)
	r := newRig(t, Flow{}, func(_ http.ResponseWriter, q *http.Request) {
		cookies <- q.Header.Get("Cookie") + q.Header.Get(BypassHeader)
	})
	c := r.gate.layout.Load()
	config := Config{Flows: []Flow{{Name: "messenger", Upstream: "product"}}, Upstreams: c.configs, Bypass: [][]byte{key}}
	if err := r.gate.Reload(config); err != nil {
		t.Fatal(err)
	}
	token, err := NewBypass(key, "night shift", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	old, _ := NewBypass(key, "night shift", time.Now().Add(-time.Second))
	foreign, _ := NewBypass([]byte(strings.Repeat("z", LeastKey)), "night shift", time.Now().Add(time.Hour))
	r.interrupt()
	if a := r.send(http.MethodGet, "/", "", BypassHeader, token); a.status != http.StatusOK || <-cookies != "" {
		t.Errorf("got %d with the header, want 200 and nothing of it at the product", a.status)
	}
	if a := r.send(http.MethodGet, "/", "", "Cookie", "a=1; "+BypassCookie+"="+token+"; b=2"); a.status != http.StatusOK {
		t.Errorf("got %d with the cookie, want 200", a.status)
	} else if got := <-cookies; got != "a=1; b=2" {
		t.Errorf("got cookies %q at the product, want the others", got)
	}
	for _, bad := range []string{"", "x", old, foreign, token + "x", strings.Replace(token, "v1.", "v1.9", 1), strings.Repeat("a.", 1000)} {
		if a := r.send(http.MethodGet, "/", "", BypassHeader, bad); a.status != http.StatusServiceUnavailable {
			t.Errorf("got %d with %.40q, want 503", a.status, bad)
		}
	}
	a := r.send(http.MethodGet, "/.interlude/bypass?token="+token, "")
	if set := a.header.Get("Set-Cookie"); a.status != http.StatusSeeOther || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, token) {
		t.Errorf("got %d and cookie %q from the link, want it set", a.status, set)
	}
	if a := r.send(http.MethodGet, "/.interlude/bypass?token="+old, ""); a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
		t.Errorf("got %d and cookie %q for one that is over, want 403 and none", a.status, a.header.Get("Set-Cookie"))
	}
	if c := r.gate.Counts()["messenger"]; c.Bypassed != 2 {
		t.Errorf("got %d bypassed, want 2", c.Bypassed)
	}
}

func TestADryRunOnlyCounts(t *testing.T) {
	r := newRig(t, Flow{DryRun: true, Interrupted: []Step{{Do: DoHold}}}, nil)
	r.interrupt()
	if a := r.send(http.MethodGet, "/", ""); a.status != http.StatusOK {
		t.Errorf("got %d, want 200", a.status)
	}
	if n := r.lane().counts.wouldHold.Load(); n != 1 {
		t.Errorf("got %d that would have been held, want 1", n)
	}
}

func TestWhoObservesIsToldOfEachRequest(t *testing.T) {
	r := newRig(t, Flow{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "made")
	})
	told := make(chan Exchange, 4)
	c := Config{
		Flows:     []Flow{{Name: "messenger", Match: []Match{{Path: "/api"}}, Upstream: "product"}},
		Upstreams: r.gate.layout.Load().configs,
		Observe:   func(_ context.Context, x Exchange) { told <- x },
	}
	if err := r.gate.Reload(c); err != nil {
		t.Fatal(err)
	}
	r.send(http.MethodPost, "/api/things", "x")
	if x := <-told; x.Flow != "messenger" || x.Status != 201 || x.Bytes != 4 || x.Outcome != "passed" || x.Attempts != 1 || x.ID == "" || !x.Client.IsLoopback() {
		t.Errorf("got %+v, want the request as it was", x)
	}
	if a := r.send(http.MethodGet, "/elsewhere", ""); a.status != http.StatusNotFound {
		t.Errorf("got %d, want 404 where no flow is", a.status)
	}
	if x := <-told; x.Flow != "" || x.Status != 404 {
		t.Errorf("got %+v, want the 404 told", x)
	}
}

func TestCountsAreThoseThatClientsSee(t *testing.T) {
	f := Flow{Interrupted: []Step{{Do: DoHold, Hold: Hold{For: 300 * time.Millisecond, Requests: 8}}}}
	r := newRig(t, f, nil)
	r.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 32
	ctx, stop := context.WithCancel(t.Context())
	var ok, refused, others atomic.Int64
	var workers sync.WaitGroup
	for range 24 {
		workers.Go(func() {
			for ctx.Err() == nil {
				switch a := r.send(http.MethodGet, "/", "", "Accept", "text/plain"); {
				case a.status == http.StatusOK:
					ok.Add(1)
				case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
					refused.Add(1)
				default:
					others.Add(1)
				}
			}
		})
	}
	for i := range 4 {
		id := strconv.Itoa(i)
		if err := r.gate.Interrupt(Interruption{ID: id, Flows: []string{"messenger"}, Lapses: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		before := r.gate.Counts()["messenger"].Rejected
		r.await("some refused", func() bool { return r.gate.Counts()["messenger"].Rejected > before })
		r.gate.End(id)
		r.await("normal again", func() bool { return phase(r.lane().phase.Load()) == normal })
	}
	stop()
	workers.Wait()
	c := r.gate.Counts()["messenger"]
	if c.Passed+c.Held != ok.Load() || c.Rejected != refused.Load() || others.Load() != 0 || c.Requests != ok.Load()+refused.Load() {
		t.Errorf("got %+v counted, want %d answered, %d refused and %d others as clients saw them", c, ok.Load(), refused.Load(), others.Load())
	}
	if c.Held == 0 || c.Rejected == 0 {
		t.Errorf("got %+v, want some held and some refused", c)
	}
}
