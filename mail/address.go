package mail

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// Mailbox is an address that mail can be sent to. It is printable ASCII without spaces, quotes and angle brackets, so it can stand
// in a command of SMTP, in a header and in a URL's path.
type Mailbox struct {
	// Local is the part before the @, in the case that was given: only its own server knows whether case matters there.
	Local string
	// Domain is in lower case, and in its ASCII form (RFC 5890) where it was written in another script.
	Domain string
}

// String is the bare address.
func (m Mailbox) String() string { return m.Local + "@" + m.Domain }

// Limits of RFC 5321, 4.5.3.1, in bytes.
const (
	longestAddress = 254
	longestLocal   = 64
	longestDomain  = 253 // RFC 1035, 2.3.4, without the root's dot
	longestLabel   = 63
)

// ParseMailbox reads one bare address, a Mailbox of RFC 5321, 4.1.2, in a form that every relay takes.
//
// Refused are names beside the address, a quoted part before the @, which hardly anybody has and many programs misread, letters
// beyond ASCII there, which need an extension that not every relay speaks, addresses of machines in brackets, and domains without
// a dot, which mean something else on every machine.
func ParseMailbox(text string) (Mailbox, error) {
	if len(text) > 4*longestAddress { // a domain in another script may be longer than its ASCII form
		return Mailbox{}, fmt.Errorf("must be an address of at most %d characters, such as ops@example.com", longestAddress)
	}
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return Mailbox{}, fmt.Errorf("must be an address such as ops@example.com: %q has no @", text)
	}
	if err := checkLocal(text[:at]); err != nil {
		return Mailbox{}, fmt.Errorf("must be an address such as ops@example.com: in %q, %w", text, err)
	}
	domain, err := parseDomain(text[at+1:])
	if err != nil {
		return Mailbox{}, fmt.Errorf("must be an address such as ops@example.com: in %q, %w", text, err)
	}
	m := Mailbox{Local: text[:at], Domain: domain}
	if len(m.String()) > longestAddress {
		return Mailbox{}, fmt.Errorf("must be an address of at most %d characters: %q is longer", longestAddress, text)
	}
	return m, nil
}

// checkLocal holds the part before the @ to the Dot-string of RFC 5321, 4.1.2.
func checkLocal(local string) error {
	switch {
	case local == "":
		return errors.New("nothing stands before the @")
	case len(local) > longestLocal:
		return fmt.Errorf("more than %d characters stand before the @", longestLocal)
	case local[0] == '.', local[len(local)-1] == '.', strings.Contains(local, ".."):
		return errors.New("the dots before the @ must stand between other characters")
	}
	for _, r := range local {
		if !isAtomText(r) {
			return fmt.Errorf("%q must not stand before the @: letters a to z, digits, dots and !#$%%&'*+-/=?^_`{|}~ may", r)
		}
	}
	return nil
}

// isAtomText is a character of an atom (RFC 5322, 3.2.3) or the dot between two.
func isAtomText(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	}
	return strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r)
}

// parseDomain gives a domain in lower-case ASCII, once it is sure that it names a host of the public tree.
func parseDomain(text string) (string, error) {
	if strings.HasPrefix(text, "[") {
		return "", errors.New("a domain such as example.com must stand after the @, not the address of a machine")
	}
	domain, err := idna.Lookup.ToASCII(text)
	if err == nil {
		_, err = idna.Lookup.ToASCII(domain) // what was no text at first is found out by reading it again
	}
	if err != nil {
		return "", errors.New("what stands after the @ is no domain such as example.com")
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return "", errors.New("the domain must be whole, such as example.com")
	}
	if len(domain) > longestDomain {
		return "", fmt.Errorf("the domain has more than %d characters", longestDomain)
	}
	for _, label := range labels {
		if !isLabel(label) {
			return "", fmt.Errorf("%q cannot be part of a domain: letters, digits and hyphens between them, at most %d, can",
				label, longestLabel)
		}
	}
	if top := labels[len(labels)-1]; strings.Trim(top, "0123456789") == "" {
		return "", errors.New("a domain such as example.com must stand after the @, not the address of a machine")
	}
	return domain, nil
}

// isLabel reports whether a part of a domain is one of RFC 1123, 2.1, in lower case.
func isLabel(label string) bool {
	if label == "" || len(label) > longestLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for _, r := range label {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}
