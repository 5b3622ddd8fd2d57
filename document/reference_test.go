package document_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/document"
	"example.org/interlude/examples"
	"example.org/interlude/status"
)

//go:generate go test -run=^TestTheDocumentReferenceIsCurrent$ . -update

// TestTheDocumentReferenceIsCurrent compares docs/reference/documents.md with the keys that are read, with their types
// in package status, and with what reference_facts_test.go says of them.
func TestTheDocumentReferenceIsCurrent(t *testing.T) {
	name := filepath.Join("..", "docs", "reference", "documents.md")
	text := documentReference(t)
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s is not what the package reads; renew it with go generate ./document", name)
	}
}

func TestEachKeyOfTheReferenceIsReadAndEachThatIsReadIsInIt(t *testing.T) {
	for _, s := range sections {
		var told []string
		for _, f := range s.facts {
			told = append(told, f.key)
			if typeOf(s, f) == "" {
				t.Errorf("%s: %s has no type", s.title, f.key)
			}
		}
		if read := keysRead(t, s); !slices.Equal(told, read) {
			t.Errorf("%s: the reference has the keys\n%v, want those that are read,\n%v", s.title, told, read)
		}
	}
}

func TestTheReferenceSaysWhatIsRequired(t *testing.T) {
	for _, s := range sections {
		needed := func(f fact) bool { return f.standard == required }
		if err := readSection(s, needed); err != nil {
			t.Errorf("%s: with the required keys alone: %v", s.title, err)
		}
		if err := readSection(s, func(f fact) bool { return !f.alone }); err != nil {
			t.Errorf("%s: with every key: %v", s.title, err)
		}
		for _, f := range s.facts {
			if err := readSection(s, func(o fact) bool { return needed(o) && o.key != f.key }); needed(f) && err == nil {
				t.Errorf("%s: %s is called required, and is not missed", s.title, f.key)
			}
		}
	}
}

// readSection reads a document in which the section has those keys that are wanted, with their samples.
func readSection(s section, wanted func(fact) bool) error {
	var pairs []string
	for _, f := range s.facts {
		if wanted(f) {
			pairs = append(pairs, f.key+": "+f.sample)
		}
	}
	_, err := document.Read(strings.NewReader(fmt.Sprintf(s.within, "{"+strings.Join(pairs, ", ")+"}")), "sample.yaml")
	return err
}

var keysListed = regexp.MustCompile(`unknown key "qqqq"; .* has the keys (.*)`)

// keysRead asks the reader for the keys of the section, which it lists when it is given one that no document has.
func keysRead(t *testing.T, s section) []string {
	t.Helper()
	pairs := "qqqq: 1"
	for _, f := range s.facts {
		if f.standard == required {
			pairs += ", " + f.key + ": " + f.sample
		}
	}
	_, err := document.Read(strings.NewReader(fmt.Sprintf(s.within, "{"+pairs+"}")), "sample.yaml")
	if err == nil {
		t.Fatalf("%s: a key that no document has is not refused", s.title)
	}
	found := keysListed.FindStringSubmatch(err.Error())
	if found == nil {
		t.Fatalf("%s: the keys are not listed by: %v", s.title, err)
	}
	return strings.Split(found[1], ", ")
}

// typeOf says what a key takes, from its Go type unless the fact says it itself.
func typeOf(s section, f fact) string {
	if f.takes != "" {
		return f.takes
	}
	for field := range reflect.TypeOf(s.of).Fields() {
		if field.Tag.Get("yaml") == f.key {
			return typeWords(field.Type)
		}
	}
	return ""
}

var wordsOfTypes = map[reflect.Type]string{
	reflect.TypeFor[string]():                      "text",
	reflect.TypeFor[bool]():                        "`true` or `false`",
	reflect.TypeFor[time.Time]():                   "time",
	reflect.TypeFor[status.Duration]():             "duration",
	reflect.TypeFor[status.Date]():                 "day",
	reflect.TypeFor[status.Mode]():                 oneOf(status.Automatic, status.Manual),
	reflect.TypeFor[status.Condition]():            oneOf(status.Conditions...),
	reflect.TypeFor[status.Experience]():           oneOf(status.Experiences...),
	reflect.TypeFor[status.PageFields]():           "[mapping](#page)",
	reflect.TypeFor[status.Window]():               "[mapping](#window)",
	reflect.TypeFor[*status.Recurrence]():          "[mapping](#recurrence)",
	reflect.TypeFor[status.Blackout]():             "[mappings](#a-blackout)",
	reflect.TypeFor[status.ComponentNode]():        "[components and groups](#a-component)",
	reflect.TypeFor[status.Promise]():              "[mappings](#a-promise)",
	reflect.TypeFor[status.UpdateDocument]():       "[mappings](#an-update)",
	reflect.TypeFor[map[string]status.Condition](): "mapping from component to status",
}

func typeWords(of reflect.Type) string {
	if words := wordsOfTypes[of]; words != "" {
		return words
	}
	if of.Kind() == reflect.Slice {
		element := typeWords(of.Elem())
		if element == "" || strings.HasPrefix(element, "[") {
			return "list of " + element
		}
		return "list of " + element + "s"
	}
	return ""
}

// oneOf lists words as a choice.
func oneOf[T ~string](words ...T) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = "`" + string(w) + "`"
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// documentReference is the whole page.
func documentReference(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(referenceIntro)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s %s\n\n%s\n\n| key | takes | default | meaning |\n|---|---|---|---|\n", s.level, s.title, s.about)
		for _, f := range s.facts {
			standard := f.standard
			if standard == required {
				standard = "**required**"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.key, typeOf(s, f), standard, f.means)
		}
		for _, name := range s.examples {
			text, err := examples.FS.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "\n```yaml\n# examples/%s\n%s```\n", name, strings.TrimPrefix(string(text), "# examples/"+name+"\n"))
		}
	}
	writePlaceholders(t, &b)
	return b.String()
}

// writePlaceholders lists what texts may ask for, with the values that the example gives.
func writePlaceholders(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString(placeholderIntro)
	var book status.Book
	ids := 0
	book.NewID = func() string { ids++; return fmt.Sprint("id", ids) }
	var documents []status.Document
	for _, name := range []string{"page.yaml", "maintenance.yaml"} {
		f, err := examples.FS.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		read, err := document.Read(f, name)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, read...)
	}
	if _, _, err := book.Apply(documents, documents[1].Maintenance.Window.Start.Add(-7*24*time.Hour), status.Actor{Kind: status.Person}); err != nil {
		t.Fatal(err)
	}
	values := reflect.ValueOf(status.PlaceholdersOf(book.Maintenances[0], book.Page, book.Groups, book.Components))
	for field, value := range values.Fields() {
		fmt.Fprintf(b, "| `{{ .%s }}` | %s |\n", field.Name, value.String())
	}
}
