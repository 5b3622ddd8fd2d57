package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// seriesCommands are what people do with planned work that recurs.
type seriesCommands struct {
	List seriesListCommand `cmd:"" help:"List recurring maintenances, each with its rule and next starts."`
	Show seriesShowCommand `cmd:"" help:"Show one, as a summary or as its document."`
	End  seriesEndCommand  `cmd:"" help:"Announce nothing more of it."`
}

// Help explains the family.
func (seriesCommands) Help() string {
	return `A document with a recurrence makes a series: interlude apply. It is named by its id or its key, and each of its
occurrences is a maintenance with a key of its own. Change all of them by applying the document, and one of them by that
maintenance's own.

  interlude series list
  interlude series show monthly-upkeep -o yaml
  interlude series end monthly-upkeep --cancel-planned`
}

type seriesListCommand struct{}

// Run prints a table.
func (seriesListCommand) Run(ctx context.Context, s *session) error {
	list, err := s.client().Series(ctx)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No series.")
			return
		}
		rows := make([][]string, len(list))
		for i, one := range list {
			rows[i] = []string{one.Key, one.Words, nextWords(one, zone), one.Template.Title}
		}
		table(w, "KEY RULE NEXT TITLE", rows)
	})
}

// nextWords are the next two starts of a series.
func nextWords(s api.Series, zone *time.Location) string {
	const shown = 2
	var starts []string
	for _, at := range s.Next[:min(len(s.Next), shown)] {
		starts = append(starts, instant(at, zone))
	}
	switch {
	case s.Ended:
		return "ended"
	case len(starts) == 0:
		return "none left"
	}
	return strings.Join(starts, ", ")
}

type seriesShowCommand struct {
	Ref    string `arg:"" name:"id" help:"Id or key."`
	Output string `short:"o" default:"text" enum:"text,yaml,json" help:"text, json, or yaml: the document, to edit and apply."`
}

// Run prints one.
func (c *seriesShowCommand) Run(ctx context.Context, s *session) error {
	one, err := s.client().OneSeries(ctx, c.Ref)
	if err != nil {
		return err
	}
	switch {
	case c.Output == "yaml":
		d, err := s.documentOf(ctx, api.Maintenance{Maintenance: one.Template, Components: one.Components})
		if err != nil {
			return err
		}
		d.Key, d.Recurrence = one.Key, &one.Recurrence
		return s.printDocument(status.Document{Maintenance: d})
	case c.Output == "json" || s.json:
		return s.printJSON(one)
	}
	printSeries(s.stdout, one, s.zone(ctx))
	return nil
}

func printSeries(w io.Writer, one api.Series, zone *time.Location) {
	state := "goes on"
	if one.Ended {
		state = "ended"
	}
	in := one.Recurrence.TimeZone
	if in == "" {
		in = "the page's zone"
	}
	var except []string
	for _, day := range one.Recurrence.Except {
		except = append(except, day.String())
	}
	fmt.Fprintf(w, "%s\n", one.Template.Title)
	rows := [][2]string{
		{"id", one.ID},
		{"key", one.Key},
		{"state", state},
		{"rule", one.Words + " (" + one.Recurrence.Rule + "), in " + in},
		{"except", strings.Join(except, ", ")},
		{"lasts", status.Span(status.Duration(one.Template.Window.Duration()))},
		{"affects", strings.Join(one.Components, ", ")},
	}
	for _, o := range one.Open {
		rows = append(rows, [2]string{strings.ToLower(o.State.Label()), status.WindowText(o.Window, zone) + "  " + o.Key})
	}
	for _, at := range one.Next {
		if at.After(one.Announced) { // the others stand above
			rows = append(rows, [2]string{"later", instant(at, zone)})
		}
	}
	printRows(w, rows)
}

type seriesEndCommand struct {
	Ref           string `arg:"" name:"id" help:"Id or key."`
	CancelPlanned bool   `help:"Call off the occurrences that are announced and have not begun."`
	Body          string `short:"b" placeholder:"TEXT" help:"With --cancel-planned, what readers are told of each, in Markdown; - reads standard input."`
	Quiet         bool   `help:"With --cancel-planned, put it on the page, and notify nobody."`
}

// Help explains end.
func (seriesEndCommand) Help() string {
	return `Occurrences that are announced already were promised, and stay as they are. --cancel-planned calls those off that have
not begun; what has begun goes on either way.

  interlude series end monthly-upkeep
  interlude series end monthly-upkeep --cancel-planned --body "This work is now done without a maintenance."`
}

// Run ends it.
func (c *seriesEndCommand) Run(ctx context.Context, s *session) error {
	if !c.CancelPlanned && (c.Body != "" || c.Quiet) {
		return usage("--body and --quiet are for --cancel-planned: without it, readers are told nothing")
	}
	body, err := s.textOf(c.Body)
	if err != nil {
		return err
	}
	done, err := s.client().EndSeries(ctx, c.Ref, api.SeriesEnd{CancelPlanned: c.CancelPlanned, Body: body, Quiet: c.Quiet})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "%s: ended, nothing more of it is announced\n", done.Series.Template.Title)
		for _, o := range done.Canceled {
			fmt.Fprintf(w, "  canceled  %s  %s\n", status.WindowText(o.Window, zone), o.Key)
		}
		for _, o := range done.Series.Open {
			fmt.Fprintf(w, "  stays     %s  %s\n", status.WindowText(o.Window, zone), o.Key)
		}
	})
}
