package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/net/html"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// fragment is a piece of a page.
type fragment struct{ *html.Node }

func parsedPage(t *testing.T, text []byte) fragment {
	t.Helper()
	node, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return fragment{node}
}

// all finds the elements of a name or, after a dot, of a class.
func (p fragment) all(what string) []fragment {
	var found []fragment
	class, byClass := strings.CutPrefix(what, ".")
	for n := range p.Descendants() {
		one := fragment{n}
		if n.Type == html.ElementNode && (!byClass && n.Data == what || byClass && slices.Contains(strings.Fields(one.attr("class")), class)) {
			found = append(found, one)
		}
	}
	return found
}

func (p fragment) attr(name string) string {
	for _, a := range p.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (p fragment) text() string {
	var b strings.Builder
	for n := range p.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// first is the text of the first element of a kind, or nothing.
func (p fragment) first(what string) string {
	if found := p.all(what); len(found) > 0 {
		return found[0].text()
	}
	return ""
}

func (p fragment) withID(id string) []fragment {
	var found []fragment
	for n := range p.Descendants() {
		if one := (fragment{n}); n.Type == html.ElementNode && one.attr("id") == id {
			found = append(found, one)
		}
	}
	return found
}

// nativeDocument is the native API's document as the door has it.
func nativeDocument(t *testing.T) *huma.OpenAPI {
	t.Helper()
	d := newHouse(t).door
	n := &native{door: &door{Server: d.Server, mux: http.NewServeMux(), keys: d.keys, metrics: d.metrics}}
	n.huma = newHuma(n.door.mux)
	n.routes()
	finish(n.huma.OpenAPI())
	explain(n.huma.OpenAPI())
	return n.huma.OpenAPI()
}

func pageOf(t *testing.T, document *huma.OpenAPI) fragment {
	t.Helper()
	text, err := reference(apiDocument{path: "examined", title: "Examined API", raw: "/openapi.json", openapi: document})
	if err != nil {
		t.Fatal(err)
	}
	return parsedPage(t, text)
}

func TestTheReferenceHasEveryOperationOnceWithItsScope(t *testing.T) {
	document := nativeDocument(t)
	page := pageOf(t, document)
	n := 0
	for path, item := range document.Paths {
		for _, op := range operationsOf(item) {
			n++
			found := page.withID(op.OperationID)
			if len(found) != 1 {
				t.Errorf("%s: got it %d times, want 1", op.OperationID, len(found))
				continue
			}
			said := []string{found[0].first(".verb"), found[0].first(".path"), found[0].first(".scope"), found[0].first("h3")}
			if want := []string{op.Method, api.Prefix + path, op.Security[0]["token"][0], op.Summary}; !slices.Equal(said, want) {
				t.Errorf("%s: got %q, want %q", op.OperationID, said, want)
			}
			for status := range op.Responses {
				if status == "default" {
					status = "else"
				}
				if !slices.ContainsFunc(found[0].all(".answers")[0].all(".pill"), func(p fragment) bool { return p.text() == status }) {
					t.Errorf("%s: got no answer %s, want it", op.OperationID, status)
				}
			}
		}
	}
	if got := len(page.all(".op")); got != n || n < 25 {
		t.Errorf("got %d operations, want the %d of the document", got, n)
	}
}

func TestEveryLinkOfTheReferencesLeadsSomewhere(t *testing.T) {
	h := newHouse(t, func(s *Server) {
		s.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(w, r)
			}
		})
	})
	for _, path := range []string{"/api", "/api/native"} {
		answer, text := h.ask(http.MethodGet, path, "", "")
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d, want 200", path, answer.StatusCode)
		}
		page := parsedPage(t, []byte(text))
		for _, a := range page.all("a") {
			to := a.attr("href")
			if id, within := strings.CutPrefix(to, "#"); within {
				if got := len(page.withID(id)); got != 1 {
					t.Errorf("%s: got %d targets of %s, want 1", path, got, to)
				}
				continue
			}
			if answer, _ := h.ask(http.MethodGet, to, "", ""); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: got %d for the link to %s, want 200", path, answer.StatusCode, to)
			}
		}
		if answer, body := h.ask(http.MethodHead, path, "", ""); answer.StatusCode != http.StatusOK || body != "" {
			t.Errorf("HEAD %s: got %d with %d bytes, want 200 with none", path, answer.StatusCode, len(body))
		}
	}
}

func TestEachFieldOfTheReferenceHasItsTypeAndItsDescription(t *testing.T) {
	page := pageOf(t, nativeDocument(t))
	fields := page.all(".field")
	if len(fields) < 300 {
		t.Fatalf("got %d fields, want those of every request and schema", len(fields))
	}
	for _, f := range fields {
		if name, kind := f.first(".name"), f.first(".type"); name == "" || kind == "" || f.first(".text") == "" {
			t.Errorf("got the field %q of type %q described as %q, want all three", name, kind, f.first(".text"))
		}
	}
	op := page.withID("create-maintenance")[0]
	for _, want := range []string{"title string required", "window Window required", "start string (date-time) required", "begin string", "at_most string", "promises list of Promise"} {
		if !slices.ContainsFunc(op.all(".sig"), func(p fragment) bool { return p.text() == want }) {
			t.Errorf("got no field %q in the request of create-maintenance, want it", want)
		}
	}
	if got, want := op.first(".allowed"), "One of automatic manual"; got != want {
		t.Errorf("got the values %q, want %q", got, want)
	}
}

