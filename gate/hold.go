package gate

import (
	"context"
	"sync/atomic"
	"time"
)

// verdict is how a wait ended.
type verdict int8

const (
	released verdict = iota + 1 // to the product; the request has entered
	evicted                     // somebody newer needed the room
	noRoom                      // there was none
	expired                     // it waited as long as it may
	left                        // its client hung up
	stopped                     // the gate stops, or the flow was removed
)

// waiter is a request in a hold.
type waiter struct {
	arrived time.Time
	bytes   int64
	// safe ones may be sent again, so they are those that are let go to try whether the product is back; tries is how often
	// that was done.
	safe   bool
	tries  int
	answer chan verdict
	// cut ends the reading of a body that is still arriving; nil for none.
	cut        func()
	prev, next *waiter
	queued     bool
}

// queue is who waits in a lane, by arrival.
type queue struct {
	first, last *waiter
	len         int
	bytes       int64
}

// put adds a waiter where its arrival puts it: last, unless it has waited before.
func (q *queue) put(w *waiter) {
	before := q.last
	for before != nil && before.arrived.After(w.arrived) {
		before = before.prev
	}
	w.prev = before
	if before == nil {
		w.next, q.first = q.first, w
	} else {
		w.next, before.next = before.next, w
	}
	if w.next == nil {
		q.last = w
	} else {
		w.next.prev = w
	}
	w.queued = true
	q.len++
	q.bytes += w.bytes
}

// take removes a waiter that is queued.
func (q *queue) take(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.len--
	q.bytes -= w.bytes
}

// budget is what all holds share.
type budget struct {
	requests, bytes         atomic.Int64
	mostRequests, mostBytes atomic.Int64
}

func (b *budget) set(l Limits) {
	l = l.withDefaults()
	b.mostRequests.Store(int64(l.Requests))
	b.mostBytes.Store(l.Bytes)
}

// seat takes room for one more request, and false when there is none.
func (b *budget) seat() bool {
	if b.requests.Add(1) > b.mostRequests.Load() {
		b.requests.Add(-1)
		return false
	}
	return true
}

// load takes room for bytes of bodies, and false when there is none.
func (b *budget) load(n int64) bool {
	if b.bytes.Add(n) > b.mostBytes.Load() {
		b.bytes.Add(-n)
		return false
	}
	return true
}

// join puts a waiter into the queue, and returns 0; or the verdict, when that is clear at once.
func (l *lane) join(w *waiter, h Hold) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if phase(l.phase.Load()).open() {
		l.busy.Add(1)
		return released
	}
	for l.queue.len >= h.Requests || l.queue.bytes+w.bytes > h.Bytes {
		if !l.makeRoom(w, h) {
			return noRoom
		}
	}
	for !l.gate.hold.seat() {
		if !l.makeRoom(w, h) {
			return noRoom
		}
	}
	l.queue.put(w)
	return 0
}

// grow charges n more bytes to a waiter, or says that there is no room for them. One that does not wait any more has its
// verdict already, and may read on what it needs to.
func (l *lane) grow(w *waiter, n int64, h Hold) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.queued {
		return true
	}
	for l.queue.bytes+n > h.Bytes {
		if !l.makeRoom(w, h) {
			return false
		}
	}
	w.bytes += n
	l.queue.bytes += n
	return true
}

// makeRoom lets the one who came first leave, if that is the policy and it is not w.
func (l *lane) makeRoom(w *waiter, h Hold) bool {
	if h.Full == Newest || l.queue.first == nil || l.queue.first == w || l.queue.first.arrived.After(w.arrived) {
		return false
	}
	l.dismiss(l.queue.first, evicted)
	return true
}

// dismiss takes a waiter out of the queue and tells it why.
func (l *lane) dismiss(w *waiter, v verdict) {
	l.queue.take(w)
	l.gate.hold.requests.Add(-1)
	if v == released {
		l.busy.Add(1)
	}
	w.answer <- v
	if v != released && w.cut != nil {
		w.cut()
	}
}

// dismissIfQueued takes a waiter out of the queue, unless it has its verdict already.
func (l *lane) dismissIfQueued(w *waiter, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.queued {
		l.dismiss(w, v)
	}
}

// whenDismissed has cut called if the waiter is sent away before it is let go.
func (l *lane) whenDismissed(w *waiter, cut func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.cut = cut
}

// await waits for the verdict, until the deadline, or until ctx ends.
func (l *lane) await(ctx context.Context, w *waiter, deadline time.Time) verdict {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case v := <-w.answer:
		return v
	case <-timer.C:
		return l.withdraw(w, expired)
	case <-ctx.Done():
		return l.withdraw(w, left)
	}
}

// withdraw takes a waiter out for a reason of its own, unless its verdict came first.
func (l *lane) withdraw(w *waiter, why verdict) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.queued {
		return <-w.answer
	}
	l.queue.take(w)
	l.gate.hold.requests.Add(-1)
	return why
}

// tryOne lets a safe waiter go to the product, to see whether it is back, and reports whether there was one. It is the one
// that tried least, and of these the oldest: a request that fails by itself must not speak for all.
func (l *lane) tryOne() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var one *waiter
	for w := l.queue.first; w != nil; w = w.next {
		if w.safe && (one == nil || w.tries < one.tries) {
			one = w
			if w.tries == 0 {
				break
			}
		}
	}
	if one != nil {
		l.dismiss(one, released)
	}
	return one != nil
}
