package upstream

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// checkRequest refuses what is no HTTP, and what a product could read as something else than is meant: fields and targets that
// hold line breaks, and fields that contradict each other about where the request ends.
func checkRequest(r *http.Request) error {
	switch {
	case r.URL == nil || r.URL.Opaque != "":
		return refused("it has no URL with a path")
	case !httpguts.ValidHeaderFieldName(r.Method): // a method is a token, as a name is
		return refused("its method is %q; a method is letters, digits and some marks", r.Method)
	case r.Method == http.MethodConnect:
		return refused("its method is CONNECT; that is for proxies, and the product is none")
	case !validHost(requestHost(r)):
		return refused("its host is %q; a host is a name or address, and a port", requestHost(r))
	}
	if err := checkTarget(r.Method, r.URL); err != nil {
		return err
	}
	if err := checkFields("field", r.Header); err != nil {
		return err
	}
	if err := checkTrailer(r.Trailer); err != nil {
		return err
	}
	return checkLength(r)
}

// checkTrailer is asked twice: the values of trailers are known when the body has ended.
func checkTrailer(trailer http.Header) error {
	for name := range trailer {
		if !httpguts.ValidTrailerHeader(http.CanonicalHeaderKey(name)) {
			return refused("the field %s has no place in a trailer", name)
		}
	}
	return checkFields("trailer", trailer)
}

// checkLength refuses a length that the body cannot have.
func checkLength(r *http.Request) error {
	switch {
	case len(r.TransferEncoding) > 1 || len(r.TransferEncoding) == 1 && r.TransferEncoding[0] != "chunked":
		return refused("its transfer encoding is %q; only chunked is sent", r.TransferEncoding)
	case r.ContentLength > 0 && !hasBody(r):
		return refused("its length is %d, and it has no body", r.ContentLength)
	}
	return nil
}

// checkTarget refuses a target that is neither a path with a query nor, for OPTIONS, the asterisk. RFC 9112, 3.2.
func checkTarget(method string, u *url.URL) error {
	target := u.RequestURI()
	if !strings.HasPrefix(target, "/") && (target != "*" || method != http.MethodOptions) {
		return refused("its target is %q; a target begins with a slash", target)
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return refused("its target %q holds a space or a control character", target)
		}
	}
	return nil
}

func checkFields(what string, fields http.Header) error {
	for name, values := range fields {
		if !httpguts.ValidHeaderFieldName(name) {
			return refused("a %s is called %q; a name is letters, digits and some marks", what, name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return refused("the %s %s holds %q; a value has no control characters", what, name, value)
			}
		}
	}
	return nil
}

// validHost tells whether a host may stand in the Host field, where slashes, spaces, commas or an @ would be read in different ways.
func validHost(host string) bool {
	return httpguts.ValidHostHeader(host) && !strings.ContainsAny(host, "/\\@, \t?#")
}

func requestHost(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// unknown is the length of a body that is sent in chunks.
const unknown = -1

// bodyLength is how long a request's body is. As in net/http, zero with a body means that nobody knows. A body with
// trailers is sent in chunks, because nothing can follow one of a known length.
func bodyLength(r *http.Request) int64 {
	switch {
	case !hasBody(r):
		return 0
	case len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 || r.ContentLength <= 0:
		return unknown
	}
	return r.ContentLength
}

// appendHead writes the head of a checked request. The fields that frame it are ours alone.
func appendHead(b []byte, r *http.Request, host string, length int64) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.URL.RequestURI()...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", host)
	switch {
	case length == unknown:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		for name := range r.Trailer {
			b = appendField(b, "Trailer", name)
		}
	case length > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	}
	if r.Close {
		b = append(b, "Connection: close\r\n"...)
	}
	for name, values := range r.Header {
		if framing(name) || r.Close && strings.EqualFold(name, "Connection") {
			continue
		}
		for _, value := range values {
			b = appendField(b, name, value)
		}
	}
	return append(b, "\r\n"...)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// framing tells whether a field says where a message ends or goes to, in whatever letters.
func framing(name string) bool {
	switch len(name) {
	case len("Host"):
		return strings.EqualFold(name, "Host")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// asksToUpgrade tells whether a request may be answered with 101.
func asksToUpgrade(r *http.Request) bool {
	return len(r.Header["Upgrade"]) > 0 && httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade")
}

// repeatable tells whether a request may be sent once more after the product may have seen it.
func repeatable(r *http.Request) bool {
	if hasBody(r) && r.GetBody == nil {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != ""
}
