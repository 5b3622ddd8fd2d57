package runbook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"example.org/interlude/api"
)

// Guard is the dead-man: it reads from a runner what is to be watched, and ends it when the runner is gone, which it knows by
// the end of in, or when the bound passes. Ending is resuming the poolers and ending the interruption, again and again for up
// to [Perseverance]. It returns when the runner is gone and nothing is left to end.
//
// It reads secrets and writes none: what it does is said to log by the poolers' names.
func Guard(ctx context.Context, in io.Reader, out io.Writer, log *slog.Logger) error {
	orders := make(chan watched)
	go func() {
		defer close(orders)
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var w watched
			if err := json.Unmarshal(lines.Bytes(), &w); err != nil {
				log.Error("an order of the runner cannot be read")
				continue
			}
			orders <- w
		}
	}()
	var (
		state watched
		due   <-chan time.Time
	)
	for {
		select {
		case w, alive := <-orders:
			if !alive {
				return endAll(ctx, state, log, "the runner is gone")
			}
			state, due = w, nil
			if w.Left > 0 && !w.idle() {
				due = time.After(w.Left)
			}
			if err := answer(out, heard{N: w.N}); err != nil {
				log.Warn("the runner does not hear", "error", err)
			}
		case <-due:
			due = nil
			if err := endAll(ctx, state, log, "the bound has passed"); err != nil {
				log.Error("not ended", "error", err)
			}
			// The runner may live, and then has its own idea of what is held; what was ended is not ended again.
			state = watched{N: state.N}
		}
	}
}

func answer(out io.Writer, h heard) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = out.Write(append(data, '\n'))
	return err
}

// Perseverance is how long the dead-man tries to reach a pooler or a server.
const Perseverance = 10 * time.Minute

// endAll ends all that is watched.
func endAll(ctx context.Context, w watched, log *slog.Logger, why string) error {
	if w.idle() {
		return nil
	}
	log.Warn("ends what the runner held", "why", why, "poolers", len(w.Poolers), "interruption", w.Interruption)
	ctx, stop := context.WithTimeout(ctx, Perseverance)
	defer stop()
	errs := make([]error, len(w.Poolers)+1)
	var all sync.WaitGroup
	for i, p := range w.Poolers {
		all.Go(func() {
			if errs[i] = p.resume(ctx); errs[i] == nil {
				log.Info("resumed", "pooler", p.Name, "database", p.Database)
			}
		})
	}
	all.Go(func() { errs[len(w.Poolers)] = endInterruption(ctx, w, log) })
	all.Wait()
	return errors.Join(errs...)
}

func endInterruption(ctx context.Context, w watched, log *slog.Logger) error {
	if w.Interruption == "" {
		return nil
	}
	c := &api.Client{Server: w.Server, Token: w.Token, UserAgent: "interlude (dead-man)"}
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := c.EndInterruption(ctx, w.Ref, w.Interruption)
		if err == nil {
			log.Info("ended the interruption", "id", w.Interruption)
			return nil
		}
		// One that is not ended lapses by itself at the gates, so an answer that refuses is the last word.
		if !away(err) || !pause(ctx, wait) {
			return fmt.Errorf("end the interruption %s: %w", w.Interruption, err)
		}
	}
}

// away reports whether a call got no answer from the server, so that the same may be tried later.
func away(err error) bool {
	var (
		silent  *api.Unreachable
		foreign *api.Foreign
		problem *api.Problem
	)
	switch {
	case errors.As(err, &silent), errors.As(err, &foreign):
		return true
	case errors.As(err, &problem):
		return problem.Code == api.CodeUnavailable || problem.Code == api.CodeUncertain || problem.Code == api.CodeInternal || problem.Status == 429
	}
	return false
}
