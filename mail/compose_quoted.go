package mail

import (
	"bytes"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"
)

// softBreak ends a line that goes on in the next one (RFC 2045, 6.7, rule 5).
const softBreak = "=\r\n"

// quote writes a text as quoted-printable. Each value gets lines of its own, so that it can be encoded without knowing what
// stands around it.
func (w *writer) quote(text string, where place) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.TrimRight(text, "\n") + "\n"
	for {
		i := strings.IndexFunc(text, isSlot)
		if i < 0 {
			w.quotePiece(text)
			return
		}
		w.quotePiece(text[:i])
		if !bytes.HasSuffix(w.fixed, []byte("\r\n")) {
			w.write(softBreak)
		}
		slot, size := utf8.DecodeRuneInString(text[i:])
		w.mark(slot, where)
		text = text[i+size:]
		if text[0] != '\n' { // which the text ends with
			w.write(softBreak)
		}
	}
}

func (w *writer) quotePiece(piece string) {
	encoded := bytes.NewBuffer(w.fixed)
	encoder := quotedprintable.NewWriter(encoded)
	_, _ = encoder.Write([]byte(piece)) // a buffer takes everything
	_ = encoder.Close()
	w.fixed = encoded.Bytes()
}

// longestQuoted is the length of a line of quoted-printable before a soft break.
const longestQuoted = 75

const upperHex = "0123456789ABCDEF"

// appendQuoted appends a value as quoted-printable, from the beginning of a line. The last line has room for a soft break and
// does not end with white space, whatever follows.
func appendQuoted(dst []byte, value string, where place) []byte {
	column := 0
	for i := range len(value) {
		c := value[i]
		token := ""
		switch {
		case c == '\r' && i+1 < len(value) && value[i+1] == '\n':
			continue // the line feed ends the line
		case c == '\r' || c == '\n':
			dst, column = append(dst, '\r', '\n'), 0
			continue
		case where == inHTML:
			token = escaped(c)
		}
		width := max(1, len(token))
		plain := c > ' ' && c <= '~' && c != '=' || (c == ' ' || c == '\t') && !endsLine(value, i)
		if !plain {
			width = len("=00")
		}
		if column+width > longestQuoted {
			dst, column = append(dst, softBreak...), 0
		}
		switch column += width; {
		case token != "":
			dst = append(dst, token...)
		case plain:
			dst = append(dst, c)
		default:
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// endsLine reports whether a line of the value ends behind i, where mail servers remove white space.
func endsLine(value string, i int) bool {
	return i+1 == len(value) || value[i+1] == '\r' || value[i+1] == '\n'
}

// escaped is how HTML writes a character that has a meaning there, and empty for every other one.
func escaped(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&#34;"
	case '\'':
		return "&#39;"
	}
	return ""
}
