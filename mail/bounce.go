package mail

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"regexp"
	"strconv"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// Bounce is what a mail system reports of a message that was accepted: that it did not, or not yet, reach somebody, or that
// somebody complained about it.
//
// It is a claim: anybody can write such a report. It is to be believed only for a message that was sent, to a recipient of that
// message, and arrived where nobody else would send it.
type Bounce struct {
	// MessageID is the Message-ID of the message that the report is about, without angle brackets; empty when the report does not say.
	MessageID string
	// Complaint says that a recipient called the message abuse (RFC 5965). The recipients then have an address only, or
	// there are none: some mail systems do not tell who complained.
	Complaint bool
	// Recipients are at most a thousand.
	Recipients []Recipient
}

// Recipient is what a report says of one recipient (RFC 3464, 2.3). No text in it has control characters, nor more than 300 bytes.
type Recipient struct {
	// Address is whom the mail system delivered to, and Original whom it was asked to deliver to, when it says so.
	Address, Original string
	Action            Action
	// Status is the enhanced code, such as 5.1.1, and Code the SMTP answer where there was one.
	Status string
	Code   int
	// Diagnostic is what the server said, and RemoteMTA which one did.
	Diagnostic, RemoteMTA string
}

// Action is what a mail system did (RFC 3464, 2.3.3).
type Action string

// The actions. After Delayed, the mail system tries on.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Verdict says what the report means for the address. A mail system that gave up after a passing failure refused this message:
// no other attempt follows.
func (r Recipient) Verdict() Verdict {
	if r.Action != Failed {
		return Passing
	}
	return max(Refused, Judge(r.Status, r.Code))
}

// ErrNotABounce says that a message is no report that a program can read. The error that wraps it says what it seems to be.
var ErrNotABounce = errors.New("not a delivery report")

// Bounds of what is read of a message. A report stands in front of the message that it is about.
const (
	longestBounce  = 1 << 20 // bytes
	mostParts      = 64
	mostLevels     = 8
	mostRecipients = 1000
)

// errEnough ends the walk through a message's parts.
var errEnough = errors.New("all parts are read that a report has")

// ReadBounce reads a message that came back: a report of delivery (RFC 3464) or of abuse (RFC 5965), in whatever it is wrapped. Of a
// longer message the first MiB is read. What is broken is read as far as it goes, since half a report is still one; whatever is
// no report is refused with [ErrNotABounce].
func ReadBounce(r io.Reader) (Bounce, error) {
	root, err := message.Read(io.LimitReader(r, longestBounce))
	if root == nil {
		return Bounce{}, fmt.Errorf("%w: %s", ErrNotABounce, clean([]byte(err.Error())))
	}
	var b Bounce
	count := 0
	// An error of Walk says that the rest cannot be read, or that enough was.
	_ = root.Walk(func(path []int, part *message.Entity, _ error) error {
		if count++; count > mostParts || len(path) > mostLevels {
			return errEnough
		}
		b.readPart(part)
		return nil
	})
	if len(b.Recipients) == 0 && !b.Complaint {
		return Bounce{}, fmt.Errorf("%w: it is %s", ErrNotABounce, describe(root))
	}
	if b.MessageID == "" { // some servers name the message as one names it in an answer
		b.MessageID = messageID(root.Header.Get("In-Reply-To"))
	}
	return b, nil
}

// readPart takes from a part what a report has in it.
func (b *Bounce) readPart(part *message.Entity) {
	kind, _, _ := part.Header.ContentType()
	kind, _, _ = strings.Cut(kind, ";") // what stands behind it may be broken
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "message/delivery-status", "message/global-delivery-status":
		for group := range groups(part.Body) {
			if r, ok := readRecipient(group); ok && len(b.Recipients) < mostRecipients {
				b.Recipients = append(b.Recipients, r)
			}
		}
	case "message/feedback-report":
		for group := range groups(part.Body) {
			b.readFeedback(group)
		}
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers":
		original, _ := textproto.ReadHeader(bufio.NewReader(part.Body)) // as far as it goes
		b.MessageID = cmp.Or(b.MessageID, messageID(original.Get("Message-ID")))
	}
}

// messageID is the first one in a header, bounded.
func messageID(value string) string {
	_, id, _ := strings.Cut(value, "<")
	id, _, closed := strings.Cut(id, ">")
	if !closed || !standsInHeader(id) {
		return ""
	}
	return id
}

// describe says what a message is that reports nothing.
func describe(m *message.Entity) string {
	_, parameters, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	automatic := strings.ToLower(m.Header.Get("Auto-Submitted"))
	switch {
	case strings.EqualFold(parameters["report-type"], "disposition-notification"):
		return "a note that a message was read"
	case strings.EqualFold(parameters["report-type"], "feedback-report"):
		return "a report that nobody complains in"
	case automatic != "" && automatic != "no", m.Header.Has("X-Autoreply"), m.Header.Has("X-Autorespond"),
		strings.EqualFold(m.Header.Get("Precedence"), "auto_reply"):
		return "an automatic answer, such as one from somebody on holiday"
	case m.Header.Get("Return-Path") == "<>":
		return "from a mail system, in words that only people read"
	}
	return "an ordinary message"
}

// The codes in a diagnostic: the answer of SMTP, and the enhanced code behind it or alone.
var (
	smtpAnswer   = regexp.MustCompile(`^([245]\d\d)(?:[ -]|$)`)
	enhancedCode = regexp.MustCompile(`(?:^|[^0-9.])([245]\.\d{1,3}\.\d{1,3})(?:$|[^0-9.])`)
)

// codes finds both in a diagnostic; what is not there is 0 or empty.
func codes(diagnostic string) (code int, status string) {
	if found := smtpAnswer.FindStringSubmatch(diagnostic); found != nil {
		code, _ = strconv.Atoi(found[1])
	}
	return code, enhanced(diagnostic)
}

func enhanced(text string) string {
	if found := enhancedCode.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}
