package spool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// How much is written at once.
const (
	mostOrders = 1024
	mostBytes  = 16 << 20
)

// write is the one goroutine that appends to the journal and changes the index. What arrives while one parcel is being made
// durable is the next: nobody waits for company, and nobody who has company waits alone.
func (s *Spool) write(ctx context.Context, quit <-chan struct{}) {
	rest := time.NewTimer(0) // until there is something to tidy up
	defer rest.Stop()
	tidied := time.Now()
	for {
		select {
		case o := <-s.orders:
			if ended := s.commit(ctx, s.gather(o)); ended && time.Until(tidied) > tidyPause {
				rest.Reset(tidyPause)
				tidied = time.Now().Add(tidyPause)
			}
		case <-rest.C:
			pause := s.tidy(ctx)
			rest.Reset(pause)
			tidied = time.Now().Add(pause)
		case <-quit:
			return
		}
	}
}

// gather takes what others want to have written, too.
func (s *Spool) gather(first *order) []*order {
	runtime.Gosched() // those who were answered a moment ago may have the next one at hand
	orders, bytes := []*order{first}, len(first.data)
	for len(orders) < mostOrders && bytes < mostBytes {
		select {
		case o := <-s.orders:
			orders, bytes = append(orders, o), bytes+len(o.data)
		default:
			return orders
		}
	}
	return orders
}

// parcel is what is written at once.
type parcel struct {
	orders []*order
	data   [][]byte
	// entries and bytes are what it adds.
	entries, bytes int64
	// firsts are the newcomers with a key, and twins those that came with the key of one of them.
	firsts map[[2]string]*order
	twins  map[*order][]*order
}

// commit writes orders and answers them. It reports whether something has ended.
//
// The journal decides. When it fails nothing is accepted or changed; when it does not, everything is, whatever becomes of
// the index.
func (s *Spool) commit(ctx context.Context, orders []*order) (ended bool) {
	lasting := context.WithoutCancel(ctx) // a write that is under way is not given up: nobody would know what is durable
	p := s.sift(lasting, orders)
	if len(p.orders) == 0 {
		return false
	}
	at, err := s.journal.Append(lasting, p.data)
	if errors.Is(err, ErrFull) {
		at, err = s.appendChanges(lasting, p, err)
	}
	if len(p.orders) == 0 {
		return false
	}
	if err != nil {
		s.log.Error("the spool's journal cannot be written", "error", err)
		s.answer(p, fmt.Errorf("%w: write the journal: %w", ErrClosed, err))
		return false
	}
	page := make([]placed, len(p.orders))
	for i, o := range p.orders {
		page[i] = placed{o.record, at[i]}
		ended = ended || o.record.standing.state.Ended()
	}
	if !s.behind.Load() {
		if err = s.index.apply(lasting, page, checksum(p.data[len(p.data)-1])); err != nil {
			s.log.Error("the spool's index cannot be written; nothing is accepted until it can", "error", err)
			s.behind.Store(true)
		}
	}
	if s.behind.Load() {
		s.recover(ctx, p)
	}
	s.answer(p, nil)
	return ended
}

// appendChanges writes what is not new, when there is no room for all: what was delivered has to be written, or nothing could ever be
// forgotten. Newcomers are refused.
func (s *Spool) appendChanges(ctx context.Context, p *parcel, full error) (at []Position, err error) {
	changes := &parcel{}
	for i, o := range p.orders {
		if o.newcomer() {
			s.settle(p, o, fmt.Errorf("%w: %w", ErrFull, full))
			continue
		}
		changes.orders, changes.data = append(changes.orders, o), append(changes.data, p.data[i])
	}
	p.orders, p.data = changes.orders, changes.data
	if len(p.orders) == 0 {
		return nil, nil
	}
	at, err = s.journal.Append(ctx, p.data)
	if errors.Is(err, ErrFull) && s.relieve() {
		s.log.Warn("the disk is full; the spool's reserve is given up, and nothing is accepted until there is room for it again")
		at, err = s.journal.Append(ctx, p.data)
	}
	return at, err
}

