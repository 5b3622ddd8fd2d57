// Package desk shows operators what lies in a spool, and lets them act on it: over HTTP ([New]) and from a program ([Client]).
//
// Whoever asks needs the token: what waits may be private mail, and what is removed is gone. The token is compared in
// constant time, and because it comes in an Authorization field no page in a browser can ask in its reader's name. The desk is meant for
// the loopback, or for a network of operators.
//
// What it promises: an entry that a courier has in its hands is not touched; what is done is durable when the answer
// comes. Where the promise ends: an act on many entries is done one by one, and those that came meanwhile may be left out.
//
// Its files: desk.go is the door, acts.go what it does, wire.go the shapes, client.go the other end.
package desk

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"example.org/interlude/spool"
)

// Spool is what the desk needs of a spool's entries.
type Spool interface {
	Item(ctx context.Context, id string) (spool.Item, error)
	Items(ctx context.Context, f spool.Filter) ([]spool.Item, error)
	Entry(ctx context.Context, id string) (spool.Entry, error)
	Retry(ctx context.Context, id string) error
	Remove(ctx context.Context, id string) error
}

// Flows is what it needs of a spool's flows, and Shelve of an entry.
type Flows interface {
	Figures() map[string]spool.Figures
	Shelve(ctx context.Context, id string) error
	Pause(ctx context.Context, flow string) error
	Resume(ctx context.Context, flow string) error
}

// desk is the handler.
type desk struct {
	spool Spool
	flows Flows
	token [sha256.Size]byte
	log   *slog.Logger
}

// New makes the handler of everything below /spool, for those who have the token. An empty token lets nobody in.
func New(s Spool, f Flows, token string, log *slog.Logger) http.Handler {
	d := &desk{spool: s, flows: f, token: sha256.Sum256([]byte(token)), log: log}
	mux := http.NewServeMux()
	for pattern, act := range map[string]func(*http.Request) (any, error){
		"GET /spool":                      d.overview,
		"GET /spool/entries":              d.list,
		"DELETE /spool/entries":           d.removeAll,
		"GET /spool/entries/{id}":         d.show,
		"DELETE /spool/entries/{id}":      d.remove,
		"POST /spool/entries/{id}/retry":  d.retry,
		"POST /spool/entries/{id}/shelve": d.shelve,
		"POST /spool/retry":               d.retryAll,
		"POST /spool/flows/{flow}/pause":  d.pause,
		"POST /spool/flows/{flow}/resume": d.resume,
	} {
		mux.Handle(pattern, d.guarded(token != "", act))
	}
	mux.Handle("GET /spool/entries/{id}/head", d.guarded(token != "", d.head))
	mux.Handle("GET /spool/entries/{id}/body", d.guarded(token != "", d.body))
	return mux
}

// content is an answer that is no JSON.
type content []byte

// guarded lets those in who have the token, and answers with what act returns.
func (d *desk) guarded(open bool, act func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		said := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
		if !open || subtle.ConstantTimeCompare(said[:], d.token[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			d.refuse(w, r, errStranger)
			return
		}
		answer, err := act(r)
		switch data, raw := answer.(content); {
		case err != nil:
			d.refuse(w, r, err)
		case raw:
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(data) // whoever asked is gone if this fails
		case answer == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		}
	})
}

var errStranger = errors.New("the token of the spool is required")

// facts say what is answered to an error: the first that fits.
var facts = []struct {
	err    error
	status int
	hint   string
}{
	{errStranger, http.StatusUnauthorized, "It is in spool.token below the gate's state; the command line finds it there."},
	{spool.ErrNotFound, http.StatusNotFound, "What was delivered or removed is known for a few days only. `interlude spool list` shows what there is."},
	{spool.ErrUnknownFlow, http.StatusNotFound, "`interlude spool list` shows the flows."},
	{spool.ErrMoving, http.StatusConflict, "Ask again in a moment."},
	{spool.ErrEnded, http.StatusConflict, ""},
	{spool.ErrClosed, http.StatusServiceUnavailable, "The gate stops, or its journal is broken: its log says which."},
	{spool.ErrFull, http.StatusServiceUnavailable, "Make room on the disk."},
}

// refuse answers with a problem (RFC 9457). What is not among the facts stays in the log.
func (d *desk) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := Problem{Status: http.StatusInternalServerError, Detail: "it could not be done; the gate's log says why"}
	var asked *wrongQuery
	if errors.As(err, &asked) {
		p = Problem{Status: http.StatusBadRequest, Detail: asked.Error()}
	}
	for _, f := range facts {
		if errors.Is(err, f.err) {
			p = Problem{Status: f.status, Detail: f.err.Error(), Hint: f.hint}
			break
		}
	}
	if p.Status == http.StatusInternalServerError {
		d.log.Error("an operator's act on the spool failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
