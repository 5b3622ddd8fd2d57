package document_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/document"
	"example.org/interlude/status"
)

type shelf struct {
	Name    string          `yaml:"name"`
	Open    bool            `yaml:"open"`
	Wide    *bool           `yaml:"wide"`
	Boards  int             `yaml:"boards"`
	Slope   float64         `yaml:"slope"`
	For     status.Duration `yaml:"for"`
	Books   []book          `yaml:"books"`
	Corners map[string]book `yaml:"corners"`
	Inside  *shelf          `yaml:"inside"`
	Hidden  int
}

type book struct {
	Title string   `yaml:"title"`
	Pages int      `yaml:"pages"`
	Tags  []string `yaml:"tags"`
	Then  []book   `yaml:"then"`
}

// UnmarshalText reads a book of which only the title is said.
func (b *book) UnmarshalText(text []byte) error {
	if string(text) == "untitled" {
		return errors.New("must have a title")
	}
	b.Title = string(text)
	return nil
}

func TestSettingsAreFilledIn(t *testing.T) {
	const text = `# a comment
name: 2027
open: yes
wide: no
boards: 3
slope: 0.5
for: 90s
books:
  - title: First
    pages: 10
    tags: one
    then: {title: Second, then: Third}
  - Fourth
corners:
  top.left: Fifth
  right: {title: Sixth, tags: [a, b]}
inside: {boards: 1}
`
	no := false
	want := shelf{
		Name: "2027", Open: true, Wide: &no, Boards: 3, Slope: .5, For: status.Duration(90e9),
		Books: []book{
			{Title: "First", Pages: 10, Tags: []string{"one"}, Then: []book{{Title: "Second", Then: []book{{Title: "Third"}}}}},
			{Title: "Fourth"},
		},
		Corners: map[string]book{"top.left": {Title: "Fifth"}, "right": {Title: "Sixth", Tags: []string{"a", "b"}}},
		Inside:  &shelf{Boards: 1},
	}
	var got shelf
	if err := document.Fill([]byte(text), "shelf.yaml", &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was read is not what was written (-want +got):\n%s", diff)
	}
}

func TestWhatSettingsDoNotSayStaysAsItWas(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "open:\nboards:\nbooks: []\n"} {
		got := shelf{Boards: 4, Open: true}
		if err := document.Fill([]byte(text), "shelf.yaml", &got); err != nil {
			t.Fatal(err)
		}
		if got.Boards != 4 || !got.Open {
			t.Errorf("%q: got %+v, want the defaults kept", text, got)
		}
	}
}

