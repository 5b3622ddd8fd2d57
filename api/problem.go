package api

import (
	"fmt"
	"net/http"
	"strings"

	"example.org/interlude/status"
)

// ProblemType is the media type of a Problem (RFC 9457, section 3).
const ProblemType = "application/problem+json"

// Code names the sort of a problem for programs. Codes stay; sentences may improve.
type Code string

// The codes.
const (
	// CodeInvalid is a value that cannot be accepted; Field says which.
	CodeInvalid Code = "invalid"
	// CodeIllegal is a transition that the life cycle does not have; Legal says which it has.
	CodeIllegal Code = "illegal"
	// CodeNotFound is an id, a key or a path that does not exist.
	CodeNotFound Code = "not_found"
	// CodeConflict is a change that somebody else came before.
	CodeConflict Code = "conflict"
	// CodeRepeated is a request whose idempotency key was used by the same request before, the answer to which is not there.
	CodeRepeated Code = "repeated"
	// CodeKeyReused is a request whose idempotency key was used by another request before.
	CodeKeyReused Code = "key_reused"
	// CodeMalformed is a request that cannot be read: broken JSON, an odd header.
	CodeMalformed Code = "malformed"
	// CodeTooLarge is a body over the limit.
	CodeTooLarge Code = "too_large"
	// CodeMediaType is a body that is not JSON.
	CodeMediaType Code = "media_type"
	// CodeMethod is a method that the path does not have.
	CodeMethod Code = "method"
	// CodeUnauthorized is a missing, mistyped, unknown or revoked token.
	CodeUnauthorized Code = "unauthorized"
	// CodeForbidden is a token whose scope does not cover the operation.
	CodeForbidden Code = "forbidden"
	// CodeUnavailable is a store that cannot be reached now.
	CodeUnavailable Code = "unavailable"
	// CodeFull is a store without room for changes.
	CodeFull Code = "full"
	// CodeUncertain is a change that may or may not have been made: read before repeating it.
	CodeUncertain Code = "uncertain"
	// CodeInternal is a fault of the server; Instance is its name in the log.
	CodeInternal Code = "internal"
)

// Problem is what a server answers instead of what was asked for (RFC 9457). All of it is safe to show.
type Problem struct {
	// Type is always about:blank: Status and Code say what kind of problem it is.
	Type string `json:"type" doc:"always about:blank; code tells problems apart" example:"about:blank"`
	// Title is the phrase of the status.
	Title string `json:"title" doc:"the phrase of the HTTP status" example:"Unprocessable Entity"`
	// Status is the HTTP status.
	Status int `json:"status" doc:"the HTTP status" example:"422"`
	// Code names the sort of problem for programs.
	Code Code `json:"code" doc:"the sort of problem, for programs"`
	// Detail is a sentence for people.
	Detail string `json:"detail,omitempty" doc:"what is wrong, for people" example:"window.end must be after window.start (2027-01-15T06:00:00Z)"`
	// Instance names this one occurrence, as the log does.
	Instance string `json:"instance,omitempty" doc:"this occurrence, as the server's log names it"`
	// Field is the path of the offending value.
	Field string `json:"field,omitempty" doc:"the path of the offending value" example:"window.end"`
	// Hint says what would help.
	Hint string `json:"hint,omitempty" doc:"what would help"`
	// Legal lists the states that may follow now.
	Legal []status.State `json:"legal,omitempty" doc:"the states that may follow now"`
	// Index counts the documents of the request from zero, and Source names the file of the offending one.
	Index  *int   `json:"index,omitempty" doc:"which document of the request is meant, from zero"`
	Source string `json:"source,omitempty" doc:"the source of that document"`
	// More lists further offending values.
	More []Fault `json:"more,omitempty" doc:"further offending values"`
}

// TooLarge is the problem of a body over a limit in bytes: what a server answers, and a [Client] without asking it.
func TooLarge(most int) *Problem {
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusRequestEntityTooLarge), Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge,
		Detail: fmt.Sprintf("the request is larger than %d MiB, the limit of this operation; nothing was changed", most>>20),
		Hint:   "Make its texts shorter.",
	}
	if most == LargestApply {
		p.Hint = "Apply fewer documents at a time: a page document first, then the others in parts. Those that were applied before change nothing."
	}
	return p
}

// Fault is one offending value among several.
type Fault struct {
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail"`
}

// Error reads as "SOURCE: what is wrong. What would help."
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = fmt.Sprintf("the server answered %d %s", p.Status, p.Title)
	}
	if p.Source != "" {
		text = p.Source + ": " + text
	}
	for _, f := range p.More {
		text += "; " + f.Detail
	}
	if p.Hint != "" {
		text = strings.TrimSuffix(text, ".") + ". " + p.Hint
	}
	if p.Code == CodeInternal && p.Instance != "" {
		text += " (" + p.Instance + " in the server's log)"
	}
	return text
}

// Unwrap gives the fact behind the problem: a *status.DocumentError, a *status.Invalid, status.ErrNotFound or
// status.ErrConflict, or nothing.
func (p *Problem) Unwrap() error {
	switch p.Code {
	case CodeNotFound:
		return status.ErrNotFound
	case CodeConflict:
		return status.ErrConflict
	case CodeInvalid:
		bad := &status.Invalid{Field: p.Field, Rule: strings.TrimPrefix(p.Detail, p.Field+" ")}
		if p.Index != nil {
			return &status.DocumentError{Index: *p.Index, Source: p.Source, Err: bad}
		}
		return bad
	}
	return nil
}

// Unreachable says that no answer came from the server.
type Unreachable struct {
	// Server is the address that was tried.
	Server string
	// Err is the cause.
	Err error
}

// Error names the address and the cause.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("server not reachable at %s: %v", e.Server, e.Err)
}

// Unwrap gives the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

// Foreign is an answer that no Interlude server gives: of a proxy in between, or of another program at the address.
type Foreign struct {
	// Server is the address that was asked.
	Server string
	// Status is the HTTP status of the answer, and Location where it points to, if anywhere.
	Status   int
	Location string
	// Why says what is foreign about it.
	Why string
}

// Error names the address and what it answered.
func (e *Foreign) Error() string {
	text := fmt.Sprintf("%s answered %d, but not as an Interlude server does: %s", e.Server, e.Status, e.Why)
	if e.Location != "" {
		return text + " to " + e.Location + ". If that is the server, give its address instead"
	}
	return text + ". Is the address right?"
}
