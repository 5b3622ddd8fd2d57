// Package runbook carries out a maintenance: it reads the steps that a document gives, does them one after the other, and
// keeps account so that it can be killed at any moment and go on.
//
// Read [Read] first, which makes a [Book] of a file, then [Book.Plan], which numbers the steps and adds up their minutes,
// and then [Runner.Run]. values.go has the steps as people write them; a file act_*.go has what a kind of step does.
//
// What it promises:
//
//   - A step is written to the [Journal] before and after it is done, and is on the disk before the next thing happens. A run
//     that is started again continues. A step of which nobody knows whether it happened is repeated where that does no harm,
//     decided by its own postcondition where it has one, and otherwise asked about. It is never guessed.
//   - An interruption ends: when its steps are done, when one fails, when its bound passes, and when the runner dies. For the
//     last of these a second process, the dead-man ([Guard]), resumes the poolers.
//   - A step that fails is answered as the runbook says: what was done is undone in reverse order, or the run stops, or a
//     person is asked. Beyond the point of no return nothing is undone.
//   - Nothing is done because nothing complained: each kind of step looks whether it has happened.
//   - Secrets stay here. They are taken from the environment, files and commands when they are needed, and what is written to
//     the journal, the server, the terminal or a log has them taken out.
//
// The promise ends at what a step calls: a command that leaves processes behind, or a database that loses what it has
// acknowledged, is beyond it. The server is told and never asked for leave: while it is away, what is to be told waits in the
// journal, in order.
package runbook

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"example.org/interlude/document"
	"example.org/interlude/status"
)

// Book is the runbook of one maintenance, as it stands in a document.
type Book struct {
	// Source is the file, for messages.
	Source string
	// Ref names the maintenance to the server, empty where the document has neither key nor id. Title and Window are the document's.
	Ref    string
	Title  string
	Window status.Window
	// Section is what stands under runbook.
	Section
}

// Section is what stands in a document under the key runbook.
type Section struct {
	// Checks are gone through before the first step: go or no-go.
	Checks []Check `yaml:"checks"`
	Steps  []Step  `yaml:"steps"`
	// OnFailure is what happens when a step fails that says nothing itself; rollback without it.
	OnFailure string `yaml:"on_failure"`
}

// ErrNoRunbook says that a file has no runbook in it.
var ErrNoRunbook = errors.New("no runbook")

// Read reads the runbook in a file of documents. The file must have exactly one: source is what errors call it.
//
// Errors are those of package document, with file, line and what would be right.
func Read(data []byte, source string) (*Book, error) {
	documents, err := document.Read(bytes.NewReader(data), source)
	if err != nil {
		return nil, err
	}
	var book *Book
	for i, d := range documents {
		if d.Maintenance == nil {
			continue
		}
		found := &Book{Source: source, Ref: cmp.Or(d.Maintenance.Key, d.Maintenance.ID), Title: d.Maintenance.Title, Window: d.Maintenance.Window}
		given, err := document.FillPart(data, source, i, "runbook", &found.Section)
		switch {
		case err != nil:
			return nil, err
		case !given:
			continue
		case book != nil:
			return nil, document.Locate(data, source, i, &status.Invalid{Field: "runbook", Rule: "is the second one of this file: a run carries out one maintenance, so put the other into a file of its own"})
		}
		book = found
		if err := book.located(data, i); err != nil {
			return nil, err
		}
	}
	if book == nil {
		return nil, fmt.Errorf("%s holds %w: a maintenance has it under the key runbook, with steps", source, ErrNoRunbook)
	}
	return book, nil
}

// located checks the book, and gives each fault its place in the file.
func (b *Book) located(data []byte, index int) error {
	var faults []error
	for _, fault := range b.check() {
		faults = append(faults, document.Locate(data, b.Source, index, fault))
	}
	return errors.Join(faults...)
}
