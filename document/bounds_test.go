package document_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/document"
	"example.org/interlude/examples"
)

// TestWhatIsTooMuchIsRefusedSoon reads inputs that take a parser without bounds minutes or all memory.
func TestWhatIsTooMuchIsRefusedSoon(t *testing.T) {
	const size = document.MaxSize / 4
	fill := func(before, part, after string) string {
		return before + strings.Repeat(part, size/len(part)) + after
	}
	for name, test := range map[string]struct{ text, want string }{
		"size":         {strings.Repeat("# much\n", document.MaxSize/6), "too large"},
		"brackets":     {fill("a: ", "[", ""), "nested more than"},
		"braces":       {fill("", "{a: ", ""), "nested more than"},
		"dashes":       {fill("", "- ", ""), "nested more than"},
		"question":     {fill("", "? ", ""), "not understood"},
		"keys":         {fill("", "a: b\n", ""), "more than 1000 keys"},
		"keys in line": {fill("", "a: ", ""), "nested more than"},
		"elements":     {fill("", "-\n", ""), "too many values"},
		"flow":         {fill("a: [", "a,", "]"), "too many values"},
		"long paths":   {fill(strings.Repeat("a", size)+": [", "a,", "]"), "too long keys"},
		"anchors":      {fill("a: ", "&a ", ""), "anchors"},
		"aliases":      {fill("a: [", "*a, ", "]"), "anchors"},
		"tags":         {fill("a: ", "!a ", ""), "the tag"},
		"empty lines":  {fill("a: |\n", "\n", "  b\n"), "empty lines"},
		"blank lines":  {fill("a: >\n", "  \r", "  b\n"), "empty lines"},
		"nothing":      {"\n\n", "is empty"},
		"NUL":          {"title: a\x00b\n", "U+0000"},
		"escape":       {"title: \x1b[31mred\n", "U+001B"},
		"UTF-16":       {"\xff\xfet\x00i\x00", "UTF-16"},
		"Latin-1":      {"title: caf\xe9\n", "not UTF-8"},
		"an image":     {"\x89PNG\r\n\x1a\n", "not UTF-8"},
		"surrogates":   {`title: "\ud800"` + "\n", ""},
	} {
		_, err := document.Read(strings.NewReader(test.text), name)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		}
		var place *document.Error
		if !errors.As(err, &place) {
			t.Errorf("%s: got %T, want a *document.Error", name, err)
		}
	}
}

func TestLargeDocumentsAreRead(t *testing.T) {
	var page, past strings.Builder
	page.WriteString("page: {name: Large}\ncomponents:\n")
	for range 100 {
		page.WriteString("  - group: G" + strings.Repeat("x", page.Len()%97) + "\n    components: [A, B, C, D, E]\n")
	}
	for range 2000 {
		past.WriteString("---\ntitle: Past\nwindow: {start: 2020-01-15T06:00:00Z, end: 2020-01-15T07:00:00Z}\nupdates:\n" +
			"  - {status: completed, at: 2020-01-15T07:14:00Z, body: Done.}\n")
	}
	if found, err := document.Read(strings.NewReader(past.String()), "past.yaml"); err != nil || len(found) != 2000 {
		t.Errorf("got %d documents, %v, want 2000", len(found), err)
	}
	if _, err := document.Read(strings.NewReader(page.String()), "page.yaml"); err != nil && strings.Contains(err.Error(), "too many") {
		t.Errorf("got %v, want a page", err)
	}
}

func TestAReaderThatFailsIsNotADocumentsFault(t *testing.T) {
	_, err := document.Read(iotest.ErrReader(fs.ErrPermission), "m.yaml")
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "m.yaml") {
		t.Errorf("got %v, want the reader's error with the name", err)
	}
}

func FuzzRead(f *testing.F) {
	files, err := fs.Glob(examples.FS, "*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(examples.FS, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(two))
	f.Add([]byte("title: x\nupdates:\n- {status: resolved, at: 2020-01-01T00:00:00Z, components: {}}\n"))
	f.Add([]byte("a: &a [*a]\n<<: {b: |\n  c}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := document.Read(bytes.NewReader(data), "f.yaml")
		if err != nil {
			checkPlace(t, data, err)
			return
		}
		for _, d := range found {
			got, text := again(t, d)
			got.Source = d.Source
			if diff := cmp.Diff(d, got); diff != "" {
				t.Errorf("the document differs when it is written and read (-want +got):\n%s\n%s", diff, text)
			}
		}
	})
}

// checkPlace fails when the error, or one of those that are joined in it, lies outside of the input.
func checkPlace(t *testing.T, data []byte, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			checkPlace(t, data, one)
		}
		return
	}
	var place *document.Error
	if !errors.As(err, &place) {
		if !strings.Contains(err.Error(), "more") {
			t.Errorf("got %T, want a *document.Error", err)
		}
		return
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	if place.Line < 1 || place.Line > len(lines) {
		t.Fatalf("got line %d of %d: %v", place.Line, len(lines), err)
	}
	if most := utf8.RuneCountInString(lines[place.Line-1]) + 1; place.Column < 1 || place.Column > most {
		t.Errorf("got column %d of %d: %v", place.Column, most, err)
	}
	if place.Rule == "" || !utf8.ValidString(err.Error()) {
		t.Errorf("got %q, want a rule in UTF-8", err)
	}
}
