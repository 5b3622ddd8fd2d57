package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// applyCommand makes the server match documents.
type applyCommand struct {
	File     []string `short:"f" required:"" sep:"none" placeholder:"FILE" help:"Document, folder of documents, or - for standard input. May be given several times."`
	DryRun   bool     `help:"Only print what would change."`
	ExitCode bool     `help:"With --dry-run, exit with 6 when something would change."`
}

// Help explains apply.
func (applyCommand) Help() string {
	return `The documents say what is to be; apply finds out what that changes, prints it, and then does it, all of it or
nothing. When something is changed in between, so that it would no longer do what it printed, it does nothing and exits
with 5: run it again. Applying the same documents again does nothing. One apply takes 32 MiB of documents.

  interlude apply -f page.yaml -f maintenance.yaml
  interlude apply -f maintenances/ --dry-run
  interlude apply -f maintenances/ --dry-run --exit-code    in CI: 6 when the server differs
  interlude apply -f - < maintenance.yaml

A maintenance with updates enters the past as it was. What is taken out of a page document leaves the page;
a maintenance is not called off by removing its document: use interlude maintenance cancel.`
}

// Run prints the changes, and makes them.
func (c *applyCommand) Run(ctx context.Context, s *session) error {
	if c.ExitCode && !c.DryRun {
		return usage("--exit-code is for --dry-run")
	}
	all, err := s.gather(c.File)
	if err != nil {
		return err
	}
	s.task = counted(len(all.documents), "document")
	client := s.client()
	plan, err := client.Apply(ctx, api.ApplyRequest{Documents: all.documents, DryRun: true})
	if err != nil {
		return all.locate(err)
	}
	if c.DryRun || len(plan.Changes) == 0 {
		err := s.print(plan, func(w io.Writer) { s.printPlan(w, plan, "Nothing to do.", "Dry run: nothing was changed.") })
		if err == nil && c.ExitCode && len(plan.Changes) > 0 {
			return errDifferent
		}
		return err
	}
	if !s.json {
		s.printPlan(s.stdout, plan, "", "")
	}
	done, err := client.Apply(ctx, api.ApplyRequest{Documents: all.documents, Plan: plan.Plan})
	if err != nil {
		return all.locate(err)
	}
	return s.print(done, func(w io.Writer) { fmt.Fprintf(w, "Applied: %s.\n", tally(done.Changes)) })
}

func (s *session) printPlan(w io.Writer, plan api.ApplyResult, nothing, end string) {
	s.printChanges(w, plan.Changes)
	s.warn(plan.Warnings)
	if len(plan.Changes) == 0 {
		end = nothing
	}
	if end != "" {
		fmt.Fprintln(w, end)
	}
}

// printChanges prints a difference as people read it: what is created, amended and removed, with its fields.
func (s *session) printChanges(w io.Writer, changes []status.Change) {
	marks := map[status.Action]struct{ sign, color string }{
		status.Create: {"+", green}, status.Amend: {"~", yellow}, status.Remove: {"-", red},
	}
	for _, c := range changes {
		mark := marks[c.Action]
		from := ""
		if c.Source != "" {
			from = "  (" + c.Source + ")"
		}
		fmt.Fprintln(w, s.paint(w, mark.color, fmt.Sprintf("%s %s %q", mark.sign, c.Subject.Kind, c.Name))+from)
		for _, f := range c.Fields {
			switch {
			case f.Was == "":
				fmt.Fprintf(w, "    %s: %s\n", f.Field, short(f.Is))
			case f.Is == "":
				fmt.Fprintf(w, "    %s: %s is removed\n", f.Field, short(f.Was))
			default:
				fmt.Fprintf(w, "    %s: %s\n      -> %s\n", f.Field, short(f.Was), short(f.Is))
			}
		}
	}
}

// short keeps a value on one line.
func short(value string) string {
	const most = 96
	value = strings.Join(strings.Fields(value), " ")
	if r := []rune(value); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return value
}

// warn prints what deserves a second look to standard error.
func (s *session) warn(warnings []status.Warning) {
	for _, warning := range warnings {
		about := ""
		if warning.Source != "" {
			about = warning.Source + ": "
		}
		if warning.Field != "" {
			about += warning.Field + " "
		}
		fmt.Fprintf(s.stderr, "%s %s%s\n", s.paint(s.stderr, yellow, "warning:"), about, warning.Text)
	}
}

// tally counts changes in words.
func tally(changes []status.Change) string {
	count := map[status.Action]int{}
	for _, c := range changes {
		count[c.Action]++
	}
	var parts []string
	for _, sort := range []struct {
		action status.Action
		word   string
	}{{status.Create, "created"}, {status.Amend, "amended"}, {status.Remove, "removed"}} {
		if n := count[sort.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, sort.word))
		}
	}
	if len(parts) == 0 {
		return "nothing had changed"
	}
	return strings.Join(parts, ", ")
}
