package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"example.org/interlude/status"
)

// Error is a fault in a document: what is wrong, where, and what would be right. Its text is safe to show to
// whoever wrote the document.
type Error struct {
	// Source is the file, as [Read] was told.
	Source string
	// Line and Column are where the offending value or key stands, counted from one; Column counts characters.
	Line, Column int
	// Field is the path of the value, such as "window.end" or "affects[2]"; empty for what is not a value's fault.
	Field string
	// Rule says what is wrong and what would be right, after Field.
	Rule string
	// Excerpt is the line as it stands in the file, shortened where it is very long, and Caret the column in it.
	Excerpt string
	Caret   int
}

// Headline is the error on one line: "maintenance.yaml:7:3: RULE".
func (e *Error) Headline() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Source, e.Line, e.Column, e.Invalid())
}

// Error is the headline, and below it the line of the file with a caret under the place.
func (e *Error) Error() string {
	if strings.TrimSpace(e.Excerpt) == "" {
		return e.Headline()
	}
	number := fmt.Sprintf("%5d", e.Line)
	return fmt.Sprintf("%s\n%s | %s\n%s | %s^", e.Headline(), number, e.Excerpt, strings.Repeat(" ", len(number)), e.indent())
}

// indent is what stands before the caret: a space for each character, and a tab for each tab, so that it lines up.
func (e *Error) indent() string {
	var b strings.Builder
	for i, r := range []rune(e.Excerpt) {
		if i >= e.Caret-1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Invalid is the error without its place.
func (e *Error) Invalid() *status.Invalid { return &status.Invalid{Field: e.Field, Rule: e.Rule} }

// Unwrap makes the error a [*status.Invalid] to [errors.As].
func (e *Error) Unwrap() error { return e.Invalid() }

// source is a file in memory, by lines.
type source struct {
	name  string
	text  string
	lines []string
}

// newSource keeps the text as it is parsed: without a byte order mark, and with line feeds alone between lines.
func newSource(data []byte, name string) *source {
	text := strings.TrimPrefix(string(data), "\uFEFF")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return &source{name: name, text: text, lines: strings.Split(text, "\n")}
}

// longestExcerpt is how many characters of a line are shown at most.
const longestExcerpt = 120

// errorAt makes an error for a place. A place outside of the file, which the parser gives for what is missing at its
// end, is moved to the nearest one inside.
func (s *source) errorAt(line, column int, field, rule string) *Error {
	line = min(max(line, 1), len(s.lines))
	text := strings.ToValidUTF8(s.lines[line-1], "\uFFFD")
	column = min(max(column, 1), utf8.RuneCountInString(text)+1)
	e := &Error{Source: s.name, Line: line, Column: column, Field: field, Rule: rule, Excerpt: text, Caret: column}
	if r := []rune(text); len(r) > longestExcerpt {
		from := min(max(0, column-longestExcerpt/2), len(r)-longestExcerpt)
		e.Excerpt, e.Caret = string(r[from:from+longestExcerpt]), column-from
		if from > 0 {
			e.Excerpt, e.Caret = "…"+e.Excerpt, e.Caret+1
		}
		if from+longestExcerpt < len(r) {
			e.Excerpt += "…"
		}
	}
	e.Excerpt = printable(e.Excerpt)
	return e
}

// columnOf is the column in which a text begins on a line, 1 when it does not stand there.
func (s *source) columnOf(line int, text string) int {
	if line < 1 || line > len(s.lines) {
		return 1
	}
	before, _, found := strings.Cut(s.lines[line-1], text)
	if !found {
		return 1
	}
	return utf8.RuneCountInString(before) + 1
}

// printable replaces what would disturb a terminal. Tabs stay: the caret is aligned with them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, s)
}

// isControl reports whether the character is one of the control characters of ASCII and Latin-1, or one that turns
// the direction of the text around it.
func isControl(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// mostErrors is how many faults are told at once.
const mostErrors = 20

// joined is the faults in the order of the file as one error, or nil.
func joined(faults []*Error) error {
	slices.SortStableFunc(faults, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(faults) == 1 {
		return faults[0]
	}
	list := make([]error, 0, min(len(faults), mostErrors+1))
	for i, f := range faults {
		if i == mostErrors {
			list = append(list, fmt.Errorf("%s: and %d more", f.Source, len(faults)-mostErrors))
			break
		}
		list = append(list, f)
	}
	return errors.Join(list...)
}
