// Package markup is what people write, made fit for where it is read: Markdown as safe HTML, as plain text, and as text
// that a document of any format can carry.
//
// Begin with [HTML] for a page of ours, [AbsoluteHTML] for what stands elsewhere (a feed, an e-mail), [Text] for a mail
// without HTML, and [OneLine] for a title.
//
// Operators write it and everybody reads it, so it knows no HTML: "Use the <token> header" is text and shown as it was
// written. What the renderer made passes a second lock that lets only listed elements through: no style, no script, no
// form, no frame, no picture from elsewhere. Links lead to the web or to a mail address, or nowhere; whether what they lead
// to is good is not known. Single line breaks stay, because people who write updates mean them.
package markup

import (
	"bytes"
	"net/url"
	"slices"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var (
	markdown = goldmark.New(
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(without(parser.DefaultBlockParsers(), parser.NewHTMLBlockParser())...),
			parser.WithInlineParsers(without(parser.DefaultInlineParsers(), parser.NewRawHTMLParser())...),
			parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
			parser.WithASTTransformers(util.Prioritized(lowerHeadings{}, 100)),
		)),
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, extension.Table),
		goldmark.WithRendererOptions(html.WithHardWraps()),
	)
	lock = sanitizer()
)

// HTML renders Markdown for a reader's browser.
func HTML(body string) string {
	var b bytes.Buffer
	if err := markdown.Convert([]byte(body), &b); err != nil {
		return bluemonday.StrictPolicy().Sanitize(body)
	}
	return string(lock.SanitizeBytes(b.Bytes()))
}

// AbsoluteHTML renders Markdown as [HTML] does, for a reader who is not on the page: links lead to where they would lead
// from the given address, and control characters are left out.
func AbsoluteHTML(body, from string) string {
	body = Clean(body)
	home, err := url.Parse(from)
	if err != nil {
		return HTML(body)
	}
	source := []byte(body)
	doc := markdown.Parser().Parse(text.NewReader(source))
	// Walk fails only when the walker does.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			if to, err := url.Parse(string(link.Destination)); err == nil && !to.IsAbs() {
				link.Destination = []byte(home.ResolveReference(to).String())
			}
		}
		return ast.WalkContinue, nil
	})
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, source, doc); err != nil {
		return HTML(body)
	}
	return string(lock.SanitizeBytes(b.Bytes()))
}

// without leaves one parser out.
func without(all []util.PrioritizedValue, one any) []util.PrioritizedValue {
	return slices.DeleteFunc(all, func(p util.PrioritizedValue) bool { return p.Value == one })
}

func sanitizer() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "hr",
		"h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").OnElements("ol")
	p.AllowStandardURLs()
	p.AllowAttrs("href").OnElements("a")
	p.RequireNoFollowOnLinks(true)
	return p
}

// lowerHeadings puts the headings of a body below those of the page around it, so that the outline of the page stays
// whole for people who walk it by headings.
type lowerHeadings struct{}

// Transform moves each heading down by three levels.
func (lowerHeadings) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	// Walk fails only when the walker does.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			h.Level = min(h.Level+3, 6)
		}
		return ast.WalkContinue, nil
	})
}
