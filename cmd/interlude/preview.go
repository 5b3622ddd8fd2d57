package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/document"
	"example.org/interlude/page"
	"example.org/interlude/status"
)

// previewCommand shows what documents lead to, without a server.
type previewCommand struct {
	File   []string `short:"f" required:"" sep:"none" placeholder:"FILE" help:"Document, folder of documents, or - for standard input. May be given several times; one must hold the page."`
	Format string   `default:"text" enum:"text,json,html" help:"text, json or html."`
	At     string   `placeholder:"TIME" help:"Pretend that it is this time, such as 2027-01-13T12:00:00Z."`
}

// Help explains preview.
func (previewCommand) Help() string {
	return `Prints the report of every maintenance and incident in the documents, the same as on the page. What the page
would refuse, such as too short a notice, is a warning here; every other mistake is an error with its line.

  interlude preview -f page.yaml -f maintenance.yaml
  interlude preview -f documents/ --format html > report.html
  interlude preview -f page.yaml -f past.yaml --format json | jq .title`
}

// Run applies the documents to an empty book and prints the reports of what they made.
func (c *previewCommand) Run(_ context.Context, s *session) error {
	now := time.Now()
	if c.At != "" {
		var err error
		if now, err = document.ParseTime(c.At); err != nil {
			return usage("--at %w", err)
		}
	}
	all, err := s.gather(c.File)
	if err != nil {
		return err
	}
	ids := 0
	book := &status.Book{Lenient: true, NewID: func() string { ids++; return "preview-" + strconv.Itoa(ids) }}
	if !holdsPage(all.documents) {
		return fmt.Errorf("no document holds the page, so that names in affects mean nothing: add it with -f page.yaml")
	}
	changes, warnings, err := book.Apply(all.documents, now, status.Actor{Kind: status.Person})
	if err != nil {
		return all.locate(err)
	}
	s.warn(warnings)
	refs := eventsOf(book, changes)
	if len(refs) == 0 {
		fmt.Fprintln(s.stderr, "There is nothing to report: the documents hold a page, and no maintenance or incident that is announced by now.")
		return nil
	}
	if s.json {
		c.Format = "json"
	}
	if c.Format == "html" && len(refs) > 1 {
		return usage("the documents make %d reports, and html is one at a time: leave some of them out", len(refs))
	}
	picture := board.Of(book)
	for i, ref := range refs {
		if i > 0 && c.Format == "text" {
			fmt.Fprintln(s.stdout)
		}
		if err := writeReport(s, picture, ref, c.Format, now); err != nil {
			return err
		}
	}
	return nil
}

func holdsPage(documents []status.Document) bool {
	for _, d := range documents {
		if d.Page != nil {
			return true
		}
	}
	return false
}

// eventsOf lists the maintenances and incidents that the changes made, in the order of their documents. A series is
// shown by its next occurrence.
func eventsOf(book *status.Book, changes []status.Change) []string {
	var refs []string
	seen := make(map[string]bool)
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			refs = append(refs, id)
		}
	}
	for _, c := range changes {
		switch c.Subject.Kind {
		case status.KindMaintenance, status.KindIncident:
			add(c.Subject.ID)
		case status.KindSeries:
			for _, m := range book.Maintenances {
				if m.Series == c.Subject.ID {
					add(m.ID)
				}
			}
		}
	}
	return refs
}

func writeReport(s *session, picture *board.Picture, ref, format string, now time.Time) error {
	if format == "html" {
		return page.Report(s.stdout, picture, ref, now)
	}
	report, ok := picture.Report(ref)
	if !ok {
		return fmt.Errorf("report of %s: %w", ref, status.ErrNotFound)
	}
	return printReport(s.stdout, s, report, format)
}

// printReport writes a report as text or JSON.
func printReport(w io.Writer, s *session, report status.Report, format string) error {
	if format == "json" {
		return s.printJSON(report)
	}
	if err := report.WriteText(w); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
