package mail

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectionsThatFailTogetherAreOneFailure(t *testing.T) {
	bubble(t, []string{one}, nil, func(t *testing.T, p *Pool) {
		first, second := post(t, p), post(t, p)
		synctest.Wait()
		if pause := time.Until(p.Condition()[0].Next); pause > firstPause+firstPause/4 {
			t.Errorf("got a pause of %s, want that after one failure", pause)
		}
		<-first
		<-second
	})
}

func TestARelayThatHasServedIsForgivenItsFailures(t *testing.T) {
	scripts := map[string][]script{one: {"refuse", "refuse", "refuse", singleThenBye, "refuse"}}
	bubble(t, []string{one}, scripts, func(t *testing.T, p *Pool) {
		<-post(t, p)
		wait(t, p, 0, Up)
		if r := <-post(t, p); !r.Accepted() {
			t.Errorf("got %+v, want it accepted", r)
		}
		<-time.After(2 * idleWait)
		last := post(t, p)
		synctest.Wait()
		if pause := time.Until(p.Condition()[0].Next); pause <= 0 || pause > firstPause+firstPause/4 {
			t.Errorf("got a pause of %s, want that after one failure", pause)
		}
		<-last
	})
}

func TestARelayThatLeavesIsNotUsedForAWhile(t *testing.T) {
	scripts := map[string][]script{
		one: {single + `
			C: MAIL FROM:<s@example.org> SIZE=3
			+: RCPT TO:<r0@example.com>
			+: DATA
			S: 421 4.3.2 going down`},
		two: {singleThenBye},
	}
	bubble(t, []string{one, two}, scripts, func(t *testing.T, p *Pool) {
		<-post(t, p)
		if r := <-post(t, p); r.Relay != two || !r.Accepted() {
			t.Errorf("got %+v, want it accepted by %s", r, two)
		}
		if c := p.Condition()[0]; c.State != Down || !strings.Contains(c.Why, "421 4.3.2 going down") || c.Accepted != 1 {
			t.Errorf("got %+v, want it down because it left, with one message accepted", c)
		}
	})
}

func TestAConnectionThatOpensWhenThePoolEndsIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, scripts: map[string][]script{one: {"hang"}}}
		p := NewPool([]Relay{{Address: one}}, "client.example", quiet())
		release := make(chan struct{})
		p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			<-release
			return s.dial(ctx, network, address)
		}
		stop := run(t, p)
		reply := post(t, p)
		synctest.Wait()
		go func() {
			synctest.Wait()
			close(release)
		}()
		asked := time.Now()
		stop()
		if r := <-reply; r.Err == nil || !asked.Equal(time.Now()) {
			t.Errorf("got %+v after %s, want it answered at once", r, time.Since(asked))
		}
		s.done()
	})
}

func TestAPasswordThatARelayRepeatsIsNotShown(t *testing.T) {
	scripts := map[string][]script{"localhost:25": {`
		S: 220 relay.example
		C: EHLO client.example
		S: 250-relay.example
		S: 250 AUTH PLAIN
		C: AUTH PLAIN AHUAc2VjcmV0
		S: 502 5.5.1 what is AUTH PLAIN AHUAc2VjcmV0
		C: *
		S: 501 as you like
		C: QUIT
		S: 221 bye`}}
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, scripts: scripts}
		p := NewPool([]Relay{{Address: "localhost:25", TLS: Never, User: "u", Password: "secret"}}, "client.example", quiet())
		p.Dial = s.dial
		stop := run(t, p)
		post(t, p)
		wait(t, p, 0, Down)
		if c := p.Condition()[0]; !strings.Contains(c.Why, "502 5.5.1") || strings.Contains(c.Why, "AHUA") {
			t.Errorf("got %q, want the code and not the password", c.Why)
		}
		stop()
		s.done()
	})
}
