package mail

import (
	"fmt"
	"strings"
)

// Template is a letter composed, but for its personal values. It can be used by several goroutines at once.
type Template struct {
	fixed []byte
	slots []spot
	needs int // values
}

// spot is where a value stands in between the fixed bytes.
type spot struct {
	at, value int
	where     place
}

// place is what surrounds a value, and so how it is written.
type place int

const (
	inHeader place = iota
	inText
	inHTML
)

// Append appends the message for one recipient to dst, its lines ended by CRLF and dots left as they are. It allocates nothing when dst
// has room.
//
// A value that stands in a header must be printable ASCII without spaces, at most 400 bytes long, so that nobody can write
// a header by way of an address; otherwise dst is returned as it was. In text and HTML a value may be anything.
func (t *Template) Append(dst []byte, values []string) ([]byte, error) {
	if len(values) < t.needs {
		return dst, fmt.Errorf("write letter: it has slots for %d values, and there are %d", t.needs, len(values))
	}
	start, from := len(dst), 0
	for _, s := range t.slots {
		dst = append(dst, t.fixed[from:s.at]...)
		from = s.at
		value := values[s.value]
		if s.where != inHeader {
			dst = appendQuoted(dst, value, s.where)
			continue
		}
		if !standsInHeader(value) {
			return dst[:start], fmt.Errorf("write letter: value %d stands in a header, where it must be 1 to %d characters of printable "+
				"ASCII without spaces", s.value, longestValue)
		}
		dst = append(dst, value...)
	}
	return append(dst, t.fixed[from:]...), nil
}

func standsInHeader(value string) bool {
	foreign := func(r rune) bool { return r <= ' ' || r > '~' }
	return value != "" && len(value) <= longestValue && !strings.ContainsFunc(value, foreign)
}