func TestTheExamplesAreWhatTheServerReads(t *testing.T) {
	for name, whole := range wholeExamples {
		body, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		var again error
		switch whole.(type) {
		case api.ApplyRequest:
			_, again = decode[api.ApplyRequest](body)
		case status.MaintenanceDocument:
			_, again = decode[status.MaintenanceDocument](body)
		case status.IncidentDraft:
			_, again = decode[status.IncidentDraft](body)
		case api.IncidentPost:
			_, again = decode[api.IncidentPost](body)
		case api.Act:
			_, again = decode[api.Act](body)
		}
		if again != nil {
			t.Errorf("%s: %v", name, again)
		}
		if got := typeName(reflect.TypeOf(whole)); got != name {
			t.Errorf("got an example of %s under %s, want it under its own name", got, name)
		}
	}
	page := pageOf(t, nativeDocument(t))
	want := `curl -X PUT \ "$INTERLUDE_SERVER/api/native/v1/components/Message%20delivery%20%2F%20Email" \ ` +
		`-H "Authorization: Bearer $INTERLUDE_TOKEN" \ -H "Content-Type: application/json" \ -d '{ "status": "degraded_performance" }'`
	if got := page.withID("set-component")[0].all(".shows")[0].first("pre"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// hostileDocument says things that would do something if any of them were taken for the page's own, and has a schema
// within itself.
func hostileDocument(text string) *huma.OpenAPI {
	registry := huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)
	registry.Map()["Tree"] = &huma.Schema{Type: huma.TypeObject, Description: text, Required: []string{"leaves", text}, Properties: map[string]*huma.Schema{
		"leaves": {Type: huma.TypeArray, Items: &huma.Schema{Ref: schemaPrefix + "Tree"}, Description: text},
		text:     {Type: huma.TypeString, Enum: []any{text}, Examples: []any{text}, Pattern: text},
	}}
	op := &huma.Operation{
		OperationID: "grow", Method: http.MethodPost, Summary: text, Description: "It's `" + text + "`\n\n- " + text + "\n\n```\n" + text + "\n```", Tags: []string{text},
		Parameters:  []*huma.Param{{Name: text, In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: schemaPrefix + "Tree"}}}},
	}
	return &huma.OpenAPI{
		Info: &huma.Info{Title: text, Description: text}, Components: &huma.Components{Schemas: registry},
		Paths: map[string]*huma.PathItem{"/trees/" + text: {Post: op}},
	}
}

func TestWhatADocumentSaysIsText(t *testing.T) {
	const text = `</style></title><script>alert('it')</script><img src=x onerror=alert(1)> "$(reboot)`
	page := pageOf(t, hostileDocument(text))
	if found := append(page.all("script"), page.all("img")...); len(found) > 0 {
		t.Errorf("got %d elements that a description made, want none", len(found))
	}
	op := page.withID("grow")[0]
	if got := op.first("h3"); got != text {
		t.Errorf("got the summary %q, want it as it was written: %q", got, text)
	}
	shown := op.all(".text")[0]
	for _, kind := range []string{"code", "li", "pre"} {
		if got := shown.first(kind); got != text {
			t.Errorf("got the %s %q, want %q", kind, got, text)
		}
	}
	command := op.all(".shows")[0].first("pre")
	if !strings.Contains(command, `\"\$(reboot)?`) || !strings.Contains(command, `alert('\''it'\'')`) {
		t.Errorf("got the command %s, want a shell to take nothing in it for its own", command)
	}
}

func TestASchemaWithinItselfIsDescribedOnce(t *testing.T) {
	op := pageOf(t, hostileDocument("words")).withID("grow")[0]
	var names []string
	for _, f := range op.all(".name") {
		names = append(names, f.text())
	}
	if want := []string{"words", "leaves", "words"}; !slices.Equal(names, want) {
		t.Errorf("got the fields %q, want %q", names, want)
	}
	if got, want := op.all(".sig")[1].text(), "leaves list of Tree required"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAReferenceToNothingIsRefused(t *testing.T) {
	document := hostileDocument("words")
	document.Paths["/trees/words"].Post.RequestBody.Content["application/json"].Schema.Ref = schemaPrefix + "Bush"
	_, err := reference(apiDocument{title: "Trees", openapi: document})
	if err == nil || !strings.Contains(err.Error(), `"Trees" refers to what it does not have: #/components/schemas/Bush`) {
		t.Errorf("got the error %v, want one that names the schema", err)
	}
}
