package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"example.org/interlude/access"
)

// queryKey is the parameter in which clients of the Statuspage API may send their token.
const queryKey = "api_key"

// guardAt mounts a handler of another API behind the door's own look at who asks:
//
//   - The token comes from the Authorization header or, without one, from the query parameter api_key, which is gone
//     from the request by then. access.TokenOf has it; without a good one access.RefusalOf says why, and the handler
//     refuses in its own form. What a token may do is the handler's to decide.
//   - A method that changes something is an act: access.ActOf names it by method and path, and the handler may
//     replace that. With an Idempotency-Key header it is carried out once, as on the native API; all that such a
//     request writes must then be one transaction. For its key such a request is read before the handler has said who
//     may send it, so a body that is larger than most, in bytes, is refused here.
//   - A call that was begun is finished: its context ends with its time, and not when the caller leaves.
//
// It answers other origins as it sees fit: no cookie speaks for anybody here.
func (d *door) guardAt(pattern string, most int, h http.Handler) {
	d.guardedAt = append(d.guardedAt, pattern)
	d.mux.Handle(pattern, d.guarded(most, h))
}

// guarded is a handler behind the door's own look at who asks: see guardAt.
func (d *door) guarded(most int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, secret := withoutKey(r)
		note := recordOf(r.Context())
		note.api = true
		credential := r.Header.Get("Authorization")
		if credential == "" && secret != "" {
			credential = "Bearer " + secret
		}
		// A call that was begun is finished, whether or not somebody waits for its answer.
		call, stop := context.WithTimeout(context.WithoutCancel(r.Context()), callPatience)
		defer stop()
		token, err := d.keys.recognise(call, credential)
		switch {
		case err == nil:
			note.token = token.Name
			call = access.WithToken(call, token)
		case notKnown(err):
			next.ServeHTTP(w, r.WithContext(access.WithRefusal(call, err)))
			return
		default: // whose token it is cannot be said now
			d.refuseShort(w, r, err)
			return
		}
		if safe(r.Method) {
			next.ServeHTTP(w, r.WithContext(call))
			return
		}
		call = d.onBehalf(call, r, token, r.Method+" "+r.URL.EscapedPath())
		how := repeatable{token: token, most: most, refuse: d.refuseShort}
		d.once(w, r.WithContext(call), how, next.ServeHTTP)
	})
}

// withoutKey takes the token out of a query, so that nothing further in can log it or hand it on.
func withoutKey(r *http.Request) (*http.Request, string) {
	if !strings.Contains(r.URL.RawQuery, "=") {
		return r, ""
	}
	secret := ""
	var kept []string
	for parameter := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if plain, err := url.QueryUnescape(name); err != nil || plain != queryKey {
			kept = append(kept, parameter)
			continue
		}
		if plain, err := url.QueryUnescape(value); err == nil && secret == "" {
			secret = plain
		}
	}
	r = r.WithContext(r.Context())
	address := *r.URL
	address.RawQuery = strings.Join(kept, "&")
	r.URL, r.RequestURI = &address, address.RequestURI()
	return r, secret
}

// notKnown reports whether an error says that there is no token or not a good one, and not that nobody could tell.
func notKnown(err error) bool {
	for _, fact := range []error{access.ErrNoCredential, access.ErrMalformed, errUnknownToken, errRevokedToken} {
		if errors.Is(err, fact) {
			return true
		}
	}
	return false
}

// refuseShort writes an error as clients of guarded handlers read one: {"error": "…"}.
func (d *door) refuseShort(w http.ResponseWriter, r *http.Request, err error) {
	answer := d.refusalOf(r.Context(), err)
	for name, values := range answer.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": answer.Error()})
}