func TestSettingsAreReadStrictly(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a key with a typo":           {"naem: x\n", `shelf.yaml:1:1: unknown key "naem"; did you mean "name"?`},
		"a key far below":             {"books:\n  - then:\n      - {titel: x}\n", `shelf.yaml:3:10: unknown key "titel"; did you mean "title"?`},
		"a key that is none":          {"books: [{colour: red}]\n", `shelf.yaml:1:10: unknown key "colour"; books[0] has the keys title, pages, tags, then`},
		"a field without a key":       {"Hidden: 1\n", `unknown key "Hidden"`},
		"a key twice":                 {"name: a\nname: b\n", `shelf.yaml:2:1: duplicate key "name"`},
		"a word for a number":         {"boards: three\n", `shelf.yaml:1:9: boards must be a whole number, not "three"`},
		"a decimal for a number":      {"boards: 1.5\n", `boards must be a whole number, not "1.5"`},
		"a list for a number":         {"boards: [1]\n", `boards must be a whole number, not a list`},
		"a number that is too large":  {"boards: 99999999999999999999\n", `boards must be a whole number`},
		"no number":                   {"slope: .nan\n", `slope must be a number`},
		"a word for a flag":           {"open: maybe\n", `shelf.yaml:1:7: open must be true or false, not "maybe"`},
		"a mapping for a text":        {"name: {a: b}\n", `shelf.yaml:1:7: name must be a text, not a mapping`},
		"a list for a word":           {"for: [1s]\n", `for must be one word or number, not a list`},
		"a duration without unit":     {"inside:\n  for: 30\n", `shelf.yaml:2:8: inside.for must be a duration such as 90s, 5m, 48h or 2d, not "30"`},
		"a word that is refused":      {"books: untitled\n", `shelf.yaml:1:8: books[0] must have a title`},
		"an element that is empty":    {"books:\n  - a\n  -\n", `books[1] is empty`},
		"a list for names":            {"corners: [a]\n", `corners must be a mapping of names, not a list`},
		"a text for the whole file":   {"shelf\n", `must be a mapping with the keys name, open, wide`},
		"a second document":           {"name: a\n---\nname: b\n", `begins a second document`},
		"what is no YAML":             {"name: 'a\n", `the quotes are not closed`},
		"several faults, all at once": {"boards: x\nopen: y-e-s\n", `shelf.yaml:2:7: open must be true or false`},
	} {
		t.Run(name, func(t *testing.T) {
			err := document.Fill([]byte(c.text), "shelf.yaml", new(shelf))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestAPlaceInAListOfOneIsFoundWithoutTheList(t *testing.T) {
	line, column, ok := document.Position([]byte("books:\n  title: x\n  pages: 3\n"), 0, "books[0].pages")
	if !ok || line != 3 || column != 10 {
		t.Errorf("got %d:%d, want 3:10", line, column)
	}
}

func TestAColonInATextEndsNoKey(t *testing.T) {
	for text, want := range map[string][]string{
		"inside: {books: [http://127.0.0.1:8080]}":                          {"http://127.0.0.1:8080"},
		"inside: {books: [http://a:1/b:2, unix:/run/a.sock], boards: 2}":    {"http://a:1/b:2", "unix:/run/a.sock"},
		"{inside: {books: ['a:1', b, h2c://c:0x1F, 10:30]}}":                {"a:1", "b", "h2c://c:0x1F", "10:30"},
		"inside: {books: [{title: a, tags: [x:1]}, http://b:1], boards: 1}": {"a", "http://b:1"},
		"books: [http://127.0.0.1:8080]":                                    {"http://127.0.0.1:8080"},
	} {
		var got shelf
		if err := document.Fill([]byte(text), "shelf.yaml", &got); err != nil {
			t.Errorf("%s: got %v, want it read", text, err)
			continue
		}
		if got.Inside != nil {
			got = *got.Inside
		}
		var titles []string
		for _, b := range got.Books {
			titles = append(titles, b.Title)
		}
		if diff := cmp.Diff(want, titles); diff != "" {
			t.Errorf("%s is not what was written (-want +got):\n%s", text, diff)
		}
	}
	err := document.Fill([]byte("inside: {books: [title: a]}"), "shelf.yaml", new(shelf))
	if err != nil {
		t.Errorf("got %v, want a key with a space behind its colon to stay a key", err)
	}
}

func TestASectionIsReadAsStrictlyAsAFile(t *testing.T) {
	text := "title: T\nwindow: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}\nrunbook:\n  stepz: []\n---\ntitle: U\nrunbook: {steps: [a, b]}\n"
	var into struct {
		Steps []string `yaml:"steps"`
	}
	if _, err := document.FillPart([]byte(text), "m.yaml", 0, "runbook", &into); err == nil || !strings.Contains(err.Error(), `m.yaml:4:3: unknown key "stepz"; did you mean "steps"?`) {
		t.Errorf("got %v, want the key refused in its line", err)
	}
	if found, err := document.FillPart([]byte(text), "m.yaml", 1, "runbook", &into); !found || err != nil || len(into.Steps) != 2 {
		t.Errorf("got %t, %v and %v, want the steps of the second document", found, err, into.Steps)
	}
	if found, err := document.FillPart([]byte(text), "m.yaml", 1, "other", &into); found || err != nil {
		t.Errorf("got %t and %v for a section that is not there, want neither", found, err)
	}
}
