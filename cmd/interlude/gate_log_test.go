package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	collected "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"example.org/interlude/gate"
)

// exchange is a request that somebody wrote who wants to be seen.
func exchange() gate.Exchange {
	r := httptest.NewRequest(http.MethodGet, "/path?token=secret", nil)
	r.Host = "app.example.com"
	r.URL.Path = "/a\"b\n{\x1b[31m\xff}"
	r.Header.Set("User-Agent", "evil\r\n{\"status\":200}")
	r.Header.Set("Referer", "https://search.example.org/?q=secret")
	return gate.Exchange{
		Request: r, ID: "id", Client: netip.MustParseAddr("198.51.100.7"), Flow: "app", Outcome: "held", Status: 200, Bytes: 12,
		Began: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), Took: 1500 * time.Microsecond, Waited: time.Millisecond, Attempts: 2,
	}
}

func TestALineOfTheAccessLogIsOneLineWhateverItHolds(t *testing.T) {
	a := newAccessLog(slog.New(slog.DiscardHandler))
	var out lockedBuffer
	a.target(unclosed{&out})
	a.note(t.Context(), exchange())
	a.target(nil)
	a.note(t.Context(), exchange())
	text := out.String()
	if strings.Count(text, "\n") != 1 || strings.ContainsAny(strings.TrimSpace(text), "\x1b\r\n") || strings.Contains(text, "secret") {
		t.Fatalf("got %q, want one line without control characters and without queries", text)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"time": "2027-01-02T03:04:05Z", "client": "198.51.100.7", "method": "GET", "host": "app.example.com", "status": 200.0, "bytes": 12.0,
		"took_ms": 1.5, "waited_ms": 1.0, "flow": "app", "outcome": "held", "request": "id", "attempts": 2.0, "proto": "HTTP/1.1",
		"referer": "search.example.org", "user_agent": "evil\r\n{\"status\":200}", "path": "/a\"b\n{\x1b[31m\ufffd}",
	} {
		if line[key] != want {
			t.Errorf("got %s %v, want %v", key, line[key], want)
		}
	}
}

// stuck is a pipe that nobody reads.
type stuck struct{ read chan struct{} }

func (s stuck) Write(p []byte) (int, error) { <-s.read; return len(p), nil }
func (s stuck) Close() error                { return nil }

func TestALogThatNobodyReadsHoldsUpNobody(t *testing.T) {
	a := newAccessLog(slog.New(slog.DiscardHandler))
	pipe := stuck{make(chan struct{})}
	a.target(pipe)
	x := exchange()
	x.Request.Header.Set("User-Agent", strings.Repeat("long", 5000))
	a.note(t.Context(), x)
	flushed := make(chan struct{})
	go func() { a.flush(); close(flushed) }()
	for a.lost() == 0 {
		a.note(t.Context(), x)
	}
	a.mu.Lock()
	waits := len(a.waiting)
	a.mu.Unlock()
	if waits > mostWaiting {
		t.Errorf("got %d bytes that wait, want at most %d", waits, mostWaiting)
	}
	close(pipe.read)
	<-flushed
	a.target(nil)
}

func TestTheAccessLogIsOpenedAnewWithAReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	config := gateTo(productOf(t, "one"), "access_log: "+file+"\n")
	g := runGate(t, config)
	ask(t, http.DefaultClient, g.url()+"/before")
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	g.reload(config)
	ask(t, http.DefaultClient, g.url()+"/after")
	until(t, "line", func() bool {
		text, _ := os.ReadFile(file)
		return strings.Contains(string(text), "/after")
	})
	old, err := os.ReadFile(file + ".1")
	if err != nil || !strings.Contains(string(old), "/before") || strings.Contains(string(old), "/after") {
		t.Errorf("got %q and %v in the old file, want what was before", old, err)
	}
	g.reload(strings.Replace(config, file, "stdout", 1))
	ask(t, http.DefaultClient, g.url()+"/shown")
	g.stop()
	g.wait()
	if !strings.Contains(g.stdout.String(), "/shown") {
		t.Errorf("got %q on standard output, want the last line before the end", g.stdout.String())
	}
}

func TestARequestIsTracedFromTheClientToTheProduct(t *testing.T) {
	spans := make(chan *collected.ExportTraceServiceRequest, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got collected.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &got); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("got %v at %s, want spans in OTLP", err, r.URL.Path)
		}
		spans <- &got
	}))
	defer collector.Close()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var heard string
	product := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard = r.Header.Get("Traceparent") }))
	defer product.Close()
	g := runGate(t, gateTo(product.URL, "traces: {endpoint: '"+collector.URL+"', sample: 0}\n"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url()+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, http.DefaultClient, g.url()+"/not-sampled")
	r.Header.Set("Traceparent", parent)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	g.stop()
	g.wait()
	if !strings.HasPrefix(heard, parent[:36]) || heard == parent || !strings.HasSuffix(heard, "-01") {
		t.Errorf("the product got the trace parent %q, want the client's trace with the gate's own span", heard)
	}
	got := (<-spans).GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()
	if len(got) != 1 || got[0].GetName() != "GET" {
		t.Fatalf("got the spans %v, want the one that is sampled", got)
	}
	said := map[string]string{}
	for _, a := range got[0].GetAttributes() {
		said[a.GetKey()] = a.GetValue().GetStringValue()
	}
	if said["url.path"] != "/x" || said["interlude.flow"] != "app" || said["interlude.outcome"] != "passed" || said["client.address"] != "127.0.0.1" {
		t.Errorf("got the attributes %v, want what became of the request", said)
	}
}

func TestTrafficDoesNotWaitForACollector(t *testing.T) {
	g := runGate(t, gateTo(productOf(t, "one"), "traces: {endpoint: http://127.0.0.1:1, sample: 1}\n"))
	for range 20 {
		if answer, _ := ask(t, http.DefaultClient, g.url()); answer.StatusCode != http.StatusOK {
			t.Fatalf("got %d, want the product's answer", answer.StatusCode)
		}
	}
}

func BenchmarkALineOfTheAccessLog(b *testing.B) {
	a := newAccessLog(slog.New(slog.DiscardHandler))
	a.target(unclosed{io.Discard})
	x := exchange()
	b.ReportAllocs()
	for b.Loop() {
		a.note(b.Context(), x)
		if len(a.waiting) > mostlyWaiting {
			a.flush()
		}
	}
}
