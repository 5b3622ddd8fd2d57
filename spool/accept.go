package spool

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"
)

// order is something to be written, and who waits for it.
type order struct {
	record record
	data   []byte
	// withdrawn is closed when nobody waits for it any more; nil is never.
	withdrawn <-chan struct{}
	answered  chan answer // has room for the answer
	// release lets go of the memory that it takes.
	release func()
}

// answer is what became of an order.
type answer struct {
	receipt Receipt
	err     error
}

func newOrder(r record, data []byte) *order {
	return &order{record: r, data: data, answered: make(chan answer, 1)}
}

// newcomer reports whether it brings an entry.
func (o *order) newcomer() bool { return o.record.tag == tagEntry }

func (o *order) answer(r Receipt, err error) {
	o.data = nil
	if o.release != nil {
		o.release()
	}
	o.answered <- answer{r, err}
}

// overhead is about what an entry takes besides head and body.
const overhead = 512

// Accept keeps an entry, and returns once no failure of the power takes it away. Its ID and Accepted are made here; Due and
// Expires are kept to the microsecond.
//
// When ctx ends first, or the journal fails, whoever sends has to keep it, although it may have been accepted all the same: that
// is what keys are for. Before [Spool.Run] begins it waits.
func (s *Spool) Accept(ctx context.Context, e Entry) (Receipt, error) {
	f := s.flows[e.Flow]
	if f == nil || f.gone {
		return Receipt{}, fmt.Errorf("accept for %q: %w", e.Flow, ErrUnknownFlow)
	}
	receipt, err := s.accept(ctx, e)
	switch {
	case err != nil:
		f.counts.refused(err)
		return Receipt{}, fmt.Errorf("accept for %s: %w", e.Flow, err)
	case receipt.Known:
		f.counts.known.Add(1)
	default:
		f.counts.accepted.Add(1)
	}
	return receipt, nil
}

func (s *Spool) accept(ctx context.Context, e Entry) (Receipt, error) {
	size := int64(len(e.Head) + len(e.Body))
	switch {
	case size > s.limits.Entry:
		return Receipt{}, fmt.Errorf("%d bytes are %w, which is %d", size, ErrTooLarge, s.limits.Entry)
	case s.behind.Load():
		return Receipt{}, fmt.Errorf("%w: its index cannot be written", ErrFull)
	case !s.disk.room(s.limits.Spare + size):
		return Receipt{}, fmt.Errorf("%w: the disk has too little room left", ErrFull)
	case e.Key == "" && s.full(0, 0, size): // one with a key may be there already
		return Receipt{}, ErrFull
	}
	weight, ok := reserve(s.coming, s.limits, size)
	if !ok {
		return Receipt{}, fmt.Errorf("%w: too much is being accepted at once", ErrFull)
	}
	now := time.Now()
	e.ID, e.Accepted = s.ids.next(now), moment(micros(now))
	if e.Due = moment(micros(e.Due)); e.Due.IsZero() {
		e.Due = e.Accepted
	}
	r := record{tag: tagEntry, entry: e, bytes: size, standing: standing{state: Waiting, next: e.Due, expires: moment(micros(e.Expires))}}
	o := newOrder(r, r.encode())
	o.record.entry.Head, o.record.entry.Body = nil, nil // they are in data
	o.withdrawn = ctx.Done()
	o.release = func() { s.coming.Release(weight) }
	select {
	case s.orders <- o:
	case <-ctx.Done():
		o.release()
		return Receipt{}, context.Cause(ctx)
	case <-s.stopping:
		o.release()
		return Receipt{}, ErrClosed
	}
	select {
	case a := <-o.answered:
		return a.receipt, a.err
	case <-ctx.Done():
		return Receipt{}, context.Cause(ctx)
	case <-s.stopped:
		return o.last()
	}
}

// last is the answer to an order when nothing more is written.
func (o *order) last() (Receipt, error) {
	select {
	case a := <-o.answered:
		return a.receipt, a.err
	default:
		return Receipt{}, ErrClosed
	}
}

// reserve takes memory for an entry, if there is any. One that is larger than all there is takes all.
func reserve(memory *semaphore.Weighted, l Limits, size int64) (weight int64, ok bool) {
	weight = min(size+overhead, l.Memory/2)
	return weight, memory.TryAcquire(weight)
}

// full reports whether one more entry is too much, besides others that are being accepted.
func (s *Spool) full(entries, bytes, size int64) bool {
	sum := s.index.all()
	return sum.waiting+sum.shelved+entries+1 > s.limits.Entries || sum.bytes+bytes+size > s.limits.Bytes
}

// order has a change written, and waits until it is.
func (s *Spool) order(ctx context.Context, r record) error {
	o := newOrder(r, r.encode())
	select {
	case s.orders <- o:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.stopped:
		return ErrClosed
	}
	select {
	case a := <-o.answered:
		return a.err
	case <-s.stopped:
		_, err := o.last()
		return err
	}
}
