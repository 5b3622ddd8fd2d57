package cache

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stored is one answer with what is needed to tell how old it is. It does not change once it is complete.
type stored struct {
	status int
	header http.Header
	body   []byte
	varies []field

	received time.Time
	initial  time.Duration // how old it was when it was received
	lifetime time.Duration // the age at which it stops being fresh
	lenience time.Duration // how long past its lifetime it may be used; unsaid where the operator decides
	explicit bool          // the product says itself that it may be stored
}

// remember takes what matters of an answer, before others change its header on its way.
func remember(resp *http.Response, said directives, requested, received time.Time) *stored {
	k := &stored{
		status: resp.StatusCode, header: storedHeader(resp.Header, said.concealed), received: received,
		lenience: said.staleIfError, explicit: said.explicit(resp.Header),
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		date = received
		k.header.Set("Date", received.UTC().Format(http.TimeFormat)) // RFC 9110, 6.6.1
	}
	k.initial = initialAge(resp.Header, date, requested, received)
	k.lifetime = said.lifetime(resp.Header, date)
	if said.mustRevalidate || said.proxyRevalidate || said.sharedMaxAge != unsaid {
		k.lenience = 0 // RFC 9111, 4.2.4
	}
	return k
}

// everOfUse reports whether there is any moment at which the answer may be used.
func (k *stored) everOfUse() bool { return k.lenience != 0 || k.initial < k.lifetime }

// complete gives the answer its body. The length that every reader is told is that of the bytes there are.
func (k *stored) complete(body []byte) {
	k.body = body
	if k.status != http.StatusNoContent {
		k.header.Set("Content-Length", strconv.Itoa(len(body)))
	}
}

// initialAge is how old an answer was when it came (RFC 9111, 4.2.3): by its date, or by the caches that it passed. An Age
// that is not one number makes it as old as can be (RFC 9111, 5.1).
func initialAge(h http.Header, date, requested, received time.Time) time.Duration {
	var aged time.Duration
	if lines := h["Age"]; len(lines) > 0 {
		var ok bool
		if aged, ok = deltaSeconds(lines[0]); !ok || len(lines) > 1 {
			aged = forever
		}
	}
	delay := max(received.Sub(requested), 0)
	return max(received.Sub(date), aged+delay)
}

// age is how old the answer is now. A clock that was set back makes nothing younger than it came.
func (k *stored) age(now time.Time) time.Duration { return k.initial + max(now.Sub(k.received), 0) }

// lifetime is how long an answer is fresh for a shared cache (RFC 9111, 4.2.1). Where the product says nothing it is stale
// at once, and the operator's limit counts from its birth: nothing is guessed.
func (d *directives) lifetime(h http.Header, date time.Time) time.Duration {
	if d.sharedMaxAge != unsaid {
		return d.sharedMaxAge
	}
	if d.maxAge != unsaid {
		return d.maxAge
	}
	shortest := unsaid
	for _, line := range h["Expires"] {
		expires, err := http.ParseTime(line)
		if err != nil { // RFC 9111, 5.3: in the past
			return 0
		}
		if left := max(expires.Sub(date), 0); shortest == unsaid || left < shortest {
			shortest = left
		}
	}
	return max(shortest, 0)
}

// unstored are the fields that speak of one connection, or of one passage through a cache (RFC 9111, 3.1).
var unstored = [...]string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Age",
}

// storedHeader copies the fields of an answer that outlive its connection and are for everybody.
func storedHeader(h http.Header, concealed []string) http.Header {
	kept := h.Clone()
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			kept.Del(strings.Trim(name, " \t"))
		}
	}
	for _, name := range unstored {
		kept.Del(name)
	}
	for _, name := range concealed {
		kept.Del(name)
	}
	return kept
}

// recordWeight is about what an answer costs beside its bytes.
const recordWeight = 512

// weight is about how many bytes of memory the answer takes.
func (k *stored) weight() int64 {
	n := recordWeight + len(k.body)
	for name, values := range k.header {
		n += len(name)
		for _, value := range values {
			n += len(value) + 16
		}
	}
	for _, f := range k.varies {
		n += len(f.name) + len(f.value)
	}
	return int64(n)
}
