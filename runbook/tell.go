package runbook

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// What the server is told.
const (
	tellBegin = "begin"
	tellOpen  = "open work"
	tellClose = "close work"
	tellPost  = "post"
	tellEnd   = "end interruption"
)

// workName is under which name the run keeps the maintenance from being complete.
const workName = "runbook"

// tell journals something that the server is to be told; it is told by itself, after all that came before.
func (r *run) tell(what, text string, facts map[string]string) error {
	if r.Server == nil {
		return nil
	}
	if err := r.add(Entry{What: Tell, Text: text, Facts: merged(facts, map[string]string{"what": what})}); err != nil {
		return err
	}
	select {
	case r.news <- struct{}{}:
	default:
	}
	return nil
}

// telling tells the server what is to be told, in order, until ctx ends. While the server is away it waits, and the work goes on.
func (r *run) telling(ctx context.Context) {
	for wait := 500 * time.Millisecond; ; {
		next, more := r.mem.next()
		if !more {
			select {
			case <-ctx.Done():
				return
			case <-r.news:
			}
			continue
		}
		err := r.say(ctx, next)
		if err != nil && away(err) {
			if wait == 500*time.Millisecond {
				r.event(Event{What: EventWarning, Text: fmt.Sprintf("the server is away, and is told later: %v", err)})
			}
			if !pause(ctx, wait) {
				return
			}
			wait = min(2*wait, 15*time.Second)
			continue
		}
		wait = 500 * time.Millisecond
		text := ""
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			text = r.vault.Redact(err.Error())
			r.event(Event{What: EventWarning, Text: fmt.Sprintf("the server refuses to hear %q: %s", next.facts["what"], text)})
		}
		if r.add(Entry{What: Told, Text: text, Facts: map[string]string{"n": strconv.FormatInt(next.n, 10)}}) != nil {
			return
		}
		r.heard()
	}
}

// say tells one thing. Each may be told twice, because a runner may die between telling and noting that it has.
func (r *run) say(ctx context.Context, p pending) error {
	ctx, stop := context.WithTimeout(ctx, r.patience())
	defer stop()
	switch p.facts["what"] {
	case tellBegin:
		m, err := r.Server.Maintenance(ctx, r.Ref)
		if err != nil || m.State == status.InProgress {
			return err
		}
		_, err = r.Server.BeginMaintenance(ctx, r.Ref, api.Act{})
		return err
	case tellOpen:
		return r.openWork(ctx)
	case tellClose:
		_, err := r.Server.CloseWork(ctx, r.Ref, api.Work{What: api.Step, Name: workName})
		return err
	case tellPost:
		_, err := r.Server.PostMaintenance(ctx, r.Ref, api.Act{Body: p.text})
		return err
	case tellEnd:
		_, err := r.Server.EndInterruption(ctx, r.Ref, p.facts["interruption"])
		return err
	}
	return nil
}

// openWork opens the work unless it is.
func (r *run) openWork(ctx context.Context) error {
	open, err := r.workIsOpen(ctx)
	if err != nil || open {
		return err
	}
	_, err = r.Server.OpenWork(ctx, r.Ref, api.Work{What: api.Step, Name: workName})
	return err
}

func (r *run) workIsOpen(ctx context.Context) (bool, error) {
	m, err := r.Server.Maintenance(ctx, r.Ref)
	if err != nil {
		return false, err
	}
	for _, u := range m.Unfinished {
		if u.What == api.Step && u.Name == workName {
			return true, nil
		}
	}
	return false, nil
}

// errUntold says that the server does not know yet what came before.
var errUntold = errors.New("the server has not been told yet what came before")

// awaitTold waits until nothing is left to tell, but not for long.
func (r *run) awaitTold(ctx context.Context, most time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, most)
	defer stop()
	for {
		r.toldMutex.Lock()
		changed := r.told
		r.toldMutex.Unlock()
		if _, more := r.mem.next(); !more {
			return nil
		}
		select {
		case <-ctx.Done():
			return errUntold
		case <-changed:
		}
	}
}

// heard wakes those who wait for the server to know.
func (r *run) heard() {
	r.toldMutex.Lock()
	defer r.toldMutex.Unlock()
	close(r.told)
	r.told = make(chan struct{})
}
