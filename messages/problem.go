package messages

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"example.org/interlude/spool"
)

// Problem is what is answered instead of what was asked for (RFC 9457). All of it is safe to show. A [Client] gives it as an error.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Code names the sort of problem for programs: invalid, malformed, media_type, too_large, unauthorized, forbidden, not_found,
	// method, key_reused, conflict, full, unavailable, internal.
	Code string `json:"code"`
	// Detail says what is wrong, Hint what would help.
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	// Field is the path of the offending value: request.url.
	Field string `json:"field,omitempty"`
	// State is where the message stands: one of [spool.State], or moving.
	State string `json:"state,omitempty"`
}

// Error reads as "what is wrong. What would help."
func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Detail
	}
	return strings.TrimSuffix(p.Detail, ".") + ". " + p.Hint
}

func problem(status int, code, detail, hint string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Hint: hint}
}

// invalid is a value that cannot be accepted: the rule completes the sentence that its field begins.
func invalid(field, rule string) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", field+" "+rule, "")
	p.Field = field
	return p
}

func malformed(detail string) *Problem {
	return problem(http.StatusBadRequest, "malformed", detail, "")
}

// conflict is something that cannot be done with a message in its state.
func conflict(state, detail, hint string) *Problem {
	p := problem(http.StatusConflict, "conflict", detail, hint)
	p.State = state
	return p
}

// tryAgain is in how many seconds a sender should come again when there is no room, or nobody to take it.
const tryAgain = "10"

// refuse writes an error as a problem. What is neither a problem nor known of the spool is kept from the client.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *Problem
	switch {
	case errors.As(err, &p):
	case errors.Is(err, spool.ErrFull):
		p = problem(http.StatusServiceUnavailable, "full", "there is no room for more messages; this one was not accepted", "Keep it, and send it again later.")
	case errors.Is(err, spool.ErrTooLarge):
		p = problem(http.StatusRequestEntityTooLarge, "too_large", "the message is larger than the spool accepts", "")
	case errors.Is(err, spool.ErrClosed), errors.Is(err, errBusy):
		p = problem(http.StatusServiceUnavailable, "unavailable", "messages are not accepted at this moment; this one was not", "Send it again in a few seconds.")
	case errors.Is(err, spool.ErrNotFound):
		p = noSuchMessage()
	case r.Context().Err() != nil:
		return // nobody waits for an answer
	default:
		a.log.ErrorContext(r.Context(), "a request for messages failed", "method", r.Method, "flow", r.PathValue("flow"), "error", err)
		p = problem(http.StatusInternalServerError, "internal", "the gate failed at this request", "Its log says why. A message may or may not have been accepted: repeat it with its idempotency key.")
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", tryAgain)
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="messages"`)
	}
	answer(w, p.Status, "application/problem+json", p)
}

func noSuchMessage() *Problem {
	return problem(http.StatusNotFound, "not_found", "this flow has no message with this id, or not any more", "")
}

// answer writes a value as JSON. Nothing of it is for caches.
func answer(w http.ResponseWriter, status int, mediaType string, v any) {
	body, err := json.Marshal(v)
	if err != nil { // no value of ours can fail
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
