// Package api is the native wire: what programs say to an Interlude server, and what it answers.
//
// Begin with [Client]: one method for each operation, typed both ways. The command line, the gate and the runner
// reach the server through it and through nothing else, so that they can run elsewhere. The paths stand in this file
// and the server registers the very same ones; the JSON types are those of package status, and where an answer says
// more than they do, the types in types.go.
//
// Whatever goes wrong comes back as one of three values. A [*Problem] is the server's own answer, as RFC 9457 has
// it: a sentence for people, a code for programs and, where it applies, the field, the document or the legal states.
// It unwraps to the fact behind it, so errors.Is(err, status.ErrNotFound) and errors.As with *status.Invalid work as
// if the server were a function. [*Unreachable] means that no answer came. [*Foreign] means that somebody else
// answered: a proxy, or another program at that address.
//
// What a Client promises: the token goes to the server it was given for and nowhere else, for redirects are not
// followed; an answer is read up to a limit; every call ends, because one without a deadline gets [Patience]. Reads
// are repeated a few times when the connection breaks. Writes are repeated once: each carries an idempotency key, by
// which the server knows the repetition and makes the change one time. Only the making of a token is never repeated,
// because its answer holds a secret that the server does not keep. The promise ends at the version: a server of another
// major version of the API is not understood.
package api

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Prefix is where the native API lives on a server.
const Prefix = "/api/native/v1"

// The paths below Prefix, as patterns; {ref} is an id or a key.
const (
	PathApply        = "/apply"
	PathPage         = "/page"
	PathComponents   = "/components"
	PathComponent    = "/components/{ref}"
	PathMaintenances = "/maintenances"
	PathMaintenance  = "/maintenances/{ref}"
	PathBegin        = "/maintenances/{ref}/begin"
	PathVerify       = "/maintenances/{ref}/verify"
	PathComplete     = "/maintenances/{ref}/complete"
	PathCancel       = "/maintenances/{ref}/cancel"
	PathReopen       = "/maintenances/{ref}/reopen"
	PathPost         = "/maintenances/{ref}/post"
	PathExtend       = "/maintenances/{ref}/extend"
	PathEstimate     = "/maintenances/{ref}/estimate"
	PathWork         = "/maintenances/{ref}/work"
	PathWorkClose    = "/maintenances/{ref}/work/close"
	PathIncidents    = "/incidents"
	PathIncident     = "/incidents/{ref}"
	PathIncidentPost = "/incidents/{ref}/post"
	PathSeries       = "/series"
	PathOneSeries    = "/series/{ref}"
	PathSeriesEnd    = "/series/{ref}/end"
	PathReport       = "/reports/{ref}"
	PathTokens       = "/tokens"
	PathToken        = "/tokens/{id}"
	PathEvents       = "/events"
	PathAudit        = "/audit"
	PathVersion      = "/version"
	PathOpenAPI      = "/openapi.json"
)

// Limits of one page of a list.
const (
	DefaultLimit = 50
	LargestLimit = 500
)

// The largest request bodies that a server reads, in bytes. An apply has a limit of its own, because it may enter the
// whole past of another page at once: thousands of records, all or none.
const (
	LargestBody  = 1 << 20
	LargestApply = 32 << 20
)

// ETag is the entity tag of a version, such as "v3" with its quotes (RFC 9110, section 8.8.3).
func ETag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

// ErrETag says that an If-Match header holds something other than one tag of this server.
var ErrETag = errors.New(`If-Match must be the ETag of an earlier answer, such as "v3" with its quotes, or *`)

// ParseETag reads the version from an If-Match header. An empty header and * are 0, which means any version.
func ParseETag(header string) (int64, error) {
	header = strings.TrimSpace(header)
	if header == "" || header == "*" {
		return 0, nil
	}
	text, opened := strings.CutPrefix(header, `"v`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseInt(text, 10, 64)
	if !opened || !closed || err != nil || version < 1 {
		return 0, ErrETag
	}
	return version, nil
}

// fill puts a reference into a path pattern. A reference that could mean another path is refused.
func fill(pattern, ref string) (string, error) {
	if ref == "" || ref == "." || ref == ".." {
		return "", fmt.Errorf("%q is no id or key", ref)
	}
	before, after, _ := strings.Cut(pattern, "{")
	_, after, _ = strings.Cut(after, "}")
	return before + url.PathEscape(ref) + after, nil
}
