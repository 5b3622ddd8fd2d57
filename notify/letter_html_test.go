package notify

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"example.org/interlude/mail"
)

// nodes are the elements of a document of some kinds, or all.
func nodes(root *html.Node, kinds ...atom.Atom) []*html.Node {
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (len(kinds) == 0 || slices.Contains(kinds, n.DataAtom)) {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// parsed is the HTML of a mail, held to what every mail keeps: one heading of the first rank, a language, nothing that runs or is
// loaded from elsewhere, and tables that are either for the eye alone or have headings.
func parsed(t testing.TB, name, document string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(nodes(root, atom.H1)); got != 1 {
		t.Errorf("%s: got %d headings of the first rank, want 1", name, got)
	}
	if got := attribute(nodes(root, atom.Html)[0], "lang"); got != "en" {
		t.Errorf("%s: got the language %q, want en", name, got)
	}
	known := []atom.Atom{
		atom.Html, atom.Head, atom.Meta, atom.Title, atom.Style, atom.Body, atom.Div, atom.Table, atom.Thead, atom.Tbody, atom.Tr, atom.Th, atom.Td,
		atom.H1, atom.H2, atom.H4, atom.H5, atom.H6, atom.P, atom.Br, atom.Ul, atom.Ol, atom.Li, atom.A, atom.B, atom.Strong, atom.Em, atom.Code,
		atom.Pre, atom.Del, atom.Blockquote, atom.Hr,
	}
	for _, n := range nodes(root) {
		if !slices.Contains(known, n.DataAtom) {
			t.Errorf("%s: got an element %s, want none that loads, runs or asks for anything", name, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"src", "srcset", "background", "action"}, a.Key) || strings.Contains(a.Val, "url(") {
				t.Errorf("%s: got %s=%q on %s", name, a.Key, a.Val, n.Data)
			}
		}
		if n.DataAtom == atom.Table && attribute(n, "role") != "presentation" && len(nodes(n, atom.Th)) == 0 {
			t.Errorf("%s: got a table without headings", name)
		}
	}
	for _, a := range nodes(root, atom.A) {
		if u, err := url.Parse(attribute(a, "href")); err != nil || u.Scheme != "https" && u.Scheme != "mailto" {
			t.Errorf("%s: got a link to %q", name, attribute(a, "href"))
		}
	}
	if sheet := words(nodes(root, atom.Style)[0]); strings.Contains(sheet, "url(") || strings.Contains(sheet, "@import") {
		t.Errorf("%s: got a style sheet that loads something:\n%s", name, sheet)
	}
	return root
}

func TestEveryMailIsPlainForEveryReader(t *testing.T) {
	for name, n := range everything(t) {
		root := parsed(t, name, open(t, sent(t, writer, n, recipient(n))).HTML)
		said := word(n, "Europe/Berlin")
		if got := words(nodes(root, atom.H1)[0]); got != said.Headline {
			t.Errorf("%s: got the heading %q, want %q", name, got, said.Headline)
		}
		text := words(nodes(root, atom.Body)[0])
		for _, want := range append([]string{said.Title, said.Affected}, said.Report) {
			if !strings.Contains(text+attributes(root), want) {
				t.Errorf("%s: got no %q in %q", name, want, text)
			}
		}
	}
}

// attributes are the addresses that a document links to.
func attributes(root *html.Node) string {
	var b strings.Builder
	for _, a := range nodes(root, atom.A) {
		b.WriteString(" " + attribute(a, "href"))
	}
	return b.String()
}

func TestTwoWindowsStandSideBySideUnderTheirNames(t *testing.T) {
	root := parsed(t, "changed", open(t, sent(t, writer, story(t)[1], recipient(story(t)[1]))).HTML)
	var table *html.Node
	for _, n := range nodes(root, atom.Table) {
		if attribute(n, "role") == "" {
			table = n
		}
	}
	var got []string
	for _, n := range nodes(table, atom.Th, atom.Td) {
		got = append(got, fmt.Sprint(n.Data, " ", attribute(n, "scope"), ": ", words(n)))
	}
	want := []string{
		"th col: Was", "th col: Is",
		"th rowgroup: Europe/Berlin (your time)", "td : Fri, Jan 15, 2027, 07:00 to 08:00 CET", "td : Sat, Jan 16, 2027, 03:00 to 05:00 CET",
		"th rowgroup: America/New_York", "td : Fri, Jan 15, 2027, 01:00 to 02:00 EST", "td : Fri, Jan 15, 2027, 21:00 to 23:00 EST",
		"th rowgroup: UTC", "td : Fri, Jan 15, 2027, 06:00 to 07:00 UTC", "td : Sat, Jan 16, 2027, 02:00 to 04:00 UTC",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the cells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// hostile are texts that somebody might write to make a message say something else.
var hostile = map[string]string{
	"a header":       "Maintenance\r\nBcc: everybody@example.com\r\n\r\nGone",
	"a script":       `<script>alert(1)</script><img src="https://example.com/x.png" onerror="alert(1)">`,
	"slots":          "All " + mail.Slot(0) + mail.Slot(slotLeave) + mail.Slot(63) + " slots",
	"very much":      strings.Repeat("maintenance ", 834),
	"one long word":  strings.Repeat("x", 10_000),
	"right to left":  "צyear תחזוקה \u202emoor \u2066gnop\u2069 \u200fשרת",
	"emoji":          "👩‍👩‍👧‍👦 Datenbank 🚧 größer",
	"a mention":      "<!channel> <@U123> @everyone <at>Ada</at> [x](javascript:alert(1)) `",
	"no text at all": "\x00\x07\xff\xfe\u2028\ufeff",
	"a boundary":     "--=_0\r\n--=_mixed--\r\n.\r\n",
}

// vandalised is a notice in which everything that a person writes is the same text.
func vandalised(t testing.TB, text string) *Notice {
	n := *story(t)[1]
	m := *n.Maintenance
	m.Title, m.Summary, m.Promises = text, text, slices.Clone(m.Promises)
	m.Updates = slices.Clone(m.Updates)
	for i := range m.Promises {
		m.Promises[i].Audience = text
	}
	for i := range m.Updates {
		m.Updates[i].Body = text
	}
	n.Maintenance, n.Page.Name, n.Components, n.Groups = &m, text, slices.Clone(n.Components), slices.Clone(n.Groups)
	for i := range n.Components {
		n.Components[i].Name = text
	}
	for i := range n.Groups {
		n.Groups[i].Name = text
	}
	return &n
}

func TestHostileTextsStayTexts(t *testing.T) {
	plain := open(t, sent(t, writer, story(t)[1], recipient(story(t)[1])))
	for name, text := range hostile {
		message := sent(t, writer, vandalised(t, text), recipient(story(t)[1]))
		r := open(t, message)
		asked(t, message)
		if len(r.Header) != len(plain.Header) || !slices.Equal(r.Shape, plain.Shape) {
			t.Errorf("%s: got %d headers and the parts %v, want %d and %v", name, len(r.Header), r.Shape, len(plain.Header), plain.Shape)
		}
		root := parsed(t, name, r.HTML)
		for _, a := range nodes(root, atom.A) {
			if to := attribute(a, "href"); !strings.HasPrefix(to, "https://status.northwind.example/") && to != "mailto:everybody@example.com" {
				t.Errorf("%s: got a link to %q", name, to)
			}
		}
		for _, addressed := range []string{r.Text, words(root)} {
			if got := strings.Count(addressed, reader.Address); got != 1 {
				t.Errorf("%s: got the address %d times, want it where it belongs alone", name, got)
			}
		}
		if strings.ContainsAny(r.Text+r.HTML, "\x00\x07") || strings.ContainsAny(r.Header["Subject"], "\x00\x07\u200f\u202e\u2066\u2069") {
			t.Errorf("%s: got control characters in %q", name, r.Header["Subject"])
		}
	}
}
