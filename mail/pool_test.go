package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// post hands over one message and returns where its reply will be.
func post(t *testing.T, p *Pool) <-chan Reply {
	t.Helper()
	return postTo(t, p, "r0@example.com")
}

func postTo(t *testing.T, p *Pool, to string) <-chan Reply {
	t.Helper()
	reply := make(chan Reply, 2) // so that a second reply would be seen
	err := p.Send(t.Context(), Job{
		From: "s@example.org", To: to,
		Compose: func(dst []byte) ([]byte, error) { return append(dst, "A\r\n"...), nil },
		Done:    func(r Reply) { reply <- r },
	})
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// bubble runs f with a pool of relays that follow scripts, where time passes when everybody waits.
func bubble(t *testing.T, relays []string, scripts map[string][]script, f func(t *testing.T, p *Pool)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, scripts: scripts}
		var all []Relay
		for _, address := range relays {
			all = append(all, Relay{Address: address, Connections: 2})
		}
		p := NewPool(all, "client.example", quiet())
		p.Dial = s.dial
		stop := run(t, p)
		f(t, p)
		stop()
		s.done()
	})
}

const (
	one = "one.example:25"
	two = "two.example:25"
)

// Scripts of whole connections: one message, and one that is left alone until the pool takes leave.
const (
	bye           script = "\nC: QUIT\nS: 221 bye"
	single        script = together + taken + "\nS: 250 ok"
	singleThenBye script = single + bye
)

func TestTheNextRelayIsUsedUntilThePreferredOneIsBack(t *testing.T) {
	refusals := map[string]struct {
		first script
		why   string
	}{
		"no connection":          {"", "refuses the connection"},
		"a greeting that is 554": {"S: 554 5.7.1 go away", `greeting: 554 "5.7.1 go away"`},
		"a greeting that is 421": {"S: 421 busy", `greeting: 421 "busy"`},
		"a refusal of EHLO":      {"S: 220 relay\nC: EHLO client.example\nS: 550 no\nC: HELO client.example\nS: 550 never", `EHLO: 550 "never"`},
		"421 to MAIL": {together + `
			C: MAIL FROM:<s@example.org> SIZE=3
			+: RCPT TO:<r0@example.com>
			+: DATA
			S: 421 4.3.2 bye`, "answer to MAIL: the relay leaves: 421 4.3.2 bye"},
		"a greeting without end": {script(strings.Repeat("S: 220-"+strings.Repeat("x", 1000)+"\n", 150)), "greeting: the relay's greeting is too long"},
	}
	for name, tt := range refusals {
		t.Run(name, func(t *testing.T) {
			scripts := map[string][]script{two: {singleThenBye}}
			if tt.first != "" {
				scripts[one] = []script{tt.first}
			}
			bubble(t, []string{one, two}, scripts, func(t *testing.T, p *Pool) {
				if r := <-post(t, p); !r.Accepted() || r.Relay != two {
					t.Errorf("got %+v, want it accepted by %s", r, two)
				}
				synctest.Wait()
				c := p.Condition()
				if c[0].State != Down || !strings.Contains(c[0].Why, tt.why) || !c[0].Next.After(time.Now()) || c[1].State != Up || c[1].Open != 1 || !p.Ready() {
					t.Errorf("got %+v, want the first down because of %q, and the second up", c, tt.why)
				}
			})
		})
	}
	t.Run("back", func(t *testing.T) {
		scripts := map[string][]script{one: {"refuse", singleThenBye}, two: {singleThenBye}}
		bubble(t, []string{one, two}, scripts, func(t *testing.T, p *Pool) {
			<-post(t, p)
			wait(t, p, 0, Up)
			synctest.Wait()
			if c := p.Condition(); c[1].Open != 0 || c[1].Accepted != 1 || c[0].Open != 1 {
				t.Errorf("got %+v, want the connection to the second closed", c)
			}
			if r := <-post(t, p); r.Relay != one || !r.Accepted() {
				t.Errorf("got %+v, want it accepted by %s", r, one)
			}
		})
	})
}

