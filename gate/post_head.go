package gate

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// postHead is what is kept of a request that was queued, beside its body.
//
// It is a line of JSON, and after it the head of the request as HTTP/1.1 has it: every byte of its target and its fields stays as
// it is, and people can read it. Fields have their canonical names, for the server keeps no others.
type postHead struct {
	// Received is when the request came, and Remote from where.
	Received time.Time `json:"received"`
	Remote   string    `json:"remote"`
	TLS      bool      `json:"tls,omitempty"`
	// Proto is the version that the client spoke.
	Proto string `json:"proto"`
	// Request is the request's id, Signature what the product is told of its signature.
	Request   string `json:"request"`
	Signature string `json:"signature,omitempty"`
}

// encode writes the head of a request that was admitted.
func (h postHead) encode(r *http.Request) []byte {
	h.Received, h.Proto = h.Received.UTC(), r.Proto
	line, _ := json.Marshal(h) // its texts and times are always possible
	b := bytes.NewBuffer(make([]byte, 0, len(line)+512))
	b.Write(line)
	fmt.Fprintf(b, "\n%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, targetOf(r), r.Host)
	fields := kept(r.Header)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// kept are the fields of a request without those that concern its connection. Those that only the gate may say stay: what they say
// of the way here is read when the request goes on.
func kept(from http.Header) http.Header {
	to := make(http.Header, len(from))
	for name, values := range from {
		if fateOf(name) != endsHere && name != "Expect" { // the body is here already
			to[name] = values
		}
	}
	notForEverybody(to, from)
	return to
}

// targetOf is the target of a request, byte for byte where that is a path.
func targetOf(r *http.Request) string {
	if target := r.RequestURI; target != "" && target[0] == '/' {
		return target
	}
	return r.URL.RequestURI()
}

// errHead is that a head is not one that encode has written.
var errHead = errors.New("the gate cannot read what it kept of this request")

// decodePost makes the request that came out of its head and its body.
func decodePost(head, body []byte) (postHead, *http.Request, error) {
	var h postHead
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	if err := json.Unmarshal(line, &h); err != nil {
		return h, nil, fmt.Errorf("%w: %w", errHead, err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(rest)))
	if err != nil {
		return h, nil, fmt.Errorf("%w: %w", errHead, err)
	}
	major, minor, ok := http.ParseHTTPVersion(h.Proto)
	if !ok || r.URL.Opaque != "" {
		return h, nil, errHead
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = h.Proto, major, minor
	r.RemoteAddr, r.ContentLength, r.TransferEncoding, r.Close = h.Remote, int64(len(body)), nil, false
	if h.TLS {
		r.TLS = &tls.ConnectionState{}
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	if len(body) == 0 {
		r.Body, r.GetBody = http.NoBody, nil
	}
	return h, r, nil
}
