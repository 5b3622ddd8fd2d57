package statuspage

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"example.org/interlude/access"
	"example.org/interlude/board"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// failure is an answer that is not a success: what clients read as "error", and what Statuspage's own description calls
// "message".
type failure struct {
	code int
	text string
	// rules are what is wrong with the fields of a body, each a sentence.
	rules []string
	// allowed are the methods that a path has, where another one was used.
	allowed []string
}

// Error is the text, or the rules in one.
func (f *failure) Error() string { return cmp.Or(f.text, strings.Join(f.rules, "; ")) }

func notFound(what string) error {
	return &failure{code: http.StatusNotFound, text: what + " not found"}
}

func badRequest(text string) error { return &failure{code: http.StatusBadRequest, text: text} }

func unprocessable(rules ...string) error {
	return &failure{code: http.StatusUnprocessableEntity, rules: rules}
}

// wireNames are the fields of version 1 for those that package status names otherwise.
var wireNames = map[string]string{
	"window": "scheduled_for", "window.start": "scheduled_for", "window.end": "scheduled_until", "until": "scheduled_until",
	"title": "name", "affects": "component_ids", "reminders": "scheduled_remind_prior", "begin": "scheduled_auto_in_progress",
	"complete": "scheduled_auto_completed", "marks": "auto_transition_to_maintenance_state",
	"releases": "auto_transition_to_operational_state", "at": "display_at", "impact": "impact_override",
	"quiet_begin": "auto_transition_deliver_notifications_at_start", "quiet_end": "auto_transition_deliver_notifications_at_end",
}

// onTheWire is a refusal in the words of the wire: of a path of a document only the last part is the client's.
func onTheWire(e *status.Invalid) string {
	field := e.Field
	if i := strings.LastIndex(field, "]."); i >= 0 {
		field = field[i+2:]
	}
	if name, ok := wireNames[strings.TrimPrefix(field, "page.")]; ok {
		field = name
	}
	rule := strings.NewReplacer("window.start", "scheduled_for", "window.end", "scheduled_until").Replace(e.Rule)
	return (&status.Invalid{Field: strings.TrimPrefix(field, "page."), Rule: rule}).Error()
}

// failureOf makes an answer of an error. What is not known is internal, and its cause is for the log.
func failureOf(err error) *failure {
	var known *failure
	var illegal *status.Illegal
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &illegal):
		return &failure{code: http.StatusUnprocessableEntity, rules: []string{illegal.Error()}}
	case errors.Is(err, status.ErrNotFound):
		return &failure{code: http.StatusNotFound, text: "Not found"}
	case errors.Is(err, access.ErrRepeated), errors.Is(err, status.ErrConflict):
		return &failure{code: http.StatusConflict, text: err.Error()}
	}
	if rules := rulesOf(err); len(rules) > 0 {
		return &failure{code: http.StatusUnprocessableEntity, rules: rules}
	}
	return &failure{code: http.StatusInternalServerError, text: "Something went wrong on our side; it has been logged"}
}

// rulesOf are the refusals within an error, in the words of the wire.
func rulesOf(err error) []string {
	var rules []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			rules = append(rules, rulesOf(one)...)
		}
		return rules
	}
	var invalid *status.Invalid
	if errors.As(err, &invalid) {
		rules = append(rules, onTheWire(invalid))
	}
	return rules
}

// write answers with the failure. The body has the error in the form that clients of the live service read, and the
// message that its description promises.
func (f *failure) write(w http.ResponseWriter) {
	body := map[string]any{"error": f.text}
	if len(f.rules) > 0 {
		body["error"] = f.rules
	}
	if f.code != http.StatusUnauthorized {
		body["message"] = f.Error()
	}
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Cache-Control", "no-store")
	if len(f.allowed) > 0 {
		h.Set("Allow", strings.Join(f.allowed, ", "))
	}
	w.WriteHeader(f.code)
	_ = json.NewEncoder(w).Encode(body) // the asker is gone if this fails
}

// logFailure notes what is our own fault.
func logFailure(log *slog.Logger, r *http.Request, f *failure, err error) {
	if f.code >= http.StatusInternalServerError {
		log.ErrorContext(r.Context(), "a request of the management API failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
}

// oneOf refuses a word that is not in a list.
func oneOf(field, word string, allowed ...string) error {
	if slices.Contains(allowed, word) {
		return nil
	}
	return unprocessable(field + " must be one of " + strings.Join(allowed, ", ") + ", not \"" + word + "\"")
}

// originOf is where readers find the page.
func originOf(p *board.Picture, r *http.Request, secure bool) (string, bool) {
	return snapshot.Origin(p.Page.URL, r, secure)
}
