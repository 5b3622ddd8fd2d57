package api

import (
	"encoding/json"
	"errors"
	"testing"

	"example.org/interlude/status"
)

func TestAProblemIsTheFactBehindIt(t *testing.T) {
	for text, want := range map[string]error{
		`{"code": "not_found", "detail": "x"}`: status.ErrNotFound,
		`{"code": "conflict", "detail": "x"}`:  status.ErrConflict,
	} {
		var p Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(&p, want) {
			t.Errorf("%s: got no %v", text, want)
		}
	}
	p := &Problem{Code: CodeInvalid, Field: "window.end", Detail: "window.end must be after window.start"}
	var invalid *status.Invalid
	if !errors.As(p, &invalid) || *invalid != (status.Invalid{Field: "window.end", Rule: "must be after window.start"}) {
		t.Errorf("got %+v, want the field and the rule", invalid)
	}
	var in *status.DocumentError
	if errors.As(p, &in) {
		t.Errorf("got %+v, want no document where none is named", in)
	}
	index := 2
	p.Index, p.Source = &index, "all.yaml, document 3"
	if !errors.As(p, &in) || in.Index != 2 || in.Source != p.Source {
		t.Errorf("got %+v, want the document", in)
	}
}

func TestAProblemReadsAsASentence(t *testing.T) {
	for want, p := range map[string]*Problem{
		"the server answered 418 I'm a teapot": {Status: 418, Title: "I'm a teapot"},
		"a.yaml: title is required":            {Detail: "title is required", Source: "a.yaml"},
		"limit must be at least 1; states is no parameter": {
			Detail: "limit must be at least 1", More: []Fault{{Detail: "states is no parameter"}},
		},
		"it has another version. Read it again.":                     {Detail: "it has another version", Hint: "Read it again."},
		"the server failed at this request (x1 in the server's log)": {Detail: "the server failed at this request", Code: CodeInternal, Instance: "x1"},
	} {
		if got := p.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestETagsComeBackAsTheyWent(t *testing.T) {
	for header, want := range map[string]int64{ETag(1): 1, ETag(9007199254740993): 9007199254740993, "": 0, "*": 0} {
		if got, err := ParseETag(header); err != nil || got != want {
			t.Errorf("%s: got %d and %v, want %d", header, got, err, want)
		}
	}
	for _, header := range []string{"v3", `"3"`, `W/"v3"`, `"v0"`, `"v-1"`, `"v1", "v2"`, `"v`, `"v99999999999999999999"`} {
		if got, err := ParseETag(header); !errors.Is(err, ErrETag) {
			t.Errorf("%s: got %d and %v, want a refusal", header, got, err)
		}
	}
}
