package runbook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"example.org/interlude/api"
)

// Runner carries out one runbook. Its fields are set before Run.
type Runner struct {
	Book *Book
	// Journal is where the run is kept; see [OpenJournal].
	Journal *Journal
	// Env is where secrets look $NAME up.
	Env func(string) string

	// Server is told what happens, under the name Ref; nil tells nobody. Begin has the maintenance begun first.
	Server *api.Client
	Ref    string
	Begin  bool
	// Patience is how long the work waits for an answer of the server; 10 s without it.
	Patience time.Duration

	// Guard is the command that runs the dead-man, as [Guard] describes it. Without one nothing is paused.
	Guard []string
	// Settle decides by number about steps that may have happened: done, repeat, or failed.
	Settle map[string]string
	// Ask has a person choose one of some answers. Nil means that there is nobody to ask.
	Ask func(ctx context.Context, q Question) (string, error)
	// Hear gets what happens, one event after the other.
	Hear func(Event)
}

// Question is one that a person is asked.
type Question struct {
	Step string
	Text string
	// Choices are the answers that there are.
	Choices []string
}

// Event is something that happened, for those who look on. Its texts hold no secrets.
type Event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Step string    `json:"step,omitempty"`
	Name string    `json:"name,omitempty"`
	Text string    `json:"text,omitempty"`
	// Took is how long a step took.
	Took time.Duration `json:"took_ns,omitempty"`
	// Until is when the bound of an interruption that was opened passes.
	Until time.Time `json:"until,omitzero"`
}

// The events that are no entries of the journal.
const (
	EventSkipped     = "skipped"
	EventOutput      = "output"
	EventSaid        = "said"
	EventWarning     = "warning"
	EventRetry       = "retry"
	EventInterrupted = "interrupted"
	EventEnded       = "ended"
)

// run is one call of Run.
type run struct {
	*Runner
	journal *Journal
	plan    *Plan
	vault   *Vault
	mem     *memory
	guard   *guardClient

	news      chan struct{}
	toldMutex sync.Mutex
	told      chan struct{}

	eventMutex, askMutex, addMutex sync.Mutex
	// paused are the numbers of the pauses that this process has done.
	pausedMutex sync.Mutex
	paused      map[string]bool
}

// ErrStopped says that a run ended before its end and can be started again; ErrRolledBack, that all was taken back.
var (
	ErrStopped    = errors.New("the run has stopped, and goes on where it was when it is started again")
	ErrRolledBack = errors.New("the run was rolled back")
)

// Run carries the runbook out, or on. It returns nil when every step is done, [ErrRolledBack] with the reason when all was taken back, and
// [ErrStopped] with the reason when there is more to do. A run that has ended is only told to the server, as far as it was not.
func (r *Runner) Run(ctx context.Context) error {
	x := &run{
		Runner: r, journal: r.Journal, plan: r.Book.Plan(), vault: &Vault{Env: r.Env}, mem: remember(r.Journal.Entries()),
		guard: &guardClient{command: r.Guard, lock: r.Journal.lock, log: r.Journal.Path() + ".dead-man.log"},
		news:  make(chan struct{}, 1), told: make(chan struct{}), paused: map[string]bool{},
	}
	defer func() {
		if !x.guard.close() {
			x.event(Event{What: EventWarning, Text: "the dead-man goes on resuming what could not be resumed; " + x.guard.log + " tells how far it is"})
		}
	}()
	if err := x.mem.agree(x.plan); err != nil {
		return err
	}
	telling, quit := context.WithCancel(context.WithoutCancel(ctx))
	var teller sync.WaitGroup
	if r.Server != nil {
		teller.Go(func() { x.telling(telling) })
	}
	defer teller.Wait()
	defer quit()
	err := x.whole(ctx)
	if r.Server != nil && x.awaitTold(context.WithoutCancel(ctx), x.patience()) != nil {
		x.event(Event{What: EventWarning, Text: "the server has not been told everything: start the run again when it is back, to tell it"})
	}
	return err
}

