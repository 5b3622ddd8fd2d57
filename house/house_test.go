// Package house holds the laws of the repository: what DESIGN and STYLE ask of every package, as tests.
//
// Read plan first, in plan_test.go: it names each package, its ring, and what it may import. Then laws, in
// laws_test.go: what each Go file must be. The other files look after modules, documents and links.
//
// A failure says where, what is wrong and what would be right. A law that turns out wrong is changed here,
// in the open, with the code that needs it; there is no comment by which a file exempts itself. Generated
// files are exempt by being generated.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// module is the path of the repository's own module.
const module = "example.org/interlude"

// root is the repository as seen from this package's directory.
const root = ".."

// A pkg is a package of the repository as `go list` tells of it.
type pkg struct {
	ImportPath   string
	Dir          string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string

	GoFiles, CgoFiles, IgnoredGoFiles []string
	TestGoFiles, XTestGoFiles         []string
}

// path is the package's place in the repository: "status", "cmd/interlude", or "" for the root.
func (p pkg) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// outsideTests holds the files that are compiled, on some system, into a program.
func (p pkg) outsideTests() []string {
	var files []string
	for _, list := range [][]string{p.GoFiles, p.CgoFiles, p.IgnoredGoFiles} {
		for _, name := range list {
			if !strings.HasSuffix(name, "_test.go") {
				files = append(files, name)
			}
		}
	}
	return files
}

// inTests holds the files that only `go test` compiles.
func (p pkg) inTests() []string {
	files := append(append([]string(nil), p.TestGoFiles...), p.XTestGoFiles...)
	for _, name := range p.IgnoredGoFiles {
		if strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
	}
	return files
}

// A source is one parsed Go file.
type source struct {
	room  room   // the package's line in the plan
	name  string // from the root, with slashes
	base  string // the file's own name
	test  bool   // only tests compile it
	lines int
	fset  *token.FileSet
	file  *ast.File
}

// line is the number of the line that holds pos.
func (s source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

// parse reads one Go file from text.
func parse(r room, name string, text []byte) (source, error) {
	s := source{room: r, name: name, base: filepath.Base(name), fset: token.NewFileSet()}
	s.test = strings.HasSuffix(name, "_test.go") || r.ring == tests
	s.lines = bytes.Count(text, []byte("\n"))
	var err error
	s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments)
	return s, err
}

// list is every package of the module but the one at the root: the root carries documents, no code of the product.
//
// Packages that do not compile are listed too, so that one half-written package does not hide the others' faults.
var list = sync.OnceValues(func() ([]pkg, error) {
	all, err := listAll()
	var rooms []pkg
	for _, p := range all {
		if p.path() != "" {
			rooms = append(rooms, p)
		}
	}
	return rooms, err
})

// listAll is every package of the module.
var listAll = sync.OnceValues(func() ([]pkg, error) {
	out, err := run("go", "list", "-e", "-json", "./...")
	if err != nil {
		return nil, err
	}
	var all []pkg
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// packages gives every package of the product.
func packages(t *testing.T) []pkg {
	t.Helper()
	found, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sources gives every Go file that a person wrote.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, p := range packages(t) {
		where, _ := find(p.path())
		for _, base := range append(p.outsideTests(), p.inTests()...) {
			text, err := os.ReadFile(filepath.Join(p.Dir, base))
			if err != nil {
				t.Fatal(err)
			}
			s, err := parse(where, p.path()+"/"+base, text)
			if err != nil {
				t.Errorf("%v", err)
				continue
			}
			if !ast.IsGenerated(s.file) {
				all = append(all, s)
			}
		}
	}
	return all
}

// files gives the names of the repository's files, from the root: those committed and those that could be.
func files(t *testing.T) []string {
	t.Helper()
	out, err := run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		t.Skipf("not a checkout of git, so there is no telling which files are its own: %v", err)
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	return names
}

// read gives the text of one of files.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run gives what a command prints when it is run at the root.
func run(name string, args ...string) ([]byte, error) {
	var complaint bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = root, &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New(strings.Join(cmd.Args, " ") + ": " + err.Error() + "\n" + complaint.String())
	}
	return out, nil
}
