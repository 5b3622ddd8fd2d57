package snapshot

import (
	"net/http"
	"net/url"
	"strings"
)

// Origin is where readers find the site, such as https://status.example.com, without a slash at its end: the configured
// address or, while that is not known, what the request itself says. It is false for a request that names no host.
//
// What is made from a request must be kept under its origin, so that what one host was told never reaches the readers
// of another. Headers in which proxies tell of the reader are not looked at, for caches do not tell answers apart by
// them; secure says that readers come by https although this process does not see it.
func Origin(configured string, r *http.Request, secure bool) (origin string, ok bool) {
	switch home := Home(configured); {
	case home != "":
		return home, true
	case !isHost(r.Host):
		return "", false
	case r.TLS != nil || secure:
		return "https://" + r.Host, true
	}
	return "http://" + r.Host, true
}

// Home is a site's configured address without a slash at its end, or nothing when it is not known or none.
func Home(configured string) string {
	if configured == "" {
		return ""
	}
	u, err := url.Parse(configured)
	if err != nil || !isHost(u.Host) || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")
}

// isHost reports whether a text can be a host with or without a port: a name, or an address in brackets.
func isHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(".-_:[]", c) >= 0:
		default:
			return false
		}
	}
	return host != "" && len(host) <= 260 // a name has 253 at most, a port five
}
