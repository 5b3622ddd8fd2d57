package status

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// sentenceCase turns an identifier of the wire into words: "in_progress" is "In progress".
func sentenceCase(id string) string {
	words := strings.ReplaceAll(id, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// quote shows a value as its author wrote it, cut where it would flood the message.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// indexed is the path of the i-th element of a list, as documents count them: from zero.
func indexed(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// Span says a duration in whole words, cut to its two largest units: "1 hour 5 minutes".
func Span(d Duration) string {
	type unit struct {
		name string
		of   Duration
	}
	units := []unit{
		{"day", Duration(24 * time.Hour)},
		{"hour", Duration(time.Hour)},
		{"minute", Duration(time.Minute)},
		{"second", Duration(time.Second)},
	}
	var parts []string
	for i, u := range units {
		n := d / u.of
		if n == 0 {
			if len(parts) > 0 {
				break
			}
			continue
		}
		d -= n * u.of
		part := strconv.FormatInt(int64(n), 10) + " " + u.name
		if n != 1 {
			part += "s"
		}
		parts = append(parts, part)
		if len(parts) == 2 || i == len(units)-1 {
			break
		}
	}
	if len(parts) == 0 {
		return "less than a second"
	}
	return strings.Join(parts, " ")
}

// first gives the first element of which is holds.
func first[T any](in []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(in, is); i >= 0 {
		return in[i], true
	}
	var none T
	return none, false
}
