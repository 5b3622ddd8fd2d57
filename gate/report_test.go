package gate

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/api"
)

// lines is what a log wrote.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) count(text string) int { return strings.Count(l.String(), text) }

// mockServer is a server inside a bubble of time, beside the real client in the other tests.
type mockServer struct {
	plan   func(ctx context.Context) error
	tell   func(ctx context.Context) error
	mu     sync.Mutex
	asked  []time.Time
	states []time.Time
	sent   int
}

func (m *mockServer) FollowPlan(ctx context.Context, _ string, _ func(api.Plan)) error {
	m.mu.Lock()
	m.asked = append(m.asked, time.Now())
	m.mu.Unlock()
	return m.plan(ctx)
}

func (m *mockServer) TellState(ctx context.Context, _ string, _ api.GateState) error {
	m.mu.Lock()
	m.states = append(m.states, time.Now())
	m.mu.Unlock()
	return ctx.Err()
}

func (m *mockServer) TellOutcomes(ctx context.Context, _ string, _ api.OutcomeBatch) error {
	m.mu.Lock()
	m.sent++
	m.mu.Unlock()
	return m.tell(ctx)
}

func quiet(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// followMock has a gate follow m inside a bubble until stop is called, which waits for its end.
func followMock(t *testing.T, m *mockServer, log io.Writer) (h *hall, stop func()) {
	h = newHall(t, Config{}, "messenger")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- h.gate.Follow(ctx, Home{Name: "gate-1", Server: m, Log: slog.New(slog.NewTextHandler(log, nil))})
	}()
	synctest.Wait()
	return h, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestAServerThatIsAwayIsAskedAgainWithPauses(t *testing.T) {
	for _, c := range []struct {
		name        string
		err         error
		level       string
		least, most int // times in ten minutes
	}{
		{"away", &api.Unreachable{Server: "https://status.northwind.example", Err: io.EOF}, "level=WARN", 60, 130},
		{"it answers 503", &api.Problem{Status: http.StatusServiceUnavailable}, "level=WARN", 60, 130},
		{"the token is wrong", &api.Problem{Status: http.StatusUnauthorized, Detail: "this token is not known"}, "level=ERROR", 10, 11},
		{"the token has another scope", &api.Problem{Status: http.StatusForbidden}, "level=ERROR", 10, 11},
		{"the server is too old", &api.Problem{Status: http.StatusNotFound}, "level=ERROR", 10, 11},
		{"it is another program", &api.Foreign{Status: http.StatusNotFound}, "level=ERROR", 10, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, log := &mockServer{plan: func(context.Context) error { return c.err }, tell: quiet}, &lines{}
				_, stop := followMock(t, m, log)
				pass(10 * time.Minute)
				stop()
				if n := len(m.asked); n < c.least || n > c.most {
					t.Errorf("got it asked %d times in ten minutes, want %d to %d", n, c.least, c.most)
				}
				if log.count(c.level) != 1 || log.count("level=") != 1 {
					t.Errorf("got this logged, want one line of %s:\n%s", c.level, log)
				}
			})
		})
	}
}

func TestTheStateIsToldWhenItChangesAndNotTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mockServer{plan: quiet, tell: quiet}
		h, stop := followMock(t, m, io.Discard)
		pass(time.Minute)
		if n := len(m.states); n < 6 || n > 7 {
			t.Errorf("got the state told %d times in a minute in which nothing happened, want every ten seconds", n)
		}
		m.states = nil
		for range 1000 {
			h.interrupt("a", "messenger")
			pass(time.Millisecond)
			h.gate.End("a")
			pass(time.Millisecond)
		}
		if n := len(m.states); n == 0 || n > 11 {
			t.Errorf("got the state told %d times in two seconds full of changes, want at most five a second", n)
		}
		pass(time.Second)
		m.states = nil
		began := time.Now()
		h.interrupt("b", "messenger")
		synctest.Wait()
		pass(time.Second)
		if len(m.states) == 0 || m.states[0].Sub(began) > 0 {
			t.Errorf("got a change told at %v, want at once (%v)", m.states, began)
		}
		stop()
	})
}

func TestAServerThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mockServer{plan: quiet, tell: quiet}
		h, stop := followMock(t, m, io.Discard)
		h.gate.Apply(planNow(1))
		h.lane("messenger").counts.by[wasPassed].Add(1)
		began := time.Now()
		stop()
		if took := time.Since(began); took != partingTime {
			t.Errorf("got the end after %s, want what is left to be tried for %s", took, partingTime)
		}
		if m.sent != 1 {
			t.Errorf("got %d attempts to send what was measured last, want 1", m.sent)
		}
	})
}

func TestWhatTheServerWillNeverTakeIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []error{&api.Problem{Status: http.StatusUnprocessableEntity}, nil}
		m := &mockServer{plan: quiet}
		m.tell = func(context.Context) error { return answers[min(m.sent, len(answers))-1] }
		h, stop := followMock(t, m, io.Discard)
		h.gate.Apply(planNow(1))
		for range 2 {
			h.lane("messenger").counts.by[wasPassed].Add(1)
			pass(2 * time.Second)
		}
		stop()
		if m.sent != 2 {
			t.Errorf("got %d batches sent, want each once", m.sent)
		}
	})
}

func TestFollowingNeedsANameAndAServerAndIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mockServer{plan: quiet, tell: quiet}
		h, stop := followMock(t, m, io.Discard)
		for _, c := range []struct {
			home Home
			want string
		}{
			{Home{Server: m}, "Home.Name is required"},
			{Home{Name: "gate-1"}, "Home.Server is required"},
			{Home{Name: "gate-1", Server: m}, "follows a server already"},
		} {
			if err := h.gate.Follow(t.Context(), c.home); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		}
		stop()
	})
}
