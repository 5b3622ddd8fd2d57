package compat

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// deviations are the cases of h2spec that net/http's server does not pass as they are written, and why that is right or
// does no harm. They are the same with no gate at all, which the tests show: a case that fails at the gate alone has no place here.
var deviations = map[string]string{
	"http2/4.2 Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE": `The case takes the limit to be 2^14
	octets; the server has said in its SETTINGS that it takes frames of up to 2^20, and serves the request.`,
	"http2/6.5.3 Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE": `The server hangs up with PROTOCOL_ERROR on SETTINGS that
	name something twice, against floods of them; no client sends such.`,
	"http2/8.1.2.2 Sends a HEADERS frame that contains the connection-specific header field": `The server answers 400 and ends the stream
	without RST_STREAM. RFC 9113, 8.1.1, lets a server answer first; the request is not passed on.`,
	`http2/8.1.2.2 Sends a HEADERS frame that contains the TE header field with any value other than "trailers"`: `Likewise: 400.`,
}

// deviationsInClear are there besides where the same address speaks HTTP/1.1 and HTTP/2 without TLS.
var deviationsInClear = map[string]string{
	"http2/3.5 Sends invalid connection preface": `What is no preface of HTTP/2 is a request of HTTP/1.1 there: the server answers
	400 in HTTP/1.1 and closes the connection. The case reads that answer as a broken frame.`,
}

// early are cases that fail or pass at a flow that refuses, by chance: the refusal is sent as soon as the head of the request is there,
// and ends the stream with RST_STREAM and NO_ERROR (RFC 9113, 8.1). What the case sends wrongly after the head may
// come before that, or to a stream that is closed, where net/http passes over it.
var early = []string{
	"http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream",
	"http2/8.1 Sends a second HEADERS frame without the END_STREAM flag",
	"http2/8.1.2.1 Sends a HEADERS frame that contains a pseudo-header field as trailers",
	`http2/8.1.2.6 Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length`,
	`http2/8.1.2.6 Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length`,
}

// h2specCases is how many cases the suite has, so that none is left out unseen.
const h2specCases = 146

// h2spec builds the suite at the version that tools/go.mod has.
func h2spec(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h2spec")
	command := exec.CommandContext(t.Context(), "go", "build", "-modfile=../tools/go.mod", "-o", path, "github.com/summerwind/h2spec/cmd/h2spec")
	if out, err := command.CombinedOutput(); err != nil {
		missing(t, "h2spec is not built: "+err.Error()+"\n"+string(out))
	}
	return path
}

// report is what h2spec writes for those that read JUnit's.
type report struct {
	Suites []struct {
		Cases []struct {
			Section string    `xml:"package,attr"`
			Does    string    `xml:"classname,attr"`
			Error   *struct{} `xml:"error"`
			Failure *struct{} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// examined is what h2spec found at an address.
type examined struct {
	cases  int
	failed []string // the cases that did not pass, in order
	said   string
	err    error
}

// examine runs the suite against an address. It is safe beside others of its kind.
func examine(ctx context.Context, h2spec, file, address string, args ...string) (e examined) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return examined{err: err}
	}
	ctx, stop := context.WithTimeout(ctx, 2*patience)
	defer stop()
	args = append([]string{"--host", host, "--port", port, "--strict", "--timeout", "3", "--junit-report", file}, args...)
	out, err := exec.CommandContext(ctx, h2spec, args...).CombinedOutput()
	e.said = string(out)
	if unhappy := (*exec.ExitError)(nil); err != nil && !errors.As(err, &unhappy) { // it ends with 1 where a case failed
		e.err = err
		return e
	}
	text, err := os.ReadFile(file)
	if err != nil {
		e.err = err
		return e
	}
	var r report
	e.err = xml.Unmarshal(text, &r)
	for _, suite := range r.Suites {
		e.cases += len(suite.Cases)
		for _, c := range suite.Cases {
			if c.Error != nil || c.Failure != nil || c.Skipped != nil {
				e.failed = append(e.failed, c.Section+" "+c.Does)
			}
		}
	}
	return e
}

// check wants all cases to have been tried, and those to have failed that are known to, no more and no less.
func (e examined) check(t *testing.T, inClear, refused bool) {
	t.Helper()
	known := maps.Clone(deviations)
	if inClear {
		maps.Copy(known, deviationsInClear)
	}
	if e.err != nil || e.cases != h2specCases {
		t.Errorf("got %d cases (%v), want %d", e.cases, e.err, h2specCases)
	}
	for _, f := range e.failed {
		if _, ok := known[f]; !ok && (!refused || !slices.Contains(early, f)) {
			t.Errorf("%s: it fails and is no known deviation", f)
		}
		delete(known, f)
	}
	for _, f := range slices.Sorted(maps.Keys(known)) {
		t.Errorf("%s: it passes, want it off the list of deviations", f)
	}
	if t.Failed() {
		t.Log(e.said)
	}
}

// product is what stands behind the gate, and counts the requests that reached it below /closed.
func product(closed *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/closed") {
			closed.Add(1)
		}
		_, _ = io.Copy(io.Discard, r.Body) // the client may have left
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "the product answers\n")
	})
}

