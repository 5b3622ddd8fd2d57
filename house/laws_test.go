package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// Sizes, in lines. A long file hides that it has two subjects; a long function hides its story.
const (
	longestFile     = 500
	longestFunc     = 60
	longestTestFunc = 100
	longestMain     = 10
	mostMethods     = 5
)

// A law is something that every Go file, or every file of some packages, has to be.
type law struct {
	name  string
	binds func(source) bool
	check func(source, report)

	// A file of package examined that breaks the law, so that the law itself is tested.
	broken string
}

// report tells of one breach: where, what is wrong and what would be right.
type report func(pos token.Pos, format string, args ...any)

var laws = []law{
	{
		name: "a file is short", binds: everywhere, check: fileIsShort,
		broken: "package examined\n" + strings.Repeat("\n", longestFile),
	},
	{
		name: "a function is short", binds: everywhere, check: functionsAreShort,
		broken: "package examined\nfunc f() {" + strings.Repeat("\n", longestTestFunc) + "}\n",
	},
	{
		name: "main only starts the program", binds: everywhere, check: mainIsShort,
		broken: "package main\nfunc main() {" + strings.Repeat("\n", longestMain) + "}\n",
	},
	{
		name: "exported names are explained", binds: outsideTests, check: exportedNamesAreExplained,
		broken: "package examined\n// This is a thing.\ntype Thing struct{}\n",
	},
	{
		name: "interfaces are small", binds: everywhere, check: interfacesAreSmall,
		broken: "package examined\ntype all interface { A(); B(); C(); D(); E(); F() }\n",
	},
	{
		name: "words do not read the clock or the environment", binds: inWords, check: wordsArePure,
		broken: "package examined\nimport \"time\"\nvar now = time.Now\n",
	},
	{
		name: "words do no input or output", binds: inWords, check: wordsDoNoIO,
		broken: "package examined\nimport _ \"database/sql\"\n",
	},
	{
		name: "contexts are handed down", binds: outsideCommands, check: contextsAreHandedDown,
		broken: "package examined\nimport \"context\"\nvar ctx = context.Background()\n",
	},
	{
		name: "tests wait for events, never sleep", binds: inTests, check: testsDoNotSleep,
		broken: "package examined\nimport \"time\"\nfunc f() { time.Sleep(1) }\n",
	},
	{
		name: "nothing is left for later in a comment", binds: everywhere, check: nothingIsLeftForLater,
		broken: "package examined\n// " + unfinished[0] + ": more\n",
	},
}

func everywhere(source) bool        { return true }
func outsideTests(s source) bool    { return !s.test }
func inTests(s source) bool         { return s.test }
func inWords(s source) bool         { return s.room.ring == words && !s.test }
func outsideCommands(s source) bool { return !s.test && !strings.HasPrefix(s.room.path, "cmd/") }

func TestLaws(t *testing.T) {
	all := sources(t)
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			for _, s := range all {
				if law.binds(s) {
					law.check(s, func(pos token.Pos, format string, args ...any) {
						t.Errorf("%s:%d: %s", s.name, s.line(pos), fmt.Sprintf(format, args...))
					})
				}
			}
		})
	}
}

func TestLawsFindWhatBreaksThem(t *testing.T) {
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			s, err := parse(room{path: "examined", ring: words}, "examined/examined.go", []byte(law.broken))
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			law.check(s, func(token.Pos, string, ...any) { found++ })
			if found != 1 {
				t.Errorf("got %d reports, want 1, for:\n%s", found, law.broken)
			}
		})
	}
}

func fileIsShort(s source, report report) {
	if s.lines > longestFile {
		report(s.file.Package, "the file has %d lines, at most %d are allowed; one file for each idea", s.lines, longestFile)
	}
}

func functionsAreShort(s source, report report) {
	longest := longestFunc
	if s.test {
		longest = longestTestFunc
	}
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > longest {
			report(f.Pos(), "%s has %d lines, at most %d are allowed; give its parts names", f.Name.Name, n, longest)
		}
	}
}

func mainIsShort(s source, report report) {
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || s.file.Name.Name != "main" || f.Name.Name != "main" || f.Recv != nil {
			continue
		}
		if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > longestMain {
			report(f.Pos(), "main has %d lines, at most %d are allowed; the program is run(ctx, args, …), which tests can call",
				n, longestMain)
		}
	}
}

func interfacesAreSmall(s source, report report) {
	ast.Inspect(s.file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		face, ok := spec.Type.(*ast.InterfaceType)
		if !ok {
			return true
		}
		n, isConstraint := countMethods(face)
		if !isConstraint && (n < 1 || n > mostMethods) {
			report(spec.Pos(), "interface %s has %d methods, one to %d are allowed; ask for what the caller here calls, no more",
				spec.Name.Name, n, mostMethods)
		}
		return true
	})
}

// countMethods counts the methods that an interface lists, an embedded interface of the same file with its own
// and one of elsewhere as one. It says too whether the interface is a constraint on type parameters.
func countMethods(face *ast.InterfaceType) (n int, isConstraint bool) {
	for _, field := range face.Methods.List {
		switch typ := field.Type.(type) {
		case *ast.FuncType:
			n += len(field.Names)
		case *ast.Ident:
			inner := embedded(typ)
			if inner == nil {
				n++
				continue
			}
			more, constraint := countMethods(inner)
			n, isConstraint = n+more, isConstraint || constraint
		case *ast.UnaryExpr, *ast.BinaryExpr:
			isConstraint = true
		default:
			n++
		}
	}
	return n, isConstraint
}

// embedded gives the interface that a name in the same file stands for, or nil.
func embedded(name *ast.Ident) *ast.InterfaceType {
	if name.Obj == nil {
		return nil
	}
	spec, ok := name.Obj.Decl.(*ast.TypeSpec)
	if !ok {
		return nil
	}
	face, _ := spec.Type.(*ast.InterfaceType)
	return face
}

// unfinished holds the marks of work put off, written so that this file does not hold them.
var unfinished = []string{"TO" + "DO", "FIX" + "ME"}

func nothingIsLeftForLater(s source, report report) {
	for _, group := range s.file.Comments {
		for _, comment := range group.List {
			for _, mark := range unfinished {
				if strings.Contains(comment.Text, mark) {
					report(comment.Pos(), "a comment says %s; do it now, or write an issue and say in the comment what holds today", mark)
				}
			}
		}
	}
}
