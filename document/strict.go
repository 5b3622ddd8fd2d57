package document

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Fill reads a file of settings into the struct that into points at, as strictly as [Read] reads documents, with the same
// errors. source is what errors call the file. What the file does not say stays as it is in the struct, so that it may hold
// the defaults; an empty file says nothing.
//
// Fields take the keys of their yaml tags, and those without one none. A field may be a text, a flag, a number, a list, a map
// by name, a struct, a pointer to one of these, or an [encoding.TextUnmarshaler]. A struct that is one too may stand as a
// word or as a mapping. One value where a list is wanted is a list of one. Texts are on one line.
func Fill(data []byte, source string, into any) error {
	src := newSource(data, source)
	trees, err := parse(src)
	if err != nil {
		return err
	}
	c := &checker{src: src, bad: make(map[string]bool)}
	switch len(trees) {
	case 0:
	case 1:
		c.value(reflect.ValueOf(into).Elem())(trees[0], "")
	default:
		c.refuse(trees[1], "", `begins a second document: the settings are one, without a line of "---"`)
	}
	return c.err()
}

// FillPart reads one section of a document, such as runbook, as [Fill] reads a whole file. index counts the documents of the
// file as [Read] returns them, from zero. found is false when the document has no such section, or an empty one.
func FillPart(data []byte, source string, index int, section string, into any) (found bool, err error) {
	src := newSource(data, source)
	trees, err := parse(src)
	if err != nil || index < 0 || index >= len(trees) {
		return false, err
	}
	n, given := trees[index].value(section)
	if !given || n.sort == nothing {
		return false, nil
	}
	c := &checker{src: src, bad: make(map[string]bool)}
	c.value(reflect.ValueOf(into).Elem())(n, section)
	return true, c.err()
}

// value reads whatever a Go value holds.
func (c *checker) value(into reflect.Value) reader {
	word, isWord := into.Addr().Interface().(encoding.TextUnmarshaler)
	switch kind := into.Kind(); {
	case kind == reflect.Pointer:
		return func(n *node, path string) {
			if n.sort == nothing {
				return
			}
			into.Set(reflect.New(into.Type().Elem()))
			c.value(into.Elem())(n, path)
		}
	case isWord && kind == reflect.Struct && len(keyed(into)) > 0:
		return func(n *node, path string) {
			if n.sort == mapping {
				c.record(into)(n, path)
				return
			}
			c.word(word)(n, path)
		}
	case isWord:
		return c.word(word)
	case kind == reflect.Struct:
		return c.record(into)
	case kind == reflect.Slice:
		return c.series(into)
	case kind == reflect.Map:
		return c.named(into)
	case kind == reflect.Bool:
		return func(n *node, path string) {
			set := into.Bool()
			c.flag(&set)(n, path)
			into.SetBool(set)
		}
	case kind == reflect.String:
		return func(n *node, path string) {
			text := into.String()
			c.line(&text)(n, path)
			into.SetString(text)
		}
	}
	return c.number(into)
}

// word reads what has a parser of its own.
func (c *checker) word(into encoding.TextUnmarshaler) reader {
	return func(n *node, path string) {
		switch n.sort {
		case nothing:
			return
		case scalar:
			if err := into.UnmarshalText([]byte(strings.TrimSpace(n.text))); err != nil {
				c.invalid(n, invalidAt(err, path))
			}
		default:
			c.refuse(n, path, "must be one word or number, not "+n.describe())
		}
	}
}

// number reads a whole number or a decimal.
func (c *checker) number(into reflect.Value) reader {
	return func(n *node, path string) {
		if n.sort == nothing {
			return
		}
		if into.CanInt() {
			whole, err := strconv.ParseInt(n.text, 10, into.Type().Bits())
			if err != nil {
				c.refuse(n, path, "must be a whole number, not "+n.describe())
				return
			}
			into.SetInt(whole)
			return
		}
		decimal, err := strconv.ParseFloat(n.text, 64)
		if err != nil || decimal-decimal != 0 { // an infinity, or not a number
			c.refuse(n, path, "must be a number, not "+n.describe())
			return
		}
		into.SetFloat(decimal)
	}
}

// record reads a struct by the keys of its fields.
func (c *checker) record(into reflect.Value) reader {
	return func(n *node, path string) {
		if n.sort == nothing {
			return
		}
		what := path
		if what == "" {
			what = "the file"
		}
		var fields []field
		for _, at := range keyed(into) {
			fields = append(fields, field{into.Type().FieldByIndex(at).Tag.Get("yaml"), c.value(into.FieldByIndex(at))})
		}
		c.mapping(n, path, what, fields)
	}
}

// keyed are the fields of a struct that have a key, in their order, those of embedded structs among them.
func keyed(into reflect.Value) [][]int {
	var fields [][]int
	for _, f := range reflect.VisibleFields(into.Type()) {
		if f.Tag.Get("yaml") != "" {
			fields = append(fields, f.Index)
		}
	}
	return fields
}

// series reads a list, or one value as a list of one.
func (c *checker) series(into reflect.Value) reader {
	return func(n *node, path string) {
		items := n.items
		switch n.sort {
		case nothing:
			return
		case scalar, mapping:
			items = []*node{n}
		}
		all := reflect.MakeSlice(into.Type(), len(items), len(items))
		for i, item := range items {
			at := path + "[" + strconv.Itoa(i) + "]"
			if item.sort == nothing {
				c.refuse(item, at, "is empty")
				continue
			}
			c.value(all.Index(i))(item, at)
		}
		into.Set(all)
	}
}

// named reads values by the names that the file gives them.
func (c *checker) named(into reflect.Value) reader {
	return func(n *node, path string) {
		switch n.sort {
		case nothing:
			return
		case mapping:
		default:
			c.refuse(n, path, "must be a mapping of names, not "+n.describe())
			return
		}
		into.Set(reflect.MakeMap(into.Type()))
		for _, p := range n.pairs {
			name := strings.TrimSpace(p.key.text)
			if name == "" {
				c.refuse(p.key, path, fmt.Sprintf("has a name that is empty in line %d", p.key.line))
				continue
			}
			value := reflect.New(into.Type().Elem()).Elem()
			c.value(value)(p.value, below(path, name))
			into.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), value)
		}
	}
}
