package document

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.org/interlude/status"
)

// checker turns nodes into values, and keeps what is wrong with them.
type checker struct {
	src    *source
	faults []*Error
	// bad are the paths of the document at hand that have a fault already, so that one mistake is told once.
	bad map[string]bool
}

func (c *checker) err() error { return joined(c.faults) }

func (c *checker) refuse(at *node, path, rule string) {
	c.bad[path] = true
	c.faults = append(c.faults, c.src.errorAt(at.line, at.column, path, rule))
}

// invalid refuses what a rule of package status refused in the tree, unless the same place is refused already.
func (c *checker) invalid(tree *node, err error) {
	var bad *status.Invalid
	if !errors.As(err, &bad) {
		bad = &status.Invalid{Rule: err.Error()}
	}
	for path := range c.bad {
		if path == bad.Field || isBelow(path, bad.Field) || isBelow(bad.Field, path) && path != "" {
			return
		}
	}
	at, _ := find(tree, bad.Field)
	c.refuse(at, bad.Field, bad.Rule)
}

// isBelow reports whether a path lies inside of another one: "window.start" is below "window".
func isBelow(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && rest != "" && (above == "" || rest[0] == '.' || rest[0] == '[')
}

// A reader takes the value of a node that stands at a path. An empty value is the same as none.
type reader func(n *node, path string)

// field is a key that a mapping may have.
type field struct {
	name string
	read reader
}

// mapping reads the fields of a mapping. what names it in messages, such as "a promise".
func (c *checker) mapping(n *node, path, what string, fields []field) {
	if n.sort != mapping {
		c.refuse(n, path, "must be a mapping with the keys "+strings.Join(names(fields), ", ")+", not "+n.describe())
		return
	}
	for _, p := range n.pairs {
		known := false
		for _, f := range fields {
			if f.name == p.key.text {
				f.read(p.value, below(path, f.name))
				known = true
			}
		}
		if !known {
			c.unknown(p.key, path, what, names(fields))
		}
	}
}

// unknown refuses a key, with the one that was probably meant.
func (c *checker) unknown(key *node, path, what string, known []string) {
	rule := "unknown key " + shown(key.text)
	c.bad[below(path, key.text)] = true
	if hint, meant := elsewhere(what, key.text); hint != "" {
		c.bad[meant] = true
		rule += "; " + hint
	} else if near := status.Nearest(key.text, known); near != "" {
		// Saying that the right one is missing would say the same thing again.
		c.bad[below(path, near)] = true
		rule += `; did you mean "` + near + `"?`
	} else {
		rule += "; " + what + " has the keys " + strings.Join(known, ", ")
	}
	c.faults = append(c.faults, c.src.errorAt(key.line, key.column, "", rule))
}

func names(fields []field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return list
}

// below is the path of a key in what stands at path.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// text reads a text of any length.
func (c *checker) text(into *string) reader {
	return func(n *node, path string) {
		switch {
		case n.sort == nothing:
			return
		case n.sort != scalar:
			c.refuse(n, path, "must be a text, not "+n.describe())
			return
		case strings.ContainsFunc(n.text, func(r rune) bool { return isControl(r) && r != '\n' && r != '\t' }), !utf8.ValidString(n.text):
			c.refuse(n, path, "must not hold control characters")
			return
		}
		*into = strings.TrimRight(strings.TrimLeft(n.text, "\n"), " \t\n")
	}
}

// line reads a text of one line, such as a name.
func (c *checker) line(into *string) reader {
	return func(n *node, path string) {
		var text string
		c.text(&text)(n, path)
		if strings.Contains(text, "\n") {
			c.refuse(n, path, "must stand on one line")
			return
		}
		*into = strings.TrimSpace(text)
	}
}

