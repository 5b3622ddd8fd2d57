package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

// What is on its way at once at most. A server refuses what it cannot queue, so it is not asked to.
const (
	mostInFlight      = 256
	mostBytesInFlight = 16 << 20
)

// Append adds records at the end, and returns their positions once most of the servers have them on disk.
//
// Each message says after which one it has to stand. So they stand in order and without gaps, and nothing that another
// writer sent stands between them.
//
// While the servers choose a new leader it tries again. Each attempt begins with the certainty that the one before has left
// nothing behind.
func (j *Journal) Append(ctx context.Context, records [][]byte) ([]spool.Position, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.write.Lock()
	defer j.write.Unlock()
	until := time.Now().Add(j.c.Timeout)
	ctx, cancel := context.WithDeadlineCause(ctx, until, j.c.late())
	defer cancel()
	// What was sent has to be found out about even when the caller has lost interest.
	sure, cancelSure := context.WithDeadlineCause(context.WithoutCancel(ctx), until, j.c.late())
	defer cancelSure()
	if err := j.ready(sure); err != nil {
		return nil, j.says(err)
	}
	for {
		b, after := j.cut(records), j.known()
		err := j.send(ctx, b, after)
		if err == nil {
			j.advance(after + uint64(len(b.messages)))
			return j.added(b, after), nil
		}
		whole, unsure := j.settle(sure, true)
		switch {
		case unsure != nil:
			return nil, j.says(fmt.Errorf("%w; it began with: %w", unsure, err))
		case whole:
			return j.added(b, after), nil
		case full(err):
			return nil, j.says(fmt.Errorf("%w: %w", spool.ErrFull, err))
		case final(err) && !outOfTurn(err), time.Until(until) < j.c.patience(), wait(ctx, pause) != nil:
			return nil, j.says(err)
		}
	}
}

// added notes that a batch stands after a sequence, and gives the positions of its records.
func (j *Journal) added(b batch, after uint64) []spool.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.usage.End = spool.Position(j.end + 1)
	j.usage.Bytes += b.bytes
	return b.positions(after)
}

// says adds to an error what was being done.
func (j *Journal) says(err error) error {
	return fmt.Errorf("append to stream %s: %w", j.c.Stream, err)
}

// ready makes sure that nothing is owed.
func (j *Journal) ready(ctx context.Context) error {
	if err := j.whyBroken(); err != nil {
		return err
	}
	_, err := j.settle(ctx, false)
	return err
}

// send publishes a batch after a sequence and waits for all acknowledgements. After an error it owes what it sent.
func (j *Journal) send(ctx context.Context, b batch, after uint64) error {
	var (
		first    error
		flying   []flight
		bytes    int
		unproven int
	)
	land := func() {
		oldest := flying[0]
		flying, bytes = flying[1:], bytes-oldest.bytes
		answered, err := oldest.land(ctx)
		if !answered {
			unproven++
		}
		if first == nil {
			first = err
		}
	}
	sent := 0
	for sent < len(b.messages) && first == nil {
		m := b.messages[sent]
		if len(flying) > 0 && (len(flying) == mostInFlight || bytes+len(m.Data) > mostBytesInFlight) {
			land()
			continue
		}
		var f flight
		if f, first = j.launch(m, after+uint64(sent)); first == nil {
			flying, bytes, sent = append(flying, f), bytes+len(m.Data), sent+1
		}
	}
	for len(flying) > 0 {
		land()
	}
	if first != nil && sent > 0 {
		j.owed = debt{after: after, batch: len(b.messages), sent: sent, unproven: unproven}
	}
	return first
}

// A flight is a message that is on its way to where it has to stand.
type flight struct {
	to    uint64
	ack   jetstream.PubAckFuture
	bytes int
}

// launch sends a message that has to stand after a sequence.
func (j *Journal) launch(m *nats.Msg, after uint64) (flight, error) {
	ack, err := j.js.PublishMsgAsync(m, jetstream.WithExpectLastSequence(after), jetstream.WithRetryAttempts(0))
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		err = fmt.Errorf("there is no connection to the servers: %w", err)
	}
	return flight{to: after + 1, ack: ack, bytes: len(m.Data)}, err
}

// land waits for what becomes of the message. It was answered for when it cannot appear in the stream later.
func (f flight) land(ctx context.Context) (answered bool, err error) {
	select {
	case ack := <-f.ack.Ok():
		if ack.Sequence != f.to {
			return false, fmt.Errorf("a message for %d stands at %d", f.to, ack.Sequence)
		}
		return true, nil
	case err := <-f.ack.Err():
		_, refused := refusal(err)
		return refused || errors.Is(err, jetstream.ErrNoStreamResponse), err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
