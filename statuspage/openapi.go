package statuspage

import (
	"cmp"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"example.org/interlude/access"
)

//go:generate go test -run=^TestTheDescriptionIsCurrent$ . -update

// about is what a reader of the description is told first.
const about = `The management API of Atlassian Statuspage, version 1, as Interlude serves it: programs that speak it work
when their base address is changed.

Every request carries a token of this server: "Authorization: OAuth itl_…", "Authorization: Bearer itl_…", or the parameter
api_key. Its scope is one of read, operate, administer; each covers the ones before it.

A body is JSON, whether it is called so or not, or a form with Rails' brackets, such as incident[name]=…. What is left out, null or an empty text is not
given. Fields that Statuspage does not know are passed over. Each path may end in .json, and PUT does what PATCH does. Times in answers are UTC.

What goes wrong is answered as {"error": …}: a sentence, or a list of what is wrong with the fields.`

// Describe is the OpenAPI document of the management API, made from the table of its operations.
func Describe() *huma.OpenAPI {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	document := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Statuspage-compatible API", Version: "v1", Description: about, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Servers: []*huma.Server{{URL: strings.TrimSuffix(Prefix, "/")}},
		Paths:   map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"header": {Type: "apiKey", In: "header", Name: "Authorization", Description: "OAuth itl_… or Bearer itl_…; interlude token create makes a token.", Extensions: map[string]any{"x-prefix": "OAuth"}},
				"query":  {Type: "apiKey", In: "query", Name: "api_key", Description: "The token alone. Addresses end up in logs: prefer the header."},
			},
		},
	}
	tags := map[string]bool{}
	for _, o := range routes() {
		item := document.Paths[o.path]
		if item == nil {
			item = &huma.PathItem{}
			document.Paths[o.path] = item
		}
		op := o.operation(registry)
		if !tags[o.tag] {
			tags[o.tag] = true
			document.Tags = append(document.Tags, &huma.Tag{Name: o.tag})
		}
		switch o.method {
		case http.MethodGet:
			item.Get = op
		case http.MethodPost:
			item.Post = op
		case http.MethodPatch:
			item.Patch = op
		case http.MethodPut:
			item.Put = op
		case http.MethodDelete:
			item.Delete = op
		}
	}
	return document
}

func (o route) operation(registry huma.Registry) *huma.Operation {
	op := &huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Summary: o.summary, Description: o.about, Tags: []string{o.tag},
		Security:   []map[string][]string{{"header": {}}, {"query": {}}},
		Extensions: map[string]any{"x-scope": string(cmp.Or(o.scope, access.Read))},
		Responses:  map[string]*huma.Response{},
	}
	for part := range strings.SplitSeq(o.path, "/") {
		if name, isParameter := strings.CutPrefix(part, "{"); isParameter {
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	for _, p := range o.query {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Description: p.about, Schema: &huma.Schema{Type: p.kind}})
	}
	if o.body != nil {
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{
			"application/json": {Schema: bodySchema(registry, o), Example: o.example()}, "application/x-www-form-urlencoded": {Schema: bodySchema(registry, o)},
		}}
	}
	success := &huma.Response{Description: "Done"}
	code := cmp.Or(o.code, http.StatusOK)
	if o.answer != nil {
		success.Content = map[string]*huma.MediaType{"application/json": {Schema: registry.Schema(reflect.TypeOf(o.answer), true, o.id)}}
	} else {
		code = cmp.Or(o.code, http.StatusNoContent)
	}
	op.Responses[strconv.Itoa(code)] = success
	op.Responses["default"] = &huma.Response{
		Description: "What went wrong",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: registry.Schema(reflect.TypeFor[ErrorBody](), true, "Error")}},
	}
	return op
}

// example is a body made of the examples that its fields give, nil when they give none.
func (o route) example() any {
	if o.sample != nil {
		return o.sample
	}
	object := fields{}
	for field := range reflect.TypeOf(o.body).Fields() {
		text, given := field.Tag.Lookup("example")
		if !given {
			continue
		}
		var value any
		if json.Unmarshal([]byte(text), &value) != nil { // a plain text
			value = text
		}
		object[field.Tag.Get("json")] = value
	}
	switch {
	case len(object) == 0:
		return nil
	case o.wrapped != "":
		return fields{o.wrapped: object}
	}
	return object
}

// ErrorBody is the answer of what did not succeed.
type ErrorBody struct {
	Error   any    `json:"error" doc:"A sentence, or a list of what is wrong with the fields"`
	Message string `json:"message" doc:"The same in one text"`
}

// schemaName names a type in the description.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	return strings.TrimPrefix(strings.ToUpper(name[:1])+name[1:], "Managed")
}

// bodySchema is the schema of a body: nothing in it is required of every request, and what cannot be honoured says so.
func bodySchema(registry huma.Registry, o route) *huma.Schema {
	kind := reflect.TypeOf(o.body)
	ref := registry.Schema(kind, true, o.id)
	s := ref
	if ref.Ref != "" {
		s = registry.SchemaFromRef(ref.Ref)
	}
	s.Required, s.AdditionalProperties = nil, nil
	for field := range kind.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if reason, refused := field.Tag.Lookup("cannot"); refused && s.Properties[name] != nil {
			s.Properties[name].Description = "Cannot be honoured: " + reason + "."
		}
	}
	if o.wrapped == "" {
		return ref
	}
	return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{o.wrapped: ref}, Required: []string{o.wrapped}}
}

// Schema is an object of statuses by component id.
func (statuses) Schema(huma.Registry) *huma.Schema {
	word := &huma.Schema{Type: huma.TypeString}
	for _, condition := range conditionWords {
		word.Enum = append(word.Enum, condition)
	}
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: word}
}

// Schema is a calendar day.
func (day) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date", Examples: []any{"2027-01-15"}}
}
