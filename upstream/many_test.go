package upstream_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/interlude/upstream"
)

func TestManyAtOnceGetTheirOwnAnswers(t *testing.T) {
	address := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("early") {
			w.WriteHeader(http.StatusTeapot) // and the body is not read
			return
		}
		echo(w, r)
	}))
	before := runtime.NumGoroutine()
	g := newGroup(t, upstream.Config{Addresses: []string{address, address}, HeaderTimeout: time.Minute, MaxIdle: 8})
	var asking sync.WaitGroup
	for asker := range 32 {
		asking.Go(func() {
			for turn := range 40 {
				wanted(t, g, asker*1000+turn)
			}
		})
	}
	asking.Wait()
	for _, state := range g.Addresses() {
		if state.Busy != 0 {
			t.Errorf("got %d busy, want none", state.Busy)
		}
	}
	g.CloseIdle()
	for runtime.NumGoroutine() > before+2 { // the server's accept loop, and what it has not noticed yet
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
		runtime.Gosched()
	}
}

// wanted asks one of several kinds of questions, some of which are given up, and checks that the answer is to this one.
func wanted(t *testing.T, g *upstream.Group, number int) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	body := strings.Repeat(fmt.Sprintf("%d,", number), rand.IntN(10_000)+1)
	method, target := "POST", fmt.Sprintf("/%d", number)
	switch number % 5 {
	case 0:
		method, body = "GET", ""
	case 1:
		target += "?early"
	case 2:
		time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, leave)
	}
	r := request(t, method, target, body).WithContext(ctx)
	if number%2 == 0 {
		r.ContentLength = -1
	}
	answer, err := g.RoundTrip(r)
	if err != nil {
		if ctx.Err() == nil && number%5 != 1 { // an early answer may be lost when the product resets the connection
			t.Errorf("%s %s: got %v, want an answer", method, target, err)
		}
		return
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	switch {
	case number%5 == 1:
		if answer.StatusCode != http.StatusTeapot {
			t.Errorf("%s %s: got %s, want a teapot", method, target, answer.Status)
		}
	case ctx.Err() != nil:
	case err != nil || !strings.HasPrefix(string(got), "product.example "+method+" "+target+" ") || !strings.HasSuffix(string(got), " "+body):
		t.Errorf("%s %s: got %.80q and %v, want its own answer", method, target, got, err)
	}
}
