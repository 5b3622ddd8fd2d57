package status

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNotFound says that nothing with that id or key exists.
var ErrNotFound = errors.New("not found")

// ErrConflict says that somebody else changed the same thing in between. Reading it again and repeating the
// change is the way on.
var ErrConflict = errors.New("changed by somebody else in the meantime: read it again and repeat the change")

// Invalid is bad input: what is wrong, where, and what would be right. Its text is safe to show to whoever sent it.
type Invalid struct {
	// Field is the path of the offending value as its author wrote it, such as "window.end" or "affects[2]".
	Field string
	// Rule says what the value must be, and where it helps, what it was.
	Rule string
}

// Error reads as "FIELD RULE".
func (e *Invalid) Error() string {
	if e.Field == "" {
		return e.Rule
	}
	return e.Field + " " + e.Rule
}

// In returns the error with its field placed below the given one: In("runbook") of "steps" is "runbook.steps".
func (e *Invalid) In(field string) *Invalid {
	if e.Field == "" {
		return &Invalid{Field: field, Rule: e.Rule}
	}
	if strings.HasPrefix(e.Field, "[") {
		return &Invalid{Field: field + e.Field, Rule: e.Rule}
	}
	return &Invalid{Field: field + "." + e.Field, Rule: e.Rule}
}

// Illegal is a transition that the life cycle does not have from where it stands.
type Illegal struct {
	// Subject is what was to move.
	Subject Subject
	// From is the state it is in, and To the one that was asked for.
	From, To State
	// Why says what forbids it, when the table of states alone does not.
	Why string
	// Legal lists the states that it may move to now.
	Legal []State
}

// Error says why, and what is legal.
func (e *Illegal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s is %s", e.Subject.Kind, e.Subject.ID, e.From)
	if e.From != e.To {
		b.WriteString(" and cannot become " + string(e.To))
	}
	if e.Why != "" {
		b.WriteString(": " + e.Why)
	}
	if len(e.Legal) == 0 {
		return b.String() + "; it has ended, nothing can follow"
	}
	if e.From == e.To {
		return b.String()
	}
	names := make([]string, len(e.Legal))
	for i, s := range e.Legal {
		names[i] = string(s)
	}
	return b.String() + "; legal now: " + strings.Join(names, ", ")
}

// Unfinished is a thing that keeps a maintenance from being complete.
type Unfinished struct {
	// What is "interruption", "step" or "hold".
	What string `json:"what"`
	// Name is the flow, step or hold; for an interruption that was opened by its id, the id and its flows.
	Name string `json:"name"`
	// Since is when it opened.
	Since time.Time `json:"since"`
	// Lapses is when it blocks no more although nobody closed it, zero when that is never: whoever holds it moves the
	// time on while it lives.
	Lapses time.Time `json:"lapses,omitzero"`
}

func (u Unfinished) same(o Unfinished) bool { return u.What == o.What && u.Name == o.Name }
