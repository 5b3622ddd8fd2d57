package web

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestTheFieldCommentsAreCurrent(t *testing.T) {
	table := map[string]string{}
	for _, name := range []string{"status", "api"} {
		noteComments(t, table, name)
	}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(table); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("comments.json", text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(commentsText, text.Bytes()) {
		t.Error("comments.json is not what the comments of status and api say; renew it with go generate ./web")
	}
}

// noteComments reads the comments of a package's types that travel: those with a field that has a name on the wire.
func noteComments(t *testing.T, table map[string]string, name string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files of %s and error %v, want some", len(files), name, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range d.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok {
					noteType(table, name+"."+spec.Name.Name, spec, d.Doc)
				}
			}
		}
	}
}

func noteType(table map[string]string, name string, spec *ast.TypeSpec, about *ast.CommentGroup) {
	shape, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	onWire := map[string]string{}
	for _, f := range shape.Fields.List {
		if wire := wireName(f); wire != "" {
			onWire[f.Names[0].Name] = wire
		}
	}
	if len(onWire) == 0 {
		return
	}
	if spec.Doc != nil {
		about = spec.Doc
	}
	if text := new(doc.Package).Synopsis(about.Text()); text != "" {
		table[name] = forCallers(text, nil)
	}
	// A comment that names the fields after it, as "Window is … and Announced …", is theirs too.
	comment := ""
	for _, f := range shape.Fields.List {
		own := f.Doc.Text()
		if own != "" {
			comment = own
		}
		if wire := wireName(f); wire != "" && (own != "" || word(f.Names[0].Name).MatchString(comment)) {
			if text := forCallers(comment, onWire); text != "" {
				table[name+"."+wire] = text
			}
		}
	}
}

// wireName is the field's name in JSON, or nothing where it does not travel.
func wireName(f *ast.Field) string {
	if f.Tag == nil || len(f.Names) != 1 {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func word(name string) *regexp.Regexp {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
}

var (
	sentence = regexp.MustCompile(`(?:[^.]|\.\S)+(?:\.|$)`)
	docLink  = regexp.MustCompile(`\[[\w.]+\]`)
	// A field's name, unless it stands in a quotation or a placeholder.
	goName = regexp.MustCompile(`"[^"]*"|\{\{.*?\}\}|\b[A-Z]\w*\b`)
)

// forCallers says of the wire what a comment says of Go. A sentence that refers to a Go name with a link is for those
// who read Go, and left out.
func forCallers(text string, onWire map[string]string) string {
	var kept []string
	for _, s := range sentence.FindAllString(strings.Join(strings.Fields(text), " "), -1) {
		if !docLink.MatchString(s) {
			kept = append(kept, strings.TrimSpace(s))
		}
	}
	return goName.ReplaceAllStringFunc(strings.Join(kept, " "), func(name string) string {
		if wire, ok := onWire[name]; ok {
			return "`" + wire + "`"
		}
		return name
	})
}

// Fields may be added to this list, with the reason why nothing can be said of them.
var undescribed = map[string]string{}

func TestEveryFieldOfTheDocumentIsDescribed(t *testing.T) {
	var tree struct {
		Components struct {
			Schemas map[string]struct {
				Description string
				Properties  map[string]struct{ Description string }
			}
		}
	}
	if err := json.Unmarshal(document(t), &tree); err != nil {
		t.Fatal(err)
	}
	for name, s := range tree.Components.Schemas {
		for field, p := range s.Properties {
			if p.Description == "" && undescribed[name+"."+field] == "" {
				t.Errorf("nothing describes %s.%s; give the field a doc comment and go generate ./web, or add words to web/describe_words.go", name, field)
			}
		}
	}
}
