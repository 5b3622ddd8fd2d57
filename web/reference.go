package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/danielgtaylor/huma/v2"

	"example.org/interlude/snapshot"
)

// The references are pages for people, one for each OpenAPI document, and a list of them. They are made once, from
// the documents alone, and only written out afterwards: no script, no request for anything else, nothing that a token
// would be needed for.

//go:embed assets/reference.css
var referenceStyle string

// referenceStyleElement is the style sheet as each page has it. What stands between its tags is what the policy names by hash.
var referenceStyleElement = "<style>" + referenceStyle + "</style>"

// pathReferences is where the list of references is; each of them stands below.
const pathReferences = "/api"

// apiDocument is an OpenAPI document that people can read.
type apiDocument struct {
	// path is the last part of the address of its page, as in /api/native.
	path string
	// title is the page's. What the document itself is called may be the product's name.
	title string
	// raw is where the document is served to programs.
	raw     string
	openapi *huma.OpenAPI
}

// address is where its page is.
func (a apiDocument) address() string { return pathReferences + "/" + a.path }

// openReferences puts a page for each document on the mux, and the list of them. A page is made when it is first asked
// for; the documents must not change any more.
func (d *door) openReferences(documents ...apiDocument) {
	policy := referencePolicy()
	put := func(path string, render func() ([]byte, error)) {
		page := sync.OnceValues(func() (*snapshot.Snapshot, error) {
			html, err := render()
			return snapshot.New(html, "text/html; charset=utf-8"), err
		})
		d.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			shown, err := page()
			if err != nil {
				d.refuse(w, r, err)
				return
			}
			w.Header().Set("Content-Security-Policy", policy)
			shown.Serve(w, r, http.StatusOK)
		})
	}
	for _, document := range documents {
		put(document.address(), func() ([]byte, error) { return reference(document) })
	}
	put(pathReferences, func() ([]byte, error) { return references(documents) })
}

// reference makes the page of a document. It fails where the document refers to what it does not have.
func reference(document apiDocument) ([]byte, error) {
	view, err := viewReference(document)
	if err != nil {
		return nil, err
	}
	return htmlOf(referencePage(view))
}

// references makes the list of the pages.
func references(documents []apiDocument) ([]byte, error) {
	list := make([]listedReference, len(documents))
	for i, a := range documents {
		list[i] = listedReference{Title: a.title, Address: a.address(), Raw: a.raw, Operations: countOperations(a.openapi)}
		if intro := readText(a.openapi.Info.Description); len(intro) > 0 {
			list[i].About = intro[:1]
		}
	}
	return htmlOf(referencesPage(list))
}

// referencePolicy allows the one style sheet by its hash, and an icon within the page.
func referencePolicy() string {
	sum := sha256.Sum256([]byte(referenceStyle))
	return strings.Join([]string{
		"default-src 'none'", "img-src data:", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")
}

func htmlOf(c templ.Component) ([]byte, error) {
	var b bytes.Buffer
	if err := c.Render(unbound{}, &b); err != nil {
		return nil, fmt.Errorf("render the reference: %w", err)
	}
	return b.Bytes(), nil
}

// unbound is a context that never ends and holds nothing: a reference is the same for everybody.
type unbound struct{}

// Deadline is none.
func (unbound) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done never comes.
func (unbound) Done() <-chan struct{} { return nil }

// Err is nil.
func (unbound) Err() error { return nil }

// Value is nil.
func (unbound) Value(any) any { return nil }
