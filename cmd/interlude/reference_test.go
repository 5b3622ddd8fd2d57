package main

import (
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

//go:generate go test -run=^TestTheCommandReferenceIsCurrent$ . -update

var update = flag.Bool("update", false, "write the command reference anew")

// TestTheCommandReferenceIsCurrent compares docs/reference/commands.md with what the command line says of itself.
func TestTheCommandReferenceIsCurrent(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "reference", "commands.md")
	text := commandReference(t)
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
		t.Errorf("%s is not what the program says; renew it with go generate ./cmd/interlude", name)
	}
}

func TestTheCommandReferenceTellsEveryExitCode(t *testing.T) {
	rows := exitCodes(t)
	for code := range exitDifferent + 1 {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == fmt.Sprint(code) }) {
			t.Errorf("exit code %d is not in the comment of package main, where the reference takes them from", code)
		}
	}
}

// model is the tree of all commands.
func model(t *testing.T) *kong.Node {
	t.Helper()
	s := &session{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, env: func(string) string { return "" }}
	if _, _, err := parse(t.Context(), []string{"version"}, new(program), s); err != nil {
		t.Fatal(err)
	}
	return s.model
}

// commandReference is the whole page.
func commandReference(t *testing.T) string {
	var b strings.Builder
	root := model(t)
	b.WriteString(`<!-- Made by go generate ./cmd/interlude out of the program's own help. Change the help there, not this page. -->

# Commands

Every command explains itself: ` + "`interlude COMMAND --help`" + `. What programs read goes to standard output, everything else to
standard error. [The guide](../guide.md) shows the commands at work.

| command | |
|---|---|
`)
	for _, g := range groups {
		for _, top := range inGroup(root, g.Key) {
			for _, c := range leaves(top) {
				fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", "interlude "+path(c), anchor(c), cell(c.Help))
			}
		}
	}
	b.WriteString("\n## Flags of every command\n\n")
	writeFlags(&b, root.Flags)
	b.WriteString("\nThe environment variable `NO_COLOR`, when it is not empty, turns colors off too.\n\n## Exit codes\n\n")
	writeTable(&b, []string{"code", "meaning"}, exitCodes(t))
	for _, g := range groups {
		nodes := inGroup(root, g.Key)
		if len(nodes) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n", g.Title)
		for _, top := range nodes {
			if len(top.Children) > 0 {
				fmt.Fprintf(&b, "\n### %s …\n\n%s\n", "interlude "+path(top), top.Help)
				writeDetail(&b, top.Detail)
			}
			for _, c := range leaves(top) {
				writeCommand(&b, c)
			}
		}
	}
	return b.String()
}

func inGroup(root *kong.Node, key string) []*kong.Node {
	return slices.DeleteFunc(slices.Clone(root.Children), func(n *kong.Node) bool {
		return n.Hidden || n.Group == nil || n.Group.Key != key
	})
}

// leaves are the commands themselves: of a family its members.
func leaves(n *kong.Node) []*kong.Node {
	if n.Leaf() {
		return []*kong.Node{n}
	}
	return n.Leaves(true)
}

// anchor is what GitHub makes of a command's heading.
func anchor(n *kong.Node) string { return strings.ReplaceAll("interlude "+path(n), " ", "-") }

func writeCommand(b *strings.Builder, n *kong.Node) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n```text\n%s\n```\n", "interlude "+path(n), n.Help, usageOf(n))
	if len(n.Aliases) > 0 {
		fmt.Fprintf(b, "\nIt may also be called `%s`.\n", strings.Join(n.Aliases, "`, `"))
	}
	writeDetail(b, n.Detail)
	var arguments [][]string
	for _, a := range n.Positional {
		arguments = append(arguments, []string{"`" + a.Summary() + "`", meaning(a)})
	}
	if len(arguments) > 0 {
		b.WriteString("\n")
		writeTable(b, []string{"argument", "meaning"}, arguments)
	}
	if flags := ofItsOwn(n.Flags); len(flags) > 0 {
		b.WriteString("\n")
		writeFlags(b, flags)
	}
}

func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	var rows [][]string
	for _, f := range flags {
		if f.Hidden || f.Name == "help" {
			continue
		}
		name := "`" + flagForm(f) + "`"
		if f.Short != 0 {
			name += ", `-" + string(f.Short) + "`"
		}
		standard := ""
		switch {
		case f.Default != "":
			standard = "`" + f.Default + "`"
		case f.Required && len(f.Xor) > 0:
			standard = "one of " + alternatives(flags, f.Xor) + " is required"
		case f.Required:
			standard = "required"
		}
		env := ""
		if len(f.Envs) > 0 {
			env = "`" + strings.Join(f.Envs, "`, `") + "`"
		}
		rows = append(rows, []string{name, standard, env, meaning(f.Value)})
	}
	writeTable(b, []string{"flag", "default", "environment", "meaning"}, rows)
}

func alternatives(flags []*kong.Flag, xor []string) string {
	var names []string
	for _, f := range flags {
		if slices.Equal(f.Xor, xor) {
			names = append(names, "`--"+f.Name+"`")
		}
	}
	return strings.Join(names, ", ")
}

// writeDetail sets what stands indented as examples.
func writeDetail(b *strings.Builder, detail string) {
	if detail == "" {
		return
	}
	b.WriteString("\n")
	example := false
	for line := range strings.SplitSeq(strings.TrimSpace(detail), "\n") {
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !example:
			b.WriteString("```text\n")
		case !indented && example:
			b.WriteString("```\n")
		}
		example = indented
		b.WriteString(strings.TrimPrefix(line, "  ") + "\n")
	}
	if example {
		b.WriteString("```\n")
	}
}

func writeTable(b *strings.Builder, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

// cell keeps a text in its column.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

// exitCodes are the rows of the list that the comment of package main ends with.
func exitCodes(t *testing.T) [][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, found := range regexp.MustCompile(`(?m)^\t(\d)  (.*)$`).FindAllStringSubmatch(file.Doc.Text(), -1) {
		rows = append(rows, []string{found[1], found[2]})
	}
	return rows
}
