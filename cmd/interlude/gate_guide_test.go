package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"example.org/interlude/document"
)

// gateGuide is docs/gate.md.
func gateGuide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "gate.md"))
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
	for _, b := range blocksOf(gateGuide(t)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "# "), "\n")
		if b.language != "yaml" || !strings.Contains(b.text, "listen:") {
			continue
		}
		read++
		writeFile(t, filepath.Join(dir, name), b.text)
		env := func(string) string { return strings.Repeat("k", 53) }
		if _, err := readGate(filepath.Join(dir, name), env); err != nil {
			t.Errorf("%s of the guide: %v", name, err)
		}
	}
	if read != 2 {
		t.Errorf("got %d configurations, want both", read)
	}
}

// TestTheGateGuideShowsEveryKey looks for each key that a configuration may have in the long example of docs/gate.md.
func TestTheGateGuideShowsEveryKey(t *testing.T) {
	for _, b := range blocksOf(gateGuide(t)) {
		if !strings.HasPrefix(b.text, "# gate.yaml") {
			continue
		}
		for path, key := range keysIn(reflect.TypeFor[gateFile](), "", map[reflect.Type]bool{}) {
			if !regexp.MustCompile(`(?m)(^|[\s{,-])` + key + `:`).MatchString(b.text) {
				t.Errorf("the guide does not show %s", path)
			}
		}
		var everything gateFile
		if err := document.Fill([]byte(b.text), "gate.yaml", &everything); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("the guide shows no gate.yaml")
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
	text := gateGuide(t)
	families, err := newGateRegistry(runGate(t, gateTo(productOf(t, "one"), "")).gateProcess).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name, ours := strings.CutPrefix(f.GetName(), "interlude_gate_"); ours && !strings.Contains(text, "_"+name) {
			t.Errorf("the guide does not name %s", f.GetName())
		}
	}
}
