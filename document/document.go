// Package document reads and writes the files in which people describe a page, a maintenance or an incident.
//
// A document is YAML (or JSON, which is YAML too); one file may hold several, divided by lines of "---". [Read]
// makes [status.Document] values of them, [Marshal] writes one back. Which kind a document is follows from what it
// says: page makes it a page, window or recurrence a maintenance, updates with an incident's states an incident;
// where that leaves a doubt, "kind: maintenance" settles it.
//
// Documents are written by hand, late in the evening, by people who have something else to do. Therefore nothing is
// guessed and nothing is passed over: a key that is not known, given twice, or empty where it is needed; a time
// without a zone; a duration without a unit; a word that is none of the allowed ones: each is an [*Error] that names
// file, line and column, says what is wrong and what would be right, and shows the line. All faults of a file are
// told at once, as far as one does not hide the next. What is not ambiguous is taken as it was meant, however: a
// title of 2027 is a text, yes is true, "In progress" is in_progress, and "affects: APIs" is a list of one.
//
// Some rules need the page that a document is meant for, and are found later: whether "Web Application" in affects
// is a component, for example. These come back as [*status.Invalid] with the path of the value, and [Locate] turns
// them into an [*Error] of the file that they came from.
//
// [Fill] reads settings with the same strictness: files that describe the program, and not what is announced.
//
// The section runbook belongs to the runner, which reads it from its own disk and nowhere else: here it is only
// required to be a mapping, and it is not part of what is read. [FillPart] reads it for the runner.
//
// What is read comes from outside. A file is at most [MaxSize] bytes, and its nesting, its width and what its
// aliases expand to are bounded too, so that reading takes a bounded time and memory whatever it holds. The package
// reads no file, no clock and no environment by itself.
package document

import (
	"fmt"
	"io"

	"example.org/interlude/status"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 1 << 20

// Read reads every document of r in order. source is what errors call it: a file's name, or "standard input".
//
// The error is an [*Error], or several joined by [errors.Join], in the order of the file. A file without any
// document is an error, because nobody means that.
func Read(r io.Reader, source string) ([]status.Document, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", source, err)
	}
	src := newSource(data, source)
	trees, err := parse(src)
	if err != nil {
		return nil, err
	}
	if len(trees) == 0 {
		return nil, src.errorAt(1, 1, "", "is empty: it must hold a page, a maintenance or an incident")
	}
	documents := make([]status.Document, len(trees))
	check := &checker{src: src}
	for i, tree := range trees {
		documents[i] = check.document(tree)
		documents[i].Source = source
		if len(trees) > 1 {
			documents[i].Source = fmt.Sprintf("%s, document %d", source, i+1)
		}
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	return documents, nil
}
