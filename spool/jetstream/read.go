package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

// ahead is how many messages are asked for before they are needed.
const ahead = 16

// Read gives the record at a position. It asks the stream's leader, which knows all that was acknowledged.
func (j *Journal) Read(ctx context.Context, at spool.Position) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.c.Timeout, j.c.late())
	defer cancel()
	data, err := j.read(ctx, uint64(at))
	if err != nil {
		return nil, fmt.Errorf("read record %d of stream %s: %w", at, j.c.Stream, err)
	}
	return data, nil
}

func (j *Journal) read(ctx context.Context, at uint64) ([]byte, error) {
	m, err := j.get(ctx, at)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("it is not there, or not any more: %w", err)
	}
	if err != nil {
		return nil, err
	}
	if l := labelOf(m); l.part == 1 && l.parts == 1 {
		return m.Data, nil
	}
	var s series
	for m, err := range j.messages(ctx, startOf(m), at) {
		if err != nil {
			return nil, err
		}
		if r, ends := s.add(m); ends && r.At == spool.Position(at) {
			return r.Data, nil
		}
	}
	return nil, errors.New("no record ends there")
}

// start gives the sequence at which the record begins whose part stands at a sequence.
func (j *Journal) start(ctx context.Context, seq uint64) (uint64, error) {
	m, err := j.get(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return seq, nil
	}
	if err != nil {
		return 0, err
	}
	return startOf(m), nil
}

func startOf(m *jetstream.RawStreamMsg) uint64 {
	return m.Sequence + 1 - uint64(max(1, labelOf(m).part))
}

// messages gives the few messages from one sequence to another, in order, asking the leader for several at a time. After an
// error it goes on if it is asked to.
func (j *Journal) messages(ctx context.Context, from, to uint64) iter.Seq2[*jetstream.RawStreamMsg, error] {
	type answer struct {
		m   *jetstream.RawStreamMsg
		err error
	}
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		var asking sync.WaitGroup
		defer asking.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var asked []chan answer
		for next := from; ; {
			for ; next <= to && len(asked) < ahead; next++ {
				seq, c := next, make(chan answer, 1)
				asked = append(asked, c)
				asking.Go(func() {
					m, err := j.get(ctx, seq)
					c <- answer{m, err}
				})
			}
			if len(asked) == 0 {
				return
			}
			a := <-asked[0]
			asked = asked[1:]
			if !yield(a.m, a.err) {
				return
			}
		}
	}
}

// get asks the leader for one message.
func (j *Journal) get(ctx context.Context, seq uint64) (m *jetstream.RawStreamMsg, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.c.Timeout, j.c.late())
	defer cancel()
	err = j.insist(ctx, func(ctx context.Context) error {
		m, err = j.stream.GetMsg(ctx, seq)
		return err
	})
	return m, err
}

// Forget says that the records before a position are not needed any more. The parts of the record that stands there are.
func (j *Journal) Forget(ctx context.Context, before spool.Position) error {
	ctx, cancel := context.WithTimeoutCause(ctx, j.c.Timeout, j.c.late())
	defer cancel()
	if err := j.forget(ctx, uint64(max(before, 0))); err != nil {
		return fmt.Errorf("forget what stands before %d in stream %s: %w", before, j.c.Stream, err)
	}
	return nil
}

func (j *Journal) forget(ctx context.Context, before uint64) error {
	before = min(before, j.known()+1)
	if before <= uint64(j.Usage().First) {
		return nil
	}
	first, err := j.start(ctx, before)
	if err != nil {
		return err
	}
	err = j.insist(ctx, func(ctx context.Context) error {
		return j.stream.Purge(ctx, jetstream.WithPurgeSequence(first))
	})
	if err != nil {
		return err
	}
	return j.refresh(ctx)
}

// refresh finds out what is kept.
func (j *Journal) refresh(ctx context.Context) error {
	info, err := j.info(ctx)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.usage.First = spool.Position(info.State.FirstSeq)
	j.usage.Bytes = int64(info.State.Bytes)
	return nil
}
