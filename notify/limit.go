package notify

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// TooMany refuses an application because of a limit. Which one says nothing of any subscriber.
type TooMany struct {
	// After is when the same would be taken.
	After time.Duration
}

// Error says when to try again.
func (e *TooMany) Error() string {
	return "too many subscriptions were asked for; try again in " + max(time.Second, e.After.Round(time.Second)).String()
}

// pace is how often something may happen: burst times at once, and once more in each span of every.
type pace struct {
	every time.Duration
	burst int
}

// The paces of applications: of one network, towards one host, and of all.
var (
	clientPace = pace{6 * time.Minute, 5}
	hostPace   = pace{2 * time.Minute, 10}
	wholePace  = pace{time.Second, 60}
)

// mostLimited bounds the networks, and the hosts, that are remembered.
const mostLimited = 10_000

// limits bounds what applications may cost others. The zero value is ready.
type limits struct {
	mu      sync.Mutex
	clients map[string]*rate.Limiter
	hosts   map[string]*rate.Limiter
	whole   *rate.Limiter
}

// admit takes an application from a client that makes this server talk to a host, or refuses it with *TooMany. What is refused
// does not count.
func (l *limits) admit(now time.Time, client, host string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.whole == nil {
		l.clients, l.hosts, l.whole = make(map[string]*rate.Limiter), make(map[string]*rate.Limiter), wholePace.limiter()
	}
	concerned := []*rate.Limiter{clientPace.of(l.clients, network(client), now)}
	if host != "" {
		concerned = append(concerned, hostPace.of(l.hosts, host, now))
	}
	concerned = append(concerned, l.whole)
	var taken []*rate.Reservation
	for _, limiter := range concerned {
		turn := limiter.ReserveN(now, 1)
		taken = append(taken, turn)
		if wait := turn.DelayFrom(now); wait > 0 {
			for _, t := range taken {
				t.CancelAt(now)
			}
			return &TooMany{After: wait}
		}
	}
	return nil
}

func (p pace) limiter() *rate.Limiter { return rate.NewLimiter(rate.Every(p.every), p.burst) }

// of is the limiter of a key. When there are too many, those that say nothing any more are forgotten, and as a last resort
// any one.
func (p pace) of(all map[string]*rate.Limiter, key string, now time.Time) *rate.Limiter {
	if known, ok := all[key]; ok {
		return known
	}
	if len(all) >= mostLimited {
		for k, limiter := range all {
			if limiter.TokensAt(now) >= float64(p.burst) {
				delete(all, k)
			}
		}
		for k := range all {
			if len(all) < mostLimited {
				break
			}
			delete(all, k)
		}
	}
	all[key] = p.limiter()
	return all[key]
}

// network is who counts as one client: an address of IPv4, or what one household has of IPv6 (RFC 6177 gives it at least a
// /64).
func network(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
