package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// The exit codes, as the package comment and the help tell them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitForbidden   = 4
	exitConflict    = 5
	exitDifferent   = 6
)

// session is what a command may touch.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	// server and token say where the commands that need a server find it, json how they answer, and colors whether
	// terminals get any.
	server, token string
	json, colors  bool
	// task is what the server is waited for with, in words, where there is more to say than that it is one request.
	task string
	// model is the tree of all commands, for completion.
	model *kong.Node
}

// run is the whole program: it reads the command line, does what it says, and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	s := &session{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	var p program
	command, code, err := parse(ctx, args, &p, s)
	if err == nil && command == nil {
		return code
	}
	if err == nil {
		s.server, s.token, s.json = p.Server, p.Token, p.JSON
		s.colors = !p.NoColor && env("NO_COLOR") == "" && env("TERM") != "dumb"
		err = command.Run()
	}
	return s.tell(err)
}

// exited is what kong panics with in place of ending the process, after --help.
type exited int

// parse reads the command line. Without an error and without a command, everything is done, with the exit code.
func parse(ctx context.Context, args []string, p *program, s *session) (command *kong.Context, code int, err error) {
	defer func() {
		if r := recover(); r != nil {
			end, ours := r.(exited)
			if !ours {
				panic(r)
			}
			command, code, err = nil, int(end), nil
		}
	}()
	parser, err := kong.New(p,
		kong.Name("interlude"),
		kong.Description(about),
		kong.Writers(s.stdout, s.stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.Help(printHelp),
		kong.ExplicitGroups(groups),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		return nil, exitFailed, fmt.Errorf("read the commands: %w", err)
	}
	s.model = parser.Model.Node
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err = parser.Parse(args)
	if err != nil {
		where := "interlude"
		var wrong *kong.ParseError
		if errors.As(err, &wrong) && wrong.Context.Selected() != nil {
			where += " " + path(wrong.Context.Selected())
		}
		return nil, exitUsage, usage("%s\nSee: %s --help", plainly(err, wrong), where)
	}
	return command, exitDone, nil
}

// plainly says what kong says of its own types in words that somebody at a terminal knows.
func plainly(err error, wrong *kong.ParseError) string {
	text := err.Error()
	name, rest, _ := strings.Cut(text, ": ")
	if wrong == nil || !strings.HasPrefix(name, "--") || !strings.HasPrefix(rest, "missing value") && !strings.HasSuffix(rest, "(<EOL>)") {
		return text
	}
	at := wrong.Context.Selected()
	if at == nil {
		at = wrong.Context.Model.Node
	}
	for _, flags := range at.AllFlags(false) {
		for _, f := range flags {
			if "--"+f.Name == name {
				return name + " needs a value: " + flagForm(f) + ". " + meaning(f.Value)
			}
		}
	}
	return name + " needs a value"
}

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage makes a usageError.
func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errDifferent says that a dry run found differences. It is an answer, not a failure, and printed as such.
var errDifferent = errors.New("there are differences")

// tell prints what went wrong, with what would help, and returns the exit code.
func (s *session) tell(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errDifferent) {
		return exitDifferent
	}
	code, hint := judge(err)
	fmt.Fprintf(s.stderr, "interlude: %s\n", strings.TrimRight(err.Error(), "\n"))
	if hint != "" {
		fmt.Fprintf(s.stderr, "  %s\n", hint)
	}
	return code
}

// judge gives an error its exit code, and a hint where its own text has none.
func judge(err error) (code int, hint string) {
	var (
		wrong   *usageError
		problem *api.Problem
		silent  *api.Unreachable
		foreign *api.Foreign
	)
	switch {
	case errors.As(err, &wrong):
		return exitUsage, ""
	case errors.Is(err, api.ErrAddress):
		return exitUsage, "--server or INTERLUDE_SERVER gives the address of the server."
	case errors.As(err, &silent):
		return exitUnreachable, "Is the server running? --server or INTERLUDE_SERVER gives its address."
	case errors.As(err, &foreign):
		return exitUnreachable, ""
	case errors.Is(err, context.Canceled):
		return exitFailed, ""
	case errors.As(err, &problem):
		return judgeProblem(problem)
	case errors.Is(err, status.ErrConflict):
		return exitConflict, ""
	}
	return exitFailed, ""
}

func judgeProblem(p *api.Problem) (code int, hint string) {
	switch p.Code {
	case api.CodeUnauthorized, api.CodeForbidden:
		if p.Hint == "" {
			hint = "--token or INTERLUDE_TOKEN gives the token; `interlude token create` makes one."
		}
		return exitForbidden, hint
	case api.CodeUnavailable, api.CodeUncertain, api.CodeRepeated, api.CodeFull:
		return exitUnreachable, ""
	case api.CodeConflict:
		return exitConflict, ""
	}
	return exitFailed, ""
}

// client is the way to the server.
func (s *session) client() *api.Client {
	c := &api.Client{Server: s.server, Token: s.token, UserAgent: "interlude/" + version()}
	if isTerminal(s.stderr) && s.env("TERM") != "dumb" {
		c.HTTP = &http.Client{Transport: waiting{to: s.stderr, what: cmp.Or(s.task, "one request"), next: http.DefaultTransport}}
	}
	return c
}

// print writes v as JSON when that is asked for, and otherwise calls text.
func (s *session) print(v any, text func(w io.Writer)) error {
	if !s.json {
		text(s.stdout)
		return nil
	}
	return s.printJSON(v)
}

func (s *session) printJSON(v any) error {
	out := json.NewEncoder(s.stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// table writes rows in columns, with a line above that names them.
func table(w io.Writer, head string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(head, " ", "\t"))
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
}

// Colors of what is added, changed and taken away, and of warnings.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
)

// paint colors a text on its way to w, where that is wanted and somebody looks. Each stream is judged by itself: one may
// be a file while the other is a terminal.
func (s *session) paint(w io.Writer, color, text string) string {
	if !s.colors || !isTerminal(w) {
		return text
	}
	return color + text + "\x1b[0m"
}

// isTerminal reports whether somebody looks at what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	void, err := os.Stat(os.DevNull) // a device too, and nobody looks there
	return err != nil || !os.SameFile(info, void)
}
