// Package cache keeps answers of the product while it runs, so that they can be given while it is away.
//
// Begin with [New]. While the product runs, [Store.Keep] sees each answer on its way to the client and stores a copy of
// what a shared cache may store; [Store.Invalidate] forgets what a change has outdated. While the product is
// interrupted, [Store.Answer] answers GET and HEAD. It is a cache for one use: it never answers in place of a product
// that is well, so it revalidates nothing and calls nobody.
//
// What it promises: what RFC 9111 forbids a shared cache to store or to answer with is neither stored nor answered with.
// An answer made for one user reaches no other, unless the product says that it may be shared. Where the standard leaves a
// choice, the choice is the one that shows less:
//
//   - An answer to a request with a Cookie is stored only if it says public or s-maxage. RFC 9111 has no rule for
//     cookies; this is its rule for Authorization (3.5), without must-revalidate, which says nothing of sharing.
//   - An answer that says nothing about caching is stored, because the standard takes 200, 404 and their like for
//     cacheable (RFC 9110, 15.1), but only from a request without Authorization, Cookie and client certificate, and only for such.
//   - An answer with Set-Cookie is never stored, nor one that sets a limit nobody can read, nor one of the server's errors,
//     nor one whose end cannot be told from a connection that broke.
//   - A Cache-Control field that breaks the grammar says no-store.
//
// Stored answers may be older than the product wished. How much older, it says itself (stale-if-error, RFC 5861), or else
// the operator; must-revalidate, proxy-revalidate and s-maxage forbid it altogether (RFC 9111, 4.2.4), even beside
// stale-if-error. What a client asks of a cache holds too: one that reloads with max-age=0 or no-cache gets no old answer.
//
// The promise ends with the process: nothing is on disk. It also ends where the product answers differently by something that
// neither the target nor Vary names; no cache can see that.
package cache

import (
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Limits bound the memory of a [Store], in bytes. What is zero takes its default.
type Limits struct {
	// Bytes bounds all that is stored, with headers, and the copies in the making; these take a quarter at most. The
	// default is 64 MiB.
	Bytes int64

	// Entry bounds the body of one answer. The default is 1 MiB; it is never more than a quarter of Bytes, or 128 MiB.
	Entry int64
}

const (
	defaultBytes = 64 << 20
	defaultEntry = 1 << 20
	largestEntry = 128 << 20
)

// Store holds answers by the target that was asked for and by what their Vary names. Its methods may be called at the same
// time.
//
// When it is full, those answers stay that are asked for most; one that is asked for once does not push out one that is
// asked for often.
type Store struct {
	entries *otter.Cache[target, *entry]
	quarter int64
	largest int64
	copies  atomic.Int64 // bytes of the copies in the making
}

// New makes an empty store.
func New(limits Limits) *Store {
	bytes, largest := limits.Bytes, limits.Entry
	if bytes <= 0 {
		bytes = defaultBytes
	}
	if largest <= 0 {
		largest = defaultEntry
	}
	s := &Store{quarter: bytes / 4}
	s.largest = min(largest, s.quarter, largestEntry)
	s.entries = otter.Must(&otter.Options[target, *entry]{
		MaximumWeight: uint64(bytes - s.quarter),
		Weigher:       func(t target, e *entry) uint32 { return uint32(min(t.weight()+e.weight(), math.MaxUint32)) },
		// Upkeep runs where it is caused, so that no goroutine outlives its caller.
		Executor: func(upkeep func()) { upkeep() },
	})
	return s
}

// Keep stores a copy of an answer once its body has been read to the end, if a shared cache may store it. For that it
// wraps resp.Body, whose bytes pass unchanged and at once; what may not be stored is left as it is.
//
// The request is the client's, before it was changed for the product: its URL with its Host is what was asked for. Its
// URL.Scheme, where set, is the caller's word on what the client used; otherwise TLS tells. A request in absolute form
// brings a scheme of the client's choosing and is left alone. requested and received are when the request was sent to the
// product and when the header of its answer came.
func (s *Store) Keep(r *http.Request, resp *http.Response, requested, received time.Time) {
	if !mayConcern(r, resp) {
		return
	}
	said := parse(resp.Header["Cache-Control"])
	if !said.mayBeShared(r, resp) || parse(r.Header["Cache-Control"]).noStore {
		return
	}
	if resp.ContentLength > s.largest || !endIsKnown(resp) {
		return
	}
	fields, ok := nominated(resp.Header["Vary"], r.Header)
	if !ok {
		return
	}
	kept := remember(resp, said, requested, received)
	if !kept.everOfUse() {
		return
	}
	kept.varies = fields
	at := targetOf(r)
	if resp.StatusCode == http.StatusNoContent || resp.ContentLength == 0 {
		s.put(at, kept, nil)
		return
	}
	resp.Body = &copying{body: resp.Body, store: s, at: at, kept: kept, length: resp.ContentLength}
}

// Answer gives the stored answer to a request, if there is one that the standard, the product, the operator and the client
// let it be answered with now. most is how far past its freshness the operator lets an answer go whose product says nothing
// of that; zero allows none. The request is the client's, as [Store.Keep] has it.
func (s *Store) Answer(r *http.Request, now time.Time, most time.Duration) (*Answer, bool) {
	if !mayBeAnswered(r) {
		return nil, false
	}
	e, ok := s.entries.GetIfPresent(targetOf(r))
	if !ok {
		return nil, false
	}
	kept := e.choose(r.Header)
	if kept == nil || !kept.serves(r, now, most) {
		return nil, false
	}
	return kept.answer(r, now), true
}

// Invalidate forgets what a request has changed (RFC 9111, 4.4): its target, and what Location and Content-Location name on
// the same origin, if its method is not a safe one and the product did not answer with an error.
//
// An answer that the product gave before the change, and that is still on its way to its client, is stored nevertheless.
func (s *Store) Invalidate(r *http.Request, resp *http.Response) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return
	}
	if resp.StatusCode < 200 || resp.StatusCode > 399 {
		return
	}
	at := targetOf(r)
	s.entries.Invalidate(at)
	for _, name := range [...]string{"Location", "Content-Location"} {
		if other, ok := at.beside(r.URL, resp.Header.Get(name)); ok {
			s.entries.Invalidate(other)
		}
	}
}

// put stores an answer with its body, in place of the one that answered the same before.
func (s *Store) put(at target, kept *stored, body []byte) {
	kept.complete(body)
	s.entries.Compute(at, func(old *entry, found bool) (*entry, otter.ComputeOp) {
		if !found {
			old = &entry{}
		}
		return old.with(kept, s.quarter), otter.WriteOp
	})
}
