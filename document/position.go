package document

import (
	"bytes"
	"strconv"
	"strings"

	"example.org/interlude/status"
)

// Position finds where the value of a path stands in a file, counted from one: "affects[2]", "promises[0].audience".
// index counts the documents of the file as [Read] returns them, from zero. What the document does not say is placed
// at the nearest thing around it that it does say. ok is false when the file has no such document.
func Position(data []byte, index int, path string) (line, column int, ok bool) {
	trees, err := parse(newSource(data, ""))
	if err != nil || index < 0 || index >= len(trees) {
		return 0, 0, false
	}
	at, _ := find(trees[index], path)
	return at.line, at.column, true
}

// Locate makes an error of a file out of one that was found later: by the server, or once the page was known. source
// and index are the file's name and which of its documents it is about, from zero.
func Locate(data []byte, source string, index int, invalid *status.Invalid) *Error {
	line, column, ok := Position(data, index, invalid.Field)
	if !ok {
		line, column = 1, 1
	}
	return newSource(bytes.Clone(data), source).errorAt(line, column, invalid.Field, invalid.Rule)
}

// find follows a path as far as it goes; whole is false when something is left of it.
func find(tree *node, path string) (at *node, whole bool) {
	at = tree
	for path != "" {
		next, rest := step(at, path)
		if next == nil || next.line == 0 {
			return at, false
		}
		at, path = next, rest
	}
	return at, true
}

// step goes from a node to the one that the path begins with. Keys may hold dots and brackets themselves, so the
// keys that are there decide where the first part of the path ends.
func step(n *node, path string) (next *node, rest string) {
	path = strings.TrimPrefix(path, ".")
	if inner, ok := strings.CutPrefix(path, "["); ok {
		number, after, _ := strings.Cut(inner, "]")
		if i, err := strconv.Atoi(number); err == nil {
			switch {
			case n.sort == list && i >= 0 && i < len(n.items):
				return n.items[i], after
			case n.sort != list && i == 0: // one value is a list of one
				return n, after
			}
			return nil, ""
		}
		if key, err := strconv.Unquote(number); err == nil {
			number = key
		}
		next, _ = n.value(number)
		return next, after
	}
	longest := -1
	for _, p := range n.pairs {
		key := p.key.text
		if (path == key || isBelow(path, key)) && len(key) > longest {
			longest, next, rest = len(key), p.value, path[len(key):]
			if next.sort == nothing {
				next = p.key
			}
		}
	}
	return next, rest
}
