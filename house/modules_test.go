package house

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// reasons is the table of the modules that the product takes from others.
const reasons = "house/modules.md"

// A reason is one line of that table.
type reason struct {
	why   string
	where []string // packages, or "tests"
}

func TestEveryModuleHasAReason(t *testing.T) {
	given, required := givenReasons(t), requiredModules(t)
	for _, path := range required {
		r, ok := given[path]
		switch {
		case !ok:
			t.Errorf("%s: go.mod requires %s, but there is no reason for it; add a line, or do without the module", reasons, path)
		case len(r.why) < 20:
			t.Errorf("%s: the reason for %s is %q; say what it does for us that we should not do ourselves", reasons, path, r.why)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(required, path) {
			t.Errorf("%s: there is a reason for %s, which go.mod does not require; remove the line", reasons, path)
		}
	}
}

func TestModulesAreUsedWhereTheTableSays(t *testing.T) {
	required := requiredModules(t)
	users, given := modulesInUse(t, required), givenReasons(t)
	for _, path := range required {
		r, ok := given[path]
		if !ok {
			continue // said above
		}
		by := users[path]
		if by == nil {
			t.Errorf("%s: nothing imports %s; remove it from go.mod and from the table", reasons, path)
			continue
		}
		if slices.Contains(by, "") { // what the root imports says nothing about the product
			continue
		}
		if !slices.Equal(by, r.where) {
			t.Errorf("%s: %s is used by %s, the table says %s", reasons, path, strings.Join(by, ", "), strings.Join(r.where, ", "))
		}
	}
}

// modulesInUse gives for each module the packages that import it, sorted, or "tests" if only tests do.
func modulesInUse(t *testing.T, required []string) map[string][]string {
	t.Helper()
	all, err := listAll()
	if err != nil {
		t.Fatal(err)
	}
	users := map[string][]string{}
	note := func(imports []string, user string) {
		for _, path := range imports {
			if module := moduleOf(path, required); module != "" && !slices.Contains(users[module], user) {
				users[module] = append(users[module], user)
			}
		}
	}
	for _, p := range all {
		if r, _ := find(p.path()); r.ring != tests {
			note(p.Imports, p.path())
		}
	}
	for _, p := range all {
		imports := slices.Concat(p.TestImports, p.XTestImports)
		if r, _ := find(p.path()); r.ring == tests {
			imports = append(imports, p.Imports...)
		}
		for _, path := range imports {
			if users[moduleOf(path, required)] == nil || slices.Contains(users[moduleOf(path, required)], "tests") {
				note([]string{path}, "tests")
			}
		}
	}
	for _, by := range users {
		slices.Sort(by)
	}
	return users
}

// moduleOf gives the module that holds a package: the longest of modules that the path begins with.
func moduleOf(path string, modules []string) string {
	longest := ""
	for _, m := range modules {
		if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(longest) {
			longest = m
		}
	}
	return longest
}

// requiredModules gives what go.mod requires for our own sake, sorted.
func requiredModules(t *testing.T) []string {
	t.Helper()
	out, err := run("go", "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range mod.Require {
		if !r.Indirect {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// givenReasons reads the table: lines of the form | module | why | where |.
func givenReasons(t *testing.T) map[string]reason {
	t.Helper()
	given := map[string]reason{}
	for line := range strings.Lines(read(t, reasons)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		path := strings.Trim(cells[0], " `")
		if len(cells) != 3 || !strings.Contains(path, ".") {
			continue
		}
		where := strings.FieldsFunc(cells[2], func(r rune) bool { return strings.ContainsRune(" ,`", r) })
		slices.Sort(where)
		given[path] = reason{why: strings.TrimSpace(cells[1]), where: where}
	}
	return given
}

func TestTemplGeneratorFitsItsRuntime(t *testing.T) {
	const templ = "github.com/a-h/templ"
	product, tools := version(t, templ, "go.mod"), version(t, templ, "tools/go.mod")
	if product != "" && product != tools {
		t.Errorf("go.mod has %s %s, tools/go.mod has %s; raise both together, then make generate", templ, product, tools)
	}
}

// version gives the version of a module that a go.mod requires, or "".
func version(t *testing.T, path, file string) string {
	t.Helper()
	for line := range strings.Lines(read(t, file)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) > 1 && fields[0] == path {
			return fields[1]
		}
	}
	return ""
}
