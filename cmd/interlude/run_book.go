package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.org/interlude/runbook"
)

// runCommand carries out a runbook.
type runCommand struct {
	File        string            `arg:"" optional:"" help:"The maintenance document that holds the runbook."`
	Plan        bool              `help:"Show the plan and do nothing."`
	DryRun      bool              `help:"Look whether it could be done: connect, look for programs, compare limits. Changes nothing."`
	State       string            `placeholder:"DIR" help:"Keep the journal there; beside the document without it."`
	Maintenance string            `placeholder:"ID" help:"Id or key of the maintenance at the server; the document's key without it."`
	Alone       bool              `help:"Tell no server anything."`
	Begin       bool              `help:"Begin the maintenance at the server first, unless it is under way."`
	Settle      map[string]string `placeholder:"STEP=ANSWER" help:"Say what became of a step that was under way when the runner ended: done, repeat or failed. May be given several times."`
	Again       bool              `help:"Begin anew although the journal holds a run. That journal is kept beside the new one."`
	DeadMan     bool              `hidden:"" help:"Watch over a runner; started by it."`
}

// Help explains the command.
func (runCommand) Help() string {
	return `The runbook stands in the maintenance document. Steps are done in order, on this machine, with the credentials that are here; the
server is told as it goes, and cannot make this command do anything. Each step is journaled before and after: killed at any
moment and started again, the command continues. docs/runbook.md has all steps and what happens when one fails.

  interlude run maintenance.yaml --plan        look at the steps and their minutes
  interlude run maintenance.yaml --dry-run     look whether it could be done
  interlude run maintenance.yaml --begin       do it, and begin the maintenance first

Exit code 0: every step is done. 1: stopped, rolled back or refused; the message says which.`
}

// Run does what is asked for.
func (c *runCommand) Run(ctx context.Context, s *session) error {
	if c.DeadMan {
		return runbook.Guard(context.WithoutCancel(ctx), s.stdin, s.stdout, slog.New(slog.NewTextHandler(s.stderr, nil)))
	}
	book, err := c.read()
	if err != nil {
		return err
	}
	switch {
	case c.Plan:
		plan := book.Plan()
		return s.print(plan, func(w io.Writer) { printPlan(w, plan) })
	case c.DryRun:
		return c.dry(ctx, s, book)
	}
	return c.carryOut(ctx, s, book)
}

func (c *runCommand) read() (*runbook.Book, error) {
	if c.File == "" {
		return nil, usage("name the document that holds the runbook: interlude run maintenance.yaml")
	}
	data, err := os.ReadFile(c.File)
	if err != nil {
		return nil, err
	}
	return runbook.Read(data, c.File)
}

// dry shows what a dry run finds, and fails when something is bad.
func (c *runCommand) dry(ctx context.Context, s *session, book *runbook.Book) error {
	plan, findings := book.Plan(), book.Dry(ctx, s.env)
	bad := 0
	for _, f := range findings {
		if f.Bad {
			bad++
		}
	}
	err := s.print(findings, func(w io.Writer) {
		printPlan(w, plan)
		fmt.Fprintln(w)
		for _, f := range findings {
			mark := s.paint(w, green, "ok ")
			if f.Bad {
				mark = s.paint(w, red, "bad")
			}
			fmt.Fprintf(w, "%s  %-8s %s\n", mark, f.Step, f.Text)
		}
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("the dry run found %s; nothing was changed", counted(bad, "obstacle"))
	}
	return err
}

// journal is where the run is kept.
func (c *runCommand) journal(book *runbook.Book) string {
	name := strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File))
	if c.State == "" {
		return filepath.Join(filepath.Dir(c.File), name+".journal")
	}
	return filepath.Join(c.State, cmp.Or(strings.ReplaceAll(book.Ref, "/", "-"), name)+".journal")
}

