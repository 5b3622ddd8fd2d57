package web

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// block is a paragraph, a list or a piece of code of a description.
type block struct {
	Spans []span
	Items [][]span
	Code  string
}

// span is a run of text, which may be code.
type span struct {
	Text string
	Code bool
}

// readText reads a description: paragraphs between empty lines, lists of lines that begin with a hyphen, code between
// lines of three backticks, and code between single ones. Whatever else Markdown or HTML would have is text.
func readText(text string) []block {
	var blocks []block
	var words []string
	flush := func() {
		if len(words) > 0 {
			blocks = append(blocks, block{Spans: readSpans(strings.Join(words, " "))})
		}
		words = nil
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		item, isItem := strings.CutPrefix(line, "- ")
		switch {
		case strings.HasPrefix(line, "```"):
			flush()
			var code []string
			for i++; i < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[i]), "```"); i++ {
				code = append(code, lines[i])
			}
			blocks = append(blocks, block{Code: strings.Join(code, "\n")})
		case line == "":
			flush()
		case isItem:
			flush()
			if n := len(blocks); n > 0 && blocks[n-1].Items != nil && lines[i-1] != "" {
				blocks[n-1].Items = append(blocks[n-1].Items, readSpans(item))
				continue
			}
			blocks = append(blocks, block{Items: [][]span{readSpans(item)}})
		default:
			words = append(words, line)
		}
	}
	flush()
	return blocks
}

// readSpans divides a line at its backticks. A backtick without a second one is text.
func readSpans(line string) []span {
	var spans []span
	for line != "" {
		before, rest, opened := strings.Cut(line, "`")
		code, after, closed := strings.Cut(rest, "`")
		if !opened || !closed {
			return append(spans, span{Text: line})
		}
		if before != "" {
			spans = append(spans, span{Text: before})
		}
		spans = append(spans, span{Text: code, Code: true})
		line = after
	}
	return spans
}

// asSentence begins a description with a capital letter, which those of fields are often without. Code stays as it is.
func asSentence(blocks []block) []block {
	if len(blocks) > 0 && len(blocks[0].Spans) > 0 && !blocks[0].Spans[0].Code {
		first := &blocks[0].Spans[0]
		r, n := utf8.DecodeRuneInString(first.Text)
		first.Text = string(unicode.ToUpper(r)) + first.Text[n:]
	}
	return blocks
}
