package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

const (
	// bytesAhead is how much Scan asks for before it needs it: more than one message.
	bytesAhead = 8 * largestMessage
	// abandoned is when a server clears away what is left of a scan that did not end by itself.
	abandoned = 30 * time.Second
)

// Scan goes through the records from a position on, until the last one that was acknowledged when it began. Beside the
// record that it puts together it holds 8 MiB at most.
//
// The leader says which messages there have to be, and any server sends them, since they never change: one that has not
// caught up sends the rest when it has. What was acknowledged and is not there is an error. It is not passed over.
func (j *Journal) Scan(ctx context.Context, from spool.Position) iter.Seq2[spool.Record, error] {
	return func(yield func(spool.Record, error) bool) {
		var s series
		for m, err := range j.scan(ctx, uint64(max(from, 1))) {
			if err != nil {
				yield(spool.Record{}, fmt.Errorf("scan stream %s from %d: %w", j.c.Stream, from, err))
				return
			}
			if r, ends := s.add(m); ends && !yield(r, nil) {
				return
			}
		}
	}
}

// A span is what a scan has still to go through.
type span struct {
	next, end uint64
	holes     map[uint64]bool // deleted messages, which some server may send all the same
}

// settleAt moves on to the first message from a sequence on that is no hole.
func (s *span) settleAt(next uint64) {
	for s.next = next; s.holes[s.next]; s.next++ {
	}
}

func (s *span) done() bool { return s.next > s.end }

// spanFrom asks the leader what there is to go through.
func (j *Journal) spanFrom(ctx context.Context, from uint64) (*span, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.c.Timeout, j.c.late())
	defer cancel()
	s := &span{end: j.known(), holes: map[uint64]bool{}}
	info, err := j.info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return nil, err
	}
	for _, seq := range info.State.Deleted {
		s.holes[seq] = true
	}
	if from > info.State.FirstSeq && from <= s.end && !s.holes[from] {
		if from, err = j.start(ctx, from); err != nil {
			return nil, err
		}
	}
	s.settleAt(max(from, info.State.FirstSeq))
	return s, nil
}

// scan gives the messages from a sequence on. When they stop coming it asks again, until nothing has come for too long.
func (j *Journal) scan(ctx context.Context, from uint64) iter.Seq2[*jetstream.RawStreamMsg, error] {
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		s, err := j.spanFrom(ctx, from)
		for moved := time.Now(); err == nil && !s.done(); {
			before := s.next
			stopped, why := j.deliver(ctx, s, yield)
			if stopped || s.done() {
				return
			}
			if s.next > before {
				moved = time.Now()
			}
			if final(why) || time.Since(moved) > j.c.Timeout {
				err = fmt.Errorf("message %d, which was acknowledged, does not come: %w", s.next, errors.Join(why, j.c.late()))
			} else if err = j.skipForgotten(ctx, s); err == nil && s.next == before {
				err = wait(ctx, pause)
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// deliver gives messages as a consumer of the stream sends them, until the span is done, none comes for a while, or stopped.
func (j *Journal) deliver(ctx context.Context, s *span, yield func(*jetstream.RawStreamMsg, error) bool) (stopped bool, err error) {
	all, end, err := j.consume(ctx, s.next)
	if err != nil {
		return false, err
	}
	defer end()
	for !s.done() {
		m, err := j.nextOf(ctx, all)
		if err != nil {
			return false, err
		}
		if m.Sequence > s.next && !s.holes[m.Sequence] {
			return false, nil // what is between may have been forgotten
		}
		if m.Sequence != s.next {
			continue
		}
		s.settleAt(s.next + 1)
		if !yield(m, nil) {
			return true, nil
		}
	}
	return false, nil
}

// skipForgotten moves on where messages were forgotten while the scan went on.
func (j *Journal) skipForgotten(ctx context.Context, s *span) error {
	ctx, cancel := context.WithTimeoutCause(ctx, j.c.Timeout, j.c.late())
	defer cancel()
	info, err := j.info(ctx)
	if err != nil {
		return err
	}
	if info.State.FirstSeq > s.next {
		s.settleAt(info.State.FirstSeq)
		return nil
	}
	if _, err = j.get(ctx, s.next); err != nil {
		return fmt.Errorf("message %d, which was acknowledged: %w", s.next, err)
	}
	return nil
}

// consume makes a consumer that sends the messages from a sequence on. What is left of it after its end the server clears away.
func (j *Journal) consume(ctx context.Context, from uint64) (jetstream.MessagesContext, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, j.c.patience())
	defer cancel()
	consumer, err := j.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: abandoned,
	})
	if err != nil {
		return nil, nil, err
	}
	all, err := consumer.Messages(jetstream.PullMaxBytes(bytesAhead))
	if err != nil {
		return nil, nil, err
	}
	return all, func() {
		all.Stop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.c.patience())
		defer cancel()
		_ = j.stream.DeleteConsumer(ctx, consumer.CachedInfo().Name)
	}, nil
}

// nextOf waits a while for the next message.
func (j *Journal) nextOf(ctx context.Context, all jetstream.MessagesContext) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, j.c.patience())
	defer cancel()
	m, err := all.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	return &jetstream.RawStreamMsg{Sequence: meta.Sequence.Stream, Header: m.Headers(), Data: m.Data()}, nil
}