// whole is the run from its beginning, or from where it was, to its end.
func (r *run) whole(ctx context.Context) error {
	switch r.mem.ended {
	case Finished:
		return nil
	case RolledBack:
		return fmt.Errorf("%w: %s", ErrRolledBack, r.mem.why)
	}
	if r.mem.rolling {
		return r.back(ctx, r.mem.why)
	}
	if err := r.goOrNot(ctx); err != nil {
		return err
	}
	var fell *fall
	err := r.sequence(ctx, r.plan.Steps)
	switch {
	case err == nil:
		if err := r.tell(tellClose, "", nil); err != nil {
			return err
		}
		return r.add(Entry{What: Finished})
	case errors.As(err, &fell) && fell.roll:
		return r.back(ctx, fell.Error())
	}
	if noted := r.add(Entry{What: Stopped, Text: r.vault.Redact(err.Error())}); noted != nil {
		err = errors.Join(err, noted)
	}
	return fmt.Errorf("%w: %w", ErrStopped, err)
}

// goOrNot goes through the checks, unless the run is past its first step, and opens the work.
func (r *run) goOrNot(ctx context.Context) error {
	for _, it := range r.plan.Steps {
		if r.mem.of(it.Number).begun {
			return nil
		}
	}
	if r.Server != nil && len(r.journal.Entries()) == 0 {
		bounded, stop := context.WithTimeout(ctx, r.patience())
		defer stop()
		if open, err := r.workIsOpen(bounded); err == nil && open {
			return fmt.Errorf("%w: the server has the work %q open, and there is no journal here. If none runs, close it there first", ErrLocked, workName)
		} else if err != nil && !away(err) {
			return fmt.Errorf("ask the server for %s: %w", r.Ref, err)
		}
	}
	for _, check := range r.plan.Checks {
		if err := r.attempts(ctx, check); err != nil {
			return fmt.Errorf("no-go: %s (%s): %w. Nothing was done", check.Number, check.Name, err)
		}
	}
	if r.Begin {
		if err := r.tell(tellBegin, "", nil); err != nil {
			return err
		}
	}
	return r.tell(tellOpen, "", nil)
}

// back rolls back all that was done, and ends the run.
func (r *run) back(ctx context.Context, why string) error {
	if !r.mem.rolling {
		if err := r.add(Entry{What: Rolling, Text: r.vault.Redact(why)}); err != nil {
			return err
		}
	}
	if err := r.unwind(ctx, r.plan.Steps); err != nil {
		stopped := r.add(Entry{What: Stopped, Text: r.vault.Redact(err.Error())})
		return errors.Join(fmt.Errorf("%w: rolling back, because %s: %w", ErrStopped, why, err), stopped)
	}
	if err := r.tell(tellClose, "", nil); err != nil {
		return err
	}
	if err := r.add(Entry{What: RolledBack, Text: r.vault.Redact(why)}); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrRolledBack, r.vault.Redact(why))
}

// patience is how long the work waits for the server.
func (r *run) patience() time.Duration { return cmp.Or(r.Patience, 10*time.Second) }

// add journals an entry, keeps it in mind, and shows it.
func (r *run) add(e Entry) error {
	r.addMutex.Lock()
	defer r.addMutex.Unlock()
	e, err := r.journal.Add(e)
	if err != nil {
		return err
	}
	r.mem.apply(e)
	return nil
}

// event shows something, one after the other.
func (r *run) event(e Event) {
	if r.Hear == nil {
		return
	}
	r.eventMutex.Lock()
	defer r.eventMutex.Unlock()
	e.At, e.Text, e.Name = time.Now(), r.vault.Redact(e.Text), r.vault.Redact(e.Name)
	r.Hear(e)
}

// ask has a person choose.
func (r *run) ask(ctx context.Context, q Question) (string, error) {
	if r.Ask == nil {
		return "", errors.New("there is nobody to ask: start the run in a terminal")
	}
	r.askMutex.Lock()
	defer r.askMutex.Unlock()
	q.Text = r.vault.Redact(q.Text)
	return r.Ask(ctx, q)
}
