package document

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// The parser's time and memory grow faster than its input where that is nested, wide, or full of empty lines. These
// bounds are far above what documents need and far below what would be felt.
const (
	mostNesting    = 32
	mostKeys       = 1000
	mostBlankLines = 100
	mostMarks      = 200
	mostTokens     = 20_000
	// longestPaths bounds the sum of the paths of all values, each of which the parser keeps as a text of its own.
	longestPaths = 8 << 20
)

// checkText refuses what is not a text of lines before anything looks at it more closely.
func checkText(src *source) *Error {
	switch {
	case len(src.text) > MaxSize:
		return src.errorAt(len(src.lines), 1, "", fmt.Sprintf("is too large: a document is at most %d KiB", MaxSize>>10))
	case strings.HasPrefix(src.text, "\xfe\xff"), strings.HasPrefix(src.text, "\xff\xfe"):
		return src.errorAt(1, 1, "", "is UTF-16: save the file as UTF-8")
	}
	blank := 0
	for i, line := range src.lines {
		if !utf8.ValidString(line) {
			return src.errorAt(i+1, invalidColumn(line), "", "is not UTF-8: save the file as UTF-8, and make sure that it is a text")
		}
		if at := strings.IndexFunc(line, func(r rune) bool { return isControl(r) && r != '\t' }); at >= 0 {
			r, _ := utf8.DecodeRuneInString(line[at:])
			return src.errorAt(i+1, utf8.RuneCountInString(line[:at])+1, "",
				fmt.Sprintf("holds the control character %U: remove it, and make sure that the file is a text", r))
		}
		if strings.TrimSpace(line) != "" {
			blank = 0
		} else if blank++; blank > mostBlankLines {
			return src.errorAt(i+1, 1, "", fmt.Sprintf("is one of more than %d empty lines in a row: remove them", mostBlankLines))
		}
	}
	return nil
}

// invalidColumn is the column of the first byte that is not part of a character.
func invalidColumn(line string) int {
	column := 1
	for len(line) > 0 {
		r, size := utf8.DecodeRuneInString(line)
		if r == utf8.RuneError && size == 1 {
			break
		}
		line, column = line[size:], column+1
	}
	return column
}

// level is a mapping or a list that is open at a token.
type level struct {
	flow   bool
	column int // where its keys or dashes stand; in block style only
	keys   int
	path   int // the length of its part of a path
}

// guard walks over the tokens of a stream as the parser will, and stops before the parser would go too far.
type guard struct {
	src    *source
	open   []level
	path   int
	paths  int
	marks  int
	tokens int
}

func checkTokens(src *source, tokens token.Tokens) *Error {
	g := guard{src: src}
	for _, tk := range tokens {
		if err := g.next(tk); err != nil {
			return err
		}
	}
	return nil
}

func (g *guard) next(tk *token.Token) *Error {
	switch tk.Type {
	case token.DocumentHeaderType, token.DocumentEndType:
		*g = guard{src: g.src, paths: g.paths}
	case token.MappingKeyType:
		return g.refuse(tk, `a key after "?" is not understood: write "key: value"`)
	case token.TagType:
		return g.refuse(tk, fmt.Sprintf("the tag %s is not understood: leave it out, or put the whole text into quotes", shown(tk.Value)))
	case token.AnchorType, token.AliasType:
		if g.marks++; g.marks > mostMarks {
			return g.refuse(tk, fmt.Sprintf("is one of more than %d anchors and aliases: write the values out", mostMarks))
		}
	case token.MappingStartType, token.SequenceStartType:
		g.push(level{flow: true, path: 8})
	case token.MappingEndType, token.SequenceEndType:
		if n := len(g.open); n > 0 && g.open[n-1].flow {
			g.pop()
		}
	case token.SequenceEntryType:
		g.entry(tk.Position.Column, 8, 0)
	case token.MappingValueType:
		g.key(tk)
	}
	g.tokens++
	g.paths += g.path
	switch n := len(g.open); {
	case n > mostNesting:
		return g.refuse(tk, fmt.Sprintf("is nested more than %d deep", mostNesting))
	case n > 0 && g.open[n-1].keys > mostKeys:
		return g.refuse(tk, fmt.Sprintf("is one of more than %d keys of one thing", mostKeys))
	case g.tokens > mostTokens:
		return g.refuse(tk, `the document holds too many values: divide it by lines of "---" or into several files`)
	case g.paths > longestPaths:
		return g.refuse(tk, "the file holds too many values with too long keys: divide it into several files")
	}
	return nil
}

func (g *guard) refuse(tk *token.Token, rule string) *Error {
	return g.src.errorAt(tk.Position.Line, tk.Position.Column, "", rule)
}

// key notes a colon. Its key stands before it, on the same line except in broken documents.
func (g *guard) key(colon *token.Token) {
	column, length := colon.Position.Column, 8
	if k := colon.Prev; k != nil && k.Position.Line == colon.Position.Line {
		column, length = k.Position.Column, len(k.Value)+1
	}
	if n := len(g.open); n > 0 && g.open[n-1].flow {
		g.path += length - g.open[n-1].path
		g.open[n-1].path = length
		g.open[n-1].keys++
		return
	}
	g.entry(column, length, 1)
}

// entry notes a key or a dash in block style: it closes what stands deeper and belongs to what stands as deep.
func (g *guard) entry(column, length, keys int) {
	for n := len(g.open); n > 0 && !g.open[n-1].flow && g.open[n-1].column > column; n-- {
		g.pop()
	}
	n := len(g.open)
	if n > 0 && g.open[n-1].flow {
		return
	}
	if n == 0 || g.open[n-1].column < column {
		g.push(level{column: column, keys: keys, path: length})
		return
	}
	g.path += length - g.open[n-1].path
	g.open[n-1].path = length
	g.open[n-1].keys += keys
}

func (g *guard) push(l level) {
	g.open = append(g.open, l)
	g.path += l.path
}

func (g *guard) pop() {
	last := len(g.open) - 1
	g.path -= g.open[last].path
	g.open = g.open[:last]
}
