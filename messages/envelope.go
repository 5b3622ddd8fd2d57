package messages

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
)

// The bounds of a mail's envelope (RFC 5321, 4.5.3.1).
const (
	mostRecipients = 1000
	longestAddress = 254
)

// postal is a mail as it was asked for.
type postal struct {
	from    *string
	to      []string
	message []byte
}

// check judges envelope and message, and ends the message's lines as SMTP does. A lone CR or LF is read as the end of a line
// by some servers and not by others, and a mail with one could carry another mail past those.
func (p *postal) check() error {
	switch {
	case p.from == nil:
		return invalid("mail.from", "must be there: the address that bounces go to, or an empty text for none")
	case *p.from != "" && !isAddress(*p.from):
		return invalid("mail.from", "must be one address such as news@example.com, without a name")
	case len(p.to) == 0 || len(p.to) > mostRecipients:
		return invalid("mail.to", fmt.Sprintf("must be 1 to %d addresses", mostRecipients))
	}
	for i, to := range p.to {
		if !isAddress(to) {
			return invalid(fmt.Sprintf("mail.to[%d]", i), "must be one address such as ada@example.com, without a name")
		}
	}
	if bytes.IndexByte(p.message, 0) >= 0 {
		return invalid("mail.message", "must not hold zero bytes")
	}
	p.message = endLines(p.message)
	read, err := mail.ReadMessage(bytes.NewReader(p.message))
	if err != nil || read.Header.Get("From") == "" {
		return invalid("mail.message", "must be a message of RFC 5322: header fields, From among them, an empty line, the text")
	}
	return nil
}

// isAddress reports whether a text is one address and nothing else.
func isAddress(text string) bool {
	if len(text) > longestAddress || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }) {
		return false
	}
	read, err := mail.ParseAddress("<" + text + ">")
	return err == nil && read.Address == text
}

// endLines ends each line with CR and LF.
func endLines(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}