// sift leaves out what needs no writing: entries that are known, have no room, or that nobody wants to send any more.
func (s *Spool) sift(ctx context.Context, orders []*order) *parcel {
	p := &parcel{firsts: map[[2]string]*order{}, twins: map[*order][]*order{}}
	for _, o := range orders {
		if o.newcomer() && !s.admit(ctx, p, o) {
			continue
		}
		p.orders, p.data = append(p.orders, o), append(p.data, o.data)
	}
	return p
}

// admit reports whether an entry is to be written, and answers it, or leaves that to its twin, if not.
func (s *Spool) admit(ctx context.Context, p *parcel, o *order) bool {
	select {
	case <-o.withdrawn:
		o.answer(Receipt{}, context.Canceled) // nobody listens
		return false
	default:
	}
	e := &o.record.entry
	key := [2]string{e.Flow, e.Key}
	if e.Key != "" {
		if first := p.firsts[key]; first != nil {
			p.twins[first] = append(p.twins[first], o)
			return false
		}
		id, err := s.index.known(ctx, e.Flow, e.Key)
		if err != nil || id != "" {
			if err != nil {
				err = fmt.Errorf("%w: look the key up: %w", ErrClosed, err)
			}
			o.answer(Receipt{ID: id, Known: id != ""}, err)
			return false
		}
	}
	if s.behind.Load() || s.full(p.entries, p.bytes, o.record.bytes) {
		o.answer(Receipt{}, ErrFull)
		return false
	}
	p.entries, p.bytes = p.entries+1, p.bytes+o.record.bytes
	s.disk.take(o.record.bytes)
	if e.Key != "" {
		p.firsts[key] = o
	}
	return true
}

// answer answers all that were written, or were not, and their twins.
func (s *Spool) answer(p *parcel, err error) {
	for _, o := range p.orders {
		s.settle(p, o, err)
	}
	p.orders = nil
}

// settle answers one. That of a change is known to nobody but who ordered it, and who wakes its flow.
func (s *Spool) settle(p *parcel, o *order, err error) {
	id := o.record.entry.ID
	if err != nil {
		id = ""
	} else if o.newcomer() {
		s.flows[o.record.entry.Flow].stir()
	}
	o.answer(Receipt{ID: id}, err)
	for _, twin := range p.twins[o] {
		twin.answer(Receipt{ID: id, Known: err == nil}, err)
	}
}

// catchUpPause is how long after a failure the index is tried again.
const catchUpPause = time.Second

// recover answers those whose entries are accepted although the index does not have them, and works at the index until it
// has, or ctx ends. Meanwhile nothing is accepted; other changes wait, so that what they changed is not begun anew.
func (s *Spool) recover(ctx context.Context, p *parcel) {
	var others []*order
	for _, o := range p.orders {
		if o.newcomer() {
			s.settle(p, o, nil)
		} else {
			others = append(others, o)
		}
	}
	p.orders = others
	var waiting []*order
	for again := time.After(0); ; {
		select {
		case o := <-s.orders:
			if o.newcomer() {
				o.answer(Receipt{}, fmt.Errorf("%w: its index cannot be written", ErrFull))
			} else {
				waiting = append(waiting, o)
			}
			continue
		case <-ctx.Done():
		case <-again:
			if err := s.index.catchUp(context.WithoutCancel(ctx), s.journal); err != nil {
				s.log.Error("the spool's index still cannot be written", "error", err)
				again = time.After(catchUpPause)
				if diskFull(err) && s.relieve() {
					again = time.After(0)
				}
				continue
			}
			s.log.Info("the spool's index is complete again")
			s.behind.Store(false)
			for _, f := range s.flows {
				f.stir()
			}
		}
		break
	}
	if len(waiting) > 0 {
		s.commit(ctx, waiting)
	}
}
