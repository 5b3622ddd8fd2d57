package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Clean is a text without what no document can carry: bytes that are no text, and control characters but the end of a
// line and the tabulator (XML 1.0, 2.2; RFC 5545, 3.1).
func Clean(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			return '\n'
		case r < ' ' && r != '\n' && r != '\t', 0x7F <= r && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
			return -1
		}
		return r
	}, text)
}

// OneLine is a clean text in one line.
func OneLine(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

// Text is Markdown for a mail without HTML: clean and as it was written, because people read Markdown as it is. Nothing
// but the end stands after the last letter of a line: a space there breaks the line in Markdown and joins it to the next
// one in mail (RFC 3676, 4.2).
func Text(body string) string {
	lines := strings.Split(Clean(body), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// Lead is the first paragraph of a Markdown text in one line, without its markup.
func Lead(body string) string {
	source := []byte(body)
	var b strings.Builder
	found := false
	// Walk fails only when the walker does.
	_ = ast.Walk(markdown.Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if n.Kind() == ast.KindParagraph || n.Kind() == ast.KindTextBlock {
			if found && !entering {
				return ast.WalkStop, nil
			}
			found = true
			return ast.WalkContinue, nil
		}
		if !found || !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.AutoLink:
			b.Write(n.Label(source))
		case *ast.String:
			b.Write(n.Value)
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}
