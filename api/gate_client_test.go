package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/status"
)

// stream is a transport whose answer is a stream that the test writes.
type stream struct {
	status int
	kind   string
	body   io.Reader
}

func (s stream) RoundTrip(r *http.Request) (*http.Response, error) {
	body, write := io.Pipe()
	context.AfterFunc(r.Context(), func() { _ = write.CloseWithError(r.Context().Err()) })
	go func() {
		_, err := io.Copy(write, s.body)
		_ = write.CloseWithError(err)
	}()
	return &http.Response{StatusCode: s.status, Header: http.Header{"Content-Type": {s.kind}}, Body: body}, nil
}

func (s stream) follow(ctx context.Context, heard func(Plan)) error {
	c := &Client{Server: "http://status.example", HTTP: &http.Client{Transport: s, Timeout: time.Second}}
	return c.FollowPlan(ctx, "gate-1", heard)
}

func TestAStreamBringsOnePlanAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := ": begun\n\nid: 3\nevent: plan\ndata: {\"revision\": 3}\n\nevent: news\ndata: {\"revision\": 9}\n\n:\n\n" +
			"event: plan\r\ndata: {\"revision\": 4, \"page\": \"a: b\"}\r\n\r\nevent: plan\ndata: {\"revision\": 5}"
		var got []Plan
		err := stream{http.StatusOK, EventStream + "; charset=utf-8", strings.NewReader(body)}.follow(t.Context(), func(p Plan) {
			got = append(got, p)
			<-time.After(time.Minute) // whoever hears may take its time
		})
		if len(got) != 2 || got[0].Revision != 3 || got[1].Revision != 4 || got[1].Page != "a: b" {
			t.Errorf("got %+v, want the two plans that came whole", got)
		}
		var broken *Unreachable
		if !errors.As(err, &broken) || !errors.Is(err, errEnded) {
			t.Errorf("got %v, want that the server ended the stream", err)
		}
	})
}

func TestAStreamThatHasFallenSilentIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, server := io.Pipe()
		go func() {
			for range 6 {
				<-time.After(20 * time.Second)
				_, _ = io.WriteString(server, ":\n\n")
			}
		}()
		begun := time.Now()
		err := stream{http.StatusOK, EventStream, body}.follow(t.Context(), func(Plan) {})
		if want := 6*20*time.Second + silence; !errors.Is(err, errSilent) || time.Since(begun) != want {
			t.Errorf("got %v after %s, want that it is silent after %s", err, time.Since(begun), want)
		}
		_ = body.Close()
	})
}

func TestAStreamEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, server := io.Pipe()
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the gate stops")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if err := (stream{http.StatusOK, EventStream, body}).follow(ctx, func(Plan) {}); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		_ = server.Close()
	})
}

func TestWhatIsNoStreamOfPlansIsToldAsSuch(t *testing.T) {
	var problem *Problem
	var foreign *Foreign
	for name, c := range map[string]struct {
		stream
		is   any
		says string
	}{
		"a refusal":        {stream{401, ProblemType, strings.NewReader(`{"code": "unauthorized", "detail": "this token has been revoked"}`)}, &problem, "has been revoked"},
		"a page":           {stream{200, "text/html", strings.NewReader(`<h1>Hello</h1>`)}, &foreign, "the answer is no stream of plans"},
		"a proxy":          {stream{502, "text/html", strings.NewReader(`<h1>Bad Gateway</h1>`)}, &foreign, "the error is not in its form"},
		"a broken plan":    {stream{200, EventStream, strings.NewReader("event: plan\ndata: {\n\n")}, &foreign, "the plan cannot be read"},
		"an endless line":  {stream{200, EventStream, io.LimitReader(endless{}, largestPlan+1)}, &foreign, "larger than any plan"},
		"an error in 2xx":  {stream{204, EventStream, strings.NewReader("")}, &foreign, "the answer is no stream of plans"},
		"a redirect to it": {stream{307, EventStream, strings.NewReader("")}, &foreign, "it redirects"},
	} {
		err := c.follow(t.Context(), func(p Plan) { t.Errorf("%s: got the plan %+v, want none", name, p) })
		if !errors.As(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
}

// endless is one line of text.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

func TestWhatAGateTellsIsRepeatedWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &flaky{breaks: 1}
		c := &Client{Server: "http://status.example", HTTP: &http.Client{Transport: transport}}
		if err := c.TellState(t.Context(), "gate-1", GateState{}); err != nil {
			t.Fatal(err)
		}
		transport.keys = append(transport.keys, "then")
		if err := c.TellOutcomes(t.Context(), "gate-1", OutcomeBatch{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(transport.keys, ","); got != ",,then," {
			t.Errorf("got the keys %q, want none of the state, its repetition and the outcomes", got)
		}
		if err := c.TellState(t.Context(), "..", GateState{}); err == nil {
			t.Error("got no error for a gate named .., want a refusal")
		}
	})
}

func TestAnInterruptionIsNamedByBothItsParts(t *testing.T) {
	var paths []string
	c := &Client{Server: "http://status.example", HTTP: &http.Client{Transport: noting{&paths}}}
	if _, err := c.EndInterruption(t.Context(), "a{id}b", "c/d"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExtendInterruption(t.Context(), "m", "i", InterruptionExtension{AtMost: status.Duration(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	want := Prefix + "/maintenances/a%7Bid%7Db/interruptions/c%2Fd/close " + Prefix + "/maintenances/m/interruptions/i/extend"
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, id := range []string{"", "."} {
		if _, err := c.EndInterruption(t.Context(), "m", id); err == nil {
			t.Errorf("%q: got no error, want a refusal", id)
		}
	}
}

// noting is a transport that notes where requests go.
type noting struct{ paths *[]string }

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	*n.paths = append(*n.paths, r.URL.EscapedPath())
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}
