package messages

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"example.org/interlude/spool"
)

// problemOf gives a problem as code and field.
func problemOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "good"
	}
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a problem", err)
	}
	return strings.TrimSpace(p.Code + " " + p.Field)
}

func TestJSONIsReadStrictly(t *testing.T) {
	for doc, want := range map[string]string{
		``: "malformed", `{`: "malformed", `[]`: "invalid body", `null`: "invalid body", `"x"`: "invalid body", `{} {}`: "malformed", `{}x`: "malformed",
		`{}`: "good", ` {} `: "good", `{"request": null, "mail": null, "order": null}`: "good",
		`{"Order": "a"}`:                               "invalid Order",
		`{"deliver-at": "a"}`:                          "invalid deliver-at",
		`{"order": 1}`:                                 "invalid order",
		`{"order": ["a"]}`:                             "invalid order",
		`{"order": "a", "order": "a"}`:                 "invalid order",
		`{"order": "a", "\u006frder": "b"}`:            "invalid order",
		`{"request": []}`:                              "invalid request",
		`{"request": {}, "request": {}}`:               "invalid request",
		`{"request": {"URL": "a"}}`:                    "invalid request.URL",
		`{"request": {"headers": []}}`:                 "invalid request.headers",
		`{"request": {"headers": {"a": 1}}}`:           "invalid request.headers.a",
		`{"request": {"headers": {"a": ["b"]}}}`:       "invalid request.headers.a",
		`{"request": {"headers": {"a":"","A":""}}}`:    "invalid request.headers.A",
		`{"mail": {"to": "a"}}`:                        "invalid mail.to",
		`{"mail": {"to": [1]}}`:                        "invalid mail.to",
		`{"mail": {"message": "a", "subject": "b"}}`:   "invalid mail.subject",
		`{"order": "` + "\xff" + `"}`:                  "malformed",
		`{"order": "\ud800"}`:                          "malformed",
		`{"order": "\udc00\ud800"}`:                    "malformed",
		`{"order": "\ud83d\ude00"}`:                    "good",
		`{"order": "\\ud800"}`:                         "good",
		`{"order": "\ud83d\\ude00"}`:                   "malformed",
		`{"x": ` + strings.Repeat("[", 100_000):        "invalid x",
		strings.Repeat(`{"request":`, 100_000):         "invalid request.request",
		`{"order": ` + strings.Repeat("[", 100_000):    "malformed",
		`{"` + strings.Repeat("k", 1000) + `": 1}`:     "invalid " + strings.Repeat("k", 100) + "…",
		`{"request": {"body": "a"}, "order": "b",}`:    "malformed",
		`{"request": {"body": NaN}}`:                   "malformed",
		"\ufeff{}":                                     "malformed",
		`{"order": "a` + "\n" + `"}`:                   "malformed",
		`{"__proto__": {"order": "a"}}`:                "invalid __proto__",
		`{"mail": {"from": null, "to": null}}`:         "good",
		`{"mail": {"to": ["` + "a\u2028b" + `"]}}`:     "good",
		`{"request": {"body": "` + "\ufffd" + `"}}`:    "good",
		`{"request": {"headers": {"": ""}}}`:           "good", // judged later
		`{"order":` + strings.Repeat(" ", 1<<20) + `}`: "malformed",
	} {
		if _, err := parseJSON([]byte(doc)); problemOf(t, err) != want {
			t.Errorf("%.60s: got %s (%v), want %s", doc, problemOf(t, err), err, want)
		}
	}
}

func TestAProblemWithJSONDoesNotQuoteIt(t *testing.T) {
	for _, doc := range []string{`{"order": "a" secret}`, `{"order": sesame}`, `{"deliver_at": {"secret": 1}}`} {
		_, err := parseJSON([]byte(doc))
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: got %v, want a problem that does not quote it", doc, err)
		}
	}
}

func TestATextIsKeptAsItIs(t *testing.T) {
	m, err := parseJSON([]byte(`{"request": {"url": "u", "body": "a\u0000\r\n\ud83d\ude00ü\ufffd"}}`))
	if err != nil || string(m.body) != "a\x00\r\n😀ü\ufffd" {
		t.Errorf("got %q, %v, want the text", m.body, err)
	}
	m, err = parseJSON([]byte(`{"request": {"url": "u", "body_base64": "/wA="}}`))
	if err != nil || string(m.body) != "\xff\x00" {
		t.Errorf("got %q, %v, want the bytes", m.body, err)
	}
}

