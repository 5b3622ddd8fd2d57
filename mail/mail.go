// Package mail writes letters, hands them to relays, and reads what comes back.
//
// Begin with [Letter]: what is said to everybody. [Letter.Compose] writes it once as a message of RFC 5322, and
// [Template.Append] copies that message for one recipient, with personal values where a [Slot] stood. [Signers] put DKIM
// signatures in front. A [Pool] hands the result to one of several relays, and each message has a [Reply]. What a relay accepted
// and could not deliver comes back as a report, which a [Receiver] takes and [ReadBounce] reads; [Judge] says what a refusal means for the address.
// [ParseMailbox] decides what an address is.
//
// What is promised: whatever is put into a letter, the message has the headers and parts that it was given and no others, its
// lines end with CRLF and are short enough for every relay, and a repetition is the same to the byte (signatures carry
// their time). The promise ends where a relay answers for a message. Nothing here knows what a notice is or who subscribed.
package mail

import (
	"strings"
	"time"
)

// Letter is what is written to very many people, who differ in a few values only.
//
// Its text may come from anywhere, once it went through [WithoutSlots].
type Letter struct {
	// From is who writes, and FromName how a mail program calls them.
	From     Mailbox
	FromName string
	// To is the recipient's bare address, as a rule a [Slot].
	To      string
	Subject string
	Date    time.Time
	// Headers are those besides From, To, Subject, Date, MIME-Version and what describes the content.
	Headers []Header
	// Text is the message for everybody, and HTML the same for who can show it; without HTML the text stands alone. Both may hold
	// slots. Values are text in both: in HTML, what has a meaning there is escaped.
	Text, HTML  string
	Attachments []Attachment
}

// Header is a header field. Its value is printable ASCII, other text being encoded as RFC 2047 has it, and may hold slots.
type Header struct{ Name, Value string }

// Attachment is a file that goes to everybody alike.
type Attachment struct {
	Name string
	// ContentType may have parameters, such as text/calendar; charset=utf-8; method=PUBLISH.
	ContentType string
	Content     []byte
}

// Slots are written as characters that Unicode gives no meaning to (its section 23.5), so that they stand in a text wherever a
// character can. MostSlots bounds n of [Slot].
const (
	firstSlot = 0xF0000
	MostSlots = 64
)

// Slot stands for the nth personal value, the first being 0. It panics when n is not below [MostSlots]: a program has a fixed
// number of them.
func Slot(n int) string {
	if n < 0 || n >= MostSlots {
		panic("mail: a slot is at least 0 and below 64")
	}
	return string(rune(firstSlot + n))
}

// WithoutSlots removes what looks like a slot from a text that somebody else wrote.
func WithoutSlots(text string) string {
	return strings.Map(func(r rune) rune {
		if isSlot(r) {
			return -1
		}
		return r
	}, text)
}

func isSlot(r rune) bool { return r >= firstSlot && r < firstSlot+MostSlots }
