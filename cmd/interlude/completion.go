package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints a script for a shell. The scripts know no commands themselves: they ask the program, so
// that they never go stale.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says where the scripts go.
func (completionCommand) Help() string {
	return `
  bash   source <(interlude completion bash)          in ~/.bashrc
  zsh    source <(interlude completion zsh)           in ~/.zshrc, after compinit
  fish   interlude completion fish | source           in ~/.config/fish/config.fish`
}

var completionScripts = map[string]string{
	"bash": `_interlude() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(interlude complete -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _interlude interlude
`,
	"zsh": `_interlude() {
  local -a found
  found=("${(@f)$(interlude complete -- "${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
  if [[ -n $found ]]; then compadd -- $found; else _files; fi
}
compdef _interlude interlude
`,
	"fish": `function __interlude_complete
  set -l words (commandline -opc)
  interlude complete -- $words[2..-1] 2>/dev/null
end
complete -c interlude -a '(__interlude_complete)'
`,
}

// Run prints the script.
func (c *completionCommand) Run(_ context.Context, s *session) error {
	fmt.Fprint(s.stdout, completionScripts[c.Shell])
	return nil
}

// completeCommand lists the words that can follow those of a command line.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints them, one a line. After a flag that takes a file or a text, nothing is printed, and shells offer files.
func (c *completeCommand) Run(_ context.Context, s *session) error {
	for _, word := range following(s.model, c.Words) {
		fmt.Fprintln(s.stdout, word)
	}
	return nil
}

// following walks down the tree of commands along the words, and lists what can come next.
func following(root *kong.Node, words []string) []string {
	at := root
	var awaited *kong.Flag
	for _, word := range words {
		switch {
		case word == "--":
		case awaited != nil:
			awaited = nil
		case strings.HasPrefix(word, "-"):
			if f := flagOf(at, word); f != nil && !f.IsBool() && !strings.Contains(word, "=") {
				awaited = f
			}
		default:
			if child := childOf(at, word); child != nil {
				at = child
			}
		}
	}
	var next []string
	if awaited != nil {
		if awaited.Enum != "" {
			next = awaited.EnumSlice()
		}
		return next
	}
	for _, child := range at.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			next = append(next, child.Name)
		}
	}
	for _, argument := range at.Positional {
		if argument.Enum != "" {
			next = append(next, argument.EnumSlice()...)
		}
	}
	for _, flags := range at.AllFlags(true) {
		for _, f := range flags {
			next = append(next, "--"+f.Name)
		}
	}
	slices.Sort(next)
	return slices.Compact(next)
}

func childOf(at *kong.Node, word string) *kong.Node {
	for _, child := range at.Children {
		if child.Name == word || slices.Contains(child.Aliases, word) {
			return child
		}
	}
	return nil
}

func flagOf(at *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for _, flags := range at.AllFlags(false) {
		for _, f := range flags {
			if f.Name == name || f.Short != 0 && string(f.Short) == name {
				return f
			}
		}
	}
	return nil
}
