package spool

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// carry hands an entry over, and sees to it that what became of it is written before anybody else has it in hand. When ctx ends
// that is not begun any more; what was begun has time until hands does.
func (f *flow) carry(ctx, hands context.Context, id, lane string) {
	defer f.letGo(id, lane)
	v := f.attempt(ctx, hands, id)
	if v.nothing {
		return
	}
	if err := f.spool.insist(hands, id, v.standing); err != nil {
		f.spool.log.Error("what became of an entry could not be written; it is handed over again", "flow", f.name, "id", id, "error", err)
		return
	}
	f.counts.add(v)
}

// verdict is what became of an attempt.
type verdict struct {
	standing standing
	result   Result
	delay    time.Duration
	nothing  bool // it did not come to anything, and the entry stays as it is
}

// attempt hands an entry over and judges what the courier says. The courier is free when it returns.
func (f *flow) attempt(ctx, hands context.Context, id string) verdict {
	defer f.returned()
	r, err := f.spool.index.find(ctx, id)
	now := time.Now()
	if err != nil || r.State != Waiting || r.Next.After(now) {
		return verdict{nothing: true} // it was changed since it was looked up
	}
	e, release, err := f.spool.load(ctx, r)
	defer release()
	if ctx.Err() != nil || f.spool.behind.Load() {
		return verdict{nothing: true}
	}
	if err != nil {
		f.spool.log.Error("the content of an entry cannot be read", "flow", f.name, "id", id, "error", err)
		return f.judge(r, e, Outcome{Reason: err.Error()}, now)
	}
	if !r.Expires.IsZero() && !now.Before(r.Expires) {
		return f.giveUp(r, e, f.tooLate(r, r.Reason), now)
	}
	began := now
	o := f.deliver(hands, e)
	if hands.Err() != nil && o.Result == Retry {
		return verdict{nothing: true} // that it was cut off, and not the destination, may be why
	}
	now = time.Now()
	f.learn(o, began, now)
	return f.judge(r, e, o, now)
}

// returned says that the courier has one less.
func (f *flow) returned() {
	f.mu.Lock()
	f.out--
	f.mu.Unlock()
	f.stir()
}

// learn lets the pace know how it went.
func (f *flow) learn(o Outcome, began, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.pace.strikes
	if o.Result == Retry {
		f.pace.failed(o, began, now)
	} else {
		f.pace.answered(began, now)
	}
	switch is := f.pace.strikes; {
	case was < 2 && is >= 2:
		f.spool.log.Warn("the destination is away; it is tried with one entry at a time", "flow", f.name, "reason", o.Reason)
	case was >= 2 && is < 2:
		f.spool.log.Info("the destination is back", "flow", f.name)
	}
}

// deliver calls the courier. One that panics has not taken the entry.
func (f *flow) deliver(ctx context.Context, e Entry) (o Outcome) {
	defer f.guard("deliver", e.ID, func(cause any) { o = Outcome{Reason: fmt.Sprintf("the courier failed: %v", cause)} })
	return f.Courier.Deliver(ctx, e)
}

// guard keeps a panic of what belongs to others from ending the process.
func (f *flow) guard(what, id string, otherwise func(cause any)) {
	if cause := recover(); cause != nil {
		f.spool.log.Error("panic", "in", what, "flow", f.name, "id", id, "cause", cause)
		otherwise(cause)
	}
}

