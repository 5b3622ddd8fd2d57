package statuspage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Bounds of what a request may carry.
const (
	largestBody  = 1 << 20
	deepestField = 16
	mostFields   = 10_000
)

// byteOrderMark stands before what some programs send.
var byteOrderMark = []byte("\ufeff")

// fields is a body as a tree: objects, lists of any, strings, booleans, json.Number, nil.
type fields = map[string]any

// readFields reads the body of a request and its query into one tree; the body counts where both have a name.
//
// Clients send JSON, JSON without saying so, and forms with Rails' brackets, also on GET. What looks like an object is
// JSON whatever it is called, unless it is called a form.
func readFields(r *http.Request) (fields, error) {
	tree := fields{}
	query, err := parseForm(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, largestBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &failure{code: http.StatusRequestEntityTooLarge, text: "The body may have 1 MiB at most"}
	case err != nil:
		return nil, badRequest("The body could not be read to its end")
	}
	if raw = bytes.TrimSpace(bytes.TrimPrefix(raw, byteOrderMark)); len(raw) > 0 {
		if tree, err = readBody(raw, r.Header.Get("Content-Type")); err != nil {
			return nil, err
		}
	}
	for name, value := range query {
		if _, given := tree[name]; !given {
			tree[name] = value
		}
	}
	return tree, nil
}

func readBody(raw []byte, contentType string) (fields, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return nil, badRequest("The Content-Type header cannot be read")
	}
	switch {
	case kind == "multipart/form-data":
		return parseMultipart(raw, parameters["boundary"])
	case kind == "application/x-www-form-urlencoded" && raw[0] != '{':
		return parseForm(string(raw))
	case raw[0] == '{':
		return parseJSON(raw)
	case kind == "" || kind == "text/plain":
		return parseForm(string(raw))
	}
	return nil, badRequest("The body must be a JSON object, or a form")
}

func parseJSON(raw []byte) (fields, error) {
	read := json.NewDecoder(bytes.NewReader(raw))
	read.UseNumber()
	var tree fields
	if err := read.Decode(&tree); err != nil {
		return nil, badRequest("The body is not a JSON object: " + err.Error())
	}
	if _, err := read.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("The body holds something after its JSON object")
	}
	if tooDeep(tree, deepestField) {
		return nil, badRequest("The body lies too deep: at most " + strconv.Itoa(deepestField) + " objects and lists within one another")
	}
	return tree, nil
}

// tooDeep reports whether more objects and lists lie within one another than are left.
func tooDeep(node any, left int) bool {
	switch v := node.(type) {
	case fields:
		for _, inner := range v {
			if left == 0 || tooDeep(inner, left-1) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if left == 0 || tooDeep(inner, left-1) {
				return true
			}
		}
	}
	return false
}

// parseMultipart reads a form with parts. Files have no place in it.
func parseMultipart(raw []byte, boundary string) (fields, error) {
	tree := fields{}
	parts := multipart.NewReader(bytes.NewReader(raw), boundary)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return tree, nil
		case err != nil || n > mostFields:
			return nil, badRequest("The form's parts cannot be read")
		case part.FileName() != "":
			return nil, badRequest("The form holds a file, which has no place in it")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, badRequest("The form's parts cannot be read")
		}
		if err := place(tree, part.FormName(), string(value)); err != nil {
			return nil, err
		}
	}
}

// parseForm reads name=value pairs in which brackets make objects and lists, as Rails has it: a[b]=1 is an object within
// an object, a[]=1 an element of a list, and a[][b]=1 an object in a list, a new one when it has b already.
func parseForm(text string) (fields, error) {
	tree := fields{}
	pairs := strings.FieldsFunc(text, func(r rune) bool { return r == '&' })
	if len(pairs) > mostFields {
		return nil, badRequest("The form has too many fields")
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			return nil, badRequest("The form holds an escape that cannot be read: " + pair)
		}
		if err := place(tree, name, value); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

// place puts a value where its name says.
func place(tree fields, name, value string) error {
	first, rest, nested := strings.Cut(name, "[")
	path := []string{first}
	if nested {
		path = append(path, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
	}
	if len(path) > deepestField {
		return badRequest("The field " + name + " lies too deep")
	}
	if _, fits := put(tree, path, value); !fits {
		return badRequest("The field " + name + " contradicts another field of the form")
	}
	return nil
}

// put places a value below a path in a node and returns the node as it is then.
func put(node any, path []string, value string) (any, bool) {
	if len(path) == 0 {
		return value, node == nil || isText(node) // the last of several counts
	}
	if path[0] == "" {
		list, ok := node.([]any)
		if !ok && node != nil {
			return node, false
		}
		if len(path) > 1 && len(list) > 0 { // an object in a list goes on until it has the field
			last := list[len(list)-1]
			if object, isObject := last.(fields); isObject && object[path[1]] == nil {
				_, fits := put(last, path[1:], value)
				return list, fits
			}
		}
		one, fits := put(nil, path[1:], value)
		return append(list, one), fits
	}
	object, ok := node.(fields)
	if !ok && node != nil {
		return node, false
	}
	if object == nil {
		object = fields{}
	}
	below, fits := put(object[path[0]], path[1:], value)
	object[path[0]] = below
	return object, fits
}

func isText(node any) bool {
	_, ok := node.(string)
	return ok
}

// within is the object of a name, as {"incident": {...}} has it; a body without it counts as the object itself, which
// some clients send.
func within(tree fields, name string) (fields, error) {
	inner, given := tree[name]
	switch object := inner.(type) {
	case fields:
		return object, nil
	case nil:
		if given {
			return fields{}, nil
		}
		return tree, nil
	}
	return nil, badRequest(name + " must be an object")
}
