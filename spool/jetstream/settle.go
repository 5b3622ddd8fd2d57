package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

// errAnotherWriter is that the stream is not ours alone.
var errAnotherWriter = fmt.Errorf("%w: its journal has another writer", spool.ErrClosed)

// A debt is what an Append that failed has left to be found out.
type debt struct {
	after    uint64 // the sequence that its messages were to follow
	batch    int    // how many messages make it whole
	sent     int    // how many were sent
	unproven int    // how many of them nobody has answered for: they may stand in the stream, or come to stand there
}

// begin takes possession of the stream: a fence at its end keeps away what an earlier writer may have on its way.
func (j *Journal) begin(ctx context.Context) error {
	info, err := j.info(ctx)
	if err != nil {
		return err
	}
	end := info.State.LastSeq
	j.usage.End = spool.Position(end + 1)
	for {
		stands, err := j.fence(ctx, end)
		switch {
		case err == nil:
			j.advance(stands)
			return j.refresh(ctx)
		case full(err): // then nothing on its way finds room either
			j.advance(end)
			return j.refresh(ctx)
		case !outOfTurn(err):
			return err
		}
		if info, err = j.info(ctx); err != nil {
			return err
		}
		end = info.State.LastSeq
	}
}

// settle finds out what became of the messages of an Append that failed, and sees to it that they count all or none: whole is
// that all of them are there, and may be kept. It can be called again and again until it succeeds; Append does nothing else before.
//
// None of them count when those in the stream are deleted, and those that may be on their way find a fence where they were to
// stand.
func (j *Journal) settle(ctx context.Context, keep bool) (whole bool, err error) {
	if j.owed == (debt{}) {
		return false, nil
	}
	for {
		last, ours, err := j.inspect(ctx)
		if err != nil {
			return false, j.unsure(err)
		}
		if keep && len(ours) == j.owed.batch {
			j.paid(last)
			return true, nil
		}
		if err := j.remove(ctx, ours); err != nil {
			return false, j.unsure(err)
		}
		last, err = j.fenceOff(ctx, last)
		if err == nil {
			j.paid(last)
			return false, nil
		}
		if !outOfTurn(err) {
			return false, j.unsure(err)
		}
	}
}

// unsure says that it is not known what stands in the stream, or that it is known to be somebody else's.
func (j *Journal) unsure(err error) error {
	if errors.Is(err, spool.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w until it is known what became of earlier records: %w", spool.ErrClosed, err)
}

// paid notes that nothing is owed any more: all that stands up to a sequence is known.
func (j *Journal) paid(last uint64) {
	j.owed = debt{}
	j.advance(last)
}

// inspect looks at what stands in the stream after what is known: where it ends, and which messages are ours.
func (j *Journal) inspect(ctx context.Context) (last uint64, ours []uint64, err error) {
	info, err := j.info(ctx)
	if err != nil {
		return 0, nil, err
	}
	last = info.State.LastSeq
	others := false
	for m, err := range j.messages(ctx, j.owed.after+1, last) {
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
		case err != nil:
			return 0, nil, err
		case labelOf(m).writer != j.writer:
			others = true
		case labelOf(m).parts > 0:
			ours = append(ours, m.Sequence)
		}
	}
	if others {
		j.breakOff(fmt.Errorf("%w; stop the other gate, and start this one anew", errAnotherWriter))
		return 0, nil, errors.Join(j.whyBroken(), j.remove(ctx, ours))
	}
	return last, ours, nil
}

// remove deletes messages of ours.
func (j *Journal) remove(ctx context.Context, sequences []uint64) error {
	for _, seq := range sequences {
		err := j.insist(ctx, func(ctx context.Context) error {
			err := j.stream.DeleteMsg(ctx, seq)
			if err == nil || !final(err) {
				return err
			}
			// It is refused too when it was done by a request whose answer was lost.
			if _, gone := j.stream.GetMsg(ctx, seq); errors.Is(gone, jetstream.ErrMsgNotFound) {
				return nil
			}
			return fmt.Errorf("message %d cannot be deleted: %w", seq, err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fenceOff puts so many fences after a sequence that each message that is on its way finds its place taken, and gives
// where they end. Where everything was answered for, nothing is on its way.
func (j *Journal) fenceOff(ctx context.Context, last uint64) (uint64, error) {
	if j.owed.unproven == 0 {
		return last, nil
	}
	for last < j.owed.after+uint64(j.owed.sent) {
		stands, err := j.fence(ctx, last)
		if err != nil {
			return 0, err
		}
		last = stands
	}
	return last, nil
}

// fence puts a message without a record after a sequence, and gives where it stands.
func (j *Journal) fence(ctx context.Context, after uint64) (uint64, error) {
	err := j.insist(ctx, func(ctx context.Context) error {
		f, err := j.launch(j.message(label{writer: j.writer}, nil), after)
		if err == nil {
			_, err = f.land(ctx)
		}
		return err
	})
	return after + 1, err
}

// info asks the leader about the stream.
func (j *Journal) info(ctx context.Context, more ...jetstream.StreamInfoOpt) (info *jetstream.StreamInfo, err error) {
	err = j.insist(ctx, func(ctx context.Context) error {
		if info, err = j.stream.Info(ctx, more...); err != nil {
			return err
		}
		if end := j.known(); info.State.LastSeq < end {
			return fmt.Errorf("the stream ends at %d and ended at %d before: it was made anew, or a server without the rest answers", info.State.LastSeq, end)
		}
		return nil
	})
	return info, err
}

// known is the sequence up to which everything is known.
func (j *Journal) known() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end
}

// advance notes that everything is known up to a sequence.
func (j *Journal) advance(end uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.end = end
}

// breakOff ends appending for good. The first reason stays.
func (j *Journal) breakOff(why error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken == nil {
		j.broken = why
	}
}

func (j *Journal) whyBroken() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.broken
}
