package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	naming "github.com/prometheus/common/model"

	"example.org/interlude/gate"
)

// running is a gate at work within the test.
type running struct {
	*gateProcess
	t         *testing.T
	file      string
	addresses []string
	hangups   chan os.Signal
	stop      context.CancelFunc
	ended     chan error
	stdout    *lockedBuffer
}

// lockedBuffer takes what is written by one goroutine and read by another.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// runGate runs a gate until the end of the test.
func runGate(t *testing.T, text string) *running {
	t.Helper()
	g := &running{t: t, file: filepath.Join(t.TempDir(), "gate.yaml"), hangups: make(chan os.Signal), ended: make(chan error, 1), stdout: &lockedBuffer{}}
	writeFile(t, g.file, text)
	read := func() (*gateSettings, error) { return readGate(g.file, func(string) string { return "" }) }
	settings, err := read()
	if err != nil {
		t.Fatal(err)
	}
	said := &lockedBuffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the gate said:\n%s", said)
		}
	})
	g.gateProcess, err = newGateProcess(t.Context(), settings, g.stdout, slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, g.stop = context.WithCancel(t.Context())
	up := make(chan []string, 1)
	go func() { g.ended <- g.run(ctx, settings, read, g.hangups, func(all []string) { up <- all }) }()
	select {
	case g.addresses = <-up:
	case err := <-g.ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.stop()
		if err := <-g.ended; err != nil {
			t.Errorf("got %v, want the gate to end without complaint", err)
		}
	})
	return g
}

// wait waits until the gate has ended by itself, or because it was stopped.
func (g *running) wait() {
	g.t.Helper()
	err := <-g.ended
	g.ended <- err
}

// reload has the gate read another configuration, and waits until it has done so: the second hangup is taken only when the
// first has been dealt with.
func (g *running) reload(text string) {
	g.t.Helper()
	writeFile(g.t, g.file, text)
	g.hangups <- syscall.SIGHUP
	g.hangups <- syscall.SIGHUP
}

func (g *running) url() string { return "http://" + g.addresses[0] }

// ask sends a request and reads the answer wholly.
func ask(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("got no %s, want it within some seconds", what)
		}
	}
}

// productOf is a product that answers with its name, and what it was told of the client.
func productOf(t *testing.T, name string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s for %s", name, r.Header.Get("X-Forwarded-For"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func gateTo(product, more string) string {
	return fmt.Sprintf("listen: {address: 127.0.0.1:0}\nadmin: 127.0.0.1:0\nname: gate-1\nupstreams: {app: {to: ['%s']}}\nflows:\n  - {name: app, upstream: app, interrupted: hold}\n%s", product, more)
}

func TestAGatePassesOnAndTellsItsFigures(t *testing.T) {
	g := runGate(t, gateTo(productOf(t, "one"), ""))
	for range 3 {
		if answer, body := ask(t, http.DefaultClient, g.url()+"/x"); answer.StatusCode != http.StatusOK || body != "one for 127.0.0.1" {
			t.Fatalf("got %d %q, want the product's answer", answer.StatusCode, body)
		}
	}
	admin := "http://" + g.admin.socket.Addr().String()
	if answer, body := ask(t, http.DefaultClient, admin+"/health"); answer.StatusCode != http.StatusOK || !strings.Contains(body, `"product":"normal"`) {
		t.Errorf("got %d %s, want the gate well and the product normal", answer.StatusCode, body)
	}
	_, text := ask(t, http.DefaultClient, admin+"/metrics")
	parser := expfmt.NewTextParser(naming.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	passed := 0.0
	for _, m := range families["interlude_gate_requests_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "outcome" && l.GetValue() == "passed" {
				passed = m.GetCounter().GetValue()
			}
		}
	}
	histogram := families["interlude_gate_answer_seconds"].GetMetric()[0].GetHistogram()
	if passed != 3 || histogram.GetSampleCount() != 3 {
		t.Errorf("got %v passed and %d answers measured, want 3 of each", passed, histogram.GetSampleCount())
	}
	for _, name := range []string{"held", "held_bytes", "in_flight", "flow_state", "connections", "plan_revision", "config_last_reload_successful", "build_info"} {
		if families["interlude_gate_"+name] == nil {
			t.Errorf("there is no figure interlude_gate_%s", name)
		}
	}
}

