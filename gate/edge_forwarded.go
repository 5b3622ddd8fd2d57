package gate

import (
	"cmp"
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// way is how a request came here, as far as somebody who is trusted says so.
type way struct {
	// hops begins with the client and ends with the peer of the connection. It is never empty.
	hops []netip.Addr
	// host and proto are what the client asked for; empty where nobody says.
	host, proto string
}

// peerOf is who the connection is with: not valid when that has no address, as a Unix socket has none.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// trusts reports whether an address belongs to a proxy whose word counts.
func (e *edge) trusts(addr netip.Addr) bool {
	for _, network := range e.trusted {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// client is who asks: the peer, or the rightmost address that is not trusted in what trusted proxies say.
func (e *edge) client(r *http.Request) netip.Addr {
	peer := peerOf(r)
	if !e.trusts(peer) {
		return peer
	}
	return e.way(r, peer).hops[0]
}

// way reads what the proxies in front say, from the right: what is left of the first address that is not trusted, or that
// is no address, was written by somebody who may say anything.
//
// X-Forwarded-For is believed where there is one, and Forwarded only where there is none: many proxies keep the former and
// pass the latter on as the client made it up. A proxy that keeps Forwarded alone has to remove X-Forwarded-For.
func (e *edge) way(r *http.Request, peer netip.Addr) way {
	w := way{hops: append(make([]netip.Addr, 0, 4), peer)}
	if lines := r.Header["Forwarded"]; len(lines) > 0 && len(r.Header["X-Forwarded-For"]) == 0 {
		e.readForwarded(&w, lines)
	} else {
		e.readXForwarded(&w, r.Header)
	}
	slices.Reverse(w.hops)
	return w
}

func (e *edge) readXForwarded(w *way, h http.Header) {
	w.proto = knownProto(last(h["X-Forwarded-Proto"]))
	w.host = knownHost(last(h["X-Forwarded-Host"]))
	for element := range fromTheRight(h["X-Forwarded-For"], lastOfList) {
		addr, ok := parseNode(element)
		if !ok {
			return
		}
		w.hops = append(w.hops, addr)
		if !e.trusts(addr) {
			return
		}
	}
}

func (e *edge) readForwarded(w *way, lines []string) {
	for element := range fromTheRight(lines, lastOfForwarded) {
		said, ok := parseElement(element)
		if !ok {
			return
		}
		// Of those who are trusted, the outermost one is nearest to what the client asked for.
		w.host, w.proto = cmp.Or(said.host, w.host), cmp.Or(said.proto, w.proto)
		if !said.node.IsValid() {
			return
		}
		w.hops = append(w.hops, said.node)
		if !e.trusts(said.node) {
			return
		}
	}
}

// fromTheRight gives the elements of a list that may have several lines, the last one first, and no empty ones.
func fromTheRight(lines []string, cut func(string) (rest, element string, more bool)) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range slices.Backward(lines) {
			for more := true; more; {
				var element string
				line, element, more = cut(line)
				if element = strings.Trim(element, " \t"); element != "" && !yield(element) {
					return
				}
			}
		}
	}
}

// lastOfList cuts the last element off a list of plain elements.
func lastOfList(line string) (rest, element string, more bool) {
	at := strings.LastIndexByte(line, ',')
	if at < 0 {
		return "", line, false
	}
	return line[:at], line[at+1:], true
}

// last is the last element of a list: what the peer itself wrote.
func last(lines []string) string {
	for element := range fromTheRight(lines, lastOfList) {
		return element
	}
	return ""
}

// knownProto is a protocol in small letters, or empty when it is none that a client may have used.
func knownProto(s string) string {
	for _, proto := range [...]string{"https", "http", "wss", "ws"} {
		if strings.EqualFold(s, proto) {
			return proto
		}
	}
	return ""
}

// knownHost is a host that may stand in a Host field, or empty.
func knownHost(s string) string {
	if !httpguts.ValidHostHeader(s) {
		return ""
	}
	return s
}

// parseNode reads an address with or without port (RFC 7239, 6). The names that hide an address are none: unknown, _secret.
func parseNode(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		host, port, closed := strings.Cut(inner, "]")
		if !closed || port != "" && port[0] != ':' {
			return netip.Addr{}, false
		}
		s = host
	} else if host, _, ok := strings.Cut(s, ":"); ok && strings.Count(s, ":") == 1 {
		s = host
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.Unmap().WithZone(""), true
}

// said is one element of Forwarded. Its node is not valid where the proxy does not know or does not tell.
type said struct {
	node        netip.Addr
	host, proto string
}

// lastOfForwarded cuts the last element off a Forwarded line (RFC 7239, 4). It reads from the right, so that a quote which
// the client left open swallows nothing of what a proxy appended.
func lastOfForwarded(line string) (rest, element string, more bool) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch {
		case line[i] == '"' && !isEscaped(line[:i]):
			quoted = !quoted
		case line[i] == ',' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return "", line, false
}

// isEscaped reports whether what follows s is escaped by the backslashes at its end.
func isEscaped(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// parseElement reads one element of Forwarded; false is one that breaks the rules.
func parseElement(s string) (said, bool) {
	var all said
	seen := map[string]bool{}
	for s = strings.Trim(s, " \t"); s != ""; {
		name, rest, ok := strings.Cut(s, "=")
		if !ok || !httpguts.ValidHeaderFieldName(name) { // a token, like a parameter's name
			return said{}, false
		}
		value, rest, ok := parseValue(rest)
		if !ok || rest != "" && rest[0] != ';' {
			return said{}, false
		}
		s = strings.TrimPrefix(rest, ";")
		name = strings.ToLower(name)
		if seen[name] {
			return said{}, false
		}
		seen[name] = true
		switch name {
		case "for":
			all.node, _ = parseNode(value)
		case "host":
			all.host = knownHost(value)
		case "proto":
			all.proto = knownProto(value)
		}
	}
	return all, true
}

// parseValue reads a token or a quoted string (RFC 9110, 5.6.4) from the beginning of s.
func parseValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexByte(s, ';')
		if end < 0 {
			end = len(s)
		}
		// Proxies write addresses with ports and brackets unquoted, which is not a token, and not ambiguous either.
		return s[:end], s[end:], !strings.ContainsAny(s[:end], "\" \t,=")
	}
	var plain strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return plain.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		plain.WriteByte(s[i])
	}
	return "", "", false
}

// forwardedFor writes the hops as X-Forwarded-For does.
func (w *way) forwardedFor() string {
	var room [64]byte
	text := room[:0]
	for i, hop := range w.hops {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = appendOrUnknown(text, hop)
	}
	return string(text)
}

// forwarded writes the way as Forwarded does: what was asked for stands with the client (RFC 7239, 4 to 6).
func (w *way) forwarded() string {
	var room [128]byte
	text := room[:0]
	for i, hop := range w.hops {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(text, "for="...)
		if hop.Is6() {
			text = append(text, `"[`...)
			text = hop.AppendTo(text)
			text = append(text, `]"`...)
		} else {
			text = appendOrUnknown(text, hop)
		}
		if i == 0 && w.host != "" {
			text = append(append(append(text, `;host="`...), w.host...), '"')
		}
		if i == 0 {
			text = append(append(text, ";proto="...), w.proto...)
		}
	}
	return string(text)
}

func appendOrUnknown(text []byte, hop netip.Addr) []byte {
	if !hop.IsValid() {
		return append(text, "unknown"...)
	}
	return hop.AppendTo(text)
}
