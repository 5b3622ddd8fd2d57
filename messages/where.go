package messages

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"example.org/interlude/spool"
)

// target is where the messages of a flow go, made ready.
type target struct {
	flow     string
	prefixes []prefix
	headers  http.Header
	timeout  time.Duration
	road     *http.Transport
	mail     spool.Courier
	envelope func(from string, to []string, message []byte) ([]byte, error)
}

// prefix is how the URLs of messages may begin.
type prefix struct {
	scheme, host, port string
	// path is as it is written, escapes and all, and begins with a slash.
	path string
}

// The bounds of a delivery.
const (
	defaultTimeout = 30 * time.Second
	longestURL     = 8 << 10
)

func newTarget(flow string, t Target) (*target, error) {
	made := &target{flow: flow, timeout: t.Timeout, headers: http.Header{}, mail: t.Mail, envelope: t.Envelope}
	if made.timeout <= 0 {
		made.timeout = defaultTimeout
	}
	if t.Mail != nil {
		if len(t.To) > 0 || t.Envelope == nil {
			return nil, fmt.Errorf("messages: flow %s delivers mail, so it needs Envelope, and no URLs in To", flow)
		}
		return made, nil
	}
	if len(t.To) == 0 {
		return nil, fmt.Errorf("messages: flow %s leads nowhere; give it the beginnings of the URLs that its messages may go to", flow)
	}
	for _, raw := range t.To {
		u, err := parseURL(raw)
		if err == nil && u.RawQuery != "" {
			err = errors.New("must have no query: what follows its path is up to each message")
		}
		if err != nil {
			return nil, fmt.Errorf("messages: flow %s: a URL in To %w", flow, err)
		}
		made.prefixes = append(made.prefixes, prefixOf(u))
	}
	for name, value := range t.Headers {
		if rule := fieldRule(name, value); rule != "" {
			return nil, fmt.Errorf("messages: flow %s: header %q %s", flow, name, rule)
		}
		made.headers.Set(name, value)
	}
	made.road = newRoad(t)
	return made, nil
}

func prefixOf(u *url.URL) prefix {
	p := prefix{scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: u.Port(), path: u.EscapedPath()}
	if p.port == "" {
		p.port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if p.path == "" {
		p.path = "/"
	}
	return p
}

// covers reports whether a URL is the prefix or lies below it.
func (p prefix) covers(u prefix) bool {
	rest, ok := strings.CutPrefix(u.path, p.path)
	below := strings.HasSuffix(p.path, "/") || rest == "" || rest[0] == '/'
	return ok && below && u.scheme == p.scheme && u.host == p.host && u.port == p.port
}

// where reads the URL of a message, and refuses one that does not begin as the target allows. It is asked when a message is
// accepted, and again when it is delivered, for the configuration may be another one then.
func (t *target) where(raw string) (*url.URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	given := prefixOf(u)
	for _, p := range t.prefixes {
		if p.covers(given) {
			return u, nil
		}
	}
	return nil, errors.New("does not begin as the URLs that this flow may deliver to; its configuration lists them")
}

// parseURL reads a URL that every receiver and every proxy in between read alike. Where readings are known to differ, it is
// refused: what is checked has to be what is reached. Its errors complete the sentence that begins with the URL, and do not show it.
func parseURL(raw string) (*url.URL, error) {
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>^`{|}", r) }
	switch {
	case raw == "":
		return nil, errors.New("must be there")
	case len(raw) > longestURL:
		return nil, fmt.Errorf("must have at most %d characters", longestURL)
	case strings.ContainsFunc(raw, odd):
		return nil, errors.New("must be written in the characters of URLs: no spaces, backslashes or letters beyond ASCII; hosts of other scripts begin with xn--, all else is percent-encoded")
	case strings.Contains(raw, "#"):
		return nil, errors.New("must have no fragment")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "":
		return nil, errors.New("must be a URL such as https://push.example.com/v1/send")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must begin with https:// or http://")
	case u.User != nil:
		return nil, errors.New("must hold no user name or password; send them as a header")
	case !plainHost(u.Hostname()):
		return nil, errors.New("must name a host, without a dot at its end")
	case strings.HasSuffix(u.Host, ":"):
		return nil, errors.New("must have a port after the colon, or no colon")
	}
	if !steady(u.EscapedPath()) {
		return nil, errors.New("must have a path that means the same to everybody: no . or .. as a part, encoded or not, and no control characters")
	}
	return u, nil
}

// plainHost refuses what is no name and no address, and the dot at the end, with which a name is the same and yet another.
func plainHost(host string) bool {
	return host != "" && !strings.HasSuffix(host, ".") && !strings.ContainsAny(host, "%") && httpguts.ValidHostHeader(host)
}

// mostDecoding is how often a receiver is thought to decode a path.
const mostDecoding = 4

// steady reports whether a path stays below its own beginning in whichever way it is read: as it is, decoded once or several times,
// with backslashes as slashes, with what follows a semicolon left out of its parts.
func steady(path string) bool {
	for range mostDecoding {
		for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			name, _, _ := strings.Cut(part, ";")
			if name == "." || name == ".." || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return false
			}
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			return true
		}
		path = decoded
	}
	return false
}
