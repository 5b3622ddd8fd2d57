// Package mx is the SMTP door in front of the product's mail server, and the one behind the product, through which its own mail leaves.
//
// An [Inbound] stands where the product's mail server stood (RFC 5321). As a rule it adds nothing but a Received line: what a client
// says is said to the [Upstream], and what that answers is the answer. While the flow is interrupted, while earlier
// mail waits, or where the upstream is away inside a window, the door answers for itself: it takes mail for its own
// domains and known [Recipients], and says 250 once the spool has it. A [Courier] hands over later what was taken so, envelope and
// content as they came, and where the upstream refuses it for good, it tells the sender in a report (RFC 3464), as any mail
// server would. An [Outgoing] is the door for the product's own mail: it takes everything from those whom it knows, and a
// [Courier] delivers each message when it is due.
//
// What is promised: mail is accepted only for somebody (the door is no open relay), and 250 is said by whoever answers for the
// message from then on, be it the upstream or the spool. One message stays one message: a CR or LF that stands alone, in
// which some servers find the end of a message and then commands, is refused at the door. The promise ends
// where SMTP's does: when a connection breaks between a message and its answer, the message may arrive twice.
//
// What it does not do: it takes no XCLIENT from clients, and no FUTURERELEASE (RFC 4865), for the server that it is built on
// parses commands itself; a message says when it is due in a header field, Deliver-At. It offers no BINARYMIME. It does not
// sign, and judges nobody's reputation: that is the upstream's.
//
// Its files: inbound.go is the door, session.go its conversation with a client, passing.go the one with the upstream meanwhile,
// outgoing.go the door for the product, server.go and door.go what both are built on. envelope.go, received.go and
// recipients.go are the nouns. upstream.go opens connections and wire.go speaks on them; courier.go hands over, settle.go
// decides what becomes of each recipient, and report.go writes to senders.
package mx

import (
	"context"
	"errors"

	"github.com/emersion/go-smtp"

	"example.org/interlude/spool"
)

// Spool is what keeps mail until it can be handed over: a [*spool.Spool].
type Spool interface {
	Accept(ctx context.Context, e spool.Entry) (spool.Receipt, error)
	Behind(flow string) bool
	Busy(flow, lane string) bool
}

// Outcome is what became of a message at a door.
type Outcome string

// The outcomes.
const (
	// Passed is taken by the upstream, and Queued by the spool.
	Passed Outcome = "passed"
	Queued Outcome = "queued"
	// Rejected is refused by the door itself, and Failed by the upstream, or because that is away.
	Rejected Outcome = "rejected"
	Failed   Outcome = "failed"
	// Gone is given up by the client.
	Gone Outcome = "gone"
)

// say makes an answer of the door.
func say(code int, enhanced smtp.EnhancedCode, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// Answers of the doors.
var (
	errNested   = say(503, smtp.EnhancedCode{5, 5, 1}, "One message at a time: send it, or say RSET")
	errPace     = say(450, smtp.EnhancedCode{4, 7, 1}, "Too many messages from you; send this one later")
	errNobody   = say(550, smtp.EnhancedCode{5, 1, 1}, "No such address here")
	errRelay    = say(550, smtp.EnhancedCode{5, 7, 1}, "Mail for this domain is not taken here")
	errAddress  = say(553, smtp.EnhancedCode{5, 1, 3}, "This is not an address of RFC 5321")
	errForeign  = say(553, smtp.EnhancedCode{5, 6, 7}, "An address beyond ASCII needs SMTPUTF8")
	errLogin    = say(530, smtp.EnhancedCode{5, 7, 0}, "Authentication required")
	errBroken   = say(451, smtp.EnhancedCode{4, 4, 2}, "The message did not arrive whole; send it again later")
	errLong     = say(554, smtp.EnhancedCode{5, 6, 0}, "A line is too long")
	errBare     = say(554, smtp.EnhancedCode{5, 6, 0}, "Each line has to end with CR and LF, which stand nowhere else (RFC 5321, 2.3.8)")
	errLoop     = say(554, smtp.EnhancedCode{5, 4, 6}, "Too many hops: the message goes round in circles")
	errMemory   = say(452, smtp.EnhancedCode{4, 3, 2}, "Too much is arriving at once; send it again later")
	errFull     = say(452, smtp.EnhancedCode{4, 3, 1}, "There is no room at the moment; send it again later")
	errTooLarge = say(552, smtp.EnhancedCode{5, 3, 4}, "The message is too large")
	errLater    = say(451, smtp.EnhancedCode{4, 3, 0}, "The message cannot be taken now; send it again later")
	errAway     = say(451, smtp.EnhancedCode{4, 4, 1}, "The mail server behind cannot be reached now; send it again later")
)

// keep puts an entry into the spool and gives the answer of the door: 250, or why not. The error, for the log, is nil where the
// answer says all.
func keep(ctx context.Context, s Accepter, e spool.Entry) (*smtp.SMTPError, error) {
	receipt, err := s.Accept(ctx, e)
	switch {
	case err == nil:
		return say(250, smtp.EnhancedCode{2, 0, 0}, "Queued as "+receipt.ID), nil
	case errors.Is(err, spool.ErrFull):
		return errFull, err
	case errors.Is(err, spool.ErrTooLarge):
		return errTooLarge, nil
	}
	return errLater, err
}

// Accepter is the part of a spool that takes entries: a [*spool.Spool].
type Accepter interface {
	Accept(ctx context.Context, e spool.Entry) (spool.Receipt, error)
}
