package mail

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
)

// Job is one message for one recipient.
type Job struct {
	// From and To are bare addresses: the sender whom bounces go to, which may be empty, and the recipient.
	From, To string
	// Compose appends the message to dst, its lines ended by CRLF and dots left as they are. It is called by the connection that
	// needs the bytes, right before it does, and again if that connection breaks before it could hand them over.
	Compose func(dst []byte) ([]byte, error)
	// Done is told once what became of the message, by the connection, which waits for it: it has to be quick.
	Done func(Reply)
}

// Stage is how far a message came.
type Stage string

// The stages: before any relay was told, the three commands, and the message itself.
const (
	StageConnect Stage = "connect"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageData    Stage = "data"
	StageContent Stage = "content"
)

// envelope is the commands of a transaction, in order.
var envelope = [...]Stage{StageMail, StageRcpt, StageData}

// Reply is what became of a message: what a relay answered, or why none did.
type Reply struct {
	// Code is the relay's answer (RFC 5321, 4.2), 0 when there is none; Status is the enhanced code in it, such as 5.1.1
	// (RFC 3463), and Text the rest on one line.
	Code         int
	Status, Text string
	// Relay is the address of the relay that said so.
	Relay string
	Stage Stage
	// Err says why there is no answer that counts.
	Err error
}

// Accepted reports whether a relay has taken the message on itself.
func (r Reply) Accepted() bool { return r.Err == nil && r.Code/100 == 2 }

// Why a message has no answer.
var (
	// ErrNoRelay is when no relay can be reached, so that nothing was tried of the message.
	ErrNoRelay = errors.New("no relay can be reached")
	// ErrUnknown is when a relay was given a message and did not answer for it: it may be delivered or not.
	ErrUnknown = errors.New("the relay may have accepted the message or not")
	// ErrAddress is when an address cannot stand in a command.
	ErrAddress = errors.New("an address has printable ASCII characters without spaces and angle brackets, at most 254")
	// ErrLines is when a message has a line that does not end with CRLF, in which some relays find another message.
	ErrLines = errors.New("each line of a message ends with CR and LF, which stand nowhere else")
)

// longestText bounds what is kept of an answer, in bytes.
const longestText = 300

// reply is the last answer, in full.
func (s *session) reply(stage Stage) Reply {
	r := Reply{Code: s.wire.code, Relay: s.route.Address, Stage: stage}
	var text []byte
	for line := range bytes.Lines(s.wire.text) {
		status, rest := cutStatus(line)
		if r.Status == "" {
			r.Status = status
		}
		text = append(text, rest...)
	}
	r.Text = clean(text)
	return r
}

// cutStatus takes the enhanced code off the front of a line (RFC 2034, 4).
func cutStatus(line []byte) (status string, rest []byte) {
	word, rest, _ := bytes.Cut(line, []byte(" "))
	word = bytes.TrimRight(word, "\n")
	if len(word) < 5 || len(word) > 9 || word[0] != '2' && word[0] != '4' && word[0] != '5' || word[1] != '.' {
		return "", line
	}
	subject, detail, ok := bytes.Cut(word[2:], []byte("."))
	if !ok || !digits(subject) || !digits(detail) {
		return "", line
	}
	return string(word), rest
}

// digits reports whether a part of an enhanced code is one to three of them.
func digits(part []byte) bool {
	return len(part) > 0 && len(part) <= 3 && bytes.Trim(part, "0123456789") == nil
}

// clean makes one line of what a relay said, without characters that could deceive a terminal or a log.
func clean(text []byte) string {
	line := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, string(bytes.ToValidUTF8(text, []byte(" "))))
	line = strings.TrimSpace(line)
	if len(line) > longestText {
		line = strings.ToValidUTF8(line[:longestText], "")
	}
	return line
}

// sendable reports whether an address can stand in a command.
func sendable(address string) bool {
	foreign := func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }
	return address != "" && len(address) <= 254 && !strings.ContainsFunc(address, foreign)
}

// lined reports whether CR and LF stand only together. A line feed alone before a dot ends a message for some relays, and
// what follows would be commands (RFC 5321, 2.3.8).
func lined(message []byte) bool {
	pairs := bytes.Count(message, []byte("\r\n"))
	return bytes.Count(message, []byte("\n")) == pairs && bytes.Count(message, []byte("\r")) == pairs
}
