package messages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.org/interlude/spool"
)

// serve opens the door on a port, and gives a client of it.
func (h *house) serve() *Client {
	s := httptest.NewServer(h.api)
	h.t.Cleanup(s.Close)
	return &Client{Server: s.URL + "/", Token: secret}
}

func TestAProgramDeliversCancelsListsAndGets(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.serve(), t.Context()
	later := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	d := Delivery{
		DeliverAt: later, Expires: later.Add(time.Hour), Order: "o", Key: "k",
		Request: &Request{URL: "https://push.example.com/v1/a", Headers: map[string]string{"A": "b"}, Body: []byte{0, 255}},
	}
	r, err := c.Deliver(ctx, "push", d)
	if want := (Receipt{ID: "m000001", Flow: "push", State: spool.Waiting, DeliverAt: later}); err != nil || r != want {
		t.Fatalf("got %+v, %v, want %+v", r, err, want)
	}
	if e := h.spool.entry(t); !bytes.Equal(e.Body, []byte{0, 255}) || !e.Expires.Equal(later.Add(time.Hour)) || e.Lane != "o" || e.Key != "app:k" {
		t.Errorf("got %+v, want what was asked for", e)
	}
	if again, err := c.Deliver(ctx, "push", d); err != nil || !again.Known || again.ID != r.ID {
		t.Errorf("got %+v, %v, want the same again", again, err)
	}
	if _, err := c.Deliver(ctx, "mail", Delivery{Mail: &Mail{To: []string{"a@example.com"}, Message: []byte("From: a\n\nx")}}); err != nil {
		t.Errorf("a mail: got %v, want it accepted", err)
	}
	m, err := c.Get(ctx, "push", r.ID)
	if err != nil || m.State != spool.Waiting || m.Key != "k" || !m.DeliverAt.Equal(later) || m.Order != "o" {
		t.Errorf("got %+v, %v, want it waiting", m, err)
	}
	if err := c.Cancel(ctx, "push", r.ID); err != nil {
		t.Errorf("got %v, want it canceled", err)
	}
	var p *Problem
	if _, err := c.Retry(ctx, "push", r.ID); !errors.As(err, &p) || p.Status != http.StatusConflict || p.State != "removed" {
		t.Errorf("got %v, want a conflict: it is removed", err)
	}
	if _, err := c.Deliver(ctx, "push", Delivery{Request: &Request{URL: "https://evil.example/"}}); !errors.As(err, &p) || p.Field != "request.url" {
		t.Errorf("got %v, want a problem with request.url", err)
	}
}

func TestAProgramGoesThroughAllMessages(t *testing.T) {
	h := newHouse(t, nil)
	c := h.serve()
	for range mostListed + 1 {
		h.send(ping)
	}
	count, last := 0, ""
	for m, err := range c.List(t.Context(), "push", Filter{State: spool.Waiting, Before: time.Now().Add(time.Hour)}) {
		if err != nil || m.ID <= last {
			t.Fatalf("got %s after %s, %v, want them by their ids", m.ID, last, err)
		}
		count, last = count+1, m.ID
	}
	if count != mostListed+1 {
		t.Errorf("got %d, want %d", count, mostListed+1)
	}
	for range c.List(t.Context(), "push", Filter{}) {
		break // no more is asked for
	}
	for _, err := range c.List(t.Context(), "push", Filter{State: "lost"}) {
		if err == nil {
			t.Error("got no error, want one")
		}
	}
}

func TestAProgramIsToldWhenSomethingElseAnswers(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	c := &Client{Server: s.URL, Token: secret}
	if _, err := c.Get(t.Context(), "push", "a"); err == nil || !strings.Contains(err.Error(), "not as this door does") {
		t.Errorf("got %v, want that this is no door for messages", err)
	}
	s.Close()
	if _, err := c.Get(t.Context(), "push", "a"); err == nil {
		t.Error("got no error from a server that is gone, want one")
	}
}

func TestCurlIsAClient(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	h := newHouse(t, nil)
	server := strings.TrimSuffix(h.serve().Server, "/")
	curl := func(args ...string) string {
		t.Helper()
		args = append([]string{"--silent", "--show-error", "--max-time", "10", "--header", "Authorization: Bearer " + secret, "--write-out", "%{http_code}"}, args...)
		out, err := exec.CommandContext(t.Context(), "curl", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--json", ping, server + "/v1/messages/push"}, `"known":false}` + "\n201"},
		{[]string{"--json", ping, "-H", "Idempotency-Key: a", server + "/v1/messages/push"}, `"known":false}` + "\n201"},
		{[]string{"--json", ping, "-H", "Idempotency-Key: a", server + "/v1/messages/push"}, `"known":true}` + "\n200"},
		{[]string{"--data-binary", "a body", "-H", "Deliver-URL: https://push.example.com/v1/", server + "/v1/messages/push/raw"}, "201"},
		{[]string{server + "/v1/messages/push?state=waiting"}, "200"},
		{[]string{"-X", "DELETE", server + "/v1/messages/push/m000001"}, "204"},
		{[]string{"-X", "DELETE", server + "/v1/messages/push/m000009"}, "404"},
		{[]string{"--json", "{}", server + "/v1/messages/push"}, "422"},
	} {
		if got := curl(c.args...); !strings.HasSuffix(got, c.want) {
			t.Errorf("curl %v: got %s, want %s at its end", c.args, got, c.want)
		}
	}
}

func BenchmarkAccept(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			benchmarkAccept(b, discarding{}, bytes.Repeat([]byte("x"), size))
		})
	}
}

// benchmarkAccept sends a body in the raw form over many connections.
func benchmarkAccept(b *testing.B, s Spool, body []byte) {
	a, err := New(settings(s))
	if err != nil {
		b.Fatal(err)
	}
	front := httptest.NewServer(a)
	defer front.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	b.SetBytes(int64(len(body)))
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, front.URL+"/v1/messages/push/raw", bytes.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+secret)
			r.Header.Set("Deliver-URL", "https://push.example.com/v1/send")
			answered, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, answered.Body)
			answered.Body.Close()
			if answered.StatusCode != http.StatusCreated {
				b.Errorf("got %d, want 201", answered.StatusCode)
				return
			}
		}
	})
}