// carryOut opens the journal and runs.
func (c *runCommand) carryOut(ctx context.Context, s *session, book *runbook.Book) error {
	for step, answer := range c.Settle {
		if !slices.Contains([]string{"done", "repeat", "failed"}, answer) {
			return usage("--settle %s=%s: the answer must be done, repeat or failed", step, answer)
		}
	}
	ref := cmp.Or(c.Maintenance, book.Ref)
	if ref == "" && !c.Alone {
		return usage("%s has no key by which the server would know the maintenance: add one, name it with --maintenance ID, or use --alone to tell no server", c.File)
	}
	journal, err := runbook.OpenJournal(c.journal(book))
	if err != nil {
		return err
	}
	defer func() { _ = journal.Close() }() // each entry is on the disk already
	if c.Again && len(journal.Entries()) > 0 {
		if err := journal.Renew(); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, which is to run the dead-man: %w", err)
	}
	screen := newScreen(s)
	defer screen.close()
	if !s.json {
		printPlan(s.stdout, book.Plan())
		fmt.Fprintln(s.stdout)
		switch {
		case journal.Ended() != "":
			fmt.Fprintf(s.stdout, "This runbook was carried out before: %s. --again begins anew.\n", strings.ReplaceAll(journal.Ended(), "_", " "))
		case len(journal.Entries()) > 0:
			fmt.Fprintf(s.stdout, "Continues the run in %s.\n", journal.Path())
		}
	}
	r := &runbook.Runner{
		Book: book, Journal: journal, Env: s.env, Ref: ref, Begin: c.Begin, Guard: []string{self, "run", "--dead-man"},
		Settle: c.Settle, Ask: s.asker(screen), Hear: screen.hear,
	}
	if !c.Alone {
		quiet := *s // its own progress line would disturb the screen
		quiet.stderr = io.Discard
		r.Server = quiet.client()
	}
	err = r.Run(ctx)
	screen.close()
	if err == nil && !s.json {
		fmt.Fprintln(s.stdout, "Every step is done.")
	}
	return err
}

// asker has whoever is at the terminal choose. Where nobody is, the input ends.
func (s *session) asker(screen *screen) func(context.Context, runbook.Question) (string, error) {
	in := bufio.NewReader(s.stdin)
	return func(ctx context.Context, q runbook.Question) (string, error) {
		screen.rest(true)
		defer screen.rest(false)
		for {
			fmt.Fprintf(s.stderr, "%s\n  [%s] ", q.Text, strings.Join(q.Choices, "/"))
			answer, err := readLine(ctx, in)
			if err != nil {
				return "", err
			}
			for _, choice := range q.Choices {
				if strings.EqualFold(answer, choice) || len(answer) == 1 && strings.HasPrefix(choice, strings.ToLower(answer)) && oneBegins(q.Choices, answer) {
					return choice, nil
				}
			}
			fmt.Fprintf(s.stderr, "%q is none of the answers.\n", answer)
		}
	}
}

// oneBegins reports whether exactly one of the choices begins with a letter.
func oneBegins(choices []string, letter string) bool {
	n := 0
	for _, choice := range choices {
		if strings.HasPrefix(choice, strings.ToLower(letter)) {
			n++
		}
	}
	return n == 1
}

// readLine reads a line of the terminal, or returns when ctx ends.
func readLine(ctx context.Context, in *bufio.Reader) (string, error) {
	type said struct {
		text string
		err  error
	}
	heard := make(chan said, 1)
	go func() {
		text, err := in.ReadString('\n')
		heard <- said{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case is := <-heard:
		if text := strings.TrimSpace(is.text); text != "" {
			return text, nil
		}
		if errors.Is(is.err, io.EOF) {
			return "", errors.New("nobody answers: start the command in a terminal")
		}
		return "", is.err
	}
}

// asLine writes an event for a program: one JSON object on a line.
func asLine(w io.Writer, e runbook.Event) {
	data, err := json.Marshal(e)
	if err != nil {
		return // an event is made of texts and times
	}
	_, _ = w.Write(append(data, '\n'))
}
