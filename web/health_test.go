package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
)

// sulking is a leader that fails while it is told to.
type sulking struct{ fails *atomic.Bool }

func (s sulking) Lead(context.Context, time.Time) (bool, error) {
	if s.fails.Load() {
		return false, errors.New("the lease at db.internal is gone")
	}
	return true, nil
}

func (sulking) Leave(context.Context, time.Time) error { return nil }

// stepping is a clock whose keeper looks once for each step, and tells when it has looked.
type stepping struct {
	*clock.Driven
	looked, step chan struct{}
}

func (s stepping) Wait(_ time.Time, quit <-chan struct{}) bool {
	select {
	case s.looked <- struct{}{}:
	case <-quit:
		return false
	}
	select {
	case <-s.step:
		return true
	case <-quit:
		return false
	}
}

func TestAClockThatFailsIsSeenFromOutside(t *testing.T) {
	leader := sulking{new(atomic.Bool)}
	var hands *keeper.Keeper
	hour := stepping{looked: make(chan struct{}), step: make(chan struct{})}
	h := newHouse(t, func(s *Server) {
		hour.Driven, _ = s.Clock.(*clock.Driven)
		hands = keeper.New(s.Store, hour, leader, s.Log, nil)
		s.Keeper = hands
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = hands.Run(ctx) })
	defer running.Wait()
	defer stop()
	<-hour.looked
	h.seesClock(http.StatusOK, `"clock":{"ok":true,"as_of":"2027-01-10T12:00:00Z"}`,
		"interlude_clock_failing 0\n", "interlude_clock_last_success_timestamp_seconds 1.7995824e+09\n")
	leader.fails.Store(true)
	hour.step <- struct{}{}
	<-hour.looked
	h.seesClock(http.StatusServiceUnavailable, `"clock":{"ok":false,"why":"what is due has not been done since","as_of":"2027-01-10T12:00:00Z"}`,
		"interlude_clock_failing 1\n", "interlude_clock_last_success_timestamp_seconds 1.7995824e+09\n")
}

// seesClock checks what anybody is told of the clock, and what the figures say of it.
func (h *house) seesClock(want int, ready string, figures ...string) {
	h.t.Helper()
	answer, text := h.ask(http.MethodGet, "/readyz", "", "")
	if answer.StatusCode != want || !strings.Contains(text, ready) || strings.Contains(text, "db.internal") {
		h.t.Errorf("got %d %s, want %d with %s and no more", answer.StatusCode, text, want, ready)
	}
	_, text = h.ask(http.MethodGet, "/metrics", h.tokens[access.Read], "")
	for _, figure := range figures {
		if !strings.Contains(text, figure) {
			h.t.Errorf("the figures lack %s", figure)
		}
	}
}
