package cache

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// entry is the answers to one target, the newest first. It is never changed, only replaced.
type entry struct{ variants []*stored }

// mostVariants is how many answers to one target are kept. A product that varies by what clients write freely would fill
// the store with one page otherwise.
const mostVariants = 16

// field is a field of a request that an answer varies by, with what the request had in it.
type field struct {
	name    string
	value   string
	present bool // a field that is absent matches only its absence (RFC 9111, 4.1)
}

// nominated reads a Vary field and what the request has in the fields it names. It refuses what cannot be matched: an
// asterisk, what is no name, and the fields in which a proxy writes who asks, because the client's request does not have
// them yet and all clients would look the same. Host is part of the target already.
func nominated(vary []string, request http.Header) ([]field, bool) {
	var fields []field
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			switch name {
			case "", "Host":
				continue
			case "*", "Forwarded", "X-Forwarded-For", "X-Real-Ip":
				return nil, false
			}
			if !httpguts.ValidHeaderFieldName(name) {
				return nil, false
			}
			value, present := normalised(request, name)
			fields = append(fields, field{name, value, present})
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(fields), true
}

// negotiation are the fields whose spaces and case are known to mean nothing.
var negotiation = [...]string{"Accept-Encoding", "Accept-Language", "Accept-Charset"}

var meaningless = strings.NewReplacer(" ", "", "\t", "")

// normalised gives a request's field in the form in which it is compared: its lines as one, and without what is known to
// mean nothing (RFC 9111, 4.1).
func normalised(request http.Header, name string) (value string, present bool) {
	lines := request[name]
	if len(lines) == 0 {
		return "", false
	}
	value = lines[0]
	if len(lines) > 1 {
		value = strings.Join(lines, ", ")
	}
	if slices.Contains(negotiation[:], name) {
		value = strings.ToLower(meaningless.Replace(value))
	}
	return value, true
}

// matches reports whether a request has in every nominated field what the stored one's request had.
func (k *stored) matches(request http.Header) bool {
	for _, f := range k.varies {
		if value, present := normalised(request, f.name); present != f.present || value != f.value {
			return false
		}
	}
	return true
}

// choose gives the newest answer whose request was like this one, or nil. One that says what it varies by goes before one
// that says nothing, which some products forget to (RFC 9111, 4.1).
func (e *entry) choose(request http.Header) *stored {
	var plain *stored
	for _, k := range e.variants {
		switch {
		case len(k.varies) == 0:
			if plain == nil {
				plain = k
			}
		case k.matches(request):
			return k
		}
	}
	return plain
}

// with gives the entry with one more answer, in place of the one to the same request. Where they are too many, or heavier
// together than most, the oldest go. An answer that was overtaken on its way by a newer one is not taken.
func (e *entry) with(k *stored, most int64) *entry {
	next := &entry{variants: make([]*stored, 0, len(e.variants)+1)}
	next.variants = append(next.variants, k)
	for _, other := range e.variants {
		if !slices.Equal(other.varies, k.varies) {
			next.variants = append(next.variants, other)
		} else if other.received.After(k.received) {
			return e
		}
	}
	for len(next.variants) > 1 && (len(next.variants) > mostVariants || next.weight() > most) {
		next.variants = next.variants[:len(next.variants)-1]
	}
	return next
}

func (e *entry) weight() int64 {
	var n int64
	for _, k := range e.variants {
		n += k.weight()
	}
	return n
}