// wait lets time pass until a relay is in a state.
func wait(t *testing.T, p *Pool, relay int, state State) {
	t.Helper()
	for range 1000 {
		if p.Condition()[relay].State == state {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatalf("got %+v, want relay %d %s", p.Condition(), relay, state)
}

func TestMessagesThatNoRelayTakesAreGivenBack(t *testing.T) {
	bubble(t, []string{one, two}, nil, func(t *testing.T, p *Pool) {
		if !p.Ready() || p.Condition()[1].State != Untried {
			t.Errorf("got %+v and ready %v, want relays that may be good", p.Condition(), p.Ready())
		}
		first, second := post(t, p), post(t, p)
		for _, reply := range []<-chan Reply{first, second} {
			if r := <-reply; !errors.Is(r.Err, ErrNoRelay) || r.Stage != StageConnect || r.Accepted() {
				t.Errorf("got %+v, want that no relay could be reached", r)
			}
		}
		if p.Ready() {
			t.Errorf("got %+v and ready, want no relay ready", p.Condition())
		}
	})
}

func TestARelayThatIsDownIsTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool([]Relay{{Address: one}}, "client.example", quiet())
		var dialled []time.Time
		p.Dial = func(context.Context, string, string) (net.Conn, error) {
			dialled = append(dialled, time.Now())
			return nil, errors.New("unreachable")
		}
		stop := run(t, p)
		post(t, p)
		<-time.After(10 * time.Minute)
		stop()
		pause := firstPause
		for i := 1; i < len(dialled); i++ {
			got := dialled[i].Sub(dialled[i-1])
			if low, high := pause-pause/4, pause+pause/4; got < low || got > high {
				t.Errorf("pause %d: got %s, want %s to %s", i, got, low, high)
			}
			pause = min(2*pause, longestPause)
		}
		if n := len(dialled); n < 13 || n > 20 {
			t.Errorf("got %d tries in ten minutes, want about 15", n)
		}
	})
}

func TestARelayThatTakesNoMoreConnectionsIsStillUsed(t *testing.T) {
	scripts := map[string][]script{one: {together + taken + `
		+: MAIL FROM:<s@example.org> SIZE=3
		+: RCPT TO:<r0@example.com>
		+: DATA
		S: 250 ok
		S: 250 ok
		S: 250 ok
		S: 354 go on
		C: A
		+: .
		S: 250 ok` + bye, "S: 421 4.7.0 too many"}}
	bubble(t, []string{one, two}, scripts, func(t *testing.T, p *Pool) {
		reply := make(chan Reply, 1)
		compose := make(chan struct{})
		p.Send(t.Context(), Job{
			From: "s@example.org", To: "r0@example.com",
			Compose: func(dst []byte) ([]byte, error) {
				<-compose // busy until the second connection was refused
				return append(dst, "A\r\n"...), nil
			},
			Done: func(r Reply) { reply <- r },
		})
		synctest.Wait()
		second := post(t, p)
		synctest.Wait()
		if c := p.Condition(); c[0].State != Up || c[1].State != Untried || c[0].Next.IsZero() {
			t.Errorf("got %+v, want the first up, with no more connections for now", c)
		}
		close(compose)
		for _, r := range []Reply{<-reply, <-second} {
			if !r.Accepted() || r.Relay != one {
				t.Errorf("got %+v, want it accepted by %s", r, one)
			}
		}
	})
}

func TestAConnectionThatNobodyNeedsIsClosedWithQUIT(t *testing.T) {
	bubble(t, []string{one}, map[string][]script{one: {singleThenBye, singleThenBye}}, func(t *testing.T, p *Pool) {
		<-post(t, p)
		<-time.After(idleWait - time.Second)
		if c := p.Condition()[0]; c.Open != 1 {
			t.Errorf("got %+v, want the connection open", c)
		}
		<-time.After(2 * time.Second)
		if c := p.Condition()[0]; c.Open != 0 || c.State != Up {
			t.Errorf("got %+v, want the connection closed and the relay up", c)
		}
		if r := <-post(t, p); !r.Accepted() {
			t.Errorf("got %+v, want it accepted", r)
		}
	})
}

func TestAConnectionThatWasClosedWhileItRestedCostsAMessageNothing(t *testing.T) {
	for name, first := range map[string]script{
		"it closes":         single,
		"it leaves and why": single + "\nS: 421 4.4.2 idle",
	} {
		t.Run(name, func(t *testing.T) {
			scripts := map[string][]script{one: {first, singleThenBye}}
			bubble(t, []string{one}, scripts, func(t *testing.T, p *Pool) {
				<-post(t, p)
				<-time.After(idleWait / 2)
				if r := <-post(t, p); !r.Accepted() {
					t.Errorf("got %+v, want it accepted", r)
				}
				if c := p.Condition()[0]; c.State != Up || !c.Next.IsZero() || c.Why != "" {
					t.Errorf("got %+v, want the relay not blamed", c)
				}
			})
		})
	}
}

