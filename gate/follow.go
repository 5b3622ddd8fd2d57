package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.org/interlude/api"
)

// Home is where a gate belongs: the server whose plan it follows, and the directory with what it must not forget.
type Home struct {
	// Dir is made if it is not there. It holds the last plan and the outcomes that were not sent yet. Empty keeps them in
	// memory, up to a bound, so that a restart forgets them.
	Dir string
	// Name is how the server and people tell this gate from others; required.
	Name string
	// Version is the program's, for the server to show.
	Version string
	// Server is who gives the plan; required. An [*api.Client] is one.
	Server Server
	// Recalled is called once the plan on disk is in force, or there is none: clients who come earlier would be treated as if
	// there were no maintenance. nil is nobody.
	Recalled func()
	// Log is told what happens between the two; nil is the gate's own.
	Log *slog.Logger
}

// Server gives the plan and takes what the gate has to tell. Its errors are those of package api.
type Server interface {
	// FollowPlan calls heard with the plan as it is and with each later one, and returns when the stream breaks.
	FollowPlan(ctx context.Context, name string, heard func(api.Plan)) error
	// TellState tells what is in force at the gate.
	TellState(ctx context.Context, name string, is api.GateState) error
	// TellOutcomes tells what it measured. A batch may be told twice, and is to be counted once.
	TellOutcomes(ctx context.Context, name string, batch api.OutcomeBatch) error
}

var _ Server = (*api.Client)(nil)

// following is a gate that follows a server.
type following struct {
	gate  *Gate
	home  Home
	log   *slog.Logger
	disk  *disk // nil without a directory
	shelf shelf
	// measured has something in it when there may be something on the shelf.
	measured chan struct{}
	// planFails and diskFails say that it was told already that something cannot be written.
	planFails, diskFails bool
}

// Follow does what the server's plan says until ctx ends, and tells the server what is in force and what became of the
// requests. It needs Run beside it, and should end after the last request.
//
// The last plan that was heard is on disk and in force at once; while the server is away, it counts. What was measured is on disk
// within a second, and sent until the server has it; when ctx ends, what is left is written, and sent if that takes no more
// than three seconds. Traffic waits for none of this. The error says why following could not begin.
func (g *Gate) Follow(ctx context.Context, home Home) error {
	f, err := g.newFollowing(home)
	if err != nil {
		return fmt.Errorf("follow the server: %w", err)
	}
	defer f.end()
	f.recall()
	if home.Recalled != nil {
		home.Recalled()
	}
	var all sync.WaitGroup
	for _, work := range []func(context.Context){f.listen, f.tellState, f.measure, f.tellOutcomes} {
		all.Go(func() { work(ctx) })
	}
	all.Wait()
	f.saveOutcomes()
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), partingTime)
	defer stop()
	if err := f.sendOutcomes(last); err != nil {
		f.log.Warn("what was measured last is not sent", "kept", home.Dir != "", "error", err)
	}
	return nil
}

func (g *Gate) newFollowing(home Home) (*following, error) {
	switch {
	case home.Name == "":
		return nil, errors.New("Home.Name is required: how the server tells this gate from others")
	case home.Server == nil:
		return nil, errors.New("Home.Server is required: who gives the plan")
	}
	f := &following{gate: g, home: home, log: home.Log, measured: make(chan struct{}, 1)}
	if f.log == nil {
		f.log = g.log
	}
	if !g.meter.follow(true) {
		return nil, errors.New("this gate follows a server already")
	}
	if home.Dir == "" {
		f.shelf = newMemoryShelf(time.Now())
		return f, nil
	}
	if err := f.openDisk(); err != nil {
		f.end()
		return nil, err
	}
	return f, nil
}

func (f *following) openDisk() (err error) {
	if f.disk, err = openDisk(f.home.Dir, f.log); err != nil {
		return err
	}
	f.shelf, err = newDiskShelf(f.disk, time.Now())
	return err
}

func (f *following) end() {
	f.gate.meter.follow(false)
	if f.disk != nil {
		f.disk.close()
	}
}

// recall puts the plan on disk in force.
func (f *following) recall() {
	if f.disk == nil {
		return
	}
	if kept, ok := f.disk.plan(); ok {
		f.log.Info("the plan on disk is in force until the server is heard", "revision", kept.Plan.Revision, "heard", kept.Heard)
		f.gate.plans.recall(kept.Plan, kept.Heard, kept.Ahead)
	}
}

// listen hears plans until ctx ends.
func (f *following) listen(ctx context.Context) {
	from := newLine(f.log, "the plan")
	for {
		first, began := true, time.Now()
		err := f.home.Server.FollowPlan(ctx, f.home.Name, func(plan api.Plan) {
			if first {
				from.heard()
			}
			f.gate.plans.take(plan, first)
			first = false
			f.remember()
		})
		f.gate.plans.lost()
		if !first {
			f.remember() // until when it was heard
		}
		if err == nil {
			err = errors.New("the stream of plans ended")
		}
		if !first && time.Since(began) > longestPause {
			from.pauses.Reset() // it was well for a while
		}
		if ctx.Err() != nil || !rest(ctx, from.ended(err)) {
			return
		}
	}
}

// remember writes the plan in force to disk.
func (f *following) remember() {
	if f.disk == nil {
		return
	}
	plan, heard, ahead := f.gate.plans.memory()
	_, err := f.disk.write(planName, keptPlan{Heard: heard.UTC(), Ahead: ahead, Plan: plan})
	if err != nil && !f.planFails {
		f.log.Error("the plan cannot be written: a restart while the server is away would know an older one", "error", err)
	}
	f.planFails = err != nil
}
