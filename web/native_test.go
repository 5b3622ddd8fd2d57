package web

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"example.org/interlude/access"
	"example.org/interlude/api"
)

var update = flag.Bool("update", false, "write the OpenAPI document anew")

// document is the OpenAPI document as it is served.
func document(t *testing.T) []byte {
	t.Helper()
	answer, text := newHouse(t).ask(http.MethodGet, api.Prefix+api.PathOpenAPI, "", "")
	if got, want := answer.Header.Get("Content-Type"), "application/openapi+json"; got != want {
		t.Errorf("got type %q, want %q", got, want)
	}
	return []byte(text)
}

func TestTheOpenAPIDocumentIsCurrent(t *testing.T) {
	name := filepath.Join("..", "docs", "reference", "openapi.json")
	text := append(document(t), '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != string(text) {
		t.Errorf("%s is not what the program serves; renew it with go generate ./web", name)
	}
}

func TestTheOpenAPIDocumentHoldsTogether(t *testing.T) {
	var tree map[string]any
	if err := json.Unmarshal(document(t), &tree); err != nil {
		t.Fatal(err)
	}
	if got := tree["openapi"]; got != "3.1.0" {
		t.Errorf("got OpenAPI %v, want 3.1.0", got)
	}
	schemas := tree["components"].(map[string]any)["schemas"].(map[string]any)
	used := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name, found := strings.CutPrefix(ref, "#/components/schemas/")
				if used[name] = true; !found || schemas[name] == nil {
					t.Errorf("%s refers to %s, which is not there", at, ref)
				}
			}
			for name, inner := range v {
				walk(at+"/"+name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at+"/…", inner)
			}
		}
	}
	walk("", tree)
	for name := range schemas {
		if !used[name] {
			t.Errorf("nothing refers to the schema %s", name)
		}
	}
}

// operations are all that huma has registered.
func operations(t *testing.T) []*huma.Operation {
	t.Helper()
	d := newHouse(t).door
	n := &native{door: &door{Server: d.Server, mux: http.NewServeMux(), keys: d.keys, metrics: d.metrics}}
	n.huma = newHuma(n.door.mux)
	n.routes()
	var all []*huma.Operation
	for _, item := range n.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch, item.Head, item.Options, item.Trace} {
			if op != nil {
				all = append(all, op)
			}
		}
	}
	return all
}

func TestEveryOperationDeclaresItsScope(t *testing.T) {
	all := operations(t)
	if len(all) < 25 {
		t.Fatalf("got %d operations, want all of them", len(all))
	}
	for _, op := range all {
		scope, _ := op.Metadata[scopeKey].(access.Scope)
		if _, err := access.ParseScope(string(scope)); err != nil {
			t.Errorf("%s %s: %v", op.Method, op.Path, err)
		}
		if len(op.Security) != 1 || op.Security[0]["token"] == nil {
			t.Errorf("%s %s: the document does not say that it needs a token", op.Method, op.Path)
		}
		if op.Summary == "" || len(op.Tags) != 1 {
			t.Errorf("%s %s: no summary or no tag", op.Method, op.Path)
		}
		if op.Method != http.MethodGet && scope == access.Read {
			t.Errorf("%s %s: a write with the scope to read", op.Method, op.Path)
		}
	}
}

func TestEveryOperationRefusesThoseWhoMayNot(t *testing.T) {
	h := newHouse(t).furnish()
	narrower := map[access.Scope]access.Scope{access.Operate: access.Read, access.Administer: access.Operate, access.Gate: access.Operate}
	fill := strings.NewReplacer("{ref}", "some", "{id}", "some", "{name}", "some")
	for _, op := range operations(t) {
		path := fill.Replace(op.Path)
		if got := h.exchange(op.Method, path, "", ""); !strings.HasPrefix(got, "401 unauthorized: no token was sent") {
			t.Errorf("%s %s without a token: got %s", op.Method, path, got)
		}
		needed := op.Metadata[scopeKey].(access.Scope)
		if less, ok := narrower[needed]; ok {
			if got := h.exchange(op.Method, path, h.tokens[less], ""); !strings.HasPrefix(got, "403 forbidden: "+op.OperationID+" needs a token of scope "+string(needed)) {
				t.Errorf("%s %s with scope %s: got %s", op.Method, path, less, got)
			}
		}
		if got := h.exchange(op.Method, path, h.tokens[needed], "", "Accept", "application/json"); strings.HasPrefix(got, "401") || strings.HasPrefix(got, "403") || strings.HasPrefix(got, "5") {
			t.Errorf("%s %s with scope %s: got %s", op.Method, path, needed, got)
		}
	}
}

func TestPageDocumentsNeedAnAdministrator(t *testing.T) {
	h := newHouse(t)
	got := h.exchange(http.MethodPost, "/apply", h.tokens[access.Operate], `{"documents": [{"page": {"page": {"name": "Mine"}}}]}`)
	if want := `403 forbidden: applying a page document needs a token of scope administer; "operate token" has operate`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
