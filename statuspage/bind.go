package statuspage

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/status"
)

// bind reads a tree into a struct whose fields are pointers, lists or maps: what was not given stays nil. Names are those
// of the json tags; what the struct does not name is passed over.
//
// Clients say "not given" by leaving a field out, by null and by an empty text. The latter is told apart only for texts,
// where it may mean that the text is to be empty: whoever reads them decides. A tag cannot:"REASON" marks what
// Statuspage knows and Interlude cannot honour: it is refused when it asks for something (true, a text, a list) and passed over
// otherwise.
func bind(tree fields, into any) error {
	v := reflect.ValueOf(into).Elem()
	var rules []string
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		value, given := tree[name]
		if !given || value == nil {
			continue
		}
		if reason, refused := field.Tag.Lookup("cannot"); refused && asks(value) {
			rules = append(rules, name+" cannot be honoured: "+reason)
			continue
		}
		if err := read(v.Field(i), name, value); err != nil {
			rules = append(rules, err.Error())
		}
	}
	if len(rules) > 0 {
		return unprocessable(rules...)
	}
	return nil
}

// asks reports whether a value asks for anything: false, nothing and empty things do not.
func asks(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case string:
		yes, isBool := truth(v)
		return v != "" && (!isBool || yes)
	case []any:
		return len(v) > 0
	case fields:
		return len(v) > 0
	case json.Number:
		return v != "0"
	}
	return false
}

// read reads a value into one field of a struct.
func read(into reflect.Value, name string, value any) error {
	switch target := into.Addr().Interface().(type) {
	case **string:
		return readText(target, name, value)
	case **bool:
		return readBool(target, name, value)
	case **time.Time:
		return readTime(target, name, value)
	case **day:
		return readDay(target, name, value)
	case **int:
		return readNumber(target, name, value, strconv.Atoi, "a whole number")
	case **float64:
		return readNumber(target, name, value, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }, "a number")
	case *[]string:
		return readList(target, name, value)
	case *statuses:
		return readStatuses(target, name, value)
	case *fields:
		return readObject(target, name, value)
	case *any:
		*target = value
		return nil
	}
	return fmt.Errorf("%s cannot be read into %s", name, into.Type()) // no input reaches here: a test binds every shape
}

func readText(into **string, name string, value any) error {
	switch v := value.(type) {
	case string:
		*into = &v
	case json.Number:
		text := v.String()
		*into = &text
	case bool:
		text := strconv.FormatBool(v)
		*into = &text
	default:
		return fmt.Errorf("%s must be a text", name)
	}
	return nil
}

// truth reads the words that clients of all ages have for yes and no.
func truth(word string) (yes, ok bool) {
	switch strings.ToLower(word) {
	case "true", "t", "1", "yes", "on":
		return true, true
	case "false", "f", "0", "no", "off":
		return false, true
	}
	return false, false
}

func readBool(into **bool, name string, value any) error {
	text := ""
	switch v := value.(type) {
	case bool:
		*into = &v
		return nil
	case string:
		if v == "" {
			return nil
		}
		text = v
	case json.Number:
		text = v.String()
	}
	yes, ok := truth(text)
	if !ok {
		return fmt.Errorf("%s must be true or false", name)
	}
	*into = &yes
	return nil
}

// layouts are the forms in which clients give times: RFC 3339, ISO 8601 without an offset, and what Go, Ruby and
// Python print when nobody says how. Times without an offset are in UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15:04:05.999999999-0700",
	"2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999 MST", "2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", time.DateOnly, time.RFC1123Z, time.RFC1123,
}

// parseTime reads a time. An abbreviation of a zone other than UTC and GMT is refused: it does not tell the offset.
func parseTime(text string) (time.Time, bool) {
	text, _, _ = strings.Cut(text, " m=") // what Go prints of a monotonic clock
	if n := len(text); strings.Contains(text, "T") && n > 6 && text[n-6] == ' ' {
		text = text[:n-6] + "+" + text[n-5:] // a plus that a form did not escape
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if zone, offset := t.Zone(); offset == 0 && strings.Contains(layout, "MST") && !strings.Contains(layout, "-0700") && zone != "UTC" && zone != "GMT" {
			return time.Time{}, false
		}
		return t.UTC(), status.CheckYear("", t) == nil
	}
	return time.Time{}, false
}

func readTime(into **time.Time, name string, value any) error {
	text, ok := value.(string)
	if ok && text == "" {
		return nil
	}
	t, good := parseTime(text)
	if !ok || !good {
		return fmt.Errorf("%s must be a time such as 2027-01-15T06:00:00Z", name)
	}
	*into = &t
	return nil
}

// day is a calendar day as the wire has it: a date, or a time of which only the date counts.
type day struct{ year, month, day int }

func readDay(into **day, name string, value any) error {
	text, ok := value.(string)
	if ok && text == "" {
		return nil
	}
	if len(text) > len(time.DateOnly) {
		text = text[:len(time.DateOnly)]
	}
	t, err := time.Parse(time.DateOnly, text)
	if !ok || err != nil || status.CheckYear("", t) != nil {
		return fmt.Errorf("%s must be a day such as 2027-01-15", name)
	}
	*into = &day{t.Year(), int(t.Month()), t.Day()}
	return nil
}

func readNumber[T any](into **T, name string, value any, parse func(string) (T, error), what string) error {
	text := ""
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
		text = v
	case json.Number:
		text = v.String()
	}
	n, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s must be %s", name, what)
	}
	*into = &n
	return nil
}

// longestList bounds lists: far more than a page can show.
const longestList = 50_000

// readList reads a list of texts. A single text is a list of one, and an empty text is none; of an object its id counts.
func readList(into *[]string, name string, value any) error {
	list := []string{}
	switch v := value.(type) {
	case string:
		if v != "" {
			list = append(list, v)
		} else {
			return nil
		}
	case []any:
		if len(v) > longestList {
			return fmt.Errorf("%s must have at most %d entries", name, longestList)
		}
		for _, one := range v {
			text, ok := one.(string)
			if object, isObject := one.(fields); isObject { // as we show it, sent back
				text, ok = object["id"].(string)
			}
			if !ok {
				return fmt.Errorf("%s must be a list of texts", name)
			}
			if text != "" { // Rails sends an empty one for an empty list
				list = append(list, text)
			}
		}
	default:
		return fmt.Errorf("%s must be a list of texts", name)
	}
	*into = list
	return nil
}

// statuses are components with the status that each is to have; an empty one says nothing of it.
type statuses map[string]string

// readStatuses reads an object of statuses by component id, or a list of ids.
func readStatuses(into *statuses, name string, value any) error {
	all := statuses{}
	switch v := value.(type) {
	case fields:
		if len(v) > longestList {
			return fmt.Errorf("%s must have at most %d entries", name, longestList)
		}
		for id, word := range v {
			text, ok := word.(string)
			if !ok && word != nil {
				return fmt.Errorf("%s must hold a status for each component id", name)
			}
			all[id] = text
		}
	default:
		var ids []string
		if err := readList(&ids, name, value); err != nil {
			return fmt.Errorf("%s must be an object of statuses by component id, or a list of ids", name)
		}
		for _, id := range ids {
			all[id] = ""
		}
	}
	if len(all) > 0 {
		*into = all
	}
	return nil
}

func readObject(into *fields, name string, value any) error {
	if text, ok := value.(string); ok && text == "" {
		return nil
	}
	object, ok := value.(fields)
	if !ok {
		return fmt.Errorf("%s must be an object", name)
	}
	*into = object
	return nil
}
