package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// The variables of an example's shell, which are those of the command line too.
const (
	serverVariable = "$INTERLUDE_SERVER"
	tokenVariable  = "$INTERLUDE_TOKEN"
)

// curl is a command that calls an operation.
func (r *reader) curl(path string, op *huma.Operation) string {
	var query []string
	for _, p := range op.Parameters {
		switch value := r.parameterExample(p); {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && p.Required:
			query = append(query, url.QueryEscape(p.Name)+"="+url.QueryEscape(value))
		}
	}
	var lines []string
	header, inQuery := r.credentialOf(op)
	if inQuery != "" {
		query = append(query, inQuery)
	}
	address := inQuotes.Replace(r.server + path)
	if !strings.Contains(r.server, "://") {
		address = serverVariable + address
	}
	if len(query) > 0 {
		address += "?" + strings.Join(query, "&")
	}
	lines = append(lines, "curl -X "+op.Method, `"`+address+`"`)
	if header != "" {
		lines = append(lines, `-H "`+header+`"`)
	}
	if op.RequestBody != nil {
		kind, media := mediaOf(op.RequestBody.Content)
		example := media.Example
		if example == nil {
			example = r.example(media.Schema, nil)
		}
		lines = append(lines, `-H "Content-Type: `+kind+`"`, `-d '`+strings.ReplaceAll(indented(example), `'`, `'\''`)+`'`)
	}
	return strings.Join(lines, " \\\n  ")
}

// inQuotes makes a text stand for itself between the double quotes of a shell.
var inQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

// credentialOf is how a call says who asks: by the first way that the operation takes, as a header or in the query.
func (r *reader) credentialOf(op *huma.Operation) (header, query string) {
	ways := op.Security
	if ways == nil {
		ways = r.document.Security
	}
	if len(ways) == 0 || r.document.Components == nil {
		return "", ""
	}
	for _, name := range slices.Sorted(maps.Keys(ways[0])) {
		if s := r.document.Components.SecuritySchemes[name]; s != nil && s.In == "query" {
			return "", url.QueryEscape(s.Name) + "=" + tokenVariable
		} else if s != nil {
			return credential(s, tokenVariable), ""
		}
	}
	return "", ""
}

// credential is the header that carries a secret. A key in a header may have a word before it, which its scheme gives
// as x-prefix.
func credential(s *huma.SecurityScheme, secret string) string {
	switch {
	case s.In == "query":
		return "?" + s.Name + "=" + secret
	case s.Type == "apiKey":
		prefix, _ := s.Extensions["x-prefix"].(string)
		return s.Name + ": " + strings.TrimSpace(prefix+" "+secret)
	case strings.EqualFold(s.Scheme, "basic"):
		return "Authorization: Basic " + secret
	}
	return "Authorization: Bearer " + secret
}

// parameterExample is a value for a parameter: an example, or its name in capitals, which asks to be replaced.
func (r *reader) parameterExample(p *huma.Param) string {
	value := p.Example
	if value == nil && p.Schema != nil {
		if _, s := r.resolve(p.Schema); len(s.Examples) > 0 {
			value = s.Examples[0]
		}
	}
	if value == nil {
		return strings.ToUpper(p.Name)
	}
	return fmt.Sprint(value)
}

// example is a value that a schema allows: its own example, or what is required with examples of its parts.
func (r *reader) example(s *huma.Schema, around []*huma.Schema) any {
	if s != nil && s.Ref != "" && len(s.Examples) > 0 {
		return s.Examples[0]
	}
	_, s = r.resolve(s)
	switch {
	case s == nil || slices.Contains(around, s):
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	around = append(slices.Clone(around), s)
	switch s.Type {
	case huma.TypeArray:
		if one := r.example(s.Items, around); one != nil {
			return []any{one}
		}
		return []any{}
	case huma.TypeString:
		return textExample(s)
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeBoolean:
		return true
	}
	return r.objectExample(s, around)
}

// objectExample has the fields that are required; where none is, those that can be shown.
func (r *reader) objectExample(s *huma.Schema, around []*huma.Schema) any {
	object := map[string]any{}
	for name, p := range s.Properties {
		if len(s.Required) > 0 && !slices.Contains(s.Required, name) {
			continue
		}
		if value := r.example(p, around); value != nil {
			object[name] = value
		}
	}
	for i, part := range parts(s) {
		if i > 0 && len(s.AllOf) == 0 {
			break // the first of those of which one is enough
		}
		if more, ok := r.example(part, around).(map[string]any); ok {
			maps.Copy(object, more)
		}
	}
	return object
}

func textExample(s *huma.Schema) string {
	switch s.Format {
	case "date-time":
		return "2027-01-15T06:00:00Z"
	case "date":
		return "2027-01-15"
	case "uri":
		return "https://example.com/"
	case "email":
		return "ada@example.com"
	}
	return cmp.Or(s.Title, "text")
}

// jsonText is a value as JSON has it, a text without its quotes.
func jsonText(v any) string {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	text := strings.TrimSpace(b.String())
	var plain string
	if json.Unmarshal([]byte(text), &plain) == nil && text != "null" {
		return plain
	}
	return text
}

// indented is a value as JSON on lines.
func indented(v any) string {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("  ", "  ")
	if err := out.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}
