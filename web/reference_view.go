package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// referenceView is what the page of a document shows.
type referenceView struct {
	Title, Version string
	Path, Raw      string
	About          []block
	Access         []accessView
	Tags           []tagView
	Schemas        []schemaView
}

// listedReference is a reference in the list of them.
type listedReference struct {
	Title, Address, Raw string
	About               []block
	Operations          int
}

// accessView is a way to say who asks.
type accessView struct {
	Kind, Header string
	About        []block
}

// tagView is the operations of one subject.
type tagView struct {
	Name, ID   string
	About      []block
	Operations []operationView
}

// operationView is one operation.
type operationView struct {
	ID, Method, Path string
	Summary          string
	About            []block
	Scope            string
	Deprecated       bool
	Parameters       []fieldView
	// Body is what a request carries: its type, whether it must, and its fields.
	Body         []piece
	BodyRequired bool
	BodyAbout    []block
	BodyFields   []fieldView
	Answers      []answerView
	Example      string
}

// answerView is one answer of an operation.
type answerView struct {
	Status, Media string
	Good          bool
	About         []block
	Type          []piece
	Headers       []fieldView
}

// schemaView is a schema that has a name.
type schemaView struct {
	Name, ID string
	Type     []piece
	About    []block
	Allowed  []string
	Facts    []string
	Fields   []fieldView
}

// reader makes views of a document, and notes what it refers to in vain.
type reader struct {
	document *huma.OpenAPI
	server   string
	missing  []string
}

// viewReference reads a document whole.
func viewReference(a apiDocument) (referenceView, error) {
	r := &reader{document: a.openapi}
	if len(a.openapi.Servers) > 0 {
		r.server = strings.TrimSuffix(a.openapi.Servers[0].URL, "/")
	}
	view := referenceView{
		Title: a.title, Version: a.openapi.Info.Version, Path: a.address(), Raw: a.raw, About: readText(a.openapi.Info.Description),
		Access: r.access(), Tags: r.tags(), Schemas: r.schemas(),
	}
	if len(r.missing) > 0 {
		return view, fmt.Errorf("the OpenAPI document %q refers to what it does not have: %s", a.title, strings.Join(r.missing, ", "))
	}
	return view, nil
}

// operationsOf are the operations of a path in the order in which people think of them.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Head, item.Options, item.Trace}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

func countOperations(document *huma.OpenAPI) int {
	n := 0
	for _, item := range document.Paths {
		n += len(operationsOf(item))
	}
	return n
}

// tags gathers the operations under the tags of the document, in their order; those that the document does not
// introduce follow by name. An operation stands under its first tag.
func (r *reader) tags() []tagView {
	var views []tagView
	at := map[string]int{}
	add := func(name, about string) {
		if _, ok := at[name]; !ok {
			at[name] = len(views)
			views = append(views, tagView{Name: name, ID: "tag-" + idOf(name), About: readText(about)})
		}
	}
	for _, tag := range r.document.Tags {
		add(tag.Name, tag.Description)
	}
	for _, path := range slices.Sorted(maps.Keys(r.document.Paths)) {
		for _, op := range operationsOf(r.document.Paths[path]) {
			tag := "operations"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			add(tag, "")
			views[at[tag]].Operations = append(views[at[tag]].Operations, r.operation(path, op))
		}
	}
	return slices.DeleteFunc(views, func(v tagView) bool { return len(v.Operations) == 0 })
}

func (r *reader) operation(path string, op *huma.Operation) operationView {
	scope, _ := op.Extensions["x-scope"].(string)
	view := operationView{
		ID: cmp.Or(op.OperationID, idOf(op.Method+path)), Method: op.Method, Path: r.server + path, Scope: scope, Deprecated: op.Deprecated,
		About: readText(op.Description), Answers: r.answers(op), Example: r.curl(path, op),
	}
	view.Summary = cmp.Or(op.Summary, view.ID)
	for _, p := range op.Parameters {
		view.Parameters = append(view.Parameters, r.parameter(p.Name, p, " in the "+p.In))
	}
	if op.RequestBody != nil {
		_, media := mediaOf(op.RequestBody.Content)
		view.BodyRequired, view.BodyAbout = op.RequestBody.Required, readText(op.RequestBody.Description)
		view.Body, view.BodyFields = r.typeOf(media.Schema), r.fields(media.Schema, nil)
	}
	return view
}

// parameter describes what goes beside the body; where says in words where.
func (r *reader) parameter(name string, p *huma.Param, where string) fieldView {
	view := r.field(name, p.Schema, nil)
	view.Required, view.Deprecated, view.Where = p.Required, p.Deprecated, where
	if p.Description != "" {
		view.About = asSentence(readText(p.Description))
	}
	if p.Example != nil {
		view.Facts = append(view.Facts, "for example "+jsonText(p.Example))
	}
	return view
}

// answers are those of success first, by status, and then those that say what went wrong.
func (r *reader) answers(op *huma.Operation) []answerView {
	var views []answerView
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		answer := op.Responses[status]
		kind, media := mediaOf(answer.Content)
		view := answerView{
			Status: status, Good: strings.HasPrefix(status, "2"), About: readText(answer.Description), Media: kind, Type: r.typeOf(media.Schema),
		}
		if status == "default" {
			view.Status = "else"
		}
		for _, name := range slices.Sorted(maps.Keys(answer.Headers)) {
			view.Headers = append(view.Headers, r.parameter(name, answer.Headers[name], ", a header"))
		}
		views = append(views, view)
	}
	return views
}

// mediaOf is the content that is shown: JSON where there is some.
func mediaOf(content map[string]*huma.MediaType) (string, *huma.MediaType) {
	kinds := slices.Sorted(maps.Keys(content))
	if i := slices.Index(kinds, "application/json"); i > 0 {
		kinds = kinds[i:]
	}
	if len(kinds) == 0 {
		return "", &huma.MediaType{}
	}
	return kinds[0], content[kinds[0]]
}

// access lists the ways to say who asks.
func (r *reader) access() []accessView {
	if r.document.Components == nil {
		return nil
	}
	schemes := r.document.Components.SecuritySchemes
	var views []accessView
	for _, name := range slices.Sorted(maps.Keys(schemes)) {
		s := schemes[name]
		kind := s.Type
		if s.Type == "apiKey" {
			kind = "key in the " + s.In
		} else if s.Scheme != "" {
			kind = s.Type + " " + s.Scheme
		}
		views = append(views, accessView{Kind: kind, Header: credential(s, cmp.Or(s.BearerFormat, "KEY")), About: readText(s.Description)})
	}
	return views
}

func (r *reader) schemas() []schemaView {
	if r.document.Components == nil || r.document.Components.Schemas == nil {
		return nil
	}
	all := r.document.Components.Schemas.Map()
	var views []schemaView
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		view := schemaView{Name: name, ID: schemaID(name), About: readText(s.Description), Fields: r.flat(s), Allowed: r.allowed(s), Facts: facts(s)}
		if len(view.Fields) == 0 {
			view.Type = r.typeOf(s)
		}
		views = append(views, view)
	}
	return views
}

func schemaID(name string) string { return "schema-" + idOf(name) }

// idOf makes a text fit for an id and a link: what is neither letter nor digit becomes a hyphen.
func idOf(text string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' {
			return c
		}
		return '-'
	}, text), "-")
}

// tone is the colour of a method.
func tone(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return "ok"
	case http.MethodDelete:
		return "mj"
	case http.MethodPut, http.MethodPatch:
		return "dg"
	}
	return "mt"
}
