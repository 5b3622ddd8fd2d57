package runbook

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"example.org/interlude/status"
)

// fall is how a failure travels to the beginning of the run: a step has failed, and it is known what follows.
type fall struct {
	roll  bool
	item  *Item
	cause error
}

func (f *fall) Error() string {
	return fmt.Sprintf("step %s (%s): %v", f.item.Number, f.item.Name, f.cause)
}
func (f *fall) Unwrap() error { return f.cause }

// untouched is a failure of which is known that it changed nothing. It counts only where it is the error itself: what wraps it
// may know of more.
type untouched struct{ error }

func (u untouched) Unwrap() error { return u.error }

// unclear is a failure of which nobody knows whether the step happened nevertheless. It counts where it is the error itself.
type unclear struct{ error }

func (u unclear) Unwrap() error { return u.error }

// passed is the cause of a bound that has passed.
type passed struct {
	item   *Item
	atMost status.Duration
}

func (p *passed) Error() string {
	return fmt.Sprintf("the interruption of step %s has passed its bound of %s", p.item.Number, p.atMost)
}

// verdict is what is known of a step that may have happened.
type verdict int

const (
	unknown verdict = iota
	happened
	notYet
)

// Some steps know more of themselves. What implements neither is safe to repeat.
type (
	// decider finds out whether a step happened that was under way when the runner died.
	decider interface {
		again(ctx context.Context, d *doing) (verdict, error)
	}
	// witness looks before the first attempt at what the step has to know afterwards.
	witness interface {
		before(ctx context.Context, d *doing) (map[string]string, error)
	}
)

// doing is a step while it is done.
type doing struct {
	run   *run
	item  *Item
	facts map[string]string
	said  string
	// anew is set when the step was done before and is done again, because what it held was let go.
	anew bool
}

// note journals facts while the step is done.
func (d *doing) note(facts map[string]string) error {
	d.facts = merged(d.facts, facts)
	return d.run.add(Entry{What: Noted, Step: d.item.Number, Facts: facts})
}

// say is what there is to say of how it went.
func (d *doing) say(text string) {
	if text == "" || text == d.said {
		return
	}
	d.said = text
	d.run.event(Event{What: EventSaid, Step: d.item.Number, Name: d.item.Name, Text: text})
}

func (d *doing) output(line string) {
	d.run.event(Event{What: EventOutput, Step: d.item.Number, Name: d.item.Name, Text: line})
}

func (d *doing) warn(text string) {
	d.run.event(Event{What: EventWarning, Step: d.item.Number, Name: d.item.Name, Text: text})
}

