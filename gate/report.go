package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"example.org/interlude/api"
)

// Times of what is told to the server.
const (
	stateGap      = 200 * time.Millisecond // between two states
	numbersGap    = time.Second            // between two that differ in numbers alone
	stateEvery    = 10 * time.Second       // even when nothing changes
	measureEvery  = time.Second
	tellPatience  = 10 * time.Second // for one answer
	partingTime   = 3 * time.Second  // for what is left when the gate stops
	refusedPause  = time.Minute      // before asking a server again that does not want this gate
	shortestPause = 100 * time.Millisecond
	longestPause  = 10 * time.Second
)

// newPauses are the pauses between attempts: each about twice the one before, and never the same for two gates.
func newPauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: shortestPause, Multiplier: 2, RandomizationFactor: 0.4, MaxInterval: longestPause * 2 / 3}
}

// line is the state of the way to the server for one sort of message. It says once that it is broken, and once that it is not.
type line struct {
	log    *slog.Logger
	what   string // happens over it
	broken trouble
	pauses *backoff.ExponentialBackOff
}

// trouble is what is wrong between a gate and its server.
type trouble string

const (
	fine     trouble = ""
	away     trouble = "the server does not answer; the gate works on with what it knows"
	unwanted trouble = "the server refuses this gate: its token has to be one with the scope gate"
	foreign  trouble = "this server does not know gates: it is older than this gate, or something else"
)

func newLine(log *slog.Logger, what string) *line {
	return &line{log: log, what: what, pauses: newPauses()}
}

// ended tells how an attempt ended and gives the pause before the next one.
func (l *line) ended(err error) time.Duration {
	is := troubleOf(err)
	if is != l.broken {
		switch is {
		case fine:
			l.heard()
		case away:
			l.log.Warn(string(is), "for", l.what, "error", err)
		default:
			l.log.Error(string(is), "for", l.what, "error", err, "asked_again_in", refusedPause)
		}
	}
	l.broken = is
	switch is {
	case fine:
		l.pauses.Reset()
		return 0
	case away:
		return l.pauses.NextBackOff()
	}
	return refusedPause
}

// heard notes that it is not broken any more.
func (l *line) heard() {
	if l.broken != fine {
		l.log.Info("the server is heard again", "for", l.what)
	}
	l.broken = fine
}

func troubleOf(err error) trouble {
	switch code := codeOf(err); {
	case err == nil:
		return fine
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return unwanted
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed, code == http.StatusNotAcceptable, code >= 300 && code < 400,
		errors.Is(err, api.ErrAddress):
		return foreign
	}
	return away
}

// codeOf is the HTTP status in an error, 0 for none.
func codeOf(err error) int {
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return problem.Status
	}
	if other, ok := errors.AsType[*api.Foreign](err); ok {
		return other.Status
	}
	return 0
}

// neverTaken reports whether the server will not take what it was sent, however often that is repeated.
func neverTaken(err error) bool {
	problem, ok := errors.AsType[*api.Problem](err)
	return ok && slices.Contains([]int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, problem.Status)
}

// tellState tells the server what is in force, at once when it changes and every few seconds, until ctx ends.
func (f *following) tellState(ctx context.Context) {
	to, every := newLine(f.log, "telling the state"), time.NewTicker(stateGap)
	defer every.Stop()
	var told api.GateState
	var at, notBefore time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.gate.meter.news:
		case <-every.C:
		}
		now := time.Now()
		if now.Before(notBefore) || now.Sub(at) < stateGap {
			continue // the next tick looks again
		}
		is := f.gate.State()
		is.Version = f.home.Version
		differs := !sameState(told, is)
		if !differs && now.Sub(at) < stateEvery && (now.Sub(at) < numbersGap || sameNumbers(told, is)) {
			continue
		}
		within, stop := context.WithTimeout(ctx, tellPatience)
		err := f.home.Server.TellState(within, f.home.Name, is)
		stop()
		if ctx.Err() != nil {
			return
		}
		notBefore = time.Now().Add(to.ended(err))
		if err == nil {
			told, at = is, now
		}
	}
}

// sameState reports whether two states say the same but for how many requests there are.
func sameState(a, b api.GateState) bool {
	return a.Revision == b.Revision && slices.EqualFunc(a.Flows, b.Flows, func(a, b api.FlowState) bool {
		return a.Flow == b.Flow && a.State == b.State && a.Does == b.Does && sameSet(a.Interruptions, b.Interruptions) &&
			due(a) == due(b) && (a.State == api.FlowNormal || (a.InFlight == 0) == (b.InFlight == 0) && (a.Held == 0) == (b.Held == 0))
	})
}

// due reports whether something that was accepted is still to be handed over.
func due(f api.FlowState) bool { return f.Spool != nil && f.Spool.Waiting > f.Spool.Later }

// sameNumbers reports whether they say the same of how many requests wait, or are with the product of an interrupted flow.
func sameNumbers(a, b api.GateState) bool {
	return slices.EqualFunc(a.Flows, b.Flows, func(a, b api.FlowState) bool {
		return a.Held == b.Held && sameSpool(a.Spool, b.Spool) && (b.State == api.FlowNormal || a.InFlight == b.InFlight)
	})
}

// sameSpool reports whether two say the same of what is queued.
func sameSpool(a, b *api.SpoolState) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// measure looks at what became of requests and puts it on the shelf, until ctx ends.
func (f *following) measure(ctx context.Context) {
	every := time.NewTicker(measureEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		f.saveOutcomes()
	}
}

// saveOutcomes puts onto the shelf what was measured since the last time.
func (f *following) saveOutcomes() {
	f.gate.meter.look(f.gate.live(), time.Now())
	err := f.gate.meter.save(f.shelf)
	switch full := err != nil; {
	case full && !f.diskFails:
		f.log.Error("what was measured cannot be written; it is kept in memory until it can", "error", err)
	case !full && f.diskFails:
		f.log.Info("what was measured is on disk again")
	}
	f.diskFails = err != nil
	select {
	case f.measured <- struct{}{}:
	default:
	}
}

// tellOutcomes sends what is on the shelf, until ctx ends.
func (f *following) tellOutcomes(ctx context.Context) {
	to := newLine(f.log, "telling what was measured")
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.measured:
		}
		if err := f.sendOutcomes(ctx); ctx.Err() == nil && !rest(ctx, to.ended(err)) {
			return
		}
	}
}

// sendOutcomes sends batch after batch, the oldest first, until there is none or one cannot be sent.
func (f *following) sendOutcomes(ctx context.Context) error {
	for batch, some := f.shelf.oldest(); some; batch, some = f.shelf.oldest() {
		within, stop := context.WithTimeout(ctx, tellPatience)
		err := f.home.Server.TellOutcomes(within, f.home.Name, batch)
		stop()
		switch {
		case err == nil:
			f.shelf.done()
		case neverTaken(err):
			f.log.Error("the server does not take what was measured; it is set aside", "epoch", batch.Epoch, "number", batch.Number, "error", err)
			f.shelf.refused()
		default:
			return err
		}
	}
	return nil
}

// rest waits, and returns false when ctx ended meanwhile.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
