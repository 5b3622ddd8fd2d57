package cache

import (
	"net/http"
	"net/url"
	"strings"
)

// target is the URI that was asked for, which with GET is the primary key of a cache (RFC 9111, 2). Its parts are fields,
// so that no two targets run into one.
type target struct{ scheme, host, path string }

// targetOf gives the target of a request. Host and scheme are normalised (RFC 9110, 4.2.3); the path and the query stay as
// the client wrote them.
func targetOf(r *http.Request) target {
	scheme := strings.ToLower(r.URL.Scheme)
	if scheme == "" {
		scheme = "http"
		if r.TLS != nil {
			scheme = "https"
		}
	}
	return target{scheme, host(scheme, r.Host), r.URL.RequestURI()}
}

// inOriginForm reports whether a client wrote a path alone, and its host beside it (RFC 9112, 3.2.1). With the whole URI it
// writes the scheme too, and could have an answer stored for a scheme that it does not use.
func inOriginForm(r *http.Request) bool {
	return r.Host != "" && (r.RequestURI == "" || r.RequestURI[0] == '/')
}

// host writes a host with its port as all its spellings agree.
func host(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

// beside gives the target that a reference names, relative to the target's own URL, if it is of the same origin.
func (t target) beside(own *url.URL, reference string) (target, bool) {
	if reference == "" {
		return target{}, false
	}
	base := *own
	base.Scheme, base.Host = t.scheme, t.host
	to, err := base.Parse(reference)
	if err != nil || to.Scheme != t.scheme || host(to.Scheme, to.Host) != t.host {
		return target{}, false
	}
	return target{t.scheme, t.host, to.RequestURI()}, true
}

func (t target) weight() int64 { return int64(len(t.scheme) + len(t.host) + len(t.path)) }