// bare is net/http's own server with nothing before it, in clear and over TLS.
func bare(t *testing.T, handler http.Handler) (plain, secure string) {
	t.Helper()
	inClear, overTLS := httptest.NewUnstartedServer(handler), httptest.NewUnstartedServer(handler)
	silent := log.New(io.Discard, "", 0)
	inClear.Config.ErrorLog, overTLS.Config.ErrorLog = silent, silent
	inClear.Config.Protocols = new(http.Protocols)
	inClear.Config.Protocols.SetHTTP1(true)
	inClear.Config.Protocols.SetUnencryptedHTTP2(true)
	inClear.Start()
	t.Cleanup(inClear.Close)
	overTLS.EnableHTTP2 = true
	overTLS.StartTLS()
	t.Cleanup(overTLS.Close)
	return inClear.Listener.Addr().String(), overTLS.Listener.Addr().String()
}

// TestTheGateSpeaksHTTP2AsItsConformanceSuiteWants holds the gate's doors against h2spec, while it passes requests on and while it
// refuses them. What does not pass has to be a listed deviation, and each of these has to fail, so that the list stays true.
func TestTheGateSpeaksHTTP2AsItsConformanceSuiteWants(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds h2spec and waits for its time to be up")
	}
	var closed atomic.Int64
	suite, handler := h2spec(t), product(&closed)
	plain, secure := bare(t, handler)
	g := startGate(t, "http://"+plain)
	g.interrupt("closed")
	for at, want := range map[string]int{"/": http.StatusOK, "/closed": http.StatusServiceUnavailable} {
		answer, err := http.Get("http://" + g.plain + at)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Fatalf("GET %s: got %d, want %d", at, answer.StatusCode, want)
		}
	}
	doors := []struct {
		name, address string
		args          []string
	}{
		{"net/http in clear", plain, nil},
		{"net/http over TLS", secure, []string{"--tls", "--insecure"}},
		{"in clear", g.plain, nil},
		{"over TLS", g.secure, []string{"--tls", "--insecure"}},
		{"in clear while it is closed", g.plain, []string{"--path", "/closed"}},
		{"over TLS while it is closed", g.secure, []string{"--path", "/closed", "--tls", "--insecure"}},
	}
	// They run at the same time, as the suite waits far more than it works.
	var all sync.WaitGroup
	found, folder := make([]examined, len(doors)), t.TempDir()
	for i, door := range doors {
		all.Go(func() {
			found[i] = examine(t.Context(), suite, filepath.Join(folder, strconv.Itoa(i)), door.address, door.args...)
		})
	}
	all.Wait()
	for i, door := range doors {
		t.Run(door.name, func(t *testing.T) {
			found[i].check(t, !slices.Contains(door.args, "--tls"), slices.Contains(door.args, "/closed"))
		})
	}
	if n := closed.Load(); n > 0 {
		t.Errorf("%d requests of a flow that refuses reached the product, want none", n)
	}
}
