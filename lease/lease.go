// Package lease lets at most one node act.
//
// Several nodes may show pages and take requests at once, but the clock must move a maintenance once. Each node
// asks its [Leader] before it acts; the node that holds the lease is told so, until the lease runs out. A store
// implements Leader for nodes that share it; [Alone] is the implementation for a single node, so that nobody has
// to ask how many there are.
//
// A lease bounds who acts, not what may happen: a node that was paused for longer than its lease may still believe
// that it leads. What it then does must be refused by the transaction that would do it, which reads the state anew.
package lease

import (
	"context"
	"time"
)

// TTL is how long a lease holds without being renewed. A dead leader is replaced after it.
const TTL = 8 * time.Second

// Leader answers whether this node may act.
type Leader interface {
	// Lead takes or renews the lease at now, and reports whether this node holds it. An error means that nobody knows,
	// and the node must not act.
	Lead(ctx context.Context, now time.Time) (bool, error)
	// Leave gives the lease up, so that another node need not wait for it to run out.
	Leave(ctx context.Context, now time.Time) error
}

// Alone is the leader that has no rival.
type Alone struct{}

// Lead is always so.
func (Alone) Lead(context.Context, time.Time) (bool, error) { return true, nil }

// Leave does nothing: nobody waits.
func (Alone) Leave(context.Context, time.Time) error { return nil }

// Term is a lease as a store keeps it.
type Term struct {
	// Holder names the node, and Until says when its lease runs out.
	Holder string
	Until  time.Time
}

// Fresh reports whether the node holds the lease for so long yet that it need not renew it.
func (t Term) Fresh(node string, now time.Time, ttl time.Duration) bool {
	left := t.Until.Sub(now)
	return t.Holder == node && left > ttl/2 && left <= ttl
}

// Take returns the term after node asked for it at now, and whether the node holds it. A lease that lies further
// ahead than twice its length was written by a clock that was wrong, and is taken over.
func (t Term) Take(node string, now time.Time, ttl time.Duration) (Term, bool) {
	free := t.Holder == "" || t.Holder == node || !now.Before(t.Until) || t.Until.Sub(now) > 2*ttl
	if !free {
		return t, false
	}
	return Term{Holder: node, Until: now.Add(ttl)}, true
}
