package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"example.org/interlude/api"
)

// noticeWatchCommand follows a fan-out.
type noticeWatchCommand struct {
	N int64 `arg:"" name:"n" help:"Its number."`
}

// Help explains watch.
func (noticeWatchCommand) Help() string {
	return `On a terminal one line moves; elsewhere a line is printed whenever something has changed. It ends when nothing waits any more.
With --json only the end is printed.

  interlude notice watch 17`
}

// watchEvery is how often the server is asked.
const watchEvery = time.Second

// Run follows it until it is done.
func (c *noticeWatchCommand) Run(ctx context.Context, s *session) error {
	live := isTerminal(s.stdout) && s.env("TERM") != "dumb" && !s.json
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	shown := ""
	for {
		n, err := s.client().Notice(ctx, c.N)
		if err != nil {
			if live && shown != "" {
				fmt.Fprintln(s.stdout)
			}
			return err
		}
		switch line := watchLine(n); {
		case s.json:
		case live:
			fmt.Fprint(s.stdout, clearLine+line)
			shown = line
		case line != shown:
			fmt.Fprintln(s.stdout, line)
			shown = line
		}
		if n.Done() {
			switch {
			case s.json:
				return s.printJSON(n)
			case live:
				fmt.Fprintln(s.stdout)
			}
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if live {
				fmt.Fprintln(s.stdout)
			}
			return ctx.Err()
		}
	}
}

// watchLine is how far a notice has come, in one line.
func watchLine(n api.Notice) string {
	f := summed(n)
	if f.Total == 0 {
		return n.Kind + ": nobody is told"
	}
	words := []string{fmt.Sprintf("%s: %d of %d sent", n.Kind, f.Sent, f.Total)}
	for _, part := range []struct {
		n    int64
		word string
	}{{f.Failed, "failed"}, {f.Dropped, "dropped"}, {f.Retrying, "retrying"}} {
		if part.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	if rate := rateWords(f); rate != "" {
		words = append(words, rate)
	}
	switch {
	case f.Waiting == 0:
		words = append(words, "done")
	case f.Left > 0:
		words = append(words, "about "+(time.Duration(f.Left)*time.Second).String()+" left")
	}
	return strings.Join(words, ", ")
}
