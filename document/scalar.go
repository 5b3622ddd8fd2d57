package document

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reserved words are ones that other readers of YAML take for something else than a text.
var reserved = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}

// scalar writes a text on one line: as it stands where that is safe, in double quotes otherwise.
func (w *writer) scalar(text string, flow bool) string {
	if isPlain(text, flow) {
		return text
	}
	if w.err == nil && (!utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return isControl(r) && r != '\n' && r != '\t' })) {
		w.err = errors.New("a text holds control characters: " + shown(text))
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isPlain reports whether a text needs no quotes: it begins with a letter, and holds nothing that YAML could take for
// itself. Between brackets and braces a comma ends a value, and a colon is left to quotes.
func isPlain(text string, flow bool) bool {
	if text == "" || slices.Contains(reserved, strings.ToLower(text)) {
		return false
	}
	characters := []rune(text)
	for i, r := range characters {
		next := ' '
		if i+1 < len(characters) {
			next = characters[i+1]
		}
		switch {
		case unicode.IsLetter(r):
		case i == 0:
			return false
		case unicode.IsNumber(r), unicode.IsMark(r), strings.ContainsRune("_./()+@&;=%-", r):
		case r == ' ':
			if next == ' ' {
				return false
			}
		case r == ',', r == '\'':
			if flow {
				return false
			}
		case r == ':':
			if flow || !unicode.IsLetter(next) && !unicode.IsNumber(next) && next != '/' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// fitsBlock reports whether a text has several lines and can stand as a block below its key. A line that begins with a
// tab, or holds nothing but spaces, would be read differently; so would a first line that is indented.
func fitsBlock(text string) bool {
	if !strings.Contains(text, "\n") || strings.HasPrefix(text, " ") || strings.Contains(text, strings.Repeat("\n", mostBlankLines)) {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "\t") || line != "" && strings.TrimSpace(line) == "" {
			return false
		}
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) && r != '\t' }) {
			return false
		}
	}
	return true
}
