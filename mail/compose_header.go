package mail

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Lengths of lines in a header, in characters without their end (RFC 5322, 2.1.1). Where a value goes into a line, room is left
// for the longest one.
const (
	usualLine    = 78
	longestLine  = 998
	longestValue = 400
)

// header writes one field, folded between words: where the next one would not fit, and around every word that holds a slot,
// since nobody knows yet how long it becomes. Words are parted by one space whatever stood between them, so that no value
// can begin a line of its own.
func (w *writer) header(h Header) error {
	if !isFieldName(h.Name) {
		return fmt.Errorf("%q cannot name a header: letters, digits and hyphens can", h.Name)
	}
	words := strings.Fields(h.Value)
	if len(words) == 0 {
		return fmt.Errorf("the header %s has no value: leave it out", h.Name)
	}
	w.write(h.Name + ":")
	line, slotted := len(h.Name)+1, false
	for i, word := range words {
		length, slots, err := measure(word)
		if err != nil {
			return fmt.Errorf("the header %s: %w", h.Name, err)
		}
		if i > 0 && (slotted || slots > 0 || line+1+length > usualLine) {
			w.write("\r\n")
			line = 0
		}
		line, slotted = line+1+length, slots > 0
		if line+slots*longestValue > longestLine {
			return fmt.Errorf("the header %s has a word that does not fit into a line of %d characters (a value counts %d): shorten it",
				h.Name, longestLine, longestValue)
		}
		w.write(" ")
		w.splice(word)
	}
	w.write("\r\n")
	return nil
}

// splice writes a word and marks its slots.
func (w *writer) splice(word string) {
	for _, r := range word {
		if isSlot(r) {
			w.mark(r, inHeader)
			continue
		}
		w.fixed = utf8.AppendRune(w.fixed, r)
	}
}

// measure counts the characters and the slots of a word.
func measure(word string) (length, slots int, err error) {
	for _, r := range word {
		switch {
		case isSlot(r):
			slots++
		case r <= ' ' || r > '~':
			return 0, 0, fmt.Errorf("%q is not printable ASCII: encode it as RFC 2047 has it", r)
		default:
			length++
		}
	}
	return length, slots, nil
}

// isFieldName reports whether a name is one of RFC 5322, 3.6.8, and short enough to be one at all.
func isFieldName(name string) bool {
	foreign := func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }
	return name != "" && len(name) < usualLine && !strings.ContainsFunc(name, foreign)
}
