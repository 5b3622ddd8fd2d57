package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/keeper"
)

// quiet are the paths that machines ask every few seconds; their lines are for debugging.
var quiet = map[string]bool{
	"GET /healthz": true, "GET /readyz": true, "GET /metrics": true,
	"POST " + api.Prefix + api.PathGateState: true, "POST " + api.Prefix + api.PathGateOutcomes: true,
}

// record is what is noted of a request on its way, for its line in the log.
type record struct {
	id string
	// token is the name of the token that it carried, once that is known.
	token string
	// reads says that it changes nothing, whatever comes of it.
	reads bool
	// api says that it is a program's, and no reader's.
	api bool
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	if r, ok := ctx.Value(recordKey{}).(*record); ok {
		return r
	}
	return &record{}
}

// requestID names a request in answers and in the log.
func requestID(ctx context.Context) string { return recordOf(ctx).id }

// tally is a ResponseWriter that remembers what was answered. http.ResponseController finds the real one through it.
type tally struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status; informational ones are followed by another.
func (t *tally) WriteHeader(status int) {
	if t.status == 0 && status >= http.StatusOK {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write counts what was sent.
func (t *tally) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	n, err := t.ResponseWriter.Write(b)
	t.bytes += int64(n)
	return n, err
}

// Unwrap gives the writer below.
func (t *tally) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// observed gives every request its name, its line in the log and its place in the figures. Neither headers nor the
// query are logged: they may hold secrets.
func (d *door) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		note := &record{id: keeper.NewID(), reads: safe(r.Method), api: strings.HasPrefix(r.URL.Path, api.Prefix)}
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, note))
		out := &tally{ResponseWriter: w}
		w.Header().Set("X-Request-Id", note.id)
		defer func() {
			if out.status == 0 {
				out.status = http.StatusOK
			}
			took := time.Since(begun)
			d.metrics.observe(r, out.status, took)
			level := slog.LevelInfo
			if quiet[r.Pattern] && !(note.api && out.status >= 400) || !note.api && out.status < 500 {
				level = slog.LevelDebug // readers come in thousands, and the figures count them
			}
			d.Log.LogAttrs(r.Context(), level, "request", slog.String("request", note.id), slog.String("method", r.Method),
				slog.String("path", r.URL.Path), slog.Int("status", out.status), slog.Int64("bytes", out.bytes),
				slog.Duration("took", took), slog.String("token", note.token))
		}()
		next.ServeHTTP(out, r)
	})
}

// recovered turns a panic into an answer and a line with its stack. http.ErrAbortHandler, by which a handler cuts its
// connection on purpose, passes.
func (d *door) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			err, isError := thrown.(error)
			if isError && errors.Is(err, http.ErrAbortHandler) {
				panic(thrown)
			}
			d.Log.ErrorContext(r.Context(), "panic", "request", requestID(r.Context()), "path", r.URL.Path,
				"panic", fmt.Sprint(thrown), "stack", string(debug.Stack()))
			if out, ok := w.(*tally); ok && out.status != 0 {
				panic(http.ErrAbortHandler) // the answer has begun: cutting it is the only way to say that it is not whole
			}
			d.refuse(w, r, internal())
		}()
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers that everything carries, which a handler behind it may loosen for its own answer, and bounds
// the time in which a body has to arrive.
func (d *door) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		if r.TLS != nil || d.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if r.ContentLength != 0 {
			// A writer without deadlines, as in tests, has no slow senders either.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyPatience))
		}
		next.ServeHTTP(w, r)
	})
}
