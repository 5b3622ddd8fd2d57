package mail

import "strings"

// Verdict is what a refusal means.
type Verdict int

// The verdicts.
const (
	// Passing is whatever may be otherwise later, and what nobody understands: nothing is given up for a riddle.
	Passing Verdict = iota
	// Refused is this message, for good: its size, its content, its sender, a full mailbox. Another one may be taken.
	Refused
	// Dead is the address: nobody is there, and no message will be taken.
	Dead
)

// String names the verdict.
func (v Verdict) String() string {
	switch v {
	case Refused:
		return "refused"
	case Dead:
		return "dead"
	}
	return "passing"
}

// Judge says what a refusal means: an SMTP answer that is no acceptance, or the status in a delivery report. Status is the enhanced code
// (RFC 3463), empty when there is none, and code the SMTP answer, 0 when there is none.
//
// Where both stand and disagree, the milder one counts, since a dead address is not written to again. A code alone says that
// the address is dead only in answer to RCPT; after the content, the same codes are for the message.
func Judge(status string, code int) Verdict {
	switch {
	case code != 0 && code/100 != 5, status != "" && !strings.HasPrefix(status, "5."):
		return Passing
	case status != "":
		return judgeStatus(status)
	}
	switch code {
	case 550, 551, 553, // no such mailbox, moved away, not a name (RFC 5321, 4.2.3)
		556: // a domain that takes no mail (RFC 7504, 4)
		return Dead
	case 0:
		return Passing
	}
	return Refused
}

// judgeStatus tells the statuses of class 5 that are about the address from those about the message, the sender or the way.
// Status 5.1.0 is not among them: some servers say so of the sender.
func judgeStatus(status string) Verdict {
	switch status {
	case "5.1.1", // no such mailbox
		"5.1.2",  // no such domain
		"5.1.3",  // not an address
		"5.1.6",  // moved, nobody knows where
		"5.1.10", // a domain that takes no mail (RFC 7505, 4.2)
		"5.2.1":  // disabled
		return Dead
	}
	return Refused
}
