package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// gateGuide is docs/gate.md, and spoolGuide docs/spool.md.
func gateGuide(t *testing.T) string  { return guide(t, "gate.md") }
func spoolGuide(t *testing.T) string { return guide(t, "spool.md") }

func guide(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheExamplesOfTheGateGuideAreRead reads the configurations that docs/gate.md shows, with certificates beside them.
func TestTheExamplesOfTheGateGuideAreRead(t *testing.T) {
	dir, read := t.TempDir(), 0
	writePair(t, dir, "cert", "app.example.com")
	if err := os.Rename(filepath.Join(dir, "cert.key"), filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	for _, authority := range []string{"authority", "partner"} {
		writePair(t, dir, authority, authority+".example")
	}
	for _, b := range blocksOf(gateGuide(t) + "\n" + spoolGuide(t)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "# "), "\n")
		if b.language != "yaml" || !strings.HasPrefix(b.text, "# ") || !strings.Contains(b.text, "listen:") {
			continue
		}
		read++
		writeFile(t, filepath.Join(dir, name), b.text)
		env := func(string) string { return strings.Repeat("k", 53) }
		if _, err := readGate(filepath.Join(dir, name), env); err != nil {
			t.Errorf("%s of the guide: %v", name, err)
		}
	}
	if read != 3 {
		t.Errorf("got %d configurations, want three", read)
	}
	writeFile(t, filepath.Join(dir, "recipients.txt"), "bob@northwind.example\n")
	writeFile(t, filepath.Join(dir, "whole.yaml"), "listen: {address: 127.0.0.1:8080}\nupstreams: {app: {to: ['http://10.0.0.1:8080']}}\n"+spoolParts(t))
	if _, err := readGate(filepath.Join(dir, "whole.yaml"), func(string) string { return "sk_" + strings.Repeat("k", 53) }); err != nil {
		t.Errorf("the parts of docs/spool.md together: %v", err)
	}
}

// spoolParts are the parts of a configuration that docs/spool.md shows, put together.
func spoolParts(t *testing.T) string {
	parts := map[string]string{}
	for _, b := range blocksOf(spoolGuide(t)) {
		part, rest, _ := strings.Cut(b.text, "\n")
		if b.language == "yaml" && strings.HasSuffix(part, ":") && part != "groups:" {
			parts[part] += rest
		}
	}
	all := ""
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		all += part + "\n" + parts[part]
	}
	return all
}

// TestTheGuidesShowEveryKey looks for each key that a configuration may have in the long example of docs/gate.md, and in the parts that
// docs/spool.md shows.
func TestTheGuidesShowEveryKey(t *testing.T) {
	shown := spoolParts(t)
	for _, b := range blocksOf(gateGuide(t)) {
		if strings.HasPrefix(b.text, "# gate.yaml") {
			shown += b.text
		}
	}
	for path, key := range keysIn(reflect.TypeFor[gateFile](), "", map[reflect.Type]bool{}) {
		if !regexp.MustCompile(`(?m)(^|[\s{,-])` + key + `:`).MatchString(shown) {
			t.Errorf("the guides do not show %s", path)
		}
	}
}

// keysIn are the keys of a configuration's type, by their paths.
func keysIn(of reflect.Type, path string, seen map[reflect.Type]bool) map[string]string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
		of = of.Elem()
	}
	all := map[string]string{}
	if of.Kind() != reflect.Struct || seen[of] {
		return all
	}
	seen[of] = true
	for i := range of.NumField() {
		key := of.Field(i).Tag.Get("yaml")
		if key == "" {
			continue
		}
		all[path+key] = key
		for below, k := range keysIn(of.Field(i).Type, path+key+".", seen) {
			all[below] = k
		}
	}
	return all
}

func TestTheGateGuideNamesEveryFigure(t *testing.T) {
	text := gateGuide(t) + spoolGuide(t)
	queue := strings.Replace(gateTo(productOf(t, "one"), "state: state\n"), "interrupted: hold", "interrupted: queue", 1)
	families, err := newGateRegistry(runGate(t, queue).gateProcess).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		name := f.GetName()
		ours := strings.HasPrefix(name, "interlude_")
		for _, part := range []string{"interlude_gate", "interlude_spool"} {
			name = strings.TrimPrefix(name, part)
		}
		if ours && !strings.Contains(text, name) {
			t.Errorf("the guide does not name %s", f.GetName())
		}
	}
}
