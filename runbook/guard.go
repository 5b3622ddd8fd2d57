package runbook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// watched is what the dead-man is to end when the runner dies or the bound passes. The whole of it is sent each time.
type watched struct {
	N       int      `json:"n"`
	Poolers []Pooler `json:"poolers"`
	// Server, Token, Ref and Interruption name an interruption that is to be ended, where there is one.
	Server       string `json:"server,omitempty"`
	Token        string `json:"token,omitempty"`
	Ref          string `json:"ref,omitempty"`
	Interruption string `json:"interruption,omitempty"`
	// Left is how long from now the bound is; 0 is none.
	Left time.Duration `json:"left,omitempty"`
}

func (w watched) idle() bool { return len(w.Poolers) == 0 && w.Interruption == "" }

// heard is what the dead-man answers.
type heard struct {
	N     int  `json:"n"`
	Fired bool `json:"fired,omitempty"`
}

// errNoGuard says that a runner has nobody to resume the poolers when it dies.
var errNoGuard = errors.New("there is no dead-man")

// guardClient is the runner's end of the dead-man: a process of its own, started with the first thing that needs it.
type guardClient struct {
	command []string
	lock    *os.File
	log     string

	mutex   sync.Mutex
	state   watched
	until   time.Time
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// acknowledged is how long the dead-man may take to answer.
const acknowledged = 5 * time.Second

// bound says what is to be ended at a moment, whoever is alive then.
func (g *guardClient) bound(ctx context.Context, until time.Time) error {
	return g.change(ctx, func(w *watched) { g.until = until })
}

// interrupted says which interruption is to be ended.
func (g *guardClient) interrupted(ctx context.Context, server, token, ref, id string) error {
	return g.change(ctx, func(w *watched) { w.Server, w.Token, w.Ref, w.Interruption = server, token, ref, id })
}

// hold says that poolers are about to be paused.
func (g *guardClient) hold(ctx context.Context, poolers []Pooler) error {
	if g == nil || len(g.command) == 0 {
		return errNoGuard
	}
	return g.change(ctx, func(w *watched) {
		for _, p := range poolers {
			if !slices.Contains(w.Poolers, p) {
				w.Poolers = append(w.Poolers, p)
			}
		}
	})
}

// release says that poolers have been resumed.
func (g *guardClient) release(ctx context.Context, poolers []Pooler) error {
	return g.change(ctx, func(w *watched) {
		w.Poolers = slices.DeleteFunc(slices.Clone(w.Poolers), func(p Pooler) bool { return slices.Contains(poolers, p) })
	})
}

// held are the poolers that are paused now, as far as this runner knows.
func (g *guardClient) held() []Pooler {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return slices.Clone(g.state.Poolers)
}

// change sends what is to be watched from now on, and returns when the dead-man has it. One that has died is started anew.
func (g *guardClient) change(ctx context.Context, with func(*watched)) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	with(&g.state)
	if len(g.command) == 0 || g.process == nil && g.state.idle() {
		return nil
	}
	err := g.send()
	if err != nil && ctx.Err() == nil {
		_ = g.end() // one that hangs was killed
		err = g.send()
	}
	if err != nil {
		return fmt.Errorf("the dead-man does not answer: %w", err)
	}
	return nil
}

func (g *guardClient) send() error {
	if g.process == nil {
		if err := g.start(); err != nil {
			return err
		}
	}
	g.state.N++
	g.state.Left = 0
	if !g.until.IsZero() {
		g.state.Left = max(time.Millisecond, time.Until(g.until))
	}
	data, err := json.Marshal(g.state)
	if err != nil {
		return err
	}
	// A dead-man that hangs is ended, and the pipe with it.
	late := time.AfterFunc(acknowledged, func() { _ = g.process.Process.Kill() })
	defer late.Stop()
	if _, err := g.in.Write(append(data, '\n')); err != nil {
		return err
	}
	for g.out.Scan() {
		var answer heard
		if err := json.Unmarshal(g.out.Bytes(), &answer); err != nil {
			return err
		}
		if answer.N == g.state.N {
			return nil
		}
	}
	return errors.Join(io.ErrUnexpectedEOF, g.out.Err())
}

// start starts the process. It has the lock of the journal too, so that no other runner begins before it is done; and it is apart from the
// terminal, so that what ends the runner does not end it.
func (g *guardClient) start() error {
	c := exec.Command(g.command[0], g.command[1:]...) //nolint:noctx // it outlives every context of the runner
	c.SysProcAttr = apart()
	if g.lock != nil {
		c.ExtraFiles = []*os.File{g.lock}
	}
	if log, err := os.OpenFile(g.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err == nil {
		defer func() { _ = log.Close() }()
		c.Stderr = log
	}
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start it: %w", err)
	}
	g.process, g.in, g.out = c, in, bufio.NewScanner(out)
	return nil
}

// leaving is how long the dead-man is waited for at the end. One that still has something to end goes on by itself, and keeps the lock.
const leaving = 2 * time.Second

// end closes the pipe, and reports whether the process has ended. What is still watched then is ended by it.
func (g *guardClient) end() (ended bool) {
	if g.process == nil {
		return true
	}
	_ = g.in.Close()
	gone := make(chan struct{})
	process := g.process
	go func() {
		defer close(gone)
		_ = process.Wait() // its exit code says nothing that its log does not
	}()
	g.process = nil
	select {
	case <-gone:
		return true
	case <-time.After(leaving):
		return false
	}
}

// close ends the dead-man, and reports whether it has nothing left to do.
func (g *guardClient) close() bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.end()
}
