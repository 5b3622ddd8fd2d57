package runbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

func (a *Interrupt) does() string {
	return fmt.Sprintf("interrupt %s for %s at most", strings.Join(a.Flows, ", "), a.AtMost)
}
func (a *Parallel) does() string { return fmt.Sprintf("%d steps at the same time", len(a.Steps)) }
func (a *Repeat) does() string   { return "repeat for " + strings.Join(a.Over, ", ") }

// What holds steps is performed by the run.
func (a *Interrupt) do(context.Context, *doing) error { return nil }
func (a *Parallel) do(context.Context, *doing) error  { return nil }
func (a *Repeat) do(context.Context, *doing) error    { return nil }

// grace is how long a bound that has passed leaves for taking back, before the dead-man ends what is held.
func (it *Item) grace() time.Duration {
	if it.Rollback > 0 {
		return time.Duration(it.Rollback)
	}
	return 10 * time.Second
}

// interrupt opens an interruption, does its steps, takes them back when that is to be, and ends the interruption whatever
// happened. Poolers that are still paused then are resumed.
func (r *run) interrupt(ctx context.Context, it *Item, do *Interrupt) error {
	ending := context.WithoutCancel(ctx)
	bounded, stop := context.WithTimeoutCause(ctx, time.Duration(do.AtMost), &passed{it, do.AtMost})
	defer stop()
	open, err := r.open(bounded, it, do)
	if err == nil {
		err = r.sequence(bounded, it.Steps)
	}
	if b := new(passed); errors.As(err, &b) {
		err = errors.Join(r.tell(tellPost, fmt.Sprintf("An interruption has lasted longer than the %s that it may.", do.AtMost), nil), err)
	}
	var fell *fall
	if errors.As(err, &fell) && fell.roll {
		if noted := r.add(Entry{What: Rolling, Text: r.vault.Redact(fell.Error())}); noted != nil {
			return errors.Join(err, noted, r.close(ending, it, open))
		}
		back, end := context.WithTimeout(ending, it.grace())
		undone := r.unwind(back, it.Steps)
		end()
		if undone != nil {
			err = &fall{item: it, cause: fmt.Errorf("%w; and taking it back: %w", fell, undone)}
		}
	}
	if closed := r.close(ending, it, open); closed != nil {
		return errors.Join(err, closed)
	}
	return err
}

// opened is an interruption that is open.
type opened struct {
	id    string
	since time.Time
	flows []string
}

// open arms the dead-man, opens the interruption at the server, and waits for the gates where that is wanted. A server that is away
// does not stop the work: it is told afterwards.
func (r *run) open(ctx context.Context, it *Item, do *Interrupt) (opened, error) {
	o := opened{since: time.Now(), flows: do.Flows}
	until := o.since.Add(time.Duration(do.AtMost))
	if err := r.guard.bound(ctx, until.Add(it.grace())); err != nil {
		return o, err
	}
	r.event(Event{What: EventInterrupted, Step: it.Number, Name: it.Name, Text: strings.Join(do.Flows, ", "), Until: until})
	if r.Server == nil {
		return o, nil
	}
	i, err := r.openAtServer(ctx, it, do)
	switch {
	case err == nil:
	case ctx.Err() == nil && (away(err) || errors.Is(err, errUntold)):
		r.event(Event{What: EventWarning, Step: it.Number, Name: it.Name, Text: fmt.Sprintf("the gates do not know of the interruption: %v", err)})
		return o, nil
	default:
		return o, &fall{roll: it.onFailure == onRollback && r.pastReturn() == nil, item: it, cause: fmt.Errorf("open the interruption: %w", err)}
	}
	o.id = i.ID
	if err := r.guard.interrupted(ctx, r.Server.Server, r.Server.Token, r.Ref, i.ID); err != nil {
		return o, err
	}
	if do.Quiet > 0 {
		if err := r.awaitQuiet(ctx, i, time.Duration(do.Quiet)); err != nil {
			return o, &fall{roll: it.onFailure == onRollback && r.pastReturn() == nil, item: it, cause: err}
		}
	}
	return o, nil
}

// openAtServer opens the interruption, or takes over the one that the runner before opened for the same step.
func (r *run) openAtServer(ctx context.Context, it *Item, do *Interrupt) (status.Interruption, error) {
	if err := r.awaitTold(ctx, r.patience()); err != nil {
		return status.Interruption{}, err
	}
	limited, stop := context.WithTimeout(ctx, r.patience())
	defer stop()
	reason := strings.TrimSpace(fmt.Sprintf("%s (runbook, step %s)", do.Reason, it.Number))
	all, err := r.Server.Interruptions(limited, r.Ref)
	if err != nil {
		return status.Interruption{}, err
	}
	ask := api.InterruptionExtension{AtMost: do.AtMost, Expected: it.Expected}
	for _, i := range all {
		if i.Closed.IsZero() && i.Reason == reason && slices.Equal(i.Flows, do.Flows) {
			return r.Server.ExtendInterruption(limited, r.Ref, i.ID, ask)
		}
	}
	return r.Server.Interrupt(limited, r.Ref, api.InterruptionRequest{Flows: do.Flows, AtMost: do.AtMost, Expected: it.Expected, Reason: reason})
}

