package runbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// unwind takes steps back in reverse order: those that are done, and those that failed or were under way, which may have done a part.
// What is taken back is journaled, so that it goes on where it was after a crash.
func (r *run) unwind(ctx context.Context, all []*Item) error {
	for _, it := range slices.Backward(all) {
		if !r.mem.of(it.Number).touched() {
			continue
		}
		if err := r.unwindOne(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) unwindOne(ctx context.Context, it *Item) error {
	if do, is := it.act.(*Interrupt); is && r.hasUndo(it.Steps) {
		if err := r.unwindInterrupted(ctx, it, do); err != nil {
			return err
		}
	} else if err := r.unwind(ctx, it.Steps); err != nil {
		return err
	}
	if len(it.Undo) > 0 {
		r.event(Event{What: Rolling, Step: it.Number, Name: it.Name, Text: "is taken back"})
	}
	for _, undo := range it.Undo {
		if r.mem.of(undo.Number).done {
			continue
		}
		if err := r.attempts(ctx, undo); err != nil {
			return &fall{item: undo, cause: fmt.Errorf("it is to take step %s back, and failed: %w", it.Number, err)}
		}
	}
	return r.add(Entry{What: Undone, Step: it.Number})
}

// unwindInterrupted takes back what was done in an interruption that is over, in another one.
func (r *run) unwindInterrupted(ctx context.Context, it *Item, do *Interrupt) error {
	bounded, stop := context.WithTimeoutCause(ctx, max(it.grace(), time.Duration(do.AtMost)), &passed{it, do.AtMost})
	defer stop()
	open, err := r.open(bounded, it, do)
	if err == nil {
		err = r.unwind(bounded, it.Steps)
	}
	return errors.Join(err, r.close(context.WithoutCancel(ctx), it, open))
}

// hasUndo reports whether any of the steps has something to take back that is not taken back yet.
func (r *run) hasUndo(all []*Item) bool {
	found := false
	Walk(all, func(it *Item) { found = found || len(it.Undo) > 0 && r.mem.of(it.Number).touched() })
	return found
}
