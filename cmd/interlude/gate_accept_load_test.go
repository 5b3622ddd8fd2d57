package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is what clients ask of the gate, and what they were answered.
type load struct {
	url string
	// round is noted with each answer, when it comes.
	round atomic.Int32
	// answers are those so far, of all clients, and well those of them that were 2xx.
	answers, well atomic.Int64
	ending        chan struct{}
	clients       sync.WaitGroup

	mu  sync.Mutex
	all map[string][]told // by flow
}

// question is one request: what is asked, and the name by which it is found again.
type question struct{ method, path, body, id string }

// told is what its client was answered.
type told struct {
	question
	status     int
	retryAfter bool
	round      int32
	err        error // instead of an answer
}

func (q question) writes() bool { return q.method == http.MethodPost }

func (a told) ok() bool { return a.err == nil && a.status/100 == 2 }

// refused reports whether the client was told to come back.
func (a told) refused() bool {
	return a.err == nil && a.status == http.StatusServiceUnavailable && a.retryAfter
}

// String is what to say of it in a test that fails.
func (a told) String() string {
	return fmt.Sprintf("%s %q in round %d: status %d, Retry-After %v, error %v", a.method, a.id, a.round, a.status, a.retryAfter, a.err)
}

// newLoad begins with nobody.
func newLoad(url string) *load {
	return &load{url: url, ending: make(chan struct{}), all: map[string][]told{}}
}

// pause is how long a client thinks between an answer and its next request.
const pause = 20 * time.Millisecond

// add adds clients of a flow. Each has a connection of its own and asks, one after the other until the end, what next says for
// the client n and its i-th request.
func (l *load) add(ctx context.Context, clients int, flow string, next func(n, i int) question) {
	for n := range clients {
		l.clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: time.Minute}
			defer client.CloseIdleConnections()
			think := time.NewTicker(pause)
			defer think.Stop()
			var mine []told
			defer func() { l.keep(flow, mine) }()
			for i := 0; ; i++ {
				select {
				case <-l.ending:
					return
				case <-think.C:
				}
				mine = append(mine, l.ask(ctx, client, next(n, i)))
			}
		})
	}
}

// writeTwiceReadOnce is what most clients do.
func writeTwiceReadOnce(write, read string) func(n, i int) question {
	return func(n, i int) question {
		if i%3 == 2 {
			return question{method: http.MethodGet, path: read}
		}
		id := fmt.Sprintf("%s %d %d", write, n, i)
		return question{method: http.MethodPost, path: write, body: id, id: id}
	}
}

func (l *load) keep(flow string, some []told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[flow] = append(l.all[flow], some...)
}

// ask sends one request and reads its answer to the end.
func (l *load) ask(ctx context.Context, client *http.Client, q question) told {
	a := told{question: q}
	r, err := http.NewRequestWithContext(ctx, q.method, l.url+q.path, strings.NewReader(q.body))
	if err == nil {
		var answer *http.Response
		if answer, err = client.Do(r); err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
			a.status, a.retryAfter = answer.StatusCode, seconds > 0
		}
	}
	a.err, a.round = err, l.round.Load()
	l.answers.Add(1)
	if a.ok() {
		l.well.Add(1)
	}
	return a
}

// end lets the clients finish what they began.
func (l *load) end() {
	close(l.ending)
	l.clients.Wait()
}

// count is how many of a flow's requests are as is says.
func (l *load) count(flow string, is func(told) bool) (n int64) {
	for _, a := range l.all[flow] {
		if is(a) {
			n++
		}
	}
	return n
}
