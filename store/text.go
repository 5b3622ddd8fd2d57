package store

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"example.org/interlude/status"
)

// checkText refuses text that cannot be kept or should not be shown: PostgreSQL takes neither NUL nor broken UTF-8, and JSON would put another
// character in its place. SQLite would take both; it must not make a difference. v is any value; the field of the error
// is the path to the text in it, as JSON calls it.
func checkText(v any) error {
	if wrong := findText(reflect.ValueOf(v)); wrong != nil {
		return wrong
	}
	return nil
}

func findText(v reflect.Value) *status.Invalid {
	switch v.Kind() {
	case reflect.String:
		return wrongText(v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return findText(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if wrong := findText(v.Index(i)); wrong != nil {
				return wrong.In(fmt.Sprintf("[%d]", i))
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if wrong := findText(entries.Key()); wrong != nil {
				return wrong
			}
			if wrong := findText(entries.Value()); wrong != nil {
				return wrong.In(entries.Key().String())
			}
		}
	case reflect.Struct:
		return findTextInStruct(v)
	}
	return nil
}

func findTextInStruct(v reflect.Value) *status.Invalid {
	if v.Type() == reflect.TypeFor[time.Time]() {
		return nil
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if wrong := findText(v.Field(i)); wrong != nil {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = strings.ToLower(field.Name)
			}
			return wrong.In(name)
		}
	}
	return nil
}

func wrongText(text string) *status.Invalid {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return &status.Invalid{Rule: fmt.Sprintf("must not contain the NUL character, as at byte %d", i)}
	}
	// A terminal that shows a report would obey escape sequences.
	control := func(r rune) bool { return (r < ' ' || r == 0x7f) && r != '\n' && r != '\t' && r != '\r' }
	if i := strings.IndexFunc(text, control); i >= 0 {
		return &status.Invalid{Rule: fmt.Sprintf("must not contain control characters, such as %q at byte %d", text[i], i)}
	}
	if !utf8.ValidString(text) {
		return &status.Invalid{Rule: fmt.Sprintf("must be valid UTF-8, which %q is not", text)}
	}
	return nil
}
