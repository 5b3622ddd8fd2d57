package statuspage

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "renew the generated files")

func TestTheDescriptionIsCurrent(t *testing.T) {
	const name = "../docs/reference/statuspage.json"
	is, err := json.MarshalIndent(Describe(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	is = append(is, '\n')
	if *update {
		if err := os.WriteFile(name, is, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(name); err != nil || !bytes.Equal(was, is) {
		t.Errorf("%s is not what the program serves; renew it with go generate ./statuspage (%v)", name, err)
	}
}

func TestEachOperationIsDescribedWhole(t *testing.T) {
	ids := make(map[string]bool)
	for _, o := range routes() {
		if ids[o.id] || o.summary == "" || o.tag == "" || o.scope == "" || o.do == nil {
			t.Errorf("%s %s: got %+v, want an id of its own, a summary, a tag, a scope and a handler", o.method, o.path, o)
		}
		ids[o.id] = true
		if o.body == nil {
			continue
		}
		for field := range reflect.TypeOf(o.body).Fields() {
			_, refused := field.Tag.Lookup("cannot")
			if !refused && field.Tag.Get("doc") == "" {
				t.Errorf("%s: the field %s says neither what it means nor why it cannot be honoured", o.id, field.Name)
			}
			if name := field.Tag.Get("json"); name == "" || strings.Contains(name, ",") {
				t.Errorf("%s: the field %s has the json tag %q, want its name alone", o.id, field.Name, name)
			}
		}
	}
}

// TestEachBodyCanBeRead binds every field of every body from a value of the right kind, so that none has a type that
// bind does not know.
func TestEachBodyCanBeRead(t *testing.T) {
	for _, o := range routes() {
		if o.body == nil {
			continue
		}
		kind := reflect.TypeOf(o.body)
		for field := range kind.Fields() {
			into := reflect.New(kind)
			name := field.Tag.Get("json")
			var failed []string
			for _, value := range []any{"2027-01-15", json.Number("1"), true, []any{"a"}, fields{"a": "operational"}} {
				if _, refused := field.Tag.Lookup("cannot"); refused {
					value = ""
				}
				if err := bind(fields{name: value}, into.Interface()); err != nil {
					failed = append(failed, err.Error())
				}
			}
			if len(failed) == 5 {
				t.Errorf("%s: the field %s takes nothing: %s", o.id, name, failed[0])
			}
		}
	}
}

// TestEachExampleIsABodyThatIsRead binds the example of each body, and wants one for each operation that takes a body.
func TestEachExampleIsABodyThatIsRead(t *testing.T) {
	for _, o := range routes() {
		if o.body == nil {
			continue
		}
		text, err := json.Marshal(o.example())
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parseJSON(text)
		if err != nil || len(tree) == 0 {
			t.Errorf("%s: got the example %s (%v), want an object", o.id, text, err)
			continue
		}
		object, err := within(tree, o.wrapped)
		if err == nil {
			err = bind(object, reflect.New(reflect.TypeOf(o.body)).Interface())
		}
		if err != nil {
			t.Errorf("%s: the example %s is refused: %v", o.id, text, err)
		}
	}
}
