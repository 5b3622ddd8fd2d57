package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// piece is a part of a type's name; one that names a schema links to it.
type piece struct{ Text, Link string }

// fieldView is a field of an object, a parameter or a header.
type fieldView struct {
	Name, Where          string
	Type                 []piece
	Required, Deprecated bool
	About                []block
	Allowed              []string
	Facts                []string
	// Of names the object whose fields stand in Fields. It is empty for a simple value, and Fields is for an object that
	// is being described around this one.
	Of     string
	Fields []fieldView
}

// resolve follows references to the schema itself. One that leads nowhere is noted, and read as anything.
func (r *reader) resolve(s *huma.Schema) (name string, _ *huma.Schema) {
	for range 16 { // references in a circle name nothing
		if s == nil || s.Ref == "" {
			return name, s
		}
		name = s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		var to *huma.Schema
		if r.document.Components != nil && r.document.Components.Schemas != nil {
			to = r.document.Components.Schemas.Map()[name]
		}
		if to == nil {
			r.missing = append(r.missing, s.Ref)
			return name, &huma.Schema{}
		}
		s = to
	}
	return name, &huma.Schema{}
}

// typeOf is the type of a schema in words.
func (r *reader) typeOf(s *huma.Schema) []piece {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		name, _ := r.resolve(s)
		return []piece{{name, "#" + schemaID(name)}}
	}
	var pieces []piece
	switch values, isMap := s.AdditionalProperties.(*huma.Schema); {
	case s.Type == huma.TypeArray:
		pieces = append([]piece{{Text: "list of "}}, r.typeOf(cmp.Or(s.Items, &huma.Schema{}))...)
	case isMap:
		pieces = append([]piece{{Text: "map of string to "}}, r.typeOf(values)...)
	case len(parts(s)) > 0:
		joint := " or "
		if len(s.AllOf) > 0 {
			joint = " and "
		}
		for i, part := range parts(s) {
			if i > 0 {
				pieces = append(pieces, piece{Text: joint})
			}
			pieces = append(pieces, r.typeOf(part)...)
		}
	case s.Format != "":
		pieces = []piece{{Text: cmp.Or(s.Type, "any") + " (" + s.Format + ")"}}
	default:
		pieces = []piece{{Text: cmp.Or(s.Type, "any")}}
	}
	if s.Nullable {
		pieces = append(pieces, piece{Text: " or null"})
	}
	return pieces
}

// parts are the schemas that one is put together from, or one of which it is.
func parts(s *huma.Schema) []*huma.Schema { return slices.Concat(s.AllOf, s.OneOf, s.AnyOf) }

// inside finds the object within lists and maps of it, whose fields a reader has to know.
func (r *reader) inside(s *huma.Schema) (string, *huma.Schema) {
	name, s := r.resolve(s)
	for range 16 {
		switch values, isMap := valuesOf(s); {
		case s == nil:
			return "", nil
		case s.Type == huma.TypeArray && s.Items != nil:
			name, s = r.resolve(s.Items)
		case isMap:
			name, s = r.resolve(values)
		default:
			return name, s
		}
	}
	return name, s
}

func valuesOf(s *huma.Schema) (*huma.Schema, bool) {
	if s == nil || len(s.Properties) > 0 {
		return nil, false
	}
	values, ok := s.AdditionalProperties.(*huma.Schema)
	return values, ok
}

// flat lists the fields of a schema itself, those of its parts with them.
func (r *reader) flat(s *huma.Schema) []fieldView { return r.list(s, nil, false) }

// fields lists the fields of a schema and of what is in them. The schemas around are those that are being described:
// one of them is not described again within itself.
func (r *reader) fields(s *huma.Schema, around []string) []fieldView { return r.list(s, around, true) }

func (r *reader) list(s *huma.Schema, around []string, deep bool) []fieldView {
	name, s := r.inside(s)
	if s == nil || name != "" && slices.Contains(around, name) {
		return nil
	}
	if name != "" {
		around = append(slices.Clone(around), name)
	}
	var views []fieldView
	names := slices.Sorted(maps.Keys(s.Properties))
	slices.SortStableFunc(names, func(a, b string) int { // what is required comes first
		return before(slices.Contains(s.Required, b)) - before(slices.Contains(s.Required, a))
	})
	for _, name := range names {
		view := r.simple(name, s.Properties[name])
		if deep {
			view = r.field(name, s.Properties[name], around)
		}
		view.Required = slices.Contains(s.Required, name)
		views = append(views, view)
	}
	for _, part := range parts(s) {
		for _, view := range r.list(part, around, deep) {
			if !slices.ContainsFunc(views, func(v fieldView) bool { return v.Name == view.Name }) {
				views = append(views, view)
			}
		}
	}
	return views
}

func before(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// field describes a value and what is in it.
func (r *reader) field(name string, s *huma.Schema, around []string) fieldView {
	view := r.simple(name, s)
	if of, object := r.inside(s); object != nil && (len(object.Properties) > 0 || len(parts(object)) > 0) {
		view.Of, view.Fields = cmp.Or(of, name), r.fields(s, around)
	}
	return view
}

// simple describes a value by itself.
func (r *reader) simple(name string, s *huma.Schema) fieldView {
	if s == nil {
		s = &huma.Schema{}
	}
	_, to := r.resolve(s)
	return fieldView{
		Name: name, Type: r.typeOf(s), About: asSentence(readText(cmp.Or(s.Description, to.Description))), Allowed: r.allowed(s), Facts: facts(to),
		Deprecated: s.Deprecated || to.Deprecated,
	}
}

// allowed lists the values that may be given, also within a list or a map.
func (r *reader) allowed(s *huma.Schema) []string {
	_, s = r.inside(s)
	if s == nil {
		return nil
	}
	var texts []string
	for _, v := range s.Enum {
		texts = append(texts, jsonText(v))
	}
	return texts
}

// facts are the bounds of a value, in words.
func facts(s *huma.Schema) []string {
	var all []string
	number := func(words string, bound *float64) {
		if bound != nil {
			all = append(all, words+" "+strconv.FormatFloat(*bound, 'f', -1, 64))
		}
	}
	count := func(words string, bound *int, what string) {
		if bound != nil {
			all = append(all, fmt.Sprintf("%s %d %s", words, *bound, what))
		}
	}
	if s.Default != nil {
		all = append(all, jsonText(s.Default)+" when left out")
	}
	number("at least", s.Minimum)
	number("more than", s.ExclusiveMinimum)
	number("at most", s.Maximum)
	number("less than", s.ExclusiveMaximum)
	count("at least", s.MinLength, "characters")
	count("at most", s.MaxLength, "characters")
	count("at least", s.MinItems, "entries")
	count("at most", s.MaxItems, "entries")
	if s.Pattern != "" {
		all = append(all, "matches "+s.Pattern)
	}
	if len(s.Examples) > 0 && s.Type != huma.TypeObject {
		texts := make([]string, len(s.Examples))
		for i, example := range s.Examples {
			texts[i] = jsonText(example)
		}
		all = append(all, "for example "+strings.Join(texts, ", "))
	}
	return all
}
