package statuspage

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

func asked(contentType, query, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/pages?"+query, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestABodyIsReadInEveryForm(t *testing.T) {
	const form, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=X"
	want := fields{"incident": fields{"name": "A & B", "component_ids": []any{"c1", "c2"}, "components": fields{"c1": "operational"}}}
	const text = `{"incident": {"name": "A & B", "component_ids": ["c1", "c2"], "components": {"c1": "operational"}}}`
	const brackets = "incident[name]=A+%26+B&incident[component_ids][]=c1&incident%5Bcomponent_ids%5D%5B%5D=c2&incident[components][c1]=operational"
	for name, r := range map[string]*http.Request{
		"JSON":                 asked("application/json; charset=utf-8", "", text),
		"JSON without a type":  asked("", "", "\n "+text),
		"JSON called a form":   asked(form, "", text),
		"JSON of another type": asked("application/vnd.api+json", "", text),
		"a form":               asked(form, "", brackets),
		"a form without type":  asked("", "", brackets),
		"a query":              asked("", brackets, ""),
		"parts": asked(parts, "", "--X\r\nContent-Disposition: form-data; name=\"incident[name]\"\r\n\r\nA & B\r\n"+
			"--X\r\nContent-Disposition: form-data; name=\"incident[component_ids][]\"\r\n\r\nc1\r\n"+
			"--X\r\nContent-Disposition: form-data; name=\"incident[component_ids][]\"\r\n\r\nc2\r\n"+
			"--X\r\nContent-Disposition: form-data; name=\"incident[components][c1]\"\r\n\r\noperational\r\n--X--\r\n"),
	} {
		if got, err := readFields(r); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v and %v, want %v", name, got, err, want)
		}
	}
	got, err := readFields(asked(form, "q=a&page=2", "q=b"))
	if err != nil || got["q"] != "b" || got["page"] != "2" {
		t.Errorf("got %v and %v, want the body to count before the query", got, err)
	}
	got, err = readFields(asked(form, "", "x[][a]=1&x[][b]=2&x[][a]=3"))
	if want := (fields{"x": []any{fields{"a": "1", "b": "2"}, fields{"a": "3"}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
}

func TestABodyThatCannotBeReadIsRefused(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		request *http.Request
		code    int
	}{
		"broken JSON":             {asked("application/json", "", `{"incident": `), 400},
		"a list":                  {asked("application/json", "", `[1]`), 400},
		"two objects":             {asked("application/json", "", `{} {}`), 400},
		"a contradiction":         {asked(form, "", "a=1&a[b]=2"), 400},
		"another contradiction":   {asked(form, "", "a[]=1&a[b]=2"), 400},
		"a broken escape":         {asked(form, "", "a=%zz"), 400},
		"a name that is too deep": {asked(form, "", "a"+strings.Repeat("[b]", 20)+"=1"), 400},
		"a file":                  {asked("multipart/form-data; boundary=X", "", "--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nc\r\n--X--\r\n"), 400},
		"too many fields":         {asked(form, "", strings.Repeat("a=1&", mostFields+1)), 400},
		"too much":                {asked("application/json", "", `{"a": "`+strings.Repeat("x", largestBody)+`"}`), 413},
		"a type that is none":     {asked("application/json; charset", "", `{}`), 400},
		"something else":          {asked("application/xml", "", `<a/>`), 400},
	} {
		_, err := readFields(c.request)
		var f *failure
		if !errors.As(err, &f) || f.code != c.code || f.text == "" {
			t.Errorf("%s: got %v, want a refusal with %d", name, err, c.code)
		}
	}
}

func TestTimesOfEveryClientAreRead(t *testing.T) {
	want := time.Date(2020, 1, 15, 7, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"2020-01-15T07:00:00Z", "2020-01-15T07:00:00.000Z", "2020-01-15T08:00:00+01:00", "2020-01-15T07:00:00.0000000+00:00", "2020-01-15T07:00:00.0000000Z",
		"2020-01-15T07:00:00", "2020-01-15T07:00", "2020-01-15T07:00Z", "2020-01-15T02:00:00-0500", "2020-01-15 07:00:00 +0000 UTC",
		"2020-01-15 08:00:00 +0100 CET", "2020-01-15 07:00:00 +0000 UTC m=+0.000012", "2020-01-15 07:00:00 UTC", "2020-01-15 07:00:00 GMT",
		"2020-01-15 07:00:00", "2020-01-15 08:00:00 +0100", "2020-01-15 08:00:00+01:00", "2020-01-15 07:00", "Wed, 15 Jan 2020 07:00:00 +0000", "Wed, 15 Jan 2020 07:00:00 GMT",
	} {
		if got, ok := parseTime(text); !ok || !got.Equal(want) {
			t.Errorf("%s: got %s, %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "tomorrow", "2020-13-15T07:00:00Z", "2020-01-15 07:00:00 PST", "07:00", "1579071600000000000000"} {
		if got, ok := parseTime(text); ok {
			t.Errorf("%q: got %s, want a refusal: it does not say when", text, got)
		}
	}
}

func TestWhatWasNotGivenStaysAsItIs(t *testing.T) {
	var into struct {
		Name  *string    `json:"name"`
		On    *bool      `json:"on"`
		At    *time.Time `json:"at"`
		N     *int       `json:"n"`
		Share *float64   `json:"share"`
		IDs   []string   `json:"ids"`
		All   statuses   `json:"all"`
		Any   fields     `json:"any"`
		Day   *day       `json:"day"`
		Tweet *bool      `json:"tweet" cannot:"there is none"`
	}
	empty := fields{
		"name": nil, "on": "", "at": "", "n": "", "share": "", "ids": "", "all": nil, "any": "", "day": "", "tweet": "false", "unknown": "x",
	}
	if err := bind(empty, &into); err != nil {
		t.Fatal(err)
	}
	if into.Name != nil || into.On != nil || into.At != nil || into.N != nil || into.Share != nil || into.IDs != nil || into.All != nil || into.Any != nil || into.Day != nil {
		t.Errorf("got %+v, want nothing", into)
	}
	full := fields{
		"name": json.Number("7"), "on": "t", "at": "2020-01-15T07:00:00Z", "n": "3", "share": json.Number("0.5"), "ids": []any{"a", ""},
		"all": []any{"c1"}, "any": fields{}, "day": "2020-01-15T07:00:00Z",
	}
	if err := bind(full, &into); err != nil {
		t.Fatal(err)
	}
	if *into.Name != "7" || !*into.On || *into.N != 3 || *into.Share != 0.5 || len(into.IDs) != 1 || into.All["c1"] != "" || *into.Day != (day{2020, 1, 15}) {
		t.Errorf("got %+v", into)
	}
	wrong := fields{"name": fields{}, "on": "maybe", "at": json.Number("1"), "n": "x", "share": true, "ids": fields{}, "all": "x", "any": "x", "day": "x", "tweet": true}
	var f *failure
	if err := bind(wrong, &into); !errors.As(err, &f) || len(f.rules) != 9 {
		t.Errorf("got %v, want a rule for each field but one: a text is a list of one", err)
	}
}

func FuzzReadFields(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "a[b][]=1&a[b][]=2&x[][y]=3")
	f.Add("", `{"incident": {"metadata": {"a": {"b": 1e400}}}}`)
	f.Add("multipart/form-data; boundary=X", "--X\r\nContent-Disposition: form-data; name=\"a[b]\"\r\n\r\nc\r\n--X--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		tree, err := readFields(asked(contentType, "", body))
		var known *failure
		if err != nil && !errors.As(err, &known) {
			t.Errorf("got %v, want an answer for the client", err)
		}
		if err != nil {
			return
		}
		object, err := within(tree, "incident")
		if err != nil {
			return
		}
		var into incidentBody
		if err := bind(object, &into); err != nil && !errors.As(err, &known) {
			t.Errorf("got %v, want an answer for the client", err)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("2020-01-15 07:00:00 +0000 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := parseTime(text); ok && at.Location() != time.UTC {
			t.Errorf("got %s of %q, want it in UTC", at, text)
		}
	})
}