// judge says what an outcome makes of an entry.
func (f *flow) judge(r row, e Entry, o Outcome, now time.Time) verdict {
	v := verdict{standing: r.standing(), result: o.Result, delay: now.Sub(r.Due)}
	s := &v.standing
	s.attempts, s.reason = s.attempts+1, o.Reason
	switch o.Result {
	case Taken:
		s.state, s.settled, s.next = Delivered, now, time.Time{}
	case Dropped:
		s.state, s.settled, s.next = Removed, now, time.Time{}
	case Refused:
		r.Attempts = s.attempts
		return f.giveUp(r, e, o.Reason, now)
	default:
		if !now.Before(f.spool.expires(r.Item)) {
			r.Attempts = s.attempts
			return f.giveUp(r, e, f.tooLate(r, o.Reason), now)
		}
		s.next = now.Add(max(f.again(s.attempts), o.After))
		if o.Away { // the entry is not at fault: it goes when the flow does, and at once when that is released anew
			s.next = now
		}
		if !r.Expires.IsZero() && s.next.After(r.Expires) {
			s.next = r.Expires
		}
	}
	return v
}

// giveUp puts an entry onto the shelf, unless its flow deals with it in another way.
func (f *flow) giveUp(r row, e Entry, reason string, now time.Time) verdict {
	v := verdict{standing: r.standing(), result: Refused}
	v.standing.state, v.standing.settled, v.standing.next, v.standing.reason = Shelved, now, time.Time{}, reason
	if f.Shelve != nil && f.dealtWith(e, reason) {
		v.standing.state = Removed
	}
	return v
}

func (f *flow) dealtWith(e Entry, reason string) (done bool) {
	defer f.guard("shelve", e.ID, func(any) { done = false })
	return f.Shelve(e, reason)
}

// tooLate says why an entry is given up that was not taken in time.
func (f *flow) tooLate(r row, last string) string {
	reason := "not taken within " + inWords(f.spool.limits.Age)
	if !r.Expires.IsZero() {
		reason = "not taken before " + r.Expires.Format(time.RFC3339)
	}
	if last != "" {
		reason += ": " + last
	}
	return reason
}

// inWords writes whole days as such.
func inWords(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

// expires is when an entry is given up.
func (s *Spool) expires(i Item) time.Time {
	if i.Expires.IsZero() {
		return i.Due.Add(s.limits.Age)
	}
	return i.Expires
}

// load reads an entry with its content, once there is memory for it. Release is never nil.
func (s *Spool) load(ctx context.Context, r row) (e Entry, release func(), err error) {
	weight := min(r.Bytes+overhead, s.limits.Memory/2)
	if err := s.going.Acquire(ctx, weight); err != nil {
		return Entry{}, func() {}, err
	}
	release = func() { s.going.Release(weight) }
	e, err = s.content(ctx, r)
	return e, release, err
}

// content reads an entry from the journal. It may be carried forward meanwhile, and then stands elsewhere.
func (s *Spool) content(ctx context.Context, r row) (Entry, error) {
	for {
		data, err := s.journal.Read(ctx, r.at)
		if err == nil {
			return s.unpack(r, data)
		}
		now, gone := s.index.find(ctx, r.ID)
		if gone == nil && now.State.Ended() {
			gone = ErrEnded
		}
		if gone != nil || now.at == r.at {
			return Entry{}, errors.Join(fmt.Errorf("read entry %s at %d: %w", r.ID, r.at, err), gone)
		}
		r = now
	}
}

func (s *Spool) unpack(r row, data []byte) (Entry, error) {
	is, err := decode(data)
	if err != nil {
		return Entry{}, fmt.Errorf("read entry %s at %d: %w", r.ID, r.at, err)
	}
	if is.tag != tagEntry || is.entry.ID != r.ID {
		return Entry{}, fmt.Errorf("read entry %s at %d: the record there is of %q", r.ID, r.at, is.entry.ID)
	}
	is.entry.Expires = s.expires(r.Item)
	return is.entry, nil
}

// insist has it written where an entry stands, however long that takes, unless ctx ends: then it is tried once.
func (s *Spool) insist(ctx context.Context, id string, to standing) error {
	for {
		err := s.order(context.WithoutCancel(ctx), record{tag: tagStanding, entry: Entry{ID: id}, standing: to})
		if err == nil {
			return nil
		}
		select {
		case <-time.After(catchUpPause):
		case <-ctx.Done():
			return err
		}
	}
}
