package mail

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Compose writes the letter once for everybody (RFC 5322, RFC 2045): text and HTML as alternatives of each other, and attachments
// beside them. Only as many levels are made as there is something to put into.
//
// A letter is refused when it has no text, since some readers show nothing else, when its subject holds a slot, since mail programs
// sort by it, and when a header is none that could stand in a message.
func (l Letter) Compose() (*Template, error) {
	w := &writer{boundary: l.boundary()}
	if err := l.writeHeaders(w); err != nil {
		return nil, fmt.Errorf("compose letter: %w", err)
	}
	if err := l.writeContent(w); err != nil {
		return nil, fmt.Errorf("compose letter: %w", err)
	}
	return &w.Template, nil
}

// boundary is what parts two parts. It comes from the content, so that a letter composed again is the same, and
// holds a = that is no code, so that no part encoded as base64 or quoted-printable can hold it, whatever its values are (RFC 2045, 6.7).
func (l Letter) boundary() string {
	hash := sha256.New()
	for _, text := range []string{l.Subject, l.Text, l.HTML} {
		fmt.Fprintf(hash, "%d:%s", len(text), text)
	}
	for _, a := range l.Attachments {
		fmt.Fprintf(hash, "%d:%s", len(a.Content), a.Content)
	}
	return "=_" + hex.EncodeToString(hash.Sum(nil)[:12])
}

func (l Letter) writeHeaders(w *writer) error {
	switch {
	case l.From == Mailbox{}:
		return errors.New("from is required: the address of who writes")
	case l.To == "":
		return errors.New("to is required: an address, or the slot for one")
	case strings.ContainsFunc(l.Subject, isSlot):
		return errors.New("the subject must be the same for everybody: take the slot out")
	case l.Date.IsZero():
		return errors.New("date is required")
	}
	from := netmail.Address{Name: readable(l.FromName), Address: l.From.String()}
	headers := []Header{
		{"From", from.String()},
		{"To", l.To},
		{"Subject", mime.QEncoding.Encode("utf-8", readable(l.Subject))},
		{"Date", l.Date.UTC().Format(time.RFC1123Z)},
		{"MIME-Version", "1.0"},
	}
	taken := make(map[string]bool)
	for _, h := range append(headers, l.Headers...) {
		name := textproto.CanonicalMIMEHeaderKey(h.Name)
		if taken[name] || strings.HasPrefix(name, "Content-") {
			return fmt.Errorf("the header %s stands in the message already: leave it out", h.Name)
		}
		taken[name] = true
		if err := w.header(h); err != nil {
			return err
		}
	}
	return nil
}

// readable makes one line of a text, in valid UTF-8, for a header.
func readable(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
}

// writeContent writes the parts with the headers that say what they are; of the outermost, these belong to the message.
func (l Letter) writeContent(w *writer) error {
	if strings.TrimSpace(l.Text) == "" {
		return errors.New("text is required: what is said to those whose program shows no HTML")
	}
	if len(l.Attachments) == 0 {
		return l.writeBody(w)
	}
	if err := w.open("mixed"); err != nil {
		return err
	}
	w.next("mixed")
	if err := l.writeBody(w); err != nil {
		return err
	}
	for _, a := range l.Attachments {
		w.next("mixed")
		if err := w.attach(a); err != nil {
			return err
		}
	}
	w.shut("mixed")
	return nil
}

func (l Letter) writeBody(w *writer) error {
	if l.HTML == "" {
		return w.part("text/plain", l.Text, inText)
	}
	if err := w.open("alternative"); err != nil {
		return err
	}
	w.next("alternative")
	if err := w.part("text/plain", l.Text, inText); err != nil {
		return err
	}
	w.next("alternative")
	if err := w.part("text/html", l.HTML, inHTML); err != nil {
		return err
	}
	w.shut("alternative")
	return nil
}

// writer writes a template from its beginning to its end.
type writer struct {
	Template
	// boundary begins every line between two parts.
	boundary string
}

func (w *writer) write(text string) { w.fixed = append(w.fixed, text...) }

// mark leaves a place for a value at the end of what is written.
func (w *writer) mark(slot rune, where place) {
	w.slots = append(w.slots, spot{at: len(w.fixed), value: int(slot - firstSlot), where: where})
	w.needs = max(w.needs, int(slot-firstSlot)+1)
}

// open begins a group of parts. The kind stands in its boundary, so that groups can lie in one another.
func (w *writer) open(kind string) error {
	content := mime.FormatMediaType("multipart/"+kind, map[string]string{"boundary": w.boundary + kind})
	if err := w.header(Header{"Content-Type", content}); err != nil {
		return err
	}
	w.write("\r\n")
	return nil
}

// next begins a part of a group, and shut ends the group (RFC 2046, 5.1.1). The line end before a boundary belongs to it.
func (w *writer) next(kind string) { w.write("\r\n--" + w.boundary + kind + "\r\n") }
func (w *writer) shut(kind string) { w.write("\r\n--" + w.boundary + kind + "--\r\n") }

// part writes a text with its slots.
func (w *writer) part(content, text string, where place) error {
	for _, h := range []Header{
		{"Content-Type", content + "; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		if err := w.header(h); err != nil {
			return err
		}
	}
	w.write("\r\n")
	w.quote(text, where)
	return nil
}

// attach writes a file in base64, whose lines are 76 characters long (RFC 2045, 6.8).
func (w *writer) attach(a Attachment) error {
	kind, parameters, err := mime.ParseMediaType(cmp.Or(a.ContentType, "application/octet-stream"))
	if err != nil {
		return fmt.Errorf("the attachment %q has the content type %q, which must be one such as text/calendar: %w", a.Name, a.ContentType, err)
	}
	content := mime.FormatMediaType(kind, parameters)
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": readable(a.Name)})
	for _, h := range []Header{
		{"Content-Type", content},
		{"Content-Transfer-Encoding", "base64"},
		{"Content-Disposition", disposition},
	} {
		if err := w.header(h); err != nil {
			return fmt.Errorf("the attachment %q: %w", a.Name, err)
		}
	}
	w.write("\r\n")
	const line = 57 // bytes, which are 76 characters
	for content := range slices.Chunk(a.Content, line) {
		w.fixed = base64.StdEncoding.AppendEncode(w.fixed, content)
		w.write("\r\n")
	}
	return nil
}
