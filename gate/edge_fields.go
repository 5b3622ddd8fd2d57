package gate

import (
	"iter"
	"net/http"
	"net/textproto"
	"strings"
)

// fate is what becomes of a field on its way through the gate.
type fate int8

const (
	goesOn   fate = iota
	endsHere      // it concerns one connection, or frames a message
	ownWord       // what it says, the gate says itself
	vouched       // only a proxy may say it: it goes on when one that is trusted does
)

// fateOf is the fate of a field by its canonical name.
//
// CGI and what descends from it reads every character that is no letter and no digit as the same underscore. So a name that looks
// like another one there shares its fate: X_Forwarded_For cannot stand for X-Forwarded-For.
func fateOf(name string) fate {
	for i := range len(name) {
		if !inNames(rune(name[i])) {
			if fateOfPlain(textproto.CanonicalMIMEHeaderKey(strings.Map(asHyphen, name))) != goesOn {
				return endsHere
			}
			return goesOn
		}
	}
	return fateOfPlain(name)
}

// inNames reports whether a character is usual in the name of a field.
func inNames(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

func asHyphen(c rune) rune {
	if !inNames(c) {
		return '-'
	}
	return c
}

func fateOfPlain(name string) fate {
	switch name {
	case "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id", "Via":
		return ownWord
	case "Host", "Content-Length", // the request has them beside its fields
		"Http2-Settings",
		"Proxy": // CGI would read it as the environment's HTTP_PROXY
		return endsHere
	case "X-Real-Ip",
		fieldReceived, fieldAttempt, fieldEntry, fieldSignature: // a gate in front may have queued it
		return vouched
	}
	switch {
	case hopByHop(name):
		return endsHere
	case strings.HasPrefix(name, "X-Forwarded-"):
		return vouched
	}
	return goesOn
}

// hopByHop reports whether a field always concerns one connection only (RFC 9110, 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// asked adds to the fields of to those of a client's request that go on. Their values are shared, not copied.
func asked(to, from http.Header, trusted bool) {
	for name, values := range from {
		if f := fateOf(name); f == goesOn || f == vouched && trusted {
			to[name] = values
		}
	}
	notForEverybody(to, from)
}

// notForEverybody takes out of the fields of to those that the client means for this connection only.
func notForEverybody(to, from http.Header) {
	for name := range named(from["Connection"]) {
		if fateOf(name) == goesOn && !forEverybody(name) {
			delete(to, name)
		}
	}
}

// answered adds to the fields of to those of a product's answer that go on. Their values are shared, not copied.
func answered(to, from http.Header) {
	for name, values := range from {
		if !hopByHop(name) {
			to[name] = values
		}
	}
	for name := range named(from["Connection"]) {
		if !forEverybody(name) {
			delete(to, name)
		}
	}
}

// named gives the canonical names of the fields that Connection says concern this connection only.
func named(connection []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range connection {
			for option := range strings.SplitSeq(line, ",") {
				option = textproto.TrimString(option)
				switch option {
				case "", "keep-alive", "Keep-Alive", "close", "Upgrade", "upgrade": // no names of other fields
					continue
				}
				if !yield(textproto.CanonicalMIMEHeaderKey(option)) {
					return
				}
			}
		}
	}
}

// forEverybody reports whether a field is meant for all recipients, so that Connection must not name it (RFC 9110, 7.6.1). If it
// does, the field stays: removing what guards a message is an attack, not a courtesy.
func forEverybody(name string) bool {
	switch name {
	case "Authorization", "Cache-Control", "Cookie", "Origin", "Set-Cookie", "Vary":
		return true
	}
	return strings.HasPrefix(name, "Content-") || strings.HasPrefix(name, "Sec-")
}
