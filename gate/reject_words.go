package gate

import (
	"net/http"
	"strings"
	"time"

	"example.org/interlude/status"
)

// maintained reports whether it is known which maintenance keeps the request from the product.
func (why *refusal) maintained() bool {
	return !why.why.failed() && (why.title != "" || !why.window.Start.IsZero())
}

// subject is who is away, as the beginning of a sentence.
func (why *refusal) subject() string {
	if why.page == "" {
		return "This service"
	}
	return why.page
}

// heading says it in a few words.
func (why *refusal) heading() string {
	switch {
	case why.why == whyUnreachable:
		return "Not reachable at the moment"
	case why.why == whySlow:
		return "No answer in time"
	case why.maintained():
		return "Maintenance in progress"
	}
	return "Not available at the moment"
}

// happening says it in a sentence, or two. A maintenance is claimed only where one is known.
func (why *refusal) happening() string {
	said := " is not available at the moment."
	switch {
	case why.why == whyUnreachable:
		return why.subject() + " does not answer at the moment."
	case why.why == whySlow:
		return why.subject() + " did not answer in time."
	case why.maintained():
		said = " is interrupted for planned maintenance."
	}
	switch why.why {
	case whyFull:
		said += " Too many requests are waiting for it already."
	case whyExpired:
		said += " This request has waited as long as it may."
	case whyNoRoom:
		said += " There is no room to accept this request for later."
	case whyNotDurable:
		said += " This request could not be accepted for later in time."
	}
	return why.subject() + said
}

// fate says what became of what the client wanted to have done; empty for requests that do nothing.
func (why *refusal) fate(r *http.Request) string {
	switch {
	case safe(r):
		return ""
	case why.uncertain(r):
		return "Whether the request was carried out is not known. Check that before you send it again."
	}
	return "The request was not carried out."
}

// uncertain reports whether nobody can tell if what the client wanted to have done was done. Sending it again may then
// do it twice, so nothing invites to that.
func (why *refusal) uncertain(r *http.Request) bool {
	return !safe(r) && (why.sent || why.why.failed())
}

// hoped reports whether an end is expected that is still to come; late, whether it was expected before now.
func (n *notice) hoped() bool { return !n.why.failed() && n.expected.After(n.now) }

func (n *notice) late() bool {
	return !n.why.failed() && !n.expected.IsZero() && !n.expected.After(n.now)
}

// lateWords are said when the expected end has passed.
const lateWords = "It takes longer than expected."

// detail is the whole of it for programs, and for those who read their messages.
func (n *notice) detail(r *http.Request) string {
	var b strings.Builder
	b.Grow(256)
	b.WriteString(n.happening())
	if fate := n.fate(r); fate != "" {
		b.WriteByte(' ')
		b.WriteString(fate)
	}
	switch {
	case n.hoped():
		b.WriteString(" It is expected back by ")
		b.WriteString(clockText(n.expected, n.now))
		b.WriteByte('.')
	case n.late():
		b.WriteByte(' ')
		b.WriteString(lateWords)
	}
	return b.String()
}

// line is the refusal as text.
func (n *notice) line(r *http.Request) string {
	said := n.heading() + ". " + n.detail(r)
	if n.title != "" && n.maintained() {
		said = n.heading() + ": " + n.title + ". " + n.detail(r)
	}
	if n.report != "" && n.maintained() {
		said += " " + n.report
	}
	if n.request != "" {
		said += " (request " + n.request + ")"
	}
	return oneLine.Replace(said) + "\n"
}

// oneLine keeps a title from breaking a line.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// clockText is a time of day in UTC, with its date when that is another one than now's.
func clockText(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04 UTC")
	}
	return t.Format("Jan 2, 15:04 UTC")
}

// spanText is the announced window; empty for none.
func spanText(w status.Window) string {
	if w.Start.IsZero() || w.End.IsZero() {
		return ""
	}
	return status.WindowText(w, time.UTC)
}
