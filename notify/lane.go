package notify

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A lane is what goes to one destination through something that all destinations share, such as the connections to a
// relay. Its width is how many deliveries of it are under way at most: it begins narrow, widens with each that is quick, up to
// most of what there is, and narrows with each that is slow, so that a destination that stands still holds a few
// connections and not all of them.
type lane struct {
	limit    *rate.Limiter // nil for none
	width    int
	under    int         // way
	since    []time.Time // when those under way began, the oldest first
	changed  chan struct{}
	lastUsed time.Time
	// slowUntil is set while the lane is known to be slow: what does not fit waits in the outbox then.
	slowUntil time.Time
}

// lanes are those of a courier.
type lanes struct {
	// widest is how wide a lane may become.
	widest int
	// limits are how many deliveries a second each destination gets at most; those that are not named have no limit.
	limits map[string]float64

	mu    sync.Mutex
	all   map[string]*lane
	swept time.Time
}

const (
	// narrow is the width of a lane that nothing is known of.
	narrow = 4
	// slow is what a delivery may take; one that takes longer makes its lane slow for slowFor.
	slow    = 2 * time.Second
	slowFor = time.Minute
	// mostLanes bounds what is remembered of destinations.
	mostLanes = 4096
)

// enter waits until a delivery to a destination may go, and returns 0; or returns at once how long it is to be postponed, because
// of a limit (granted) or because its destination is slow. Whoever entered leaves. An error is ctx's.
func (l *lanes) enter(ctx context.Context, to string, granted bool, now func() time.Time) (wait time.Duration, limited bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.lane(to, now())
	if at.limit != nil && !granted {
		if turn := at.limit.ReserveN(now(), 1).DelayFrom(now()); turn > 0 {
			return turn, true, nil
		}
	}
	for at.under >= at.width {
		t := now()
		if len(at.since) > 0 && t.Sub(at.since[0]) > slow {
			at.slowUntil = t.Add(slowFor)
		}
		if t.Before(at.slowUntil) {
			return slowFor / 4, false, nil
		}
		changed := at.changed
		l.mu.Unlock()
		err := until(ctx, changed, slow)
		l.mu.Lock()
		if err != nil {
			return 0, false, err
		}
	}
	at.under++
	at.since = append(at.since, now())
	return 0, false, nil
}

// until waits for a signal, for a while at most. An error is ctx's.
func until(ctx context.Context, signal <-chan struct{}, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-signal:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// leave ends a delivery that entered and took so long.
func (l *lanes) leave(to string, now time.Time, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.lane(to, now)
	at.under--
	// Which of them it was does not matter: the oldest age is what is asked for, and they end in about their order.
	at.since = at.since[1:]
	if took > slow {
		at.width, at.slowUntil = max(1, at.width/2), now.Add(slowFor)
	} else if at.width < l.widest {
		at.width++
	}
	close(at.changed)
	at.changed = make(chan struct{})
}

// lane finds or makes the lane of a destination. Those that were used last are remembered.
func (l *lanes) lane(to string, now time.Time) *lane {
	if l.all == nil {
		l.all = make(map[string]*lane)
	}
	at, known := l.all[to]
	if !known {
		if len(l.all) >= mostLanes && now.Sub(l.swept) > slowFor {
			l.swept = now
			for name, other := range l.all {
				if other.under == 0 && now.Sub(other.lastUsed) > slowFor {
					delete(l.all, name)
				}
			}
		}
		at = &lane{width: min(narrow, l.widest), changed: make(chan struct{})}
		if limit := l.limits[to]; limit > 0 {
			at.limit = rate.NewLimiter(rate.Limit(limit), max(1, int(limit)))
		}
		l.all[to] = at
	}
	at.lastUsed = now
	return at
}
