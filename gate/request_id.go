package gate

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

// longestID is how long a request's id may be that somebody else gave.
const longestID = 128

// requestID is the id by which the product, the log and the client know the request: the one that a trusted proxy in front
// gave it, or a new one.
//
// An id is no secret, and two alike do no harm beyond a confused reader, so chance need not be cryptographic.
func (e *edge) requestID(r *http.Request) string {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && wellFormedID(given[0]) && e.trusts(peerOf(r)) {
		return given[0]
	}
	var chance [16]byte
	binary.LittleEndian.PutUint64(chance[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(chance[8:], rand.Uint64())
	var id [2 * len(chance)]byte
	hex.Encode(id[:], chance[:])
	return string(id[:])
}

// wellFormedID reports whether an id is 1 to 128 visible ASCII characters: it goes into logs and onto pages.
func wellFormedID(id string) bool {
	if id == "" || len(id) > longestID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