func TestNoRequestIsLostWhileTheConfigurationIsReloaded(t *testing.T) {
	one, two := productOf(t, "one"), productOf(t, "two")
	g := runGate(t, gateTo(one, ""))
	var lost, answered atomic.Int64
	var seen sync.Map
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 8 {
		client := &http.Client{Transport: &http.Transport{}}
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer, err := client.Post(g.url(), "text/plain", strings.NewReader("body"))
				if err != nil {
					lost.Add(1)
					t.Errorf("got %v, want an answer", err)
					return
				}
				body, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					lost.Add(1)
				}
				seen.Store(string(body[:3]), true)
				answered.Add(1)
			}
		})
	}
	for i := range 50 {
		to, from := one, answered.Load()
		if i%2 == 0 {
			to = two
		}
		g.reload(gateTo(to, ""))
		until(t, "request", func() bool { return answered.Load() > from+8 || lost.Load() > 0 })
	}
	close(stop)
	clients.Wait()
	_, toOne := seen.Load("one")
	_, toTwo := seen.Load("two")
	if lost.Load() > 0 || !toOne || !toTwo {
		t.Errorf("got %d of %d lost, and answers of the one %v and the other %v, want none lost and both", lost.Load(), answered.Load(), toOne, toTwo)
	}
}

func TestADoorMayChangeWhileItIsOpen(t *testing.T) {
	product := productOf(t, "one")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	config := strings.Replace(gateTo(product, ""), "127.0.0.1:0", address, 1)
	g := runGate(t, config)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 10 {
		if i%2 == 0 {
			g.reload(config + "limits: {idle: 5s}\n")
		} else {
			g.reload(config)
		}
		if answer, _ := ask(t, client, g.url()); answer.StatusCode != http.StatusOK {
			t.Fatalf("got %d after %d changes, want the door open", answer.StatusCode, i+1)
		}
	}
	other := strings.Replace(config, address, "127.0.0.2:0", 1)
	g.reload(other)
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("got a connection at the address that was left, want it closed")
	}
}

func TestAConfigurationThatCannotBeUsedChangesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	g := runGate(t, gateTo(productOf(t, "one"), ""))
	for name, text := range map[string]string{
		"no YAML":                     "flows: [",
		"an address that is not free": strings.Replace(gateTo(productOf(t, "two"), ""), "listen: {address: 127.0.0.1:0}", "listen: [{address: 127.0.0.1:0}, {address: '"+taken.Addr().String()+"'}]", 1),
		"a state that is no folder":   gateTo(productOf(t, "two"), "state: gate.yaml\n"),
		"a log without folder":        gateTo(productOf(t, "two"), "access_log: none/such/folder.log\n"),
	} {
		g.reload(text)
		if _, body := ask(t, http.DefaultClient, g.url()); !strings.HasPrefix(body, "one") || g.reloads.good.Load() {
			t.Errorf("%s: got %q and reload taken for good %v, want the configuration before it", name, body, g.reloads.good.Load())
		}
	}
	g.reload(gateTo(productOf(t, "two"), ""))
	if _, body := ask(t, http.DefaultClient, g.url()); !strings.HasPrefix(body, "two") || !g.reloads.good.Load() {
		t.Errorf("got %q, want the configuration that is right again", body)
	}
}

func TestAStopRefusesThoseWhoWaitAndLetsTheOthersFinish(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		fmt.Fprint(w, "finished")
	}))
	defer product.Close()
	g := runGate(t, gateTo(product.URL, "  - {name: slow, upstream: app, match: {path: /slow}}\n"))
	g.reload(fmt.Sprintf("listen: {address: 127.0.0.1:0}\nadmin: 127.0.0.1:0\nupstreams: {app: {to: ['%s']}}\nflows:\n  - {name: slow, upstream: app, match: {path: /slow}}\n  - {name: app, upstream: app, interrupted: hold}\n", product.URL))
	type told struct {
		status      int
		after, body string
	}
	get := func(path string) <-chan told {
		answers := make(chan told, 1)
		go func() {
			answer, body := ask(t, &http.Client{Transport: &http.Transport{}}, g.url()+path)
			answers <- told{answer.StatusCode, answer.Header.Get("Retry-After"), body}
		}()
		return answers
	}
	slow := get("/slow")
	<-arrived
	if err := g.gate.Interrupt(gate.Interruption{ID: "i", Flows: []string{"app"}, Lapses: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	held := get("/")
	until(t, "held request", func() bool { return g.gate.State().Flows[1].Held == 1 })
	admin := "http://" + g.admin.socket.Addr().String() + "/health"
	g.stop()
	if got := <-held; got.status != http.StatusServiceUnavailable || got.after == "" {
		t.Errorf("got %+v for the one who waited, want 503 with Retry-After", got)
	}
	until(t, "closed door", func() bool { _, err := net.Dial("tcp", g.addresses[0]); return err != nil })
	if answer, body := ask(t, http.DefaultClient, admin); answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "stopping") {
		t.Errorf("got %d %s, want the health to say that the gate stops", answer.StatusCode, body)
	}
	close(finish)
	if got := <-slow; got.status != http.StatusOK || got.body != "finished" {
		t.Errorf("got %+v for the one under way, want it finished", got)
	}
	g.wait()
}

