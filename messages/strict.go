package messages

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// asked is a message as it was asked for, in either form, not judged yet.
type asked struct {
	deliverAt, expires, order string

	hasRequest  bool
	method, url string
	headers     http.Header
	body        []byte

	hasMail bool
	mail    postal
}

// A reader reads the value of a key from a decoder. The field is the path of the key, for problems.
type reader func(d *json.Decoder, field string) error

// parseJSON reads the JSON form. It is strict, because a message that was misread is sent to somebody: a key that is not known,
// spelled otherwise or there twice is refused, and so is a text that is not Unicode, since what is delivered would not be what was sent.
func parseJSON(doc []byte) (*asked, error) {
	if !utf8.Valid(doc) {
		return nil, malformed("the body is not UTF-8")
	}
	if brokenPair(doc) {
		return nil, malformed(`the body has half a pair of surrogates (\ud800 to \udfff), which is no character; send bytes as base64`)
	}
	m := &asked{headers: http.Header{}}
	var texts, encoded [2]*string // body and message
	read := object(new(bool), map[string]reader{
		"deliver_at": text(&m.deliverAt),
		"expires":    text(&m.expires),
		"order":      text(&m.order),
		"request": object(&m.hasRequest, map[string]reader{
			"method": text(&m.method), "url": text(&m.url), "headers": fields(m.headers),
			"body": optional(&texts[0]), "body_base64": optional(&encoded[0]),
		}),
		"mail": object(&m.hasMail, map[string]reader{
			"from": optional(&m.mail.from), "to": list(&m.mail.to),
			"message": optional(&texts[1]), "message_base64": optional(&encoded[1]),
		}),
	})
	d := json.NewDecoder(bytes.NewReader(doc))
	if err := read(d, ""); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("the body has more after its JSON value")
	}
	var err error
	if m.body, err = content("request.body", texts[0], encoded[0]); err != nil {
		return nil, err
	}
	m.mail.message, err = content("mail.message", texts[1], encoded[1])
	return m, err
}

// content gives what was written as text or as base64.
func content(field string, text, encoded *string) ([]byte, error) {
	switch {
	case text != nil && encoded != nil:
		return nil, invalid(field, "and "+field+"_base64 are two forms of one thing; give one")
	case text != nil:
		return []byte(*text), nil
	case encoded == nil:
		return nil, nil
	}
	body, err := base64.StdEncoding.Strict().DecodeString(*encoded)
	if err != nil {
		return nil, invalid(field+"_base64", "must be base64 (RFC 4648, section 4), with its padding")
	}
	return body, nil
}

// object reads an object of known keys, each at most once, and notes that something was there. null is as good as leaving it out.
func object(there *bool, known map[string]reader) reader {
	return func(d *json.Decoder, field string) error {
		return members(d, field, func(name, at string) error {
			*there = true
			read, ok := known[name]
			if !ok {
				return invalid(shortly(at), "is no known key; known are "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			}
			return read(d, at)
		})
	}
}

// members goes through the keys of an object, and has each read its value.
func members(d *json.Decoder, field string, each func(name, at string) error) error {
	t, err := d.Token()
	switch {
	case err != nil:
		return broken(err)
	case t == nil && field != "":
		return nil
	case t != json.Delim('{'):
		return invalid(orBody(field), "must be an object")
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return broken(err)
		}
		name, _ := t.(string) // a key is nothing else
		at := strings.TrimPrefix(field+"."+name, ".")
		if seen[name] {
			return invalid(shortly(at), "is there twice")
		}
		seen[name] = true
		if err := each(name, at); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return broken(err)
	}
	return nil
}

// value reads one value that has to be of a kind.
func value[T any](d *json.Decoder, field, rule string, into *T) error {
	err := d.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return invalid(shortly(field), rule)
	case err != nil:
		return broken(err)
	}
	return nil
}

func text(into *string) reader {
	return func(d *json.Decoder, field string) error { return value(d, field, "must be a text", into) }
}

func optional(into **string) reader {
	return func(d *json.Decoder, field string) error { return value(d, field, "must be a text", into) }
}

func list(into *[]string) reader {
	return func(d *json.Decoder, field string) error { return value(d, field, "must be a list of texts", into) }
}

// fields reads headers: an object of texts, by names that are the same however they are written.
func fields(into http.Header) reader {
	return func(d *json.Decoder, field string) error {
		return members(d, field, func(name, at string) error {
			canonical := http.CanonicalHeaderKey(name)
			if _, had := into[canonical]; had {
				return invalid(shortly(at), "is there twice, in other letters")
			}
			var given string
			if err := value(d, at, "must be a text", &given); err != nil {
				return err
			}
			into[canonical] = []string{given}
			return nil
		})
	}
}

// broken is JSON that is none. What the decoder says of it may quote the message, so only the place is told.
func broken(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed(fmt.Sprintf("the body is not JSON, from byte %d on", syntax.Offset))
	}
	return malformed("the body is not JSON: it ends too early")
}

// brokenPair finds an escape of half a pair of surrogates, which the decoder would replace.
func brokenPair(doc []byte) bool {
	for {
		at := bytes.IndexByte(doc, '\\')
		if at < 0 || at+1 >= len(doc) {
			return false
		}
		doc = doc[at:]
		switch half := surrogate(doc); half {
		case 0:
			doc = doc[2:]
		case 'h':
			if surrogate(doc[6:]) != 'l' {
				return true
			}
			doc = doc[12:]
		default:
			return true
		}
	}
}

// surrogate is h for the escape of a high surrogate, l for that of a low one, 0 for anything else.
func surrogate(doc []byte) byte {
	if len(doc) < 6 || doc[0] != '\\' || doc[1] != 'u' || doc[2]|0x20 != 'd' {
		return 0
	}
	switch c := doc[3] | 0x20; {
	case doc[3] == '8', doc[3] == '9', c == 'a', c == 'b':
		return 'h'
	case c >= 'c' && c <= 'f':
		return 'l'
	}
	return 0
}

// shortly shows a path that a stranger wrote.
func shortly(field string) string {
	if len(field) > 100 {
		field = strings.ToValidUTF8(field[:100], "") + "…"
	}
	return field
}

func orBody(field string) string {
	if field == "" {
		return "body"
	}
	return field
}