// close resumes what is still paused and ends the interruption.
func (r *run) close(ctx context.Context, it *Item, o opened) error {
	ctx, stop := context.WithTimeout(ctx, letGo)
	defer stop()
	if held := r.guard.held(); len(held) > 0 {
		r.event(Event{What: EventWarning, Step: it.Number, Name: it.Name, Text: "poolers are still paused at the end of the interruption, and are resumed"})
		if err := each(held, func(_ int, p Pooler) error { return p.resume(ctx) }); err != nil {
			return fmt.Errorf("resume at the end of the interruption: %w", err) // and the dead-man goes on with it
		}
		if err := r.guard.release(ctx, held); err != nil {
			return err
		}
	}
	r.forgetHolds()
	took := time.Since(o.since)
	r.event(Event{What: EventEnded, Step: it.Number, Name: it.Name, Text: strings.Join(o.flows, ", "), Took: took})
	if err := r.endAtServer(ctx, o, took); err != nil {
		return err
	}
	if err := r.guard.interrupted(ctx, "", "", "", ""); err != nil {
		return err
	}
	return r.guard.bound(ctx, time.Time{})
}

// endAtServer ends the interruption, or has the server told later.
func (r *run) endAtServer(ctx context.Context, o opened, took time.Duration) error {
	switch {
	case r.Server == nil:
		return nil
	case o.id == "":
		return r.tell(tellPost, fmt.Sprintf("From %s to %s UTC %s was interrupted.", o.since.UTC().Format("15:04:05"),
			o.since.Add(took).UTC().Format("15:04:05"), strings.Join(o.flows, ", ")), nil)
	}
	limited, stop := context.WithTimeout(ctx, r.patience())
	defer stop()
	if _, err := r.Server.EndInterruption(limited, r.Ref, o.id); err != nil {
		if !away(err) {
			r.event(Event{What: EventWarning, Text: fmt.Sprintf("the server refuses to end the interruption %s: %v", o.id, err)})
			return nil
		}
		return r.tell(tellEnd, "", map[string]string{"interruption": o.id})
	}
	return nil
}

// awaitQuiet waits until every gate that lives has the interruption in force and nothing of its flows is under way there.
func (r *run) awaitQuiet(ctx context.Context, i status.Interruption, most time.Duration) error {
	begun := time.Now()
	ctx, stop := context.WithTimeoutCause(ctx, most, fmt.Errorf("the gates are not quiet within %s", status.Duration(most)))
	defer stop()
	for {
		gates, err := r.Server.Gates(ctx)
		loud := "the server does not say what the gates do"
		if err == nil {
			loud = notQuiet(i, gates, i.Opened.Add(time.Since(begun)))
		}
		if loud == "" {
			return nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%w: %s", context.Cause(ctx), loud)
		}
	}
}

// gateAlive is how long ago a gate may have been heard to be waited for.
const gateAlive = 30 * time.Second

// notQuiet says which flow still reaches the product, empty when none does.
func notQuiet(i status.Interruption, gates []api.Gate, now time.Time) string {
	found := map[string]bool{}
	for _, g := range gates {
		if now.Sub(g.Seen) > gateAlive {
			continue
		}
		for _, f := range g.State.Flows {
			switch {
			case !slices.Contains(i.Flows, f.Flow):
				continue
			case !slices.Contains(f.Interruptions, i.ID):
				return fmt.Sprintf("%s does not interrupt %s yet", g.Name, f.Flow)
			case f.InFlight > 0:
				return fmt.Sprintf("%s has %d requests of %s under way", g.Name, f.InFlight, f.Flow)
			}
			found[f.Flow] = true
		}
	}
	for _, flow := range i.Flows {
		if !found[flow] {
			return "no gate has the flow " + flow
		}
	}
	return ""
}

// holds remembers that this process has paused for a step.
func (r *run) holds(it *Item) {
	r.pausedMutex.Lock()
	defer r.pausedMutex.Unlock()
	r.paused[it.Number] = true
}

func (r *run) forgetHolds() {
	r.pausedMutex.Lock()
	defer r.pausedMutex.Unlock()
	clear(r.paused)
}

// mustHoldAgain reports whether a pause that is done has to be done again: the runner that did it has died, and its dead-man has resumed
// what it held, while the interruption goes on.
func (r *run) mustHoldAgain(it *Item) bool {
	poolers := held(it)
	block := it.interruption()
	r.pausedMutex.Lock()
	here := r.paused[it.Number]
	r.pausedMutex.Unlock()
	if poolers == nil || block == nil || here {
		return false
	}
	after, again := false, true
	Walk(block.Steps, func(other *Item) {
		if resume, is := other.act.(*Resume); is && after && resume.Database == poolers.Database && r.mem.of(other.Number).done {
			again = false
		}
		after = after || other == it
	})
	return again
}

// held are the poolers that a step pauses, or nil.
func held(it *Item) *Poolers {
	switch do := it.act.(type) {
	case *Pause:
		return &do.Poolers
	case *Kill:
		return &do.Poolers
	}
	return nil
}
