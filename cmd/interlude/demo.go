package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"example.org/interlude/clock"
	"example.org/interlude/document"
	"example.org/interlude/examples"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// demoCommand plays a maintenance through on a clock that it drives: the server of `interlude serve`, with a
// database that it forgets.
type demoCommand struct {
	Listen string        `default:"127.0.0.1:8484" env:"INTERLUDE_LISTEN" placeholder:"HOST:PORT" help:"Address of the page. When it is taken, another port is used."`
	Length time.Duration `default:"60s" help:"How long the story takes, about."`
	Stay   bool          `help:"Keep the page up afterwards, until Ctrl-C."`
}

// beat is one moment of the story: when it happens, how much of the story's length passes on the way to it, and what
// somebody does then.
type beat struct {
	at    time.Time
	share float64
	do    func(context.Context, *keeper.Keeper) error
}

// Run plays the story, prints the report, and leaves.
func (c *demoCommand) Run(ctx context.Context, s *session) error {
	if c.Length < time.Second || c.Length > time.Hour {
		return usage("--length must be between 1s and 1h")
	}
	story, err := demoStory()
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, "sqlite::memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	time0 := story[0].at
	driven := clock.NewDriven(time0, 1)
	n := newNode(db, driven, lease.Alone{}, slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	n.door.StaleAfter = 365 * 24 * time.Hour // its clock outruns every patience
	listener, err := listenNear(ctx, c.Listen)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- n.run(serving, listener) }()

	fmt.Fprintf(s.stdout, "A maintenance of the company Northwind, from its announcement to its report, in about %s.\nWatch the page move:  http://%s/\n\n", c.Length, listener.Addr())
	err = play(ctx, s.stdout, story, c.Length, driven, n)
	if err == nil {
		err = n.tellReport(ctx, s.stdout)
	}
	if err == nil && c.Stay {
		fmt.Fprintf(s.stdout, "\nThe page stays up at http://%s/ until Ctrl-C.\n", listener.Addr())
		<-ctx.Done()
	}
	stop()
	if served := <-done; err == nil {
		err = served
	}
	if ctx.Err() != nil {
		return nil // somebody has seen enough
	}
	return err
}

// listenNear listens on the address or, when it is taken, on any port of the same host.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	host, _, badAddress := net.SplitHostPort(address)
	if badAddress != nil {
		return nil, err
	}
	return l.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
}

// play drives the clock from beat to beat. It runs fast through the days of waiting, and at the pace of a story through the hour
// that matters; at each beat it stops for a moment, so that the page can be read.
func play(ctx context.Context, out io.Writer, story []beat, length time.Duration, driven *clock.Driven, n *node) error {
	follow := n.follow(ctx, out)
	defer follow()
	for i, b := range story {
		if i > 0 {
			pace := time.Duration(b.share * float64(length))
			driven.Drive(float64(b.at.Sub(story[i-1].at)) / float64(max(pace, time.Millisecond)))
			if !driven.Wait(b.at, ctx.Done()) {
				return ctx.Err()
			}
		}
		driven.Drive(1)
		driven.Set(b.at)
		if b.do != nil {
			if err := b.do(ctx, n.keeper); err != nil {
				return fmt.Errorf("at %s: %w", b.at.Format("Jan 02 15:04"), err)
			}
		}
	}
	return n.board.Refresh(ctx)
}

// follow prints each update as the board shows it, whoever posted it. The function that it returns ends it.
func (n *node) follow(ctx context.Context, out io.Writer) func() {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		said := 0
		for {
			picture := n.board.Current()
			if m, ok := picture.Maintenance(demoKey); ok {
				for i, u := range m.Updates {
					if i >= said {
						tellUpdate(out, m.Updates, i, u)
					}
				}
				said = len(m.Updates)
			}
			select {
			case <-ctx.Done():
				return
			case <-picture.Replaced():
			}
		}
	}()
	return func() { stop(); <-ended }
}

// tellUpdate prints one update in a line: when, its heading, its first sentence, and who posted it.
func tellUpdate(out io.Writer, updates []status.Update, i int, u status.Update) {
	previous := status.State("")
	if i > 0 {
		previous = updates[i-1].State
	}
	by := u.By.Name
	if u.By.Kind == status.Clock {
		by = "the clock"
	}
	first, _, _ := strings.Cut(u.Body, "\n")
	if at := strings.Index(first, ". "); at >= 0 {
		first = first[:at+1]
	}
	fmt.Fprintf(out, "%s  %-11s  %s  (%s)\n", u.At.Format("Jan 02 15:04"), u.Heading(previous), first, by)
}

// tellReport prints the report of the maintenance, as `interlude report` does.
func (n *node) tellReport(ctx context.Context, out io.Writer) error {
	if err := n.board.Refresh(ctx); err != nil {
		return err
	}
	report, ok := n.board.Current().Report(demoKey)
	if !ok {
		return status.ErrNotFound
	}
	fmt.Fprint(out, "\nThe report:\n\n")
	return report.WriteText(out)
}

// demoKey names the maintenance of the story.
const demoKey = "demo"

// demoDocuments reads the example documents that the story begins with.
func demoDocuments(names ...string) ([]status.Document, error) {
	var all []status.Document
	for _, name := range names {
		f, err := examples.FS.Open(name)
		if err != nil {
			return nil, err
		}
		read, err := document.Read(f, name)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	return all, nil
}
