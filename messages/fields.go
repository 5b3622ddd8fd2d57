package messages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// The bounds of what a message sends as headers.
const (
	mostFields    = 100
	largestFields = 32 << 10
)

// methods are those that a message may have.
var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet}

// ours are the headers that follow from the delivery: who sets them could end a request early, or pretend to be the gate.
var ours = []string{
	"Connection", "Content-Length", "Expect", "Host", "Http2-Settings", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// fieldRule says what is wrong with a header, or nothing. It completes the sentence that begins with its name.
func fieldRule(name, value string) string {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return "is no name of a header"
	case slices.Contains(ours, canonical), strings.HasPrefix(canonical, "Proxy-"), strings.HasPrefix(canonical, "Interlude-"):
		return "follows from the delivery, and cannot be set"
	case !httpguts.ValidHeaderFieldValue(value):
		return "must have a value in one line, without control characters"
	}
	return ""
}

// checkFields judges the headers of a message.
func checkFields(h http.Header) error {
	size, count := 0, 0
	for name, values := range h {
		for _, value := range values {
			if rule := fieldRule(name, value); rule != "" {
				return invalid(fmt.Sprintf("request.headers[%.80q]", name), rule)
			}
			size, count = size+len(name)+len(value)+len(": \r\n"), count+1
		}
	}
	if size > largestFields || count > mostFields {
		return invalid("request.headers", fmt.Sprintf("must be at most %d, of %d KiB together", mostFields, largestFields>>10))
	}
	return nil
}
