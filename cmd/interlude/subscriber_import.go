package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.org/interlude/api"
	"example.org/interlude/document"
)

// subscriberImportCommand subscribes many.
type subscriberImportCommand struct {
	File      string `arg:"" help:"List or table; - reads standard input."`
	Confirmed bool   `help:"Vouch for all of them: they are told from now on, and not asked."`
}

// Help explains import.
func (subscriberImportCommand) Help() string {
	return `The file has one address a line. Or it is a CSV table whose first line names its columns: address, and any of channel, contact,
event, components, groups and zone; several components or groups are separated by semicolons. Empty lines, and those that begin
with #, are passed over. Those that cannot subscribe are named with their lines, and the others do; then the exit code is 1.

  interlude subscriber import addresses.txt --confirmed
  interlude subscriber import subscribers.csv`
}

// entry is one of the file, with its line.
type entry struct {
	api.NewSubscriber

	line int
}

// imported is what became of a file.
type imported struct {
	Taken   int           `json:"taken"`
	Refused []refusedLine `json:"refused"`
}

type refusedLine struct {
	Line    int    `json:"line"`
	Address string `json:"address"`
	Detail  string `json:"detail"`
}

// Run sends what the file holds, some at a time.
func (c *subscriberImportCommand) Run(ctx context.Context, s *session) error {
	data, name, err := s.read(c.File)
	if err != nil {
		return err
	}
	if len(data) > document.MaxSize {
		return fmt.Errorf("%s is larger than %d MiB: import it in parts", name, document.MaxSize>>20)
	}
	entries, err := readEntries(string(data))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	done := imported{Refused: []refusedLine{}}
	for some := range slices.Chunk(entries, api.LargestImport) {
		s.task = counted(len(some), "subscriber")
		var all api.SubscriberImport
		for _, e := range some {
			e.SkipConfirmation = c.Confirmed
			all.Subscribers = append(all.Subscribers, e.NewSubscriber)
		}
		part, err := s.client().CreateSubscribers(ctx, all)
		if err != nil {
			return fmt.Errorf("from line %d on nothing was taken: %w", some[0].line, err)
		}
		done.Taken += part.Taken
		for _, r := range part.Refused {
			done.Refused = append(done.Refused, refusedLine{some[r.Index].line, r.Address, r.Detail})
		}
	}
	err = s.print(done, func(w io.Writer) {
		for _, r := range done.Refused {
			fmt.Fprintf(w, "%s:%d: %s\n", name, r.Line, r.Detail)
		}
		fmt.Fprintf(w, "%d subscribed, %d refused.\n", done.Taken, len(done.Refused))
	})
	if err == nil && len(done.Refused) > 0 {
		err = fmt.Errorf("%d of %d could not subscribe", len(done.Refused), len(entries))
	}
	return err
}

// columns are what a table may have.
var columns = []string{"address", "channel", "contact", "event", "components", "groups", "zone"}

// readEntries reads a list of addresses, or a table.
func readEntries(text string) ([]entry, error) {
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.Comment, in.FieldsPerRecord, in.TrimLeadingSpace = '#', -1, true
	var entries []entry
	var head []string
	for first := true; ; first = false {
		row, err := in.Read()
		switch {
		case errors.Is(err, io.EOF) && len(entries) == 0:
			return nil, errors.New("no address stands in it")
		case errors.Is(err, io.EOF):
			return entries, nil
		case err != nil:
			return nil, err
		}
		line, _ := in.FieldPos(0)
		if first {
			if head = headOf(row); head != nil {
				continue
			}
			head = columns[:1]
		}
		e, err := entryOf(head, row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		e.line = line
		entries = append(entries, e)
	}
}

// headOf is the first line of a table, or nothing when it is no table's.
func headOf(row []string) []string {
	head := make([]string, len(row))
	for i, name := range row {
		head[i] = strings.ToLower(strings.TrimSpace(name))
	}
	if slices.Contains(head, "address") {
		return head
	}
	return nil
}

// entryOf is what a line of a table says.
func entryOf(head, row []string) (entry, error) {
	var e entry
	if len(row) > len(head) {
		return e, fmt.Errorf("it has %s, and there are only %d columns; a table begins with a line that names its columns, address among them",
			counted(len(row), "value"), len(head))
	}
	for i, value := range row {
		value = strings.TrimSpace(value)
		switch head[i] {
		case "address":
			e.Address = value
		case "channel":
			e.Channel = value
		case "contact":
			e.Contact = value
		case "event":
			e.Event = value
		case "components":
			e.Components = listed(value)
		case "groups":
			e.Groups = listed(value)
		case "zone":
			e.Zone = value
		default:
			return e, fmt.Errorf("%w", oneOf("a column", head[i], columns))
		}
	}
	return e, nil
}

// listed are the values between semicolons.
func listed(text string) []string {
	var values []string
	for value := range strings.SplitSeq(text, ";") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}