// sequence does steps one after the other, and skips what is done.
func (r *run) sequence(ctx context.Context, all []*Item) error {
	for _, it := range all {
		if r.mem.of(it.Number).done && !r.mustHoldAgain(it) {
			r.event(Event{What: EventSkipped, Step: it.Number, Name: it.Name, Text: "done before"})
			continue
		}
		if err := r.item(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

// item does one step, and decides what follows when it fails.
func (r *run) item(ctx context.Context, it *Item) error {
	for {
		err := r.attempts(ctx, it)
		var fell *fall
		if err == nil || errors.As(err, &fell) {
			return err
		}
		choice, why := r.choose(ctx, it, err)
		switch choice {
		case "retry":
			continue
		case "skip":
			return r.add(Entry{What: Done, Step: it.Number, Text: "skipped by a person after: " + r.vault.Redact(err.Error())})
		}
		return &fall{roll: choice == onRollback, item: it, cause: why}
	}
}

// choose says what follows a failure: rollback, stop, or what a person says.
func (r *run) choose(ctx context.Context, it *Item, err error) (choice string, why error) {
	policy := it.onFailure
	var bound *passed
	if errors.As(context.Cause(ctx), &bound) {
		policy, err = bound.item.onFailure, fmt.Errorf("%w: %w", bound, err)
	} else if ctx.Err() != nil || r.journal.isBroken() {
		return onStop, err // somebody ended the runner, or it cannot remember any more
	}
	if nobody := new(unasked); errors.As(err, &nobody) {
		return onStop, err
	}
	if point := r.pastReturn(); point != nil && policy == onRollback {
		return onStop, fmt.Errorf("%w. Step %s was the point of no return, so that nothing is undone", err, point.Number)
	}
	if policy != onAsk {
		return policy, err
	}
	choices := []string{"retry", "skip", onRollback, onStop}
	if bound != nil {
		choices = choices[2:]
	}
	if r.pastReturn() != nil {
		choices = append(choices[:len(choices)-2], onStop)
	}
	// The bound has passed, but whoever answers does not have to hurry for that.
	answer, asked := r.ask(context.WithoutCancel(ctx), Question{Step: it.Number, Choices: choices, Text: fmt.Sprintf("Step %s (%s) failed: %v", it.Number, it.Name, err)})
	if asked != nil {
		return onStop, fmt.Errorf("%w; %w", err, asked)
	}
	return answer, err
}

// unasked is a question that nobody answered.
type unasked struct{ error }

// pastReturn is a step that cannot be undone and may have happened, or nil.
func (r *run) pastReturn() *Item {
	var found *Item
	Walk(r.plan.Steps, func(it *Item) {
		if found == nil && it.Irreversible && r.mem.of(it.Number).touched() {
			found = it
		}
	})
	return found
}

// attempts does one step, again as often as it says.
func (r *run) attempts(ctx context.Context, it *Item) error {
	retries := it.act.common().Retries
	for n := 0; ; n++ {
		err := r.attempt(ctx, it)
		var fell *fall
		if err == nil || n >= retries || ctx.Err() != nil || errors.As(err, &fell) || r.journal.isBroken() {
			return err
		}
		r.event(Event{What: EventRetry, Step: it.Number, Name: it.Name, Text: fmt.Sprintf("attempt %d of %d failed: %v", n+1, retries+1, err)})
		if !pause(ctx, min(time.Second<<min(n, 4), 10*time.Second)) {
			return err
		}
	}
}

// attempt does one step once, and journals it before and after.
func (r *run) attempt(ctx context.Context, it *Item) error {
	begun := time.Now()
	known := r.mem.of(it.Number)
	d := &doing{run: r, item: it, facts: known.facts, anew: known.done || known.before}
	limited, stop := context.WithTimeoutCause(ctx, it.timeout(), fmt.Errorf("took longer than its timeout of %s", status.Duration(it.timeout())))
	defer stop()
	if len(it.Steps) > 0 {
		limited = ctx // what it holds has timeouts of its own
	} else if known.unsettled() {
		settled, err := r.settle(limited, d)
		if err != nil || settled {
			return err
		}
	}
	facts := map[string]string{}
	if w, is := it.act.(witness); is && !known.begun { // later attempts compare with what was before the first
		var err error
		if facts, err = w.before(limited, d); err != nil {
			return err
		}
		d.facts = merged(d.facts, facts)
	}
	if err := r.add(Entry{What: Begun, Step: it.Number, Hash: it.hash, Facts: facts, Text: it.Name}); err != nil {
		return err
	}
	r.event(Event{What: Begun, Step: it.Number, Name: it.Name, Text: it.Does})
	err := r.perform(limited, it, d)
	return r.record(limited, it, d, err, time.Since(begun))
}

// record journals what became of an attempt.
func (r *run) record(ctx context.Context, it *Item, d *doing, err error, took time.Duration) error {
	e := Entry{What: Done, Step: it.Number, Text: r.vault.Redact(d.said)}
	_, nothing := err.(untouched) //nolint:errorlint // only the error itself says so; what wraps it may know of more
	_, uncertain := err.(unclear) //nolint:errorlint // the same
	switch {
	case nothing:
		e.What, e.Text = Untouched, r.vault.Redact(err.Error())
	case err != nil:
		e.What, e.Text = Failed, r.vault.Redact(err.Error())
		if ctx.Err() != nil || uncertain {
			e.Facts = map[string]string{factCut: "true"}
		}
	}
	if noted := r.add(e); noted != nil {
		return errors.Join(err, noted)
	}
	r.event(Event{What: e.What, Step: it.Number, Name: it.Name, Text: e.Text, Took: took})
	return err
}

// perform does what a step is.
func (r *run) perform(ctx context.Context, it *Item, d *doing) error {
	switch do := it.act.(type) {
	case *Interrupt:
		return r.interrupt(ctx, it, do)
	case *Parallel:
		return r.parallel(ctx, it)
	case *Repeat:
		return r.sequence(ctx, it.Steps)
	case *Pause, *Kill:
		err := it.act.do(ctx, d)
		if err == nil {
			r.holds(it)
		}
		return err
	}
	return it.act.do(ctx, d)
}

// parallel does steps at the same time. One that fails ends none of the others: what is under way is better at its end.
func (r *run) parallel(ctx context.Context, it *Item) error {
	errs := make([]error, len(it.Steps))
	var all sync.WaitGroup
	for i, inner := range it.Steps {
		all.Go(func() { errs[i] = r.sequence(ctx, []*Item{inner}) })
	}
	all.Wait()
	var first *fall
	for _, err := range errs {
		var fell *fall
		if errors.As(err, &fell) && (first == nil || first.roll && !fell.roll) { // one that must not be undone decides for all
			first = fell
		} else if err != nil && fell == nil {
			return err
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// settle decides about a step that may have happened.
func (r *run) settle(ctx context.Context, d *doing) (settled bool, err error) {
	if err := d.awaitProcess(ctx); err != nil {
		return false, err
	}
	v, err := r.verdict(ctx, d)
	if err != nil {
		return false, err
	}
	if v == unknown {
		if v, err = r.askVerdict(ctx, d); err != nil {
			return false, err
		}
	}
	if v == notYet {
		return false, nil
	}
	r.event(Event{What: Done, Step: d.item.Number, Name: d.item.Name, Text: "had happened before"})
	return true, r.add(Entry{What: Done, Step: d.item.Number, Text: "had happened before the runner was started again"})
}

func (r *run) verdict(ctx context.Context, d *doing) (verdict, error) {
	c := d.item.act.common()
	if _, set := r.Settle[d.item.Number]; set {
		return unknown, nil // a person has decided
	}
	decide, may := d.item.act.(decider)
	switch {
	case !may || c.Repeatable:
		return notYet, nil
	case c.DoneIf != nil:
		return byCondition(ctx, c.DoneIf, r.vault)
	}
	return decide.again(ctx, d)
}

// byCondition decides by what the step's author wrote. That the condition cannot be asked says nothing, and is asked again.
func byCondition(ctx context.Context, c *Condition, v *Vault) (verdict, error) {
	for {
		_, err := c.holds(ctx, v)
		var exit *exec.ExitError
		switch {
		case err == nil:
			return happened, nil
		case c.Command != nil && errors.As(err, &exit), c.Command == nil && isAnswer(err):
			return notYet, nil
		}
		if !pause(ctx, 200*time.Millisecond) {
			return unknown, fmt.Errorf("done_if cannot be asked: %w", err)
		}
	}
}

// differs is a condition that was asked, and does not hold.
type differs struct{ error }

func (d differs) Unwrap() error { return d.error }

func isAnswer(err error) bool {
	var d differs
	return errors.As(err, &d)
}

// askVerdict takes what a person says, on the command line or now.
func (r *run) askVerdict(ctx context.Context, d *doing) (verdict, error) {
	it := d.item
	answer, given := r.Settle[it.Number]
	delete(r.Settle, it.Number)
	if !given {
		text := fmt.Sprintf("Step %s (%s) was under way when the runner ended, and nobody knows whether it happened. Look, and say: "+
			"done, repeat, or failed", it.Number, it.Name)
		var err error
		if answer, err = r.ask(ctx, Question{Step: it.Number, Text: text, Choices: []string{"done", "repeat", "failed"}}); err != nil {
			return unknown, &unasked{fmt.Errorf("it was under way when the runner ended, and nobody knows whether it happened: look, and say so with --settle %s=done, "+
				"%s=repeat or %s=failed; or give the step done_if or repeatable: %w", it.Number, it.Number, it.Number, err)}
		}
	}
	switch answer {
	case "done":
		return happened, nil
	case "repeat":
		return notYet, nil
	case "failed":
		return unknown, errors.New("it failed, as a person says")
	}
	return unknown, fmt.Errorf("%q says nothing about step %s: done, repeat or failed", answer, it.Number)
}

// do asks, and fails unless the answer is yes.
func (a *Ask) do(ctx context.Context, d *doing) error {
	answer, err := d.run.ask(ctx, Question{Step: d.item.Number, Text: string(a.Question), Choices: []string{"yes", "no"}})
	if err != nil {
		return &unasked{err}
	}
	if answer != "yes" {
		return untouched{fmt.Errorf("a person said %s", answer)}
	}
	return nil
}

func (a *Ask) does() string { return "ask: " + oneLine(string(a.Question)) }