// template reads a text that may hold placeholders.
func (c *checker) template(into *string) reader {
	return func(n *node, path string) {
		c.text(into)(n, path)
		_, err := status.Expand(n.text, status.Placeholders{})
		var bad *status.Invalid
		if n.sort != scalar || !errors.As(err, &bad) {
			return
		}
		at, rule := *n, bad.Rule
		if found := lineOfText.FindStringSubmatch(rule); found != nil && n.block {
			// The error counts the lines of the text, which begins on the line after the "|".
			number, _ := strconv.Atoi(found[1])
			at.line, at.column, rule = n.line+number, c.src.columnOf(n.line+number, "{{"), rule[len(found[0]):]
		}
		c.refuse(&at, path, "cannot be filled in: "+rule)
	}
}

var lineOfText = regexp.MustCompile(`^line (\d+): `)

// flag reads a boolean, in the words of YAML 1.1 and 1.2.
func (c *checker) flag(into *bool) reader {
	return func(n *node, path string) {
		switch strings.ToLower(n.text) {
		case "true", "yes", "on":
			*into = true
		case "false", "no", "off":
			*into = false
		default:
			if n.sort != nothing {
				c.refuse(n, path, "must be true or false, not "+n.describe())
			}
		}
	}
}

// parsed reads what has a parser of its own, which says what would be right.
func parsed[T any](c *checker, into *T, example string, parse func(string) (T, error)) reader {
	return func(n *node, path string) {
		if n.sort == nothing {
			return
		}
		if n.sort != scalar {
			c.refuse(n, path, "must be "+example+", not "+n.describe())
			return
		}
		v, err := parse(n.text)
		if err != nil {
			c.invalid(n, invalidAt(err, path))
			return
		}
		*into = v
	}
}

// invalidAt gives an error of a parser its path.
func invalidAt(err error, path string) error {
	var bad *status.Invalid
	if errors.As(err, &bad) {
		return bad.In(path)
	}
	return &status.Invalid{Field: path, Rule: err.Error()}
}

// oneOf reads one of a few words. Case does not matter, and "In progress" is in_progress.
func oneOf[T ~string](c *checker, into *T, of ...T) reader {
	return func(n *node, path string) {
		if n.sort == nothing {
			return
		}
		word := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(n.text)))
		if word == "cancelled" {
			word = "canceled"
		}
		words := make([]string, len(of))
		for i, w := range of {
			words[i] = string(w)
			if words[i] == word && n.sort == scalar {
				*into = w
				return
			}
		}
		rule := "must be " + either(words) + ", not " + n.describe()
		if near := status.Nearest(word, words); near != "" {
			rule += `; did you mean "` + near + `"?`
		}
		if word == "update" && len(words) > 2 {
			rule += "; an update that changes nothing repeats the state before it"
		}
		c.refuse(n, path, rule)
	}
}

// listOf reads a list. A single scalar is a list of one.
func listOf[T any](c *checker, into *[]T, element func(into *T) reader) reader {
	return func(n *node, path string) {
		items := n.items
		switch n.sort {
		case nothing:
			return
		case scalar:
			items = []*node{n}
		case mapping:
			c.refuse(n, path, `must be a list, not a mapping: begin each element with "- "`)
			return
		}
		if len(items) == 0 {
			return
		}
		all := make([]T, len(items))
		for i, item := range items {
			at := path + "[" + strconv.Itoa(i) + "]"
			if item.sort == nothing {
				c.refuse(item, at, "is empty")
				continue
			}
			element(&all[i])(item, at)
		}
		*into = all
	}
}

// describe says what a node is, for "not …".
func (n *node) describe() string {
	switch n.sort {
	case scalar:
		return shown(n.text)
	case mapping:
		return "a mapping"
	case list:
		return "a list"
	}
	return "nothing"
}

// shown quotes a value as its author wrote it, cut where it would flood the message.
func shown(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return `"` + strings.ReplaceAll(printable(s), "\t", " ") + `"`
}

// either joins words as a choice: "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return fmt.Sprintf("%s or %s", strings.Join(words[:last], ", "), words[last])
}
