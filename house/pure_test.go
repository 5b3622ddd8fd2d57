package house

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// A use is a mention of an exported name of an imported package, such as time.Now.
type use struct {
	pos  token.Pos
	name string // the import path, a dot, the name
}

// uses gives every mention of names of imported packages, under whatever name the package is imported.
func uses(s source) []use {
	imported := map[string]string{}
	for _, spec := range s.file.Imports {
		of, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(of)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = of
	}
	var all []use
	ast.Inspect(s.file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := selector.X.(*ast.Ident)
		if !ok || x.Obj != nil { // a variable of that name
			return true
		}
		if of, ok := imported[x.Name]; ok {
			all = append(all, use{selector.Pos(), of + "." + selector.Sel.Name})
		}
		return true
	})
	return all
}

// impure holds what the words ring must be given rather than take.
var impure = map[string]string{
	"time.Now":           "take the time as an argument named now",
	"time.Since":         "take now as an argument and subtract",
	"time.Until":         "take now as an argument and subtract",
	"time.After":         "return the time at which something is due, and let a hand wait for it",
	"time.NewTimer":      "return the time at which something is due, and let a hand wait for it",
	"time.NewTicker":     "return the time at which something is due, and let a hand wait for it",
	"time.Sleep":         "return the time at which something is due, and let a hand wait for it",
	"os.Getenv":          "take the value as an argument; only cmd reads the environment",
	"os.LookupEnv":       "take the value as an argument; only cmd reads the environment",
	"context.TODO":       "take ctx as the first argument",
	"context.Background": "take ctx as the first argument",
}

func wordsArePure(s source, report report) {
	for _, use := range uses(s) {
		if advice, ok := impure[use.name]; ok {
			report(use.pos, "%s in the words ring; %s", use.name, advice)
		}
	}
}

// pureNet holds the packages below net that only read and write text.
var pureNet = []string{"net/mail", "net/netip", "net/textproto", "net/url"}

func wordsDoNoIO(s source, report report) {
	for _, spec := range s.file.Imports {
		of, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !doesIO(of) || (s.room.path == "api" && of == "net/http") {
			continue
		}
		report(spec.Pos(), "the words ring imports %s; words take values and give values, so let a hand or an edge do this", of)
	}
}

// doesIO tells whether a package of the standard library reaches files, networks or databases.
func doesIO(of string) bool {
	for _, pure := range pureNet {
		if of == pure {
			return false
		}
	}
	for _, tree := range []string{"os", "net", "database", "syscall"} {
		if of == tree || strings.HasPrefix(of, tree+"/") {
			return true
		}
	}
	return false
}

func contextsAreHandedDown(s source, report report) {
	for _, use := range uses(s) {
		if use.name == "context.Background" || use.name == "context.TODO" {
			report(use.pos, "%s outside cmd; take ctx as the first argument, so that stopping the program reaches here", use.name)
		}
	}
}

func testsDoNotSleep(s source, report report) {
	for _, use := range uses(s) {
		if use.name == "time.Sleep" {
			report(use.pos, "%s in a test; wait for the event itself, on a channel or with synctest.Wait. "+
				"In a synctest bubble, <-time.After(d) lets the bubble's clock pass", use.name)
		}
	}
}
