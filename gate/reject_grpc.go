package gate

import (
	"net/http"
	"strconv"
	"strings"
)

// grpcKind is the content type of a gRPC or gRPC-Web call without its parameters, empty for other requests.
func grpcKind(r *http.Request) string {
	const prefix = "application/grpc"
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.TrimRight(kind, " \t")
	if len(kind) < len(prefix) || !strings.EqualFold(kind[:len(prefix)], prefix) {
		return ""
	}
	switch rest := strings.ToLower(kind[len(prefix):]); {
	case rest == "", rest[0] == '+', rest == "-web", rest == "-web-text", strings.HasPrefix(rest, "-web+"), strings.HasPrefix(rest, "-web-text+"):
		return kind
	}
	return ""
}

// unavailable is the status of gRPC for what may be tried again, and what its clients make of 502, 503 and 504.
const unavailable = "14"

// noRetry keeps a client whose policy would send a call again from doing so: a pushback below zero forbids it (gRFC A6).
var noRetry = []string{"-1"}

// refuseGRPC answers a call with its status alone: in the header fields, because nothing follows (gRPC calls it
// Trailers-Only, and gRPC-Web reads it too).
func (n *notice) refuseGRPC(w http.ResponseWriter, r *http.Request, kind string) {
	h := w.Header()
	h["Content-Type"] = []string{kind}
	h["Grpc-Status"] = []string{unavailable}
	h["Grpc-Message"] = []string{percentEncoded(n.detail(r))}
	switch {
	case n.sent && !safe(r):
		h["Grpc-Retry-Pushback-Ms"] = noRetry
	case n.wait > 0:
		h["Grpc-Retry-Pushback-Ms"] = []string{strconv.FormatInt(n.wait.Milliseconds(), 10)}
	}
	leaveUnread(h, r)
	w.WriteHeader(http.StatusOK)
}

// percentEncoded writes a message as gRPC does: visible ASCII but the percent sign as it is, every other byte by its
// number.
func percentEncoded(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