func TestTheRawFormIsReadFromHeaders(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        string
	}{
		{"Deliver-Header-X", "a", "good"},
		{"Deliver-Header-", "a", "invalid Deliver-Header-"},
		{"Deliver-Uri", "a", "invalid Deliver-Uri"},
		{"Deliver-Headers-X", "a", "invalid Deliver-Headers-X"},
		{"Deliver-Url", "b", "invalid Deliver-Url"},
		{"X-Anything", "a", "good"},
	} {
		h := http.Header{"Deliver-Url": {"https://push.example.com/v1/"}}
		h.Add(c.name, c.value)
		if _, err := parseRaw(h, nil); problemOf(t, err) != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestTheRawFormKeepsTheBody(t *testing.T) {
	h := newHouse(t, nil)
	body := "\xff\x00\r\n--binary"
	w := h.ask(http.MethodPost, "/v1/messages/push/raw", body, "Content-Type", "application/x-www-form-urlencoded",
		"Deliver-URL", "https://push.example.com/v1/a?b", "Deliver-Method", "PUT", "Deliver-At", "2020-01-01T00:00:00Z", "Deliver-Order", "o",
		"Deliver-Header-Content-Type", "image/png", "Deliver-Header-X-Many", "1", "Deliver-Header-X-Many", "2")
	if w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", w.Code, w.Body)
	}
	e := h.spool.entry(t)
	head := `{"method":"PUT","url":"https://push.example.com/v1/a?b","header":{"Content-Type":["image/png"],"X-Many":["1","2"]}}`
	if string(e.Head) != head || string(e.Body) != body || e.Lane != "o" {
		t.Errorf("got %s, %q, lane %q, want %s, %q, lane o", e.Head, e.Body, e.Lane, head, body)
	}
	for _, c := range []struct{ name, value, want string }{
		{"Deliver-At", "soon", "422 invalid deliver_at"},
		{"Deliver-URL", "https://evil.example/", "422 invalid Deliver-Url"},
		{"Deliver-Header-Host", "evil.example", `422 invalid request.headers["Host"]`},
		{"Deliver-From", "a@example.com", "422 invalid mail"},
	} {
		if got := said(t, h.ask(http.MethodPost, "/v1/messages/push/raw", "x", "Deliver-URL", "https://push.example.com/v1/", c.name, c.value)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{
		ping, `{"order":"a","order":"b"}`, `{"mail":{"from":"","to":["a@b"],"message_base64":"QQ=="}}`, `{"order":"\ud800"}`, `{"request":{"headers":{"A":"b"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		m, err := parseJSON(doc)
		if err != nil {
			var p *Problem
			if !errors.As(err, &p) || !utf8.ValidString(p.Detail) || len(p.Detail) > 1000 {
				t.Fatalf("got %v, want a short problem", err)
			}
			return
		}
		for _, text := range []string{m.order, m.url, m.method} {
			if strings.ContainsRune(text, utf8.RuneError) && !strings.ContainsRune(string(doc), utf8.RuneError) && !strings.Contains(strings.ToLower(string(doc)), `\ufffd`) {
				t.Fatalf("got %q, want a text that was not changed", text)
			}
		}
	})
}

func FuzzParseRaw(f *testing.F) {
	f.Add("Deliver-Url", "https://push.example.com/v1/", "Deliver-Header-A", "b")
	f.Add("Deliver-To", "a@example.com", "Deliver-From", "")
	to := pushOnly(f, "https://push.example.com/v1/")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		h := http.Header{}
		h.Add(name1, value1)
		h.Add(name2, value2)
		m, err := parseRaw(h, []byte("body"))
		if err == nil {
			var e spool.Entry
			if e, err = m.entry(to, someday); err == nil && (e.Flow != "push" || string(e.Body) != "body") {
				t.Fatalf("got %+v, want an entry of push with the body", e)
			}
		}
		var p *Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("got %v, want a problem", err)
		}
	})
}
