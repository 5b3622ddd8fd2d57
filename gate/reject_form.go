package gate

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// The largest form that a page carries, in bytes and in fields.
const (
	longestForm = 64 << 10
	mostFields  = 1000
)

// field is one of a form's.
type field struct{ name, value string }

// carried reads the fields of a form that the page can send again, unchanged. It reads a body only of requests that come
// from a page of the same origin: what another site made a browser send would otherwise be sent again by a page of
// ours, and pass for the reader's own wish.
func carried(r *http.Request) ([]field, bool) {
	if r.Method != http.MethodPost || r.ContentLength < 0 || r.ContentLength > longestForm || r.Body == nil || !ownOrigin(r) {
		return nil, false
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	if err != nil || kind != "application/x-www-form-urlencoded" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, longestForm+1))
	if err != nil || int64(len(body)) != r.ContentLength {
		return nil, false
	}
	return formFields(string(body))
}

// ownOrigin reports whether a request comes from a page of the host that it asks. A browser that says where a request
// comes from is believed, one that says nothing is not.
func ownOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" || r.TLS != nil && origin.Scheme != "https" {
		return false
	}
	return strings.EqualFold(origin.Host, r.Host)
}

// formFields gives the fields of a form's body if a browser that sends them again sends the same bytes.
func formFields(body string) ([]field, bool) {
	if strings.Count(body, "&") >= mostFields {
		return nil, false
	}
	var fields []field
	var again strings.Builder
	for rest, more := body, body != ""; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		name, value, _ := strings.Cut(pair, "=")
		f := field{unescaped(name), unescaped(value)}
		if !f.stays() {
			return nil, false
		}
		fields = append(fields, f)
		if again.Len() > 0 {
			again.WriteByte('&')
		}
		again.WriteString(escaped(f.name) + "=" + escaped(f.value))
	}
	return fields, again.String() == body
}

// stays reports whether a hidden input keeps the field as it is. Browsers leave out what has no name, write every
// break of a line as CR LF, replace NUL, and fill in a field that asks for the character set.
func (f field) stays() bool {
	for _, text := range []string{f.name, f.value} {
		if !utf8.ValidString(text) || strings.ContainsAny(strings.ReplaceAll(text, "\r\n", ""), "\r\n\x00") {
			return false
		}
	}
	return f.name != "" && !strings.EqualFold(f.name, "_charset_")
}

// unescaped reads a part of a form's body; what cannot be read becomes something that stays not.
func unescaped(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return "\x00"
	}
	return plain
}

// escaped writes it as browsers do (URL Standard, 5.2), which differ from net/url in two characters.
func escaped(text string) string { return asBrowsers.Replace(url.QueryEscape(text)) }

var asBrowsers = strings.NewReplacer("~", "%7E", "%2A", "*")
