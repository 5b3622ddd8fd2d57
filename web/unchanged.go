package web

import (
	"net/http"
	"strings"
)

// unchanged answers 304 in place of what a client has already (RFC 9110, section 13.1.2).
type unchanged struct {
	http.ResponseWriter
	// known are the tags that the client has, from If-None-Match.
	known  string
	silent bool
}

// WriteHeader compares the tag, which stands by then.
func (u *unchanged) WriteHeader(status int) {
	tag := u.Header().Get("ETag")
	if status == http.StatusOK && tag != "" && hasTag(u.known, tag) {
		u.silent, status = true, http.StatusNotModified
		u.Header().Del("Content-Type")
	}
	u.ResponseWriter.WriteHeader(status)
}

// Write sends the body, unless the client has it.
func (u *unchanged) Write(b []byte) (int, error) {
	if u.silent {
		return len(b), nil
	}
	return u.ResponseWriter.Write(b)
}

// Unwrap gives the writer below.
func (u *unchanged) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// hasTag reports whether a list of tags has one, by the weak comparison.
func hasTag(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
