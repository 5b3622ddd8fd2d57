package web

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.org/interlude/status"
)

// decode reads a body as strictly as documents are read: a field that the type does not have, in exactly that
// spelling, is refused with the nearest one that it has, and a value of the wrong kind with what it must be. Both are
// *status.Invalid with the path of the value. An empty body is an empty object.
func decode[T any](body []byte) (T, error) {
	var into T
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !utf8.Valid(body) {
		return into, &malformed{"the body is not UTF-8", ""}
	}
	tree, err := parse(body)
	if err != nil {
		return into, err
	}
	if err := fits(tree, reflect.TypeFor[T](), ""); err != nil {
		return into, err
	}
	if err := json.Unmarshal(body, &into); err != nil {
		return into, &malformed{"the body does not fit: " + err.Error(), ""}
	}
	return into, nil
}

// parse reads JSON whatever it means.
func parse(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var tree any
	err := decoder.Decode(&tree)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			return nil, &malformed{"the body has more after its JSON value", ""}
		}
		return tree, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF):
		line := 1 + bytes.Count(body[:min(int(syntax.Offset), len(body))], []byte("\n"))
		return nil, &malformed{fmt.Sprintf("the body is not JSON: %v, in line %d", syntax, line), ""}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &malformed{"the body is not JSON: it ends too early", ""}
	}
	return nil, &malformed{"the body is not JSON: " + err.Error(), ""}
}

var (
	timeType = reflect.TypeFor[time.Time]()
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fits reports how a value of JSON differs from what a type takes, or nothing.
func fits(v any, t reflect.Type, at string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case v == nil:
		return nil // as good as leaving it out
	case t == timeType:
		return fitsTime(v, at)
	case reflect.PointerTo(t).Implements(textType):
		return fitsText(v, t, at)
	}
	switch t.Kind() {
	case reflect.Struct:
		object, ok := v.(map[string]any)
		if !ok {
			return wrong(at, "must be an object", v)
		}
		return fitsStruct(object, t, at)
	case reflect.Map:
		object, ok := v.(map[string]any)
		if !ok {
			return wrong(at, "must be an object", v)
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if err := fits(object[name], t.Elem(), below(at, name)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			return wrong(at, "must be a list", v)
		}
		for i, item := range list {
			if err := fits(item, t.Elem(), at+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		return nil
	case reflect.String:
		if _, ok := v.(string); !ok {
			return wrong(at, "must be a text", v)
		}
		return nil
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return wrong(at, "must be true or false", v)
		}
		return nil
	}
	return fitsNumber(v, t.Kind() == reflect.Float64, at)
}

func fitsNumber(v any, broken bool, at string) error {
	n, ok := v.(json.Number)
	if !ok {
		return wrong(at, "must be a number", v)
	}
	if broken {
		if _, err := n.Float64(); err != nil {
			return &status.Invalid{Field: at, Rule: "must be a number that is not so large, not " + n.String()}
		}
		return nil
	}
	if _, err := n.Int64(); err != nil {
		return &status.Invalid{Field: at, Rule: "must be a whole number, not " + n.String()}
	}
	return nil
}

func fitsStruct(object map[string]any, t reflect.Type, at string) error {
	fields := fieldsOf(t)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		typ, known := fields[name]
		if !known {
			return &status.Invalid{Field: below(at, name), Rule: unknown("known field", name, slices.Sorted(maps.Keys(fields)))}
		}
		if err := fits(object[name], typ, below(at, name)); err != nil {
			return err
		}
	}
	return nil
}

// fieldsOf gives the fields of a struct by their names on the wire, those of embedded structs among them.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || name == "" {
			continue
		}
		fields[name] = f.Type
	}
	return fields
}

func fitsTime(v any, at string) error {
	text, ok := v.(string)
	if ok {
		if _, err := time.Parse(time.RFC3339, text); err == nil {
			return nil
		}
	}
	return wrong(at, "must be a time with its zone, such as 2027-01-15T06:00:00Z", v)
}

func fitsText(v any, t reflect.Type, at string) error {
	text, ok := v.(string)
	if !ok {
		return wrong(at, "must be a text", v)
	}
	err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	var invalid *status.Invalid
	if errors.As(err, &invalid) {
		return &status.Invalid{Field: at, Rule: invalid.Rule}
	}
	return err
}

// wrong is a value of another kind than the rule asks for. The value itself is shown when it is short.
func wrong(at, rule string, v any) error {
	shown := "another"
	switch v := v.(type) {
	case string:
		shown = "the text " + strconv.Quote(v)
		if len(v) > 80 {
			shown = "a text"
		}
	case json.Number:
		shown = "the number " + v.String()
	case bool:
		shown = strconv.FormatBool(v)
	case []any:
		shown = "a list"
	case map[string]any:
		shown = "an object"
	}
	if at == "" {
		at = "body"
	}
	return &status.Invalid{Field: at, Rule: rule + ", not " + shown}
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
