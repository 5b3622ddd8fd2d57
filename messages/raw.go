package messages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The headers of the raw form, as net/http writes their names.
const (
	rawPrefix = "Deliver-"
	rawField  = "Deliver-Header-"
	rawTo     = "Deliver-To"
)

// rawNames are the headers of the raw form that are there once.
var rawNames = []string{"Deliver-Url", "Deliver-Method", "Deliver-At", "Deliver-Expires", "Deliver-Order", "Deliver-From"}

// parseRaw reads the raw form: what to do in headers, and the body as it is.
func parseRaw(h http.Header, body []byte) (*asked, error) {
	m := &asked{headers: http.Header{}, body: body, mail: postal{message: body}}
	once := map[string]string{}
	for name, values := range h {
		field, isField := strings.CutPrefix(name, rawField)
		switch {
		case !strings.HasPrefix(name, rawPrefix), name == rawTo:
		case isField && field != "":
			m.headers[http.CanonicalHeaderKey(field)] = values
		case !slices.Contains(rawNames, name):
			return nil, invalid(shortly(name), fmt.Sprintf("is no known header; known are %s, %s and %s*", strings.Join(rawNames, ", "), rawTo, rawField))
		case len(values) > 1:
			return nil, invalid(name, "is there twice")
		default:
			once[name] = values[0]
		}
	}
	m.deliverAt, m.expires, m.order = once["Deliver-At"], once["Deliver-Expires"], once["Deliver-Order"]
	m.method, m.url = once["Deliver-Method"], once["Deliver-Url"]
	m.hasRequest = m.method != "" || m.url != "" || len(m.headers) > 0
	m.mail.to = h[rawTo]
	if from, ok := once["Deliver-From"]; ok {
		m.mail.from = &from
	}
	m.hasMail = m.mail.from != nil || len(m.mail.to) > 0
	return m, nil
}
