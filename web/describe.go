package web

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:generate go test -run=^TestTheFieldCommentsAreCurrent$ . -update

// commentsText is the doc comments of the types that travel and of their fields, as packages status and api have them.
// Names of fields within a comment are those of the wire.
//
//go:embed comments.json
var commentsText []byte

// comments reads the table. Its keys are "status.Window" for a type and "status.Window.start" for a field.
func comments() map[string]string {
	table := map[string]string{}
	if err := json.Unmarshal(commentsText, &table); err != nil {
		panic("comments.json cannot be read: " + err.Error()) // no input reaches here: a test would see it
	}
	return table
}

// kin are the types whose fields mean what those of the same name in another type do: what a document asks for is what
// the thing then has.
var kin = map[string]string{
	"status.PageFields":          "status.Page",
	"status.ComponentNode":       "status.Component",
	"status.MaintenanceDocument": "status.Maintenance",
	"status.IncidentDocument":    "status.Incident",
	"status.IncidentDraft":       "status.IncidentDocument",
	"status.NamedPost":           "status.Post",
	"api.Occurrence":             "status.Maintenance",
	"status.Report":              "status.Maintenance",
	"status.Entry":               "status.Update",
}

// named are things by which the examples call what a path names.
var named = map[string]string{
	"components": "Message delivery / Email", "incidents": "email-late", "maintenances": "database-upgrade",
	"reports": "database-upgrade", "series": "database-upgrade",
}

// explainParameters gives each parameter in a path an example, and makes lists what they are here: never null.
func explainParameters(document *huma.OpenAPI) {
	for path, item := range document.Paths {
		subject, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		for _, op := range operationsOf(item) {
			for _, p := range op.Parameters {
				neverNull(p.Schema)
				if example := named[subject]; p.In == "path" && p.Name == "ref" && example != "" {
					p.Example = example
				}
			}
		}
	}
}

// describer gives the schemas of a document the comments of their types.
type describer struct {
	registry huma.Registry
	comments map[string]string
}

// explain adds what the comments say wherever the document says nothing: a doc tag, which is written for callers, stands.
func explain(document *huma.OpenAPI) {
	explainParameters(document)
	d := describer{registry: document.Components.Schemas, comments: comments()}
	for name, s := range d.registry.Map() {
		t := d.registry.TypeFromRef(schemaPrefix + name)
		if t == nil {
			continue
		}
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if s.Description == "" {
			s.Description = d.comments[typeName(t)]
		}
		if whole, ok := wholeExamples[typeName(t)]; ok {
			s.Examples = []any{whole}
		}
		d.fields(s, t)
	}
}

// fields describes the properties of a schema that come from a type or from what is embedded in it.
func (d describer) fields(s *huma.Schema, t reflect.Type) {
	if t.Kind() != reflect.Struct {
		return
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			d.fields(s, f.Type)
			continue
		}
		if p := s.Properties[name]; p != nil && p.Description == "" {
			p.Description = d.field(typeName(t), name)
		}
	}
}

// field is what is known of a field: our words for it or its comment, those of its kin, or the words that hold for
// every field of its name.
func (d describer) field(of, name string) string {
	for at := of; at != ""; at = kin[at] {
		if text := plainFields[at+"."+name]; text != "" {
			return text
		}
		if text := d.comments[at+"."+name]; text != "" {
			return text
		}
	}
	return plainFields[name]
}

// typeName is "status.Window"; what a generic type holds is left out.
func typeName(t reflect.Type) string {
	path := t.PkgPath()
	name, _, _ := strings.Cut(t.Name(), "[")
	return path[strings.LastIndexByte(path, '/')+1:] + "." + name
}
