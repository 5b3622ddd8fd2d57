package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"example.org/interlude/status"
)

// helpWidth is how wide help is at most, in characters.
const helpWidth = 100

// helpCommand is --help for those who look for it as a command.
type helpCommand struct {
	Words []string `arg:"" optional:"" name:"command" help:"The command to explain; all of them without one."`
}

// Help explains help.
func (helpCommand) Help() string {
	return `
  interlude help
  interlude help maintenance extend`
}

// Run prints what --help of that command prints.
func (c *helpCommand) Run(_ context.Context, s *session) error {
	at := s.model
	for _, word := range c.Words {
		child := childOf(at, word)
		if child == nil {
			var known []string
			for _, n := range at.Children {
				if !n.Hidden {
					known = append(known, n.Name)
				}
			}
			where := strings.TrimSpace("interlude " + path(at))
			if near := status.Nearest(word, known); near != "" {
				return usage("%s has no command %q; did you mean %q?", where, word, near)
			}
			if len(known) == 0 {
				return usage("%s has no commands below it", where)
			}
			return usage("%s has no command %q; it has %s", where, word, strings.Join(known, ", "))
		}
		at = child
	}
	writeHelp(s.stdout, at)
	return nil
}

// printHelp is how kong prints help. Its own printer names commands with their aliases in brackets, which cannot be
// typed, leaves defaults out, and wraps examples.
func printHelp(_ kong.HelpOptions, at *kong.Context) error {
	node := at.Selected()
	if node == nil {
		node = at.Model.Node
	}
	writeHelp(at.Stdout, node)
	return nil
}

// writeHelp explains a command: how it is typed, what it does, and each of its words.
func writeHelp(w io.Writer, n *kong.Node) {
	fmt.Fprintf(w, "Usage: %s\n", usageOf(n))
	for _, text := range []string{n.Help, strings.Trim(n.Detail, "\n")} {
		if text != "" {
			fmt.Fprintf(w, "\n%s\n", text)
		}
	}
	if len(n.Aliases) > 0 {
		fmt.Fprintf(w, "\nIt may also be called %s.\n", strings.Join(n.Aliases, ", "))
	}
	var rows [][2]string
	for _, a := range n.Positional {
		rows = append(rows, [2]string{a.Summary(), meaning(a)})
	}
	writeColumns(w, "Arguments:", rows)
	writeColumns(w, "Flags:", flagRows(ofItsOwn(n.Flags), ""))
	for _, g := range append([]kong.Group{{Title: "Commands:"}}, groups...) {
		rows = nil
		for _, c := range n.Children {
			if c.Hidden || (c.Group == nil) != (g.Key == "") || c.Group != nil && c.Group.Key != g.Key {
				continue
			}
			rows = append(rows, [2]string{path(c), c.Help})
		}
		writeColumns(w, g.Title, rows)
	}
	everywhere := n
	for everywhere.Parent != nil {
		everywhere = everywhere.Parent
	}
	writeColumns(w, "Flags of every command", append(flagRows(everywhere.Flags, "everywhere"), [2]string{"-h, --help", "This."}))
	if !n.Leaf() {
		fmt.Fprintf(w, "\n%s COMMAND --help explains a command.\n", strings.TrimSpace("interlude "+path(n)))
	}
}

// flagRows describes the flags of a group: how each is written and what it means.
func flagRows(flags []*kong.Flag, group string) [][2]string {
	var rows [][2]string
	for _, f := range flags {
		if f.Hidden || f.Name == "help" || group != "" && (f.Group == nil || f.Group.Key != group) {
			continue
		}
		form := flagForm(f)
		if f.Short != 0 {
			form = "-" + string(f.Short) + ", " + form
		}
		var more []string
		if f.Default != "" {
			more = append(more, "default "+f.Default)
		}
		for _, env := range f.Envs {
			more = append(more, "$"+env)
		}
		text := meaning(f.Value)
		if len(more) > 0 {
			text += " [" + strings.Join(more, "; ") + "]"
		}
		rows = append(rows, [2]string{form, text})
	}
	return rows
}

// writeColumns writes a heading and two columns, the second one wrapped.
func writeColumns(w io.Writer, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	const most = 34 // what is longer stands on a line of its own
	left := 0
	for _, row := range rows {
		if n := utf8.RuneCountInString(row[0]); n <= most {
			left = max(left, n)
		}
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, row := range rows {
		lines := wrapped(row[1], helpWidth-left-6)
		if n := utf8.RuneCountInString(row[0]); n > left {
			fmt.Fprintf(w, "  %s\n", row[0])
		} else {
			fmt.Fprintf(w, "  %s%s    %s\n", row[0], strings.Repeat(" ", left-n), lines[0])
			lines = lines[1:]
		}
		for _, line := range lines {
			fmt.Fprintf(w, "  %s    %s\n", strings.Repeat(" ", left), line)
		}
	}
}

// wrapped breaks a text into lines of at most width characters.
func wrapped(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

// path is how a command is typed after the program's name, without its other names.
func path(n *kong.Node) string {
	if n.Parent == nil {
		return ""
	}
	return strings.TrimSpace(path(n.Parent) + " " + n.Name)
}

// usageOf is the line that shows how a command is typed: its arguments, the flags that it needs, and of those that
// exclude each other that one of them is needed.
func usageOf(n *kong.Node) string {
	words := []string{"interlude"}
	if p := path(n); p != "" {
		words = append(words, p)
	}
	for _, a := range n.Positional {
		words = append(words, a.Summary())
	}
	optional := false
	for _, f := range ofItsOwn(n.Flags) {
		group := rivals(n.Flags, f)
		switch {
		case !f.Required:
			optional = true
		case len(group) < 2:
			words = append(words, flagForm(f))
		case group[0] == f:
			var forms []string
			for _, g := range group {
				forms = append(forms, flagForm(g))
			}
			words = append(words, "("+strings.Join(forms, " | ")+")")
		}
	}
	if !n.Leaf() {
		words = append(words, "COMMAND")
	}
	if optional || n.Parent == nil {
		words = append(words, "[flags]")
	}
	return strings.Join(words, " ")
}

// rivals are the flags of which one is needed where f is, f among them.
func rivals(flags []*kong.Flag, f *kong.Flag) []*kong.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(o *kong.Flag) bool {
		return len(f.Xor) == 0 || !slices.Equal(o.Xor, f.Xor)
	})
}

// flagForm is how a flag is written.
func flagForm(f *kong.Flag) string {
	if f.IsBool() {
		return "--" + f.Name
	}
	value := strings.ToUpper(f.Name)
	if f.Enum != "" {
		value = strings.Join(f.EnumSlice(), "|")
	}
	return "--" + f.Name + "=" + cmp.Or(f.PlaceHolder, value)
}

// ofItsOwn leaves out --help, which every command has.
func ofItsOwn(flags []*kong.Flag) []*kong.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f *kong.Flag) bool {
		return f.Hidden || f.Name == "help" || f.Group != nil && f.Group.Key == "everywhere"
	})
}

// meaning is the help, with the allowed words where the help does not name them.
func meaning(v *kong.Value) string {
	help := v.Help
	if missing := slices.DeleteFunc(slices.Clone(v.EnumSlice()), func(word string) bool { return strings.Contains(v.Help, word) }); len(missing) > 0 {
		help += " One of " + strings.Join(v.EnumSlice(), ", ") + "."
	}
	return help
}
