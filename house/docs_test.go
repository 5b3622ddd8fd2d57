package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shortestEssay is how many lines of text a package's comment has at least: what it is, what to use first,
// what it promises.
const shortestEssay = 3

func TestPackagesAreExplained(t *testing.T) {
	for _, p := range packages(t) {
		name, begins := path.Base(p.path()), "Package "+path.Base(p.path())
		if p.Name == "main" {
			name, begins = "main", "Command "+path.Base(p.path())
		}
		doors := []string{"doc.go", name + ".go"}
		if len(p.outsideTests()) == 0 {
			doors = []string{"doc_test.go", name + "_test.go"}
		}
		essay := strings.TrimSpace(packageComment(t, p.Dir, doors))
		switch lines := 1 + strings.Count(strings.ReplaceAll(essay, "\n\n", "\n"), "\n"); {
		case essay == "":
			t.Errorf("%s: no package comment in %s; begin it with %q", p.path(), strings.Join(doors, " or "), begins)
		case !strings.HasPrefix(essay, begins+" "):
			t.Errorf("%s: the package comment begins %q, want %q", p.path(), firstWords(essay, 2), begins)
		case lines < shortestEssay:
			t.Errorf("%s: the package comment has %d lines, want at least %d: what it is, what to use first, what it promises",
				p.path(), lines, shortestEssay)
		}
	}
}

// packageComment gives the comment above the package clause in the first of files that has one.
func packageComment(t *testing.T, dir string, files []string) string {
	t.Helper()
	for _, base := range files {
		name := filepath.Join(dir, base)
		if _, err := os.Stat(name); err != nil {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if text := file.Doc.Text(); text != "" {
			return text
		}
	}
	return ""
}

func exportedNamesAreExplained(s source, report report) {
	for _, decl := range s.file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Name.IsExported() && receiverIsExported(decl) {
				explained(decl.Name, decl.Doc, report)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				specIsExplained(decl, spec, report)
			}
		}
	}
}

// specIsExplained wants a comment on each type, and on each constant or variable unless its group has one.
func specIsExplained(decl *ast.GenDecl, spec ast.Spec, report report) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() {
			comment := spec.Doc
			if !decl.Lparen.IsValid() {
				comment = decl.Doc
			}
			explained(spec.Name, comment, report)
		}
	case *ast.ValueSpec:
		grouped := decl.Lparen.IsValid()
		if grouped && decl.Doc.Text() != "" {
			return
		}
		comment := spec.Doc
		if !grouped {
			comment = decl.Doc
		}
		if i := slices.IndexFunc(spec.Names, (*ast.Ident).IsExported); i >= 0 {
			explained(spec.Names[i], comment, report)
		}
	}
}

// explained wants a comment that begins with the name.
func explained(name *ast.Ident, comment *ast.CommentGroup, report report) {
	text := comment.Text()
	switch {
	case text == "":
		report(name.Pos(), "%s has no doc comment; say what it is, beginning with %q", name.Name, name.Name)
	case firstWords(text, 1) != name.Name:
		report(name.Pos(), "the doc comment of %s begins %q, want %q", name.Name, firstWords(text, 1), name.Name)
	}
}

// receiverIsExported tells whether a function is none, or a method of an exported type.
func receiverIsExported(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// firstWords gives the first n words of a text, without a mark that follows the last.
func firstWords(text string, n int) string {
	fields := strings.Fields(text)
	return strings.TrimRight(strings.Join(fields[:min(n, len(fields))], " "), ",:;.'’")
}

func TestFirstWordsDropsMarks(t *testing.T) {
	if got, want := firstWords("Window, announced", 1), "Window"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
