package web

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

//go:generate go test -run=^TestTheOpenAPIDocumentIsCurrent$ . -update

// about is what a reader of the document is told first.
const about = `What the interlude command line, the gate and the runner say to a server, and what it answers.

Every request carries a token: "Authorization: Bearer itl_…". Its scope is one of read, operate, administer; each covers
the ones before it, and each operation says which it needs. The scope gate, which administer covers too, is for gates: it
reads the plan, tells what is in force and what was measured, and does nothing else. A maintenance or an incident is named by its id or by its key.

A body is a JSON object. A field that is not known is refused, with the nearest one that is. Times are RFC 3339 with a
zone, durations are texts such as 90s, 5m, 48h or 2d, and bodies of posts are Markdown.

Whatever goes wrong is answered as application/problem+json (RFC 9457), where code says for programs what detail says for
people. A field that is not required is left out of an answer where it is zero or empty. A thing that can change carries its version as ETag; a change with If-Match is refused with 412 when somebody
else was faster. Lists come in pages: next, where present, is the cursor of the following one.

A change with an Idempotency-Key is made once, however often the request is sent: a repetition within a day is answered as the
first one was, with the header Idempotency-Replayed. While that answer is not there, a repetition is refused with 409 and the
code repeated; a key that came with another request before, with 422 and the code key_reused. Keys belong to the token.`

// schemaPrefix is where the document keeps its schemas.
const schemaPrefix = "#/components/schemas/"

// describe begins the OpenAPI document.
func describe() *huma.OpenAPI {
	registry := huma.NewMapRegistry(schemaPrefix, schemaName)
	for from, to := range aliases {
		registry.RegisterTypeAlias(from, to)
	}
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Interlude", Version: "v1", Description: about, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Servers: []*huma.Server{{URL: api.Prefix}},
		Tags: []*huma.Tag{
			{Name: "documents", Description: "Make the server match documents."},
			{Name: "page", Description: "The page and its components."},
			{Name: "maintenances", Description: "Planned work, from its announcement to its report."},
			{Name: "incidents", Description: "Unplanned events."},
			{Name: "gates", Description: "What gates have to know, what is in force there, and what they measured."},
			{Name: "notices", Description: "What subscribers are told, to whom it goes, and how far it has come."},
			{Name: "subscribers", Description: "Who is told. Their addresses are personal data: no token of scope read sees them."},
			{Name: "administration", Description: "Tokens, the audit log, the server itself."},
		},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", BearerFormat: "itl_…", Description: "A token of the server; interlude token create makes one."},
			},
		},
	}
}

// schemaName names a type in the document. What a list holds comes first; a maintenance that serves as a pattern is
// not one that clients meet.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	switch {
	case t == reflect.TypeFor[status.Maintenance]():
		return "MaintenanceTemplate"
	case strings.HasPrefix(name, "List") && strings.HasPrefix(t.Name(), "List["):
		return strings.TrimPrefix(name, "List") + "List"
	}
	return name
}

// finish removes what huma brings along, makes lists what they are here (never null), and leaves answers room to grow:
// only what a request carries is closed to fields that are not listed.
func finish(document *huma.OpenAPI) {
	registry := document.Components.Schemas
	delete(registry.Map(), "ErrorModel")
	delete(registry.Map(), "ErrorDetail")
	asked := map[string]bool{}
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Put, item.Post} {
			if op != nil && op.RequestBody != nil {
				mark(registry, op.RequestBody.Content["application/json"].Schema, asked)
			}
		}
	}
	for name, s := range registry.Map() {
		neverNull(s)
		if !asked[name] {
			s.AdditionalProperties = nil
		}
	}
}

// mark notes the schemas that one refers to.
func mark(registry huma.Registry, s *huma.Schema, asked map[string]bool) {
	if s == nil {
		return
	}
	if name := strings.TrimPrefix(s.Ref, schemaPrefix); s.Ref != "" && !asked[name] {
		asked[name] = true
		mark(registry, registry.SchemaFromRef(s.Ref), asked)
	}
	mark(registry, s.Items, asked)
	for _, p := range s.Properties {
		mark(registry, p, asked)
	}
}

func neverNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	neverNull(s.Items)
	for _, p := range s.Properties {
		neverNull(p)
	}
}

// problemResponse is what every operation may answer instead.
func problemResponse(registry huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "A problem",
		Content: map[string]*huma.MediaType{
			api.ProblemType: {Schema: registry.Schema(reflect.TypeFor[api.Problem](), true, "Problem")},
		},
	}
}

// describeOperation says in the document what body an operation takes. huma hands the body over unread, so it would
// call it binary.
func (n *native) describeOperation(r route) {
	item := n.huma.OpenAPI().Paths[r.path]
	for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
		if op == nil || op.OperationID != r.id {
			continue
		}
		op.Extensions = map[string]any{"x-scope": string(r.scope)}
		describeHeaders(op, r)
		if r.stream {
			describeStream(op, n.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Plan](), true, "Plan"))
		}
		if r.body == nil {
			op.RequestBody = nil
			continue
		}
		op.RequestBody.Required = false // an empty body is told what it lacks, in our words
		schema := n.huma.OpenAPI().Components.Schemas.Schema(r.body, true, r.id)
		op.RequestBody.Content = map[string]*huma.MediaType{"application/json": {Schema: schema, Example: r.sample}}
	}
}

// aliases give the words of package status their allowed values in the document.
var aliases = map[reflect.Type]reflect.Type{
	reflect.TypeFor[status.Condition]():  reflect.TypeFor[conditionWord](),
	reflect.TypeFor[status.State]():      reflect.TypeFor[stateWord](),
	reflect.TypeFor[status.Mode]():       reflect.TypeFor[modeWord](),
	reflect.TypeFor[status.Experience](): reflect.TypeFor[experienceWord](),
	reflect.TypeFor[status.Kind]():       reflect.TypeFor[kindWord](),
	reflect.TypeFor[status.ActorKind]():  reflect.TypeFor[actorWord](),
	reflect.TypeFor[status.Action]():     reflect.TypeFor[actionWord](),
	reflect.TypeFor[status.Duration]():   reflect.TypeFor[durationText](),
	reflect.TypeFor[status.Date]():       reflect.TypeFor[dateText](),
}

type (
	conditionWord  string
	stateWord      string
	modeWord       string
	experienceWord string
	kindWord       string
	actorWord      string
	actionWord     string
	durationText   string
	dateText       string
)

func oneOf[T any](allowed ...T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, word := range allowed {
		s.Enum = append(s.Enum, word)
	}
	return s
}

// Schema lists the conditions.
func (conditionWord) Schema(huma.Registry) *huma.Schema { return oneOf(status.Conditions...) }

// Schema lists the states, of maintenances and then of incidents.
func (stateWord) Schema(huma.Registry) *huma.Schema {
	return oneOf(slices.Concat(status.MaintenanceStates, status.IncidentStates)...)
}

// Schema lists the modes.
func (modeWord) Schema(huma.Registry) *huma.Schema { return oneOf(status.Automatic, status.Manual) }

// Schema lists the sorts of promise.
func (experienceWord) Schema(huma.Registry) *huma.Schema { return oneOf(status.Experiences...) }

// Schema lists the kinds of subject.
func (kindWord) Schema(huma.Registry) *huma.Schema {
	return oneOf(status.KindPage, status.KindGroup, status.KindComponent, status.KindMaintenance, status.KindIncident, status.KindSeries)
}

// Schema lists the kinds of actor.
func (actorWord) Schema(huma.Registry) *huma.Schema {
	return oneOf(status.Person, status.Clock, status.Runner, status.Gate)
}

// Schema lists what a change does.
func (actionWord) Schema(huma.Registry) *huma.Schema {
	return oneOf(status.Create, status.Amend, status.Remove)
}

// Schema is a duration's form.
func (durationText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"90s", "5m", "48h", "2d"}}
}

// Schema is a day's form.
func (dateText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date", Examples: []any{"2027-01-15"}}
}
