package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.org/interlude/examples"
)

// TestTheCommandsOfTheGuidesWork runs every command of README.md and docs/guide.md in one shell each, in order, against a real
// server, and compares what it prints with what the guide shows.
//
// A block of YAML whose first line is a comment with a file's name is that file. A block of sh is run; a line may end
// with "# exits with N". A block of text below it is its whole output. Commands that build or start things have been
// run already when the shell begins.
//
// Both are read as if it were 28 years later, when the calendar is the same and no window has passed yet.
func TestTheCommandsOfTheGuidesWork(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server and some dozen commands")
	}
	for _, name := range []string{"README.md", "docs/guide.md"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			followGuide(t, yearsOn(string(text)))
		})
	}
}

// yearsOn moves the years of plans to those with the same calendar; the years before are the past.
func yearsOn(text string) string {
	return strings.NewReplacer("2027", "2055", "2028", "2056").Replace(text)
}

type block struct{ language, text string }

var fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func followGuide(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"page.yaml", "maintenance.yaml", "gate/gate.yaml"} {
		data, err := examples.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "examples", name), yearsOn(string(data)))
	}
	var script strings.Builder
	script.WriteString("exec 2>&1\n")
	shown := make(map[int]string)
	n := 0
	for _, b := range blocksOf(text) {
		switch b.language {
		case "yaml":
			file, _, _ := strings.Cut(strings.TrimPrefix(b.text, "# "), "\n")
			writeFile(t, filepath.Join(dir, file), b.text)
		case "sh":
			n++
			fmt.Fprintf(&script, "echo '@@ %d'\n%s", n, commandsOf(b.text))
		case "text":
			shown[n] = b.text
		}
	}
	server := newServing(t, filepath.Join(dir, "guide.db"), 1)[0]
	shell := exec.Command("bash", "-e")
	shell.Dir, shell.Stdin = dir, strings.NewReader(script.String())
	shell.Env = append(os.Environ(), "INTERLUDE_SERVER="+server.address, "INTERLUDE_TOKEN="+server.token)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v after\n%s", err, out)
	}
	said := make(map[int]string)
	for part := range strings.SplitSeq(string(out), "@@ ") {
		var block int
		head, rest, _ := strings.Cut(part, "\n")
		if _, err := fmt.Sscan(head, &block); err == nil {
			said[block] = rest
		}
	}
	for block, want := range shown {
		if got := said[block]; timeless(got) != timeless(want) {
			t.Errorf("block %d of commands prints\n%s\nand the guide shows\n%s", block, got, want)
		}
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func blocksOf(text string) []block {
	var all []block
	for _, found := range fenced.FindAllStringSubmatch(text, -1) {
		all = append(all, block{found[1], found[2]})
	}
	return all
}

var (
	already   = regexp.MustCompile(`^(go (build|run) |make |export INTERLUDE_|(bin/)?interlude serve)`)
	exitsWith = regexp.MustCompile(`^(.*?) +# exits with (\d)$`)
	// placeholderID is how the README writes "the id of the maintenance".
	placeholderID = regexp.MustCompile(` ID\b`)
)

// commandsOf makes a script of a block.
func commandsOf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if already.MatchString(line) {
			continue
		}
		line = strings.ReplaceAll(line, "bin/interlude", "interlude")
		line = placeholderID.ReplaceAllString(line, " database-2055-01")
		if found := exitsWith.FindStringSubmatch(line); found != nil {
			line = fmt.Sprintf("code=0; %s || code=$?; test $code = %s", found[1], found[2])
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

var changing = regexp.MustCompile(`\b[a-z0-9]{12}\b|\b2026-\d\d-\d\d \d\d:\d\d UTC|Posted \w+ \d+, 20(?:2[6-9]|[34]\d) - \d\d:\d\d CES?T`)

// timeless leaves out what differs each time: ids, and when something was posted.
func timeless(text string) string { return strings.TrimSpace(changing.ReplaceAllString(text, "…")) }
