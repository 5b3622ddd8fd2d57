package gate

import "strings"

// form is a way in which a refusal can be said.
type form int8

// The forms, in the order in which they are preferred where a client has no preference: who cares to see a page says so.
const (
	asProblem form = iota
	asPage
	asText
	forms
)

// How closely a media range fits a form: the closest speaks for it (RFC 9110, 12.5.1).
const (
	fitsNot = iota
	fitsAll
	fitsType
	fitsExactly
)

// preferred is the form that a client likes best. Of forms that it likes the same, one that it names goes before one that
// it takes among others: "text/html, */*" is a page. A client without any wish gets the problem, and one that likes
// none of the forms a line of text.
//
// JSON of every kind counts as a wish for the problem, whose own type few clients know to ask for.
func preferred(accept []string) form {
	var fit, weight [forms]int
	asked := false
	for _, list := range accept {
		for list != "" {
			var one string
			one, list = cutUnquoted(list, ',')
			kind, q, ok := mediaRange(one)
			if !ok {
				continue
			}
			asked = true
			for f := range forms {
				closeness := f.fits(kind)
				if closeness > fit[f] || closeness != fitsNot && closeness == fit[f] && q > weight[f] {
					fit[f], weight[f] = closeness, q
				}
			}
		}
	}
	if !asked {
		return asProblem
	}
	best, top := asText, 0
	for f := range forms { // in the order of preference
		if weight[f] > top || top > 0 && weight[f] == top && fit[f] > fit[best] {
			best, top = f, weight[f]
		}
	}
	return best
}

// fits says how closely a media range, in small letters, fits the form.
func (f form) fits(kind string) int {
	if kind == "*/*" {
		return fitsAll
	}
	group, name := "application/", "json"
	switch f {
	case asPage:
		group, name = "text/", "html"
	case asText:
		group, name = "text/", "plain"
	}
	sub, ok := strings.CutPrefix(kind, group)
	switch {
	case !ok:
		return fitsNot
	case sub == "*":
		return fitsType
	case sub == name, f == asProblem && strings.HasSuffix(sub, "+json"):
		return fitsExactly
	}
	return fitsNot
}

// mediaRange reads one element of an Accept field: "text/html;level=1;q=0.5". The weight is in thousandths. What cannot
// be read is passed over.
func mediaRange(text string) (kind string, weight int, ok bool) {
	kind, rest := cutUnquoted(text, ';')
	kind = strings.ToLower(strings.Trim(kind, " \t"))
	if !strings.Contains(kind, "/") {
		return "", 0, false
	}
	weight = 1000
	for rest != "" {
		var one string
		one, rest = cutUnquoted(rest, ';')
		name, value, _ := strings.Cut(strings.Trim(one, " \t"), "=")
		if strings.EqualFold(name, "q") {
			weight, ok = thousandths(value)
			return kind, weight, ok
		}
	}
	return kind, weight, true
}

// thousandths reads a weight (RFC 9110, 12.4.2): "0", "0.75", "1.000".
func thousandths(text string) (int, bool) {
	whole, part, _ := strings.Cut(text, ".")
	if whole != "0" && whole != "1" || len(part) > 3 {
		return 0, false
	}
	n := int(whole[0] - '0')
	for i := range 3 {
		n *= 10
		if i < len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, false
			}
			n += int(part[i] - '0')
		}
	}
	return n, n <= 1000
}

// cutUnquoted splits a field at the first separator that no quoted string holds.
func cutUnquoted(text string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
