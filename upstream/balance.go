package upstream

import (
	"slices"
	"time"
)

// Balance is a way to choose the next address.
type Balance string

// The ways to choose.
const (
	// RoundRobin gives each address its turn.
	RoundRobin Balance = "round_robin"
	// LeastBusy chooses the address that answers the fewest requests just now; of several, each has its turn.
	LeastBusy Balance = "least_busy"
)

// restAside is how long an address that could not be connected to lets others go first.
const restAside = 2 * time.Second

// pick chooses an address that was not tried, or none. Unhealthy ones have no turn unless all are unhealthy; those set aside
// are chosen after the others.
func (g *Group) pick(tried []*address) *address {
	if len(g.addresses) == 1 && len(tried) == 0 {
		return g.addresses[0]
	}
	everyone := !slices.ContainsFunc(g.addresses, func(a *address) bool { return a.healthy.Load() })
	turn := g.turn.Add(1)
	var best *address
	var bestAside bool
	for i := range uint64(len(g.addresses)) {
		a := g.addresses[(turn+i)%uint64(len(g.addresses))]
		if !everyone && !a.healthy.Load() || slices.Contains(tried, a) {
			continue
		}
		aside := a.isAside()
		if best == nil || bestAside && !aside ||
			bestAside == aside && g.config.Balance == LeastBusy && a.busy.Load() < best.busy.Load() {
			best, bestAside = a, aside
		}
	}
	return best
}

// setAside lets the others go first for a while.
func (a *address) setAside() { a.aside.Store(time.Now().Add(restAside).UnixNano()) }

func (a *address) isAside() bool {
	until := a.aside.Load()
	return until != 0 && time.Now().UnixNano() < until
}
