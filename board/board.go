// Package board keeps an immutable picture of now, for everything that shows or enforces it.
//
// A [Board] follows a feed of changes, local or through the network, and swaps in a new [Picture] after each. Whoever
// reads takes [Board.Current] and works on it for as long as it likes: a picture never changes, and reading it takes
// no lock and asks no database. When the feed is away the last picture stays, and [Board.AsOf] says how old it is.
//
// A change costs what it touched, not what there is: past events are shared between pictures, and
// [Picture.Touched] tells which components a renderer has to look at again.
package board

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"example.org/interlude/status"
)

// Feed tells what changed.
type Feed interface {
	// Since returns all that changed after seq, each thing in its last form; Since(ctx, 0) is everything.
	Since(ctx context.Context, seq int64) (status.Delta, error)
}

// Clock gives the time.
type Clock interface {
	Now() time.Time
}

// Board follows a feed. Make it with New.
type Board struct {
	feed  Feed
	clock Clock
	log   *slog.Logger

	current atomic.Pointer[Picture]
	asOf    atomic.Int64              // the last time at which the feed answered, in microseconds; 0 before the first
	heard   atomic.Pointer[time.Time] // the same on the machine's own clock, which nobody drives
	prod    chan struct{}
	reading chan struct{} // holds a token while somebody reads the feed: one at a time
	away    atomic.Bool
}

// glance is how often the feed is looked at although nothing told it to: another node may have changed something.
const glance = time.Second

// patience is how long one answer of the feed may take.
const patience = 10 * time.Second

// New makes a board that shows an empty picture until it has run.
func New(feed Feed, clock Clock, log *slog.Logger) *Board {
	b := &Board{feed: feed, clock: clock, log: log, prod: make(chan struct{}, 1), reading: make(chan struct{}, 1)}
	b.current.Store(blank())
	return b
}

// Current is the picture of now. It is never nil.
func (b *Board) Current() *Picture { return b.current.Load() }

// AsOf is when the feed last answered: the picture is right as of then. It is zero while it has never answered.
func (b *Board) AsOf() time.Time {
	at := b.asOf.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}

// silence is how long the feed may be silent before the picture counts as old.
const silence = 15 * time.Second

// Silent reports whether the feed has not answered for so long that readers should be told how old the picture is.
func (b *Board) Silent() bool {
	heard := b.heard.Load()
	return heard != nil && time.Since(*heard) > silence
}

// Prod makes the board look at the feed now. It does not wait.
func (b *Board) Prod() {
	select {
	case b.prod <- struct{}{}:
	default:
	}
}

// Refresh looks at the feed and returns when the picture shows all that was there.
func (b *Board) Refresh(ctx context.Context) error {
	select {
	case b.reading <- struct{}{}:
		defer func() { <-b.reading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	was := b.Current()
	from := was
	asked := b.clock.Now()
	delta, err := b.feed.Since(ctx, was.Seq)
	if err == nil && delta.Seq < was.Seq {
		// The store was put back to an earlier state: what the picture holds may not exist any more.
		from = blank()
		delta, err = b.feed.Since(ctx, 0)
	}
	if err != nil {
		return err
	}
	b.asOf.Store(max(asked.UnixMicro(), 1))
	heard := time.Now()
	b.heard.Store(&heard)
	if from == was && delta.Seq == was.Seq && was.Loaded {
		return nil
	}
	b.current.Store(from.with(delta))
	close(was.replaced)
	return nil
}

// Run follows the feed until ctx ends. A feed that is away is asked again; the picture stays as it was.
func (b *Board) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := b.Refresh(ctx)
		if wasAway := b.away.Swap(err != nil); ctx.Err() == nil {
			switch {
			case err != nil && !wasAway:
				b.log.Error("the store does not answer; the page stays as it was", "as_of", b.AsOf(), "error", err)
			case err == nil && wasAway:
				b.log.Info("the store answers again")
			}
		}
		b.wait(ctx)
	}
	return nil
}

// wait returns on a prod, after a glance's time, or when ctx ends.
func (b *Board) wait(ctx context.Context) {
	timer := time.NewTimer(glance)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-b.prod:
	case <-timer.C:
	}
}
