package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"example.org/interlude/access"
)

// onBehalf puts a request that changes something into its context, for the audit log.
func (d *door) onBehalf(ctx context.Context, r *http.Request, t access.Token, operation string) context.Context {
	return access.WithAct(ctx, access.Act{
		Token: t.ID, Name: t.Name, Operation: operation, Request: requestID(ctx), Client: d.ClientOf(r),
	})
}

// ClientOf is the address that a request came from, without its port.
//
// Behind a proxy that is the last element of X-Forwarded-For, which the proxy itself added; what stands before it is
// whatever the client claims. Without a proxy the whole header is a claim, so it counts only where Secure says that
// there is one.
func (s Server) ClientOf(r *http.Request) string {
	if said := r.Header.Values("X-Forwarded-For"); s.Secure && len(said) > 0 {
		elements := strings.Split(said[len(said)-1], ",")
		if address, ok := plainAddress(elements[len(elements)-1]); ok {
			return address
		}
	}
	if address, ok := plainAddress(r.RemoteAddr); ok {
		return address
	}
	return "unknown" // a listener that is no network's, such as a socket in the file system
}

// plainAddress reads an IP address that may have a port, and gives it without.
func plainAddress(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return "", false
	}
	return address.Unmap().WithZone("").String(), true
}
