package mx

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-smtp"

	"example.org/interlude/spool"
)

// Envelope is what a client said about a message before its content. As JSON it is the Head of an entry of mail.
//
// Addresses in it are as they stand in commands between the angle brackets.
type Envelope struct {
	// From is the sender, to whom reports go; empty is nobody, as of reports themselves (RFC 5321, 4.5.5).
	From  string      `json:"from"`
	Rcpts []Recipient `json:"rcpts"`
	// Body is 7BIT or 8BITMIME where the client said it (RFC 6152), and UTF8 whether it said SMTPUTF8 (RFC 6531).
	Body string `json:"body,omitempty"`
	UTF8 bool   `json:"utf8,omitempty"`
	// Ret is FULL or HDRS, and EnvID the envelope's name in the sender's own system (RFC 3461).
	Ret   string `json:"ret,omitempty"`
	EnvID string `json:"envid,omitempty"`
	// Client is the address that it came from, Helo how that introduced itself, TLS what encrypted it, User who logged in.
	Client string `json:"client,omitempty"`
	Helo   string `json:"helo,omitempty"`
	TLS    string `json:"tls,omitempty"`
	User   string `json:"user,omitempty"`
	// By is the door that took it, and ReceivedAt when. Without the time it came by no door, and gets no Received line.
	By         string    `json:"by,omitempty"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// Recipient is one of those whom a message is for.
type Recipient struct {
	To string `json:"to"`
	// Notify is what of the delivery the sender wants to know: NEVER, or some of SUCCESS, FAILURE and DELAY; empty is not said
	// (RFC 3461, 4.1). Orcpt is the original recipient with its type, such as rfc822;ann@example.com.
	Notify []string `json:"notify,omitempty"`
	Orcpt  string   `json:"orcpt,omitempty"`
}

// wants reports whether the sender is to be told of something, which is one of the words of Notify.
func (r Recipient) wants(what string, unsaid bool) bool {
	if len(r.Notify) == 0 {
		return unsaid
	}
	return slices.Contains(r.Notify, what)
}

// ReadEnvelope reads the Head of an entry of mail.
func ReadEnvelope(head []byte) (Envelope, error) {
	var e Envelope
	if err := json.Unmarshal(head, &e); err != nil {
		return Envelope{}, fmt.Errorf("envelope of a mail: %w", err)
	}
	if len(e.Rcpts) == 0 {
		return Envelope{}, fmt.Errorf("envelope of a mail: it has no recipient")
	}
	for _, address := range append(e.addresses(), e.From) {
		if strings.ContainsFunc(address, unicode.IsControl) {
			return Envelope{}, fmt.Errorf("envelope of a mail: %q is no address", address)
		}
	}
	return e, nil
}

// Entry is the message with its envelope as an entry for the spool, which gets everything but a key and a time.
func (e Envelope) Entry(flow string, message []byte) (spool.Entry, error) {
	head, err := json.Marshal(e)
	if err != nil {
		return spool.Entry{}, fmt.Errorf("envelope of a mail: %w", err)
	}
	return spool.Entry{Flow: flow, Kind: spool.Mail, Lane: e.Lane(), About: e.about(), Head: head, Body: message}, nil
}

// Lane is what keeps order in the spool: mail of one sender to the same recipients is handed over as it came. Addresses that
// differ in case only are the same here, for order costs less than the want of it.
func (e Envelope) Lane() string {
	lane := strings.ToLower(e.From) + ">" + strings.Join(e.recipients(), ",")
	if len(lane) <= 200 {
		return lane
	}
	sum := sha256.Sum256([]byte(lane))
	return hex.EncodeToString(sum[:16])
}

// recipients are the recipients' addresses in lower case, sorted.
func (e Envelope) recipients() []string {
	to := e.addresses()
	for i := range to {
		to[i] = strings.ToLower(to[i])
	}
	slices.Sort(to)
	return slices.Compact(to)
}

func (e Envelope) addresses() []string {
	to := make([]string, len(e.Rcpts))
	for i, r := range e.Rcpts {
		to[i] = r.To
	}
	return to
}

// about tells people what it is.
func (e Envelope) about() string {
	text := fmt.Sprintf("mail from <%s> to <%s>", e.From, e.Rcpts[0].To)
	if more := len(e.Rcpts) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// to is the same envelope for other recipients.
func (e Envelope) to(rcpts []Recipient) Envelope {
	e.Rcpts = rcpts
	return e
}

// recipient makes a recipient of what go-smtp parsed.
func recipient(to string, o *smtp.RcptOptions) Recipient {
	r := Recipient{To: to}
	for _, n := range o.Notify {
		r.Notify = append(r.Notify, string(n))
	}
	if o.OriginalRecipient != "" {
		r.Orcpt = strings.ToLower(string(o.OriginalRecipientType)) + ";" + o.OriginalRecipient
	}
	return r
}

// path writes a mailbox that go-smtp parsed, and took the quotes from, as it stands in a command; an empty one stays empty. What
// cannot stand there is refused: a control character in it would be the end of a command.
func path(mailbox string, utf8Allowed bool) (string, *smtp.SMTPError) {
	if mailbox == "" {
		return "", nil
	}
	at := strings.LastIndexByte(mailbox, '@')
	if at < 1 || at == len(mailbox)-1 || len(mailbox) > 512 || !utf8.ValidString(mailbox) ||
		strings.ContainsFunc(mailbox, unicode.IsControl) {
		return "", errAddress
	}
	if !utf8Allowed && !ascii(mailbox) {
		return "", errForeign
	}
	local, domain := mailbox[:at], mailbox[at+1:]
	if strings.ContainsAny(domain, " <>()\\,;\"@") || strings.ContainsFunc(domain, unicode.IsSpace) {
		return "", errAddress
	}
	if !dotted(local) {
		local = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	return local + "@" + domain, nil
}

// dotted reports whether a local part can stand without quotes (RFC 5321, 4.1.2: Dot-string).
func dotted(local string) bool {
	special := func(r rune) bool { return r <= ' ' || strings.ContainsRune(`()<>[]:;@\,"`, r) || unicode.IsSpace(r) }
	return !strings.ContainsFunc(local, special) &&
		!strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".") && !strings.Contains(local, "..")
}

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// xtext encodes a parameter's value (RFC 3461, 4).
func xtext(text string) string { return encode(text, "+%02X") }

// orcpt encodes an original recipient with its type (RFC 3461, 4.2; RFC 6533, 3 for those of SMTPUTF8).
func orcpt(value string) string {
	kind, address, _ := strings.Cut(value, ";")
	if kind == "utf-8" {
		return kind + ";" + encode(address, `\x{%02X}`)
	}
	return kind + ";" + xtext(address)
}

func encode(text, form string) string {
	var b strings.Builder
	for _, r := range text {
		if r > ' ' && r <= '~' && r != '+' && r != '=' && r != '\\' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, form, r)
		}
	}
	return b.String()
}
