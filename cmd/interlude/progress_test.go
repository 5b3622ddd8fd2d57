package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a server that takes its time.
type slow time.Duration

func (s slow) RoundTrip(*http.Request) (*http.Response, error) {
	<-time.After(time.Duration(s)) // in a bubble, which has its own time
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func TestALongWaitIsToldAndTakenBack(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		want  []string
	}{
		{takes: 900 * time.Millisecond},
		{takes: 2150 * time.Millisecond, want: []string{"waiting for the server: 5000 documents, 1 s", "5000 documents, 2 s"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var terminal bytes.Buffer
			client := http.Client{Transport: waiting{to: &terminal, what: "5000 documents", next: slow(c.takes)}}
			answer, err := client.Get("http://127.0.0.1/")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			shown := terminal.String()
			for _, want := range c.want {
				if !strings.Contains(shown, want) {
					t.Errorf("%s: got %q, want %q in it", c.takes, shown, want)
				}
			}
			if len(c.want) == 0 && shown != "" || len(c.want) > 0 && !strings.HasSuffix(shown, clearLine) {
				t.Errorf("%s: got %q, want nothing to stay", c.takes, shown)
			}
		})
	}
}

func TestNobodyIsToldOfAWaitWhoDoesNotLook(t *testing.T) {
	var file bytes.Buffer
	s := &session{stderr: &file, env: func(string) string { return "" }}
	if got := s.client().HTTP; got != nil {
		t.Errorf("got a client that writes to what is no terminal: %v", got)
	}
}
