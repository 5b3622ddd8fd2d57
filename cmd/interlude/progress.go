package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// How long an answer may take before somebody at a terminal is told that it is waited for, and how often that line
// moves.
const (
	unnoticed = time.Second
	frame     = 100 * time.Millisecond
)

// clearLine takes back what stands on the current line of a terminal.
const clearLine = "\r\x1b[K"

// waiting is the way to a server that says on a terminal what is waited for, once that takes over a second. The line
// disappears with the answer.
type waiting struct {
	to   io.Writer
	what string
	next http.RoundTripper
}

// RoundTrip does the request; the wait ends when its answer has been read.
func (w waiting) RoundTrip(r *http.Request) (*http.Response, error) {
	quit := make(chan struct{})
	var line sync.WaitGroup
	line.Go(func() { w.show(quit) })
	end := sync.OnceFunc(func() {
		close(quit)
		line.Wait()
	})
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		end()
		return nil, err
	}
	answer.Body = ending{answer.Body, end}
	return answer, nil
}

// show draws the line until quit is closed, and takes it back.
func (w waiting) show(quit <-chan struct{}) {
	begun := time.Now()
	select {
	case <-quit:
		return
	case <-time.After(unnoticed):
	}
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for n := 0; ; n++ {
		fmt.Fprintf(w.to, clearLine+"%c waiting for the server: %s, %d s", `|/-\`[n%4], w.what, int(time.Since(begun).Seconds()))
		select {
		case <-quit:
			fmt.Fprint(w.to, clearLine)
			return
		case <-tick.C:
		}
	}
}

// ending is the body of an answer that does something at its end.
type ending struct {
	io.ReadCloser
	end func()
}

// Close ends it.
func (e ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

// counted says how many there are of something.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
