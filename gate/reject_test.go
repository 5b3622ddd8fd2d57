package gate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/status"
)

// halfPast is the middle of the window of the tests.
var halfPast = time.Date(2027, 1, 15, 6, 30, 0, 0, time.UTC)

// plainly refuses without spreading anything, at half past six.
func plainly() *refuser {
	return &refuser{now: func() time.Time { return halfPast }, jitter: func(d time.Duration) time.Duration { return d }}
}

// restarting is a refusal in the middle of a maintenance.
func restarting() refusal {
	return refusal{
		why: whyInterrupted, status: 503, after: 11500 * time.Millisecond, restart: true,
		page: "Northwind", report: "https://status.northwind.example/incidents/db", title: "Scheduled database maintenance",
		window:   status.Window{Start: halfPast.Add(-30 * time.Minute), End: halfPast.Add(30 * time.Minute)},
		expected: halfPast.Add(10 * time.Minute), request: "req-1", back: "/.interlude/back?flow=web",
	}
}

// refused is what a request gets.
func refused(f *refuser, r *http.Request, why refusal) *http.Response {
	w := httptest.NewRecorder()
	f.refuse(w, r, why)
	return w.Result()
}

// asking is a request with an Accept field, unless that is empty.
func asking(method, accept string) *http.Request {
	r := httptest.NewRequest(method, "https://app.northwind.example/inbox?page=2", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	return r
}

func TestAProgramGetsAProblem(t *testing.T) {
	resp := refused(plainly(), asking("POST", ""), restarting())
	var got map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "about:blank", "title": "Service Unavailable", "status": 503.0,
		"detail":      "Northwind is interrupted for planned maintenance. The request was not carried out. It is expected back by 06:40 UTC.",
		"maintenance": "Scheduled database maintenance", "report": "https://status.northwind.example/incidents/db",
		"window_start": "2027-01-15T06:00:00Z", "window_end": "2027-01-15T07:00:00Z", "expected": "2027-01-15T06:40:00Z",
		"retry_after": 12.0, "request_id": "req-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got another problem than expected (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Retry-After": "12", "Cache-Control": "no-store", "Vary": "Accept",
		"Content-Language": "en", "X-Content-Type-Options": "nosniff", "Connection": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestTheFormOfARefusalFollowsAccept(t *testing.T) {
	for _, c := range []struct{ accept, want string }{
		{"", "application/problem+json"},
		{"*/*", "application/problem+json"},
		{"application/json", "application/problem+json"},
		{"application/json, text/plain, */*", "application/problem+json"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "text/html; charset=utf-8"},
		{"text/plain", "text/plain; charset=utf-8"},
	} {
		if got := refused(plainly(), asking("GET", c.accept), restarting()).Header.Get("Content-Type"); got != c.want {
			t.Errorf("Accept %q: got %s, want %s", c.accept, got, c.want)
		}
	}
}

func TestTextIsOneLine(t *testing.T) {
	why := restarting()
	why.title = "Two\r\nlines"
	body, _ := io.ReadAll(refused(plainly(), asking("GET", "text/plain"), why).Body)
	want := "Maintenance in progress: Two lines. Northwind is interrupted for planned maintenance. It is expected back by 06:40 UTC. https://status.northwind.example/incidents/db (request req-1)\n"
	if got := string(body); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextSaysThatSomethingMayHaveBeenCarriedOut(t *testing.T) {
	why := restarting()
	why.sent, why.title, why.report = true, "", ""
	body, _ := io.ReadAll(refused(plainly(), asking("POST", "text/plain"), why).Body)
	want := "Maintenance in progress. Northwind is interrupted for planned maintenance. Whether the request was carried out is not known. Check that before you send it again. It is expected back by 06:40 UTC. (request req-1)\n"
	if got := string(body); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHeadHasTheHeaderOfGetAndNoBody(t *testing.T) {
	for _, accept := range []string{"", "text/html", "text/plain"} {
		get, head := refused(plainly(), asking("GET", accept), restarting()), refused(plainly(), asking("HEAD", accept), restarting())
		if diff := cmp.Diff(get.Header, head.Header); diff != "" || get.StatusCode != head.StatusCode {
			t.Errorf("Accept %q: got another header (-get +head):\n%s", accept, diff)
		}
		body, _ := io.ReadAll(head.Body)
		if length := get.Header.Get("Content-Length"); len(body) != 0 || length == "" || length == "0" {
			t.Errorf("Accept %q: got %d bytes and a length of %q, want none and that of the body", accept, len(body), length)
		}
	}
}

func TestWhatIsToldFollowsFromTheReason(t *testing.T) {
	unknown := refusal{why: whyInterrupted, status: 503}
	for _, c := range []struct {
		name   string
		change func(*refusal)
		method string
		from   refusal
		want   string
		retry  string
	}{
		{"a full hold", func(r *refusal) { r.why = whyFull }, "GET", restarting(), "Northwind is interrupted for planned maintenance. Too many requests are waiting for it already. It is expected back by 06:40 UTC.", "12"},
		{"a wait that was long enough", func(r *refusal) { r.why = whyExpired }, "GET", restarting(), "Northwind is interrupted for planned maintenance. This request has waited as long as it may. It is expected back by 06:40 UTC.", "12"},
		{"an end that has passed", func(r *refusal) { r.expected = halfPast }, "GET", restarting(), "Northwind is interrupted for planned maintenance. It takes longer than expected.", "12"},
		{"an end on another day", func(r *refusal) { r.expected = halfPast.AddDate(0, 0, 1) }, "GET", restarting(), "Northwind is interrupted for planned maintenance. It is expected back by Jan 16, 06:30 UTC.", "12"},
		{"nothing known", func(*refusal) {}, "DELETE", unknown, "This service is not available at the moment. The request was not carried out.", "30"},
		{"a product that cannot be reached", func(r *refusal) { r.why, r.status, r.after = whyUnreachable, 502, 0 }, "GET", restarting(), "Northwind does not answer at the moment.", ""},
		{"a product that is slow", func(r *refusal) { r.why, r.status, r.after = whySlow, 504, 0 }, "PUT", restarting(), "Northwind did not answer in time. Whether the request was carried out is not known. Check that before you send it again.", ""},
		{"something that was sent", func(r *refusal) { r.sent = true }, "POST", restarting(), "Northwind is interrupted for planned maintenance. Whether the request was carried out is not known. Check that before you send it again. It is expected back by 06:40 UTC.", "12"},
		{"a question that was sent", func(r *refusal) { r.sent = true }, "GET", restarting(), "Northwind is interrupted for planned maintenance. It is expected back by 06:40 UTC.", "12"},
		{"a product that is back soon", func(r *refusal) { r.why, r.status, r.after = whyUnreachable, 502, time.Second }, "GET", unknown, "This service does not answer at the moment.", "1"},
	} {
		c.change(&c.from)
		resp := refused(plainly(), asking(c.method, "application/json"), c.from)
		var got struct {
			Detail string
			Status int
		}
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Detail != c.want || got.Status != c.from.status || resp.StatusCode != c.from.status {
			t.Errorf("%s: got %d %q, want %d %q", c.name, got.Status, got.Detail, c.from.status, c.want)
		}
		if got := resp.Header.Get("Retry-After"); got != c.retry {
			t.Errorf("%s: got Retry-After %q, want %q", c.name, got, c.retry)
		}
	}
}

func TestClientsDoNotComeBackTogetherAndNeverTooEarly(t *testing.T) {
	f := &refuser{}
	for after, most := range map[time.Duration]int{
		time.Millisecond: 3, time.Second: 3, 1200 * time.Millisecond: 4, 5 * time.Second: 7, 20500 * time.Millisecond: 25, 10 * time.Minute: 720,
		20 * time.Hour: 86400, 300 * time.Hour: 86400,
	} {
		seen := map[int]bool{}
		for range 500 {
			got, err := strconv.Atoi(refused(f, asking("GET", ""), refusal{status: 503, after: after}).Header.Get("Retry-After"))
			least := min(int((after+time.Second-1)/time.Second), 86400)
			if err != nil || got < least || got > most {
				t.Fatalf("after %s: got Retry-After %d (%v), want %d to %d", after, got, err, least, most)
			}
			seen[got] = true
		}
		if after < 24*time.Hour && len(seen) < 3 {
			t.Errorf("after %s: got everybody sent back within %d s, want a spread of two seconds at least", after, len(seen))
		}
	}
}

func TestAwkwardWordsReachProgramsUnchanged(t *testing.T) {
	for _, words := range []string{"a \"quote\" and a \\", "two\nlines\t\x00\x7f", "<Süd> & 🐘\u2028", ""} {
		why := restarting()
		why.title, why.page, why.request = words, words, words
		var got struct {
			Maintenance, Detail string
			Request             string `json:"request_id"`
		}
		if err := json.NewDecoder(refused(plainly(), asking("GET", ""), why).Body).Decode(&got); err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		if got.Maintenance != words || got.Request != words || !strings.HasPrefix(got.Detail, why.subject()+" is interrupted") {
			t.Errorf("got %+v, want %q in all of them", got, words)
		}
	}
}

// refusing is a server that refuses everything.
func refusing(t *testing.T, why refusal) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { plainly().refuse(w, r, why) }))
	t.Cleanup(s.Close)
	return s
}

// longEnough is how long a test waits for what has to come.
const longEnough = 20 * time.Second

func TestALargeBodyIsNotWaitedFor(t *testing.T) {
	s := refusing(t, restarting())
	for what, head := range map[string]string{
		"a length of 200 KiB": "Content-Length: 204800\r\n\r\nbeginning",
		"a length not known":  "Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n",
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(longEnough))
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: app.northwind.example\r\n%s", head)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: got %v while the body is still to come, want the answer", what, err)
		}
		if resp.StatusCode != http.StatusServiceUnavailable || !resp.Close {
			t.Errorf("%s: got %s and an end of the connection: %t; want 503 and its end", what, resp.Status, resp.Close)
		}
	}
}

func TestTheConnectionOfASmallRequestIsKept(t *testing.T) {
	s := refusing(t, restarting())
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(longEnough))
	in := bufio.NewReader(conn)
	for i := range 3 {
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: app.northwind.example\r\nContent-Length: 60000\r\n\r\n%s", strings.Repeat("x", 60000))
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Close {
			t.Errorf("request %d: got %s and an end of the connection: %t; want 503 and the connection kept", i, resp.Status, resp.Close)
		}
	}
}

// discarding is an answer that goes nowhere.
type discarding struct{ h http.Header }

func (d discarding) Header() http.Header         { return d.h }
func (d discarding) Write(p []byte) (int, error) { return len(p), nil }
func (d discarding) WriteHeader(int)             {}

func BenchmarkRefuse(b *testing.B) {
	for name, accept := range map[string]string{"problem": "*/*", "page": "text/html,*/*;q=0.8", "text": "text/plain"} {
		b.Run(name, func(b *testing.B) {
			f, r, why, w := &refuser{}, asking("GET", accept), restarting(), discarding{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				f.refuse(w, r, why)
			}
		})
	}
}
