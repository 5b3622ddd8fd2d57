package gate

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// awkward is a form as a browser sends it: names that repeat, line breaks, markup, other scripts, what is nearly escaped.
const awkward = "name=Ada+Lovelace&name=second&note=two%0D%0Alines%0D%0A&markup=%3C%2Ftextarea%3E%22%27%26amp%3B&token=a%2Bb%3D%3D&" +
	"%C3%BCmlaut=%F0%9F%90%98&empty=&tabs=%09.%01*-_%7E&%5B%5D=1"

// posting is a form that a page of the product sends.
func posting(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://app.northwind.example//elsewhere.example/save?draft=1", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

// sentAgain is what a browser sends when the page's form is sent.
func sentAgain(t testing.TB, page element) string {
	t.Helper()
	var pairs []string
	for _, input := range page.all("input") {
		// A browser breaks lines by CR LF when it sends a form (HTML, 4.10.21.4).
		value := strings.ReplaceAll(strings.ReplaceAll(input.attr("value"), "\r\n", "\n"), "\n", "\r\n")
		name := strings.ReplaceAll(strings.ReplaceAll(input.attr("name"), "\r\n", "\n"), "\n", "\r\n")
		pairs = append(pairs, escaped(name)+"="+escaped(value))
	}
	return strings.Join(pairs, "&")
}

func TestAFormIsCarriedUnchanged(t *testing.T) {
	page := pageOf(t, posting(awkward), restarting())
	form := page.one("form")
	if form.attr("method") != "post" || form.attr("action") != "" || form.has("enctype") {
		t.Errorf("got a form %q to %q, want a POST to the page's own address", form.attr("method"), form.attr("action"))
	}
	if got := sentAgain(t, form); got != awkward {
		t.Errorf("got  %s\nwant %s", got, awkward)
	}
	for _, input := range form.all("input") {
		if input.attr("type") != "hidden" {
			t.Errorf("got a field %s that shows, want all hidden", input.attr("name"))
		}
	}
	page.one("h2").reads("What you entered is not lost")
	page.one("button").reads("Send again")
}

func TestAnEmptyFormIsCarriedToo(t *testing.T) {
	pageOf(t, posting(""), restarting()).one("form").one("button").reads("Send again")
}

func TestAFormThatWouldChangeIsNotCarried(t *testing.T) {
	for what, body := range map[string]string{
		"a name without a value":       "a&b=1",
		"a value without a name":       "=1",
		"a line feed alone":            "a=1%0A2",
		"a carriage return alone":      "a=1%0D2",
		"a byte that is no UTF-8":      "a=%FF",
		"NUL":                          "a=%00",
		"small digits":                 "a=%c3%bc",
		"an escape that is none":       "a=%zz",
		"a space as %20":               "a=b%20c",
		"no name between":              "a=1&&b=2",
		"a character set to fill in":   "_charset_=windows-1252",
		"more fields than a page has":  strings.Repeat("a=&", mostFields) + "a=",
		"more bytes than a page keeps": "a=" + strings.Repeat("x", longestForm),
	} {
		page := pageOf(t, posting(body), restarting())
		if found := page.all("form"); len(found) > 0 {
			t.Errorf("%s: got a form to send again, want none", what)
		}
		if got := page.one("h2").text(); got != "What you sent was not processed" {
			t.Errorf("%s: got %q, want it to say that nothing was processed", what, got)
		}
	}
}

// A request that another site forged must not become one of ours.
func TestNothingOfAnotherSiteIsCarried(t *testing.T) {
	for what, change := range map[string]func(*http.Request){
		"cross-site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"none":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") },
		"two sites":  func(r *http.Request) { r.Header["Sec-Fetch-Site"] = []string{"cross-site", "same-origin"} },
		"cross-site, its host forged": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "https://app.northwind.example")
		},
		"unknown": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") },
		"another origin": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://elsewhere.example")
		},
		"another port": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://app.northwind.example:8443")
		},
		"an opaque origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
		"a page without TLS": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "http://app.northwind.example")
		},
		"multipart": func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") },
		"another character set": func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=latin1")
		},
		"another method":         func(r *http.Request) { r.Method = "PUT" },
		"a length not known":     func(r *http.Request) { r.ContentLength = -1 },
		"a body that breaks off": func(r *http.Request) { r.ContentLength++ },
	} {
		r := posting("secret=forged")
		r.TLS = &tls.ConnectionState{}
		change(r)
		w := httptest.NewRecorder()
		plainly().refuse(w, r, restarting())
		if strings.Contains(w.Body.String(), "forged") || strings.Contains(w.Body.String(), "<form") {
			t.Errorf("%s: got a page with what was sent, want none of it", what)
		}
	}
}

func TestAPageOfTheSameOriginIsKnownWithoutFetchMetadata(t *testing.T) {
	r := posting("a=1")
	r.Header.Del("Sec-Fetch-Site")
	r.Header.Set("Origin", "https://APP.northwind.example")
	pageOf(t, r, restarting()).one("form")
}

func TestABodyIsReadOnlyWhereItIsCarried(t *testing.T) {
	for what, change := range map[string]func(*http.Request, *refusal){
		"a problem":         func(r *http.Request, _ *refusal) { r.Header.Set("Accept", "*/*") },
		"another site":      func(r *http.Request, _ *refusal) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"one that was sent": func(_ *http.Request, why *refusal) { why.sent = true },
		"a slow answer":     func(_ *http.Request, why *refusal) { why.why, why.status = whySlow, 504 },
	} {
		r, why := posting("a=1"), restarting()
		change(r, &why)
		refused(plainly(), r, why)
		if left, _ := io.ReadAll(r.Body); string(left) != "a=1" {
			t.Errorf("%s: got %q left of the body, want all of it", what, left)
		}
	}
}

func FuzzFormFields(f *testing.F) {
	f.Add(awkward)
	f.Add("a=1%0A2&%0D%0A=&=&&a")
	f.Fuzz(func(t *testing.T, body string) {
		fields, ok := formFields(body)
		if !ok {
			return
		}
		var html bytes.Buffer
		n := plainly().notice(restarting())
		if err := refusalPage(refusalView{notice: &n, Acts: true, Carries: true, Fields: fields}).Render(t.Context(), &html); err != nil {
			t.Fatal(err)
		}
		if got := sentAgain(t, parsedPage(t, html.Bytes())); got != body {
			t.Errorf("got  %q\nwant %q", got, body)
		}
	})
}
