package gate

import (
	"io"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
)

// edge turns a client's request into the one for the product.
//
// Whatever a client says goes on unchanged, except for three things: fields that concern one connection end here (RFC 9110,
// 7.6.1); fields that say who asks, by which host and protocol, are the gate's own word and that of proxies it
// trusts; and the gate names itself in Via, as RFC 9110, 7.6.3 asks of every gateway. Framing is made anew, so a request
// that two readers could cut differently reaches the product as exactly one.
//
// The zero value trusts nobody.
type edge struct {
	// trusted are the networks of proxies in front of this one, whose word on their clients is believed.
	trusted []netip.Prefix
	// addressAsHost asks the product by the name in its own address, rather than by the host that the client asked for.
	addressAsHost bool
}

// misfit is a request that no product may see.
type misfit struct {
	status int
	why    string
}

func (m *misfit) Error() string { return m.why }

// admit takes a client's request in, or says why it cannot be passed on. What it returns is the request to use from then
// on: it knows how much of its body was read, and its trailers are those that a client may send.
func admit(r *http.Request) (*http.Request, *misfit) {
	switch {
	case r.Method == http.MethodConnect:
		return nil, &misfit{http.StatusMethodNotAllowed, "this is no proxy for CONNECT; ask for a path"}
	case r.Method == "PRI" || r.URL.Opaque != "" || r.URL.Path == "*" && r.Method != http.MethodOptions:
		return nil, &misfit{http.StatusBadRequest, "the target has to be a path, or * with OPTIONS"}
	case r.URL.Scheme != "" && r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return nil, &misfit{http.StatusBadRequest, "the target has to be of http or https"}
	case !httpguts.ValidHostHeader(r.Host):
		return nil, &misfit{http.StatusBadRequest, "the host has to be a name or an address, with or without port"}
	case r.ContentLength == 0:
		return r, nil
	}
	in := r.WithContext(r.Context())
	in.Trailer = nil
	for name := range r.Trailer {
		if httpguts.ValidTrailerHeader(name) && fateOf(name) == goesOn {
			if in.Trailer == nil {
				in.Trailer = http.Header{}
			}
			in.Trailer[name] = nil
		}
	}
	in.Body = &inbound{from: r, trailer: in.Trailer}
	return in, nil
}

// inbound is the body of a client's request.
//
// Closing it ends its readers and leaves the connection alone: the server's own Close would read on from a client that may
// be waiting for an answer.
type inbound struct {
	from    *http.Request
	trailer http.Header // filled when the body has ended
	ended   atomic.Bool // it was read to its proper end
	closed  atomic.Bool
}

func (b *inbound) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.from.Body.Read(p)
	if err == io.EOF {
		for name := range b.trailer {
			b.trailer[name] = b.from.Trailer[name]
		}
		b.ended.Store(true)
	}
	return n, err
}

func (b *inbound) Close() error {
	b.closed.Store(true)
	return nil
}

// unread reports whether a request has a body that has not been read to its end. Whoever answers such a request over
// HTTP/1 says Connection: close, for what follows on the connection is the rest of this body and not another request.
func unread(r *http.Request) bool {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return false
	}
	b, ok := r.Body.(*inbound)
	return !ok || !b.ended.Load()
}

// outgoing makes the request for the product of one that was admitted. It changes nothing in r, and may be called again
// when the request is sent anew.
func (e *edge) outgoing(r *http.Request, id string) *http.Request {
	peer := peerOf(r)
	trusted := e.trusts(peer)
	out := r.WithContext(r.Context())
	out.RequestURI, out.Close, out.TransferEncoding = "", false, nil
	if r.ContentLength == 0 {
		out.Body = nil
	}
	if e.addressAsHost {
		out.Host = ""
	}
	if r.URL.Scheme != "" || r.URL.Host != "" || r.URL.User != nil {
		out.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	}
	out.Header = make(http.Header, len(r.Header)+6)
	asked(out.Header, r.Header, trusted)
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // none is made up
	}
	if httpguts.HeaderValuesContainsToken(r.Header["Te"], "trailers") {
		out.Header["Te"] = []string{"trailers"}
	}
	if to := upgradeOf(r); to != "" {
		out.Header["Connection"], out.Header["Upgrade"] = []string{"Upgrade"}, []string{to}
	}
	e.vouch(out, r, peer, trusted, id)
	return out
}

// vouch sets the fields that are the gate's own word.
func (e *edge) vouch(out, r *http.Request, peer netip.Addr, trusted bool, id string) {
	var w way
	if trusted {
		w = e.way(r, peer)
	} else {
		w.hops = []netip.Addr{peer}
	}
	if w.proto == "" {
		w.proto = "http"
		if r.TLS != nil {
			w.proto = "https"
		}
	}
	if w.host == "" {
		w.host = r.Host
	}
	// One piece of memory for all the lists. Their capacities are cut, so that appending to one cannot reach the next.
	values := [...]string{w.forwarded(), w.forwardedFor(), w.host, w.proto, id, via(r)}
	h := out.Header
	h["Forwarded"] = values[0:1:1]
	if peer.IsValid() {
		h["X-Forwarded-For"] = values[1:2:2]
	}
	h["X-Forwarded-Host"] = values[2:3:3]
	h["X-Forwarded-Proto"] = values[3:4:4]
	h["X-Request-Id"] = values[4:5:5]
	h["Via"] = values[5:6:6]
}

// via is the way of the request by the protocols that it was received with (RFC 9110, 7.6.3).
func via(r *http.Request) string {
	mine := "1.1 interlude"
	switch {
	case r.ProtoMajor == 2:
		mine = "2.0 interlude"
	case r.ProtoMajor != 1 || r.ProtoMinor != 1:
		mine = strconv.Itoa(r.ProtoMajor) + "." + strconv.Itoa(r.ProtoMinor) + " interlude"
	}
	if before := r.Header["Via"]; len(before) > 0 {
		return strings.Join(before, ", ") + ", " + mine
	}
	return mine
}

// upgradeOf is the protocol that a request properly asks to change to (RFC 9110, 7.8), or empty. Asking for another version
// of HTTP, or for TLS, is passed over: the product's consent would carry all that follows past the gate. So is a
// request with a body, because a server may begin to speak anew before, within or after that.
func upgradeOf(r *http.Request) string {
	wanted := r.Header["Upgrade"]
	if len(wanted) != 1 || r.ProtoMajor != 1 || r.ProtoMinor < 1 || r.ContentLength != 0 ||
		!httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") {
		return ""
	}
	for protocol := range strings.SplitSeq(wanted[0], ",") {
		name, _, _ := strings.Cut(textproto.TrimString(protocol), "/")
		if !httpguts.ValidHeaderFieldName(name) { // a token, too
			return ""
		}
		switch strings.ToLower(name) {
		case "h2c", "h2", "h3", "http", "tls":
			return ""
		}
	}
	return wanted[0]
}