func TestWhatCannotBeSentIsAnsweredBeforeAnythingIsSaid(t *testing.T) {
	failed := errors.New("no template")
	message := func(text string) func([]byte) ([]byte, error) {
		return func(dst []byte) ([]byte, error) { return append(dst, text...), nil }
	}
	tests := []struct {
		job   Job
		want  error
		stage Stage
	}{
		{Job{From: "s@example.org\r\nDATA", To: "r@example.com"}, ErrAddress, StageMail},
		{Job{From: "s@example.org", To: "r@example.com> SIZE=1"}, ErrAddress, StageRcpt},
		{Job{From: "s@example.org", To: "r@example.com\nDATA"}, ErrAddress, StageRcpt},
		{Job{From: "s@example.org", To: ""}, ErrAddress, StageRcpt},
		{Job{From: "s@example.org", To: "r\u00fc@example.com"}, ErrAddress, StageRcpt},
		{Job{From: "s@example.org", To: strings.Repeat("r", 255)}, ErrAddress, StageRcpt},
		{Job{To: "r@example.com", Compose: message("A\n.\nMAIL FROM:<>\r\n")}, ErrLines, StageMail},
		{Job{To: "r@example.com", Compose: func([]byte) ([]byte, error) { return nil, failed }}, failed, StageMail},
	}
	bubble(t, []string{one}, map[string][]script{one: {together + bye}}, func(t *testing.T, p *Pool) {
		for _, tt := range tests {
			reply := make(chan Reply, 1)
			tt.job.Done = func(r Reply) { reply <- r }
			if err := p.Send(t.Context(), tt.job); err != nil {
				t.Fatal(err)
			}
			if r := <-reply; !errors.Is(r.Err, tt.want) || r.Stage != tt.stage || r.Accepted() {
				t.Errorf("%q to %q: got %+v, want %v at %s", tt.job.From, tt.job.To, r, tt.want, tt.stage)
			}
		}
	})
}

func TestAPoolThatEndsFinishesWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scripts := map[string][]script{one: {together + taken + "wait\nS: 250 late" + bye}}
		s := &stage{t: t, scripts: scripts, release: make(chan struct{})}
		p := NewPool([]Relay{{Address: one, Connections: 1}}, "client.example", quiet())
		p.Dial = s.dial
		ctx, cancel := context.WithCancelCause(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- p.Run(ctx) }()
		first := post(t, p)
		synctest.Wait()
		second := post(t, p)
		full := make(chan error, 1)
		var called atomic.Bool
		go func() {
			full <- p.Send(t.Context(), Job{To: "r@example.com", Done: func(Reply) { called.Store(true) }})
		}()
		synctest.Wait()
		cancel(errStopped)
		synctest.Wait()
		if err := <-full; !errors.Is(err, errStopped) || called.Load() {
			t.Errorf("got %v from sending, want the cause and no reply", err)
		}
		close(s.release)
		if r := <-first; !r.Accepted() || r.Text != "late" {
			t.Errorf("got %+v, want the answer that came late", r)
		}
		if r := <-second; !errors.Is(r.Err, errStopped) || r.Stage != StageConnect {
			t.Errorf("got %+v, want the cause", r)
		}
		if err := <-ran; err != nil {
			t.Errorf("got %v from the run, want nothing", err)
		}
		if err := p.Send(t.Context(), Job{}); !errors.Is(err, errStopped) {
			t.Errorf("got %v from sending afterwards, want the cause", err)
		}
		s.done()
	})
}

func TestAPoolThatEndsDoesNotWaitForARelayThatHangs(t *testing.T) {
	commands := together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\n"
	for name, tt := range map[string]struct {
		script script
		want   error
		within time.Duration
	}{
		"before it greets":        {"hang", errStopped, 0},
		"at a command":            {commands + "hang", errStopped, 0},
		"at the end of a message": {together + taken + "hang", ErrUnknown, stopWait},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{t: t, scripts: map[string][]script{one: {tt.script}}}
				p := NewPool([]Relay{{Address: one, Connections: 1}}, "client.example", quiet())
				p.Dial = s.dial
				stop := run(t, p)
				reply := post(t, p)
				synctest.Wait()
				asked := time.Now()
				stop()
				if r := <-reply; !errors.Is(r.Err, tt.want) {
					t.Errorf("got %+v, want %v", r, tt.want)
				}
				if took := time.Since(asked); took != tt.within {
					t.Errorf("got the end after %s, want %s", took, tt.within)
				}
				s.done()
			})
		})
	}
}

func TestSendingWaitsWhileEveryConnectionIsBusyAndStopsWithItsContext(t *testing.T) {
	scripts := map[string][]script{one: {together + taken + "hang"}}
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, scripts: scripts}
		p := NewPool([]Relay{{Address: one, Connections: 1}}, "client.example", quiet())
		p.Dial = s.dial
		stop := run(t, p)
		post(t, p)
		synctest.Wait()
		post(t, p)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, fmt.Errorf("no time left"))
		defer cancel()
		err := p.Send(ctx, Job{To: "r@example.com", Done: func(r Reply) { t.Errorf("got %+v, want no reply", r) }})
		if err == nil || err.Error() != "no time left" {
			t.Errorf("got %v, want the cause of the context", err)
		}
		stop()
		s.done()
	})
}