func TestConnectionsBeyondTheLimitWaitForRoom(t *testing.T) {
	g := runGate(t, gateTo(productOf(t, "one"), "limits: {connections: 2}\n"))
	var first []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", g.addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, c)
	}
	until(t, "full room", func() bool { return g.room.count() == 2 })
	third, err := net.Dial("tcp", g.addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	fmt.Fprint(third, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	known := bufio.NewReader(first[0])
	for range 20 { // those inside are served, and nobody else comes in meanwhile
		fmt.Fprint(first[0], "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(known, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	if got := g.room.count(); got != 2 {
		t.Errorf("got %d connections inside, want 2", got)
	}
	first[0].Close()
	answer, err := http.ReadResponse(bufio.NewReader(third), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("got %v and %v, want an answer once there is room", answer, err)
	}
	first[1].Close()
}

func TestAClientThatStandsStillIsLeft(t *testing.T) {
	gone := make(chan struct{}, 1)
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					gone <- struct{}{}
					return
				}
			}
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer product.Close()
	g := runGate(t, strings.Replace(gateTo(product.URL, "limits: {stalled: 100ms, header_timeout: 100ms}\n"), "{name: app,", "{name: app, match: {host: a},", 1))
	for name, sent := range map[string]string{
		"a header without end": "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
		"a body without end":   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
		"a body nobody reads":  "POST / HTTP/1.1\r\nHost: nobody\r\nContent-Length: 100\r\n\r\nabc",
		"chunks without end":   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		c, err := net.Dial("tcp", g.addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, sent)
		if said, err := io.ReadAll(c); err != nil {
			t.Errorf("%s: got %v after %q, want the connection closed", name, err, said)
		}
	}
	c, err := net.Dial("tcp", g.addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n") // and nobody reads
	<-gone
}

// The patience with clients that stand still is no reason to let a refusal wait.
func TestARefusalDoesNotWaitForABodyThatNobodyReads(t *testing.T) {
	for chain, sent := range map[string]string{
		"reject":              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
		"{do: hold, for: 1s}": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
	} {
		t.Run(chain, func(t *testing.T) {
			g := runGate(t, strings.Replace(gateTo(productOf(t, "one"), "limits: {stalled: 1h}\n"), "interrupted: hold", "interrupted: "+chain, 1))
			if err := g.gate.Interrupt(gate.Interruption{ID: "i", Flows: []string{"app"}, Lapses: time.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
			c, err := net.Dial("tcp", g.addresses[0])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(c, sent)
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("got %v and %v, want 503 although the rest of the body never comes", answer, err)
			}
		})
	}
}

func TestAHoldOutlivesADoorThatIsReplaced(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	config := strings.Replace(gateTo(productOf(t, "one"), "stop: {within: 10ms}\n"), "127.0.0.1:0", address, 1)
	g := runGate(t, config)
	if err := g.gate.Interrupt(gate.Interruption{ID: "i", Flows: []string{"app"}, Lapses: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	answers := make(chan int, 1)
	go func() {
		answer, _ := ask(t, &http.Client{Transport: &http.Transport{}}, g.url())
		answers <- answer.StatusCode
	}()
	until(t, "held request", func() bool { return g.gate.State().Flows[0].Held == 1 })
	g.reload(config + "limits: {idle: 5s}\n")
	old := time.NewTimer(200 * time.Millisecond) // longer than stop.within
	<-old.C
	g.gate.End("i")
	if got := <-answers; got != http.StatusOK {
		t.Errorf("got %d, want the request held through the reload to be answered", got)
	}
}
