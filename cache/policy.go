package cache

import (
	"net/http"
	"strings"
	"time"
)

// mayConcern reports whether an answer is worth reading its Cache-Control for. It asks what costs least first, because
// most of what passes is not for storing.
//
// A body makes a GET mean what its target does not tell. What a server answers in its own distress is not what it is
// remembered for, whatever its freshness.
func mayConcern(r *http.Request, resp *http.Response) bool {
	switch {
	case r.Method != http.MethodGet, r.ContentLength != 0, resp.Body == nil:
		return false
	case resp.StatusCode < 200, resp.StatusCode >= 500,
		resp.StatusCode == http.StatusPartialContent, resp.StatusCode == http.StatusNotModified:
		return false
	}
	return inOriginForm(r) && !has(r.Header, "Range") && !has(resp.Header, "Set-Cookie")
}

// mayBeShared reports whether what an answer says of itself lets a shared cache store it (RFC 9111, 3 and 3.5).
func (d *directives) mayBeShared(r *http.Request, resp *http.Response) bool {
	byRule := cacheableByRule(resp.StatusCode)
	switch {
	case d.noStore, d.noCache, d.private:
		return false
	case d.mustUnderstand && !byRule: // RFC 9111, 5.2.2.3
		return false
	case !byRule && !d.explicit(resp.Header):
		return false
	}
	shared := d.public || d.sharedMaxAge != unsaid
	if has(r.Header, "Cookie") && !shared {
		return false
	}
	if identified(r) && !shared && !d.mustRevalidate {
		return false
	}
	return true
}

// explicit reports whether a product says that an answer may be stored, rather than leaving it to the rule.
func (d *directives) explicit(h http.Header) bool {
	return d.public || d.sharedMaxAge != unsaid || d.maxAge != unsaid || has(h, "Expires")
}

// cacheableByRule reports whether answers with a status may be stored without leave (RFC 9110, 15.1). Those that only tell a
// client that it asked wrongly are left out: nobody misses them.
func cacheableByRule(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusMultipleChoices,
		http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// identified reports whether a request proves who sends it. A client certificate does so as Authorization does.
func identified(r *http.Request) bool {
	return has(r.Header, "Authorization") || (r.TLS != nil && len(r.TLS.PeerCertificates) > 0)
}

// knownUser reports whether a request may be answered for one user alone.
func knownUser(r *http.Request) bool { return has(r.Header, "Cookie") || identified(r) }

// endIsKnown reports whether a body that breaks off can be told from one that ends: by its length, by chunks, or by the
// frames of HTTP/2. A body that ends with its connection cannot (RFC 9112, 8), and a product that is killed ends it so. A
// stream of events has no end to wait for.
func endIsKnown(resp *http.Response) bool {
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return false
	}
	return resp.StatusCode == http.StatusNoContent || resp.ContentLength >= 0 || resp.ProtoMajor >= 2 ||
		len(resp.TransferEncoding) > 0
}

// mayBeAnswered reports whether a request is one that a cache may answer at all. If-Match and If-Unmodified-Since are for
// the product to judge (RFC 9111, 4.3.2). Range is not: the whole answers it too (RFC 9110, 14.2).
func mayBeAnswered(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength == 0 && inOriginForm(r) &&
		!has(r.Header, "If-Match") && !has(r.Header, "If-Unmodified-Since")
}

// serves reports whether an answer satisfies a request now (RFC 9111, 4 and 4.2.4; RFC 5861, 4).
func (k *stored) serves(r *http.Request, now time.Time, most time.Duration) bool {
	if !k.explicit && knownUser(r) {
		return false
	}
	asked := parse(r.Header["Cache-Control"])
	if asked.noCache || (!has(r.Header, "Cache-Control") && strings.EqualFold(r.Header.Get("Pragma"), "no-cache")) {
		return false
	}
	age, allowed := k.age(now), most
	if k.lenience != unsaid {
		allowed = k.lenience
	}
	if asked.staleIfError != unsaid {
		// This is what the client accepts for when the product fails, as it does: it goes before what the client
		// wishes for otherwise.
		allowed = min(allowed, asked.staleIfError)
	} else {
		if asked.maxStale != unsaid {
			allowed = min(allowed, asked.maxStale)
		} else if asked.maxAge != unsaid || asked.minFresh != unsaid {
			allowed = 0
		}
		if (asked.maxAge != unsaid && age > asked.maxAge) || (asked.minFresh != unsaid && k.lifetime-age < asked.minFresh) {
			return false
		}
	}
	staleness := age - k.lifetime
	return staleness < 0 || (allowed > 0 && staleness <= allowed)
}

func has(h http.Header, name string) bool { return len(h[name]) > 0 }
