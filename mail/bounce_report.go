package mail

import (
	"bufio"
	"io"
	"iter"
	"strings"

	"github.com/emersion/go-message/textproto"
)

// groups gives the groups of header fields in a part, which empty lines part from each other (RFC 3464, 2.1). It ends where a line
// is none of a header; the fields before it are given.
func groups(body io.Reader) iter.Seq[textproto.Header] {
	return func(yield func(textproto.Header) bool) {
		r := bufio.NewReader(body)
		for {
			fields, err := textproto.ReadHeader(r)
			if fields.Len() > 0 && !yield(fields) || err != nil {
				return
			}
			if _, err := r.Peek(1); err != nil {
				return
			}
		}
	}
}

// readRecipient reads one group, and reports whether it is about a recipient. The group for the whole message is not, unless a mail
// system forgot the empty line behind it.
func readRecipient(group textproto.Header) (Recipient, bool) {
	r := Recipient{
		Address:    address(group.Get("Final-Recipient")),
		Original:   address(group.Get("Original-Recipient")),
		Action:     Action(strings.ToLower(firstWord(group.Get("Action")))),
		Status:     enhanced(group.Get("Status")),
		Diagnostic: clean([]byte(untyped(group.Get("Diagnostic-Code")))),
		RemoteMTA:  clean([]byte(untyped(group.Get("Remote-MTA")))),
	}
	code, status := codes(r.Diagnostic)
	r.Code = code
	// A status x.0.0 says no more than its class; the server's own words often do.
	if status != "" && (r.Status == "" || strings.HasSuffix(r.Status, ".0.0") && status[0] == r.Status[0]) {
		r.Status = status
	}
	switch r.Action {
	case Failed, Delayed, Delivered, Relayed, Expanded:
	default:
		r.Action = supposed(r.Status)
	}
	return r, r.Action != "" && (r.Address != "" || r.Original != "")
}

// supposed is what a mail system did that does not say so in words that are known.
func supposed(status string) Action {
	switch {
	case strings.HasPrefix(status, "5"):
		return Failed
	case strings.HasPrefix(status, "4"):
		return Delayed
	case strings.HasPrefix(status, "2"):
		return Relayed
	}
	return ""
}

// readFeedback reads a report of abuse. Those that say the contrary, or tell of something else than what a recipient thinks, are
// passed over (RFC 5965, 7.3).
func (b *Bounce) readFeedback(group textproto.Header) {
	switch strings.ToLower(firstWord(group.Get("Feedback-Type"))) {
	case "abuse", "fraud":
	default:
		return
	}
	b.Complaint = true
	for _, recipient := range group.Values("Original-Rcpt-To") {
		if a := address(recipient); a != "" && len(b.Recipients) < mostRecipients {
			b.Recipients = append(b.Recipients, Recipient{Address: a})
		}
	}
}

// untyped removes the type in front of a value, as in "rfc822; ops@example.com" (RFC 3464, 2.1.2).
func untyped(value string) string {
	if kind, rest, typed := strings.Cut(value, ";"); typed && !strings.ContainsAny(kind, "@ ") {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(value)
}

// address is the address in a value, without its type and angle brackets; empty when there is none.
func address(value string) string {
	text := strings.Trim(untyped(value), "<>")
	if !sendable(text) || !strings.Contains(text, "@") {
		return ""
	}
	return text
}

func firstWord(value string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	return word
}
