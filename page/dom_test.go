package page

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// element is a piece of a served page, asked about as a reader or a screen reader would.
type element struct {
	t    testing.TB
	node *html.Node
}

// get reads a page of the site.
func (s *Site) get(t testing.TB, path string) (element, *httptest.ResponseRecorder) {
	t.Helper()
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return parsed(t, answer.Body.Bytes()), answer
}

func parsed(t testing.TB, page []byte) element {
	t.Helper()
	node, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return element{t, node}
}

// all finds the elements that match "tag", "#id", ".class" or "tag.class", in the order of the page.
func (e element) all(selector string) []element {
	name, class, byClass := strings.Cut(selector, ".")
	name, id, byID := strings.Cut(name, "#")
	var found []element
	for n := range e.node.Descendants() {
		o := element{e.t, n}
		switch {
		case n.Type != html.ElementNode, name != "" && n.Data != name, byID && o.attr("id") != id:
		case byClass && !slices.Contains(strings.Fields(o.attr("class")), class):
		default:
			found = append(found, o)
		}
	}
	return found
}

// one is the only element that matches.
func (e element) one(selector string) element {
	e.t.Helper()
	found := e.all(selector)
	if len(found) != 1 {
		e.t.Fatalf("got %d elements %s, want 1", len(found), selector)
	}
	return found[0]
}

func (e element) attr(name string) string {
	for _, a := range e.node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (e element) has(name string) bool {
	return slices.ContainsFunc(e.node.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// text is what is read aloud, with single spaces.
func (e element) text() string {
	var b strings.Builder
	for n := range e.node.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "title":
			b.WriteString(n.Data)
		case n.Type == html.ElementNode && !slices.Contains([]string{"span", "strong", "time", "a", "b", "em", "code", "s"}, n.Data):
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// texts are those of every element that matches.
func (e element) texts(selector string) []string {
	var texts []string
	for _, o := range e.all(selector) {
		texts = append(texts, o.text())
	}
	return texts
}

func (e element) reads(want string) {
	e.t.Helper()
	if got := e.text(); got != want {
		e.t.Errorf("got %q, want %q", got, want)
	}
}

func (e element) says(want string) {
	e.t.Helper()
	if got := e.text(); !strings.Contains(got, want) {
		e.t.Errorf("got %q, want it to say %q", got, want)
	}
}

func sameTexts(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
