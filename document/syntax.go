package document

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"
)

// whole puts together again the texts in brackets that the lexer cuts at a colon: [http://127.0.0.1:8080] inside of braces
// is a list of one text, because a colon with neither a space behind it nor a quote before it ends no key (YAML 1.2.2, 7.3.3).
func whole(tokens token.Tokens) token.Tokens {
	var kept token.Tokens
	var open []token.Type
	for i := 0; i < len(tokens); i++ {
		tk := tokens[i]
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			open = append(open, tk.Type)
		case token.SequenceEndType, token.MappingEndType:
			open = open[:max(len(open)-1, 0)]
		case token.MappingValueType:
			listed := len(open) > 0 && open[len(open)-1] == token.SequenceStartType
			if listed && len(kept) > 0 && i+1 < len(tokens) && isPlainToken(kept[len(kept)-1]) && isPlainToken(tokens[i+1]) && adjacent(tk, tokens[i+1]) {
				text, rest := kept[len(kept)-1], tokens[i+1]
				text.Type, text.Value, text.Origin = token.StringType, text.Value+":"+rest.Value, text.Origin+":"+rest.Origin
				text.Next = rest.Next
				if rest.Next != nil {
					rest.Next.Prev = text
				}
				i++
				continue
			}
		}
		kept = append(kept, tk)
	}
	return kept
}

// isPlainToken reports whether a token is a scalar without quotes.
func isPlainToken(tk *token.Token) bool {
	switch tk.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.BoolType, token.NullType, token.BinaryIntegerType,
		token.OctetIntegerType, token.HexIntegerType, token.InfinityType, token.NanType:
		return true
	}
	return false
}

func adjacent(a, b *token.Token) bool {
	return a.Position.Line == b.Position.Line && a.Position.Column+1 == b.Position.Column
}

// syntaxError words what the parser found.
func syntaxError(src *source, err error) *Error {
	var fault yaml.Error
	if !errors.As(err, &fault) || fault.GetToken() == nil || fault.GetToken().Position == nil {
		return src.errorAt(1, 1, "", "is not YAML that can be understood")
	}
	at, message := fault.GetToken().Position, fault.GetMessage()
	e := src.errorAt(at.Line, at.Column, "", "is not YAML: "+message)
	rest := string([]rune(e.Excerpt)[e.Caret-1:])
	for _, known := range syntaxHints {
		if strings.Contains(message, known.part) && strings.Contains(rest, known.near) {
			e.Rule = known.rule
			break
		}
	}
	return e
}

// syntaxHints say what to do about faults that people make often: by a part of what the parser says, and of what
// stands at the place on the same line.
var syntaxHints = []struct{ part, near, rule string }{
	{"'\t'", "", "a tab cannot indent: use spaces"},
	{"tab character", "", "a tab cannot indent: use spaces"},
	{"mapping value is not allowed", ": ", "a colon and a space end a key: put a text that holds them into quotes"},
	{"mapping value is not allowed", "", "the line below stands deeper than its key, as if it went on with this value: let the keys of one thing begin in the same column"},
	{"could not find end character of", "", "the quotes are not closed"},
	{"sequence end token", "", "the bracket [ is not closed by ]"},
	{"could not find flow mapping end", "", "the brace { is not closed by }"},
	{"flow map", "{", "a brace begins a mapping: put a text that begins with {{ into quotes"},
	{"',' or ']' must be", "", "a comma or the closing bracket ] is missing"},
	{"',' or '}' must be", "", "a comma or the closing brace } is missing"},
	{"is a reserved character", "", "a text cannot begin with this character: put it into quotes"},
	{"value is not allowed in this context", "", "something follows here that does not belong to the value before it: put a text with quotes or brackets into quotes as a whole"},
	{"non-map value is specified", "", `"key: value" is expected here: let the lines of a longer text stand deeper than their key`},
	{"block sequence entries are not allowed", "", `a list begins on a line of its own: put "- " below the key`},
	{"escape character", "", `a backslash in double quotes begins an escape such as \n: write \\, or use single quotes`},
}
